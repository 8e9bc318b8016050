"""What an order brings to the sums that tiers are judged by (R-50)."""

from collections.abc import Iterable, Mapping, Sequence

from loyalty_service.checkout.rules.returns import OrderLine, is_fully_returned, so_far
from loyalty_service.earning.rules.facts import Line
from loyalty_service.earning.rules.openings import Act, active_from
from loyalty_service.earning.rules.plan import plan_for
from loyalty_service.members.rules import ORDERS, SPEND, Total, earned_metric
from loyalty_service.program.rules.periods import local_date
from loyalty_service.program.rules.program import Program


def bring_to_tiers(
    program: Program, sold: Iterable[Line], lines: Sequence[OrderLine], act: Act
) -> dict[Total, int]:
    """What a paid order counts for, by metric and local day, less what of it has come back.

    Args:
        program: the version the order was placed by.
        sold: the order's lines as they were bought; ``lines``: as they stand.

    Rule: R-50.
    """
    kinds = plan_for(program).kinds
    by_no = {line.line_no: line for line in lines}
    earning = [by_no[one.line_no] for one in sold if one.kind in kinds]
    spend_minor = sum([line.paid_minor - line.returned_minor for line in earning])
    is_live = not is_fully_returned(lines)
    return counts_of(program, act, spend_minor, left_by_rule(lines), is_live=is_live)


def counts_of(
    program: Program, act: Act, spend_minor: int, left: Mapping[str, int], *, is_live: bool = True
) -> dict[Total, int]:
    """What a paid order counts for, by metric and local day, by what stands of it.

    Money paid for what earns, and the order itself, count on the day of its payment; points on the
    day they come alive. What waits for the fulfilment counts for nothing yet.

    Args:
        spend_minor: money paid for what earns, minor units.
        left: rule -> whole points it gave.
        is_live: whether not all of its lines have come back.

    Rule: R-50.
    """
    plan, day = plan_for(program), local_date(act.occurred_at, program.zone)
    counts: dict[Total, int] = {}
    if spend_minor:
        counts[SPEND, day] = spend_minor
    if is_live:
        counts[ORDERS, day] = 1
    for rule_id, points in left.items():
        begins = active_from(program, rule_id, act)
        if points and begins is not None:
            metric = earned_metric(plan.by_id[rule_id].wallet)
            key = metric, local_date(begins, program.zone)
            counts[key] = counts.get(key, 0) + points
    return counts


def left_by_rule(lines: Iterable[OrderLine]) -> dict[str, int]:
    """What each rule still gives for these lines, whole points (R-40)."""
    left: dict[str, int] = {}
    for line in lines:
        has_come_back = bool(line.returned)
        for rules in line.shares.values():
            for rule_id, share in rules.items():
                back = so_far(share, line.returned) if has_come_back else 0
                left[rule_id] = left.get(rule_id, 0) + share - back
    return left


def difference(before: Mapping[Total, int], after: Mapping[Total, int]) -> dict[Total, int]:
    """How much more, or fewer, is counted after than before; what stayed is left out."""
    moved = {key: after.get(key, 0) - before.get(key, 0) for key in (*before, *after)}
    return {key: amount for key, amount in moved.items() if amount}
