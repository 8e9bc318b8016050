"""An order keeps its price and points while the customer pays."""

from datetime import datetime, timedelta
from typing import Any

import orjson

from loyalty_service.checkout.queries import OrderRecord
from loyalty_service.checkout.rules.cart import Cart
from loyalty_service.checkout.rules.steps import OrderCancelled, OrderPaid, State, Step
from loyalty_service.checkout.service.owning import require_own
from loyalty_service.checkout.service.placing import Placing, place
from loyalty_service.checkout.service.telling import (
    as_json,
    money,
    told_earned,
    told_lines,
)
from loyalty_service.checkout.service.work import Work
from loyalty_service.kit.instants import instant_or_none, instant_text
from loyalty_service.ledger.rules.entry import Cause, Reason, Source
from loyalty_service.ledger.rules.holding import hold, release, renew
from loyalty_service.members.rules import Member
from loyalty_service.program.rules.program import Reservations

UNPAID = (State.RESERVED, State.CANCELLED)


def record_reservation(work: Work, member: Member, order_ref: str, cart: Cart) -> str:
    """Keep the price of a cart and hold its points for a while.

    The same cart again renews what stands, up to the most the program allows; another cart, or
    one whose time has passed, is placed anew.

    Returns:
        what is promised, as JSON.

    Raises:
        OrderOfAnother, OrderPaid, CurrencyForeign, DiscountTooHigh, CartTooDear,
        InsufficientPoints, PointsNotAllowed, RedemptionLocked: nothing is written.

    Rule: R-06, R-32, R-34.
    """
    known = work.orders.get(order_ref)
    if known is not None:
        require_own(known, member)
        if known.state not in UNPAID:
            raise OrderPaid("The order is paid; a changed order needs a reference of its own.")
    _, at = work.books.meet(member, None)
    if known is not None and known.is_reserved(at) and cart.fingerprint() == known.cart:
        return _renew(work, member, known, at)
    placing = work.by_tier(member, place(work.books, member, cart, at, at, own=known))
    if known is not None:
        let_go(work, member, known, at)
    return _reserve(work, member, placing, order_ref=order_ref, cart=cart, known=known)


def _reserve(
    work: Work,
    member: Member,
    placing: Placing,
    *,
    order_ref: str,
    cart: Cart,
    known: OrderRecord | None,
) -> str:
    at, times = placing.placed_at, placing.program.reservations
    record = work.open_order(member, order_ref, placing, known)
    record.state, record.reserved_since = State.RESERVED, at
    record.lapses_at = at + timedelta(minutes=times.minutes)
    record.cart = record.fingerprint = cart.fingerprint()
    record.hold_no += 1
    record.judged = {
        "first": placing.is_first,
        "tags": sorted(placing.who.tags),
        "birth_month": placing.who.birth_month,
        "tier": placing.who.tier,
    }
    if placing.points:
        account = work.books.account(member, placing.wallet or "")
        named = (record.order_no, record.hold_no)
        hold(account, named, placing.points, at, record.lapses_at)
    record.receipt = as_json(_promise(work, member, record, placing))
    _remember(work, member, record, at)
    work.write_order(member, record, placing, placing.sold(None))
    return record.receipt


def _renew(work: Work, member: Member, known: OrderRecord, at: datetime) -> str:
    """The same cart again: it stands longer, its price and place stay (R-32)."""
    times = work.books.program(known.program_version).reservations
    known.lapses_at = min(at + timedelta(minutes=times.minutes), _latest(known, times))
    if known.spent is not None:
        account = work.books.account(member, known.spent["wallet"])
        renew(account, known.order_no, known.lapses_at)
    told = orjson.loads(known.receipt) | {"lapses_at": instant_text(known.lapses_at)}
    known.receipt = as_json(told)
    _remember(work, member, known, at)
    work.writing.changed[known.order_ref] = known
    return known.receipt


def _latest(order: OrderRecord, times: Reservations) -> datetime:
    assert order.reserved_since is not None
    return order.reserved_since + timedelta(minutes=times.most_minutes)


def _promise(work: Work, member: Member, record: OrderRecord, placing: Placing) -> dict[str, Any]:
    program = placing.program
    worth = money(placing.worth_minor, program.currency)
    return {
        "order_ref": record.order_ref,
        "state": str(record.state),
        "placed_at": instant_text(record.placed_at),
        "lapses_at": instant_or_none(record.lapses_at),
        "renewable_until": instant_text(_latest(record, program.reservations)),
        "program_version": placing.version,
        "price": money(placing.price_minor, program.currency),
        "points": {"wallet": placing.wallet, "points": placing.points, "worth": worth},
        "payable": money(placing.payable_minor, program.currency),
        "lines": told_lines(placing),
        **told_earned(work.books, member, placing, work.earn(member, placing)),
    }


def _remember(work: Work, member: Member, record: OrderRecord, at: datetime) -> None:
    step = (Step.RESERVATION, str(record.step_seq + 1))
    work.add_step(member, record, step, (at, record.fingerprint, record.receipt))
    happened = {
        "order_ref": record.order_ref,
        "points": record.points,
        "lapses_at": instant_or_none(record.lapses_at),
    }
    member.tell("order.reserved", at, happened)


def record_release(work: Work, member: Member, order: OrderRecord) -> str:
    """Let a reservation go before its time; what it held is free at once.

    Raises:
        OrderPaid, OrderCancelled: nothing is reserved any more.

    Rule: R-32.
    """
    if order.state == State.CANCELLED:
        raise OrderCancelled("The order was cancelled; nothing of it is reserved.")
    if order.state != State.RESERVED:
        raise OrderPaid("The order is paid; cancel it, or return what comes back.")
    known = order.steps.get((Step.RELEASE, str(order.hold_no)))
    if known is not None:
        return known[1]
    _, at = work.books.meet(member, None)
    points = let_go(work, member, order, at)
    receipt = as_json(
        {
            "order_ref": order.order_ref,
            "state": str(State.LAPSED),
            "released_at": instant_or_none(order.lapses_at),
            "points": points,
        }
    )
    step = (Step.RELEASE, str(order.hold_no))
    work.add_step(member, order, step, (at, b"", receipt))
    work.writing.changed[order.order_ref] = order
    member.tell("order.released", at, {"order_ref": order.order_ref, "points": points})
    return receipt


def let_go(work: Work, member: Member, order: OrderRecord, at: datetime) -> int:
    """End what a reservation holds, if it still stands; returns the points that are free now.

    Rule: R-32, R-41 (a deficit absorbs them first).
    """
    if not order.is_reserved(at):
        return 0
    order.lapses_at = at
    work.writing.changed[order.order_ref] = order
    work.touched[member.member_id] = member
    if order.spent is None:
        return 0
    account = work.books.account(member, order.spent["wallet"])

    def cause_of(reason: Reason) -> Cause:
        return work.books.cause(
            member,
            reason,
            Source.ORDER,
            order.order_no,
            version=order.program_version,
            occurred_at=at,
        )

    return release(account, order.order_no, at, cause_of)
