"""Windows and terms on awkward days: ends of months, 29 February, nights without a midnight."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_service.program.rules.periods import start_of_day
from loyalty_service.program.rules.spans import Period, PeriodClock, Unit
from loyalty_service.program.rules.tiers import Calendar, Lasting, Rolling, TermEnd, WindowTerm
from loyalty_service.tiers.rules.windows import (
    bounds,
    first_day,
    last_day_before,
    lasting_end,
    term_end,
)
from tests.unit.test_tiers import ENROLLED, program

LEAP = date(2024, 2, 29)
ZONES = [
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "America/Havana",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "America/St_Johns",
    "Pacific/Apia",
]
MONTH, YEAR = Period(1, Unit.MONTHS), Period(1, Unit.YEARS)


@pytest.mark.parametrize(
    ("period", "end", "begins", "last"),
    [
        (MONTH, TermEnd.EXACT, date(2026, 1, 31), date(2026, 2, 28)),
        (MONTH, TermEnd.EXACT, date(2024, 1, 31), LEAP),
        (MONTH, TermEnd.EXACT, date(2026, 3, 31), date(2026, 4, 30)),
        (MONTH, TermEnd.MONTH, date(2026, 8, 31), date(2026, 9, 30)),
        (Period(12, Unit.MONTHS), TermEnd.MONTH, LEAP, date(2025, 2, 28)),
        (YEAR, TermEnd.EXACT, LEAP, date(2025, 2, 28)),
        (Period(4, Unit.YEARS), TermEnd.EXACT, LEAP, date(2028, 2, 29)),
        (Period(3, Unit.MONTHS), TermEnd.QUARTER, date(2026, 11, 30), date(2027, 3, 31)),
        (Period(1, Unit.DAYS), TermEnd.YEAR, date(2026, 12, 31), date(2027, 12, 31)),
    ],
)
def test_a_term_from_the_end_of_a_month_ends_with_the_shorter_one(period, end, begins, last):
    found = program(term=Lasting(period, end))
    noon = datetime(begins.year, begins.month, begins.day, 12, tzinfo=found.zone)

    ends = lasting_end(found.tiers.term, found, noon, begins)

    assert ends == start_of_day(last + timedelta(days=1), found.zone)


def test_terms_that_follow_each_other_are_counted_each_from_its_own_first_day():
    found = program(term=Lasting(MONTH))
    days = [date(2026, 1, 31)]

    for _ in range(3):
        noon = datetime(days[-1].year, days[-1].month, days[-1].day, 12, tzinfo=found.zone)
        ends = term_end(found.tiers, found, noon, days[-1], ENROLLED)
        days.append(last_day_before(ends, found))

    assert days == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 28), date(2026, 4, 28)]


@pytest.mark.parametrize(
    ("window", "judged", "first"),
    [
        (Rolling(MONTH), date(2026, 2, 28), date(2026, 2, 1)),
        (Rolling(MONTH), date(2026, 3, 30), date(2026, 2, 28)),
        (Rolling(MONTH), date(2026, 3, 31), date(2026, 3, 1)),
        (Rolling(YEAR), date(2025, 2, 28), date(2024, 3, 1)),
        (Rolling(YEAR), LEAP, date(2023, 3, 1)),
        (Calendar.MEMBERSHIP_YEAR, date(2025, 2, 27), LEAP),
        (Calendar.MEMBERSHIP_YEAR, date(2025, 2, 28), date(2025, 2, 28)),
        (Calendar.MEMBERSHIP_YEAR, date(2028, 2, 28), date(2027, 2, 28)),
        (Calendar.MEMBERSHIP_YEAR, date(2028, 2, 29), date(2028, 2, 29)),
        (Calendar.MEMBERSHIP_YEAR, date(2024, 2, 28), date(2023, 2, 28)),
    ],
)
def test_windows_over_29_february_and_ends_of_months(window, judged, first):
    assert first_day(window, judged, LEAP) == first


@pytest.mark.parametrize(
    ("zone", "last", "ends"),
    [
        # Clocks went from 24:00 to 01:00.
        ("America/Sao_Paulo", date(2017, 10, 14), "2017-10-15T03:00+00:00"),
        ("Asia/Beirut", date(2021, 3, 27), "2021-03-27T22:00+00:00"),
        # Clocks went from 24:00 back to 23:00.
        ("America/Sao_Paulo", date(2018, 2, 17), "2018-02-18T03:00+00:00"),
        # Midnight comes twice.
        ("America/Havana", date(2026, 10, 31), "2026-11-01T04:00+00:00"),
        # The island had no 30 December.
        ("Pacific/Apia", date(2011, 12, 29), "2011-12-30T10:00+00:00"),
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00+00:00"),
        ("Pacific/Kiritimati", date(2026, 3, 31), "2026-03-31T10:00+00:00"),
        ("Pacific/Pago_Pago", date(2026, 3, 31), "2026-04-01T11:00+00:00"),
    ],
)
def test_a_term_ends_where_the_next_day_begins(zone, last, ends):
    found = replace(program(term=Lasting(Period(30, Unit.DAYS))), zone=ZoneInfo(zone))
    begins = last - timedelta(days=30)
    noon = datetime(begins.year, begins.month, begins.day, 12, tzinfo=found.zone)

    assert lasting_end(found.tiers.term, found, noon, begins) == datetime.fromisoformat(ends)


def test_to_the_second_a_term_into_a_time_that_is_skipped_ends_at_the_change():
    found = program(term=Lasting(MONTH))
    exact = replace(found, zone=ZoneInfo("America/Sao_Paulo"), clock=PeriodClock.EXACT)
    begins = datetime(2017, 9, 15, 0, 30, tzinfo=exact.zone)

    ends = lasting_end(exact.tiers.term, exact, begins, begins.date())

    assert ends == datetime.fromisoformat("2017-10-15T03:00+00:00")


@given(
    st.sampled_from(ZONES),
    st.sampled_from([*Calendar]),
    st.dates(date(2005, 1, 1), date(2030, 1, 1)),
    st.dates(date(2000, 1, 1), date(2005, 1, 1)),
)
def test_a_window_term_ends_with_its_window_in_every_zone(zone, calendar, day, enrolled):
    found = replace(program(window=calendar, term=WindowTerm.THIS), zone=ZoneInfo(zone))
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=found.zone)

    ends = term_end(found.tiers, found, noon, day, enrolled)

    last = last_day_before(ends, found)
    assert start_of_day(bounds(calendar, day, enrolled)[1] + timedelta(days=1), found.zone) == ends
    assert bounds(calendar, last, enrolled) == bounds(calendar, day, enrolled)
