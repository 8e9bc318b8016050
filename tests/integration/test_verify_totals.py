"""What calendar limits have used up is proved from orders and events."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from loyalty_service.events.rules import ONCE
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.ledger.rules.stored import ROW
from tests.conftest import START
from tests.databases import Lived, lived_through
from tests.factories import PLAIN, Shop, line
from tests.integration.verify_world import World

COUNTING = PLAIN.replace(
    "returns:",
    """\
    - {id: reviewing, name: {en: Review, zh: 评价}, wallet: points, group: base, on: review,
       give: {fixed: 20}, activation: {on: payment}, expiry: never}
    - {id: cake, name: {en: Cake, zh: 蛋糕}, wallet: points, group: base, on: birthday,
       give: {fixed: 9}, activation: {on: payment}, expiry: never}
  caps:
    - {id: yearly, name: {en: y, zh: 年}, covers: [base, reviewing], per: member, period: year,
       points: 400, over: cut}
    - {id: often, name: {en: o, zh: 次}, covers: [growing, reviewing], per: member, period: ever,
       times: 90, over: cut}
returns:""",
)
REDEEMING = COUNTING.replace(
    "returns:", 'redemption: {block_points: 100, block_value: "1.00"}\nreturns:'
)
UNCOUNTED = PLAIN.replace("Growing", "Grown")
"""A later version without limits; what was counted before it stays."""


def count_everything(db: Database, clock: SettableClock) -> Shop:
    """Two members with orders, returns, cancellations, events and a program that changed."""
    shop = Shop(db, COUNTING)
    for member in ("m-1", "m-2"):
        shop.enrol(member)
        shop.pay(f"{member}-1", line(12_300, quantity=3), line(4_500), member=member)
        shop.tell("review", member=member)
        clock.advance(timedelta(hours=20))
        shop.pay(f"{member}-2", line(30_000, quantity=7), line(90), member=member)
        shop.give_back(f"{member}-1", units=[(1, 1)], member=member)
        shop.give_back(f"{member}-2", amount_minor=1_111, member=member)
        shop.pay(f"{member}-3", line(5_000), member=member)
        shop.cancel(f"{member}-3", member=member)
        for once in ONCE:
            shop.tell(once, member=member)
    clock.advance(timedelta(days=1))
    shop.apply(UNCOUNTED)
    shop.pay("m-1-4", line(7_700))
    shop.cancel("m-1-2")
    return shop


@pytest.fixture(scope="module")
def lived(server_url, template) -> Iterator[Lived]:
    with lived_through(server_url, template, START, count_everything) as lived:
        yield lived


def totals(connection: Any) -> list[tuple[int, str, str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT member_id, metric, day::text, amount FROM member_total ORDER BY 1, 2, 3"
        )
        found: list[tuple[int, str, str, int]] = cursor.fetchall()
        return found


def test_what_limits_have_used_up_is_what_orders_and_events_gave(world):
    with world.broken():
        report, _ = world.prove()

    assert report.faults == []
    metrics = {name for _, name, _, amount in totals(world.connection) if amount}
    assert metrics == {
        *(f"event:{once}" for once in ONCE),
        "earned:growth",
        "earned:points",
        "orders",
        "spend",
        "points:base",
        "points:growing",
        "points:reviewing",
        "times:base",
        "times:growing",
        "times:reviewing",
    }


def test_any_change_of_any_sum_is_found_and_named(world):
    for member_id, name, day, amount in totals(world.connection):
        if member_id != 1:
            continue
        where = f"WHERE member_id = {member_id} AND metric = '{name}' AND day = '{day}'"
        there = {"metric": name, "day": day}
        changes = {
            "UPDATE member_total SET amount = amount + 1 ": ("amount", amount, amount + 1),
            "UPDATE member_total SET day = day - 400 ": (ROW, amount, "missing"),
            "UPDATE member_total SET metric = metric || 'x' ": (ROW, amount, "missing"),
            "UPDATE member_total SET member_id = 77 ": (ROW, amount, "missing"),
            "DELETE FROM member_total ": (ROW, amount, "missing"),
        }
        for change, named in changes.items():
            report = world.after(lambda cursor, sql=change + where: cursor.execute(sql))

            if not amount and named[0] == ROW:
                # Nothing is missing where nothing was counted.
                assert report is not None
                continue
            assert named in {
                (fault.column, fault.expected, fault.found)
                for fault in report.faults
                if (fault.member_id, fault.table, dict(fault.key))
                == (member_id, "member_total", there)
            }, (change, where, report.faults)


def test_a_sum_that_nothing_gave_is_named(world):
    statement = "INSERT INTO member_total VALUES (2, 'points:base', '2020-02-29', 5)"

    report = world.after(lambda cursor: cursor.execute(statement))

    (fault,) = report.faults
    assert (fault.member_id, fault.table, fault.column) == (2, "member_total", "amount")
    assert (fault.expected, fault.found) == (0, 5)


def test_an_order_moved_to_another_day_no_longer_fits_its_limits(world):
    statement = "UPDATE order_head SET placed_at = placed_at - interval '9 days' WHERE order_no = 1"

    report = world.after(lambda cursor: cursor.execute(statement))

    assert {fault.table for fault in report.faults} == {"member_total"}
    assert {fault.member_id for fault in report.faults} == {1, 2}


def test_an_order_reserved_on_one_day_and_paid_on_another_counts_where_it_was_placed(
    db, clock, owner_connection
):
    shop = Shop(db, REDEEMING)
    shop.enrol()
    shop.adjust(500)
    shop.reserve("late", line(9_000), points=100)
    clock.advance(timedelta(minutes=10))
    shop.pay_reserved("late", paid_minor=8_900)
    shop.reserve("lapsed", line(9_000), points=100)
    clock.advance(timedelta(days=2))
    shop.pay_reserved("lapsed", paid_minor=8_900)
    shop.give_back("late", units=[(1, 1)])
    shop.cancel("lapsed")
    world = World(owner_connection, clock)

    with world.broken():
        report, _ = world.prove()

    assert report.faults == []
