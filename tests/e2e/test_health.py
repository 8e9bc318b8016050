"""Is the process alive, and may it get requests."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from loyalty_service.app import bare_app
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.http import PARTS, Parts
from loyalty_service.kit.metrics import watch_pool


def client_on(db: Database) -> FlaskClient:
    app = bare_app()
    app.testing = True
    nothing: Any = None
    app.extensions[PARTS] = Parts(db, nothing, nothing, nothing, nothing, nothing)
    return app.test_client()


@pytest.fixture
def as_owner(database_url: str, clock: SettableClock) -> Iterator[Database]:
    database = Database(database_url, clock=clock, role=None)
    yield database
    database.close()


def test_a_migrated_database_makes_ready(db: Database) -> None:
    answer = client_on(db).get("/readyz")

    assert answer.json == {
        "status": "ok",
        "database": True,
        "migrations": True,
        "ledger_protected": True,
    }


def test_a_role_that_could_change_the_ledger_is_not_ready(as_owner: Database) -> None:
    answer = client_on(as_owner).get("/readyz")

    assert (answer.status_code, answer.json["code"]) == (503, "not_ready")
    assert answer.json["values"] == {"failed": ["ledger_protected"]}


def test_an_older_schema_is_not_ready(db: Database, owner_connection: Any) -> None:
    with owner_connection.cursor() as cursor:
        cursor.execute("UPDATE alembic_version SET version_num = 'older'")

    answer = client_on(db).get("/readyz")

    assert (answer.status_code, answer.json["values"]) == (503, {"failed": ["migrations"]})


def test_a_database_that_is_away_is_not_ready_but_alive(clock: SettableClock) -> None:
    db = Database("postgresql+psycopg2://nobody@/nothing?host=/nowhere", clock=clock)
    client = client_on(db)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json["code"]) == (503, "database_unavailable")
    assert "Retry-After" in answer.headers
    assert client.get("/healthz").json == {"status": "ok"}


def test_open_connections_are_counted(db: Database, owner_connection: Any) -> None:
    watch_pool(db.engine)
    client = client_on(db)

    def connections() -> float:
        line = next(
            line
            for line in client.get("/metrics").text.splitlines()
            if line.startswith("loyalty_db_connections_open ")
        )
        return float(line.split()[1])

    before = connections()
    assert client.get("/readyz").status_code == 200
    opened = connections()
    assert opened == before + 1

    with owner_connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert client.get("/readyz").status_code == 503
    assert connections() == opened - 1
    assert client.get("/readyz").status_code == 200
