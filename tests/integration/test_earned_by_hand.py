"""Tiers count what an operator calls earned, and nothing that was reversed (R-50)."""

import pytest

from tests.factories import Shop, line
from tests.integration.test_tiers import DAY, changes, proved, tier
from tests.integration.test_tiers_in_time import tiers

EVENTFUL = tiers().replace(
    "returns:",
    """\
    - {id: review, name: {en: Review, zh: 评价}, wallet: growth, group: base, on: review,
       give: {fixed: 500}}
returns:""",
    1,
)


def totals(shop: Shop) -> list[tuple]:
    return shop.db.fetch(
        "SELECT metric, sum(amount) FROM member_total WHERE metric LIKE 'earned:%' "
        "GROUP BY metric HAVING sum(amount) <> 0"
    )


@pytest.fixture
def shop(db) -> Shop:
    shop = Shop(db, EVENTFUL)
    shop.enrol("m-1")
    return shop


def test_points_given_by_hand_promote_only_where_they_are_called_earned(shop):
    shop.adjust(500, wallet="growth")
    assert tier(shop) is None

    shop.adjust(500, wallet="growth", earned=True)

    assert tier(shop) == "silver"
    assert totals(shop) == [("earned:growth", 500)]
    assert proved(shop)


def test_what_an_operator_reverses_counts_no_more_on_its_own_day(shop, clock):
    shop.adjust(300, wallet="growth")
    entry = shop.adjust(500, wallet="growth", earned=True)["entry"]
    clock.advance(3 * DAY)

    shop.reverse(entry, wallet="growth")

    assert totals(shop) == []
    assert proved(shop)


def test_an_event_that_is_reversed_was_not_earned(db, clock):
    shop = Shop(db, EVENTFUL.replace("\n  levels:", "\n  on_return: at_once\n  levels:", 1))
    shop.enrol("m-1")
    shop.tell("review")
    assert tier(shop) == "silver"
    clock.advance(3 * DAY)

    shop.reverse(1, wallet="growth")

    assert totals(shop) == []
    assert changes(shop)[-1][0] == "undone"
    assert proved(shop)


def test_orders_count_beside_what_is_given_by_hand(shop):
    shop.adjust(400, wallet="growth", earned=True)

    shop.pay("o-1", line(10_000))

    assert tier(shop) == "silver"
