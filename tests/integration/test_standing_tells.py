"""A standing tells the grace that may come, what follows it, and which days count (R-53)."""

from datetime import datetime, timedelta

import pytest

from tests.factories import Shop, line
from tests.integration.test_program_diff import foresee
from tests.integration.test_tiers import DAY, TIERED, catch_up, changes, standing, tier
from tests.integration.test_tiers_in_time import dated, tiers

GRACEFUL = tiers(TIERED, grace="{days: 30}")
WAITING = GRACEFUL.replace("{on: payment}", "{on: payment, wait_days: 5}")
ENDS = "2027-03-31T16:00:00Z"
GRACE_ENDS = "2027-04-30T16:00:00Z"


@pytest.fixture
def shop(db) -> Shop:
    shop = Shop(db, GRACEFUL)
    shop.enrol("m-1")
    shop.pay("o-1", line(50_000))
    return shop


def go_to(clock, text: str, more: timedelta = timedelta()) -> None:
    clock.advance(datetime.fromisoformat(text) - clock.now() + more)


def test_a_review_that_begins_a_grace_is_told_with_its_end_and_the_fall_after_it(shop, clock):
    told = standing(shop)

    assert told["review"] == {
        "at": ENDS,
        "outcome": "grace_began",
        "tier": {"id": "silver", "name": "Silver"},
        "match": "any",
        "window": {"from": "2026-04-01", "until": "2027-03-31"},
        "criteria": [
            {
                "measure": "earned",
                "wallet": "growth",
                "counted": 0,
                "asked": 300,
                "missing": 300,
                "words": "300 earned in Growth",
            }
        ],
        "grace_until": GRACE_ENDS,
        "after_grace": {"id": "regular", "name": "Regular"},
    }
    assert told["words"][-1] == (
        "Silver is no longer earned on 2027-04-01 unless you earn enough to keep it by 2027-03-31. "
        "A grace then keeps it; you fall to Regular on 2027-05-01 unless you earn Silver again by "
        "2027-04-30. Counted then, from 2026-04-01 through 2027-03-31: "
        "300 earned in Growth (0 so far, 300 to go)."
    )
    go_to(clock, GRACE_ENDS)
    catch_up(shop)
    assert changes(shop)[1:] == [
        ("grace_began", "silver", "silver"),
        ("demoted", "silver", "regular"),
    ]


def test_in_the_grace_the_fall_is_told_and_what_ends_it(shop, clock):
    go_to(clock, ENDS, DAY)

    told = standing(shop)

    assert told["grace_until"] == told["review"]["at"] == GRACE_ENDS
    assert (told["review"]["outcome"], told["review"]["after_grace"]) == ("demoted", None)
    assert told["words"][0] == "Silver is no longer earned; a grace keeps it through 2027-04-30."
    assert told["words"][-1].startswith(
        "You fall to Regular on 2027-05-01 unless you earn Silver again by 2027-04-30."
    )


def buys_late(db, clock, program, amount):
    """A shop whose silver member buys once more, so late that its points come alive after."""
    shop = Shop(db, program)
    shop.enrol("m-1")
    shop.pay("o-1", line(50_000))
    clock.advance(6 * DAY)
    go_to(clock, standing(shop)["until"], -3 * DAY)
    shop.pay("o-2", line(amount))
    return shop


def test_points_that_come_alive_in_the_grace_are_told_to_end_it(db, clock):
    shop = buys_late(db, clock, WAITING, 30_000)

    early = standing(shop)
    go_to(clock, early["until"], timedelta(hours=1))
    in_grace = standing(shop)

    assert (early["review"]["outcome"], early["review"]["after_grace"]) == (
        "grace_began",
        {"id": "silver", "name": "Silver"},
    )
    assert (in_grace["review"]["outcome"], in_grace["grace_until"] is None) == ("kept", False)
    assert "is earned again on" in in_grace["words"][-1]
    clock.advance(6 * DAY)
    catch_up(shop)
    assert (changes(shop)[-1][0], tier(shop)) == ("kept", "silver")


def test_points_that_lift_the_member_in_the_grace_are_not_told_as_a_fall(db, clock):
    program = WAITING.replace('entry: {all: [{spend: "2000.00"}]}', SECOND)
    shop = buys_late(db, clock, program, 100_000)

    told = standing(shop)

    assert told["review"]["outcome"] == "grace_began"
    assert told["review"]["after_grace"]["id"] == "gold"
    assert "if nothing else happens, you rise to Gold by 2027-05-01." in told["words"][-1]
    go_to(clock, told["review"]["grace_until"])
    catch_up(shop)
    assert (changes(shop)[-1][0], tier(shop)) == ("promoted", "gold")


@pytest.mark.parametrize(
    ("window", "first", "last"),
    [
        ("{months: 12}", "2025-03-03", "2026-03-02"),
        ("quarter", "2026-01-01", "2026-03-31"),
        ("membership_year", "2026-03-02", "2027-03-01"),
        ("lifetime", None, "2026-03-02"),
    ],
)
def test_the_days_that_count_are_told(db, window, first, last):
    shop = Shop(db, TIERED.replace("window: {months: 12}", f"window: {window}"))
    shop.enrol("m-1")
    shop.pay("o-1", line(10_000))

    told = standing(shop)

    assert told["window"] == {"from": first, "until": last}
    assert told["next"]["criteria"][0]["counted"] == 100
    said = "joining counts" if first is None else f"Counted from {first} through {last}."
    assert [said in one for one in told["words"]].count(True) == 1


BALANCE = tiers(
    TIERED.replace(
        "{any: [{earned: {wallet: growth, at_least: 500}}, {orders: 10}]}",
        "{any: [{balance: {wallet: points, at_least: 150}}]}",
    ).replace("      keep: {any: [{earned: {wallet: growth, at_least: 300}}]}\n", ""),
    term="none",
)
BORN = TIERED.replace(
    "returns:",
    """\
    - {id: born, name: {en: Birthday, zh: 生日}, wallet: growth, group: base, on: birthday,
       give: {fixed: 500}, activation: {on: payment}, expiry: never}
returns:""",
)


def test_a_fall_with_points_that_end_is_told_with_its_day(db, clock):
    shop = Shop(db, BALANCE)
    shop.enrol("m-1")
    ends = clock.now() + 5 * DAY
    shop.adjust(150, expires_at=ends)

    told = standing(shop)

    review = told["review"]
    assert (datetime.fromisoformat(review["at"]), review["outcome"]) == (ends, "demoted")
    clock.advance(5 * DAY)
    catch_up(shop)
    assert changes(shop)[-1] == ("demoted", "silver", "regular")


FOLLOWS = tiers(
    TIERED.replace("      keep: {any: [{earned: {wallet: growth, at_least: 300}}]}\n", ""),
    term="none",
)


@pytest.mark.parametrize("window", ["{months: 12}", "{days: 365}", "year"])
def test_a_tier_without_terms_is_told_with_the_fall_that_is_foretold(db, clock, window):
    shop = Shop(db, tiers(FOLLOWS, window=window))
    shop.enrol()
    for day in range(100):
        shop.pay(f"o-{day}", line(1_000))
        clock.advance(DAY)

    _, foretold = foresee(db, None)
    told = standing(shop)

    (outlook,) = foretold.values()
    review = told["review"]
    assert (review["outcome"], review["tier"]["id"]) == ("demoted", outlook.to)
    assert datetime.fromisoformat(review["at"]) == outlook.at
    assert "ou fall to Regular on " in told["words"][-1]
    go_to(clock, review["at"])
    catch_up(shop)
    assert dated(shop)[-1] == ("demoted", "regular", outlook.at)


def test_a_fall_after_many_days_that_leave_the_window_is_told(db, clock):
    shop = Shop(db, tiers(FOLLOWS.replace("at_least: 500", "at_least: 10"), window="{months: 12}"))
    shop.enrol()
    for day in range(240):
        shop.pay(f"o-{day}", line(100))
        clock.advance(DAY)

    told = standing(shop)

    (outlook,) = foresee(db, None)[1].values()
    assert outlook.to == told["review"]["tier"]["id"] == "regular"
    assert datetime.fromisoformat(told["review"]["at"]) == outlook.at


def test_a_tier_that_nothing_takes_is_told_without_a_review(db):
    shop = Shop(db, tiers(FOLLOWS, window="lifetime"))
    shop.enrol()
    shop.pay("o-1", line(50_000))

    told = standing(shop)

    assert (told["tier"]["id"], told["review"]) == ("silver", None)


def test_a_rise_by_a_birthday_before_the_review_is_told_with_its_day(db, clock):
    shop = Shop(db, BORN.replace('entry: {all: [{spend: "2000.00"}]}', SECOND))
    shop.enrol("m-1", birthday=(4, 1))
    shop.pay("o-1", line(60_000))
    assert tier(shop) == "silver"

    told = standing(shop)

    assert (told["review"]["at"], told["review"]["outcome"]) == ("2026-03-31T16:00:00Z", "promoted")
    assert told["until"] == ENDS
    go_to(clock, told["review"]["at"])
    catch_up(shop)
    assert tier(shop) == told["review"]["tier"]["id"] == "gold"


SECOND = "entry: {all: [{earned: {wallet: growth, at_least: 1000}}]}"


def test_where_nothing_is_to_come_no_review_is_told(db):
    shop = Shop(db, BORN.replace("give: {fixed: 500}", "give: {fixed: 1}"))
    shop.enrol("m-1", birthday=(4, 1))

    assert standing(shop)["review"] is None


@pytest.mark.parametrize(
    ("settings", "ends"),
    [
        ({"term": "this"}, "you fall to Silver on 2026-04-01"),
        ({"term": "none"}, "you fall to Regular on 2026-04-01"),
        ({"term": "this", "grace": "{days: 5}"}, "Gold is no longer earned on 2026-04-01"),
    ],
)
def test_what_will_not_count_is_not_asked_for(db, clock, settings, ends):
    shop = Shop(db, tiers(window="month", **settings))
    shop.enrol()
    shop.pay("o-1", line(9_900_000))

    told = standing(shop)

    assert told["review"]["window"]["from"] == "2026-04-01"
    assert len(told["words"]) == 2
    assert told["words"][-1].startswith(
        f"If nothing else happens, {ends}: what keeps {'it' if 'grace' in settings else 'Gold'} "
        "is counted anew from that day on."
    )
    assert "by 2026-03-31" not in told["words"][-1]
    # However much is earned until then.
    shop.pay("o-2", line(9_900_000))
    go_to(clock, told["review"]["at"])
    catch_up(shop)
    assert changes(shop)[-1][0] == told["review"]["outcome"]
