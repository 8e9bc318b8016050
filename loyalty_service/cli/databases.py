"""Which database a command works on: the one named, or the embedded one, started if need be."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from loyalty_service.cli.exits import Exit, Fault
from loyalty_service.config import Config
from loyalty_service.kit.clock import SystemClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.embedded import AlreadyRunning, EmbeddedPostgres, find_running


def embedded_root(config: Config) -> Path:
    """Where the embedded database lies."""
    return config.data_dir / "postgres"


@contextmanager
def database_address(
    config: Config, settings: Mapping[str, str] | None = None
) -> Iterator[tuple[URL, EmbeddedPostgres | None]]:
    """The database's address, and its server where we started it for the time of the block.

    Raises:
        AlreadyRunning: somebody else is starting or stopping the embedded one.
        EmbeddedFault: it cannot run here.
    """
    if config.database_url is not None:
        yield make_url(config.database_url), None
        return
    with EmbeddedPostgres(embedded_root(config), settings=settings) as postgres:
        yield postgres.url, postgres


@contextmanager
def some_database_address(config: Config) -> Iterator[URL]:
    """The same for short commands, which use the embedded server that `serve` already runs."""
    try:
        with database_address(config) as (url, _):
            yield url
    except AlreadyRunning:
        running = find_running(embedded_root(config))
        if running is None:
            raise
        yield running


@contextmanager
def open_database(
    config: Config, *, pool_size: int = 1, most_lock_ms: int | None = None
) -> Iterator[Database]:
    """The service's database for a short command, as the role that cannot change the ledger.

    Args:
        most_lock_ms: how long to wait for a lock where the settings would wait longer.

    Raises:
        Fault: none is named and there is no embedded one; a short command begins none.
    """
    if config.database_url is None and not embedded_root(config).exists():
        raise Fault(
            Exit.NO_DATABASE,
            f"There is no database under {config.data_dir.resolve()}. Run this in the folder where "
            "the service was started, or set LOYALTY_DATA_DIR or LOYALTY_DATABASE_URL.",
        )
    with some_database_address(config) as url:
        patience = min(config.lock_timeout_ms, most_lock_ms or config.lock_timeout_ms)
        db = Database(url, clock=SystemClock(), pool_size=pool_size, lock_timeout_ms=patience)
        try:
            yield db
        finally:
            db.close()
