"""Telling members of points that will end: an event for each notice, once (R-56)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from loyalty_service.jobs.queries import (
    Span,
    count_span,
    find_newest_version,
    find_span,
    list_lots_ending,
    read_reminded,
    read_reminded_in,
)
from loyalty_service.jobs.rules.reminding import Notice, horizon, list_ending, list_notices
from loyalty_service.jobs.rules.runs import LOCKED
from loyalty_service.jobs.service.catching_up import count
from loyalty_service.jobs.service.turns import Chunk, Known
from loyalty_service.kit.clock import Clock
from loyalty_service.kit.db import Transaction
from loyalty_service.ledger.queries import read_accounts
from loyalty_service.ledger.service import Acting, Books
from loyalty_service.ledger.service.books import Passing
from loyalty_service.members import service as members
from loyalty_service.members.rules import Member
from loyalty_service.program.rules.periods import local_date
from loyalty_service.program.rules.program import Program
from loyalty_service.program.service import Programs
from loyalty_service.timekeeping.service import CLOCK

EXPIRING = "points.expiring"

_REMINDED = "INSERT INTO reminded (member_id, wallet, expires_on, notice, reminded_at)"
_AGAIN = """
ON CONFLICT (member_id, wallet, expires_on)
DO UPDATE SET notice = excluded.notice, reminded_at = excluded.reminded_at
"""


@dataclass(frozen=True, slots=True)
class Remind:
    """The step that tells members of points that will end.

    What was told stands in a row that is written with the event, under the member's lock: killed,
    repeated or run twice at once, it tells the same once.

    Args:
        clock: who has to be told is first looked for without a lock, by this clock.
        locked: how many members one step locks at the most.

    Rule: R-56.
    """

    programs: Programs
    passing: Passing
    clock: Clock
    locked: int = LOCKED

    def __call__(self, tx: Transaction, after: int, size: int, _known: Known, /) -> Chunk | None:
        """Tell those of the next members who have to be told."""
        found = find_span(tx, after, size)
        if found is None:
            return None
        span, scanned = found
        program = self.programs.get(tx.fetch, find_newest_version(tx.fetch))
        ids = self._look(tx, span, program)[: self.locked]
        if len(ids) == self.locked:
            span = (after, ids[-1])
            scanned = count_span(tx, span)
        locked = list(members.lock_many(tx, ids).values())
        books = Acting(tx, self.programs, CLOCK, self.passing).books(*locked)
        told = self._tell(books, locked, program) if locked else 0
        moved = [member for member in locked if member.happened]
        books.write(moved)
        return Chunk(span[1], scanned, told, count(books, moved))

    def _look(self, tx: Transaction, span: Span, program: Program) -> list[int]:
        """Who of a range has to be told, without a lock; the lock is worth it for them only."""
        at, zone = self.clock.now(), program.zone
        today = local_date(at, zone)
        lots = list_lots_ending(tx, span, at, horizon(at, zone))
        reminded = read_reminded_in(tx, span, today)
        return sorted(
            member_id
            for member_id, found in lots.items()
            if list_notices(list_ending(found, at, zone), reminded.get(member_id, {}), today)
        )

    def _tell(self, books: Books, locked: Sequence[Member], program: Program) -> int:
        """Read again under the lock, do what is overdue first, and tell what there is to tell.

        Returns:
            how many members were told; of others only what was overdue happened.
        """
        books.accounts = read_accounts(books.tx, locked)
        books.read_totals(None, books.now)
        today = local_date(books.now, program.zone)
        reminded = read_reminded(books.tx, [m.member_id for m in locked], today)
        told, rows = 0, []
        for member in locked:
            at = books.bring(member, books.now)
            notices = _notices(books, member, at, program, reminded.get(member.member_id, {}))
            for notice in notices:
                member.tell(EXPIRING, at, notice.told())
                rows.append(_row(member, notice, books.now))
            told += bool(notices)
        books.tx.add_rows(_REMINDED, rows, _AGAIN)
        return told


def _notices(
    books: Books,
    member: Member,
    at: datetime,
    program: Program,
    reminded: dict[tuple[str, date], int],
) -> list[Notice]:
    accounts = books.accounts.get(member.member_id, {})
    lots = [(w, lot) for w, account in accounts.items() for lot in account.lots.values()]
    return list_notices(list_ending(lots, at, program.zone), reminded, local_date(at, program.zone))


def _row(member: Member, notice: Notice, now: datetime) -> tuple[object, ...]:
    return (member.member_id, notice.wallet, notice.expires_on, notice.notice, now)
