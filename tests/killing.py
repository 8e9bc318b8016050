"""Killing what works at a run, at a moment drawn by chance, and knowing what it was doing."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

from tests.databases import connect
from tests.services import REPO, wait_until

SECONDS = 120
"""How long anything may take that is waited for."""

# Whoever works on the database, and whether a transaction of theirs is open.
_OPEN = """
SELECT coalesce(bool_or(xact_start IS NOT NULL), false) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'loyalty' AND pid <> pg_backend_pid()
"""
_STARTS = "SELECT coalesce(max(starts), 0) FROM job_run WHERE job = 'catch-up'"
_IS_DONE = "SELECT count(*) FROM job_run WHERE job = 'catch-up' AND outcome = 'done'"


def spawn(url: str, *command: str, module: str = "loyalty_service.cli") -> subprocess.Popen[bytes]:
    """Start a module of ours as a process on a database."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LOYALTY_")}
    return subprocess.Popen(
        [sys.executable, "-m", module, *command],
        env={**kept, "PYTHONPATH": str(REPO), "LOYALTY_DATABASE_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def ask(url: str, sql: str) -> Any:
    """One value of the database."""
    connection = connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]
    finally:
        connection.close()


@dataclass
class Killer:
    """Kills a process, or what it works on, while a run is under way.

    Args:
        start: begins the work, or goes on with it.
        strike: kills, once it is known what was going on; None: the process.
    """

    url: str
    start: Callable[[], subprocess.Popen[bytes]]
    dice: random.Random
    strike: Callable[[subprocess.Popen[bytes]], None] | None = None
    kills: Counter[str] = field(default_factory=Counter)

    def life(self, most_seconds: float) -> bool:
        """Start the work and kill it at any moment of so many seconds; False: it was done before.

        What came too early (nothing had begun) is drawn again by the waiting, what came too late
        does not count.
        """
        before = ask(self.url, _STARTS)
        process = self.start()
        try:
            wait_until(lambda: process.poll() is not None or self.has_begun(before), SECONDS)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=self.dice.uniform(0, most_seconds))
            if process.poll() is not None or self.is_done():
                return False
            self.kill(process)
            return True
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()

    def has_begun(self, before: int) -> bool:
        return bool(ask(self.url, _STARTS) > before)

    def is_done(self) -> bool:
        return bool(ask(self.url, _IS_DONE))

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Stop the process first, so that what is looked at is what is killed."""
        process.send_signal(signal.SIGSTOP)
        is_open = ask(self.url, _OPEN)
        if self.strike is None:
            process.send_signal(signal.SIGKILL)
        else:
            self.strike(process)
        self.kills["inside a transaction" if is_open else "between transactions"] += 1

    def finish(self) -> None:
        """Let the work come to its end."""
        process = self.start()
        try:
            wait_until(lambda: process.poll() is not None or self.is_done(), SECONDS)
            assert self.is_done()
        finally:
            process.kill()
            process.wait()


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def answers(url: str) -> bool:
    """Whether the database can be asked anything."""
    with suppress(psycopg2.Error):
        return bool(ask(url, "SELECT 1"))
    return False
