"""Reads of orders: whose they are, what they hold, and what has come back."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from loyalty_service.checkout.rules.returns import NONE_BACK, OrderLine
from loyalty_service.checkout.rules.steps import State
from loyalty_service.earning.rules.facts import Line, LineKind
from loyalty_service.kit.db import Transaction
from loyalty_service.kit.errors import NotFound

_ORDERS = """
SELECT i.order_ref, i.member_id, i.order_no, h.payment_ref, h.state, h.channel,
       h.program_version, h.placed_at, h.paid_at, h.fulfilled_at, h.price_minor, h.paid_minor,
       h.returned_minor, h.step_seq, h.fingerprint, h.entries, h.receipt, h.spent, h.cart,
       h.reserved_since, h.lapses_at, h.hold_no, h.judged
  FROM order_index i
  LEFT JOIN order_head h ON h.member_id = i.member_id AND h.order_no = i.order_no
"""
_KNOWN = "SELECT 1 FROM order_index WHERE order_ref = %s"
_ONE = _ORDERS + "WHERE i.order_ref = %s"
_MANY = _ORDERS + "WHERE i.order_ref = ANY(%s)"
# Both at once, because every message counts: what one of them does not have is NULL.
_LINES_AND_STEPS = """
SELECT member_id, order_no, NULL, line_no AS no, kind, sku, category, brand, quantity, amount_minor,
       price_minor, paid_minor, points, shares, returned_units, returned_num, returned_den
  FROM order_line
  JOIN unnest(%(members)s::bigint[], %(numbers)s::bigint[]) AS o (m, n)
    ON member_id = o.m AND order_no = o.n
 WHERE member_id = ANY(%(every)s)
 UNION ALL
SELECT member_id, order_no, fingerprint, step_no, kind, ref, receipt, NULL, NULL, NULL,
       NULL, NULL, NULL, expired, NULL, NULL, NULL
  FROM order_step
  JOIN unnest(%(members)s::bigint[], %(numbers)s::bigint[]) AS o (m, n)
    ON member_id = o.m AND order_no = o.n
 WHERE member_id = ANY(%(every)s)
 ORDER BY member_id, order_no, no
"""

_KINDS = {str(kind): kind for kind in LineKind}


class OrderUnknown(NotFound):
    """No such order is known."""

    code = "order_unknown"


@dataclass(slots=True)
class OrderRecord:
    """An order as it is stored, moving as the operation decides.

    Args:
        payment_ref, paid_at: None while it is not paid.
        price_minor: what it costs after discounts; points and ``paid_minor`` pay it.
        spent: what points pay: wallet, points, worth; once paid also the entry and the lots drawn
            from, in the order of drawing, and what of it was given back. None without points.
        cart: digest of the cart that was reserved, or paid instead; None where it was brought
            whole.
        reserved_since: when what is reserved was first reserved.
        lapses_at: until when the reservation stands.
        hold_no: how often it was placed by a reservation.
        judged: what a reservation was judged by: whether it was the first order, the member's tags
            and month of birth.
        is_stored: whether it stands in the database already.
        sold: what was bought, line by line, net of discounts; ``amounts``: before them; empty until
            asked for.
        entries: wallet -> {"seq": the credit's number, "lots": {lot number: rule}}.
        lines: with what has been returned of each; empty until asked for.
        steps: (kind, ref) -> (fingerprint, receipt) of what happened since; empty until asked for.
        expired_counted: wallet -> points that expired from the order's lots and were counted
            as taken by earlier returns.
    """

    order_ref: str
    member_id: int
    order_no: int
    payment_ref: str | None
    state: str
    channel: str | None
    program_version: int
    placed_at: datetime
    paid_at: datetime | None = None
    fulfilled_at: datetime | None = None
    price_minor: int = 0
    paid_minor: int = 0
    returned_minor: int = 0
    step_seq: int = 0
    fingerprint: bytes = b""
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    receipt: str = ""
    spent: dict[str, Any] | None = None
    cart: bytes | None = None
    reserved_since: datetime | None = None
    lapses_at: datetime | None = None
    hold_no: int = 0
    judged: dict[str, Any] | None = None
    is_stored: bool = True
    sold: list[Line] = field(default_factory=list)
    amounts: list[int] = field(default_factory=list)
    lines: list[OrderLine] = field(default_factory=list)
    steps: dict[tuple[str, str], tuple[bytes, str]] = field(default_factory=dict)
    expired_counted: dict[str, int] = field(default_factory=dict)

    @property
    def points(self) -> int:
        """Points that pay for it."""
        return 0 if self.spent is None else int(self.spent["points"])

    def is_reserved(self, at: datetime) -> bool:
        """Whether a reservation stands at ``at``: up to, not including, its end (R-14)."""
        stands = self.state == State.RESERVED and self.lapses_at is not None
        return stands and at < self.lapses_at  # type: ignore[operator]

    def state_at(self, at: datetime) -> State:
        """Where it stands at ``at``; a reservation lapses by the clock alone (R-14, R-32)."""
        lapsed = self.state == State.RESERVED and not self.is_reserved(at)
        return State.LAPSED if lapsed else State(self.state)

    def lots_of(self, wallet: str) -> dict[int, str]:
        """The lots the order opened in a wallet, and a rule each was opened for."""
        return {int(lot): rule for lot, rule in self.entries[wallet]["lots"].items()}


def blank_order(order_ref: str, member_id: int, order_no: int, placed_at: datetime) -> OrderRecord:
    """An order that is just being placed."""
    named = (order_ref, member_id, order_no)
    return OrderRecord(*named, None, State.RESERVED, None, 0, placed_at, is_stored=False)


def find_orders(tx: Transaction, order_refs: Collection[str]) -> dict[str, OrderRecord]:
    """The orders of these references, whoever they belong to; without lines and returns."""
    if len(order_refs) == 1:
        rows = tx.fetch(_ONE, tuple(order_refs))
    else:
        rows = tx.fetch(_MANY, (list(order_refs),))
    found = {}
    for row in rows:
        order = OrderRecord(*row)
        order.fingerprint = bytes(order.fingerprint)
        order.cart = None if order.cart is None else bytes(order.cart)
        found[order.order_ref] = order
    return found


def find_order(tx: Transaction, order_ref: str) -> dict[str, OrderRecord]:
    """The order of a reference that is most likely new: a look at the index says so."""
    return find_orders(tx, [order_ref]) if tx.fetch(_KNOWN, (order_ref,)) else {}


def find_likely_order(tx: Transaction, order_ref: str) -> dict[str, OrderRecord]:
    """The order of a reference that is most likely known."""
    return find_orders(tx, [order_ref])


def read_steps(tx: Transaction, orders: Collection[OrderRecord]) -> None:
    """Fill in the lines of these orders and what has happened to them since payment."""
    if not orders:
        return
    by_key = {(order.member_id, order.order_no): order for order in orders}
    asked = {
        "members": [order.member_id for order in orders],
        "numbers": [order.order_no for order in orders],
        "every": sorted({order.member_id for order in orders}),
    }
    for member_id, order_no, fingerprint, *row in tx.fetch(_LINES_AND_STEPS, asked):
        order = by_key[member_id, order_no]
        if fingerprint is None:
            _add_line(order, *row)
        else:
            _, kind, ref, receipt, *_, expired, _, _, _ = row
            _add_step(order, (kind, ref), (bytes(fingerprint), receipt), expired)


def _add_step(
    order: OrderRecord, name: tuple[str, str], told: tuple[bytes, str], expired: dict[str, int]
) -> None:
    order.steps[name] = told
    for wallet, points in expired.items():
        order.expired_counted[wallet] = order.expired_counted.get(wallet, 0) + points


def _add_line(order: OrderRecord, line_no: int, kind: str, *row: Any) -> None:
    sku, category, brand, quantity, amount, price, paid, points, shares, units, num, den = row
    order.sold.append(Line(line_no, _KINDS[kind], sku, category, brand, quantity, price))
    order.amounts.append(amount)
    returned = Fraction(int(num), int(den)) if num else NONE_BACK
    order.lines.append(OrderLine(line_no, quantity, paid, shares, points, units, returned))
