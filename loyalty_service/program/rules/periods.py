"""Calendar periods of a program, in its own time zone."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from loyalty_service.program.rules.earning import CapPeriod
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.spans import Period, PeriodClock, RoundTo, Unit
from loyalty_service.program.rules.wallets import Activation, After, Expiry, FixedDates, Never

__all__ = [
    "Period",
    "PeriodClock",
    "RoundTo",
    "Unit",
    "activation_at",
    "add",
    "birthday_in",
    "end_of",
    "expires_at",
    "local_date",
    "local_instant",
    "next_of",
    "period_bounds",
    "start_of_day",
]

ONE_DAY = timedelta(days=1)


def earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier of two instants; None is never."""
    if one is None:
        return other
    return one if other is None else min(one, other)


# An operation asks for the days of the same few instants again and again.
@lru_cache(maxsize=4_096)
def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day of the zone that an instant falls on: the last one that has begun.

    Args:
        instant: any aware instant.
        zone: the program's zone.

    Rule: R-04.
    """
    local = instant.astimezone(zone)
    day = local.date()
    # Clocks may go back over midnight; the day that had begun goes on then.
    has_begun = local.fold and start_of_day(day + ONE_DAY, zone) <= instant
    return day + ONE_DAY if has_begun else day


def local_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant (UTC) at which clocks of the zone show ``wall`` or later.

    Of a wall time that comes twice it is the earlier; of one that a clock change skips it is the
    moment of the change.

    Args:
        wall: a naive local date and time.
        zone: the program's zone.

    Rule: R-04.
    """
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _first_reaching(wall, early, instant, zone)


def _first_reaching(wall: datetime, early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    """Find the clock change between two instants, to the second."""
    base = early.replace(microsecond=0)
    before, after = 0, int((late - base).total_seconds())
    while after - before > 1:
        middle = (before + after) // 2
        shown = (base + timedelta(seconds=middle)).astimezone(zone).replace(tzinfo=None)
        before, after = (before, middle) if shown >= wall else (middle, after)
    return base + timedelta(seconds=after)


# Most rows of an operation, and all of a night, begin and end on the same few days.
@lru_cache(maxsize=4_096)
def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant (UTC) of a calendar day of the zone.

    It is not always a midnight: some zones change their clocks at midnight, and one skipped a
    whole day, which then starts where the next one does.

    Rule: R-04.
    """
    return local_instant(datetime.combine(day, time.min), zone)


def add(day: date, period: Period) -> date:
    """The day one period after ``day``, moved back to the end of a month that is too short.

    Always count from the first date: a month after 31 January is 28 February, two months after
    it 31 March.

    Rule: R-04.
    """
    if period.unit is Unit.DAYS:
        return day + timedelta(days=period.count)
    months = period.count * (12 if period.unit is Unit.YEARS else 1)
    years, month0 = divmod(day.month - 1 + months, 12)
    return _clip(day.year + years, month0 + 1, day.day)


def _clip(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, monthrange(year, month)[1]))


def birthday_in(year: int, month: int, day: int) -> date:
    """The day a birthday is kept in a year: 29 February on the 28th where there is none.

    Rule: R-04.
    """
    return _clip(year, month, day)


def end_of(day: date, round_to: RoundTo) -> date:
    """The last day of the day, month or year that ``day`` lies in.

    Rule: R-25.
    """
    if round_to is RoundTo.DAY:
        return day
    if round_to is RoundTo.YEAR:
        return date(day.year, 12, 31)
    return _clip(day.year, day.month, 31)


def period_bounds(period: CapPeriod, day: date) -> tuple[date, date]:
    """The first and the last day of the calendar period that ``day`` lies in.

    Weeks begin on Monday; ``ever`` is everything a calendar can name.

    Rule: R-23.
    """
    match period:
        case CapPeriod.DAY:
            return day, day
        case CapPeriod.WEEK:
            monday = day - timedelta(days=day.weekday())
            return monday, monday + timedelta(days=6)
        case CapPeriod.MONTH:
            return day.replace(day=1), end_of(day, RoundTo.MONTH)
        case CapPeriod.YEAR:
            return day.replace(month=1, day=1), end_of(day, RoundTo.YEAR)
        case _:
            return date.min, date.max


def activation_at(activation: Activation, instant: datetime, program: Program) -> datetime:
    """When points come alive whose waiting begins at ``instant``.

    Args:
        activation: how many days they wait.
        instant: the payment or the fulfilment, as the activation names it; aware.
        program: its zone and whether periods count whole days.

    Returns:
        An instant in UTC; ``instant`` itself when nothing is waited for.

    Rule: R-25.
    """
    if activation.wait_days == 0:
        return instant.astimezone(UTC)
    wait = timedelta(days=activation.wait_days)
    if program.clock is PeriodClock.EXACT:
        return instant.astimezone(UTC) + wait
    return start_of_day(local_date(instant, program.zone) + wait, program.zone)


def expires_at(expiry: Expiry, active_at: datetime, program: Program) -> datetime | None:
    """The first instant at which points that came alive at ``active_at`` no longer count.

    Args:
        expiry: never, after a period (of a sliding wallet: if nothing follows), or on fixed dates.
        active_at: when they came alive; aware.
        program: its zone and whether periods count whole days.

    Returns:
        An instant in UTC, later than ``active_at``; None for never.

    Rule: R-25.
    """
    if isinstance(expiry, Never):
        return None
    if isinstance(expiry, FixedDates):
        first = local_date(active_at, program.zone)
        return start_of_day(next_of(expiry.dates, first) + ONE_DAY, program.zone)
    round_to = expiry.round_to if isinstance(expiry, After) else None
    if program.clock is PeriodClock.EXACT and round_to is None:
        local = active_at.astimezone(program.zone)
        last = add(local.date(), expiry.period)
        return local_instant(datetime.combine(last, local.time()), program.zone)
    last = add(local_date(active_at, program.zone), expiry.period)
    return start_of_day(end_of(last, round_to or RoundTo.DAY) + ONE_DAY, program.zone)


def next_of(dates: tuple[tuple[int, int], ...], day: date) -> date:
    """The first of the yearly (month, day) dates that is ``day`` or later.

    Rule: R-25.
    """
    years = (day.year, day.year + 1)
    return min(kept for year in years for kept in _in_year(dates, year) if kept >= day)


def _in_year(dates: tuple[tuple[int, int], ...], year: int) -> list[date]:
    return [birthday_in(year, month, day) for month, day in dates]
