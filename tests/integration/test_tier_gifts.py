"""Gifts come once for each tier and term, whatever is returned and bought again (R-52, R-54)."""

from datetime import timedelta

import pytest

from tests.factories import Shop, line
from tests.integration.test_tiers import catch_up, changes, proved, tier
from tests.integration.test_tiers_in_time import KEEP, tiers


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
