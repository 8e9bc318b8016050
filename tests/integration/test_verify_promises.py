"""The proof of what is held and promised: whatever somebody with all rights changes is named."""

from collections.abc import Iterator
from typing import Any

import pytest

from loyalty_service.ledger.rules.report import Report
from loyalty_service.ledger.rules.stored import ROW
from tests.conftest import START
from tests.databases import Lived, lived_through
from tests.integration.test_verify import Key, changed, copy, delete, exchange
from tests.integration.verify_world import (
    columns,
    keys_of,
    other_values,
    promise_everything,
    where,
)

DEARER = "amount_minor = amount_minor + 1"
STANDING = LAPSED = 2
"""Holds that stand and that have lapsed, one of each member."""


@pytest.fixture(scope="module")
def lived(server_url, template) -> Iterator[Lived]:
    with lived_through(server_url, template, START, promise_everything) as lived:
        yield lived


def keys_of_first(connection: Any, table: str) -> Iterator[Key]:
    return (key for key in keys_of(connection, table) if key["member_id"] == 1)


def named(report: Report | None) -> set[tuple[str, tuple[tuple[str, Any], ...], str]]:
    """Every (table, key, column) that the report names of the first member."""
    assert report is not None
    return {
        (fault.table, tuple(sorted(fault.key.items())), fault.column)
        for fault in report.faults
        if fault.member_id == 1
    }


def names(report: Report | None, key: Key, column: str) -> bool:
    """Whether the report names a hold; one that has moved, where it is missing or was put."""
    assert report is not None
    faults = [f for f in report.faults if f.table == "hold" and f.member_id == key["member_id"]]
    placed = [
        f for f in faults if all(f.key[name] == key[name] for name in ("order_no", "hold_no"))
    ]
    if column in key:
        return any(fault.column in (ROW, "points") for fault in placed)
    # Only all lots of a hold together tell how many points they are.
    return any(
        f.column == column and f.key.get("lot_seq", key["lot_seq"]) == key["lot_seq"]
        for f in placed
    )


def test_promises_that_have_ended_in_every_way_are_proved(world):
    with world.connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT (member_id, order_no, hold_no)), max(hold_no), max(lot_seq),"
            " count(*) FILTER (WHERE ended_at IS NULL),"
            " count(*) FILTER (WHERE ended_at = lapses_at) FROM hold"
        )
        (row,) = cursor.fetchall()

    with world.broken():
        report, _ = world.prove()

    assert report.faults == []
    assert row == (2 * 9, 3, 3, STANDING, LAPSED)


def test_a_change_of_any_column_of_a_hold_is_found_and_named(world):
    unnamed: list[Any] = []
    untried = {column for column, _ in columns(world.connection, "hold")}
    for key in keys_of_first(world.connection, "hold"):
        for column, kind in columns(world.connection, "hold"):
            for value in other_values(column, kind):
                report = changed(world, "hold", key, column, value)
                if report is None:
                    continue
                untried.discard(column)
                if not names(report, key, column):
                    unnamed.append((key, column, value, report.faults))

    assert not unnamed, "\n".join(map(repr, unnamed))
    assert untried == set()


def test_a_hold_that_was_ended_before_its_time_is_named(world):
    with world.connection.cursor() as cursor:
        cursor.execute("SELECT member_id, wallet, order_no, hold_no, lot_seq FROM hold"
                       " WHERE ended_at IS NULL AND member_id = 1")  # fmt: skip
        (row,) = cursor.fetchall()
    key = dict(zip(("member_id", "wallet", "order_no", "hold_no", "lot_seq"), row, strict=True))

    def end(cursor: Any) -> None:
        cursor.execute("UPDATE hold SET ended_at = lapses_at WHERE ended_at IS NULL")
        cursor.execute("UPDATE member SET holds_lapse_at = NULL")

    assert names(world.after(end), key, "ended_at")


def test_a_hold_that_is_deleted_is_named(world):
    for key in keys_of_first(world.connection, "hold"):
        report = world.after(lambda cursor, key=key: delete(cursor, "hold", key))

        assert names(report, key, "lot_seq"), (key, report)


@pytest.mark.parametrize("numbered", ["order_no", "hold_no", "lot_seq"])
def test_a_hold_that_is_put_in_is_named(world, numbered):
    for key in keys_of_first(world.connection, "hold"):
        there = {**key, numbered: key[numbered] + 1000}

        report = world.after(lambda c, key=key, there=there: copy(c, "hold", key, there))

        assert names(report, there, "lot_seq"), (key, report)


def test_a_hold_of_a_stranger_is_named(world):
    for key in keys_of_first(world.connection, "hold"):
        there = {**key, "member_id": 1001}

        report = world.after(lambda c, key=key, there=there: copy(c, "hold", key, there))

        assert 1001 in {fault.member_id for fault in report.faults if fault.table == "hold"}


def test_holds_exchanged_between_members_are_named(world):
    for key in keys_of_first(world.connection, "hold"):
        report = world.after(lambda cursor, key=key: exchange(cursor, "hold", key))

        assert report is not None
        holds = {fault.member_id for fault in report.faults if fault.table == "hold"}
        assert holds == {1, 2}, (key, report.faults)


def unpaid_orders(connection: Any) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT order_no FROM order_head WHERE member_id = 1 AND paid_at IS NULL")
        return {order_no for (order_no,) in cursor.fetchall()}


HEAD = ("price_minor", "cart", "reserved_since", "lapses_at", "hold_no", "opened_again_as")


@pytest.mark.parametrize("column", HEAD)
def test_what_an_order_says_of_its_promise_is_found_and_named(world, column):
    kinds, tried = dict(columns(world.connection, "order_head")), 0
    # Which cart was paid may be another than was reserved.
    for key in keys_of_first(world.connection, "order_head"):
        if column == "cart" and key["order_no"] not in unpaid_orders(world.connection):
            continue
        for value in other_values(column, kinds[column]):
            report = changed(world, "order_head", key, column, value)
            if report is None:
                continue
            tried += 1
            at = (("order_no", key["order_no"]),)
            assert ("order_head", at, column) in named(report), (key, value, report.faults)

    assert tried


SPENT = [
    ("{wallet}", "'\"growth\"'"),
    ("{points}", "'1'"),
    ("{worth}", "'1'"),
    ("{entry}", "'1'"),
    ("{draws}", "'[[1, 1]]'"),
]


@pytest.mark.parametrize(("path", "value"), SPENT)
def test_what_an_order_says_of_its_points_is_found_and_named(world, path, value):
    tried = 0
    for key in keys_of_first(world.connection, "order_head"):
        expression = f"jsonb_set(spent, '{path}', {value}, false)"
        report = changed(world, "order_head", key, "spent", expression)
        if report is None:
            continue
        tried += 1
        columns_named = {at[2] for at in named(report) if at[1] == (("order_no", key["order_no"]),)}
        assert columns_named & {"spent", "points", "points_minor"}, (key, value, report.faults)

    assert tried


def test_draws_in_another_order_are_named(world):
    drawn = (
        "SELECT order_no, jsonb_set(spent, '{draws}', jsonb_build_array("
        "spent #> '{draws,1}', spent #> '{draws,0}')) FROM order_head"
        " WHERE member_id = 1 AND jsonb_array_length(spent -> 'draws') = 2"
    )
    with world.connection.cursor() as cursor:
        cursor.execute(drawn)
        ((order_no, _), *_) = cursor.fetchall()

    report = world.after(
        lambda cursor: cursor.execute(
            f"UPDATE order_head h SET spent = d.spent FROM ({drawn}) AS d (order_no, spent)"
            " WHERE h.member_id = 1 AND h.order_no = d.order_no"
        )
    )

    assert ("order_head", (("order_no", order_no),), "spent") in named(report)


@pytest.mark.parametrize("gone", ["spent", "judged"])
def test_a_promise_that_an_order_forgets_is_named(world, gone):
    tried = 0
    for key in keys_of_first(world.connection, "order_head"):
        report = changed(world, "order_head", key, gone, "NULL")
        if report is None:
            continue
        tried += 1
        assert {at[0] for at in named(report)} & {"order_head", "order_line"}, (key, report.faults)

    assert tried


def test_another_first_order_than_promised_is_named(world):
    report = world.after(
        lambda cursor: cursor.execute(
            "UPDATE order_head SET judged = jsonb_set(judged, '{first}',"
            " to_jsonb(NOT (judged ->> 'first')::boolean)) WHERE paid_at IS NULL"
        )
    )

    assert "judged" in {column for _, _, column in named(report)}


@pytest.mark.parametrize(
    ("sets", "column"),
    [
        ("points = points + 1", "points"),
        (f"price_minor = price_minor + 1, paid_minor = paid_minor + 1, {DEARER}", "price_minor"),
        (
            f"price_minor = price_minor + 1, points_minor = points_minor + 1, {DEARER}",
            "price_minor",
        ),
        ("points_minor = points_minor + 1, paid_minor = paid_minor - 1", "paid_minor"),
    ],
)
def test_what_a_line_says_of_its_price_and_points_is_named(world, sets, column):
    tried = 0
    for key in keys_of_first(world.connection, "order_line"):
        at = where(key)
        report = world.after(
            lambda cursor, at=at: cursor.execute(
                f"UPDATE order_line SET {sets} WHERE " + at.as_string(cursor)
            )
        )
        if report is None:
            continue
        tried += 1
        assert column in {name for _, _, name in named(report)}, (key, report.faults)

    assert tried


@pytest.mark.parametrize("column", ["holds_lapse_at", "redemption_locked_since"])
@pytest.mark.parametrize("member", [1, 2])
def test_what_a_member_says_of_holds_and_locks_is_named(world, column, member):
    values = [*other_values(column, "timestamp with time zone"), "now()"]
    for value in values:
        report = changed(world, "member", {"member_id": member}, column, value)
        if report is None:
            continue
        found = {(fault.member_id, fault.table, fault.column) for fault in report.faults}
        assert (member, "member", column) in found, (value, report.faults)
