"""Points as money: how many are allowed, which limit bound them, what they pay of each line."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_service.checkout.rules.spending import (
    Limit,
    PointsNotAllowed,
    allow_points,
    require_exactly,
    share_out,
)
from loyalty_service.earning.rules.facts import Line, LineKind
from loyalty_service.ledger.rules.lots import InsufficientPoints
from loyalty_service.members.rules import RedemptionLocked
from loyalty_service.program.rules.program import Redemption

HALF = Redemption(100, 100, 500, 100, Fraction(1, 2), "points")
PLENTY = 10**9


def goods(*minor, kind=LineKind.GOODS, first=1):
    return [Line(n, kind, "A", None, None, 1, cost) for n, cost in enumerate(minor, first)]


def allow(asked, available=PLENTY, lines=None, redemption=HALF, is_locked=False):
    cart = goods(100_000) if lines is None else lines
    return allow_points(redemption, cart, asked, available, is_locked=is_locked)


@pytest.mark.parametrize(
    ("asked", "available", "points", "bound_by"),
    [
        (0, PLENTY, 0, None),
        (500, PLENTY, 500, None),
        (50_000, PLENTY, 50_000, None),
        (50_100, PLENTY, 50_000, Limit.MAX_SHARE),
        (900, 700, 700, Limit.AVAILABLE),
        (900, 799, 700, Limit.AVAILABLE),
        (900, 499, 0, Limit.AVAILABLE),
        (50_100, 50_000, 50_000, Limit.AVAILABLE),
        (950, PLENTY, 900, Limit.STEP),
        (450, PLENTY, 0, Limit.MINIMUM),
        (400, PLENTY, 0, Limit.MINIMUM),
    ],
)
def test_the_limit_that_binds_is_named(asked, available, points, bound_by):
    allowed = allow(asked, available)

    assert (allowed.points, allowed.bound_by) == (points, bound_by)


def test_every_limit_is_told():
    assert allow(900, 700).limits == {
        Limit.AVAILABLE: 700,
        Limit.MAX_SHARE: 50_000,
        Limit.STEP: 100,
        Limit.MINIMUM: 500,
    }


def test_what_share_points_may_pay_is_rounded_down_and_only_once():
    third = Redemption(7, 3, 1, 1, Fraction(1, 3), "points")

    # 101 / 3 * 7 / 3 = 78.56
    assert allow(0, lines=goods(101), redemption=third).limits[Limit.MAX_SHARE] == 78


def test_locked_points_buy_nothing_and_asking_for_none_is_no_matter():
    assert (allow(900, is_locked=True).points, allow(900, is_locked=True).bound_by) == (
        0,
        Limit.LOCKED,
    )
    assert allow(0, is_locked=True).bound_by is None


def test_without_a_worth_points_buy_nothing():
    assert allow(900, redemption=None).bound_by is Limit.NO_REDEMPTION
    assert allow(0, redemption=None).bound_by is None


def test_shipping_and_tax_are_paid_by_points_only_where_the_program_says_so():
    cart = [
        *goods(1_000),
        *goods(1_000, kind=LineKind.SHIPPING, first=2),
        *goods(1_000, kind=LineKind.TAX, first=3),
    ]
    only_goods = Redemption(100, 100, 100, 100, Fraction(1), "points")
    all_of_it = Redemption(100, 100, 100, 100, Fraction(1), "points", shipping=True, tax=True)

    assert allow(5_000, lines=cart, redemption=only_goods).points == 1_000
    assert allow(5_000, lines=cart, redemption=all_of_it).points == 3_000
    assert [share.points for share in share_out(only_goods, cart, 1_000)] == [1_000, 0, 0]


@pytest.mark.parametrize(
    ("allowed", "refusal", "values"),
    [
        (allow(900, 700), InsufficientPoints, {"asked": 900, "available": 700}),
        (allow(900, is_locked=True), RedemptionLocked, {"asked": 900}),
        (allow(950), PointsNotAllowed, {"asked": 950, "allowed": 900, "limit": "step"}),
        (allow(400), PointsNotAllowed, {"asked": 400, "allowed": 0, "limit": "minimum"}),
        (allow(50_100), PointsNotAllowed, {"allowed": 50_000, "limit": "max_share"}),
        (allow(9, redemption=None), PointsNotAllowed, {"limit": "no_redemption", "limits": {}}),
    ],
)
def test_points_that_are_not_allowed_as_named_are_refused_with_the_limit(allowed, refusal, values):
    with pytest.raises(refusal) as refused:
        require_exactly(allowed)

    assert refused.value.path == "points"
    assert values.items() <= refused.value.values.items()


def test_a_step_that_leaves_less_than_the_minimum_is_what_binds():
    uneven = Redemption(100, 100, 250, 100, Fraction(1), "points")

    allowed = allow(250, redemption=uneven)

    assert (allowed.points, allowed.bound_by) == (0, Limit.STEP)
    assert allow(249, redemption=uneven).bound_by is Limit.MINIMUM


def test_points_that_are_allowed_pass():
    allowed = allow(900)

    require_exactly(allowed)
    assert allowed.points == allowed.asked == 900


AMOUNTS = st.lists(st.integers(0, 10**7), min_size=1, max_size=6)
REDEMPTIONS = st.builds(
    Redemption,
    block_points=st.integers(1, 1_000),
    block_value_minor=st.integers(1, 1_000),
    minimum_points=st.integers(1, 500),
    step_points=st.integers(1, 300),
    max_share=st.fractions(min_value=Fraction(1, 100), max_value=1, max_denominator=100),
    wallet=st.just("points"),
)


@given(REDEMPTIONS, AMOUNTS, st.integers(0, 10**7), st.integers(0, 10**7))
def test_what_is_allowed_obeys_every_limit_and_pays_no_more_than_a_line_costs(
    redemption, amounts, asked, available
):
    cart = goods(*amounts)

    allowed = allow(asked, available, cart, redemption)
    shares = share_out(redemption, cart, allowed.points)

    points, worth = allowed.points, redemption.worth_minor(allowed.points)
    assert points <= min(asked, available)
    assert points % redemption.step_points == 0
    assert points == 0 or points >= redemption.minimum_points
    assert worth <= redemption.max_share * sum(amounts)
    assert sum(share.points for share in shares) == points
    assert sum(share.worth_minor for share in shares) == worth
    assert all(
        share.worth_minor <= line.paid_minor for share, line in zip(shares, cart, strict=True)
    )
    # One step more would break a limit.
    more = points + redemption.step_points
    too_many = more > min(asked, available)
    too_much = more * redemption.block_value_minor > (
        redemption.max_share * sum(amounts) * redemption.block_points
    )
    assert too_many or too_much or more < redemption.minimum_points
