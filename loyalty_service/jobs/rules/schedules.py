"""When each job is due, in the program's own zone (R-55)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from loyalty_service.program.rules.periods import local_date, local_instant

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ONE_DAY = timedelta(days=1)


class JobName(StrEnum):
    """The jobs there are."""

    CATCH_UP = "catch-up"
    REMIND = "remind"
    PRUNE = "prune"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A local time of day, every day or on one day of the week.

    Args:
        weekday: its English name, ``sunday``; None for every day.
    """

    at: time
    weekday: str | None = None

    def falls_on(self, day: date) -> bool:
        """Whether the job is due on that local day."""
        return self.weekday is None or WEEKDAYS[day.weekday()] == self.weekday

    def __str__(self) -> str:
        return f"{self.at:%H:%M} {'every day' if self.weekday is None else f'on {self.weekday}s'}"


SCHEDULES = {
    JobName.CATCH_UP: Schedule(time(3, 0)),
    JobName.REMIND: Schedule(time(8, 0)),
    JobName.PRUNE: Schedule(time(4, 30), "sunday"),
}


def next_due(schedule: Schedule, after: datetime, zone: ZoneInfo) -> datetime:
    """The first instant (UTC) after ``after`` at which a job is due.

    Once for every local day it falls on: a time that comes twice counts the first time, one that
    is skipped when the clocks have been changed.

    Args:
        zone: the program's.

    Rule: R-04, R-55.
    """
    day = local_date(after, zone)
    while True:
        due = _due_on(schedule, day, zone)
        if due is not None and due > after:
            return due
        day += _ONE_DAY


def last_due(schedule: Schedule, at: datetime, zone: ZoneInfo) -> datetime:
    """The last instant (UTC) up to and including ``at`` at which a job was due.

    Of several that were missed it is the only one that counts: time brings the same in one run.

    Args:
        zone: the program's.

    Rule: R-04, R-55.
    """
    day = local_date(at, zone)
    while True:
        due = _due_on(schedule, day, zone)
        if due is not None and due <= at:
            return due
        day -= _ONE_DAY


def is_current(schedule: Schedule, at: datetime, began_at: datetime, zone: ZoneInfo) -> bool:
    """Whether a run for an instant leaves nothing undone that was due when it began (UTC).

    One for an earlier instant, as people ask for by hand, does.

    Args:
        zone: the program's.

    Rule: R-55.
    """
    return at >= last_due(schedule, began_at, zone)


def _due_on(schedule: Schedule, day: date, zone: ZoneInfo) -> datetime | None:
    if not schedule.falls_on(day):
        return None
    return local_instant(datetime.combine(day, schedule.at), zone).astimezone(UTC)
