"""Calendar arithmetic of a program: zones, clock changes, ends of month, never chained."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_service.program.rules.earning import CapPeriod
from loyalty_service.program.rules.periods import (
    Period,
    PeriodClock,
    RoundTo,
    Unit,
    activation_at,
    add,
    birthday_in,
    expires_at,
    local_date,
    local_instant,
    period_bounds,
    start_of_day,
)
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.wallets import (
    ActivateOn,
    Activation,
    After,
    Expiry,
    FixedDates,
    Never,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
LONDON = ZoneInfo("Europe/London")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
APIA = ZoneInfo("Pacific/Apia")
TORONTO = ZoneInfo("America/Toronto")
ZONES = [SHANGHAI, LONDON, SAO_PAULO, APIA, TORONTO, ZoneInfo("Australia/Lord_Howe")]

days = st.dates(date(1990, 1, 1), date(2060, 12, 31))
zones = st.sampled_from(ZONES)
periods = st.builds(Period, st.integers(1, 60), st.sampled_from(Unit))
expiries: st.SearchStrategy[Expiry] = st.one_of(
    st.builds(After, periods, st.none() | st.sampled_from(RoundTo)),
    st.builds(FixedDates, st.sampled_from([((2, 29),), ((1, 1),), ((6, 30), (12, 31))])),
)


@dataclass
class Calendar:
    """The two things of a program that periods look at."""

    zone: ZoneInfo
    clock: PeriodClock = PeriodClock.DAYS


def program(zone: ZoneInfo = SHANGHAI, clock: PeriodClock = PeriodClock.DAYS) -> Program:
    return cast(Program, cast(Any, Calendar(zone, clock)))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def after(count: int, unit: Unit, round_to: RoundTo | None = None) -> After:
    return After(Period(count, unit), round_to)


def test_a_day_is_that_of_the_zone_not_of_utc() -> None:
    late = utc("2026-03-03T16:00")

    assert local_date(late, SHANGHAI) == date(2026, 3, 4)
    assert local_date(late, LONDON) == date(2026, 3, 3)


@pytest.mark.parametrize(
    ("day", "zone", "expected"),
    [
        (date(2026, 5, 3), SHANGHAI, "2026-05-02T16:00"),
        (date(2026, 3, 29), LONDON, "2026-03-29T00:00"),
        (date(2026, 3, 30), LONDON, "2026-03-29T23:00"),
        # Clocks went from 24:00 to 01:00: the day has no midnight and starts at one o'clock.
        (date(2018, 11, 4), SAO_PAULO, "2018-11-04T03:00"),
        # Clocks went from 24:00 back to 23:00: the day starts an hour late, once.
        (date(2018, 2, 18), SAO_PAULO, "2018-02-18T03:00"),
        # The island skipped the 30th: it starts where the 31st does.
        (date(2011, 12, 30), APIA, "2011-12-30T10:00"),
        (date(2011, 12, 31), APIA, "2011-12-30T10:00"),
        # Clocks went from 23:30 to 00:30: the change is not on the hour nor at midnight.
        (date(1919, 3, 31), TORONTO, "1919-03-31T04:30"),
    ],
)
def test_a_day_starts_at_its_first_instant(day: date, zone: ZoneInfo, expected: str) -> None:
    assert start_of_day(day, zone) == utc(expected)


def test_a_day_that_has_begun_goes_on_where_clocks_go_back_over_midnight() -> None:
    # At 00:01 clocks went back to 23:01.
    zone = ZoneInfo("America/St_Johns")
    instants = ("2010-11-07T02:29", "2010-11-07T02:30", "2010-11-07T02:31", "2010-11-07T03:29")

    days = [local_date(utc(instant), zone).day for instant in instants]

    assert days == [6, 7, 7, 7]


def test_of_a_wall_time_that_comes_twice_the_earlier_counts() -> None:
    twice = datetime(2026, 10, 25, 1, 30)

    assert local_instant(twice, LONDON) == utc("2026-10-25T00:30")


@pytest.mark.parametrize(
    "shown", [time(1), time(1, 0, 1), time(1, 17, 13), time(1, 30, 0, 5), time(1, 59, 59, 999_999)]
)
def test_a_wall_time_that_is_skipped_is_the_moment_of_the_change(shown: time) -> None:
    skipped = datetime.combine(date(2026, 3, 29), shown)

    assert local_instant(skipped, LONDON) == utc("2026-03-29T01:00")


@given(days, zones)
def test_the_instant_before_a_day_starts_belongs_to_an_earlier_day(
    day: date, zone: ZoneInfo
) -> None:
    start = start_of_day(day, zone)

    assert local_date(start, zone) >= day
    assert local_date(start - timedelta(microseconds=1), zone) < day


@pytest.mark.parametrize(
    ("day", "count", "unit", "expected"),
    [
        (date(2026, 1, 31), 1, Unit.MONTHS, date(2026, 2, 28)),
        (date(2026, 1, 31), 2, Unit.MONTHS, date(2026, 3, 31)),
        (date(2024, 1, 31), 1, Unit.MONTHS, date(2024, 2, 29)),
        (date(2026, 12, 31), 2, Unit.MONTHS, date(2027, 2, 28)),
        (date(2024, 2, 29), 1, Unit.YEARS, date(2025, 2, 28)),
        (date(2024, 2, 29), 4, Unit.YEARS, date(2028, 2, 29)),
        (date(2026, 11, 30), 1, Unit.MONTHS, date(2026, 12, 30)),
        (date(2026, 2, 27), 2, Unit.DAYS, date(2026, 3, 1)),
    ],
)
def test_months_and_years_are_added_to_the_first_date(
    day: date, count: int, unit: Unit, expected: date
) -> None:
    assert add(day, Period(count, unit)) == expected


@given(days, periods)
def test_a_period_never_ends_before_it_begins_nor_after_the_next_longer_one(
    day: date, period: Period
) -> None:
    longer = Period(period.count + 1, period.unit)

    assert day < add(day, period) < add(day, longer)


@given(days, st.integers(1, 40))
def test_years_are_twelve_months_each(day: date, count: int) -> None:
    assert add(day, Period(count, Unit.YEARS)) == add(day, Period(12 * count, Unit.MONTHS))


def test_a_leap_day_birthday_is_kept_on_the_28th_in_other_years() -> None:
    assert birthday_in(2027, 2, 29) == date(2027, 2, 28)
    assert birthday_in(2028, 2, 29) == date(2028, 2, 29)


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        (CapPeriod.DAY, date(2026, 11, 11), date(2026, 11, 11)),
        (CapPeriod.WEEK, date(2026, 11, 9), date(2026, 11, 15)),
        (CapPeriod.MONTH, date(2026, 11, 1), date(2026, 11, 30)),
        (CapPeriod.YEAR, date(2026, 1, 1), date(2026, 12, 31)),
        (CapPeriod.EVER, date.min, date.max),
    ],
)
def test_a_day_lies_in_one_calendar_period(period: CapPeriod, first: date, last: date) -> None:
    assert period_bounds(period, date(2026, 11, 11)) == (first, last)


@given(days, st.sampled_from(CapPeriod))
def test_every_day_of_a_period_names_the_same_period(day: date, period: CapPeriod) -> None:
    first, last = period_bounds(period, day)

    assert first <= day <= last
    assert period_bounds(period, first) == period_bounds(period, last) == (first, last)


def test_points_that_wait_for_nothing_are_active_at_once() -> None:
    paid_at = utc("2026-05-03T07:15:00.000001")

    assert activation_at(Activation(ActivateOn.PAYMENT), paid_at, program()) == paid_at


def test_points_that_wait_days_are_active_from_the_start_of_a_day() -> None:
    waits = Activation(ActivateOn.FULFILMENT, 7)

    active_at = activation_at(waits, utc("2026-05-03T07:15"), program())

    assert active_at == utc("2026-05-09T16:00")


def test_on_the_exact_clock_a_day_of_waiting_is_24_hours() -> None:
    waits = Activation(ActivateOn.PAYMENT, 1)
    spring = utc("2026-03-28T12:00")

    active_at = activation_at(waits, spring, program(LONDON, PeriodClock.EXACT))

    assert active_at == utc("2026-03-29T12:00")


def test_two_months_from_3_may_last_through_3_july() -> None:
    active_at = utc("2026-05-03T07:15")

    assert expires_at(after(2, Unit.MONTHS), active_at, program()) == utc("2026-07-03T16:00")


@pytest.mark.parametrize(
    ("expiry", "expected"),
    [
        (after(12, Unit.MONTHS, RoundTo.MONTH), "2027-05-31T16:00"),
        (after(1, Unit.YEARS, RoundTo.YEAR), "2027-12-31T16:00"),
        (after(30, Unit.DAYS, RoundTo.DAY), "2026-06-02T16:00"),
        (FixedDates(((6, 30), (12, 31))), "2026-06-30T16:00"),
        (FixedDates(((5, 3),)), "2026-05-03T16:00"),
        (FixedDates(((5, 2),)), "2027-05-02T16:00"),
        (FixedDates(((2, 29),)), "2027-02-28T16:00"),
    ],
)
def test_an_end_is_rounded_forward_and_lasts_through_its_last_day(
    expiry: Expiry, expected: str
) -> None:
    assert expires_at(expiry, utc("2026-05-03T07:15"), program()) == utc(expected)


def test_points_that_never_end_have_no_end() -> None:
    assert expires_at(Never(), utc("2026-05-03T07:15"), program()) is None


def test_on_the_exact_clock_points_end_at_the_same_wall_time() -> None:
    winter = utc("2026-01-31T09:30:00.5")
    exact = program(LONDON, PeriodClock.EXACT)

    assert expires_at(after(3, Unit.MONTHS), winter, exact) == utc("2026-04-30T08:30:00.5")


def test_an_end_that_is_rounded_is_a_day_on_the_exact_clock_too() -> None:
    exact = program(LONDON, PeriodClock.EXACT)

    end = expires_at(after(1, Unit.MONTHS, RoundTo.MONTH), utc("2026-05-20T10:00"), exact)

    assert end == utc("2026-06-30T23:00")


@given(st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)), zones, expiries, st.booleans())
def test_points_end_after_they_begin_and_later_points_never_earlier(
    moment: datetime, zone: ZoneInfo, expiry: Expiry, exact: bool
) -> None:
    where = program(zone, PeriodClock.EXACT if exact else PeriodClock.DAYS)
    active_at = moment.replace(tzinfo=UTC)

    end = expires_at(expiry, active_at, where)
    next_end = expires_at(expiry, active_at + timedelta(days=2), where)

    assert end is not None
    assert next_end is not None
    assert active_at < end <= next_end
