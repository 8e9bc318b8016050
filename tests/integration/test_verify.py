"""The proof of a whole database: everything that somebody with all rights changes is named."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from loyalty_service.ledger.rules.heads import Earlier
from loyalty_service.ledger.rules.report import Report
from loyalty_service.ledger.rules.stored import ROW, Fault
from loyalty_service.ledger.service import prove
from loyalty_service.ledger.service.proving import prove_all
from loyalty_service.members.queries import get_member
from loyalty_service.members.rules import parse_ref
from loyalty_service.program.service import Programs
from tests.conftest import START
from tests.databases import Lived, lived_through
from tests.factories import Shop, line
from tests.integration.verify_world import (
    KEYS,
    World,
    change,
    columns,
    is_as_before,
    keys_of,
    live_through_everything,
    other_values,
    where,
)

Key = dict[str, Any]
LEDGER = ("entry", "allocation", "lot", "account")


@pytest.fixture(scope="module")
def lived(server_url, template) -> Iterator[Lived]:
    with lived_through(server_url, template, START, live_through_everything) as lived:
        yield lived


def test_a_ledger_that_has_seen_everything_is_proved(world):
    with world.connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT kind), count(noted), count(reverses) FROM entry")
        kinds, noted, reverses = cursor.fetchone()

    with world.broken():
        report, heads = world.prove()

    assert (kinds, noted > 0, reverses > 0) == (5, True, True)
    assert report.faults == []
    assert report.members == 2
    assert len(heads) == 4
    for total in report.wallets.values():
        held = total.active + total.pending + total.due
        assert held - total.deficit == total.sum_of_entries


@pytest.mark.parametrize("table", LEDGER)
def test_a_change_of_any_column_of_any_row_is_found_and_named(world, table):
    unnamed: list[Any] = []
    untried = {column for column, _ in columns(world.connection, table)}
    for key in keys_of(world.connection, table):
        if key["member_id"] != 1:
            continue
        for column, kind in columns(world.connection, table):
            for value in other_values(column, kind):
                report = changed(world, table, key, column, value)
                if report is None:
                    continue
                untried.discard(column)
                if not names(report, table, key, column):
                    unnamed.append((key, column, value, report.faults))

    assert unnamed == []
    assert untried == set()


def changed(world: World, table: str, key: Key, column: str, value: str) -> Report | None:
    """The report after a change; None where it changes nothing, or a constraint refused it."""
    with world.broken() as cursor:
        if is_as_before(cursor, table, key, column, value):
            return None
    return world.after(lambda cursor: change(cursor, table, key, column, value))


def names(report: Report, table: str, key: Key, column: str) -> bool:
    """Whether the report names the row, or for a row that moved, the place that is empty now."""
    return any(fits(fault, table, key, column) for fault in report.faults)


def fits(fault: Fault, table: str, key: Key, column: str) -> bool:
    if (fault.member_id, fault.wallet) != (key["member_id"], key["wallet"]):
        return False
    rest = {name: key[name] for name in KEYS[table] if name not in ("member_id", "wallet")}
    moved = column in KEYS[table]
    named = fault.column in ((ROW,) if moved else (column,))
    if fault.table == table and dict(fault.key) == rest and named:
        return True
    # The hash tells that an entry or its allocations were changed where it cannot tell what.
    seq = rest.get("entry_seq", rest.get("seq"))
    by_hash = fault.table == "entry" and dict(fault.key) == {"seq": seq} and fault.column == "hash"
    # An allocation that has gone to another lot or entry is named where it is now.
    elsewhere = (
        moved
        and fault.table == table == "allocation"
        and (fault.key["entry_seq"] == seq or fault.key["lot_seq"] == rest["lot_seq"])
    )
    return by_hash or elsewhere


@pytest.mark.parametrize("table", [*LEDGER, "explanation"])
def test_a_row_that_is_deleted_is_named(world, table):
    for key in keys_of(world.connection, table):
        report = world.after(lambda cursor, key=key: delete(cursor, table, key))

        assert report is not None
        assert names(report, table, key, KEYS[table][-1]), (key, report.faults)


def delete(cursor: Any, table: str, key: Key) -> None:
    cursor.execute(f"DELETE FROM {table} WHERE " + where(key).as_string(cursor))
    assert cursor.rowcount == 1


@pytest.mark.parametrize(
    ("table", "numbered"),
    [
        *((table, "member_id") for table in (*LEDGER, "explanation", "note")),
        *((table, KEYS[table][-1]) for table in ("entry", "allocation", "lot", "note")),
    ],
)
def test_a_row_that_is_put_in_is_named(world, table, numbered):
    for key in keys_of(world.connection, table):
        there = {**key, numbered: key[numbered] + 1000}

        report = world.after(lambda c, key=key, there=there: copy(c, table, key, there))

        # An index refuses a second reversal of the same entry by itself.
        if report is None:
            continue
        accounts = {(fault.member_id, fault.wallet) for fault in report.faults}
        assert (there["member_id"], there["wallet"]) in accounts, (key, report.faults)


def copy(cursor: Any, table: str, key: Key, there: Key) -> None:
    cursor.execute(f"CREATE TEMP TABLE one ON COMMIT DROP AS SELECT * FROM {table} WHERE false")
    cursor.execute(f"INSERT INTO one SELECT * FROM {table} WHERE " + where(key).as_string(cursor))
    sets = ", ".join(f"{name} = %({name})s" for name in there)
    cursor.execute(f"UPDATE one SET {sets}", there)
    cursor.execute(f"INSERT INTO {table} SELECT * FROM one")


@pytest.mark.parametrize("table", ["entry", "allocation", "lot", "account"])
def test_rows_exchanged_between_members_are_named(world, table):
    for key in keys_of(world.connection, table):
        if key["member_id"] != 1 or have_the_same(world.connection, table, key):
            continue

        report = world.after(lambda cursor, key=key: exchange(cursor, table, key))

        assert report is not None
        if table != "lot":
            assert {fault.member_id for fault in report.faults} == {1, 2}, (key, report.faults)


def have_the_same(connection: Any, table: str, key: Key) -> bool:
    """Whether the row of that key says the same for both members."""
    rest = where({name: value for name, value in key.items() if name != "member_id"})
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(DISTINCT to_jsonb({table}) - 'member_id') FROM {table} WHERE "
            + rest.as_string(cursor)
        )
        return bool(cursor.fetchone()[0] == 1)


def exchange(cursor: Any, table: str, key: Key) -> None:
    other = {**key, "member_id": 2}
    for name, (mine, to) in enumerate([(key, 9), (other, 1), ({**key, "member_id": 9}, 2)]):
        cursor.execute(
            f"UPDATE {table} SET member_id = {to} WHERE " + where(mine).as_string(cursor)
        )
        assert cursor.rowcount == 1, name


def test_an_explanation_in_other_words_is_named(world):
    for table in ("explanation", "note"):
        for key in keys_of(world.connection, table):
            report = changed(world, table, key, "body", "body || ' '")

            assert report is not None
            assert names(report, table, key, "body"), (key, report.faults)


def test_an_erased_note_is_no_fault(world):
    (key, *_) = keys_of(world.connection, "note")

    report = world.after(lambda cursor: delete(cursor, "note", key))

    assert report is not None
    assert report.faults == []


def cut_tail(cursor: Any) -> None:
    """Take the last debit of a member away and make every cache agree, as an expert would."""
    last = {"member_id": 1, "wallet": "growth"}
    at = where(last).as_string(cursor)
    cursor.execute(f"SELECT max(seq) FROM entry WHERE {at}")
    seq = cursor.fetchone()[0]
    cursor.execute(
        f"UPDATE lot SET remaining = remaining - (SELECT points FROM allocation WHERE {at}"
        f" AND entry_seq = {seq}) WHERE {at} AND lot_seq = 0"
    )
    for table, name in (("entry", "seq"), ("allocation", "entry_seq"), ("explanation", "seq")):
        cursor.execute(f"DELETE FROM {table} WHERE {at} AND {name} = {seq}")
    cursor.execute(
        f"UPDATE account SET seq = e.seq, balance = e.balance_after, head = e.hash FROM entry e"
        f" WHERE account.member_id = 1 AND account.wallet = 'growth' AND e.member_id = 1"
        f" AND e.wallet = 'growth' AND e.seq = {seq - 1}"
    )


def test_a_tail_that_is_cut_is_found_only_by_what_was_kept_outside(world):
    with world.broken():
        _, heads = world.prove()

    without = world.after(cut_tail)
    held = world.after(cut_tail, heads)

    assert without is not None
    assert without.faults == []
    assert held is not None
    (fault,) = held.faults
    assert (fault.member_id, fault.wallet, fault.table) == (1, "growth", "entry")
    assert (fault.key["seq"], fault.found) == (heads[0].seq, "missing")


def remove_member(cursor: Any, *spared: str) -> None:
    cursor.execute(
        "SELECT table_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name = 'member_id'"
    )
    for (table,) in cursor.fetchall():
        # What is spared is spared with its partitions.
        if not table.startswith(spared):
            cursor.execute(f"DELETE FROM {table} WHERE member_id = 1")


def test_a_member_that_is_gone_without_a_trace_is_found_by_what_was_kept_outside(world):
    with world.broken():
        _, heads = world.prove()

    without = world.after(remove_member)
    held = world.after(remove_member, heads)

    assert without is not None
    assert without.faults == []
    assert held is not None
    assert [(f.member_id, f.wallet, f.table, f.column) for f in held.faults] == [
        (1, "growth", "account", ROW),
        (1, "points", "account", ROW),
    ]


def test_the_last_member_that_is_gone_is_found_too(world):
    with world.broken():
        _, heads = world.prove()
        report = Report()
        report.find(Earlier(heads).finish())

    assert {fault.member_id for fault in report.faults} == {1, 2}


@pytest.mark.parametrize(
    ("left", "named"),
    [("order_index", "order_head"), ("event", "member"), ("order_line", "member")],
)
def test_a_member_that_left_orders_or_events_behind_is_found(world, left, named):
    report = world.after(lambda cursor: remove_member(cursor, left))

    assert report is not None
    found = [fault for fault in report.faults if fault.member_id == 1]
    assert named in {fault.table for fault in found} or left == "order_line"
    assert found


def test_a_member_whose_row_alone_is_gone_is_found(world):
    report = world.after(lambda cursor: cursor.execute("DELETE FROM member WHERE member_id = 1"))

    assert report is not None
    assert (1, "member", ROW) in {(f.member_id, f.table, f.column) for f in report.faults}


@pytest.mark.parametrize(
    ("statement", "table", "column"),
    [
        ("DELETE FROM event WHERE seq = 2", "event", ROW),
        ("DELETE FROM event WHERE seq = (SELECT event_seq FROM member m WHERE member_id = 1)",
         "event", ROW),
        ("UPDATE member SET event_seq = event_seq - 1 WHERE member_id = 1", "member", "event_seq"),
        ("UPDATE member SET order_seq = order_seq - 1 WHERE member_id = 1", "member", "order_seq"),
        ("UPDATE member SET order_seq = order_seq + 1 WHERE member_id = 1", "order_head", ROW),
        ("UPDATE member SET live_orders = 0", "member", "live_orders"),
        ("UPDATE member SET recorded_at = recorded_at - interval '9 days'", "member",
         "recorded_at"),
        ("DELETE FROM order_head WHERE order_no = 2", "order_head", ROW),
        ("DELETE FROM order_index WHERE order_no = 2", "order_index", ROW),
        ("UPDATE order_index SET order_ref = order_ref || 'x'", "order_head", "order_ref"),
        ("DELETE FROM order_line WHERE order_no = 2", "order_line", ROW),
        ("DELETE FROM order_line WHERE order_no = 1 AND line_no = 2", "order_head", "paid_minor"),
        ("UPDATE order_line SET shares = '{}' WHERE order_no = 2", "order_line", "shares"),
        ("UPDATE order_line SET returned_num = 0 WHERE order_no = 1", "order_head",
         "returned_minor"),
        ("UPDATE order_head SET entries = jsonb_set(entries, '{points,seq}', '99')", "order_head",
         "entries"),
        ("UPDATE order_head SET entries = '{}' WHERE order_no = 2", "order_head", "entries"),
        ("UPDATE order_head SET step_seq = 0 WHERE order_no = 1", "order_head", "step_seq"),
        ("DELETE FROM order_step WHERE order_no = 1", "order_head", "step_seq"),
    ],
)  # fmt: skip
def test_what_orders_and_events_leave_open_is_named(world, statement, table, column):
    report = world.after(lambda cursor: cursor.execute(statement))

    assert report is not None
    named = {(fault.member_id, fault.table, fault.column) for fault in report.faults}
    assert (1, table, column) in named, report.faults


def test_one_member_is_proved_by_the_same_rules(world):
    with world.broken() as cursor:
        cursor.execute("UPDATE lot SET opened = opened + 1 WHERE member_id = 2 AND lot_seq = 0")
        tx = world.transaction(cursor)
        sound = prove(tx, get_member(tx, parse_ref("m-1")), None, Programs())
        broken = prove(tx, get_member(tx, parse_ref("m-2")), None, Programs())

    assert sound["proved"]
    assert sound["faults"] == []
    assert [account["wallet"] for account in sound["accounts"]] == ["growth", "points"]
    assert not broken["proved"]
    (fault,) = broken["faults"]
    assert (fault["table"], fault["wallet"], fault["column"]) == ("lot", "growth", "opened")


def test_a_past_instant_shows_what_was_recorded_by_then(db, clock):
    shop = Shop(db)
    shop.enrol()
    shop.pay("o-1", line(4_000))
    then = clock.now()
    clock.advance(timedelta(days=1))
    shop.pay("o-2", line(1_000))

    with db.reading() as tx:
        past = prove(tx, get_member(tx, shop.ref()), then, shop.programs)
        now = prove(tx, get_member(tx, shop.ref()), None, shop.programs)

    assert [account["balance"] for account in past["accounts"]] == [40, 40]
    assert [account["balance"] for account in now["accounts"]] == [50, 50]


def test_payments_that_go_on_meanwhile_are_no_faults(db, clock):
    shop = Shop(db)
    for i in range(4):
        shop.enrol(f"m-{i}")
    stop, errors = threading.Event(), []

    def pay(i: int) -> None:
        n = 0
        try:
            while not stop.is_set():
                n += 1
                shop.pay(f"o-{i}-{n}", line(1_000, quantity=2), member=f"m-{i % 4}")
                shop.give_back(f"o-{i}-{n}", units=[(1, 1)], member=f"m-{i % 4}")
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=pay, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    seen = []
    try:
        while len(seen) < 8 or seen[-1] == seen[0]:
            with db.reading() as tx:
                *_, report = prove_all(tx, None)
            assert report.faults == []
            seen.append(report.entries)
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert errors == []
    assert seen == sorted(seen)
