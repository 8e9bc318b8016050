"""Transactions: where they begin, how their writes are gathered, and the only place they end.

A front door opens a transaction; services read with ``fetch`` and hand their writes to ``add``.
The writes travel together with COMMIT in one message, so that features stay apart and an
operation is still only a few round trips.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from psycopg2 import errors as pg_errors
from sqlalchemy import MetaData
from sqlalchemy.engine import URL, make_url

from loyalty_service.kit.clock import Clock
from loyalty_service.kit.columns import MANY, columns_text, table_of
from loyalty_service.kit.connections import Lender, OnMessage, open_pool, roll_back
from loyalty_service.kit.errors import Conflict
from loyalty_service.kit.literals import rows_text, statement_text

metadata = MetaData()

Row = tuple[Any, ...]
Args = Sequence[Any] | dict[str, Any]
Answer = TypeVar("Answer")

ATTEMPTS = 5
ROWS_AT_ONCE = 2_000
RETRIED = (
    pg_errors.SerializationFailure,
    pg_errors.DeadlockDetected,
    pg_errors.UniqueViolation,
)
_TYPES = """
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
 WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
"""


class Busy(Conflict):
    """Another call holds what this one needs; nothing is written, try again shortly (409)."""

    code = "busy"


class Transaction:
    """One database transaction: reads go at once, writes wait for COMMIT.

    ``BEGIN`` travels with the first read. Statements given to ``add`` run in the order they were
    given, in one message with ``COMMIT``.

    Attributes:
        cache: what this process knows of this database that cannot become wrong unnoticed.
        claim: the caller's key for this operation (``kit.idempotency.Claim``), or None.
    """

    def __init__(self, cursor: Any, clock: Clock, cache: dict[Any, Any]) -> None:
        self._cursor = cursor
        self._clock = clock
        self.cache = cache
        self._now: datetime | None = None
        self._begun = False
        self._waiting: list[str] = []
        self._streams = 0
        self.claim: Any = None

    def now(self) -> datetime:
        """The instant of this operation (UTC), read once; ask only after the member is locked."""
        if self._now is None:
            self._now = self._clock.now()
        return self._now

    def fetch(self, sql: str, args: Args = ()) -> list[Row]:
        """Run one statement in a message of its own and return its rows."""
        return self._send([statement_text(self._cursor.mogrify, sql, args)])

    def fetch_after(self, first: Sequence[tuple[str, Args]], sql: str, args: Args) -> list[Row]:
        """Run ``first`` and then ``sql`` in one message; return the rows of ``sql``.

        Each statement still takes a snapshot of its own, so ``sql`` sees what ``first`` waited for.
        """
        mogrify = self._cursor.mogrify
        every = [*first, (sql, args)]
        return self._send([statement_text(mogrify, sql, args) for sql, args in every])

    def stream(self, sql: str, args: Any = ()) -> Iterator[Row]:
        """Rows of a reading statement through a cursor of the server, some thousands at a time."""
        self._streams += 1
        name = f"stream_{self._streams}"
        self.fetch(f"DECLARE {name} NO SCROLL CURSOR FOR {sql}", args)
        while rows := self.fetch(f"FETCH {ROWS_AT_ONCE} FROM {name}"):
            yield from rows

    def add(self, sql: str, args: Args) -> None:
        """Add a write to the list that is sent with COMMIT."""
        self._waiting.append(statement_text(self._cursor.mogrify, sql, args))

    def add_rows(self, sql: str, rows: Sequence[Sequence[Any]], after: str = "") -> None:
        """Add ``sql``, the ``rows`` as a query, and ``after``; nothing where there are no rows."""
        if rows:
            told = self._columns(sql, rows) if len(rows) >= MANY else None
            told = told or f"VALUES {rows_text(self._cursor.mogrify, rows)}"
            self._waiting.append(f"{sql} {told} {after}")

    def _columns(self, sql: str, rows: Sequence[Sequence[Any]]) -> str | None:
        table, known = table_of(sql), self.cache.setdefault("types", {})
        if table is not None and table not in known:
            known[table] = dict(self.fetch(_TYPES, (table,)))
        return columns_text(rows, sql, known.get(table, {}))

    def flush(self) -> None:
        """Send the waiting writes now; only for work whose later reads must see them."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._send(waiting, rows=False)

    def _send(self, statements: list[str], *, rows: bool = True) -> list[Row]:
        if not self._begun:
            self._begun = True
            statements.insert(0, "BEGIN")
        self._cursor.execute(_message(statements))
        return self._cursor.fetchall() if rows and self._cursor.description else []

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        if self._begun:
            self._cursor.execute(_message([*waiting, "COMMIT"]))
        elif waiting:
            self._cursor.execute(_message(["BEGIN", *waiting, "COMMIT"]))


class Database:
    """A pool of connections to one PostgreSQL database, as a role that cannot change the ledger.

    Args:
        url: a SQLAlchemy URL (``postgresql+psycopg2://``).
        clock: where every operation takes its time from.
        pool_size: connections kept open, one for each thread that may work at once.
        role: the database role taken after connecting; None stays the owner (migrations only).
        lock_timeout_ms: how long a statement waits for a lock before it is refused as busy.
        by_thread: every thread keeps its connection; no more of them than ``pool_size``.
        on_message: called with the bytes of every message sent, for counting and recording.
    """

    def __init__(
        self,
        url: str | URL,
        *,
        clock: Clock,
        pool_size: int = 4,
        role: str | None = "loyalty_app",
        lock_timeout_ms: int = 3_000,
        by_thread: bool = False,
        on_message: OnMessage | None = None,
    ) -> None:
        self.clock = clock
        self.url = make_url(url)
        self.engine = open_pool(self.url, pool_size, role, lock_timeout_ms)
        self.cache: dict[Any, Any] = {}
        self._lender = Lender(self.engine, by_thread=by_thread, on_message=on_message)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Commit at the end of the block, roll back when it raises."""
        with self._lender.lend() as cursor:
            tx = Transaction(cursor, self.clock, self.cache)
            try:
                yield tx
                tx._commit()
            except BaseException:
                roll_back(cursor)
                raise

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A transaction that writes nothing; every read of the block sees one snapshot."""
        with self._lender.lend() as cursor:
            tx = Transaction(cursor, self.clock, self.cache)
            tx._begun = True
            cursor.execute(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                yield tx
            finally:
                roll_back(cursor)

    def fetch(self, sql: str, args: Args = ()) -> list[Row]:
        """Run one reading statement by itself, in one message."""
        with self._lender.lend() as cursor:
            cursor.execute(_message([statement_text(cursor.mogrify, sql, args)]))
            rows: list[Row] = cursor.fetchall()
            return rows

    def run(self, work: Callable[[Transaction], Answer]) -> Answer:
        """Run ``work`` in a transaction, again when the database asks for it.

        A serialization failure, a deadlock, or a row that another call inserted first are tried
        again from the start, ``ATTEMPTS`` times at the most.

        Raises:
            Busy: a lock was not to be had in time. Nothing is written.
        """
        for attempt in range(ATTEMPTS):
            try:
                return self._run_once(work)
            except pg_errors.LockNotAvailable as error:
                raise Busy("Another call is working on this; send it again shortly.") from error
            except RETRIED:
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(0.005 * 2**attempt)
        raise AssertionError("unreachable")

    def _run_once(self, work: Callable[[Transaction], Answer]) -> Answer:
        # As ``transaction``, without a generator: every paid order comes through here.
        with self._lender.lend() as cursor:
            tx = Transaction(cursor, self.clock, self.cache)
            try:
                answer = work(tx)
                tx._commit()
            except BaseException:
                roll_back(cursor)
                raise
            return answer

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _message(statements: list[str]) -> bytes:
    # One by one: what has a single Chinese character in it takes eight times as long to encode.
    return b";\n".join(map(str.encode, statements))
