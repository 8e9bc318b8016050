"""A paid order: price it, earn on it, open its lots, remember every share."""

from datetime import datetime
from typing import Any

from loyalty_service.checkout.queries import OrderRecord
from loyalty_service.checkout.rules.cart import Order, price
from loyalty_service.checkout.rules.returns import OrderLine
from loyalty_service.checkout.rules.steps import OrderDiffers, OrderOfAnother, State
from loyalty_service.checkout.service.work import Work, as_json, instant_text
from loyalty_service.earning.queries import count
from loyalty_service.earning.rules.earn import earn_on_order
from loyalty_service.earning.rules.facts import Earned, Line, OrderFacts
from loyalty_service.earning.rules.openings import Act
from loyalty_service.earning.service import Credited, Occasion, give, refused_told, who
from loyalty_service.kit.frozen import frozen
from loyalty_service.ledger.rules.entry import Reason, Source
from loyalty_service.ledger.service import told
from loyalty_service.members.rules import Member
from loyalty_service.program.rules.earning import ORDER
from loyalty_service.program.rules.periods import local_date
from loyalty_service.program.rules.program import Program


@frozen
class Paid:
    """An order on its way into the books: what was asked, and what it came to."""

    order: Order
    order_no: int
    version: int
    program: Program
    placed_at: datetime
    lines: tuple[Line, ...]
    earned: Earned
    was_first: bool

    @property
    def fulfilled_at(self) -> datetime | None:
        """When the goods went out, as far as the payment says (R-35)."""
        return self.placed_at if self.order.is_fulfilled else None

    @property
    def paid_minor(self) -> int:
        """The money paid, in minor units."""
        return sum(line.paid_minor for line in self.lines)


def record_payment(work: Work, member: Member, order: Order) -> str:
    """Take a paid order into the books, once; a repetition gets the same receipt.

    Returns:
        the receipt, as JSON.

    Raises:
        OrderOfAnother, OrderDiffers: the reference is taken.
        InTheFuture, CurrencyForeign, DiscountTooHigh, CartDoesNotAddUp, CartTooDear: nothing is
            written.

    Rule: R-06, R-20 to R-25, R-35.
    """
    known = work.orders.get(order.order_ref)
    if known is not None:
        return _repeat(known, member, order)
    when = order.occurred_at or work.books.now
    version, program = work.books.program_at(member, when)
    lines = price(order, program.currency)
    when, _ = work.books.meet(member, order.occurred_at)
    day = local_date(when, program.zone)
    facts = OrderFacts(when, order.channel, lines, member.live_orders == 0, who(member))
    used = work.totals.used(program, member.member_id, ORDER, day)
    earned = earn_on_order(program, facts, used)
    count(work.totals, program, member.member_id, day, earned)
    member.order_seq += 1
    paid = Paid(
        order, member.order_seq, version, program, when, lines, earned, member.live_orders == 0
    )
    member.live_orders += 1
    entries = _give(work, member, paid)
    return _remember(work, member, paid, entries)


def _repeat(known: OrderRecord, member: Member, order: Order) -> str:
    if known.member_id != member.member_id:
        raise OrderOfAnother(
            "This order reference belongs to another member.",
            path="order_ref",
            asked=order.order_ref,
        )
    moved = order.occurred_at is not None and order.occurred_at != known.placed_at
    if moved or known.fingerprint != order.fingerprint():
        raise OrderDiffers(
            "This order is known already, with another cart, payment or time; a changed order "
            "needs a reference of its own.",
            asked=order.order_ref,
            placed_at=instant_text(known.placed_at),
        )
    return known.receipt


def _give(work: Work, member: Member, paid: Paid) -> list[Credited]:
    act = Act(paid.placed_at, paid.fulfilled_at, paid.order_no)
    occasion = Occasion(
        Reason.ORDER_PAID, Source.ORDER, paid.order_no, paid.version, paid.program, act
    )
    return give(work.books, member, occasion, paid.earned)


def _remember(work: Work, member: Member, paid: Paid, entries: list[Credited]) -> str:
    order = paid.order
    record = OrderRecord(
        order.order_ref,
        member.member_id,
        paid.order_no,
        order.payment_ref,
        State.PAID if paid.fulfilled_at is None else State.FULFILLED,
        paid.version,
        paid.placed_at,
        paid.fulfilled_at,
        paid.paid_minor,
        0,
        0,
        order.fingerprint(),
        {credited.entry.wallet: credited.stored() for credited in entries},
        "",
    )
    record.receipt = as_json(_receipt(paid, record.state, entries))
    shares = _shares(paid.earned)
    record.lines = [
        OrderLine(line.line_no, line.quantity, line.paid_minor, shares.get(line.line_no, {}))
        for line in paid.lines
    ]
    work.add_order(record, order, paid.lines, member.recorded_at, was_first=paid.was_first)
    work.touched[member.member_id] = member
    member.tell(
        "order.paid",
        paid.placed_at,
        {
            "order_ref": order.order_ref,
            "earned": [told(credited.entry) for credited in entries],
        },
    )
    return record.receipt


def _shares(earned: Earned) -> dict[int, dict[str, dict[str, int]]]:
    by_line: dict[int, dict[str, dict[str, int]]] = {}
    for given in earned.by_rule:
        for line_no, points in given.shares:
            wallets = by_line.setdefault(line_no, {})
            wallets.setdefault(given.rule.wallet, {})[given.rule.id] = points
    return by_line


def _receipt(paid: Paid, state: str, entries: list[Credited]) -> dict[str, Any]:
    return {
        "order_ref": paid.order.order_ref,
        "payment_ref": paid.order.payment_ref,
        "state": str(state),
        "paid": {"amount": paid.paid_minor, "currency": paid.program.currency},
        "placed_at": instant_text(paid.placed_at),
        "fulfilled_at": instant_text(paid.fulfilled_at),
        "program_version": paid.version,
        "earned": [credited.told() for credited in entries],
        "not_earned": [refused_told(refused) for refused in paid.earned.refused],
    }
