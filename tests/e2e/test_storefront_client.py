"""The client that integrators copy, against the real service: what it repeats, what it raises."""

import pytest

from examples.storefront.client import (
    LONGEST_WAIT_S,
    Conflict,
    Invalid,
    Loyalty,
    NotFound,
    Problem,
    Unavailable,
)
from loyalty_service.kit.db import Database
from tests.databases import connect
from tests.factories import Shop
from tests.storefront import between, line, loyalty_served, needs_spending, points_of

CART = {"lines": [line(quantity=2)]}
REDEMPTION = """
redemption: {block_points: 100, block_value: "1.00", minimum_points: 500, max_share: "0.5"}
"""


@pytest.fixture
def service(database_url, clock, tmp_path):
    db = Database(database_url, clock=clock, lock_timeout_ms=100)
    with loyalty_served(db, tmp_path) as service:
        yield service
    db.close()


@pytest.fixture
def shop(db):
    from tests.factories import PLAIN

    shop = Shop(db, PLAIN + REDEMPTION)
    shop.enrol("mei")
    return shop


@pytest.fixture
def wire(service, shop):
    with between(service[0]) as wire:
        yield wire


@pytest.fixture
def waits():
    return []


@pytest.fixture
def loyalty(service, wire, waits):
    return Loyalty(wire.address, service[1], sleep=waits.append)


def keys(wire, path_end):
    return [key for _, path, key in wire.seen if path.endswith(path_end)]


def test_a_life_without_points_in_the_order_the_docstrings_tell(loyalty):
    loyalty.enrol("lin", tags=["newsletter"])
    receipt = loyalty.pay("lin", "o-1", "ch-1", fulfilled=False, **CART)
    loyalty.fulfil("lin", "o-1")
    fulfilled = points_of(loyalty, "lin")
    returned = loyalty.take_return("lin", "o-1", "r-1", {1: 1})
    cancelled = loyalty.cancel("lin", "o-1")

    assert receipt["paid"]["amount"] == 10_000
    assert fulfilled["active"] == 100
    assert returned["returned"]["amount"] == 5_000
    assert cancelled["returned"]["amount"] == 5_000
    assert points_of(loyalty, "lin")["balance"] == 0
    story = loyalty.order("lin", "o-1")
    assert story["state"] == "cancelled"
    steps = [step["step"] for step in story["steps"]]
    assert steps == ["fulfilment", "return", "cancellation"]


def test_entries_come_page_by_page_and_are_explained_in_a_language(loyalty):
    loyalty.pay("mei", "o-1", "ch-1", **CART)
    loyalty.pay("mei", "o-2", "ch-2", **CART)

    first = loyalty.entries("mei", wallet="points", limit=1)
    second = loyalty.entries("mei", wallet="points", limit=1, cursor=first["next"])

    assert [page["entries"][0]["order_ref"] for page in (first, second)] == ["o-2", "o-1"]
    assert "合计" in loyalty.entry("mei", "points", 1, "zh")["words"][-1]


def test_a_payment_whose_answer_is_lost_is_sent_again_with_its_key_and_counts_once(loyalty, wire):
    wire.faults.append("cut")

    receipt = loyalty.pay("mei", "o-1", "ch-1", **CART)

    first, again = keys(wire, "/payment")
    assert first == again
    assert receipt["earned"][0]["entry"] == 1
    assert points_of(loyalty)["active"] == 100


def test_a_payment_that_is_not_answered_in_time_is_sent_again_with_its_key(service, wire, waits):
    hasty = Loyalty(wire.address, service[1], timeout_s=0.5, sleep=waits.append)
    wire.faults.append("silent")

    hasty.pay("mei", "o-1", "ch-1", **CART)

    assert len(set(keys(wire, "/payment"))) == 1
    assert points_of(hasty)["active"] == 100


def test_two_calls_have_two_keys(loyalty, wire):
    loyalty.pay("mei", "o-1", "ch-1", **CART)
    loyalty.pay("mei", "o-1", "ch-1", **CART)

    assert len(set(keys(wire, "/payment"))) == 2
    assert points_of(loyalty)["active"] == 100


def test_reading_needs_no_key(loyalty, wire):
    loyalty.balance("mei")
    loyalty.enrol("mei")

    assert [key for _, _, key in wire.seen] == [None, None]


def test_a_service_that_is_away_is_asked_again_after_the_seconds_it_names(loyalty, wire, waits):
    wire.faults.append((503, 3))

    loyalty.balance("mei")

    assert waits == [3.0]


def test_no_service_makes_a_caller_wait_longer_than_the_longest(loyalty, wire, waits):
    wire.faults.append((503, 3_600))

    loyalty.balance("mei")

    assert waits == [LONGEST_WAIT_S]


def test_a_busy_member_is_tried_again_with_the_same_key(service, shop, wire, database_url):
    holder = connect(database_url)
    holder.autocommit = False
    with holder.cursor() as cursor:
        cursor.execute("SELECT 1 FROM member FOR UPDATE")
    patient = Loyalty(wire.address, service[1], sleep=lambda _: holder.rollback())

    patient.pay("mei", "o-1", "ch-1", **CART)

    holder.close()
    first, again = keys(wire, "/payment")
    assert first == again
    assert points_of(patient)["active"] == 100


def test_tries_are_bounded_and_waits_grow(loyalty, wire, waits):
    wire.faults.extend(["cut"] * 10)

    with pytest.raises(Unavailable):
        loyalty.pay("mei", "o-1", "ch-1", **CART)

    assert len(set(keys(wire, "/payment"))) == 1
    assert len(wire.seen) == 4
    assert [0.1 * 2**n <= wait <= 0.2 * 2**n for n, wait in enumerate(waits)] == [True] * 3


def test_nobody_at_the_address_is_unavailable(service, waits):
    with between(service[0]) as gone:
        loyalty = Loyalty(gone.address, service[1], sleep=waits.append)

    with pytest.raises(Unavailable):
        loyalty.balance("mei")

    assert len(waits) == 3


@pytest.mark.parametrize("fault", [429, 500, 502, 504, "page"])
def test_what_passes_is_tried_again(loyalty, wire, waits, fault):
    wire.faults.append(fault)

    assert points_of(loyalty)["active"] == 0
    assert len(waits) == 1


def test_every_try_asks_for_a_token(service, wire, waits):
    signed = []

    def sign():
        signed.append(service[1]())
        return signed[-1]

    wire.faults.append("cut")
    Loyalty(wire.address, sign, sleep=waits.append).balance("mei")

    assert len(signed) == 2


def refusal(wire, kind, call):
    with pytest.raises(kind) as caught:
        call()
    assert len(wire.seen) == 1, "a refusal is not repeated"
    return caught.value


def test_an_unknown_member_is_not_found(loyalty, wire):
    problem = refusal(wire, NotFound, lambda: loyalty.balance("nobody"))

    assert (problem.status, problem.code) == (404, "member_unknown")


def test_another_state_is_a_conflict_with_values(loyalty, wire):
    loyalty.pay("mei", "o-1", "ch-1", **CART)
    wire.seen.clear()

    problem = refusal(wire, Conflict, lambda: loyalty.pay("mei", "o-1", "ch-2", **CART))

    assert (problem.status, problem.code) == (409, "order_differs")
    assert problem.values["asked"] == "o-1"


def test_a_rule_that_says_no_is_invalid_with_values_and_path(loyalty, wire):
    wrong = {"amount": 1, "currency": "CNY"}

    problem = refusal(wire, Invalid, lambda: loyalty.pay("mei", "o-1", "ch-1", paid=wrong, **CART))

    assert (problem.status, problem.code) == (422, "cart_does_not_add_up")
    assert problem.path == "paid"
    assert problem.values["asked"] == 1


def test_a_bad_token_is_a_problem_of_the_program(wire):
    loyalty = Loyalty(wire.address, lambda: "none")

    problem = refusal(wire, Problem, lambda: loyalty.balance("mei"))

    assert type(problem) is Problem
    assert problem.status == 401


def test_a_name_cannot_leave_its_place_in_the_address(loyalty, wire):
    with pytest.raises(Problem):
        loyalty.balance("mei/../lin")

    assert wire.seen[0][1] == "/v1/members/mei%2F..%2Flin/balance"


@needs_spending
def test_points_are_quoted_held_and_spent(loyalty, shop):
    shop.adjust(1_000, member="mei")

    quote = loyalty.quote("mei", {**CART, "points": 700})
    promise = loyalty.reserve("mei", "o-1", {**CART, "points": 700})
    held = points_of(loyalty)
    receipt = loyalty.pay("mei", "o-1", "ch-1", paid=promise["payable"])

    assert quote["points"]["used"] == 700
    assert quote["payable"] == promise["payable"]
    assert (held["active"], held["held"]) == (300, 700)
    assert receipt["spent"]["points"] == 700
    assert points_of(loyalty)["held"] == 0


@needs_spending
def test_a_quote_carries_no_key_and_sees_what_its_order_holds(loyalty, shop, wire):
    shop.adjust(1_000, member="mei")
    loyalty.reserve("mei", "o-1", {**CART, "points": 700})

    for_order = loyalty.quote("mei", {**CART, "points": 1_000}, "o-1")
    for_another = loyalty.quote("mei", {**CART, "points": 1_000})

    assert for_order["points"]["limits"]["available"] == 1_000
    assert for_another["points"]["limits"]["available"] == 300
    assert keys(wire, "/quotes") == [None, None]


@needs_spending
def test_a_release_whose_answer_is_lost_is_repeated_and_frees_the_points(loyalty, shop, wire):
    shop.adjust(1_000, member="mei")
    loyalty.reserve("mei", "o-1", {**CART, "points": 700})
    wire.faults.append("cut")

    released = loyalty.release("mei", "o-1")

    assert released["points"] == 700
    assert points_of(loyalty)["active"] == 1_000
    assert len(set(keys(wire, "/release"))) == 1


@needs_spending
def test_points_that_are_not_there_are_a_conflict_that_says_how_many_are(loyalty, shop, wire):
    shop.adjust(600, member="mei")
    wire.seen.clear()

    problem = refusal(
        wire, Conflict, lambda: loyalty.reserve("mei", "o-1", {**CART, "points": 700})
    )

    assert problem.code == "insufficient_points"
    assert problem.values == {"asked": 700, "available": 600}
