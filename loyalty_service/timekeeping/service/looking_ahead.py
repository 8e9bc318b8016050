"""What lies ahead of members: the next instant, which versions decide, and which sums."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache

from loyalty_service.events.rules import BIRTHDAY
from loyalty_service.events.service import wanted_by_event
from loyalty_service.ledger.service import Books
from loyalty_service.members.rules import Member, Wanted
from loyalty_service.program.rules.periods import ONE_DAY, earlier, local_date
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.tiers import Calendar, OnReturn, Tiers
from loyalty_service.tiers.rules.qualifying import metrics_of
from loyalty_service.tiers.rules.windows import first_day_of
from loyalty_service.timekeeping.rules import gives_birthdays

_INSTANT = timedelta(microseconds=1)
_MOST_DAYS = 31
"""A longer way is looked at day by day."""


def find_wanted(books: Books, members: Iterable[Member], until: datetime) -> Wanted | None:
    """What of these members' sums has to be known to bring them to an instant, and on from there.

    Rule: R-50, R-55.
    """
    wanted = None
    for group in _alike(members):
        begin = _first_look(books, group, until)
        for program in _programs(books, group, until):
            more = _wanted(program, group, begin, until)
            wanted = wanted if more is None else more | wanted
    return wanted


def list_programs(books: Books, members: Iterable[Member], until: datetime) -> list[Program]:
    """The versions by which these members may be judged on the way to an instant."""
    return [program for group in _alike(members) for program in _programs(books, group, until)]


def find_next(books: Books, member: Member, since: datetime, until: datetime) -> datetime | None:
    """The next instant up to ``until`` at which time brings more than lots and holds tell.

    Rule: R-55.
    """
    standing = member.standing
    if standing.due_by == 0:
        # Time is kept for a member from their enrolment on; for one who came before, from now on.
        begin = standing.due_at or since
        return begin if begin <= until else None
    due, newest = standing.due_at, member.program_version
    if newest > standing.due_by and books.program_at(member, until)[0] > standing.due_by:
        due = earlier(due, books.in_force_at(standing.due_by + 1))
    return due if due is not None and due <= until else None


def may_be_undone(books: Books, member: Member, instant: datetime) -> bool:
    """Whether a promotion that stood at an instant may have been undone since (R-52).

    A version that came later may do so, whatever the one in force then says.
    """
    if instant >= member.caught_up_to:
        return False
    first, last = (books.program_at(member, at)[0] for at in (instant, member.caught_up_to))
    asked = (books.program(version).tiers for version in range(first, last + 1))
    return any(tiers is not None and tiers.on_return is OnReturn.AT_ONCE for tiers in asked)


def _alike(members: Iterable[Member]) -> Iterable[list[Member]]:
    """Members for whom the same versions of the program decide."""
    groups: dict[tuple[int, int], list[Member]] = {}
    for member in members:
        groups.setdefault((member.standing.due_by, member.program_version), []).append(member)
    return groups.values()


def _first_look(books: Books, group: Sequence[Member], until: datetime) -> datetime:
    """The earliest instant at which one of them may be judged on the way to ``until``."""
    looks = [until]
    for member in group:
        looks.append(member.caught_up_to)
        if member.standing.due_at is not None:
            looks.append(member.standing.due_at)
    due_by = group[0].standing.due_by
    if 0 < due_by < books.program_at(group[0], until)[0]:
        looks.append(books.in_force_at(due_by + 1))
    return min(looks)


def _programs(books: Books, group: Sequence[Member], until: datetime) -> list[Program]:
    """The versions by which one of them may be judged on the way to ``until``."""
    last, program = books.program_at(group[0], until)
    first = group[0].standing.due_by
    if first == last:
        return [program]
    if not first:
        first, _ = books.program_at(group[0], _first_look(books, group, until))
    return [books.program(number) for number in range(min(first, last), last + 1)]


def _wanted(
    program: Program, group: Sequence[Member], begin: datetime, until: datetime
) -> Wanted | None:
    # A review looks back from the day before.
    judged = local_date(begin - _INSTANT, program.zone)
    wanted, cuts = None, _cuts(program, group, judged, until)
    if gives_birthdays(program) and any(member.birth_month is not None for member in group):
        for instant in (begin, until):
            day = local_date(instant, program.zone)
            wanted = Wanted(frozenset(), day, day, cuts) | wanted
            wanted |= wanted_by_event(program, BIRTHDAY, day)
    if program.tiers is None:
        return wanted
    first = min(_first_days(program, program.tiers, group, judged))
    return Wanted(metrics_of(program.tiers), first, date.max, cuts) | wanted


def _cuts(
    program: Program, group: Sequence[Member], first: date, until: datetime
) -> frozenset[date] | None:
    """Where what may be judged on the way begins, and the days after its end.

    None where days are not worth reading together: for many members at once, and on a long way.

    Args:
        first: the first day that may be judged.
    """
    if len(group) > 1:
        return None
    last = local_date(until, program.zone)
    if (last - first).days > _MOST_DAYS:
        return None
    # Only of membership years it matters when they began; all others share what is kept.
    enrolled_on = first
    if program.tiers is not None and program.tiers.window is Calendar.MEMBERSHIP_YEAR:
        enrolled_on = local_date(group[0].enrolled_at, program.zone)
    return _cuts_between(program.tiers, first, last, enrolled_on)


# Members mostly act on the same days, within the same windows.
@lru_cache(maxsize=1_024)
def _cuts_between(
    tiers: Tiers | None, first: date, last: date, enrolled_on: date
) -> frozenset[date]:
    days = [first + number * ONE_DAY for number in range((last - first).days + 2)]
    begins = [] if tiers is None else [first_day_of(tiers, day, enrolled_on) for day in days]
    return frozenset([*days, *begins])


def _first_days(
    program: Program, tiers: Tiers, group: Sequence[Member], judged: date
) -> list[date]:
    """From when on something may count that one of them has done, who are judged from a day on."""
    if tiers.window is Calendar.MEMBERSHIP_YEAR:
        enrolled = [local_date(member.enrolled_at, program.zone) for member in group]
        days = [first_day_of(tiers, judged, enrolled_on) for enrolled_on in enrolled]
    else:
        days = [first_day_of(tiers, judged, judged)]
    for member in group:
        undo = (member.standing.memo or {}).get("undo")
        while undo is not None:
            days.append(date.fromisoformat(undo["first"]))
            undo = undo.get("undo")
    return days
