"""Orders that are paid elsewhere, and what becomes of them: the story that crosses features."""

from collections.abc import Callable
from datetime import datetime

from loyalty_service.checkout import queries
from loyalty_service.checkout.queries import OrderRecord
from loyalty_service.checkout.rules.cart import Order
from loyalty_service.checkout.rules.steps import Return
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
from loyalty_service.checkout.service.owning import own_lots, own_order
from loyalty_service.checkout.service.paying import record_payment
from loyalty_service.checkout.service.returning import record_cancellation, record_return
from loyalty_service.checkout.service.work import Work
from loyalty_service.earning.queries import Totals, read_totals
from loyalty_service.ledger.queries import read_accounts, read_due, read_expired
from loyalty_service.ledger.service import Acting, Books
from loyalty_service.members import service as members
from loyalty_service.members.rules import Member, Ref
from loyalty_service.program.rules.earning import ORDER
from loyalty_service.program.rules.periods import local_date

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
    "take_items",
    "take_return",
]


def pay(acting: Acting, ref: Ref, order: Order) -> str:
    """Record a paid order; the member earns by the program of that day.

    Returns:
        the receipt, as JSON; the same again for a repetition.

    Raises:
        MemberUnknown, OrderOfAnother, OrderDiffers, InTheFuture, CurrencyForeign,
        DiscountTooHigh, CartDoesNotAddUp, CartTooDear: nothing is written.

    Rule: R-06, R-20 to R-25, R-35.
    """
    tx = acting.tx
    member = members.lock(tx, ref)
    books = acting.books(member)
    orders = queries.find_order(tx, order.order_ref)
    work = Work(books, orders)
    if not orders:
        until = max(order.occurred_at or books.now, member.caught_up_to)
        books.accounts = read_due(tx, [member.member_id], until)
        work.totals = _totals(books, member, order.occurred_at)
    receipt = record_payment(work, member, order)
    work.write()
    return receipt


def _totals(books: Books, member: Member, occurred_at: datetime | None) -> Totals:
    when = occurred_at or books.now
    _, program = books.program_at(member, when)
    wanted = [(program, ORDER, local_date(when, program.zone))]
    return read_totals(books.tx, [member.member_id], wanted)


def fulfil(acting: Acting, ref: Ref, order_ref: str, *, occurred_at: datetime | None) -> str:
    """Record that the order's goods went out; points that waited for it are activated.

    Raises:
        MemberUnknown, OrderUnknown, OrderOfAnother, OrderCancelled, BeforeTheOrder, InTheFuture:
            nothing is written.

    Rule: R-25.
    """

    def step(work: Work, member: Member, order: OrderRecord) -> str:
        return record_fulfilment(work, member, order, occurred_at)

    return _follow(acting, ref, order_ref, step)


def take_return(acting: Acting, ref: Ref, order_ref: str, *, asked: Return) -> str:
    """Record a return of units or of money; what the order earned for them is taken back.

    Raises:
        MemberUnknown, OrderUnknown, OrderOfAnother, ReturnDiffers, LineUnknown, MoreThanLeft,
        CurrencyForeign, BeforeTheOrder, InTheFuture: nothing is written.

    Rule: R-40, R-41, R-43.
    """

    def step(work: Work, member: Member, order: OrderRecord) -> str:
        return record_return(work, member, order, asked)

    return _follow(acting, ref, order_ref, step)


def cancel(acting: Acting, ref: Ref, order_ref: str, *, occurred_at: datetime | None) -> str:
    """Cancel a paid order: a return of all that is left.

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
    books.accounts = read_accounts(tx, [member.member_id])
    work = Work(books, {order_ref: order}, expired=read_expired(tx, own_lots([order])))
    receipt = step(work, member, order)
    work.write()
    return receipt
