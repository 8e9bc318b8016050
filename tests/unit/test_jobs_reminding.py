"""Which notices of points that end are given, and which were given already."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from loyalty_service.jobs.rules.reminding import (
    Notice,
    horizon,
    last_day,
    list_ending,
    list_notices,
)
from loyalty_service.ledger.rules.lots import Lot

SHANGHAI = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 3, 2)
ENDS = "points", date(2026, 4, 1)
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


def at_days(days: int) -> date:
    return ENDS[1] - timedelta(days=days)


def given(days: int, before: int | None) -> list[int]:
    reminded = {} if before is None else {ENDS: before}
    return [n.notice for n in list_notices({ENDS: 50}, reminded, at_days(days))]


@pytest.mark.parametrize(
    ("days", "before", "notices"),
    [
        (31, None, []),
        (30, None, [30]),
        (29, None, [30]),
        (29, 30, []),
        (8, 30, []),
        (7, 30, [7]),
        (6, 7, []),
        (1, 7, [1]),
        (0, 1, []),
        # It did not run for weeks: only the nearest is given, the ones before it never.
        (5, None, [7]),
        (1, 30, [1]),
        (0, None, [1]),
        (7, 1, []),
    ],
)
def test_each_notice_is_given_once_and_on_a_jump_only_the_nearest(
    days: int, before: int | None, notices: list[int]
) -> None:
    assert given(days, before) == notices


def test_a_notice_tells_wallet_points_day_and_days_left() -> None:
    (notice,) = list_notices({ENDS: 50}, {}, at_days(5))

    assert notice == Notice("points", ENDS[1], 50, 5, 7)
    assert notice.told() == {
        "wallet": "points",
        "points": 50,
        "expires_on": "2026-04-01",
        "days": 5,
    }


def test_each_wallet_and_last_day_has_notices_of_its_own() -> None:
    other, later = ("growth", ENDS[1]), ("points", ENDS[1] + timedelta(days=1))

    told = list_notices({ENDS: 1, other: 2, later: 3}, {ENDS: 30}, at_days(30))

    assert [(n.wallet, n.points) for n in told] == [("growth", 2)]
    assert [n.points for n in list_notices({ENDS: 1, later: 3}, {}, at_days(29))] == [1, 3]


def lot(number: int, points: int, active: datetime | None, ends: datetime | None) -> Lot:
    return Lot(number, None, points, points, active, ends)


def test_what_is_alive_and_ends_is_summed_by_its_last_local_day() -> None:
    midnight = datetime(2026, 3, 31, 16, tzinfo=UTC)
    lots = [
        lot(1, 10, NOON, midnight),
        lot(2, 5, NOON - timedelta(days=1), midnight - timedelta(hours=3)),
        lot(3, 7, NOON, midnight + timedelta(microseconds=1)),
        lot(4, 100, NOON + timedelta(seconds=1), midnight),
        lot(5, 100, None, None),
        lot(6, 100, NOON, None),
        lot(7, 100, NOON - timedelta(days=9), NOON),
    ]

    ending = list_ending([("points", each) for each in lots], NOON, SHANGHAI)

    assert ending == {("points", date(2026, 3, 31)): 15, ("points", date(2026, 4, 1)): 7}


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_horizon_is_the_end_of_the_last_day_that_is_told_of(zone: str) -> None:
    ends = horizon(NOON, ZoneInfo(zone))

    days = last_day(ends, ZoneInfo(zone)) - NOON.astimezone(ZoneInfo(zone)).date()
    later = last_day(ends + timedelta(microseconds=1), ZoneInfo(zone))
    assert days == timedelta(days=30)
    assert later - last_day(ends, ZoneInfo(zone)) == timedelta(days=1)
