"""Raw connections and copies, for tests that look at or break what the service keeps."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg2
from sqlalchemy import URL, make_url

from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database


def connect(url: str | URL) -> Any:
    """A raw connection in autocommit, as whoever the URL names."""
    connection = psycopg2.connect(
        make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    )
    connection.autocommit = True
    return connection


def on_server(url: str | URL, sql: str) -> None:
    """Run one statement that may not stand in a transaction."""
    connection = connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
    finally:
        connection.close()


def copy_database(server: URL, template: str) -> str:
    """Copy a database under a name of its own, file by file: the quickest way for small ones."""
    name = f"loyalty_test_{uuid4().hex[:12]}"
    on_server(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    return name


@contextmanager
def copied(server: URL, template: str) -> Iterator[URL]:
    """Where a copy of a database is found, which is dropped afterwards."""
    name = copy_database(server, template)
    try:
        yield server.set(database=name)
    finally:
        on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


class Lived(NamedTuple):
    """A database in which something has happened, and when the last of it did."""

    database: str
    until: datetime


@contextmanager
def lived_through(
    server: URL, template: str, since: datetime, live: Callable[[Database, SettableClock], object]
) -> Iterator[Lived]:
    """Let it happen once, from an instant on; whoever looks at it or breaks it gets a copy."""
    clock = SettableClock(since)
    with copied(server, template) as url:
        database = Database(url, clock=clock)
        live(database, clock)
        database.close()
        yield Lived(str(url.database), clock.now())
