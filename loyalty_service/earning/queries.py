"""What a member's calendar limits have used up: sums by rule and local day."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date

from loyalty_service.earning.rules.facts import Earned
from loyalty_service.earning.rules.plan import plan_for
from loyalty_service.kit.db import Transaction
from loyalty_service.program.rules.earning import Cap, CapPeriod, CapUnit
from loyalty_service.program.rules.periods import period_bounds
from loyalty_service.program.rules.program import Program

_READ = """
SELECT member_id, metric, day, amount FROM member_total
 WHERE member_id = ANY(%s) AND metric = ANY(%s) AND day BETWEEN %s AND %s
"""

Total = tuple[str, date]
"""A metric on a local day."""


@dataclass(slots=True)
class Totals:
    """Points and times by member, rule and local day, moving as the operation decides.

    Args:
        amounts: by member, what was read and has been added since.
        added: by member, what has been added since, to be written.
    """

    amounts: dict[int, dict[Total, int]] = field(default_factory=dict)
    added: dict[int, dict[Total, int]] = field(default_factory=dict)

    def add(self, member_id: int, metric: str, day: date, amount: int) -> None:
        """Count ``amount`` more (or fewer, negative) on that day."""
        for totals in (self.amounts, self.added):
            of_member = totals.setdefault(member_id, {})
            of_member[metric, day] = of_member.get((metric, day), 0) + amount

    def used(self, program: Program, member_id: int, trigger: str, day: date) -> dict[str, int]:
        """How much of each calendar cap the member has used in the period around ``day``.

        Args:
            trigger: only caps of its rules; ``order`` or an event's name.

        Rule: R-23.
        """
        caps = plan_for(program).calendar.get(trigger, ())
        return {cap.id: self._used(cap, member_id, day) for cap in caps}

    def _used(self, cap: Cap, member_id: int, day: date) -> int:
        first, last = period_bounds(cap.period or CapPeriod.EVER, day)
        metrics = set(_metrics_of(cap))
        return sum(
            amount
            for (name, on), amount in self.amounts.get(member_id, {}).items()
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


def read_totals(
    tx: Transaction, member_ids: Collection[int], wanted: Collection[tuple[Program, str, date]]
) -> Totals:
    """Read what the calendar caps of these acts need.

    Args:
        wanted: for each act, its program, its trigger (``order`` or an event's name) and its
            local day. Without a calendar cap for the trigger nothing is asked of the database.
    """
    metrics: set[str] = set()
    first, last = date.max, date.min
    for program, trigger, day in wanted:
        for cap in plan_for(program).calendar.get(trigger, ()):
            metrics.update(_metrics_of(cap))
            begins, ends = period_bounds(cap.period or CapPeriod.EVER, day)
            first, last = min(first, begins), max(last, ends)
    if not metrics:
        return Totals()
    rows = tx.fetch(_READ, (list(member_ids), sorted(metrics), first, last))
    totals = Totals()
    for member_id, name, day, amount in rows:
        totals.amounts.setdefault(member_id, {})[name, day] = amount
    return totals


def count(totals: Totals, program: Program, member_id: int, day: date, earned: Earned) -> None:
    """Count what an act gave against the calendar caps of its day.

    Rule: R-23.
    """
    capped = capped_rules(program)
    for given in earned.by_rule:
        if given.rule.id in capped:
            totals.add(member_id, metric(CapUnit.POINTS, given.rule.id), day, given.points)
            totals.add(member_id, metric(CapUnit.TIMES, given.rule.id), day, 1)
