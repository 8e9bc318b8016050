"""Which rules apply to an order or event, and what each would give by itself."""

from collections.abc import Sequence

from loyalty_service.earning.rules.conditions import (
    Scene,
    Selection,
    is_met,
    select,
    why_none_selected,
    why_not_met,
)
from loyalty_service.earning.rules.facts import Refused
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

Answers = Sequence[frozenset[int]]


@frozen
class Occasion:
    """One order or event, ready to be asked by every rule of its trigger.

    Attributes:
        basis: the lines that can earn; empty for an event.
        answers: for each of them, the conditions on lines (by ``id``) that it answers to.
        streak: the day of a check-in streak, from 1; 0 where there is none.
        factors: by wallet, where a multiplier holds.
    """

    plan: Plan
    trigger: str
    scene: Scene
    basis: Selection
    answers: Answers
    streak: int
    factors: dict[str, Factors]


def match_rules(occasion: Occasion) -> list[Matched | Refused]:
    """Ask every rule of the trigger, the first to count first.

    Rule: R-20, R-21.
    """
    rules = occasion.plan.rules.get(occasion.trigger, ())
    return [_match(occasion, planned) for planned in rules]


def factors_by_wallet(
    plan: Plan, scene: Scene, basis: Selection, answers: Answers
) -> dict[str, Factors]:
    """What the lines of an order are multiplied by, in each wallet where a multiplier holds.

    Rule: R-22.
    """
    held: dict[str, list[Held]] = {}
    for multiplier in plan.multipliers:
        selection = _narrow(multiplier.lines, basis, answers)
        when = multiplier.when
        if not selection.lines or (when is not None and not is_met(when, scene, selection)):
            continue
        one = Held(multiplier, frozenset([line.line_no for line in selection.lines]))
        for wallet in multiplier.wallets:
            held.setdefault(wallet, []).append(one)
    combine = plan.program.earning.multipliers_combine
    return {wallet: combine_factors(some, basis.lines, combine) for wallet, some in held.items()}


def _match(occasion: Occasion, planned: PlannedRule) -> Matched | Refused:
    rule = planned.rule
    selection = _narrow(rule.lines, occasion.basis, occasion.answers)
    if occasion.trigger == ORDER and not selection.lines:
        return _without_lines(planned, occasion.basis)
    if rule.when is not None and not is_met(rule.when, occasion.scene, selection):
        verdict = why_not_met(rule.when, occasion.scene, selection)
        return Refused(rule.id, verdict.condition, verdict.asked, verdict.saw)
    exact = exact_points(rule.give, selection, occasion.streak)
    factors = None if rule.plain else occasion.factors.get(rule.wallet)
    multiplied = exact if factors is None else multiply(exact, planned, selection, factors)
    points = round_ratio(*multiplied, occasion.plan.program.rounding)
    return Matched(planned, selection, factors, exact, multiplied, points)


def _narrow(lines: Condition | None, basis: Selection, answers: Answers) -> Selection:
    if lines is None:
        return basis
    wanted = id(lines)
    picked = [line for line, to in zip(basis.lines, answers, strict=True) if wanted in to]
    return basis if len(picked) == len(basis.lines) else select(picked)


def _without_lines(planned: PlannedRule, basis: Selection) -> Refused:
    if planned.rule.lines is None or not basis.lines:
        return Refused(planned.id, "no_basis", 1, 0)
    verdict = why_none_selected(planned.rule.lines, basis.lines)
    return Refused(planned.id, verdict.condition, verdict.asked, verdict.saw)
