"""Orders move the sums that tiers are judged by."""

from collections.abc import Sequence
from datetime import datetime

from loyalty_service.checkout.queries import OrderRecord
from loyalty_service.checkout.rules.counting import bring_to_tiers, difference
from loyalty_service.checkout.rules.returns import OrderLine
from loyalty_service.checkout.service.work import Work
from loyalty_service.earning.rules.openings import Act
from loyalty_service.members.rules import Member
from loyalty_service.program.rules.program import Program


def act_of(order: OrderRecord, fulfilled_at: datetime | None) -> Act:
    """The payment of an order, as its points see it."""
    assert order.paid_at is not None
    fulfilled = fulfilled_at and max(fulfilled_at, order.paid_at)
    return Act(order.paid_at, fulfilled, order.order_no)


def recount(
    work: Work,
    member: Member,
    order: OrderRecord,
    program: Program,
    *,
    after: Sequence[OrderLine] | None = None,
    fulfilled_at: datetime | None = None,
) -> None:
    """Count what a return or a fulfilment changes of what a paid order counts for.

    Args:
        after: the lines once a return is taken.
        fulfilled_at: when the goods arrived, where that is what is told.

    Rule: R-50.
    """
    if order.paid_at is None:
        return
    was = bring_to_tiers(program, order.sold, order.lines, act_of(order, order.fulfilled_at))
    act = act_of(order, fulfilled_at or order.fulfilled_at)
    now = bring_to_tiers(program, order.sold, order.lines if after is None else after, act)
    work.books.totals.add(member.member_id, difference(was, now))
