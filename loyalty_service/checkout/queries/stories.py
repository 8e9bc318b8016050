"""An order as a support agent reads it: cart, shares, what happened since, every entry."""

from fractions import Fraction
from typing import Any

import orjson

from loyalty_service.checkout.queries.records import OrderUnknown
from loyalty_service.checkout.rules.returns import OrderLine
from loyalty_service.kit.db import Row, Transaction
from loyalty_service.kit.fields import instant_text
from loyalty_service.ledger.queries import list_entries_of_order
from loyalty_service.members.queries import get_member, list_refs
from loyalty_service.members.rules import PERSONAL, Ref

_HEAD = """
SELECT h.member_id, h.order_no, h.payment_ref, h.state, h.channel, h.program_version,
       h.placed_at, h.fulfilled_at, h.recorded_at, h.paid_minor, h.returned_minor, h.receipt
  FROM order_index i
  JOIN order_head h ON h.member_id = i.member_id AND h.order_no = i.order_no
 WHERE i.order_ref = %s
"""
_LINES = """
SELECT line_no, kind, sku, category, brand, quantity, amount_minor, paid_minor, shares,
       returned_units, returned_num, returned_den
  FROM order_line WHERE member_id = %s AND order_no = %s ORDER BY line_no
"""
_STEPS = """
SELECT kind, ref, occurred_at, recorded_at, receipt
  FROM order_step WHERE member_id = %s AND order_no = %s ORDER BY step_no
"""


def get_story(tx: Transaction, order_ref: str, ref: Ref | None) -> dict[str, Any]:
    """All that is known of an order, JSON-ready.

    Args:
        ref: the member it must belong to; None for whoever it belongs to.

    Raises:
        MemberUnknown: no member has that reference.
        OrderUnknown: no such order, or not this member's.
    """
    owner_id = None if ref is None else get_member(tx, ref).member_id
    rows = tx.fetch(_HEAD, (order_ref,))
    if not rows or owner_id not in (None, rows[0][0]):
        raise OrderUnknown("No such order is known.", path="order_ref", asked=order_ref)
    member_id, order_no, payment_ref, state, channel, version, *rest = rows[0]
    placed_at, fulfilled_at, recorded_at, paid_minor, returned_minor, receipt = rest
    key = (member_id, order_no)
    told = orjson.loads(receipt)
    currency = told["paid"]["currency"]
    return {
        "order_ref": order_ref,
        "member_ref": _public_name(list_refs(tx, member_id)),
        "payment_ref": payment_ref,
        "state": state,
        "channel": channel,
        "program_version": version,
        "placed_at": instant_text(placed_at),
        "fulfilled_at": None if fulfilled_at is None else instant_text(fulfilled_at),
        "recorded_at": instant_text(recorded_at),
        "paid": _money(paid_minor, currency),
        "returned": _money(returned_minor, currency),
        "lines": [_line(row, currency) for row in tx.fetch(_LINES, key)],
        "receipt": told,
        "steps": [_step(row) for row in tx.fetch(_STEPS, key)],
        "entries": [entry.told() for entry in list_entries_of_order(tx, *key)],
    }


def _public_name(refs: list[Ref]) -> str | None:
    own = next((ref for ref in refs if ref.kind not in PERSONAL), None)
    return None if own is None else f"{own.kind}:{own.value}"


def _money(amount_minor: int, currency: str) -> dict[str, Any]:
    return {"amount": amount_minor, "currency": currency}


def _line(row: Row, currency: str) -> dict[str, Any]:
    line_no, kind, sku, category, brand, quantity, amount, paid, shares, units, num, den = row
    line = OrderLine(line_no, quantity, paid, shares, units, Fraction(int(num), int(den)))
    return {
        "line": line_no,
        "kind": kind,
        "sku": sku,
        "category": category,
        "brand": brand,
        "quantity": quantity,
        "amount": _money(amount, currency),
        "paid": _money(paid, currency),
        "earned": shares,
        "returned_units": units,
        "returned": _money(line.returned_minor, currency),
    }


def _step(row: Row) -> dict[str, Any]:
    kind, ref, occurred_at, recorded_at, receipt = row
    return {
        "step": kind,
        "ref": ref or None,
        "occurred_at": instant_text(occurred_at),
        "recorded_at": instant_text(recorded_at),
        "receipt": orjson.loads(receipt),
    }
