"""What a member's calendar limits have used up."""

from collections.abc import Iterable
from datetime import date

from loyalty_service.earning.rules.facts import Earned
from loyalty_service.earning.rules.plan import plan_for
from loyalty_service.members.rules import Totals, Wanted, cuts_around
from loyalty_service.program.rules.earning import Cap, CapPeriod, CapUnit
from loyalty_service.program.rules.periods import period_bounds
from loyalty_service.program.rules.program import Program

Used = dict[str, int]
"""Cap -> points or times that it has used up in its period."""


def used(totals: Totals, program: Program, member_id: int, trigger: str, day: date) -> Used:
    """How much of each calendar cap the member has used in the period around ``day``.

    Args:
        trigger: only caps of its rules; ``order`` or an event's name.

    Rule: R-23.
    """
    caps = plan_for(program).calendar.get(trigger, ())
    return {cap.id: _used(totals, cap, member_id, day) for cap in caps}


def _used(totals: Totals, cap: Cap, member_id: int, day: date) -> int:
    first, last = period_bounds(cap.period or CapPeriod.EVER, day)
    metrics = set(_metrics_of(cap))
    return sum(
        amount
        for (name, on), amount in totals.amounts.get(member_id, {}).items()
        if name in metrics and first <= on <= last
    )


def _metrics_of(cap: Cap) -> list[str]:
    return [metric(cap.unit, rule_id) for rule_id in cap.covers]


def metric(unit: CapUnit, rule_id: str) -> str:
    """The name under which a rule's points or times are summed."""
    return f"{unit.value}:{rule_id}"


def capped_rules(program: Program) -> frozenset[str]:
    """The rules that some calendar cap covers; only these are counted."""
    return plan_for(program).counted


def wanted_by_caps(acts: Iterable[tuple[Program, str, date]]) -> Wanted | None:
    """What the calendar caps of these acts need of the members' sums; None for nothing.

    Args:
        acts: for each act, its program, its trigger (``order`` or an event's name) and its local
            day.

    Rule: R-23.
    """
    metrics: set[str] = set()
    bounds = set()
    for program, trigger, day in acts:
        for cap in plan_for(program).calendar.get(trigger, ()):
            metrics.update(_metrics_of(cap))
            bounds.add(period_bounds(cap.period or CapPeriod.EVER, day))
    if not metrics:
        return None
    first, last = min(begins for begins, _ in bounds), max(ends for _, ends in bounds)
    return Wanted(frozenset(metrics), first, last, cuts_around(bounds))


def count(totals: Totals, program: Program, member_id: int, day: date, earned: Earned) -> None:
    """Count what an act gave against the calendar caps of its day.

    Rule: R-23.
    """
    capped, counts = capped_rules(program), {}
    for given in earned.by_rule:
        if given.rule.id in capped:
            counts[metric(CapUnit.POINTS, given.rule.id), day] = given.points
            counts[metric(CapUnit.TIMES, given.rule.id), day] = 1
    totals.add(member_id, counts)
