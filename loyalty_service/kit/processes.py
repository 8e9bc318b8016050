"""Child processes that do not outlive the one that started them."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_ON_LINUX: bool = sys.platform == "linux"


class Stopped(BaseException):
    """A person or a supervisor asked us to stop."""


class Stop:
    """The wish to stop, as signals bring it.

    It is raised wherever the main thread is. Python drops what is raised while it forks a child,
    so whoever goes on for long asks again, by ``check``.
    """

    _SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self._is_wished = False

    def listen(self) -> None:
        """Take the signals from now on, the first of them only."""
        for number in self._SIGNALS:
            signal.signal(number, self._stop)

    def check(self) -> None:
        """Go on, if nobody wished otherwise.

        Raises:
            Stopped: somebody did.
        """
        if self._is_wished:
            raise Stopped

    def _stop(self, _number: int, _frame: Any) -> None:
        # Once: a second Ctrl-C must not interrupt the stopping.
        for number in self._SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        self._is_wished = True
        raise Stopped


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """What a child runs before its program, so that it gets ``number`` when we are gone.

    Linux only; elsewhere None. The signal follows the *thread* that starts the child, so start
    children from the main thread.
    """
    if not _ON_LINUX:
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def before_exec() -> None:
        prctl(_PR_SET_PDEATHSIG, number)
        # The parent may have gone between fork and prctl; then no signal will ever come.
        if os.getppid() != parent:
            os._exit(1)

    return before_exec


def is_alive(pid: int) -> bool:
    """Whether a process of that number exists (a zombie still does)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def runs_in(pid: int, folder: Path) -> bool:
    """Whether process ``pid`` lives and works in ``folder``; False where that cannot be seen."""
    if _ON_LINUX:
        try:
            return Path(f"/proc/{pid}/cwd").readlink() == folder
        except OSError:
            return False
    command = ["ps", "-o", "command=", "-p", str(pid)]
    seen = subprocess.run(command, capture_output=True, text=True, check=False)
    return str(folder) in seen.stdout


def stop_process(
    process: subprocess.Popen[bytes], steps: list[tuple[signal.Signals, float]]
) -> int:
    """Ask a child to stop, ever more firmly: each step is a signal and the seconds to wait.

    Returns:
        Its exit code. After the last step it is killed.
    """
    for number, seconds in steps:
        if process.poll() is not None:
            break
        process.send_signal(number)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
    if process.poll() is None:
        process.kill()
    return process.wait()
