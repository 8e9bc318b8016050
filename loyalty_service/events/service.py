"""What a shop tells about a member: the event earns by the program of that day."""

from datetime import date

import orjson

from loyalty_service.earning.queries import count, used, wanted_by_caps
from loyalty_service.earning.rules.earn import earn_on_event
from loyalty_service.earning.rules.facts import EventFacts
from loyalty_service.earning.rules.openings import Act
from loyalty_service.earning.service import Occasion, give, instant_text, refused_told, who
from loyalty_service.events import queries
from loyalty_service.events.rules import (
    CHECK_IN,
    ONCE,
    AlreadyCounted,
    MemberEvent,
    next_streak,
)
from loyalty_service.kit.db import Transaction
from loyalty_service.ledger.queries import read_due
from loyalty_service.ledger.rules.entry import Reason, Source
from loyalty_service.ledger.service import Acting
from loyalty_service.members import service as members
from loyalty_service.members.rules import Member, Ref, Totals, check_past
from loyalty_service.program.rules.periods import local_date, period_bounds
from loyalty_service.program.rules.program import Program


def record(acting: Acting, ref: Ref, told: MemberEvent) -> str:
    """Record something a member did; it earns by the rules for its name.

    Returns:
        the receipt, as JSON.

    Raises:
        MemberUnknown, InTheFuture, AlreadyCounted, CheckInTooLate: nothing is written.

    Rule: R-21, R-28, R-04 (a birthday counts once per calendar year).
    """
    tx = acting.tx
    member = members.lock(tx, ref)
    books = acting.books(member)
    when = told.occurred_at or books.now
    check_past(when, books.now)
    version, program = books.program_at(member, when)
    day = local_date(when, program.zone)
    until = max(when, member.caught_up_to)
    books.read_totals(wanted_by_caps([(program, told.name, day)]), until)
    totals = books.totals
    _count_once(tx, totals, member, told.name, day)
    streak = _check_in(member, program, told.name, day)
    books.accounts = read_due(tx, [member], until)
    when, _ = books.meet(member, told.occurred_at)
    facts = EventFacts(told.name, when, told.channel, streak, who(member))
    earned = earn_on_event(program, facts, used(totals, program, member.member_id, facts.name, day))
    count(totals, program, member.member_id, day, earned)
    act = Act(when, when)
    event_no = member.event_seq + 1
    occasion = Occasion(Reason.EVENT, Source.EVENT, event_no, version, program, act)
    given = give(books, member, occasion, earned)
    receipt = {
        "event": told.name,
        "event_no": event_no,
        "occurred_at": instant_text(when),
        "streak": streak or None,
        "program_version": version,
        "earned": [credited.told() for credited in given],
        "not_earned": [refused_told(refused) for refused in earned.refused],
    }
    member.tell(f"member.{told.name}", when, {k: receipt[k] for k in ("event", "streak")})
    books.write([member])
    return orjson.dumps(receipt).decode()


def _count_once(tx: Transaction, totals: Totals, member: Member, name: str, day: date) -> None:
    period = ONCE.get(name)
    if period is None:
        return
    first, last = period_bounds(period, day)
    if queries.has_counted(tx, member.member_id, name, first, last):
        raise AlreadyCounted(
            f"The event {name} counts once "
            + ("and has been counted." if period == "ever" else f"a year; {day.year} has one."),
            path="event",
            asked=name,
            limit=1,
        )
    totals.add(member.member_id, queries.metric(name), day, 1)


def _check_in(member: Member, program: Program, name: str, day: date) -> int:
    """The day of the streak; 0 for an event that is no check-in."""
    if name != CHECK_IN:
        return 0
    mode = program.earning.streak
    streak = next_streak(member.check_in_on, member.check_in_streak, day, mode)
    member.check_in_on, member.check_in_streak = day, streak
    return streak
