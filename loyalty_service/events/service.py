"""What a shop tells about a member: the event earns by the program of that day."""

from datetime import date, datetime
from typing import Any

import orjson

from loyalty_service.earning.queries import count, used, wanted_by_caps
from loyalty_service.earning.rules.earn import earn_on_event
from loyalty_service.earning.rules.facts import EventFacts
from loyalty_service.earning.rules.openings import Act
from loyalty_service.earning.rules.room import fit
from loyalty_service.earning.service import Occasion, give, refused_told, who
from loyalty_service.events.rules import (
    BIRTHDAY,
    CHECK_IN,
    ONCE,
    AlreadyCounted,
    MemberEvent,
    check_name,
    event_metric,
    next_streak,
)
from loyalty_service.kit.instants import instant_text
from loyalty_service.ledger.rules.entry import Reason, Source
from loyalty_service.ledger.service import Acting, Books
from loyalty_service.ledger.service import told as entry_told
from loyalty_service.members import service as members
from loyalty_service.members.rules import (
    Member,
    Ref,
    Wanted,
    check_past,
    cuts_around,
    earned_metric,
)
from loyalty_service.program.rules.periods import local_date, period_bounds
from loyalty_service.program.rules.program import Program


def record(acting: Acting, ref: Ref, told: MemberEvent) -> str:
    """Record something a member did; it earns by the rules for its name.

    Returns:
        the receipt, as JSON.

    Raises:
        EventNameTaken, MemberUnknown, InTheFuture, AlreadyCounted, CheckInTooLate: nothing is
            written.

    Rule: R-21, R-28, R-04 (a birthday counts once per calendar year).
    """
    check_name(told.name)
    tx = acting.tx
    member = members.lock(tx, ref)
    books = acting.books(member)
    when = told.occurred_at or books.now
    check_past(when, books.now)
    _, program = books.program_at(member, when)
    until = max(when, member.caught_up_to)
    books.read_totals(wanted_by_event(program, told.name, local_date(when, program.zone)), until)
    books.read_due([member], until)
    when, _ = books.meet(member, told.occurred_at)
    _require_uncounted(books, member, program, told.name, when)
    streak = _check_in(member, program, told.name, local_date(when, program.zone))
    receipt = credit_event(books, member, told, when, streak=streak)
    receipt["tier_changes"] = books.settle(member)
    books.write([member])
    return orjson.dumps(receipt).decode()


def wanted_by_event(program: Program, name: str, day: date) -> Wanted | None:
    """What an event has to know of its member's sums."""
    wanted = wanted_by_caps([(program, name, day)])
    period = ONCE.get(name)
    if period is None:
        return wanted
    bounds = period_bounds(period, day)
    return Wanted(frozenset({event_metric(name)}), *bounds, cuts_around([bounds])) | wanted


def credit_event(
    books: Books,
    member: Member,
    told: MemberEvent,
    when: datetime,
    *,
    streak: int = 0,
    by_time: bool = False,
) -> dict[str, Any]:
    """Give what an event earns, and count it.

    Args:
        streak: the day of a check-in streak, else 0.
        by_time: time brings it; nobody told it. What the account cannot hold is not given.

    Returns:
        the receipt.

    Raises:
        PointsBeyondCount: somebody told it, and the account cannot hold it. Nothing is written.

    Rule: R-21, R-23, R-55.
    """
    version, program = books.program_at(member, when)
    day, totals = local_date(when, program.zone), books.totals
    if told.name in ONCE:
        totals.add(member.member_id, {(event_metric(told.name), day): 1})
    tier = books.passing.tier_at(books, member, when)
    facts = EventFacts(told.name, when, told.channel, streak, who(member, tier))
    earned = earn_on_event(program, facts, used(totals, program, member.member_id, told.name, day))
    if by_time:
        # Nobody is there to be refused, and whatever else is due must go on.
        wallets = {given.rule.wallet for given in earned.by_rule}
        earned = fit(earned, {each: books.account(member, each).room for each in wallets})
    count(totals, program, member.member_id, day, earned)
    # Its number comes before what it moves is told.
    happened: dict[str, Any] = {"event": told.name, "streak": streak or None}
    event_no = member.tell(f"member.{told.name}", when, happened)
    act = Act(when, when)
    occasion = Occasion(Reason.EVENT, Source.EVENT, event_no, version, program, act, by_time)
    given = give(books, member, occasion, earned)
    for credited in given:
        for opening in credited.in_wallet.openings:
            # An event is its own fulfilment: nothing it gives waits for another word.
            on = local_date(opening.active_at or when, program.zone)
            metric = earned_metric(credited.in_wallet.wallet.id)
            totals.add(member.member_id, {(metric, on): opening.points})
    happened["earned"] = [entry_told(credited.entry) for credited in given]
    return {
        "event": told.name,
        "event_no": event_no,
        "occurred_at": instant_text(when),
        "streak": streak or None,
        "program_version": version,
        "earned": [credited.told() for credited in given],
        "not_earned": [refused_told(refused) for refused in earned.refused],
    }


def has_birthday(books: Books, member: Member, day: date) -> bool:
    """Whether the member's birthday of that year has been counted."""
    first, last = period_bounds(ONCE[BIRTHDAY], day)
    return _is_counted(books, member, BIRTHDAY, first, last)


def _is_counted(books: Books, member: Member, name: str, first: date, last: date) -> bool:
    metric = event_metric(name)
    return any(
        amount > 0 and counted == metric and first <= on <= last
        for (counted, on), amount in books.totals.amounts.get(member.member_id, {}).items()
    )


def _require_uncounted(
    books: Books, member: Member, program: Program, name: str, when: datetime
) -> None:
    period = ONCE.get(name)
    if period is None:
        return
    day = local_date(when, program.zone)
    if _is_counted(books, member, name, *period_bounds(period, day)):
        raise AlreadyCounted(
            f"The event {name} counts once "
            + ("and has been counted." if period == "ever" else f"a year; {day.year} has one."),
            path="event",
            asked=name,
            limit=1,
        )


def _check_in(member: Member, program: Program, name: str, day: date) -> int:
    """The day of the streak; 0 for an event that is no check-in."""
    if name != CHECK_IN:
        return 0
    mode = program.earning.streak
    streak = next_streak(member.check_in_on, member.check_in_streak, day, mode)
    member.check_in_on, member.check_in_streak = day, streak
    return streak
