"""Two calls at once, in both orders: each comes to what it comes to one after the other.

No call is faster or slower by luck: the test holds the lock that they need and lets them in one
behind the other.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

import pytest

from loyalty_service.checkout.service.batch import MEMBERS_AT_ONCE
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from tests.clients import Client
from tests.factories import Shop
from tests.integration.counter import CALLS, PROGRAM, Counter, cart, said, units
from tests.integration.meetings import (
    ACTOR,
    KEY,
    MEMBER,
    MEMBER_REF,
    ORDER_REF,
    count_deadlocks,
    held,
)

MANY = 24

# First call, second call, what the second is answered, points at the end (of 93 before).
MEETINGS = [
    ("pay", "pay", 200, 93 + 23),
    ("pay", "pay otherwise", "order_differs", 93 + 23),
    ("pay otherwise", "pay", "order_differs", 93 + 24),
    ("fulfil", "fulfil", 200, 93),
    ("fulfil", "cancel", 200, 70),
    ("cancel", "fulfil", "order_cancelled", 70),
    ("cancel", "cancel", 200, 70),
    ("fulfil", "return all", 200, 70),
    ("return all", "fulfil", 200, 70),
    ("return one", "cancel", 200, 70),
    ("cancel", "return one", "more_than_left", 70),
    ("return all", "cancel", "nothing_left_to_return", 70),
    ("return one", "return one", 200, 93 - 5),
    ("return one", "return otherwise", "return_differs", 93 - 5),
    ("return otherwise", "return one", "return_differs", 93 - 11),
    ("return one", "return all", "more_than_left", 93 - 5),
    ("return all", "return one", "more_than_left", 70),
    ("take", "take", "insufficient_points", 33),
    ("take", "undo gift", 200, 93 - 160),
    ("undo gift", "take", "insufficient_points", 93 - 100),
    ("undo gift", "undo gift", "not_reversible", 93 - 100),
    ("undo loss", "undo loss", "not_reversible", 93 + 30),
    ("sign up", "sign up", "already_counted", 193),
    ("check in", "check in", "already_counted", 98),
    ("review", "review", 200, 93 + 20),
    ("batch", "pay", 200, 93 + 23 - 5),
    ("pay", "batch", 200, 93 + 23 - 5),
]


@pytest.fixture
def db(database_url: str, clock: SettableClock) -> Iterator[Database]:
    """As the service has it, with a connection for every call of a test and time to wait."""
    database = Database(database_url, clock=clock, pool_size=MANY, lock_timeout_ms=60_000)
    yield database
    database.close()


@pytest.fixture
def counter(db: Database, clock: SettableClock, tmp_path: Path) -> Counter:
    Shop(db, PROGRAM)
    counter = Counter(Client(db, clock, tmp_path), db)
    counter.open_account("m-1")
    return counter


@pytest.mark.parametrize(("first", "second", "answer", "left"), MEETINGS)
def test_two_calls_at_once_come_to_what_one_after_the_other_does(
    counter, db, first, second, answer, left
):
    with held(db, MEMBER, ["m-1"]) as gate:
        gate.let_in(lambda: counter.call(first))
        gate.let_in(lambda: counter.call(second))
        answers = gate.open()

    assert [said(each) for each in answers] == [200, answer]
    assert counter.balance() == left


@pytest.mark.parametrize("again", ["pay", "fulfil", "cancel", "return one"])
def test_the_same_step_twice_at_once_is_answered_with_the_same_bytes(counter, db, again):
    with held(db, MEMBER, ["m-1"]) as gate:
        gate.let_in(lambda: counter.call(again))
        gate.let_in(lambda: counter.call(again))
        first, second = gate.open()

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.data == second.data


@pytest.mark.parametrize("seed", range(4))
def test_calls_that_meet_by_chance_come_to_what_one_after_the_other_does(counter, db, seed):
    counter.open_account("m-2")
    names = Random(seed).sample(sorted(CALLS), len(CALLS) // 2 * 2)
    expected, answers = [counter.call(name, "m-2") for name in names], []

    for first, second in zip(names[::2], names[1::2], strict=True):
        with held(db, MEMBER, ["m-1"]) as gate:
            gate.let_in(partial(counter.call, first))
            gate.let_in(partial(counter.call, second))
            answers += gate.open()

    assert [each.text for each in answers] == [e.text.replace("m-2", "m-1") for e in expected]
    assert counter.balance("m-1") == counter.balance("m-2")


@pytest.mark.parametrize("name", sorted(n for n in CALLS if CALLS[n][0] == "POST" and n != "batch"))
def test_copies_of_a_call_at_once_have_one_effect_and_the_same_bytes(counter, db, name):
    with held(db, MEMBER, ["m-1"]) as gate:
        for _ in range(3):
            gate.let_in(lambda: counter.call(name, key="k"))
        answers = gate.open()

    assert len({(each.status_code, each.data) for each in answers}) == 1
    events = "SELECT count(*) FROM event"
    before = db.fetch(events)
    assert counter.call(name, key="k").data == answers[0].data
    assert db.fetch(events) == before == [(4 + 1,)]


@pytest.mark.parametrize(("first", "second"), [("take", "give"), ("give", "take")])
def test_a_key_used_for_two_requests_at_once_counts_for_the_first(counter, db, first, second):
    with held(db, MEMBER, ["m-1"]) as gate:
        gate.let_in(lambda: counter.call(first, key="k"))
        gate.let_in(lambda: counter.call(second, key="k"))
        answers = gate.open()

    assert [said(each) for each in answers] == [200, "idempotency_key_reused"]
    assert counter.balance() == (93 - 60 if first == "take" else 93 + 10)


def test_a_refusal_on_its_way_and_a_copy_that_succeeds_give_one_answer(counter, db):
    assert counter.call("take").status_code == 200

    with held(db, KEY, "k") as gate:
        gate.let_in(lambda: counter.call("take", key="k"))
        assert [counter.call("give").status_code for _ in range(3)] == [200] * 3
        gate.let_in(lambda: counter.call("take", key="k"))
        refused, copy = gate.open()

    assert (refused.status_code, refused.data) == (copy.status_code, copy.data)
    assert said(copy) in (200, "insufficient_points")
    assert counter.balance() == 33 + 30 - (60 if copy.status_code == 200 else 0)


@pytest.mark.parametrize(("first", "second"), [("m-1", "m-2"), ("m-2", "m-1")])
def test_an_order_told_for_two_members_at_once_belongs_to_one(counter, db, first, second):
    counter.open_account("m-2")
    refs = {"m-1": "m-2", "m-2": "m-1"}

    def pay(member):
        return counter.client.call("POST", f"/members/{member}/orders/same/payment", cart())

    with held(db, ORDER_REF, "same") as gate:
        gate.let_in(lambda: pay(first))
        gate.let_in(lambda: pay(second))
        answers = dict(zip((first, second), gate.open(), strict=True))

    (owner,) = [member for member in answers if answers[member].status_code == 200]
    assert said(answers[refs[owner]]) == "order_of_another_member"
    assert counter.balance(owner) == 93 + 23
    assert counter.balance(refs[owner]) == 93
    assert counter.client.call("GET", "/orders/same").json["member_ref"] == f"shop:{owner}"


@pytest.mark.parametrize("keep", [False, True])
def test_the_same_reference_enrolled_twice_at_once_is_one_member(counter, db, keep):
    with held(db, MEMBER_REF, "new") as gate:
        gate.let_in(lambda: counter.client.call("PUT", "/members/new", {"tags": ["a"]}))
        gate.let_in(lambda: counter.client.call("PUT", "/members/new", {"tags": ["b"]}))
        answers = gate.open(keep=keep)

    assert [each.status_code for each in answers] == [200, 200]
    assert db.fetch("SELECT count(*) FROM member") == [(1 if keep else 2,)]
    assert counter.client.call("GET", "/members/new").json["tags"] in (["a"], ["b"])
    assert counter.balance() == 93


@pytest.mark.parametrize("message", range(1, 7))
def test_a_copy_that_enrols_between_two_messages_makes_no_difference(
    counter, database_url, clock, tmp_path, message
):
    sent, refs = [], {"refs": [{"kind": "card", "value": "7"}]}

    def look(text: bytes) -> None:
        sent.append(text)
        if len(sent) == message:
            assert counter.client.call("PUT", "/members/new", refs).status_code == 200

    db = Database(database_url, clock=clock, on_message=look)
    (tmp_path / "slow").mkdir()
    slow = Client(db, clock, tmp_path / "slow").call("PUT", "/members/new", refs)
    db.close()

    assert slow.status_code == 200, slow.text
    assert counter.db.fetch("SELECT count(*) FROM member") == [(2,)]


def test_references_enrolled_crosswise_at_once_are_one_member(counter, db, owner_connection):
    def put(ref, *others):
        refs = [{"kind": "shop", "value": other} for other in others]
        return counter.client.call("PUT", f"/members/{ref}", {"refs": refs})

    with held(db, MEMBER_REF, "b") as gate:
        gate.let_in(lambda: put("a", "b", "c"))
        gate.let_in(lambda: put("c", "b", "a"))
        answers = gate.open()

    assert [each.status_code for each in answers] == [200, 200]
    assert db.fetch("SELECT count(*) FROM member") == [(2,)]
    assert counter.balance() == 93
    assert count_deadlocks(db, owner_connection) == 0


def test_members_of_batches_that_cross_are_locked_in_one_order(counter, db, owner_connection):
    members = ["m-1", "m-2", "m-3"]
    for member in members[1:]:
        counter.open_account(member)

    def send(order, refs):
        items = [{"member_ref": m, "order_ref": f"{order}-{m}", "order": cart()} for m in refs]
        return counter.client.call("POST", "/orders/batch", {"items": items})

    with held(db, MEMBER, ["m-2"]) as gate:
        gate.let_in(lambda: send("up", members))
        gate.let_in(lambda: send("down", members[::-1]))
        answers = gate.open()

    assert [each.json["taken"] for each in answers] == [3, 3]
    assert [counter.balance(member) for member in members] == [93 + 46] * 3
    assert count_deadlocks(db, owner_connection) == 0


def test_orders_of_batches_that_cross_belong_to_one_member_each(counter, db, owner_connection):
    counter.open_account("m-2")

    def send(member, orders):
        items = [{"member_ref": member, "order_ref": o, "order": cart()} for o in orders]
        return counter.client.call("POST", "/orders/batch", {"items": items})

    with held(db, ORDER_REF, "b") as gate:
        gate.let_in(lambda: send("m-1", ["a", "b", "c"]))
        gate.let_in(lambda: send("m-2", ["c", "b", "a"]))
        answers = gate.open()

    assert sorted(each.json["taken"] for each in answers) == [0, 3]
    assert counter.balance("m-1") + counter.balance("m-2") == 2 * 93 + 3 * 23
    assert count_deadlocks(db, owner_connection) == 0


def test_a_key_of_two_batches_at_once_counts_for_the_first(counter, db):
    def send(order):
        item = {"member_ref": "m-1", "order_ref": order, "order": cart()}
        return counter.client.call("POST", "/orders/batch", {"items": [item]}, key="k")

    with held(db, MEMBER, ["m-1"]) as gate:
        gate.let_in(lambda: send("one"))
        gate.let_in(lambda: send("two"))
        first, other = gate.open()

    assert (said(first), said(other)) == (200, "idempotency_key_reused")
    assert counter.balance() == 93 + 23
    assert said(counter.client.call("GET", "/orders/two")) == "order_unknown"


def test_copies_of_a_batch_at_once_get_the_same_bytes(counter, db):
    with held(db, MEMBER, ["m-1"]) as gate:
        gate.let_in(lambda: counter.call("batch", key="k"))
        gate.let_in(lambda: counter.call("batch", key="k"))
        first, second = gate.open()

    assert (first.status_code, first.data) == (second.status_code, second.data)
    assert counter.call("batch", key="k").data == first.data
    assert counter.balance() == 93 + 23 - 5


def test_a_copy_of_a_batch_waits_for_the_part_that_is_being_done(counter, db):
    counter.open_account("m-2")
    # What names no cart is a part of its own, refused unless the order is reserved.
    promised = {"member_ref": "m-2", "order_ref": "late", "order": {"payment_ref": "charge"}}
    body = {"items": [{"member_ref": "m-1", "order_ref": "new", "order": cart()}, promised]}

    def send():
        return counter.client.call("POST", "/orders/batch", body, key="k")

    def reserve():
        path = "/members/m-2/orders/late/reservation"
        return counter.client.call("PUT", path, {"lines": cart()["lines"]})

    with held(db, MEMBER, ["m-2"]) as gate:
        gate.let_in(send)
        gate.let_in(reserve)
        gate.let_in(send)
        first, reserved, second = gate.open()

    assert reserved.status_code == 200
    assert (first.json["taken"], first.json["refused"]) == (1, 1)
    assert second.data == first.data
    assert counter.client.call("GET", "/orders/late").json["state"] == "reserved"


def test_a_batch_that_broke_off_goes_on_with_what_it_came_to(
    counter, db, database_url, clock, tmp_path
):
    counter.open_account("m-2")
    returned = {"member_ref": "m-1", "order_ref": "late", "return": {"return_ref": "r", **units(1)}}
    strangers = [
        {"member_ref": f"s-{n}", "order_ref": f"s-{n}", "order": cart()}
        for n in range(MEMBERS_AT_ONCE)
    ]
    paid = {"member_ref": "m-2", "order_ref": "paid", "order": cart()}
    items = {"items": [returned, *strangers, paid]}
    hasty = Database(database_url, clock=clock, lock_timeout_ms=100)
    (tmp_path / "hasty").mkdir()

    with held(db, MEMBER, ["m-2"]):
        client = Client(hasty, clock, tmp_path / "hasty")
        broken = client.call("POST", "/orders/batch", items, key="k")
    hasty.close()
    assert said(broken) == "busy"
    order = counter.client.call("POST", "/members/m-1/orders/late/payment", cart())
    again = counter.client.call("POST", "/orders/batch", items, key="k")

    assert (order.status_code, again.status_code) == (200, 200)
    outcomes = [outcome["status"] for outcome in again.json["outcomes"]]
    assert outcomes == [404] * (1 + MEMBERS_AT_ONCE) + [200]
    assert counter.client.call("GET", "/orders/late").json["steps"] == []
    assert (counter.balance("m-1"), counter.balance("m-2")) == (93 + 23, 93 + 23)


def test_a_reference_that_moves_while_a_call_waits_is_looked_up_again(counter, db):
    client = counter.client
    refs = [{"kind": "card", "value": "7"}]
    assert client.call("PUT", "/members/m-1", {"refs": refs}).status_code == 200
    counter.open_account("m-2")
    db.cache.clear()

    with held(db, MEMBER, ["m-1"]) as gate:
        gate.let_in(lambda: client.call("PUT", "/members/m-1", {"refs": []}))
        gate.let_in(lambda: client.call("POST", "/members/card:7/orders/o/payment", cart()))
        _, late = gate.open()
    assert client.call("PUT", "/members/m-2", {"refs": refs}).status_code == 200
    paid = client.call("POST", "/members/card:7/orders/o/payment", cart())

    assert (said(late), said(paid)) == ("member_unknown", 200)
    assert (counter.balance("m-1"), counter.balance("m-2")) == (93, 93 + 23)


def test_many_callers_who_act_for_the_first_time_at_once_all_may(counter, db):
    members = [f"n-{number}" for number in range(12)]
    for member in members:
        counter.open_account(member)

    with held(db, ACTOR, "somebody") as gate:
        for member in members:
            gate.let_in(lambda member=member: counter.call("give", member, subject=member))
        answers = gate.open()

    assert [each.status_code for each in answers] == [200] * len(members)
    actors = "SELECT count(*), count(DISTINCT actor_id) FROM actor WHERE name LIKE 'n-%%'"
    assert db.fetch(actors) == [(len(members), len(members))]
