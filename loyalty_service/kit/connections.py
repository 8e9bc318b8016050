"""Connections to the database: lent for one transaction, or kept by a thread that asks again."""

from codecs import CodecInfo, register, utf_8_decode, utf_8_encode
from collections.abc import Callable
from threading import local
from types import TracebackType
from typing import Any

import orjson
import psycopg2
from psycopg2 import errors as pg_errors
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, encodings
from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Engine

OnMessage = Callable[[bytes], None]


def _bare_utf_8(name: str) -> CodecInfo | None:
    return CodecInfo(utf_8_encode, utf_8_decode, name=name) if name == "bare_utf_8" else None


# psycopg2 decodes the name of every column that is read, and Python's own codec goes through a
# function in Python for each. What a server says in UTF-8 is whole, so nothing more is to come.
register(_bare_utf_8)
encodings["UTF8"] = "bare_utf_8"


class Lender:
    """Lends the connections of a pool.

    Args:
        by_thread: every thread keeps the connection it was lent first, which saves a tenth of a
            request. Only where no more threads come than the pool has connections, as in the web
            server: one thread more would wait in vain.
        on_message: called with the bytes of every message before it is sent.
    """

    def __init__(self, engine: Engine, *, by_thread: bool, on_message: OnMessage | None) -> None:
        self._engine = engine
        self._on_message = on_message
        self._kept = local() if by_thread else None

    def lend(self) -> "Loan":
        """A connection for as long as a ``with`` block lasts."""
        return Loan(self)

    def _take(self) -> Any:
        if self._kept is None:
            return self._engine.raw_connection()
        connection = getattr(self._kept, "connection", None)
        # Within another loan of the same thread it is in use.
        self._kept.connection = None
        return connection or self._engine.raw_connection()

    def _give_back(self, connection: Any) -> None:
        if self._kept is None or not connection.is_valid or self._kept.connection is not None:
            connection.close()
        else:
            self._kept.connection = connection


class Loan:
    """A lent connection; entered, it gives its cursor. One that was lost is not lent again."""

    __slots__ = ("_connection", "_lender")

    def __init__(self, lender: Lender) -> None:
        self._lender = lender

    def __enter__(self) -> Any:
        self._connection = self._lender._take()
        on_message = self._lender._on_message
        try:
            cursor = self._connection.cursor()
        except psycopg2.Error as error:
            self.__exit__(None, error, None)
            raise
        return cursor if on_message is None else _Observed(cursor, on_message)

    def __exit__(
        self, _kind: Any, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if isinstance(error, psycopg2.Error) and _is_lost(error):
            self._connection.invalidate(error)
            # The others that lie idle were mostly lost with it.
            self._lender._engine.dispose()
        self._lender._give_back(self._connection)
        if isinstance(error, psycopg2.Error) and _is_bare(error):
            raise psycopg2.OperationalError(*error.args) from error


class _Observed:
    """A cursor that reports every message before it is sent."""

    def __init__(self, cursor: Any, on_message: OnMessage) -> None:
        self._inner = cursor
        self._on_message = on_message

    def execute(self, message: bytes) -> None:
        self._on_message(message)
        self._inner.execute(message)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def open_pool(url: URL, pool_size: int, role: str | None, lock_timeout_ms: int) -> Engine:
    """A pool of connections as the service uses them: in UTC and UTF-8, without BEGIN of its own.

    Args:
        role: the database role taken after connecting; None stays the owner.
        lock_timeout_ms: how long a statement waits for a lock.
    """
    options = f"-c lock_timeout={lock_timeout_ms} -c timezone=UTC -c client_encoding=UTF8"
    options += " -c standard_conforming_strings=on"
    if role:
        options += f" -c role={role}"
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        # The connection used last is the warmest, on both ends.
        pool_use_lifo=True,
        pool_reset_on_return=None,
        json_deserializer=orjson.loads,
        connect_args={"options": options, "application_name": "loyalty"},
    )

    # BEGIN and COMMIT are ours: psycopg2 would send BEGIN in a message of its own.
    def in_autocommit(connection: Any, _record: Any) -> None:
        connection.autocommit = True

    event.listen(engine, "connect", in_autocommit)
    return engine


def roll_back(cursor: Any) -> None:
    """End the transaction of a cursor, if it is in one and still connected."""
    connection = cursor.connection
    if connection.closed or connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
        return
    cursor.execute(b"ROLLBACK")


def _is_lost(error: psycopg2.Error) -> bool:
    """Whether an error says that the connection is of no more use."""
    if isinstance(error, pg_errors.LockNotAvailable | pg_errors.DeadlockDetected):
        return False
    away = psycopg2.OperationalError | psycopg2.InterfaceError
    return isinstance(error, away) or _is_bare(error)


def _is_bare(error: psycopg2.Error) -> bool:
    """Whether psycopg2 knows no kind of error: so it is at times when the server has crashed."""
    return type(error) is psycopg2.DatabaseError
