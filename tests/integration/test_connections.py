"""Connections that threads keep: used again, never shared, let go when they are lost."""

import threading
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest

from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database, Transaction


@pytest.fixture
def kept(database_url: str, clock: SettableClock) -> Iterator[Database]:
    db = Database(database_url, clock=clock, pool_size=2, by_thread=True)
    yield db
    db.close()


def backend(db: Database) -> int:
    return int(db.run(lambda tx: tx.fetch("SELECT pg_backend_pid()"))[0][0])


def test_a_thread_is_lent_the_same_connection_again(kept: Database) -> None:
    first = backend(kept)

    with kept.reading() as tx:
        reading = tx.fetch("SELECT pg_backend_pid()")[0][0]

    assert (reading, backend(kept), kept.fetch("SELECT pg_backend_pid()")) == (
        first,
        first,
        [(first,)],
    )


def test_two_threads_and_two_loans_of_one_thread_never_share_a_connection(
    kept: Database,
) -> None:
    others: list[int] = []
    own = backend(kept)

    thread = threading.Thread(target=lambda: others.append(backend(kept)))
    thread.start()
    thread.join()
    with kept.transaction() as outer:
        outer.fetch("SELECT 1")
        others.append(backend(kept))

    assert own not in others


def test_the_connection_of_a_thread_that_ended_is_lent_to_the_next(kept: Database) -> None:
    found: list[int] = []
    for _ in range(5):
        thread = threading.Thread(target=lambda: found.append(backend(kept)))
        thread.start()
        thread.join()

    assert len(found) == 5
    assert len(set(found)) <= 2


def test_a_kept_connection_that_is_lost_is_replaced(kept: Database, owner_connection: Any) -> None:
    lost = backend(kept)
    with owner_connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", (lost,))

    with pytest.raises(psycopg2.OperationalError):
        backend(kept)

    assert backend(kept) != lost


def test_work_that_fails_leaves_a_kept_connection_without_a_transaction(kept: Database) -> None:
    own = backend(kept)

    def fail(tx: Transaction) -> None:
        tx.fetch("SELECT 1 / 0")

    with pytest.raises(psycopg2.errors.DivisionByZero):
        kept.run(fail)

    assert backend(kept) == own


def test_columns_and_errors_are_told_in_any_script(kept: Database) -> None:
    with kept.reading() as tx:
        tx.fetch('SELECT 1 AS "积分 é"')
        assert [column.name for column in tx._cursor.description] == ["积分 é"]

        with pytest.raises(psycopg2.errors.UndefinedColumn, match="点数"):
            tx.fetch('SELECT "点数"')
