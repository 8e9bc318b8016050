"""Where an embedded server's files lie, whose they are, and who holds them now."""

import fcntl
import hashlib
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

FOR_ROOTS_HOME = Path("/var/lib/loyalty-service")


@dataclass(frozen=True, slots=True)
class Account:
    """Whom programs of the server run as; without numbers, whoever we are."""

    user: int | None = None
    group: int | None = None

    @property
    def no_groups(self) -> list[int] | None:
        """What to give as further groups: none at all, where the account changes."""
        return None if self.user is None else []

    def give(self, path: Path) -> None:
        """Make the account the owner of ``path``."""
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group, follow_symlinks=False)


class EmbeddedFault(Exception):
    """The embedded PostgreSQL cannot run; the message says why and what to do."""


class AlreadyRunning(EmbeddedFault):
    """Another process runs on the same folder."""


def account_for(root: Path) -> Account:
    """Whom the server runs as: PostgreSQL refuses root, so root starts it as somebody else."""
    if os.geteuid() != 0:
        return Account()
    data = root / "data"
    # A cluster belongs to whoever made it, even where a better account has appeared since.
    if data.exists() and data.stat().st_uid != 0:
        owner = data.stat()
        return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(found.pw_uid, found.pw_gid)
    raise EmbeddedFault("Started as root, and there is no account 'postgres' or 'nobody' to use.")


def usable_root(asked: Path, account: Account) -> Path:
    """The folder, or a stand-in (linked from there) where that account cannot reach it."""
    try:
        asked.parent.mkdir(parents=True, exist_ok=True)
        new = not asked.exists()
        if not new or can_enter(asked.parent, account):
            asked.mkdir(exist_ok=True)
            root = asked.resolve()
        else:
            # Root's home is closed to others. We open no folder that is not ours.
            name = hashlib.sha256(os.fsencode(asked)).hexdigest()[:12]
            FOR_ROOTS_HOME.mkdir(exist_ok=True)
            FOR_ROOTS_HOME.chmod(0o711)
            root = FOR_ROOTS_HOME / name
            root.mkdir(exist_ok=True)
            asked.unlink(missing_ok=True)
            asked.symlink_to(root)
        own(root, account)
    except OSError as error:
        raise EmbeddedFault(f"The folder of the database cannot be used: {error}") from error
    if not can_enter(root, account):
        raise EmbeddedFault(f"The database's account cannot reach {root}; move LOYALTY_DATA_DIR.")
    return root


def can_enter(folder: Path, account: Account) -> bool:
    seen = subprocess.run(
        ["/bin/sh", "-c", 'cd "$1"', "sh", folder],
        check=False,
        capture_output=True,
        user=account.user,
        group=account.group,
        extra_groups=account.no_groups,
    )
    return seen.returncode == 0


def take_lock(path: Path) -> IO[str]:
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise AlreadyRunning(
            f"Already running on {path.parent} (process {holder}). Stop that one first, "
            "or set LOYALTY_DATA_DIR to another folder."
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def own(folder: Path, account: Account) -> None:
    """Make the folder, readable by the server's account only."""
    folder.mkdir(exist_ok=True)
    account.give(folder)
    folder.chmod(0o700)
