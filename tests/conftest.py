"""What tests may ask for: a migrated database of their own, the service on it, a clock to set."""

import os
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from sqlalchemy import URL, make_url

from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.embedded import EmbeddedPostgres
from loyalty_service.kit.migrations import migrate
from tests.databases import connect, copied, on_server

START = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)

# Tests do not have to survive a power cut.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "256MB",
}

hypothesis.settings.register_profile("default", deadline=None, max_examples=100)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Add up and tell what tests have counted (``record_property``), over all workers."""
    totals: dict[str, Counter[str]] = {}
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, counted in report.user_properties:
            totals.setdefault(name, Counter()).update(counted)
    for name, counts in totals.items():
        told = ", ".join(f"{what} {count}" for what, count in sorted(counts.items()))
        terminalreporter.write_line(f"{name}, {counts.total()} in all: {told}")


@pytest.fixture(scope="session")
def long_scale() -> float:
    """What part of their full size the long tests take, from LOYALTY_LONG_SCALE."""
    return float(os.environ.get("LOYALTY_LONG_SCALE", "1"))


# A database is made there in a tenth of the time, and nearly every test has one of its own.
MEMORY = Path("/dev/shm")
ROOM_WANTED = 2 << 30


def _in_memory() -> Path | None:
    """The folder that lies in memory, where the system has one with room."""
    if not os.access(MEMORY, os.W_OK | os.X_OK) or shutil.disk_usage(MEMORY).free < ROOM_WANTED:
        return None
    return MEMORY


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that any account may pass through; pytest's own are closed when run by root."""
    folder = Path(tempfile.mkdtemp(prefix="loyalty-test-", dir=_in_memory()))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def root(open_folder: Path) -> Path:
    """Where an embedded PostgreSQL of one test may lie."""
    folder = Path(tempfile.mkdtemp(dir=open_folder))
    folder.chmod(0o711)
    return folder / "postgres"


@pytest.fixture(scope="session")
def server_url(open_folder: Path) -> Iterator[URL]:
    """A PostgreSQL server: LOYALTY_TEST_DATABASE_URL, or one of our own for this session."""
    given = os.environ.get("LOYALTY_TEST_DATABASE_URL")
    if given:
        yield make_url(given).set(drivername="postgresql+psycopg2")
        return
    with EmbeddedPostgres(open_folder / "postgres", settings=FAST) as postgres:
        yield postgres.url


@pytest.fixture(scope="session")
def template(server_url: URL) -> Iterator[str]:
    """The name of a migrated, empty database; migrated once, copied for every test."""
    name = f"loyalty_template_{uuid.uuid4().hex[:12]}"
    on_server(server_url, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    try:
        migrate(server_url.set(database=name))
        yield name
    finally:
        on_server(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(server_url: URL, template: str) -> Iterator[str]:
    """A fresh database at the newest revision, dropped after the test."""
    with copied(server_url, template) as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture
def clock() -> SettableClock:
    """A clock that stands at noon in Shanghai, Monday 2 March 2026, until a test moves it."""
    return SettableClock(START)


@pytest.fixture
def db(database_url: str, clock: SettableClock) -> Iterator[Database]:
    """The service's database, as the role that cannot change the ledger."""
    database = Database(database_url, clock=clock)
    yield database
    database.close()


@pytest.fixture
def twin(server_url: URL, template: str) -> Iterator[Database]:
    """Another empty database, with a clock of its own that stands at the same instant."""
    with copied(server_url, template) as url:
        database = Database(url, clock=SettableClock(START))
        yield database
        database.close()


@pytest.fixture
def owner_connection(database_url: str) -> Iterator[Any]:
    """A connection as the owner, in autocommit: for tests that break or inspect things."""
    connection = connect(database_url)
    yield connection
    connection.close()
