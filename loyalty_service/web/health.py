"""For machines: is the process alive, is it ready, what has it counted."""

from typing import Any

from flask import Blueprint

from loyalty_service.kit.db import Database
from loyalty_service.kit.fields import Body, Choice, Flag
from loyalty_service.kit.http import Call, Reply, endpoint
from loyalty_service.kit.metrics import CONTENT_TYPE, metrics_text
from loyalty_service.kit.migrations import newest_revision
from loyalty_service.kit.problems import AWAY, DatabaseUnavailable, Unavailable

blueprint = Blueprint("health", __name__)

_MIGRATED = "SELECT to_regclass('alembic_version') IS NOT NULL"
_REVISION = "SELECT version_num FROM alembic_version"
_CAN_CHANGE = """
SELECT coalesce(bool_or(has_table_privilege(current_user, oid, 'UPDATE, DELETE, TRUNCATE')), false)
FROM pg_class WHERE oid IN (to_regclass('entry'), to_regclass('allocation'))
"""


class NotReady(Unavailable):
    """The service must not get requests yet; `failed` names the checks that failed."""

    code = "not_ready"


class HealthSchema(Body):
    """The process answers."""

    status = Choice(["ok"], required=True)


class ReadySchema(HealthSchema):
    """What was looked at, and found right."""

    database = Flag(required=True)
    migrations = Flag(required=True)
    ledger_protected = Flag(required=True)


@endpoint(
    blueprint,
    "GET",
    "/healthz",
    public=True,
    answers={200: HealthSchema},
    summary="Is the process alive",
    tags=("machines",),
)
def healthz(_call: Call) -> Reply:
    """The process answers; nothing else is looked at."""
    return Reply({"status": "ok"})


@endpoint(
    blueprint,
    "GET",
    "/readyz",
    public=True,
    answers={200: ReadySchema},
    refusals=(NotReady, DatabaseUnavailable),
    summary="May the process get requests",
    tags=("machines",),
)
def readyz(call: Call) -> Reply:
    """The database, the revision of its tables, and the guard of the ledger are looked at."""
    checks = check_database(call.parts.db)
    failed = sorted(name for name, passed in checks.items() if not passed)
    if failed:
        raise NotReady(f"Not ready: {', '.join(failed)}.", failed=failed)
    return Reply({"status": "ok", **checks})


@endpoint(
    blueprint,
    "GET",
    "/metrics",
    public=True,
    answers={200: None},
    media_type=CONTENT_TYPE,
    summary="Counters for Prometheus",
    tags=("machines",),
)
def metrics(call: Call) -> Reply:
    """What all processes have counted: requests, connections; and how the nightly jobs went."""
    try:
        looked_up = call.parts.measures(call.parts.db)
    except AWAY:
        # What is counted here can be told without the database.
        looked_up = ()
    return Reply(metrics_text(looked_up))


def check_database(db: Database) -> dict[str, bool]:
    """Whether the database answers, is at our revision, and keeps the ledger from us."""
    revision: Any = None
    if db.fetch(_MIGRATED)[0][0]:
        revision = db.fetch(_REVISION)[0][0]
    return {
        "database": True,
        "migrations": revision == newest_revision(),
        "ledger_protected": not db.fetch(_CAN_CHANGE)[0][0],
    }
