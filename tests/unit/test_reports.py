"""Sums by day, open points by month, their worth, and tables that run nothing."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from loyalty_service.kit.sheets import csv_text
from loyalty_service.program.rules.program import Redemption
from loyalty_service.reports.rules.liability import Held, Open, Owing, month_of
from loyalty_service.reports.rules.points import By, PointsRow, Span, SpanImpossible, add_up
from loyalty_service.reports.rules.sums import (
    BEGUN,
    NEVER,
    Change,
    Moved,
    Opened,
    OpenLot,
    Sums,
    last_month_end,
)
from loyalty_service.reports.rules.tables import liability_lines, liability_table, points_table

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 30, 4, tzinfo=UTC)
DAY = timedelta(days=1)
TODAY = date(2026, 3, 30)
WORTH = Redemption(3, 100, 3, 3, Fraction(1))


def moved(seq, points, lot_seq=1, at=NOON, active_at=NOON, expires_at=None, of=None):
    return Moved(seq, of or points, "order_paid", at, lot_seq, points, active_at, expires_at)


def summed(*written, lots=None, zone=SHANGHAI, ends_on=NEVER):
    sums, opened = Sums(zone), Opened(dict(lots or {}), ends_on)
    seq = sums.add("points", opened, written)
    return sums, seq, opened


def changes(sums, *, is_month):
    return {(c.day, c.begins_on, c.ends_on): p for c, p in sums.changed() if c.is_month is is_month}


def test_an_entry_counts_once_however_many_lots_it_moves():
    sums, seq, _ = summed(
        moved(1, 5, of=8), moved(1, 3, lot_seq=2, of=8), moved(2, -4), moved(3, 0, None, of=0)
    )

    total = sums.totals[TODAY, "points", "order_paid"]
    assert (total.given, total.taken, total.entries, sums.entries, seq) == (8, 4, 3, 3, 3)


@pytest.mark.parametrize(
    ("zone", "day"),
    [("Pacific/Kiritimati", date(2026, 3, 31)), ("Pacific/Pago_Pago", date(2026, 3, 29))],
)
def test_a_day_is_one_of_the_zone(zone, day):
    at = datetime(2026, 3, 30, 10, 30, tzinfo=UTC)

    sums, _, _ = summed(moved(1, 5, at=at), zone=ZoneInfo(zone))

    assert [key[0] for key in sums.totals] == [day]


def test_what_is_taken_is_taken_where_the_lot_ends():
    ends = datetime(2026, 4, 30, 16, tzinfo=UTC)
    lots = {1: OpenLot(10, BEGUN, date(2026, 5, 1))}

    sums, _, left = summed(moved(7, -4), moved(8, -6), moved(9, 2, expires_at=ends), lots=lots)

    assert changes(sums, is_month=False) == {(TODAY, BEGUN, date(2026, 5, 1)): -8}
    assert left.lots == {1: OpenLot(2, TODAY, date(2026, 5, 1))}


def test_a_reschedule_moves_what_is_left():
    lots = {1: OpenLot(10, NEVER, NEVER)}
    later = NOON + 7 * DAY

    sums, _, _ = summed(moved(2, 0, active_at=later, expires_at=later + 60 * DAY), lots=lots)

    assert changes(sums, is_month=False) == {
        (TODAY, NEVER, NEVER): -10,
        (TODAY, date(2026, 4, 6), date(2026, 6, 5)): 10,
    }


def test_a_common_end_moves_all_that_end_with_their_account():
    lots = {
        0: OpenLot(1, BEGUN, NEVER),
        1: OpenLot(10, BEGUN, NEVER),
        2: OpenLot(20, BEGUN, date(2026, 5, 1)),
        3: OpenLot(40, NEVER, NEVER),
    }
    may, june = date(2026, 5, 3), NOON + 90 * DAY

    sums, _, left = summed(
        moved(7, 0, lot_seq=-1, active_at=None, expires_at=june),
        moved(7, 0, lot_seq=2),
        moved(8, 5, lot_seq=4),
        moved(9, -4),
        lots=lots,
        ends_on=may,
    )

    assert changes(sums, is_month=False) == {
        (TODAY, BEGUN, may): -11,
        (TODAY, BEGUN, date(2026, 5, 1)): -20,
        (TODAY, BEGUN, june.date()): 11 + 20 + 5 - 4,
    }
    assert left.ends_on == june.date()
    assert left.lots == {
        0: OpenLot(1, BEGUN, NEVER),
        1: OpenLot(6, BEGUN, NEVER),
        2: OpenLot(20, TODAY, NEVER),
        3: OpenLot(40, NEVER, NEVER),
        4: OpenLot(5, TODAY, NEVER),
    }


def test_a_month_forgets_what_begins_or_ends_in_it():
    sums, _, _ = summed(
        moved(1, 5, active_at=NOON + DAY, expires_at=NOON + 90 * DAY),
        moved(2, 6, lot_seq=2, expires_at=NOON + DAY),
        moved(3, 7, lot_seq=3, expires_at=NOON),
    )

    assert changes(sums, is_month=True) == {(date(2026, 3, 31), BEGUN, date(2026, 6, 28)): 5}
    assert changes(sums, is_month=False) == {
        (TODAY, date(2026, 3, 31), date(2026, 6, 28)): 5,
        (TODAY, BEGUN, date(2026, 3, 31)): 6,
    }


@pytest.mark.parametrize(
    ("day", "end"),
    [
        (date(2026, 3, 31), date(2026, 3, 31)),
        (date(2026, 3, 30), date(2026, 2, 28)),
        (date(2024, 3, 1), date(2024, 2, 29)),
        (date(1, 1, 5), date.min),
    ],
)
def test_the_last_end_of_a_month(day, end):
    assert last_month_end(day) == end


def owing(*held, day=TODAY, **lots):
    found = Owing(day)
    found.add(
        (Change(False, day, wallet, begins_on, ends_on), points)
        for wallet, of_wallet in lots.items()
        for begins_on, ends_on, points in of_wallet
    )
    found.hold(held)
    return found


def test_open_points_stand_in_the_month_of_their_last_day():
    april, may = date(2026, 4, 30), date(2026, 5, 1)
    found = owing(
        points=[
            (BEGUN, may, 10),
            (TODAY + DAY, may, 5),
            (BEGUN, april, 1),
            (BEGUN, NEVER, 2),
            (NEVER, NEVER, 7),
            (BEGUN, TODAY, 99),
        ]
    )

    (wallet,) = found.told({})

    assert [(m.ends, m.month, m.open.active, m.open.pending) for m in wallet.months] == [
        ("in_month", "2026-04", 11, 5),
        ("after_fulfilment", None, 0, 7),
        ("never", None, 2, 0),
    ]
    assert (wallet.open.points, wallet.worth_minor) == (25, None)
    assert month_of(NEVER) == "never"


def test_held_points_end_with_their_lot_or_their_hold_whichever_is_later():
    ends = date(2026, 4, 1)
    found = owing(
        Held("points", 3, ends, date(2026, 4, 2)),
        Held("points", 2, date(2026, 6, 1), TODAY),
        # The lot has ended already, so that nothing of it is active.
        Held("points", 4, TODAY, date(2026, 3, 31)),
        points=[(BEGUN, ends, 10), (BEGUN, date(2026, 6, 1), 2)],
    )

    (wallet,) = found.told({})

    told = {m.month: (m.open.active, m.open.held) for m in wallet.months}
    assert told == {"2026-03": (7, 4), "2026-04": (0, 3), "2026-05": (0, 2)}
    assert wallet.open == Open(active=7, pending=0, held=9)


def test_worth_is_rounded_once_and_shared_so_that_it_adds_up():
    months = [(BEGUN, date(2026, month, 2), 1) for month in (4, 5)]

    (wallet,) = owing(points=months).told({"points": WORTH})

    # Two thirds of 100 are 66.67; the earlier month has the odd one.
    assert (wallet.worth_minor, [m.worth_minor for m in wallet.months]) == (67, [34, 33])


def test_half_a_minor_unit_is_rounded_up():
    half = Redemption(2, 1, 2, 2, Fraction(1))

    (wallet,) = owing(points=[(BEGUN, NEVER, 1)]).told({"points": half})

    assert wallet.worth_minor == 1


def test_a_wallet_with_nothing_open_has_no_months():
    (wallet,) = owing(points=[(BEGUN, NEVER, 5), (BEGUN, NEVER, -5)]).told({"points": WORTH})

    assert (wallet.months, wallet.worth_minor) == ((), 0)


TOTALS = [
    (date(2026, 3, 1), "points", "order_paid", 5, 1, 2),
    (date(2026, 3, 1), "points", "expired", 0, 3, 1),
    (date(2026, 3, 31), "growth", "order_paid", 7, 0, 1),
    (date(2026, 4, 1), "points", "order_paid", 1, 0, 1),
    (date(2026, 4, 2), "points", "order_paid", 100, 0, 1),
]


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        (
            By.DAY,
            [
                ("2026-03-01", "points", 5, 4, 3),
                ("2026-03-31", "growth", 7, 0, 1),
                ("2026-04-01", "points", 1, 0, 1),
            ],
        ),
        (
            By.MONTH,
            [
                ("2026-03", "growth", 7, 0, 1),
                ("2026-03", "points", 5, 4, 3),
                ("2026-04", "points", 1, 0, 1),
            ],
        ),
        (By.WALLET, [("", "growth", 7, 0, 1), ("", "points", 6, 4, 4)]),
        (
            By.REASON,
            [
                ("expired", "points", 0, 3, 1),
                ("order_paid", "growth", 7, 0, 1),
                ("order_paid", "points", 6, 1, 3),
            ],
        ),
    ],
)
def test_points_by_day_month_wallet_and_reason(by, rows):
    span = Span(by, date(2026, 3, 1), date(2026, 4, 1))

    assert add_up(span, TOTALS) == tuple(PointsRow(*row) for row in rows)


@pytest.mark.parametrize(("by", "most"), [(By.DAY, 366), (By.MONTH, 3_660)])
def test_a_report_has_a_bound(by, most):
    first = date(2026, 1, 1)
    Span(by, first, first + (most - 1) * DAY)

    with pytest.raises(SpanImpossible, match="2026-01-01, comes after the last one, 2025-12-31"):
        Span(by, first, first - DAY)
    with pytest.raises(SpanImpossible, match=f"{most + 1:,} days; by {by}, .* {most:,} at most"):
        Span(by, first, first + most * DAY)


def test_tables_have_headings_and_a_row_for_each():
    row = PointsRow("2026-03", "points", 5, 7, 2)
    (wallet,) = owing(points=[(BEGUN, date(2026, 5, 1), 3)]).told({"points": WORTH})
    (free,) = owing(growth=[(BEGUN, NEVER, 3)]).told({})

    assert points_table(By.MONTH, [row]) == [
        ["month", "wallet", "given", "taken", "points", "entries"],
        ["2026-03", "points", 5, 7, -2, 2],
    ]
    assert points_table(By.WALLET, [row])[1] == ["points", 5, 7, -2, 2]
    buckets = ["active", "pending", "held", "points"]
    assert liability_table("CNY", [wallet, free]) == [
        ["wallet", "ends", "month", *buckets, "worth_minor", "currency"],
        ["points", "in_month", "2026-04", 3, 0, 0, 3, 100, "CNY"],
        ["growth", "never", None, 3, 0, 0, 3, None, None],
    ]


@pytest.mark.parametrize(
    ("currency", "worth"), [("CNY", "CNY 1.00"), ("JPY", "JPY 100"), ("KWD", "KWD 0.100")]
)
def test_people_read_when_points_end_and_money_as_it_is_written(currency, worth):
    (wallet,) = owing(points=[(BEGUN, date(2026, 5, 1), 3)]).told({"points": WORTH})
    (free,) = owing(growth=[(NEVER, NEVER, 2), (BEGUN, NEVER, 3)]).told({})

    assert liability_lines(currency, [wallet, free]) == [
        ["wallet", "ends", "active", "pending", "held", "points", "worth"],
        ["points", "2026-04", 3, 0, 0, 3, worth],
        ["growth", "known after fulfilment", 0, 2, 0, 2, None],
        ["growth", "never", 3, 0, 0, 3, None],
    ]


def test_a_spreadsheet_runs_nothing_of_a_table():
    rows = [["=1+1", "+1", "-cmd", "@x", "\tx"], ['say "a", b', None, -5, 0, "points"]]

    assert csv_text(rows) == '\'=1+1,\'+1,\'-cmd,\'@x,\'\tx\r\n"say ""a"", b",,-5,0,points\r\n'
