"""Which rules apply to an order or event, and what each would give by itself."""

from collections.abc import Mapping, Sequence

from loyalty_service.earning.rules.conditions import (
    NOTHING,
    Scene,
    Selection,
    is_met,
    select,
    why_none_selected,
    why_not_met,
)
from loyalty_service.earning.rules.facts import Line, Refused
from loyalty_service.earning.rules.plan import Plan, PlannedRule
from loyalty_service.earning.rules.points import (
    Factors,
    Held,
    Matched,
    combine_factors,
    exact_points,
    multiply,
)
from loyalty_service.earning.rules.spread import round_ratio
from loyalty_service.kit.frozen import frozen
from loyalty_service.program.rules.conditions import Condition
from loyalty_service.program.rules.earning import ORDER

Picked = Mapping[int, Sequence[Line]]
"""A condition on lines (by ``id``) -> the lines of the basis that answer to it."""


@frozen
class Occasion:
    """One order or event, ready to be asked by every rule of its trigger.

    Attributes:
        basis: the lines that can earn; empty for an event.
        picked: of them, the lines that each condition on lines picks.
        streak: the day of a check-in streak, from 1; 0 where there is none.
        factors: by wallet, where a multiplier holds.
    """

    plan: Plan
    trigger: str
    scene: Scene
    basis: Selection
    picked: Picked
    streak: int
    factors: dict[str, Factors]


def match_rules(occasion: Occasion) -> list[Matched | Refused]:
    """Ask every rule of the trigger, the first to count first.

    Rule: R-20, R-21.
    """
    rules = occasion.plan.rules.get(occasion.trigger, ())
    return [_match(occasion, planned) for planned in rules]


def pick_lines(plan: Plan, lines: Sequence[Line]) -> Picked:
    """Which of the lines that can earn each condition picks; one that picks none is left out.

    Rule: R-20, R-21.
    """
    picked: dict[int, list[Line]] = {}
    for line in lines:
        for condition in plan.picks(line.sku, line.category, line.brand):
            picked.setdefault(condition, []).append(line)
    return picked


def factors_by_wallet(
    plan: Plan, scene: Scene, basis: Selection, picked: Picked
) -> dict[str, Factors]:
    """What the lines of an order are multiplied by, in each wallet where a multiplier holds.

    Rule: R-22.
    """
    held: dict[str, list[Held]] = {}
    for multiplier in plan.multipliers:
        lines, when = multiplier.lines, multiplier.when
        selection = basis if lines is None else _narrow(lines, basis, picked)
        if not selection.lines or (when is not None and not is_met(when, scene, selection)):
            continue
        one = Held(multiplier, frozenset([line.line_no for line in selection.lines]))
        for wallet in multiplier.wallets:
            held.setdefault(wallet, []).append(one)
    combine = plan.program.earning.multipliers_combine
    return {wallet: combine_factors(some, basis.lines, combine) for wallet, some in held.items()}


def _match(occasion: Occasion, planned: PlannedRule) -> Matched | Refused:
    rule, basis, scene = planned.rule, occasion.basis, occasion.scene
    lines, when = rule.lines, rule.when
    selection = basis if lines is None else _narrow(lines, basis, occasion.picked)
    if not selection.lines and occasion.trigger == ORDER:
        return _without_lines(planned, basis)
    if when is not None and not is_met(when, scene, selection):
        return why_not_met(planned.id, when, scene, selection)
    exact = exact_points(rule.give, selection, occasion.streak)
    factors = None if rule.plain else occasion.factors.get(rule.wallet)
    multiplied = exact if factors is None else multiply(exact, planned, selection, factors)
    points = round_ratio(*multiplied, occasion.plan.program.rounding)
    return Matched(planned, selection, factors, exact, multiplied, points)


def _narrow(lines: Condition, basis: Selection, picked: Picked) -> Selection:
    some = picked.get(id(lines))
    if some is None:
        return NOTHING
    return basis if len(some) == len(basis.lines) else select(some)


def _without_lines(planned: PlannedRule, basis: Selection) -> Refused:
    if planned.rule.lines is None or not basis.lines:
        return Refused(planned.id, "no_basis", 1, 0)
    return why_none_selected(planned.id, planned.rule.lines, basis.lines)
