"""What is known to go wrong with points elsewhere, tried here (docs/known-failures.md)."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from loyalty_service.checkout.rules.steps import AmountDiffers, ReservationLapsed
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from tests.clients import Client
from tests.factories import Shop, line
from tests.integration.counter import said
from tests.integration.test_reservations import PROGRAM, assert_proved
from tests.integration.till import CALLS, Till
from tests.integration.till import PROGRAM as TILL

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
BROKEN_DISK = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION fail()
"""
MENDED = "DROP TRIGGER fail ON {table}; DROP FUNCTION fail()"
WRITTEN_LAST = ("entry", "order_step", "hold", "event_waiting")


@pytest.fixture
def shop(db: Database) -> Iterator[Shop]:
    shop = Shop(db, PROGRAM)
    shop.enrol()
    shop.adjust(5_000)
    yield shop
    assert_proved(shop)


@pytest.fixture
def till(db: Database, clock: SettableClock, tmp_path: Path) -> Till:
    Shop(db, TILL)
    till = Till(Client(db, clock, tmp_path), db)
    till.open_account("m-1")
    return till


@pytest.mark.parametrize("table", WRITTEN_LAST)
@pytest.mark.parametrize("name", ["pay", "spend", "send", "reserve a", "release"])
def test_what_could_not_be_written_is_not_answered_as_done(
    till: Till, owner_connection: Any, name: str, table: str
) -> None:
    before = till.books_of("m-1"), till.books_of("m-1-f")
    with owner_connection.cursor() as cursor:
        cursor.execute(BROKEN_DISK.format(table=table))
        answer = till.call(name, key="k")
        cursor.execute(MENDED.format(table=table))

    if answer.status_code >= 500:
        assert (till.books_of("m-1"), till.books_of("m-1-f")) == before
    else:
        # It had nothing to write there.
        assert (table, name) in {("entry", "reserve a"), ("entry", "release"), ("hold", "spend"),
                                 ("hold", "send"), ("order_step", "pay"), ("order_step", "spend"),
                                 ("order_step", "send")}  # fmt: skip
    assert till.call(name, key="k").status_code == 200
    till.balance()


def test_a_reservation_survives_every_payment_that_fails(till: Till, owner_connection: Any) -> None:
    before = till.books_of("m-1")
    wrong = CALLS["pay"][2] | {"paid": {"amount": 1, "currency": "CNY"}}
    path = CALLS["pay"][1].replace("M", "m-1")

    refused = till.client.call("POST", path, wrong)
    with owner_connection.cursor() as cursor:
        cursor.execute(BROKEN_DISK.format(table="entry"))
        broken = till.call("pay")
        cursor.execute(MENDED.format(table="entry"))

    assert (said(refused), broken.status_code >= 500) == ("amount_differs", True)
    assert till.books_of("m-1") == before
    paid = till.call("pay")
    assert (paid.status_code, paid.json["spent"]["points"]) == (200, 600)
    till.balance()


def test_no_discount_is_left_when_its_points_are_not(shop: Shop, clock: SettableClock) -> None:
    promised = shop.reserve("o-1", points=4_000)["payable"]["amount"]
    shop.release("o-1")
    shop.pay("o-2", points=4_500)

    for step in (
        lambda: shop.pay_reserved("o-1", paid_minor=promised),
        lambda: shop.pay_reserved("o-1"),
        lambda: shop.pay_reserved("o-1", paid_minor=promised, accept_repricing=True),
    ):
        with pytest.raises((ReservationLapsed, AmountDiffers)):
            step()

    receipt = shop.pay_reserved("o-1", accept_repricing=True)
    assert (receipt["spent"]["points"], receipt["paid"]["amount"]) == (500, 9_500)


def test_a_return_told_again_and_again_gives_and_takes_once(shop: Shop) -> None:
    shop.pay("o-1", line(10_000, quantity=2), points=1_000)
    first = shop.give_back("o-1", "r-1", units=[(1, 1)])

    again = [shop.give_back("o-1", "r-1", units=[(1, 1)]) for _ in range(3)]

    assert again == [first] * 3
    assert (first["given_back"][0]["points"], first["taken"][0]["points"]) == (500, 45)
    assert shop.balance().balance == 5_000 - 1_000 + 90 + 500 - 45


def test_a_changed_rule_takes_back_exactly_what_was_given(shop: Shop, clock: SettableClock) -> None:
    shop.pay("o-1", line(10_000, quantity=4), points=1_000)
    clock.advance(DAY)
    dearer = PROGRAM.replace('points: 1, per: "1.00"', 'points: 9, per: "1.00"')
    shop.apply(dearer.replace("block_points: 100", "block_points: 1000"))
    clock.advance(DAY)

    half = shop.give_back("o-1", "r-1", units=[(1, 2)])
    rest = shop.cancel("o-1")

    assert [one["taken"][0]["points"] for one in (half, rest)] == [45, 45]
    assert [one["given_back"][0]["points"] for one in (half, rest)] == [500, 500]
    assert shop.balance().balance == 5_000


def test_a_lapse_and_a_cancellation_free_held_points_once(shop: Shop, clock: SettableClock) -> None:
    shop.reserve("o-1", points=3_000)
    clock.advance(31 * MINUTE)
    shop.tell("review")
    told = shop.cancel("o-1")
    again = shop.cancel("o-1")

    assert again == told
    assert (told["released"], shop.balance().active, shop.balance().held) == (0, 5_000, 0)


def test_points_that_end_while_the_customer_pays_still_pay(
    till: Till, clock: SettableClock
) -> None:
    till.call("reserve a")
    clock.advance(21 * MINUTE)

    paid = till.call("pay a")

    assert (paid.status_code, paid.json["spent"]["points"]) == (200, 500)
    till.balance()
