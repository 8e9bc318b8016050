"""An order is paid: its points are spent, and what it earns is given."""

from collections.abc import Sequence
from datetime import datetime

from loyalty_service.checkout.queries import OrderRecord
from loyalty_service.checkout.rules.cart import Order, check_paid, require_currency
from loyalty_service.checkout.rules.steps import (
    CartMissing,
    ReservationLapsed,
    State,
    check_after_order,
    check_promise,
)
from loyalty_service.checkout.service.counting import act_of
from loyalty_service.checkout.service.owning import require_own
from loyalty_service.checkout.service.placing import Placing, as_promised, place, place_again
from loyalty_service.checkout.service.recognising import (
    answered,
    differs,
    is_promised,
    is_same,
    repeat,
)
from loyalty_service.checkout.service.reserving import let_go
from loyalty_service.checkout.service.telling import as_json, money, told_payment
from loyalty_service.checkout.service.work import Work
from loyalty_service.earning.queries import count
from loyalty_service.earning.rules.facts import Earned
from loyalty_service.earning.service import Credited, Occasion, give
from loyalty_service.ledger.rules.entry import Entry, Reason, Source
from loyalty_service.ledger.rules.spending import capture, spend
from loyalty_service.ledger.service import slide, told
from loyalty_service.members.rules import Member

Draws = Sequence[tuple[int, int]]


def record_payment(work: Work, member: Member, order: Order) -> str:
    """Take a paid order into the books, once; a repetition gets the same receipt.

    What was reserved is paid as it was promised. Where the reservation has lapsed or the order was
    cancelled, it is placed again.

    Returns:
        the receipt, as JSON.

    Raises:
        OrderOfAnother, OrderDiffers: the reference is taken.
        InTheFuture, BeforeTheOrder, CurrencyForeign, DiscountTooHigh, CartDoesNotAddUp,
        CartTooDear, CartMissing, AmountDiffers, ReservationLapsed, InsufficientPoints,
        PointsNotAllowed, RedemptionLocked, PointsBeyondCount: nothing is written.

    Rule: R-06, R-20 to R-25, R-30, R-33 to R-35.
    """
    known = work.orders.get(order.order_ref)
    if known is None:
        return _pay_whole(work, member, order)
    require_own(known, member)
    if order.paid_in is not None:
        currency = work.books.program(known.program_version).currency
        require_currency(order.paid_in, currency, "paid.currency", "The order costs")
    known_answer = answered(known, order.payment_ref)
    if known_answer is not None:
        return repeat(known, order, *known_answer)
    if known.state not in (State.RESERVED, State.CANCELLED):
        raise differs(known, order)
    check_after_order(order.occurred_at or work.books.now, known.placed_at)
    when, at = work.books.meet(member, order.occurred_at)
    if is_promised(known, order, at):
        return _capture(work, member, known, order, (when, at))
    placing = (
        _place_again(work, member, known, order, (when, at))
        if is_same(known, order)
        else _place_other(work, member, known, order, (when, at))
    )
    return _take(work, member, order, placing, (when, at), known=known)


def _pay_whole(work: Work, member: Member, order: Order) -> str:
    """An order that was not reserved (R-35)."""
    if order.cart is None:
        raise CartMissing(
            "Nothing is reserved under this order reference; send the cart with the payment.",
            path="lines",
            asked=order.order_ref,
        )
    if order.cart.points:
        when, at = work.books.meet(member, order.occurred_at)
        placing = place(work.books, member, order.cart, when, at)
        check_paid(order.paid_minor, placing.payable_minor)
        return _take(work, member, order, placing, (when, at))
    # Nothing but the cart can refuse it: priced first, so that a refusal moves no clock.
    when = order.occurred_at or work.books.now
    placing = place(work.books, member, order.cart, when, when)
    check_paid(order.paid_minor, placing.payable_minor)
    earned, seen = work.earn(member, placing), member.event_seq
    when, at = work.books.meet(member, order.occurred_at)
    if member.event_seq == seen:
        return _take(work, member, order, placing, (when, at), earned=earned)
    # What was overdue may have moved the tier, or used up a limit.
    return _take(work, member, order, place(work.books, member, order.cart, when, at), (when, at))


def _capture(
    work: Work,
    member: Member,
    known: OrderRecord,
    order: Order,
    instants: tuple[datetime, datetime],
) -> str:
    """What was reserved is paid: the promised price stands (R-33)."""
    check_promise(order.paid_minor, known.paid_minor)
    placing = as_promised(work.books, known)
    return _take(work, member, order, placing, instants, known=known, is_held=True)


def _place_again(
    work: Work,
    member: Member,
    known: OrderRecord,
    order: Order,
    instants: tuple[datetime, datetime],
) -> Placing:
    """What was promised has lapsed: taken all the same where the same comes out (R-33)."""
    placing = place_again(work.books, member, known, *instants)
    same = placing.points == known.points and placing.payable_minor == known.paid_minor
    if not same and not order.accept_repricing:
        currency = placing.program.currency
        limits = {str(limit): points for limit, points in placing.allowed.limits.items()}
        raise ReservationLapsed(
            "The reservation has lapsed, and the same points or price are not to be had any more.",
            lost={"points": {"asked": known.points, "allowed": placing.points, "limits": limits}},
            promised=money(known.paid_minor, currency),
            now=money(placing.payable_minor, currency),
        )
    check_promise(order.paid_minor, placing.payable_minor)
    return placing


def _place_other(
    work: Work,
    member: Member,
    known: OrderRecord,
    order: Order,
    instants: tuple[datetime, datetime],
) -> Placing:
    """Another cart than was reserved: what was held is free for it, and it is placed anew."""
    assert order.cart is not None
    placing = place(work.books, member, order.cart, *instants, own=known)
    check_paid(order.paid_minor, placing.payable_minor)
    let_go(work, member, known, instants[1])
    return placing


def _take(
    work: Work,
    member: Member,
    order: Order,
    placing: Placing,
    instants: tuple[datetime, datetime],
    *,
    known: OrderRecord | None = None,
    is_held: bool = False,
    earned: Earned | None = None,
) -> str:
    """Spend the points of an order, give what it earns, and remember it."""
    when, at = instants
    fulfilled_at = _fulfilled_at(order, known, when)
    judged = placing if is_held else work.by_tier(member, placing, fulfilled_at)
    if earned is None or judged is not placing:
        placing, earned = judged, work.earn(member, judged)
    count(work.books.totals, placing.program, member.member_id, placing.day, earned)
    record = work.open_order(member, order.order_ref, placing, known)
    record.payment_ref, record.fingerprint = order.payment_ref, order.fingerprint()
    record.paid_at, record.fulfilled_at = when, fulfilled_at
    record.lapses_at = None
    if known is not None:
        record.cart = known.cart if order.cart is None else order.cart.fingerprint()
    record.state = State.PAID if record.fulfilled_at is None else State.FULFILLED
    spent = _spend(work, member, record, placing, at, is_held=is_held)
    member.live_orders += 1
    entries = _give(work, member, record, placing, earned)
    act = act_of(record, record.fulfilled_at)
    work.books.totals.add(member.member_id, placing.counts(earned, act))
    record.entries = {credited.entry.wallet: credited.stored() for credited in entries}
    _tell(member, record, spent, entries)
    receipt = told_payment(record, placing, spent, entries, earned)
    record.receipt = as_json(
        {**receipt, "tier_changes": work.books.settle(member, order.order_ref)}
    )
    work.write_order(member, record, placing, placing.sold(earned), keeps_lines=is_held)
    return record.receipt


def rehearse(
    work: Work, member: Member, placing: Placing, earned: Earned, own: OrderRecord | None
) -> None:
    """Move the points of an order as its payment would, in books that are never written.

    Args:
        own: the order, where it is known: what it holds is let go for it.

    Rule: R-31.
    """
    at = member.caught_up_to
    if own is not None:
        let_go(work, member, own, at)
    record = work.open_order(member, "" if own is None else own.order_ref, placing, own)
    record.paid_at = at
    _spend(work, member, record, placing, at, is_held=False)
    _give(work, member, record, placing, earned)


def _fulfilled_at(order: Order, known: OrderRecord | None, when: datetime) -> datetime | None:
    """When the goods arrived, as far as the payment or an earlier message says (R-34, R-35)."""
    told = known.fulfilled_at if known is not None and known.state == State.RESERVED else None
    if told is None and (order.is_fulfilled or (order.is_fulfilled is None and known is None)):
        return when
    return told


def _spend(
    work: Work,
    member: Member,
    record: OrderRecord,
    placing: Placing,
    at: datetime,
    *,
    is_held: bool,
) -> Entry | None:
    if not placing.points:
        return None
    assert record.paid_at is not None
    account = work.books.account(member, placing.wallet or "")
    cause = work.books.cause(
        member,
        Reason.ORDER_SPENT,
        Source.ORDER,
        record.order_no,
        version=placing.version,
        occurred_at=record.paid_at,
    )
    if is_held:
        entry, draws = capture(account, record.order_no, cause, at)
    else:
        entry, draws = spend(account, cause, placing.points, at)
    slide(work.books, member, cause, account.wallet)
    record.spent = {
        **(placing.told_points() or {}),
        "entry": entry.seq,
        "draws": [list(draw) for draw in draws],
    }
    return entry


def _give(
    work: Work, member: Member, record: OrderRecord, placing: Placing, earned: Earned
) -> list[Credited]:
    act = act_of(record, record.fulfilled_at)
    occasion = Occasion(
        Reason.ORDER_PAID, Source.ORDER, record.order_no, placing.version, placing.program, act
    )
    return give(work.books, member, occasion, earned)


def _tell(
    member: Member, record: OrderRecord, spent: Entry | None, entries: Sequence[Credited]
) -> None:
    happened = {
        "order_ref": record.order_ref,
        "spent": None if spent is None else told(spent),
        "earned": [told(credited.entry) for credited in entries],
    }
    member.tell("order.paid", record.paid_at or record.placed_at, happened)
