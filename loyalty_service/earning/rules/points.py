"""What a rule gives before stacking: exact points, multiplied line by line, rounded once."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from loyalty_service.earning.rules.conditions import Selection
from loyalty_service.earning.rules.facts import Line, weights_of
from loyalty_service.earning.rules.plan import PlannedRule
from loyalty_service.kit.frozen import frozen
from loyalty_service.program.rules.earning import (
    Fixed,
    Give,
    Multiplier,
    MultipliersCombine,
    PerUnit,
    Rate,
    Step,
)

Ratio = tuple[int, int]


@frozen
class Held:
    """A multiplier whose conditions hold, and the numbers of the lines it acts on."""

    multiplier: Multiplier
    line_nos: frozenset[int]


@frozen
class Factors:
    """What every basis line is multiplied by in one wallet: ``by_line / denominator``."""

    by_line: Mapping[int, int]
    denominator: int
    held: tuple[Held, ...]


@frozen
class Matched:
    """A rule that applies: what it looked at, exact points before and after, and rounded."""

    planned: PlannedRule
    selection: Selection
    factors: Factors | None
    exact: Ratio
    multiplied: Ratio
    points: int


class _Combination(Protocol):
    def __call__(self, by_line: dict[int, int], held: Sequence[Held]) -> int: ...


def exact_points(give: Give, selection: Selection, streak: int) -> Ratio:
    """Exact points of a rule before any factor, as numerator and denominator.

    Args:
        streak: the day of a check-in streak, from 1; 0 where there is none.

    Rule: R-21.
    """
    match give:
        case Rate():
            per = give.points.denominator * give.per_minor
            return give.points.numerator * selection.value_minor, per
        case Step():
            return give.points * (selection.value_minor // give.per_minor), 1
        case Fixed():
            return give.points, 1
        case PerUnit():
            return give.points.numerator * selection.units, give.points.denominator
    return (give.points[min(streak, len(give.points)) - 1] if streak > 0 else 0), 1


def combine_factors(
    held: Sequence[Held], lines: Sequence[Line], combine: MultipliersCombine
) -> Factors:
    """What the multipliers that hold make of every basis line.

    Multiplied, 2 and 1.5 give 3; added, they give 2.5.

    Rule: R-22.
    """
    by_line = {line.line_no: 1 for line in lines}
    denominator = _COMBINATIONS[combine](by_line, held)
    return Factors(by_line, denominator, tuple(held))


def multiply(exact: Ratio, planned: PlannedRule, selection: Selection, factors: Factors) -> Ratio:
    """Split exact points over the lines by their weight, and take each part times its factor.

    Rule: R-02, R-22.
    """
    numerator, denominator = exact
    if not numerator:
        return exact
    weights = weights_of(planned.rule.give, selection.lines)
    by_line = factors.by_line
    parts = [w * by_line[line.line_no] for w, line in zip(weights, selection.lines, strict=True)]
    return numerator * sum(parts), denominator * sum(weights) * factors.denominator


def _product(by_line: dict[int, int], held: Sequence[Held]) -> int:
    """Turn every 1 of ``by_line`` into the numerator of its factor; the denominator is common."""
    common = 1
    for one in held:
        factor = one.multiplier.factor
        for line_no in by_line:
            touched = line_no in one.line_nos
            by_line[line_no] *= factor.numerator if touched else factor.denominator
        common *= factor.denominator
    return common


def _sum(by_line: dict[int, int], held: Sequence[Held]) -> int:
    common = 1
    for one in held:
        factor = one.multiplier.factor
        more = (factor.numerator - factor.denominator) * common
        for line_no in by_line:
            by_line[line_no] *= factor.denominator
            by_line[line_no] += more if line_no in one.line_nos else 0
        common *= factor.denominator
    for line_no, numerator in by_line.items():
        # Two factors below a half add up to less than nothing; an order never costs points.
        by_line[line_no] = max(numerator, 0)
    return common


_COMBINATIONS: dict[MultipliersCombine, _Combination] = {
    MultipliersCombine.MULTIPLY: _product,
    MultipliersCombine.ADD: _sum,
}
