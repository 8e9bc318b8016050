"""`loyalty serve`: starts everything in order, watches it, and stops it in reverse."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace

import click
import urllib3
from sqlalchemy.engine import URL

from loyalty_service.cli.databases import database_address, embedded_root
from loyalty_service.cli.exits import NOT_NEWEST, Exit, Fault
from loyalty_service.cli.scheduler_process import SchedulerProcess
from loyalty_service.cli.token import key_path
from loyalty_service.config import JSON, Config, read_config
from loyalty_service.kit.embedded import EmbeddedPostgres, find_running
from loyalty_service.kit.keys import create_key_file, open_keys
from loyalty_service.kit.processes import Stop, Stopped, die_with_parent, stop_process
from loyalty_service.members.service import read_secret

LOOK_SECONDS = 0.2
READY_SECONDS = 60.0


@click.command()
@click.option("--migrate", is_flag=True, help="Bring the database to the newest revision first.")
@click.option(
    "--demo",
    is_flag=True,
    help="Sample program, demo data and a development key; says what to try.",
)
@click.option(
    "--no-scheduler",
    is_flag=True,
    help="Leave the nightly jobs to a `loyalty scheduler` elsewhere.",
)
def serve(*, migrate: bool, demo: bool, no_scheduler: bool) -> None:
    """Run the service until it is told to stop (Ctrl-C or SIGTERM).

    Without LOYALTY_DATABASE_URL it starts an embedded PostgreSQL under LOYALTY_DATA_DIR and owns
    it. If the database dies, the rest is stopped and the exit code says so.

    It also starts a scheduler of the nightly jobs; of several on one database one leads.
    """
    config = _with_keys(read_config(), demo=demo)
    if demo and config.log_format is None:
        config = replace(config, log_format="console")
    _require_free_port(config)
    stop = Stop()
    stop.listen()
    with suppress(Stopped):
        _serve(config, stop, migrate=migrate, demo=demo, with_jobs=not no_scheduler)
    click.echo("Stopped.", err=True)


def _serve(config: Config, stop: Stop, *, migrate: bool, demo: bool, with_jobs: bool) -> None:
    # One connection for each thread, and some for people who look at the database meanwhile.
    connections = {"max_connections": str(config.workers * config.threads + 30)}
    with database_address(config, connections) as (url, postgres):
        prepare_schema(url, migrate=migrate)
        config = replace(config, database_url=url.render_as_string(hide_password=False))
        with _web_server(config) as web:
            _await_ready(config, stop, web, postgres)
            if demo:
                from loyalty_service.cli.demo import show_demo

                show_demo(config, address(config))
            else:
                click.echo(f"Ready on {address(config)}", err=True)
            with SchedulerProcess(_environment(config)) if with_jobs else nullcontext() as jobs:
                _watch(stop, web, postgres, jobs)


def address(config: Config) -> str:
    """Where a browser on this machine finds the service."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(config.host, config.host)  # noqa: S104
    return f"http://{host}:{config.port}"


def _with_keys(config: Config, *, demo: bool) -> Config:
    """The settings with secrets that can be used; a demo makes its own key file, once.

    Raises:
        Fault: no keys are named, or the secret of personal references cannot be used.
        KeyFault: they cannot be used.
    """
    if config.jwt_keys is None:
        path = key_path(config)
        if demo:
            with suppress(FileExistsError):
                create_key_file(path)
        if not path.exists():
            raise Fault(
                Exit.SETTINGS,
                "LOYALTY_JWT_KEYS is not set: name a JWKS file or its https address. "
                "Or use --demo.",
            )
        config = replace(config, jwt_keys=str(path))
    open_keys(str(config.jwt_keys))
    try:
        read_secret(config.ref_secret_file)
    except (OSError, ValueError) as error:
        raise Fault(Exit.SETTINGS, f"LOYALTY_REF_SECRET_FILE cannot be used: {error}") from None
    return config


def _require_free_port(config: Config) -> None:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            if config.database_url is None and find_running(embedded_root(config)):
                raise Fault(
                    Exit.ALREADY_RUNNING,
                    f"Already running on {config.data_dir}. Stop that one first, or set "
                    "LOYALTY_DATA_DIR and LOYALTY_PORT to others.",
                ) from None
            raise Fault(
                Exit.WEB_DIED,
                f"Cannot listen on {config.host}:{config.port}: {error.strerror}. "
                "Set LOYALTY_PORT to a free one.",
            ) from None


def prepare_schema(url: URL, *, migrate: bool) -> None:
    """Bring the database to the newest revision, or make sure that it is there.

    Raises:
        Fault: it is not, and ``migrate`` is False.
    """
    from loyalty_service.kit.migrations import find_revision, newest_revision
    from loyalty_service.kit.migrations import migrate as bring_to_newest

    if migrate:
        bring_to_newest(url)
    elif find_revision(url) != newest_revision():
        raise Fault(Exit.NO_DATABASE, NOT_NEWEST)


def _environment(config: Config) -> dict[str, str]:
    return {
        **os.environ,
        "LOYALTY_DATABASE_URL": str(config.database_url),
        "LOYALTY_JWT_KEYS": str(config.jwt_keys),
        "LOYALTY_LOG_FORMAT": config.log_format or JSON,
    }


@contextmanager
def _web_server(config: Config) -> Iterator[subprocess.Popen[bytes]]:
    counts = config.data_dir / f"metrics-{config.port}"
    shutil.rmtree(counts, ignore_errors=True)
    counts.mkdir(parents=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "loyalty_service.cli.web_server"],
        env={**_environment(config), "PROMETHEUS_MULTIPROC_DIR": str(counts)},
        stdin=subprocess.DEVNULL,
        # A Ctrl-C of the terminal reaches us only; we stop things in their order.
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509
    )
    try:
        yield process
    finally:
        steps = [(signal.SIGTERM, config.grace_seconds + 5.0), (signal.SIGQUIT, 5.0)]
        stop_process(process, steps)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _await_ready(
    config: Config, stop: Stop, web: subprocess.Popen[bytes], postgres: EmbeddedPostgres | None
) -> None:
    give_up_at = time.monotonic() + READY_SECONDS
    while time.monotonic() < give_up_at:
        stop.check()
        _require_alive(web, postgres)
        if _answers(f"{address(config)}/readyz"):
            return
        time.sleep(LOOK_SECONDS / 4)
    raise Fault(Exit.WEB_DIED, f"Not ready within {READY_SECONDS:.0f} s; see the log above.")


def _answers(url: str) -> bool:
    with urllib3.PoolManager(retries=False, timeout=2.0) as pool:
        try:
            return pool.request("GET", url).status == 200
        except urllib3.exceptions.HTTPError:
            return False


def _watch(
    stop: Stop,
    web: subprocess.Popen[bytes],
    postgres: EmbeddedPostgres | None,
    jobs: SchedulerProcess | None,
) -> None:
    while True:
        stop.check()
        _require_alive(web, postgres)
        if jobs is not None:
            jobs.keep()
        time.sleep(LOOK_SECONDS)


def _require_alive(web: subprocess.Popen[bytes], postgres: EmbeddedPostgres | None) -> None:
    if postgres is not None and postgres.poll() is not None:
        raise Fault(
            Exit.DATABASE_DIED,
            f"The embedded PostgreSQL died ({postgres.poll()}); everything else is stopped.\n"
            f"{postgres.log_tail()}",
        )
    if web.poll() is not None:
        raise Fault(Exit.WEB_DIED, f"The web server ended ({web.poll()}); see the log above.")
