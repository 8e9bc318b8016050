"""Raw connections, for tests that look at or break what the service keeps."""

from typing import Any

import psycopg2
from sqlalchemy import URL, make_url


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
