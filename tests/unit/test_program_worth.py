"""What points would buy: whole steps, from the minimum on, never a fraction of a minor unit."""

from fractions import Fraction

import pytest

from loyalty_service.program.rules.program import Redemption

WORTH = Redemption(
    block_points=100,
    block_value_minor=100,
    minimum_points=500,
    step_points=50,
    max_share=Fraction(1),
)


@pytest.mark.parametrize(
    ("points", "minor"),
    [(499, 0), (500, 500), (549, 500), (550, 550), (1234, 1200), (0, 0), (-700, 0)],
)
def test_points_are_worth_whole_steps_from_the_minimum_on(points: int, minor: int) -> None:
    assert WORTH.worth_minor(points) == minor


def test_a_part_of_a_minor_unit_is_worth_nothing() -> None:
    coarse = Redemption(300, 100, 1, 1, Fraction(1))

    assert coarse.worth_minor(2) == 0
    assert coarse.worth_minor(299) == 99
