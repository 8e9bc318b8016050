"""When jobs are due: once a local day, in every zone, on nights with a clock change too."""

import itertools
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_service.jobs.rules.schedules import SCHEDULES, JobName, Schedule, last_due, next_due

AT_THREE = Schedule(time(3, 0))
ON_SUNDAYS = Schedule(time(4, 30), "sunday")
ZONES = [
    "Asia/Shanghai",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Europe/Berlin",
    "Europe/Helsinki",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Cairo",
]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "after", "due"),
    [
        ("Asia/Shanghai", utc(2026, 3, 2, 4), utc(2026, 3, 2, 19)),
        ("Pacific/Kiritimati", utc(2026, 3, 2, 4), utc(2026, 3, 2, 13)),
        ("Pacific/Pago_Pago", utc(2026, 3, 2, 4), utc(2026, 3, 2, 14)),
        # Three o'clock does not come: the clocks go from three to four.
        ("Europe/Helsinki", utc(2026, 3, 28, 12), utc(2026, 3, 29, 1)),
        # It comes twice: the first time counts.
        ("Europe/Helsinki", utc(2026, 10, 24, 12), utc(2026, 10, 25, 0)),
        ("Europe/Helsinki", utc(2026, 10, 25, 0), utc(2026, 10, 26, 1)),
        # A day that never came there; the next one begins where it would have.
        ("Pacific/Apia", utc(2011, 12, 29, 13), utc(2011, 12, 30, 10)),
    ],
)
def test_the_job_of_three_in_the_morning_is_due(zone: str, after: datetime, due: datetime) -> None:
    assert next_due(AT_THREE, after, ZoneInfo(zone)) == due


def test_a_weekly_job_is_due_on_the_day_of_that_name() -> None:
    due = next_due(ON_SUNDAYS, utc(2026, 3, 2, 4), ZoneInfo("Asia/Shanghai"))

    assert due == utc(2026, 3, 7, 20, 30)
    assert due.astimezone(ZoneInfo("Asia/Shanghai")).strftime("%A %H:%M") == "Sunday 04:30"


def test_the_last_time_includes_the_instant_itself_and_the_next_does_not() -> None:
    zone = ZoneInfo("Europe/Berlin")
    due = next_due(AT_THREE, utc(2026, 3, 2), zone)

    assert last_due(AT_THREE, due, zone) == due
    assert last_due(AT_THREE, due - timedelta(microseconds=1), zone) < due
    assert next_due(AT_THREE, due, zone) > due


@given(
    st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1)),
    st.sampled_from(ZONES),
    st.sampled_from([AT_THREE, ON_SUNDAYS, Schedule(time(0, 0)), Schedule(time(2, 15))]),
)
def test_a_job_is_due_once_for_every_local_day_it_falls_on(
    start: datetime, zone: str, schedule: Schedule
) -> None:
    found, at = [], start.replace(tzinfo=UTC)
    for _ in range(9):
        at = next_due(schedule, at, ZoneInfo(zone))
        found.append(at)
        assert last_due(schedule, at, ZoneInfo(zone)) == at
        assert last_due(schedule, at + timedelta(hours=1), ZoneInfo(zone)) == at

    days = 7 if schedule.weekday else 1
    gaps = [b - a for a, b in itertools.pairwise(found)]
    # An hour more or less with the clocks; a day that was skipped in Samoa is due as the next is.
    most = timedelta(days=days, hours=24 if zone == "Pacific/Apia" else 1)
    assert all(timedelta(0) < gap <= most for gap in gaps)
    if zone != "Pacific/Apia":
        assert all(gap >= timedelta(days=days, hours=-1) for gap in gaps)


def test_every_job_has_a_schedule_that_says_itself_in_words() -> None:
    assert SCHEDULES.keys() == set(JobName)
    assert str(SCHEDULES[JobName.CATCH_UP]) == "03:00 every day"
    assert str(SCHEDULES[JobName.PRUNE]) == "04:30 on sundays"
