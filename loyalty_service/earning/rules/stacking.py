"""Which of the rules that apply count: exclusive rules first, then the groups."""

from collections.abc import Sequence

from loyalty_service.earning.rules.plan import Rivals
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
    alone, winners = _alone(matched), _winners(matched)
    if not alone and not winners:
        return {}
    losses = {}
    for one in matched:
        planned = one.planned
        if planned.wallet in alone:
            reason, by = "excluded", alone[planned.wallet]
        else:
            reason, by = "beaten", winners.get(planned.rivals, planned.id)
        if by != planned.id:
            losses[planned.id] = Loss(reason, by)
    return losses


def _alone(matched: Sequence[Matched]) -> dict[str, str]:
    alone: dict[str, str] = {}
    for one in matched:
        if one.planned.rule.exclusive:
            alone.setdefault(one.planned.wallet, one.planned.id)
    return alone


def _winners(matched: Sequence[Matched]) -> dict[Rivals | None, str]:
    first: dict[Rivals | None, Matched] = {}
    for one in matched:
        rivals = one.planned.rivals
        if rivals is None:
            continue
        leader = first.setdefault(rivals, one)
        if one.points > leader.points and one.planned.combine is Combine.BEST:
            first[rivals] = one
    return {rivals: one.planned.id for rivals, one in first.items()}
