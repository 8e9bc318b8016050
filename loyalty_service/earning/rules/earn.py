"""From an order or an event to points: match, stack, cap, share and explain."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

from loyalty_service.earning.rules.caps import Bite, apply_caps
from loyalty_service.earning.rules.conditions import NOTHING, Scene, select
from loyalty_service.earning.rules.explain import Outcome, explain
from loyalty_service.earning.rules.facts import (
    Earned,
    EventFacts,
    OrderFacts,
    Refused,
    RuleEarned,
    Who,
)
from loyalty_service.earning.rules.matching import (
    Occasion,
    factors_by_wallet,
    match_rules,
    pick_lines,
)
from loyalty_service.earning.rules.plan import decimal_text, plan_for
from loyalty_service.earning.rules.points import Matched
from loyalty_service.earning.rules.stacking import stack
from loyalty_service.program.rules.earning import ORDER
from loyalty_service.program.rules.program import Program


def earn_on_order(program: Program, order: OrderFacts, used: Mapping[str, int]) -> Earned:
    """Decide what an order earns, judged at the instant it was placed.

    Args:
        order: its lines net of every discount, in minor units of the program's currency.
        used: points or times already used by this member, by id of a cap per member, in that
            cap's period around the day of the order; what is missing counts as 0.

    Rule: R-02, R-20, R-21, R-22, R-23.
    """
    plan = plan_for(program)
    scene = _scene(program, order.placed_at, order.channel, order.who, is_first=order.is_first)
    basis = select([one for one in order.lines if one.paid_minor > 0 and one.kind in plan.kinds])
    picked = pick_lines(plan, basis.lines)
    factors = factors_by_wallet(plan, scene, basis, picked)
    return _earn(Occasion(plan, ORDER, scene, basis, picked, 0, factors), used)


def earn_on_event(program: Program, event: EventFacts, used: Mapping[str, int]) -> Earned:
    """Decide what an event gives; its points are never multiplied.

    Args:
        event: ``streak`` is the day of a check-in streak, from 1; 0 for other events.
        used: as for an order, around the day of the event.

    Rule: R-21, R-22, R-23, R-28.
    """
    scene = _scene(program, event.occurred_at, event.channel, event.who, is_first=False)
    plan = plan_for(program)
    return _earn(Occasion(plan, event.name, scene, NOTHING, {}, event.streak, {}), used)


def _scene(
    program: Program, at: datetime, channel: str | None, who: Who, *, is_first: bool
) -> Scene:
    local = at.astimezone(program.zone)
    return Scene(at, local.isoweekday(), local.month, channel, is_first, who)


def _earn(occasion: Occasion, used: Mapping[str, int]) -> Earned:
    answers = match_rules(occasion)
    matched = [one for one in answers if isinstance(one, Matched)]
    losses = stack(matched)
    given = {one.planned.id: one.points for one in matched if one.planned.id not in losses}
    left, bites = apply_caps(occasion.plan.caps.get(occasion.trigger, ()), given, used)
    outcome = Outcome(occasion, tuple(matched), losses, left, bites)
    by_rule, refused = [], []
    for one in answers:
        if isinstance(one, Refused):
            refused.append(one)
        elif points := left.get(one.planned.id):
            by_rule.append(RuleEarned(one.planned.rule, points, one.selection.lines))
        else:
            refused.append(_why_nothing(one, outcome))
    return Earned(tuple(by_rule), tuple(refused), partial(explain, outcome))


def _why_nothing(one: Matched, outcome: Outcome) -> Refused:
    """Why a rule that applies gave no points."""
    planned = one.planned
    loss = outcome.losses.get(planned.id)
    if loss is not None:
        asked = {"by": loss.by, "group": planned.rule.group, "combine": planned.combine.value}
        return Refused(planned.id, loss.reason, asked, one.points)
    if not one.points:
        rounding = outcome.occasion.plan.program.rounding.value
        return Refused(planned.id, "rounded_to_zero", rounding, decimal_text(*one.multiplied))
    return _over_cap(planned.id, outcome.bites)


def _over_cap(rule_id: str, bites: Sequence[Bite]) -> Refused:
    bite, cut = next(
        (bite, cut)
        for bite in bites
        for cut in bite.cuts
        if cut.rule_id == rule_id and not cut.after
    )
    asked = {"cap": bite.cap.id, "limit": bite.cap.limit, "room": bite.room}
    return Refused(rule_id, "over_cap", asked, cut.before)
