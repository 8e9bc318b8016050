"""Bringing every member to an instant: what time owes them is written by night (R-55)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from loyalty_service.jobs.queries import (
    Span,
    count_span,
    find_newest_version,
    find_span,
    list_due,
)
from loyalty_service.jobs.rules.counts import Counts
from loyalty_service.jobs.rules.runs import LOCKED, time_asks_for_members
from loyalty_service.jobs.service.turns import Chunk, Known
from loyalty_service.kit.db import Transaction
from loyalty_service.kit.frozen import frozen
from loyalty_service.ledger.service import Acting, Books
from loyalty_service.ledger.service.books import Passing
from loyalty_service.members import service as members
from loyalty_service.members.queries import list_members
from loyalty_service.members.rules import Member
from loyalty_service.program.service import Programs
from loyalty_service.timekeeping.service import CLOCK


@frozen
class Found:
    """The next members: up to whom they go, how many they are, and who of them is due."""

    to: int
    scanned: int
    due: list[int]


@dataclass(frozen=True, slots=True)
class CatchUp:
    """The step that brings members to an instant, as their next operation would.

    Args:
        at: the instant (UTC).
        locked: how many members one step locks at the most.

    Rule: R-55.
    """

    programs: Programs
    passing: Passing
    at: datetime
    locked: int = LOCKED

    def __call__(self, tx: Transaction, after: int, size: int, known: Known, /) -> Chunk | None:
        """Lock who is due of the next members, bring each, and write all of it at once."""
        found = self._find(tx, after, size)
        if found is None:
            return None
        locked = members.lock_many(tx, found.due).values()
        # Not before: locks are taken in ascending order, also over the steps of a run.
        known(found.to)
        # Who was brought further meanwhile is left alone.
        due = [member for member in locked if member.caught_up_to <= self.at]
        books = self._acting(tx).books(*due)
        moved = self._bring(books, due)
        books.write(moved)
        return Chunk(found.to, found.scanned, len(moved), count(books, moved))

    def foresee(self, tx: Transaction, after: int, size: int) -> Chunk | None:
        """What bringing the next members would do; nothing is locked or written."""
        found = self._find(tx, after, size)
        if found is None:
            return None
        due = list_members(tx, found.due)
        books = self._acting(tx).books_at(self.at, *due)
        moved = self._bring(books, due)
        for member in moved:
            # As writing would.
            books.settle(member)
        return Chunk(found.to, found.scanned, len(moved), count(books, moved))

    def _acting(self, tx: Transaction) -> Acting:
        return Acting(tx, self.programs, CLOCK, self.passing)

    def _find(self, tx: Transaction, after: int, size: int) -> Found | None:
        span = find_span(tx, after, size)
        if span is None:
            return None
        (_, to), scanned = span
        due = list_due(tx, (after, to), self.at, version=self._asks_by(tx), most=self.locked)
        if len(due) < self.locked:
            return Found(to, scanned, due)
        nearer: Span = (after, due[-1])
        return Found(due[-1], count_span(tx, nearer), due)

    def _asks_by(self, tx: Transaction) -> int | None:
        """By which version everybody must have been asked what time brings them, if by any."""
        newest = find_newest_version(tx.fetch)
        if time_asks_for_members(self.programs.get(tx.fetch, newest)):
            return newest
        turns = self.programs.turns(tx.fetch, 1, newest)
        return turns[-1].version if turns else None

    def _bring(self, books: Books, due: Sequence[Member]) -> list[Member]:
        """Bring these members; returns those of whom anything is to be written."""
        if due:
            books.read_due(due, self.at)
            books.read_totals(None, self.at)
        for member in due:
            books.bring(member, self.at)
        return [member for member in due if _has_moved(books, member)]


def count(books: Books, moved: Iterable[Member]) -> Counts:
    """What was decided for these members, once all of it has been."""
    counts = Counts()
    for member in moved:
        counts.note(member, books.accounts.get(member.member_id, {}).values())
    return counts


def _has_moved(books: Books, member: Member) -> bool:
    """Whether anything is to be written: held points may keep a lot that has ended."""
    accounts = books.accounts.get(member.member_id, {}).values()
    return bool(
        member.happened
        or member.standing != member.stored
        or member.member_id in books.totals.added
        or any(account.entries or account.holds_moved for account in accounts)
    )
