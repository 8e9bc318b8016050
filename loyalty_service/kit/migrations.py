"""The schema's revisions: bring a database to the newest, and tell whether it is there."""

from functools import cache
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg2.errors import InsufficientPrivilege
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import NullPool

from loyalty_service.kit.shipped import shipped_folder

# Any number, the same for everybody: two migrations of one database take turns.
_TURN = 7_203_451_998
_WAIT = "60s"


class NotTheOwner(Exception):
    """The schema is changed by the owner of the database only; says what was not allowed."""


def migrate(url: str | URL) -> tuple[str | None, str]:
    """Bring the database at ``url`` to the newest revision, as the owner.

    Each revision is a transaction of its own, so a failure keeps what came before it.

    Returns:
        The revision found (None for an empty database) and the newest one.

    Raises:
        NotTheOwner: the account may not change the schema.
    """
    engine = create_engine(
        url, poolclass=NullPool, connect_args={"application_name": "loyalty migrate"}
    )
    with engine.connect() as connection:
        connection.execute(text(f"SET lock_timeout = '{_WAIT}'"))
        connection.execute(text("SELECT pg_advisory_lock(:turn)"), {"turn": _TURN})
        connection.commit()
        found = _current(connection)
        connection.commit()
        try:
            command.upgrade(_alembic(connection), "head")
        except ProgrammingError as error:
            if isinstance(error.orig, InsufficientPrivilege):
                raise NotTheOwner(str(error.orig).strip()) from None
            raise
    return found, newest_revision()


@cache
def newest_revision() -> str:
    """The revision this copy of the service was written for."""
    head = ScriptDirectory.from_config(_alembic()).get_current_head()
    assert head is not None
    return head


def find_revision(url: str | URL) -> str | None:
    """The revision the database at ``url`` is at; None for an empty one."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return _current(connection)


def _current(connection: Any) -> str | None:
    if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _alembic(connection: Any = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(shipped_folder("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
