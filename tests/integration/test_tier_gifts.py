"""Gifts come once for each tier and term, and only as far as they can be counted (R-52 to R-55)."""

from datetime import timedelta

import orjson
import pytest

from loyalty_service.earning.rules.words import explain_in_words
from loyalty_service.ledger.rules.lots import MOST_POINTS, PointsBeyondCount
from tests.factories import Shop, line
from tests.integration.test_reservations import assert_proved
from tests.integration.test_tiers import BIRTHDAY, DAY, catch_up, changes, proved, tier
from tests.integration.test_tiers_in_time import KEEP, tiers
from tests.job_world import catch_up as run_night
from tests.job_world import events


def gifts(shop: Shop) -> list[int]:
    return [
        points
        for (points,) in shop.db.fetch(
            "SELECT points FROM entry WHERE reason IN ('tier_gift', 'tier_gift_undone') "
            "ORDER BY wallet, seq"
        )
    ]


@pytest.mark.parametrize(("on_return", "given"), [("kept", [50]), ("taken_back", [50, -50, 50])])
def test_who_returns_and_buys_again_has_the_gift_once(db, on_return, given):
    shop = Shop(db, tiers(on_return="at_once", gifts_on_return=on_return))
    shop.enrol("m-1")
    shop.pay("o-1", line(50_000))
    shop.cancel("o-1")

    shop.pay("o-2", line(50_000))

    assert [cause for cause, *_ in changes(shop)] == ["promoted", "undone", "promoted"]
    assert gifts(shop) == given
    assert proved(shop)


def test_a_new_term_brings_the_gift_again(db, clock):
    shop = Shop(db, tiers())
    shop.enrol("m-1")
    shop.pay("o-1", line(50_000))
    clock.advance(timedelta(days=400))
    catch_up(shop)
    assert tier(shop) == "regular"

    shop.pay("o-2", line(50_000))

    assert tier(shop) == "silver"
    assert gifts(shop) == [50, 50]


def test_the_gift_that_was_kept_comes_again_once_its_term_is_over(db, clock):
    shop = Shop(db, tiers(on_return="at_once", gifts_on_return="kept"))
    shop.enrol("m-1")
    shop.pay("o-1", line(50_000))
    shop.cancel("o-1")
    clock.advance(timedelta(days=400))

    shop.pay("o-2", line(50_000))

    assert gifts(shop) == [50, 50]
    assert proved(shop)


def test_keeping_a_tier_and_falling_into_one_bring_no_gift(db, clock):
    shop = Shop(db, tiers())
    shop.enrol("m-1")
    shop.pay("o-1", line(200_000))
    clock.advance(timedelta(days=300))
    shop.pay("o-2", line(50_000))
    clock.advance(timedelta(days=800))

    catch_up(shop)

    assert [cause for cause, *_ in changes(shop)] == ["promoted", "demoted", "demoted"]
    assert gifts(shop) == [300]


@pytest.mark.parametrize("before", [{"term": "none"}, {}])
def test_a_gift_belongs_to_the_term_that_a_new_version_begins(db, clock, before):
    monthly = {"window": "{months: 1}", "term": "{months: 1}"}
    text = tiers(**{**monthly, **before})
    if not before:
        text = text.replace(KEEP, "      keep_for_ever: true\n")
    shop = Shop(db, text)
    shop.enrol("m-1")
    shop.pay("o-1", line(50_000))
    shop.apply(tiers(**monthly))
    clock.advance(timedelta(days=100))
    catch_up(shop)
    assert [cause for cause, *_ in changes(shop)] == ["promoted", "term_began", "demoted"]

    shop.pay("o-2", line(50_000))

    assert gifts(shop) == [50, 50]


@pytest.fixture
def full(db, clock) -> Shop:
    """Three members with a birthday overdue, of whom the first has room for four points more."""
    shop = Shop(db, BIRTHDAY)
    day = clock.now() + 10 * DAY
    for member in ("m-1", "m-2", "m-3"):
        shop.enrol(member, birthday=(day.month, day.day))
    shop.adjust(MOST_POINTS - 4)
    clock.advance(12 * DAY)
    return shop


def test_an_account_that_is_almost_full_keeps_nobody_from_what_the_night_brings(full, clock):
    db = full.db

    run_night(db)

    sql = "SELECT points FROM entry WHERE reason = 'event' ORDER BY member_id"
    assert db.fetch(sql) == [(4,), (9,), (9,)]
    clock.advance(366 * DAY)
    run_night(db)
    run_night(db)
    assert db.fetch(sql) == [(4,), (9,), (9,), (9,), (9,)]
    told = [orjson.loads(payload)["earned"] for _, payload in events(db, "member.birthday")]
    assert [len(entries) for entries in told] == [1, 0, 1, 1, 1, 1]
    assert_proved(full)


def test_a_birthday_that_was_cut_says_so(full):
    run_night(full.db)

    ((text,),) = full.db.fetch("SELECT body FROM explanation WHERE member_id = 1")
    explanation = orjson.loads(text)
    assert explanation["points"] == explanation["rules"][0]["points"] == 4
    assert explain_in_words(explanation, "en")[-2:] == [
        "The account can take 4 points more, cut to fit: Cake gives 4 instead of 9.",
        "Total in Points: 4.",
    ]
    assert explain_in_words(explanation, "zh")[-2:] == [
        "账户最多只能再存入 4 分，超出部分不计：「蛋糕」由 9 减为 4。",
        "积分合计：4。",
    ]


@pytest.mark.parametrize("mend", ["adjust", "reverse", "amend"])
def test_an_account_that_is_almost_full_can_be_put_right(full, mend):
    if mend == "adjust":
        full.adjust(-MOST_POINTS)
    elif mend == "reverse":
        full.reverse(1)
    else:
        full.amend(tags=("x",))
        full.reverse(1)

    assert full.balance().active == (0 if mend == "adjust" else 4)
    full.pay("o-1", line(10_000))
    assert_proved(full)


def test_what_somebody_tells_is_refused_where_it_cannot_be_counted(full):
    with pytest.raises(PointsBeyondCount):
        full.pay("o-1", line(100))


@pytest.mark.parametrize("room", [0, 20, 50])
@pytest.mark.parametrize("on_return", ["kept", "taken_back"])
def test_a_gift_is_cut_to_what_can_be_counted_and_taken_back_as_it_was_given(db, room, on_return):
    shop = Shop(db, tiers(on_return="at_once", gifts_on_return=on_return))
    shop.enrol("m-1")
    shop.adjust(MOST_POINTS - room)
    shop.adjust(500, wallet="growth", earned=True)

    assert changes(shop) == [("promoted", None, "silver")]
    assert gifts(shop) == ([room] if room else [])
    ((_, payload),) = events(db, "tier.promoted")
    gift = orjson.loads(payload)["gift"]
    assert (gift and gift["points"]) == (room or None)
    assert_proved(shop)
    shop.reverse(1, wallet="growth")
    assert changes(shop)[-1][0] == "undone"
    assert shop.balance().active == MOST_POINTS - room + (room if on_return == "kept" else 0)
    assert_proved(shop)
