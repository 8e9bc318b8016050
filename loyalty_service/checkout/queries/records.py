"""Reads of orders: whose they are, what they hold, and what has come back."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from loyalty_service.checkout.rules.returns import OrderLine
from loyalty_service.kit.db import Transaction
from loyalty_service.kit.errors import NotFound

_ORDERS = """
SELECT i.order_ref, i.member_id, i.order_no, h.payment_ref, h.state, h.program_version,
       h.placed_at, h.fulfilled_at, h.paid_minor, h.returned_minor, h.step_seq, h.fingerprint,
       h.entries, h.receipt
  FROM order_index i
  LEFT JOIN order_head h ON h.member_id = i.member_id AND h.order_no = i.order_no
"""
_KNOWN = "SELECT 1 FROM order_index WHERE order_ref = %s"
_ONE = _ORDERS + "WHERE i.order_ref = %s"
_MANY = _ORDERS + "WHERE i.order_ref = ANY(%s)"
_LINES = """
SELECT member_id, order_no, line_no, quantity, paid_minor, shares, returned_units, returned_num,
       returned_den
  FROM order_line
  JOIN unnest(%s::bigint[], %s::bigint[]) AS o (m, n) ON member_id = o.m AND order_no = o.n
 WHERE member_id = ANY(%s)
 ORDER BY member_id, order_no, line_no
"""
_STEPS = """
SELECT member_id, order_no, kind, ref, fingerprint, expired, receipt
  FROM order_step
  JOIN unnest(%s::bigint[], %s::bigint[]) AS o (m, n) ON member_id = o.m AND order_no = o.n
 WHERE member_id = ANY(%s)
 ORDER BY member_id, order_no, step_no
"""


class OrderUnknown(NotFound):
    """No such order is known."""

    code = "order_unknown"


@dataclass(slots=True)
class OrderRecord:
    """An order as it is stored, moving as the operation decides.

    Args:
        entries: wallet -> {"seq": the credit's number, "lots": {lot number: rule}}.
        lines: with what has been returned of each; empty until asked for.
        steps: (kind, ref) -> (fingerprint, receipt) of what happened since; empty until asked for.
        expired_counted: wallet -> points that expired from the order's lots and were counted
            as taken by earlier returns.
    """

    order_ref: str
    member_id: int
    order_no: int
    payment_ref: str
    state: str
    program_version: int
    placed_at: datetime
    fulfilled_at: datetime | None
    paid_minor: int
    returned_minor: int
    step_seq: int
    fingerprint: bytes
    entries: dict[str, dict[str, Any]]
    receipt: str
    lines: list[OrderLine] = field(default_factory=list)
    steps: dict[tuple[str, str], tuple[bytes, str]] = field(default_factory=dict)
    expired_counted: dict[str, int] = field(default_factory=dict)

    def lots_of(self, wallet: str) -> dict[int, str]:
        """The lots the order opened in a wallet, and a rule each was opened for."""
        return {int(lot): rule for lot, rule in self.entries[wallet]["lots"].items()}


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
        found[order.order_ref] = order
    return found


def find_order(tx: Transaction, order_ref: str) -> dict[str, OrderRecord]:
    """The order of a reference that is most likely new: a look at the index says so."""
    return find_orders(tx, [order_ref]) if tx.fetch(_KNOWN, (order_ref,)) else {}


def read_steps(tx: Transaction, orders: Collection[OrderRecord]) -> None:
    """Fill in the lines of these orders and what has happened to them since payment."""
    if not orders:
        return
    by_key = {(order.member_id, order.order_no): order for order in orders}
    keys = (
        [order.member_id for order in orders],
        [order.order_no for order in orders],
        sorted({order.member_id for order in orders}),
    )
    for member_id, order_no, line_no, quantity, paid, shares, units, num, den in tx.fetch(
        _LINES, keys
    ):
        line = OrderLine(line_no, quantity, paid, shares, units, Fraction(int(num), int(den)))
        by_key[member_id, order_no].lines.append(line)
    for member_id, order_no, kind, ref, fingerprint, expired, receipt in tx.fetch(_STEPS, keys):
        order = by_key[member_id, order_no]
        order.steps[kind, ref] = (bytes(fingerprint), receipt)
        for wallet, points in expired.items():
            order.expired_counted[wallet] = order.expired_counted.get(wallet, 0) + points
