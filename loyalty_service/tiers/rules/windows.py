"""Windows, terms and graces of tiers, in whole days of the program's zone."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from loyalty_service.program.rules.periods import (
    ONE_DAY,
    Period,
    PeriodClock,
    RoundTo,
    Unit,
    add,
    end_of,
    local_date,
    local_instant,
    start_of_day,
)
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.tiers import (
    Calendar,
    Lasting,
    Lifetime,
    Rolling,
    TermEnd,
    Tiers,
    Window,
    WindowTerm,
)

_MONTHS = {Calendar.MONTH: 1, Calendar.QUARTER: 3, Calendar.YEAR: 12}
_ENDS = {
    TermEnd.MONTH: Calendar.MONTH,
    TermEnd.QUARTER: Calendar.QUARTER,
    TermEnd.YEAR: Calendar.YEAR,
}


def first_day(window: Window, day: date, enrolled_on: date) -> date:
    """The first day that counts when a window is judged on ``day``, which counts itself.

    Args:
        enrolled_on: the member's first day, from which membership years are counted.

    Rule: R-50.
    """
    if isinstance(window, Lifetime):
        return date.min
    if isinstance(window, Rolling):
        return _back(day + ONE_DAY, window.period)
    return bounds(window, day, enrolled_on)[0]


def first_day_of(tiers: Tiers, day: date, enrolled_on: date) -> date:
    """The same for the window of these tiers, which is mostly the same for all members."""
    if tiers.window is Calendar.MEMBERSHIP_YEAR:
        return first_day(tiers.window, day, enrolled_on)
    return _first_day(tiers, day)


# A night judges all members on the same few days.
@lru_cache(maxsize=1_024)
def _first_day(tiers: Tiers, day: date) -> date:
    return first_day(tiers.window, day, day)


def _back(day: date, period: Period) -> date:
    """The day one period before, or the first day there is."""
    try:
        return add(day, Period(-period.count, period.unit))
    except (OverflowError, ValueError):
        return date.min


def bounds(calendar: Calendar, day: date, enrolled_on: date) -> tuple[date, date]:
    """The first and the last day of the calendar window that ``day`` lies in.

    A membership year begins with the day of the year on which the member enrolled; one who
    enrolled on 29 February begins it on the 28th in other years (R-04). Before the member came
    the years go on backwards.

    Rule: R-50.
    """
    if calendar is Calendar.MEMBERSHIP_YEAR:
        years = day.year - enrolled_on.year
        if _anniversary(enrolled_on, years) > day:
            years -= 1
        return _anniversary(enrolled_on, years), _anniversary(enrolled_on, years + 1) - ONE_DAY
    months = _MONTHS[calendar]
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    return first, end_of(add(first, Period(months - 1, Unit.MONTHS)), RoundTo.MONTH)


def _anniversary(enrolled_on: date, years: int) -> date:
    return add(enrolled_on, Period(years, Unit.YEARS))


def term_end(
    tiers: Tiers, program: Program, begins: datetime, judged: date, enrolled_on: date
) -> datetime | None:
    """When a term ends that begins at an instant: the first instant after it; None for no term.

    Args:
        begins: the promotion or the review that begins it (UTC).
        judged: the last day of what was judged: the day of a promotion, the last day of the term
            that a review ends. Terms are counted from it.

    Rule: R-51.
    """
    term = tiers.term
    if isinstance(term, Lasting):
        return lasting_end(term, program, begins, judged)
    window = tiers.window
    if not isinstance(term, WindowTerm) or not isinstance(window, Calendar):
        return None
    last = bounds(window, judged, enrolled_on)[1]
    if term is WindowTerm.NEXT:
        last = bounds(window, last + ONE_DAY, enrolled_on)[1]
    return start_of_day(last + ONE_DAY, program.zone)


def lasting_end(lasting: Lasting, program: Program, begins: datetime, from_day: date) -> datetime:
    """When a stretch of time ends: the start of the day after its last one.

    Where the program counts to the second, one that is not rounded ends at the time of day at
    which it began.

    Rule: R-25, R-51, R-52.
    """
    if lasting.end is TermEnd.EXACT and program.clock is PeriodClock.EXACT:
        local = begins.astimezone(program.zone)
        last = add(local.date(), lasting.period)
        return local_instant(datetime.combine(last, local.time()), program.zone)
    return _lasting_end(lasting, from_day, program.zone)


# A night renews the terms of very many members from the same few days.
@lru_cache(maxsize=1_024)
def _lasting_end(lasting: Lasting, from_day: date, zone: ZoneInfo) -> datetime:
    last = add(from_day, lasting.period)
    if lasting.end is not TermEnd.EXACT:
        last = bounds(_ENDS[lasting.end], last, last)[1]
    return start_of_day(last + ONE_DAY, zone)


def last_day_before(instant: datetime, program: Program) -> date:
    """The last local day of which anything lies before an instant."""
    return local_date(instant - timedelta(microseconds=1), program.zone)


def next_boundary(window: Window, day: date, enrolled_on: date) -> date:
    """The first day after the calendar window that ``day`` lies in, or after its month.

    Rule: R-51.
    """
    calendar = window if isinstance(window, Calendar) else Calendar.MONTH
    return bounds(calendar, day, enrolled_on)[1] + ONE_DAY


def next_change(window: Window, day: date, days: Iterable[date], enrolled_on: date) -> date | None:
    """The next day on which a window holds less than on ``day`` if nothing more happens.

    Args:
        days: the days on which anything was counted.

    Rule: R-51.
    """
    first = first_day(window, day, enrolled_on)
    counted = [one for one in days if first <= one <= day]
    if not counted or isinstance(window, Lifetime):
        return None
    if not isinstance(window, Rolling):
        return next_boundary(window, day, enrolled_on)
    return _left_behind(window, min(counted), day)


def _left_behind(window: Rolling, counted: date, day: date) -> date:
    """The first day after ``day`` on which a rolling window has left a day behind."""
    low, high = day.toordinal(), day.toordinal() + _most_days(window.period)
    while high - low > 1:
        middle = (low + high) // 2
        if _back(date.fromordinal(middle + 1), window.period) > counted:
            high = middle
        else:
            low = middle
    return date.fromordinal(high)


def _most_days(period: Period) -> int:
    return period.count * {Unit.DAYS: 1, Unit.MONTHS: 31, Unit.YEARS: 366}[period.unit] + 1
