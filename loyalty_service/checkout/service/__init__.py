"""A checkout from the quote to the last return: the story that crosses features."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from loyalty_service.checkout import queries
from loyalty_service.checkout.queries import OrderRecord
from loyalty_service.checkout.rules.cart import Cart, Order
from loyalty_service.checkout.rules.steps import QUOTED_AHEAD, InThePast, Return, TooFarAhead
from loyalty_service.checkout.service.batch import (
    ITEMS_AT_ONCE,
    Item,
    OrderItem,
    Outcome,
    ReturnItem,
    in_transactions,
    take_items,
)
from loyalty_service.checkout.service.fulfilling import record_fulfilment
from loyalty_service.checkout.service.limits import days_met
from loyalty_service.checkout.service.owning import own_lots, own_order, require_own
from loyalty_service.checkout.service.paying import record_payment
from loyalty_service.checkout.service.quoting import quote as tell_quote
from loyalty_service.checkout.service.recognising import is_promised
from loyalty_service.checkout.service.reserving import record_release, record_reservation
from loyalty_service.checkout.service.returning import record_cancellation, record_return
from loyalty_service.checkout.service.work import Work
from loyalty_service.earning.queries import wanted_by_caps
from loyalty_service.kit.instants import instant_text
from loyalty_service.ledger.queries import (
    read_accounts,
    read_for_spending,
)
from loyalty_service.ledger.service import Acting, Books
from loyalty_service.members import service as members
from loyalty_service.members.queries import get_member
from loyalty_service.members.rules import Member, Ref
from loyalty_service.program.rules.program import Program
from loyalty_service.tiers.service import gift_lots

__all__ = [
    "ITEMS_AT_ONCE",
    "Item",
    "OrderItem",
    "Outcome",
    "ReturnItem",
    "cancel",
    "fulfil",
    "in_transactions",
    "pay",
    "quote",
    "release",
    "reserve",
    "take_items",
    "take_return",
]


def quote(
    acting: Acting,
    ref: Ref,
    cart: Cart,
    *,
    at: datetime | None,
    order_ref: str | None,
    to_member: bool = False,
) -> Any:
    """Price a cart without writing anything: what is payable, with which points, earning what.

    Args:
        at: an instant to come, within five years; None is now.
        order_ref: the order it is for, if it is known: what it holds already is free for it.
        to_member: a member asks, who is not told of orders of others: theirs are unknown.

    Raises:
        MemberUnknown, InThePast, TooFarAhead, OrderOfAnother, CurrencyForeign, DiscountTooHigh,
        CartTooDear: as said.

    Rule: R-05, R-30, R-31.
    """
    tx = acting.tx
    member = get_member(tx, ref)
    when = _quoted_at(at, tx.now(), member)
    books = acting.books_at(when, member)
    orders = queries.find_order(tx, order_ref) if order_ref else {}
    own = orders.get(order_ref or "")
    if own is not None and to_member and own.member_id != member.member_id:
        orders, own = {}, None
    if own is not None:
        require_own(own, member)
    # The limits are told also where no points are asked for.
    _read_for(books, member, max(cart.points, 1), books.program_at(member, when)[1], when)
    _read_totals(books, member, when)
    work = Work(books, orders)
    return tell_quote(work, member, cart, when, own)


def _quoted_at(at: datetime | None, now: datetime, member: Member) -> datetime:
    earliest = max(now, member.caught_up_to)
    if at is None:
        return earliest
    if at < earliest:
        raise InThePast(
            "A quote is for now or for an instant to come.",
            path="at",
            asked=instant_text(at),
            limit=instant_text(earliest),
        )
    if at > earliest + QUOTED_AHEAD:
        raise TooFarAhead(
            "A quote is for an instant within five years.",
            path="at",
            asked=instant_text(at),
            limit=instant_text(earliest + QUOTED_AHEAD),
        )
    return at


def reserve(acting: Acting, ref: Ref, order_ref: str, cart: Cart) -> str:
    """Keep a cart's price and points for a while; the same cart again keeps them longer.

    Returns:
        what is promised, as JSON.

    Raises:
        MemberUnknown, OrderOfAnother, OrderPaid, CurrencyForeign, DiscountTooHigh, CartTooDear,
        InsufficientPoints, PointsNotAllowed, RedemptionLocked: nothing is written.

    Rule: R-06, R-30, R-32.
    """
    tx = acting.tx
    member = members.lock(tx, ref)
    books = acting.books(member)
    orders = queries.find_likely_order(tx, order_ref)
    queries.read_steps(tx, orders.values())
    # What is held comes after all that was recorded, also where the clock was set back meanwhile:
    # the proof follows which lots it was drawn from.
    at = max(books.now, member.caught_up_to, member.recorded_at)
    _read_for(books, member, cart.points, books.program_at(member, at)[1], at)
    _read_totals(books, member, at)
    books.bring(member, at)
    work = Work(books, orders)
    receipt = record_reservation(work, member, order_ref, cart)
    work.write()
    return receipt


def release(acting: Acting, ref: Ref, order_ref: str) -> str:
    """Let a reservation go before its time.

    Raises:
        MemberUnknown, OrderUnknown, OrderOfAnother, OrderPaid, OrderCancelled: nothing is written.

    Rule: R-32.
    """
    return _follow(acting, ref, order_ref, record_release)


def pay(acting: Acting, ref: Ref, order: Order) -> str:
    """Record a paid order; its points are spent, and the member earns by the program of its day.

    Returns:
        the receipt, as JSON; the same again for a repetition.

    Raises:
        MemberUnknown, OrderOfAnother, OrderDiffers, InTheFuture, BeforeTheOrder, CurrencyForeign,
        DiscountTooHigh, CartDoesNotAddUp, CartTooDear, CartMissing, AmountDiffers,
        ReservationLapsed, InsufficientPoints, PointsNotAllowed, RedemptionLocked: nothing is
            written.

    Rule: R-06, R-20 to R-25, R-30, R-33 to R-35.
    """
    tx = acting.tx
    member = members.lock(tx, ref)
    books = acting.books(member)
    is_likely_new = order.cart is not None and member.holds_lapse_at is None
    find = queries.find_order if is_likely_new else queries.find_likely_order
    orders = find(tx, order.order_ref)
    work = Work(books, orders)
    known = orders.get(order.order_ref)
    if known is None or known.payment_ref != order.payment_ref:
        queries.read_steps(tx, orders.values())
        _read_for_payment(work, member, order, known)
    receipt = record_payment(work, member, order)
    work.write()
    return receipt


def _read_for_payment(work: Work, member: Member, order: Order, known: OrderRecord | None) -> None:
    books = work.books
    when = order.occurred_at or books.now
    at = max(when, member.caught_up_to)
    program = books.program_at(member, when)[1]
    points = order.cart.points if order.cart else 0
    if known is not None and is_promised(known, order, at):
        # What is held is read in any case.
        points = 0
    elif known is not None:
        # What was promised may be placed again, so the more of the two is read.
        points = max(points, known.points)
    _read_for(books, member, points, program, at)
    wanted = wanted_by_caps(days_met(books, member, when, known).values())
    books.read_totals(wanted, at, adds_only=True)


def _read_for(books: Books, member: Member, points: int, program: Program, until: datetime) -> None:
    """Read what a credit needs, and where points are to be spent, enough lots to pay them."""
    spends = points and program.redemption is not None
    if not spends or books.passing.needs_every_lot(books, [member], until):
        books.read_due([member], until)
    else:
        assert program.redemption is not None
        wallet, sliding = program.redemption.wallet, books.program_at(member, until)[1].sliding
        books.accounts = read_for_spending(books.tx, member, until, wallet, points, sliding=sliding)


def _read_totals(books: Books, member: Member, when: datetime) -> None:
    wanted = wanted_by_caps(days_met(books, member, when).values())
    books.read_totals(wanted, when, adds_only=True)


def fulfil(acting: Acting, ref: Ref, order_ref: str, *, occurred_at: datetime | None) -> str:
    """Record that the order's goods have arrived; points that waited for it are activated.

    Raises:
        MemberUnknown, OrderUnknown, OrderOfAnother, OrderCancelled, BeforeTheOrder, InTheFuture:
            nothing is written.

    Rule: R-25, R-34.
    """

    def step(work: Work, member: Member, order: OrderRecord) -> str:
        return record_fulfilment(work, member, order, occurred_at)

    return _follow(acting, ref, order_ref, step)


def take_return(acting: Acting, ref: Ref, order_ref: str, *, asked: Return) -> str:
    """Record a return of units or of money.

    What was spent on them comes back, and what the order earned for them is taken back.

    Raises:
        MemberUnknown, OrderUnknown, OrderOfAnother, OrderNotPaid, ReturnDiffers, LineUnknown,
        MoreThanLeft, CurrencyForeign, BeforeTheOrder, InTheFuture: nothing is written.

    Rule: R-40 to R-43.
    """

    def step(work: Work, member: Member, order: OrderRecord) -> str:
        return record_return(work, member, order, asked)

    return _follow(acting, ref, order_ref, step)


def cancel(acting: Acting, ref: Ref, order_ref: str, *, occurred_at: datetime | None) -> str:
    """Cancel an order: before its payment all is let go, after it all that is left comes back.

    Raises:
        MemberUnknown, OrderUnknown, OrderOfAnother, NothingLeft, BeforeTheOrder, InTheFuture:
            nothing is written.

    Rule: R-34, R-43.
    """

    def step(work: Work, member: Member, order: OrderRecord) -> str:
        return record_cancellation(work, member, order, occurred_at)

    return _follow(acting, ref, order_ref, step)


def _follow(
    acting: Acting,
    ref: Ref,
    order_ref: str,
    step: Callable[[Work, Member, OrderRecord], str],
) -> str:
    """Lock the member, read everything of the order, let ``step`` decide, write it once."""
    tx = acting.tx
    member = members.lock(tx, ref)
    order = own_order(queries.find_orders(tx, [order_ref]), member, order_ref)
    queries.read_steps(tx, [order])
    books = acting.books(member)
    books.accounts = read_accounts(tx, [member])
    # A return may take back what a promotion gave, too.
    books.read_expired([*own_lots([order]), *gift_lots(member)])
    work = Work(books, {order_ref: order})
    receipt = step(work, member, order)
    work.write()
    return receipt
