"""Goods or money came back: take back what the order earned for them, exactly."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from loyalty_service.checkout.queries import OrderRecord
from loyalty_service.checkout.rules.cart import require_currency
from loyalty_service.checkout.rules.counting import left_by_rule
from loyalty_service.checkout.rules.returns import (
    LineReturned,
    NothingLeft,
    OrderLine,
    is_fully_returned,
    return_all,
    return_amount,
    return_units,
    sum_of_points,
    what_came_back,
)
from loyalty_service.checkout.rules.steps import (
    OrderNotPaid,
    Return,
    ReturnDiffers,
    State,
    Step,
    check_after_order,
)
from loyalty_service.checkout.service.counting import recount
from loyalty_service.checkout.service.giving_back import GivenBack, give_back
from loyalty_service.checkout.service.reserving import let_go
from loyalty_service.checkout.service.stepping import ONCE, StepTaken, remember
from loyalty_service.checkout.service.taking_back import TakenFrom, take_back_in
from loyalty_service.checkout.service.telling import money
from loyalty_service.checkout.service.work import NOTHING, Work, state_of
from loyalty_service.earning.queries import capped_rules, metric
from loyalty_service.kit.instants import instant_text
from loyalty_service.ledger.rules.entry import Reason
from loyalty_service.members.rules import Member
from loyalty_service.program.rules.earning import CapUnit
from loyalty_service.program.rules.periods import local_date
from loyalty_service.program.rules.program import Program

REASONS = {
    Step.RETURN: Reason.ORDER_RETURNED,
    Step.CANCELLATION: Reason.ORDER_CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Coming:
    """A return on its way: which step of which order, and the lines once it is taken.

    Args:
        occurred_at: UTC; None is now.
    """

    order: OrderRecord
    step: Step
    ref: str
    fingerprint: bytes
    occurred_at: datetime | None
    after: list[OrderLine]


def record_return(work: Work, member: Member, order: OrderRecord, asked: Return) -> str:
    """Goods or money came back: take back what the order earned for them, exactly.

    Raises:
        ReturnDiffers: the return is known with other content.
        OrderNotPaid, LineUnknown, MoreThanLeft, CurrencyForeign, BeforeTheOrder, InTheFuture:
            nothing is written.

    Rule: R-40 to R-43.
    """
    known = _answered(order, asked)
    if known is not None:
        return known
    if order.payment_ref is None:
        raise OrderNotPaid("The order is not paid; nothing of it can come back.")
    program = work.books.program(order.program_version)
    if asked.amount_minor is None:
        after = return_units(order.lines, asked.units)
    else:
        path = "amount.currency"
        require_currency(asked.currency, program.currency, path, "The order was paid in")
        after = return_amount(order.lines, asked.amount_minor, program.currency)
    coming = Coming(
        order, Step.RETURN, asked.return_ref, asked.fingerprint(), asked.occurred_at, after
    )
    return _take(work, member, coming, program)


def _answered(order: OrderRecord, asked: Return) -> str | None:
    """What the same return was answered with, in this chapter of the order or an earlier one."""
    ref = asked.return_ref
    known = order.steps.get((Step.RETURN, ref)) or order.steps.get((Step.EARLIER_RETURN, ref))
    if known is None:
        return None
    if known[0] != asked.fingerprint():
        raise ReturnDiffers(
            "This return is known already, with other lines or another amount; another "
            "return needs a reference of its own.",
            asked=ref,
        )
    return known[1]


def record_cancellation(
    work: Work, member: Member, order: OrderRecord, occurred_at: datetime | None
) -> str:
    """Cancel an order: before its payment all is let go, after it all that is left comes back.

    Raises:
        NothingLeft: everything has been returned already.
        BeforeTheOrder, InTheFuture: nothing is written.

    Rule: R-34, R-43.
    """
    known = order.steps.get((Step.CANCELLATION, ONCE))
    if known is not None:
        return known[1]
    if order.state == State.RESERVED:
        return _call_off(work, member, order, occurred_at)
    if is_fully_returned(order.lines):
        raise NothingLeft("All of the order has been returned already; nothing is left to cancel.")
    after = return_all(order.lines)
    coming = Coming(order, Step.CANCELLATION, ONCE, b"", occurred_at, after)
    return _take(work, member, coming, work.books.program(order.program_version))


def _call_off(work: Work, member: Member, order: OrderRecord, occurred_at: datetime | None) -> str:
    check_after_order(occurred_at or work.books.now, order.placed_at)
    when, at = work.books.meet(member, occurred_at)
    released = let_go(work, member, order, at)
    order.state = State.CANCELLED
    currency = work.books.program(order.program_version).currency
    receipt: dict[str, Any] = {
        "order_ref": order.order_ref,
        "return_ref": None,
        "state": str(order.state),
        "occurred_at": instant_text(when),
        "released": released,
        "returned": money(0, currency),
        "lines": [],
        "given_back": [],
        "taken": [],
    }
    member.tell("order.cancelled", when, {"order_ref": order.order_ref, "released": released})
    receipt["tier_changes"] = work.books.settle(member, order.order_ref)
    return remember(work, member, order, StepTaken(Step.CANCELLATION, ONCE, when, b"", receipt))


def _take(work: Work, member: Member, coming: Coming, program: Program) -> str:
    order, after = coming.order, coming.after
    check_after_order(coming.occurred_at or work.books.now, order.placed_at)
    when, at = work.books.meet(member, coming.occurred_at)
    back = what_came_back(order.lines, after)
    points = sum_of_points(back)
    reason = REASONS[coming.step]
    given = give_back(work, member, order, after, (when, at))
    # In the program's order, as what was earned is told.
    due = [(one.id, sum(points.get(one.id, NOTHING).values())) for one in program.wallets]
    taken = [
        take_back_in(work, member, order, of_wallet, (when, at), reason=reason)
        for of_wallet in due
        if of_wallet[1]
    ]
    _free_room(work, member, order, after, program)
    recount(work, member, order, program, after=after)
    _move(work, member, coming)
    receipt = _receipt(coming, program, when, back, given=given, taken=taken)
    happened = {name: receipt[name] for name in ("order_ref", "given_back", "taken")}
    member.tell(f"order.{order.state}", when, happened)
    receipt["tier_changes"] = work.books.settle(member, order.order_ref)
    step = StepTaken(
        coming.step,
        coming.ref,
        when,
        coming.fingerprint,
        receipt,
        sum(line.money_minor for line in back),
        {of_wallet.wallet: of_wallet.taken.expired for of_wallet in taken},
    )
    return remember(work, member, order, step)


def _free_room(
    work: Work, member: Member, order: OrderRecord, after: list[OrderLine], program: Program
) -> None:
    """What is taken back frees its room in the period of its order (R-23)."""
    day = local_date(order.placed_at, program.zone)
    freed = {}
    left_before, left_after = left_by_rule(order.lines), left_by_rule(after)
    for rule_id in sorted(capped_rules(program) & left_before.keys()):
        was, now = left_before[rule_id], left_after[rule_id]
        if was != now:
            freed[metric(CapUnit.POINTS, rule_id), day] = now - was
        if was and not now:
            freed[metric(CapUnit.TIMES, rule_id), day] = -1
    work.books.totals.add(member.member_id, freed)


def _move(work: Work, member: Member, coming: Coming) -> None:
    """Move the order on to how it stands once the return is taken."""
    order, after = coming.order, coming.after
    all_back = is_fully_returned(after)
    if all_back and not is_fully_returned(order.lines):
        member.live_orders -= 1
    for old, new in zip(order.lines, after, strict=True):
        if old != new:
            fraction = new.returned
            work.writing.lines_moved[order.member_id, order.order_no, new.line_no] = (
                new.returned_units,
                Decimal(fraction.numerator),
                Decimal(fraction.denominator),
            )
    order.returned_minor += sum(line.returned_minor for line in after) - sum(
        line.returned_minor for line in order.lines
    )
    order.lines = after
    cancelled = coming.step is Step.CANCELLATION
    order.state = state_of(order, all_back=all_back, cancelled=cancelled)


def _receipt(
    coming: Coming,
    program: Program,
    when: datetime,
    back: Sequence[LineReturned],
    *,
    given: GivenBack | None,
    taken: Sequence[TakenFrom],
) -> dict[str, Any]:
    currency = program.currency
    return {
        "order_ref": coming.order.order_ref,
        "return_ref": coming.ref or None,
        "state": str(coming.order.state),
        "occurred_at": instant_text(when),
        "released": 0,
        "returned": money(sum(line.money_minor for line in back), currency),
        "lines": [
            {
                "line": line.line_no,
                "units": line.units,
                "returned": money(line.money_minor, currency),
            }
            for line in back
        ],
        "given_back": [] if given is None else [given.told()],
        "taken": [of_wallet.told() for of_wallet in taken],
    }
