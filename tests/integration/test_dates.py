"""Awkward days and nights: what time brings comes with the first instant of its local day, wherever
clocks change, and also where the service's own clock jumps (R-04, R-55)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.factories import Shop, line
from tests.integration.test_tiers import BIRTHDAY, TIERS, changes, tier
from tests.integration.test_tiers_in_time import dated, rewrite
from tests.job_world import assert_proved, catch_up

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)

# A zone, the local noon on which everything begins, and the instant at which its 30 days are over.
NIGHTS = [
    # Clocks go from 24:00 to 01:00, and back from 24:00 to 23:00.
    ("America/Sao_Paulo", "2017-09-14T15:00", "2017-10-15T03:00"),
    ("America/Sao_Paulo", "2018-01-18T14:00", "2018-02-18T03:00"),
    ("Asia/Beirut", "2021-02-25T10:00", "2021-03-27T22:00"),
    # Midnight comes twice.
    ("America/Havana", "2026-10-01T16:00", "2026-11-01T04:00"),
    # Clocks go back over midnight: for an hour it is the day before once more.
    ("America/St_Johns", "2010-10-07T14:30", "2010-11-07T02:30"),
    ("Europe/Berlin", "2026-02-26T11:00", "2026-03-28T23:00"),
    ("Europe/Berlin", "2026-09-24T10:00", "2026-10-24T22:00"),
    ("Pacific/Kiritimati", "2026-02-28T22:00", "2026-03-31T10:00"),
    ("Pacific/Pago_Pago", "2026-03-01T23:00", "2026-04-01T11:00"),
]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def in_zone(zone: str) -> str:
    """Points that last 30 days, a tier for 30 days, by what was earned in the last 30 days."""
    text = rewrite(BIRTHDAY, "Asia/Shanghai", zone)
    text = rewrite(text, "{after: {months: 12}, round_to: month}", "{after: {days: 30}}")
    tiers = rewrite(TIERS, "term: {months: 12, end: month}", "term: {days: 30}")
    tiers = rewrite(tiers, "window: {months: 12}", "window: {days: 30}")
    return text + tiers.replace("      gift: {points: 50}\n", "").replace("factor: 2", "factor: 1")


@pytest.mark.parametrize(("zone", "begins", "over"), NIGHTS)
def test_everything_that_ends_with_a_night_ends_with_its_first_instant(
    db, clock, zone, begins, over
):
    clock.set(utc(begins))
    shop = Shop(db, in_zone(zone))
    # The day that begins when thirty whole days after this one are over.
    born = utc(begins).astimezone(ZoneInfo(zone)).date() + 31 * DAY
    shop.enrol(birthday=(born.month, born.day))
    shop.pay("o-1", line(60_000))
    assert tier(shop) == "silver"
    clock.set(utc(over) - TICK)
    early = catch_up(db)
    held = shop.balance()

    clock.set(utc(over))
    catch_up(db)
    clock.advance(timedelta(hours=2))
    again = catch_up(db)

    assert (early.members, held.active, again.members) == (0, 600, 0)
    instants = db.fetch("SELECT reason, occurred_at FROM entry WHERE reason <> 'order_paid'")
    assert sorted(instants) == [("event", utc(over)), ("expired", utc(over))]
    assert dated(shop)[1:] == [("demoted", "regular", utc(over))]
    assert shop.balance().active == 9
    assert_proved(db)


@pytest.mark.parametrize(
    ("year", "day"), [(2026, "2026-02-28"), (2027, "2027-02-28"), (2028, "2028-02-29")]
)
def test_who_was_born_on_29_february_has_their_day_every_year_once(db, clock, year, day):
    clock.set(datetime(year, 1, 15, tzinfo=UTC))
    shop = Shop(db, BIRTHDAY)
    shop.enrol(birthday=(2, 29))
    clock.set(datetime(year, 12, 31, tzinfo=UTC))

    catch_up(db)

    found = db.fetch(
        "SELECT (occurred_at AT TIME ZONE 'Asia/Shanghai')::text FROM entry WHERE reason = 'event'"
    )
    assert found == [(f"{day} 00:00:00",)]


def test_points_that_wait_come_alive_once_also_where_a_day_begins_twice(db, clock):
    waits = rewrite(
        in_zone("America/St_Johns"),
        "activation: {on: payment}\n    expiry: never",
        "activation: {on: payment, wait_days: 1}\n    expiry: never",
    )
    clock.set(utc("2010-11-06T15:00"))
    shop = Shop(db, waits)
    shop.enrol()
    shop.pay("o-1", line(60_000))
    # It is 23:10 of the 6th once more; the 7th had begun at 02:30.
    clock.set(utc("2010-11-07T02:40"))

    shop.adjust(1)
    shop.pay("o-2", line(100))
    clock.advance(DAY)
    catch_up(db)

    assert dated(shop) == [("promoted", "silver", utc("2010-11-07T02:30"))]
    assert_proved(db)


def test_a_clock_that_jumps_forward_and_back_brings_nothing_twice(db, clock):
    shop = Shop(db, in_zone("Asia/Shanghai"))
    now = clock.now()
    shop.enrol()
    shop.pay("o-1", line(60_000))
    clock.advance(400 * DAY)
    catch_up(db)
    assert changes(shop)[-1] == ("demoted", "silver", "regular")
    seen = len(changes(shop))

    clock.set(now + DAY)
    receipt = shop.pay("o-2", line(60_000))
    catch_up(db)
    before = changes(shop)
    clock.set(now + 401 * DAY)
    catch_up(db)

    # It earns by its own day; what had been decided for later days is not decided again.
    assert receipt["paid_at"] == (now + DAY).isoformat().replace("+00:00", "Z")
    assert before == changes(shop)[:seen] == changes(shop)
    assert shop.balance().active == 0
    shop.pay("o-3", line(60_000))
    assert changes(shop)[-1] == ("promoted", "regular", "silver")
    assert_proved(db)
