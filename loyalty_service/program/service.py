"""Programs: the versions a process knows, and making a new one the version in force."""

from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from threading import Lock

from loyalty_service.kit.db import Transaction
from loyalty_service.program.queries import (
    Fetch,
    count_holders,
    find_newest,
    has_digest,
    has_entries,
    list_after,
)
from loyalty_service.program.rules.document import canonical, read_document
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.turns import Turn, list_endless, list_turned
from loyalty_service.program.rules.versions import (
    NoProgram,
    ProgramUnknown,
    Version,
    faulty,
    find_in_force,
    list_dropped_tiers,
    list_dropped_wallets,
    require_continues,
    require_endings,
    require_nobody_in,
)

_INSERT = """
INSERT INTO program_version (version, document, digest, in_force_at, applied_by)
VALUES (%s, %s, %s, %s, %s)
"""

Known = tuple[tuple[Version, ...], tuple[datetime, ...]]
"""Versions, oldest first, and when each came into force (UTC)."""


class Programs:
    """The program versions that this process has read.

    A version never changes once applied, so what is here can only be incomplete, never wrong:
    callers say the newest version that the database told them of, and what is missing is read.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        # Replaced together: whoever reads without the lock sees both as they belong together.
        self._known: Known = ((), ())
        self._frozen: dict[int, Program] = {}

    def in_force(self, fetch: Fetch, known_version: int, at: datetime) -> tuple[int, Program]:
        """The version in force at an instant, or the first where none was yet, and its program.

        Args:
            fetch: reads in the caller's transaction.
            known_version: the newest version there is, as the caller's last read told; 0 for none.
            at: when the order was placed or the event occurred.

        Raises:
            NoProgram: no program has been applied.

        Rule: R-06.
        """
        versions, in_force_at = self._known
        # Asked many times by every call, so what is known is found without calling anybody.
        if not versions or versions[-1].version < known_version:
            versions, in_force_at = self._learn(fetch, known_version)
        if not versions:
            raise NoProgram("No program has been applied yet; apply one first.")
        found = versions[find_in_force(in_force_at, at)]
        program = self._frozen.get(found.version)
        return found.version, self._freeze(found) if program is None else program

    def get(self, fetch: Fetch, version: int) -> Program:
        """The program of a version, however old.

        Raises:
            ProgramUnknown: there is no such version.

        Rule: R-40.
        """
        program = self._frozen.get(version)
        if program is not None:
            return program
        self._learn(fetch, version)
        for known in self._known[0]:
            if known.version == version:
                return self._freeze(known)
        raise ProgramUnknown(f"There is no version {version} of the program.", asked=version)

    def in_force_at(self, fetch: Fetch, version: int) -> datetime:
        """When a version came into force (UTC).

        Raises:
            ProgramUnknown: there is no such version.
        """
        self._learn(fetch, version)
        for known in self._known[0]:
            if known.version == version:
                return known.in_force_at
        raise ProgramUnknown(f"There is no version {version} of the program.", asked=version)

    def supposing(self, fetch: Fetch, text: str, at: datetime) -> "Programs":
        """The versions there are, and as the newest one a document that nobody has applied.

        Args:
            text: a document without faults.
            at: when it is supposed to come into force (UTC), unless the newest came later.

        Raises:
            NoProgram: no program has been applied.
        """
        newest = find_running(fetch)
        self._learn(fetch, newest.version)
        in_force_at = max(at, newest.in_force_at)
        supposed = Version(newest.version + 1, in_force_at, "nobody", canonical(text))
        versions, instants = self._known
        programs = Programs()
        programs._known = (*versions, supposed), (*instants, in_force_at)
        return programs

    def learn(self, fetch: Fetch) -> None:
        """Read all the versions there are now.

        Raises:
            NoProgram: no program has been applied.
        """
        self._learn(fetch, find_running(fetch).version)

    @property
    def newest(self) -> int:
        """The newest version that is known here; 0 for none."""
        versions, _ = self._known
        return versions[-1].version if versions else 0

    def turns(self, fetch: Fetch, after: int, until: int) -> list[Turn]:
        """The turns of the versions after one, up to another, oldest first.

        Rule: R-26.
        """
        return [
            Turn(version, self.in_force_at(fetch, version), wallet, self.get(fetch, version))
            for version in range(after + 1, until + 1)
            for wallet in list_turned(self.get(fetch, version - 1), self.get(fetch, version))
        ]

    def _learn(self, fetch: Fetch, version: int) -> Known:
        """Read what is missing up to a version; returns what is known then."""
        with self._lock:
            known, _ = self._known
            last = known[-1].version if known else 0
            if last < version:
                versions = (*known, *list_after(fetch, last))
                self._known = versions, tuple(each.in_force_at for each in versions)
            return self._known

    def _freeze(self, stored: Version) -> Program:
        program = self._frozen.get(stored.version)
        if program is None:
            program = self._frozen.setdefault(stored.version, _thaw(stored))
        return program


def _thaw(stored: Version) -> Program:
    """The program of a stored document, which was checked when it was applied."""
    checked = read_document(stored.document)
    if checked.program is None:
        raise RuntimeError(f"stored program version {stored.version}: {checked.faults}")
    return checked.program


def find_running(fetch: Fetch) -> Version:
    """The version in force.

    Raises:
        NoProgram: no program has been applied.
    """
    newest = find_newest(fetch)
    if newest is None:
        raise NoProgram("No program has been applied yet; apply one first.")
    return newest


def require_follows(tx: Transaction, newest: Version, program: Program) -> None:
    """Check that a program can follow the version in force.

    Whoever comes to a dropped tier while this is being looked at is put where they belong when
    time brings them the new version.

    Raises:
        ProgramFixed: it changes what a running program cannot change.
        TierHeld: it drops a tier that members hold.

    Rule: R-01, R-04, R-10, R-54.
    """
    running = _thaw(newest)
    dropped = list_dropped_wallets(running, program)
    used = [wallet for wallet in dropped if has_entries(tx.fetch, wallet)]
    require_continues(running, program, used)
    require_nobody_in(count_holders(tx.fetch, list_dropped_tiers(running, program)))
    _require_ends(tx, program)


def _require_ends(tx: Transaction, program: Program) -> None:
    """Check that nothing is given for ever where all points were given an end together."""
    kept = Programs()
    kept.learn(tx.fetch)
    every = [kept.get(tx.fetch, number) for number in range(1, kept.newest + 1)]
    turned = {
        wallet
        for before, after in pairwise([*every, program])
        for wallet in list_turned(before, after)
    }
    require_endings(list_endless(turned, program))


def apply_document(tx: Transaction, text: str, applied_by: str) -> int:
    """Make a document the version in force from now on.

    Two that are applied at once claim the same number; the database lets one of them through and
    the other is run again (``Database.run``), so that each is checked against the one before it.

    Args:
        text: the document, YAML or JSON.
        applied_by: who applies it.

    Returns:
        Its version; that of the newest one where that says the same already.

    Raises:
        ProgramFaulty: the document has faults. Nothing is written.
        ProgramFixed, TierHeld: it cannot follow the newest version. Nothing is written.

    Rule: R-01, R-06.
    """
    checked = read_document(text)
    if checked.program is None:
        raise faulty(checked.faults)
    document = canonical(text)
    digest = sha256(document.encode()).digest()
    newest = find_newest(tx.fetch)
    if newest is None:
        tx.add(_INSERT, (1, document, digest, tx.now(), applied_by))
        return 1
    if has_digest(tx.fetch, newest.version, digest):
        return newest.version
    require_follows(tx, newest, checked.program)
    # Never before its predecessor, whatever another machine's clock says.
    in_force_at = max(tx.now(), newest.in_force_at)
    tx.add(_INSERT, (newest.version + 1, document, digest, in_force_at, applied_by))
    return newest.version + 1
