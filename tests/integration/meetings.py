"""Calls that meet: each is let in up to a lock that the test holds, one behind the other."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import make_url

from loyalty_service.kit.db import Database
from tests.databases import connect
from tests.services import wait_until

_WAITING = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
_LEFT = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'loyalty'
"""

MEMBER = """
SELECT 1 FROM member JOIN member_ref USING (member_id)
 WHERE kind = 'shop' AND value = ANY(%s) FOR UPDATE OF member
"""
ORDER_REF = "INSERT INTO order_index VALUES (%s, 1, 1)"
MEMBER_REF = "INSERT INTO member_ref SELECT 'shop', %s, min(member_id) FROM member"
KEY = "INSERT INTO idempotency SELECT min(member_id), %s, '', 0, '', now() FROM member"
ACTOR = "INSERT INTO actor SELECT max(actor_id) + 1, 'storefront', %s FROM actor"


class Gate:
    """Something that calls need, held by a session of the test until it is opened."""

    def __init__(self, url: str, sql: str, *args: Any) -> None:
        self.holder, self.watcher = connect(url), connect(url)
        self.holder.autocommit = False
        self.holder.cursor().execute(sql, args)
        self.calls: list[threading.Thread] = []
        self.answers: dict[int, Any] = {}

    def let_in(self, call: Callable[[], Any]) -> None:
        """Start a call and return once it waits, behind those that wait already."""
        number, before = len(self.calls), self.waiting()

        def run() -> None:
            self.answers[number] = call()

        thread = threading.Thread(target=run)
        self.calls.append(thread)
        thread.start()
        wait_until(lambda: self.waiting() > before or not thread.is_alive())
        assert thread.is_alive(), f"call {number} did not wait: {self.answers.get(number)}"

    def open(self, *, keep: bool = False) -> list[Any]:
        """Let them go on, keeping what was written to hold them or not; returns their answers."""
        if keep:
            self.holder.commit()
        else:
            self.holder.rollback()
        for thread in self.calls:
            thread.join()
        return [self.answers[number] for number in range(len(self.calls))]

    def waiting(self) -> int:
        """How many wait for a lock now."""
        with self.watcher.cursor() as cursor:
            cursor.execute(_WAITING)
            return int(cursor.fetchone()[0])

    def close(self) -> None:
        self.holder.close()
        for thread in self.calls:
            thread.join()
        self.watcher.close()


@contextmanager
def held(db: Database, sql: str, *args: Any) -> Iterator[Gate]:
    """A gate for the time of the block."""
    gate = Gate(make_url(db.url).render_as_string(hide_password=False), sql, *args)
    try:
        yield gate
    finally:
        gate.close()


def count_deadlocks(db: Database, connection: Any) -> int:
    """How many deadlocks the database had to break; ends the service's connections to know."""
    db.close()
    with connection.cursor() as cursor:

        def read(sql: str) -> int:
            cursor.execute(sql)
            return int(cursor.fetchone()[0])

        wait_until(lambda: read(_LEFT) == 0)
        return read(_DEADLOCKS)
