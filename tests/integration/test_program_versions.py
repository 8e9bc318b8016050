"""Putting programs in force: once, for ever, and seen by every process at its next call."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import psycopg2
import pytest

from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.program.models import program_version
from loyalty_service.program.rules.versions import (
    NoProgram,
    ProgramFaulty,
    ProgramFixed,
    ProgramUnknown,
)
from loyalty_service.program.service import Programs, apply_document
from tests.factories import PLAIN, Shop

RENAMED = PLAIN.replace("program: plain", "program: renamed")


def apply(db: Database, text: str) -> int:
    return db.run(lambda tx: apply_document(tx, text, "tester"))


def names_in_force(db: Database, programs: Programs, known: int, at: datetime) -> tuple[int, str]:
    version, program = programs.in_force(db.fetch, known, at)
    return version, program.name


def test_before_the_first_program_nothing_is_in_force(db: Database) -> None:
    with pytest.raises(NoProgram):
        Programs().in_force(db.fetch, 0, db.clock.now())


def test_a_program_is_in_force_from_the_instant_it_is_applied(
    db: Database, clock: SettableClock
) -> None:
    begun = clock.now()

    version = apply(db, PLAIN)

    assert version == 1
    row = db.fetch("SELECT in_force_at, applied_by, length(digest) FROM program_version")
    assert row == [(begun, "tester", 32)]


def test_the_same_document_again_makes_no_new_version(db: Database) -> None:
    apply(db, PLAIN)

    again = apply(db, "# The same, with a comment.\n" + PLAIN)

    assert again == 1
    assert db.fetch("SELECT count(*) FROM program_version") == [(1,)]


def test_another_process_sees_the_new_version_at_its_next_call(
    db: Database, clock: SettableClock
) -> None:
    apply(db, PLAIN)
    elsewhere = Programs()
    first = names_in_force(db, elsewhere, 1, clock.now())

    clock.advance(timedelta(hours=1))
    apply(db, RENAMED)

    assert first == (1, "plain")
    assert names_in_force(db, elsewhere, 2, clock.now()) == (2, "renamed")


def test_what_was_placed_before_a_version_is_judged_by_the_one_of_its_day(
    db: Database, clock: SettableClock
) -> None:
    placed_at = clock.now()
    apply(db, PLAIN)
    clock.advance(timedelta(days=1))
    apply(db, RENAMED)
    programs = Programs()

    assert names_in_force(db, programs, 2, placed_at) == (1, "plain")
    assert names_in_force(db, programs, 2, placed_at - timedelta(days=999)) == (1, "plain")
    assert programs.get(db.fetch, 1).name == "plain"
    assert programs.get(db.fetch, 2).name == "renamed"


def test_a_version_is_read_once_and_then_known(db: Database, clock: SettableClock) -> None:
    apply(db, PLAIN)
    programs = Programs()
    programs.in_force(db.fetch, 1, clock.now())

    def unreachable(_sql: str, _args: Any) -> list[tuple[Any, ...]]:
        raise AssertionError("read again")

    version, program = programs.in_force(unreachable, 1, clock.now())

    assert version == 1
    assert programs.get(unreachable, 1) is program


def test_an_unknown_version_is_refused(db: Database) -> None:
    apply(db, PLAIN)

    with pytest.raises(ProgramUnknown):
        Programs().get(db.fetch, 2)


def test_a_version_can_be_neither_changed_nor_taken_away(
    db: Database, owner_connection: Any
) -> None:
    apply(db, PLAIN)

    with pytest.raises(psycopg2.errors.InsufficientPrivilege), db.transaction() as tx:
        tx.fetch("UPDATE program_version SET document = '{}' RETURNING 1")
    for statement in ("UPDATE program_version SET version = 9", "TRUNCATE program_version"):
        with owner_connection.cursor() as cursor, pytest.raises(psycopg2.Error, match="append"):
            cursor.execute(statement)


def test_a_faulty_document_changes_nothing(db: Database) -> None:
    apply(db, PLAIN)

    with pytest.raises(ProgramFaulty) as refusal:
        apply(db, PLAIN.replace("sum", "some").replace("floor", "flour"))

    assert [fault["line"] for fault in refusal.value.values["faults"]] == [5, 18]
    assert db.fetch("SELECT max(version) FROM program_version") == [(1,)]


@pytest.mark.parametrize(
    ("old", "new"), [("CNY", "USD"), ("Asia/Shanghai", "Asia/Tokyo")], ids=["currency", "zone"]
)
def test_currency_and_zone_of_a_running_program_stay(db: Database, old: str, new: str) -> None:
    apply(db, PLAIN)

    with pytest.raises(ProgramFixed):
        apply(db, PLAIN.replace(old, new))

    assert db.fetch("SELECT max(version) FROM program_version") == [(1,)]


def without_growth() -> str:
    start, end = PLAIN.index("  - id: growth"), PLAIN.index("earning:")
    rule, last = PLAIN.index("    - {id: growing"), PLAIN.index("returns:")
    return PLAIN[:start] + PLAIN[end:rule] + PLAIN[last:]


def test_a_wallet_without_entries_may_go(db: Database) -> None:
    apply(db, PLAIN)

    assert apply(db, without_growth()) == 2


def test_a_wallet_with_entries_stays(db: Database) -> None:
    shop = Shop(db)
    shop.enrol()
    shop.pay()

    with pytest.raises(ProgramFixed, match="growth"):
        shop.apply(without_growth())


def test_a_clock_that_runs_behind_does_not_reorder_versions(
    db: Database, clock: SettableClock
) -> None:
    apply(db, PLAIN)
    begun = clock.now()
    clock.set(begun - timedelta(minutes=5))

    apply(db, RENAMED)

    assert db.fetch("SELECT in_force_at FROM program_version WHERE version = 2") == [(begun,)]


def test_documents_applied_at_once_each_get_a_version(database_url: str) -> None:
    at_once = Barrier(4)
    given: list[int] = []

    def race(name: str) -> None:
        db = Database(database_url, clock=SettableClock(datetime(2026, 3, 2, tzinfo=UTC)))
        at_once.wait()
        given.append(apply(db, PLAIN.replace("program: plain", f"program: {name}")))
        db.close()

    threads = [Thread(target=race, args=(f"shop_{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(given) == [1, 2, 3, 4]


def test_the_table_is_as_the_model_says(db: Database) -> None:
    columns = db.fetch(
        "SELECT column_name, is_nullable FROM information_schema.columns"
        " WHERE table_name = 'program_version' ORDER BY ordinal_position"
    )

    assert columns == [
        (column.name, "YES" if column.nullable else "NO") for column in program_version.columns
    ]
