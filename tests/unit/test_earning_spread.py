from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_service.earning.rules.spread import round_points, round_ratio, spread
from loyalty_service.program.rules.program import Rounding

FLOOR, HALF_UP, HALF_EVEN, CEILING = (
    Rounding.FLOOR,
    Rounding.HALF_UP,
    Rounding.HALF_EVEN,
    Rounding.CEILING,
)
weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=8).filter(sum)
totals = st.integers(0, 10**12)


@pytest.mark.parametrize(
    ("exact", "floor", "half_up", "half_even", "ceiling"),
    [
        ("50.25", 50, 50, 50, 51),
        ("50.5", 50, 51, 50, 51),
        ("51.5", 51, 52, 52, 52),
        ("50.75", 50, 51, 51, 51),
        ("50", 50, 50, 50, 50),
        ("0", 0, 0, 0, 0),
        ("1/3", 0, 0, 0, 1),
    ],
)
def test_every_rounding_decides_as_its_name_says(exact, floor, half_up, half_even, ceiling):
    seen = [round_points(Fraction(exact), how) for how in (FLOOR, HALF_UP, HALF_EVEN, CEILING)]

    assert seen == [floor, half_up, half_even, ceiling]


@given(st.integers(0, 10**9), st.integers(1, 10**4), st.sampled_from(list(Rounding)))
def test_rounding_never_moves_by_a_whole_point(numerator, denominator, rounding):
    rounded = round_ratio(numerator, denominator, rounding)

    assert abs(Fraction(numerator, denominator) - rounded) < 1
    assert rounded == round_points(Fraction(numerator, denominator), rounding)


def test_what_is_left_over_goes_to_the_largest_remainder():
    assert spread(10, [1, 1, 4]) == [2, 2, 6]
    assert spread(10, [5, 3, 1]) == [6, 3, 1]


def test_ties_go_to_the_earlier_line():
    assert spread(23, [1, 1, 1, 1]) == [6, 6, 6, 5]
    assert spread(1, [7, 7]) == [1, 0]


def test_a_line_without_weight_gets_nothing():
    assert spread(5, [0, 3, 0]) == [0, 5, 0]


def test_nothing_is_shared_as_nothing():
    assert spread(0, [0, 0]) == [0, 0]
    assert spread(0, []) == []


@pytest.mark.parametrize(("total", "by"), [(1, [0, 0]), (1, []), (-1, [1]), (3, [5, -1])])
def test_what_cannot_be_shared_is_said_aloud(total, by):
    with pytest.raises(ValueError, match="cannot share"):
        spread(total, by)


@given(totals, weights)
def test_shares_sum_exactly_and_stay_within_one_of_their_part(total, by):
    shares = spread(total, by)

    assert sum(shares) == total
    for share, weight in zip(shares, by, strict=True):
        assert abs(share - Fraction(total * weight, sum(by))) < 1
        assert weight or not share


@given(weights, st.data())
def test_no_share_exceeds_its_line_when_the_whole_does_not(by, data):
    total = data.draw(st.integers(0, sum(by)))

    assert all(share <= weight for share, weight in zip(spread(total, by), by, strict=True))
