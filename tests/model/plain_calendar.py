"""Calendar arithmetic written once more, plainly, from the rules alone (R-04, R-25, R-50, R-51)."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Node = Any


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    return instant.astimezone(zone).date()


def at_wall(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which a clock on the wall shows this or later."""
    instant = wall.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    # The wall never shows it: walk over the gap, which begins and ends on whole minutes.
    minute = instant.replace(second=0, microsecond=0) - timedelta(hours=3)
    while minute.astimezone(zone).replace(tzinfo=None) < wall:
        minute += timedelta(minutes=1)
    return minute


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins."""
    return at_wall(datetime.combine(day, time()), zone)


def in_year(year: int, month: int, day: int) -> date:
    """A day of the year, moved back to the end of a month that is too short."""
    return date(year, month, min(day, monthrange(year, month)[1]))


def after(day: date, period: Node) -> date:
    """A period such as {months: 2} after a day."""
    [(unit, count)] = period.items()
    if unit == "days":
        return day + timedelta(days=int(count))
    months = int(count) * (12 if unit == "years" else 1) + day.month - 1
    return in_year(day.year + months // 12, months % 12 + 1, day.day)


def rounded_up(day: date, to: str) -> date:
    if to == "month":
        return in_year(day.year, day.month, 31)
    if to == "quarter":
        return in_year(day.year, (day.month + 2) // 3 * 3, 31)
    if to == "year":
        return date(day.year, 12, 31)
    return day


def next_fixed(day: date, dates: list[str]) -> date:
    """The first of the yearly dates ("06-30") that is this day or later."""
    candidates = []
    for year in (day.year, day.year + 1):
        for text in dates:
            month, number = map(int, text.split("-"))
            candidates.append(in_year(year, month, number))
    return min(candidate for candidate in candidates if candidate >= day)


def period_of(period: str, day: date) -> str:
    """A name for the calendar period that a day lies in."""
    return {
        "day": day.isoformat(),
        "week": (day - timedelta(days=day.weekday())).isoformat(),
        "month": f"{day:%Y-%m}",
        "year": f"{day:%Y}",
        "ever": "",
    }[period]


def activation_at(program: Node, activation: Node, moment: datetime, zone: ZoneInfo) -> datetime:
    """When points come alive that begin to wait at a moment."""
    wait = timedelta(days=int(activation.get("wait_days", 0)))
    if not wait:
        return moment
    if program.get("clock") == "exact":
        return moment + wait
    return midnight(local_day(moment, zone) + wait, zone)


def expiry_at(program: Node, expiry: Node, active: datetime, zone: ZoneInfo) -> datetime | None:
    """The first instant at which points alive since ``active`` no longer count; None: never."""
    if expiry == "never":
        return None
    day = local_day(active, zone)
    if "fixed" in expiry:
        return midnight(next_fixed(day, expiry["fixed"]) + timedelta(days=1), zone)
    last = after(day, expiry["after"])
    if program.get("clock") == "exact" and "round_to" not in expiry:
        return at_wall(datetime.combine(last, active.astimezone(zone).time()), zone)
    return midnight(rounded_up(last, expiry.get("round_to", "day")) + timedelta(days=1), zone)


def first_day(window: Node, day: date, enrolled: date) -> date:
    """The first day that counts when a window is judged on a day, which counts itself."""
    if window == "lifetime":
        return date.min
    if window == "month":
        return day.replace(day=1)
    if window == "quarter":
        return date(day.year, (day.month + 2) // 3 * 3 - 2, 1)
    if window == "year":
        return date(day.year, 1, 1)
    if window == "membership_year":
        years = range(day.year - enrolled.year + 1, day.year - enrolled.year - 2, -1)
        anniversaries = [after(enrolled, {"years": count}) for count in years]
        return next(one for one in anniversaries if one <= day)
    [(unit, count)] = window.items()
    return after(day + timedelta(days=1), {unit: -int(count)})


def term_end(program: Node, lasting: Node, at: datetime, day: date, zone: ZoneInfo) -> datetime:
    """When a term or grace ends: so long after a day, moved on to an end of the calendar."""
    end = lasting.get("end", "exact")
    period = {unit: count for unit, count in lasting.items() if unit != "end"}
    if end == "exact" and program.get("clock") == "exact":
        local = at.astimezone(zone)
        return at_wall(datetime.combine(after(local.date(), period), local.time()), zone)
    return midnight(rounded_up(after(day, period), end) + timedelta(days=1), zone)
