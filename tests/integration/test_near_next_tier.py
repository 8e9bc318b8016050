"""Members are told on the way to the next tier: once a crossing, and again after a fall (R-56)."""

from datetime import datetime, timedelta

import orjson
import pytest

from tests.factories import Shop, line
from tests.integration.test_tiers import DAY, SHANGHAI, TIERED, proved, tier
from tests.integration.test_tiers_in_time import rewrite, tiers
from tests.job_world import catch_up, events

WAITS = rewrite(TIERED, "activation: {on: payment}", "activation: {on: payment, wait_days: 5}")
BIRTHDAY = """
    - {id: gift, name: {en: Gift, zh: 生日}, wallet: growth, group: base,
       on: birthday, give: {fixed: 260}}
returns:"""


def near(text: str = TIERED, **settings: str) -> str:
    return tiers(text, notify_at="[50, 80]", **settings)


def told(shop: Shop) -> list[tuple[str, int]]:
    payloads = [orjson.loads(payload) for _, payload in events(shop.db, "standing.near_next")]
    return [(one["next"], one["percent"]) for one in payloads]


def dated(shop: Shop) -> list[datetime]:
    sql = "SELECT occurred_at FROM event WHERE kind = 'standing.near_next' ORDER BY seq"
    return [at for (at,) in shop.db.fetch(sql)]


def open_shop(db, text: str, **details) -> Shop:
    shop = Shop(db, text)
    shop.enrol(**details)
    return shop


def test_a_step_is_told_when_it_is_reached_and_not_before_or_again(db):
    shop = open_shop(db, near())
    seen = []

    for number, amount in enumerate((24_900, 100, 14_900, 100, 5_000)):
        shop.pay(f"o-{number}", line(amount))
        seen.append(told(shop))

    assert seen == [
        [],
        [("silver", 50)],
        [("silver", 50)],
        [("silver", 50), ("silver", 80)],
        [("silver", 50), ("silver", 80)],
    ]


def test_what_is_told_says_what_there_is_and_what_is_missing(db):
    shop = open_shop(db, near())

    shop.pay("o-1", line(30_000))

    ((_, payload),) = events(db, "standing.near_next")
    assert orjson.loads(payload) == {
        "tier": "regular",
        "next": "silver",
        "percent": 50,
        "match": "any",
        "window": {"from": "2025-03-03", "until": "2026-03-02"},
        "asked": [
            {"measure": "earned", "wallet": "growth", "counted": 300, "asked": 500, "missing": 200},
            {"measure": "orders", "wallet": None, "counted": 1, "asked": 10, "missing": 9},
        ],
    }


def test_a_jump_tells_the_highest_step_alone(db):
    shop = open_shop(db, near())

    shop.pay("o-1", line(45_000))

    assert told(shop) == [("silver", 80)]


def test_a_promotion_on_the_way_leaves_the_steps_to_the_tier_after_it(db):
    shop = open_shop(db, near())

    shop.pay("o-1", line(170_000))

    assert tier(shop) == "silver"
    assert told(shop) == [("gold", 80)]


def test_a_return_that_leads_below_a_step_arms_it_again(db):
    shop = open_shop(db, near())
    shop.pay("o-1", line(30_000))
    shop.pay("o-2", line(15_000))
    shop.cancel("o-2")

    shop.pay("o-3", line(15_000))

    assert told(shop) == [("silver", 50), ("silver", 80), ("silver", 80)]


def test_a_window_that_moves_on_arms_what_it_leaves_behind(db, clock):
    shop = open_shop(db, near(window="{days: 30}"))
    shop.pay("o-1", line(45_000))
    clock.advance(40 * DAY)

    shop.pay("o-2", line(30_000))

    assert told(shop) == [("silver", 80), ("silver", 50)]


@pytest.mark.parametrize("promote", ["at_once", "next_review"])
def test_points_count_from_the_day_they_come_alive_however_late_that_is_found(db, clock, promote):
    shop = open_shop(db, near(WAITS, promote=promote))
    paid = clock.now()
    shop.pay("o-1", line(30_000))
    assert told(shop) == []
    clock.advance(20 * DAY)

    catch_up(db)

    assert told(shop) == [("silver", 50)]
    begins = (paid + 5 * DAY).astimezone(SHANGHAI).replace(hour=0, minute=0, second=0)
    assert dated(shop) == [begins]


@pytest.mark.parametrize("reach", ["amend", "reserve", "adjust"])
def test_a_step_that_a_day_begins_with_is_told_once_whoever_meets_its_first_instant(
    db, clock, reach
):
    shop = open_shop(db, near(WAITS))
    shop.pay("o-1", line(30_000))
    begins = (clock.now() + 5 * DAY).astimezone(SHANGHAI).replace(hour=0, minute=0, second=0)
    clock.advance(begins - clock.now())

    if reach == "amend":
        shop.amend(tags=("x",))
    elif reach == "reserve":
        shop.reserve("o-2", line(100))
    else:
        shop.adjust(1)
    clock.advance(DAY)
    catch_up(db)

    assert told(shop) == [("silver", 50)]
    assert dated(shop) == [begins]


def test_a_birthday_is_told_of_at_its_own_instant(db, clock):
    day = (clock.now() + 10 * DAY).astimezone(SHANGHAI)
    text = near(rewrite(TIERED, "\nreturns:", BIRTHDAY))
    shop = open_shop(db, text, birthday=(day.month, day.day))
    clock.advance(30 * DAY)

    shop.pay("o-1", line(100))

    assert told(shop) == [("silver", 50)]
    assert dated(shop) == [day.replace(hour=0, minute=0, second=0, microsecond=0)]
    assert proved(shop)


def test_whoever_is_in_the_highest_tier_is_told_nothing(db):
    shop = open_shop(db, near())

    shop.pay("o-1", line(300_000))
    shop.pay("o-2", line(300_000))

    assert told(shop) == []


def test_of_a_quote_nothing_is_told(db, clock):
    shop = open_shop(db, near())

    shop.quote(line(30_000), at=clock.now() + timedelta(hours=1))

    assert told(shop) == []


def test_without_steps_nobody_is_told(db):
    shop = open_shop(db, TIERED)

    shop.pay("o-1", line(45_000))

    assert told(shop) == []
