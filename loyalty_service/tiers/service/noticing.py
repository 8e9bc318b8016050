"""Members are told when the next tier is near."""

from collections.abc import Mapping
from datetime import datetime

from loyalty_service.ledger.service import Books
from loyalty_service.members.rules import Member, Total
from loyalty_service.program.rules.periods import local_date
from loyalty_service.tiers.rules.moving import Judge
from loyalty_service.tiers.rules.qualifying import window_told
from loyalty_service.tiers.rules.standing import progress_to_next, step_crossed
from loyalty_service.tiers.service.moving import judge

NEAR = "standing.near_next"


def notice(
    books: Books, member: Member, after: Judge, at: datetime, came: Mapping[Total, int]
) -> None:
    """Tell a member whom what has come lifts over a step on the way to the next tier.

    A crossing is seen from what has come alone: so it is told once, and whatever took the member
    down before (a return, a window that moved on) has armed the step again.

    Args:
        after: the member as the books have them, before tiers of which some step is told.
        came: what was counted since this was asked last, in the books already.

    Rule: R-56.
    """
    tiers, program = after.tiers, after.program
    now = progress_to_next(after, member.standing, at)
    if now is None or now.percent < tiers.notify_at[0]:
        return
    before = judge(books, member, program, at, {key: -amount for key, amount in came.items()})
    was = None if before is None else progress_to_next(before, member.standing, at)
    step = None if was is None else step_crossed(tiers, was.percent, now.percent)
    if step is not None:
        held = tiers.levels[now.index - 1].id
        payload = {"tier": held, "next": tiers.levels[now.index].id, "percent": step}
        window = after.window_on(local_date(at, program.zone))
        counted = {"match": now.asked.match.value, "window": window_told(*window)}
        member.tell(NEAR, at, {**payload, **counted, "asked": now.told()})
