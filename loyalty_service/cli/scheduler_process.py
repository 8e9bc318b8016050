"""The scheduler as a child of `loyalty serve`: when it dies it is started again."""

import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from types import TracebackType

import click

from loyalty_service.kit.processes import die_with_parent, stop_process

AGAIN_SECONDS = 10.0
STOP_SECONDS = 15.0
"""How long a running job may take to end its step."""


class SchedulerProcess:
    """A scheduler that runs for the time of a ``with`` block.

    Points and orders do not need it, so nothing else is stopped when it dies.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._process = self._start()

    def __enter__(self) -> "SchedulerProcess":
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        stop_process(self._process, [(signal.SIGTERM, STOP_SECONDS)])

    def keep(self) -> None:
        """Start it again if it has died, some seconds after the last time."""
        code = self._process.poll()
        if code is None or time.monotonic() - self._began < AGAIN_SECONDS:
            return
        click.echo(f"The scheduler ended ({code}) and is started again.", err=True)
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        self._began = time.monotonic()
        return subprocess.Popen(
            [sys.executable, "-m", "loyalty_service.cli", "scheduler"],
            env=dict(self._environment),
            stdin=subprocess.DEVNULL,
            # A Ctrl-C of the terminal reaches `serve` only, which stops things in their order.
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509
        )
