"""Which of the rules that apply count: exclusive rules first, then the groups."""

from collections.abc import Sequence

from loyalty_service.earning.rules.points import Matched
from loyalty_service.kit.frozen import frozen
from loyalty_service.program.rules.earning import Combine


@frozen
class Loss:
    """A rule that applies and does not count; ``reason`` is ``beaten`` or ``excluded``."""

    reason: str
    by: str


def stack(matched: Sequence[Matched]) -> dict[str, Loss]:
    """Say which rules do not count, by rule id, and which rule stands in their way.

    Args:
        matched: every rule that applies, the first to count first.

    Rule: R-22.
    """
    alone = _alone(matched)
    if not alone and all(one.planned.combine is Combine.SUM for one in matched):
        return {}
    winners = _winners([one for one in matched if one.planned.wallet not in alone])
    losses = {}
    for one in matched:
        planned = one.planned
        if planned.wallet in alone:
            reason, by = "excluded", alone[planned.wallet]
        else:
            reason, by = "beaten", winners.get(_group_of(one), planned.id)
        if by != planned.id:
            losses[planned.id] = Loss(reason, by)
    return losses


def _alone(matched: Sequence[Matched]) -> dict[str, str]:
    alone: dict[str, str] = {}
    for one in matched:
        if one.planned.rule.exclusive:
            alone.setdefault(one.planned.wallet, one.planned.id)
    return alone


def _winners(matched: Sequence[Matched]) -> dict[tuple[str, str], str]:
    first: dict[tuple[str, str], Matched] = {}
    for one in matched:
        if one.planned.combine is Combine.SUM:
            continue
        leader = first.setdefault(_group_of(one), one)
        if one.planned.combine is Combine.BEST and one.points > leader.points:
            first[_group_of(one)] = one
    return {group: one.planned.id for group, one in first.items()}


def _group_of(one: Matched) -> tuple[str, str]:
    return one.planned.wallet, one.planned.rule.group
