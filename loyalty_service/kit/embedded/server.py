"""A real PostgreSQL beside the service: started, watched and stopped by us.

The binaries come from a wheel; nothing is installed on the machine and nothing listens on the
network. Everything lies in one folder, readable by one account only:

    data/  the cluster      run/  the socket      postgres.log      .lock  who runs it
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import psycopg2
from sqlalchemy.engine import URL

from loyalty_service.kit.embedded.cluster import (
    await_orphan,
    find_binaries,
    former_pid,
    make_cluster,
    server_environment,
)
from loyalty_service.kit.embedded.place import (
    Account,
    EmbeddedFault,
    account_for,
    own,
    take_lock,
    usable_root,
)
from loyalty_service.kit.processes import die_with_parent, stop_process

USER = "loyalty"
DATABASE = "loyalty"
PORT = 5432
START_SECONDS = 600.0
STOP_SECONDS = 60.0
_LEFTOVER_SECONDS = 20.0
_LONGEST_SOCKET_PATH = 100
_LOG_BYTES = 10_000_000
# Not tempfile.gettempdir(): that may be a long path again.
_TEMPORARY = Path("/tmp")  # noqa: S108
_SETTINGS = {
    "listen_addresses": "",
    "jit": "off",
    # Its log names no outside names: neither statements nor the keys that are there already.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class _StillHeld(Exception):
    """Remains of the last server have not gone yet."""


class EmbeddedPostgres:
    """One PostgreSQL cluster in one folder, as long as this process lives.

    Start it from the main thread: on Linux the server stops when that thread does, even when the
    process is killed.

    Args:
        root: the folder; made when missing, kept for the next start.
        settings: server settings over our own, as ``{"fsync": "off"}`` for tests.
    """

    def __init__(self, root: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self._asked_root = Path(root).absolute()
        self._settings = {**_SETTINGS, **(settings or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._socket_is_temporary = False

    def start(self) -> None:
        """Start the server, making the cluster first where there is none; returns when it answers.

        Raises:
            AlreadyRunning: another process runs on this folder.
            EmbeddedFault: it cannot run here.
        """
        account = account_for(self._asked_root)
        self.root = usable_root(self._asked_root, account)
        self.data = self.root / "data"
        self._lock = take_lock(self.root / ".lock")
        try:
            self._start(account)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server and wait for it; nothing happens when it does not run."""
        if self._process is not None:
            stop_process(
                self._process, [(signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, STOP_SECONDS)]
            )
            self._process = None
        if self._socket_is_temporary:
            shutil.rmtree(self.socket_dir, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def poll(self) -> int | None:
        """None while the server runs, else how it ended."""
        return None if self._process is None else self._process.poll()

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def url(self) -> URL:
        """Where SQLAlchemy finds the database."""
        return _url(self.socket_dir)

    def log_tail(self, characters: int = 2000) -> str:
        """The last words of the server."""
        with (self.root / "postgres.log").open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - characters))
            return log.read().decode(errors="replace")

    def __enter__(self) -> "EmbeddedPostgres":
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _start(self, account: Account) -> None:
        binaries = find_binaries(self.root, account)
        environment = server_environment()
        self._open_socket_dir(account)
        if not self.data.exists():
            make_cluster(binaries, self.data, USER, account)
        old = former_pid(self.data)
        if old is not None:
            await_orphan(old, self.data)
            # The server takes the process of this number for the one that started it, and so does
            # not mistake an innocent process that got the number since for a running server.
            environment["PG_GRANDPARENT_PID"] = str(old)
        give_up_at = time.monotonic() + _LEFTOVER_SECONDS
        while True:
            try:
                self._launch(binaries, environment, account)
                break
            except _StillHeld as error:
                if time.monotonic() > give_up_at:
                    raise EmbeddedFault(str(error)) from error
                time.sleep(0.2)
        self._make_database()

    def _open_socket_dir(self, account: Account) -> None:
        beside, note = self.root / "run", self.root / "socket-dir"
        if note.exists():
            # Only the name is taken from the note, so that it can never name a folder elsewhere.
            shutil.rmtree(_TEMPORARY / Path(note.read_text()).name, ignore_errors=True)
            note.unlink()
        shutil.rmtree(beside, ignore_errors=True)
        path = os.fsencode(beside / f".s.PGSQL.{PORT}")
        # The kernel bounds the length of a socket's path, PostgreSQL splits the setting at commas.
        self._socket_is_temporary = len(path) > _LONGEST_SOCKET_PATH or b"," in path or b'"' in path
        if self._socket_is_temporary:
            self.socket_dir = Path(tempfile.mkdtemp(prefix="loyalty-", dir=_TEMPORARY))
            note.write_text(str(self.socket_dir))
        else:
            self.socket_dir = beside
        own(self.socket_dir, account)

    def _launch(self, binaries: Path, environment: dict[str, str], account: Account) -> None:
        command: list[str | Path] = [
            binaries / "postgres",
            "-D",
            self.data,
            "-k",
            self.socket_dir,
            "-p",
            str(PORT),
        ]
        for name, value in self._settings.items():
            command += ["-c", f"{name}={value}"]
        log_path = self.root / "postgres.log"
        if log_path.exists() and log_path.stat().st_size > _LOG_BYTES:
            log_path.replace(log_path.with_suffix(".log.1"))
        with log_path.open("ab") as log:
            began_at = log.tell()
            self._process = subprocess.Popen(
                command,
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGINT),  # noqa: PLW1509
                user=account.user,
                group=account.group,
                extra_groups=account.no_groups,
            )
        self._await_answer(log_path, began_at)

    def _await_answer(self, log_path: Path, began_at: int) -> None:
        assert self._process is not None
        give_up_at = time.monotonic() + START_SECONDS
        # A long crash recovery is not a failure: wait while the server lives.
        while time.monotonic() < give_up_at:
            try:
                self._connect("postgres").close()
                return
            except psycopg2.OperationalError:
                if self._process.poll() is not None:
                    said = log_path.read_bytes()[began_at:][-2000:].decode(errors="replace")
                    held = "shared memory block" in said or "lock file" in said
                    fault = _StillHeld if held else EmbeddedFault
                    raise fault(f"PostgreSQL did not start:\n{said.strip()}") from None
                time.sleep(0.02)
        raise EmbeddedFault(f"PostgreSQL did not answer within {START_SECONDS:.0f} s: {log_path}")

    def _make_database(self) -> None:
        connection = self._connect("postgres")
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,))
                if cursor.fetchone() is None:
                    cursor.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            connection.close()

    def _connect(self, database: str) -> Any:
        # Said in full, so that no PGPORT or PGOPTIONS meant for another server gets in.
        return psycopg2.connect(
            host=str(self.socket_dir),
            port=PORT,
            user=USER,
            dbname=database,
            connect_timeout=5,
            options="-c statement_timeout=0",
        )


def find_running(root: Path) -> URL | None:
    """Where the server on ``root`` answers, when another process runs it; else None."""
    note = root / "socket-dir"
    try:
        socket_dir = _TEMPORARY / Path(note.read_text()).name
    except FileNotFoundError:
        socket_dir = root.resolve() / "run"
    return _url(socket_dir) if (socket_dir / f".s.PGSQL.{PORT}").exists() else None


def _url(socket_dir: Path) -> URL:
    return URL.create(
        "postgresql+psycopg2",
        username=USER,
        port=PORT,
        database=DATABASE,
        query={"host": str(socket_dir)},
    )
