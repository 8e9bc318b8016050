"""The goods of an order have arrived: points that waited for it get their beginning and end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from loyalty_service.checkout.queries import OrderRecord
from loyalty_service.checkout.rules.steps import OrderCancelled, State, Step, check_after_order
from loyalty_service.checkout.service.counting import recount
from loyalty_service.checkout.service.stepping import ONCE, StepTaken, remember
from loyalty_service.checkout.service.telling import as_json
from loyalty_service.checkout.service.work import Work
from loyalty_service.earning.rules.openings import fulfilled_lots
from loyalty_service.earning.service import lots_told
from loyalty_service.kit.instants import instant_text
from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.entry import Entry, Reason, Source
from loyalty_service.ledger.rules.movements import reschedule
from loyalty_service.ledger.service import instants_in_time
from loyalty_service.members.rules import Member
from loyalty_service.program.rules.program import Program


def record_fulfilment(
    work: Work, member: Member, order: OrderRecord, occurred_at: datetime | None
) -> str:
    """Record that the goods have arrived, once; a repetition gets the same receipt.

    Before the payment it is remembered, and takes effect with it.

    Raises:
        OrderCancelled: nothing is written.
        BeforeTheOrder, InTheFuture: nothing is written.

    Rule: R-25, R-34.
    """
    known = order.steps.get((Step.FULFILMENT, ONCE))
    if known is not None:
        return known[1]
    if order.fulfilled_at is not None:
        # It was told with the payment.
        return as_json(_fulfilled(order, order.state, order.fulfilled_at, [], []))
    if order.state == State.CANCELLED:
        raise OrderCancelled("The order was cancelled; it cannot be fulfilled any more.")
    when = occurred_at or work.books.now
    check_after_order(when, order.placed_at)
    when, at = work.books.meet(member, occurred_at)
    program = work.books.program(order.program_version)
    activated = _activate(work, member, order, program, when)
    recount(work, member, order, program, fulfilled_at=when)
    order.fulfilled_at = when
    if order.state == State.PAID:
        order.state = State.FULFILLED
    happened = {"order_ref": order.order_ref, "activated": activated}
    member.tell("order.fulfilled", when, happened)
    changes = work.books.settle(member, order.order_ref)
    receipt = _fulfilled(order, order.state_at(at), when, activated, changes)
    taken = StepTaken(Step.FULFILMENT, ONCE, when, b"", receipt)
    return remember(work, member, order, taken)


def _activate(
    work: Work, member: Member, order: OrderRecord, program: Program, when: datetime
) -> list[dict[str, Any]]:
    cause = work.books.cause(
        member,
        Reason.ORDER_FULFILLED,
        Source.ORDER,
        order.order_no,
        version=order.program_version,
        occurred_at=when,
    )
    activated = []
    # What arrived before it was paid is told in either order, and begins alike.
    begins = max(when, order.paid_at or when)
    for wallet in order.entries:
        lots = fulfilled_lots(program, order.lots_of(wallet), begins)
        instants = instants_in_time(work.books, member, cause, wallet, lots)
        account = work.books.account(member, wallet)
        entry = reschedule(account, cause, instants)
        if entry is not None:
            activated.append(_activated(account, entry))
    return activated


def _activated(account: Account, entry: Entry) -> dict[str, Any]:
    """What an entry gave a beginning: the entry moves no points, so those of the lots are told."""
    lots = []
    for allocation, told in zip(entry.allocations, lots_told(entry), strict=True):
        lot = account.lots.get(allocation.lot_seq)
        lots.append({**told, "points": 0 if lot is None else lot.remaining})
    return {"wallet": entry.wallet, "entry": entry.seq, "lots": lots}


def _fulfilled(
    order: OrderRecord,
    state: str,
    when: datetime,
    activated: Sequence[dict[str, Any]],
    changes: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    return {
        "order_ref": order.order_ref,
        "state": str(state),
        "fulfilled_at": instant_text(when),
        "activated": activated,
        "tier_changes": changes,
    }
