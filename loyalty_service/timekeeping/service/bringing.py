"""What time brings to members, whoever asks: an operation, a quote or the nightly run (R-55)."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from loyalty_service.earning.rules.openings import came_alive
from loyalty_service.kit.db import Transaction
from loyalty_service.ledger.queries import find_explanation
from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.adjusting import Written
from loyalty_service.ledger.rules.catch_up import catch_up, list_instants
from loyalty_service.ledger.rules.ending import follow
from loyalty_service.ledger.rules.entry import Kind, Reason
from loyalty_service.ledger.service import CLOCK_ACTOR, Acting, Books, tell_end, told, turns_ahead
from loyalty_service.members.rules import Member, Total, Wanted
from loyalty_service.members.service import Overdue, save
from loyalty_service.program.service import Programs
from loyalty_service.tiers import service as tiers
from loyalty_service.tiers.queries import find_tier_at
from loyalty_service.timekeeping.rules import is_birthday
from loyalty_service.timekeeping.service.looking_ahead import (
    find_next,
    find_wanted,
    list_programs,
    may_be_undone,
)
from loyalty_service.timekeeping.service.watching import Watch, follows_balances

CLOCK = ("job", "clock")
"""Who writes what time brings, whoever notices first."""

_INSTANT = timedelta(microseconds=1)


class Timekeeping:
    """Does what is overdue for a member before anything else is decided (``ledger.Passing``)."""

    def wants(self, books: Books, members: Iterable[Member], until: datetime) -> Wanted | None:
        """What of these members' sums has to be known to bring them there, and on from there."""
        return find_wanted(books, members, until)

    def bring(self, books: Books, member: Member, since: datetime, until: datetime) -> None:
        """Do everything that is overdue up to ``until``, itself included, instant by instant.

        At one instant: points follow what a version changes about their end, what comes alive may
        promote, birthdays are given, holds lapse, points expire, tiers are reviewed.

        Rule: R-26, R-32, R-51, R-52, R-55.
        """
        reached = since
        while (instant := find_next(books, member, since, until)) is not None:
            _pass(books, member, instant - _INSTANT)
            _reach(books, member, instant, is_again=instant == reached)
            reached = instant
        _pass(books, member, until)

    def settle(
        self, books: Books, member: Member, *, order_ref: str | None = None
    ) -> Sequence[dict[str, Any]]:
        """Let what was just decided for a member, or for that order, promote or undo it.

        Returns:
            what became of the tier, as receipts tell it.

        Rule: R-51, R-52.
        """
        at, seen = member.caught_up_to, len(member.happened)
        version, program = books.program_at(member, at)
        is_new = member.standing.due_by != version
        moved = books.totals.settle(member.member_id)
        if not is_new and not moved and not follows_balances(program):
            return ()
        watch = Watch(books, member, version, program, order_ref)
        was_undone = watch.undo(at, moved)
        watch.promote(at)
        # What stood before may have ended meanwhile.
        if was_undone and watch.review(at):
            watch.promote(at)
        watch.notice(at, moved)
        watch.reckon(at)
        return tiers.tell_changes(member, seen, program)

    def needs_every_lot(self, books: Books, members: Iterable[Member], until: datetime) -> bool:
        """Whether a tier asks for a balance, or a version changes when points end.

        Every open lot is part of that.
        """
        return any(map(follows_balances, list_programs(books, members, until))) or any(
            turns_ahead(books.tx, books.programs, member, until) for member in members
        )

    def tier_at(self, books: Books, member: Member, instant: datetime) -> str | None:
        """The tier in which a member stood at an instant; the lowest before the first.

        Rule: R-24.
        """
        asked = books.program_at(member, instant)[1].tiers
        if asked is None:
            return None
        since, tier = member.standing.since, member.standing.tier
        # Where a promotion was undone, another tier may have been held since then.
        if (since is not None and instant < since) or may_be_undone(books, member, instant):
            tier = find_tier_at(books.tx, member, instant)
        return asked.find(tier).id

    def tier_reached(
        self, books: Books, member: Member, counts: Mapping[Total, int], at: datetime
    ) -> str | None:
        """The tier that would stand once these are counted; None where there are no tiers.

        Rule: R-24.
        """
        version, program = books.program_at(member, at)
        return Watch(books, member, version, program).tier_with(counts, at)

    def earned_by(
        self, books: Books, account: Account, seq: int, entry: Written
    ) -> list[tuple[datetime, int]]:
        """What tiers count of an entry by an operator or an event, and from when on.

        Rule: R-50.
        """
        if entry.reason is Reason.ADJUSTMENT_EARNED:
            return [(entry.occurred_at, entry.points)]
        if entry.reason is not Reason.EVENT:
            return []
        program = books.program(entry.program_version)
        text = find_explanation(books.tx, account.member_id, account.wallet, seq) or ""
        gave = came_alive(program, text, entry.occurred_at)
        return [(begins, points) for _, points, begins in gave]

    def write(self, books: Books, members: Collection[Member]) -> None:
        """Add the changes of tier to the writes."""
        tiers.save(books.tx, members)

    def overdue(self, programs: Programs) -> Overdue:
        """What does the overdue for a member of whom something else is about to change (R-55)."""

        def bring(tx: Transaction, member: Member) -> Callable[[], None]:
            if not member.program_version:
                return partial(save, tx, [member])
            books = Acting(tx, programs, CLOCK, self).books_at(tx.now(), member)
            books.read_due([member], books.now)
            books.bring(member, books.now)
            return partial(books.write, [member])

        return bring


def _pass(books: Books, member: Member, until: datetime) -> None:
    """Write down what has lapsed and expired up to ``until``, itself included."""
    accounts = books.accounts.get(member.member_id, {}).values()
    # Mostly nothing has, which is asked several times for every member.
    if not list_instants(accounts, until):
        return
    entries = catch_up(
        accounts,
        until,
        recorded_at=member.recorded_at,
        actor_id=CLOCK_ACTOR,
        version_at=books.version_at(member),
    )
    for entry in entries:
        # A settled deficit is told of by itself, so that it is however far one run goes.
        kind = "points.expired" if entry.kind is Kind.EXPIRE else "points.moved"
        member.tell(kind, entry.cause.occurred_at, told(entry))


def _reach(books: Books, member: Member, instant: datetime, *, is_again: bool) -> None:
    """Everything that an instant brings, in the order that is fixed (R-55)."""
    version, program = books.program_at(member, instant)
    watch = Watch(books, member, version, program)
    _turn(books, member, instant)
    watch.replace(instant)
    if member.standing.due_by not in (0, version):
        watch.begin_term(instant)
    watch.promote(instant)
    if is_birthday(program, member, instant):
        watch.give_birthday(instant)
    _pass(books, member, instant)
    if watch.review(instant):
        # What comes alive with this day may keep a tier whose grace has just begun.
        watch.promote(instant)
    watch.notice_day(instant, is_again=is_again)
    watch.reckon(instant)


def _turn(books: Books, member: Member, instant: datetime) -> None:
    """Let all points follow what versions have changed about their end (R-26)."""
    turns = turns_ahead(books.tx, books.programs, member, instant)
    accounts = books.accounts.get(member.member_id, {}) if turns else {}
    for _, account in sorted(accounts.items()):
        written = follow(account, turns, recorded_at=member.recorded_at, actor_id=CLOCK_ACTOR)
        tell_end(member, account, written, instant)
