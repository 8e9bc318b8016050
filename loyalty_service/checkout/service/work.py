"""What one checkout operation read, decides on and will write, for one member or many."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from loyalty_service.checkout.queries import OrderRecord
from loyalty_service.checkout.rules.cart import Order
from loyalty_service.checkout.rules.steps import State
from loyalty_service.earning import service as earning
from loyalty_service.earning.queries import Totals
from loyalty_service.earning.rules.facts import Line
from loyalty_service.kit.db import Row, Transaction
from loyalty_service.ledger.service import Books
from loyalty_service.members.rules import Member

_INDEX = "INSERT INTO order_index (order_ref, member_id, order_no)"
_HEAD = """
INSERT INTO order_head (member_id, order_no, order_ref, payment_ref, state, channel,
                        program_version, placed_at, paid_at, fulfilled_at, recorded_at,
                        paid_minor, returned_minor, step_seq, was_first, fingerprint, entries,
                        receipt)
"""
_LINE = """
INSERT INTO order_line (member_id, order_no, line_no, kind, sku, category, brand, quantity,
                        amount_minor, paid_minor, shares, returned_units, returned_num,
                        returned_den)
"""
# As one JSON text: most rows by far are lines, and as VALUES they took half of a batch's time.
# Of only a few lines the JSON costs the server half as much again as VALUES.
_MANY_LINES = """
SELECT m, o, n, k, s, c, b, q, a, p, h, 0, 0, 1
  FROM json_to_recordset(%s) AS v (m bigint, o bigint, n integer, k text, s text, c text, b text,
                                   q bigint, a bigint, p bigint, h jsonb)
"""
FEW_LINES = 20
_HEAD_MOVED = """
UPDATE order_head SET state = v.state, fulfilled_at = v.fulfilled_at::timestamptz,
       returned_minor = v.returned_minor, step_seq = v.step_seq
  FROM ("""
_HEAD_MOVED_BY = """) AS v (member_id, order_no, state, fulfilled_at, returned_minor, step_seq)
 WHERE order_head.member_id = v.member_id AND order_head.order_no = v.order_no
"""
_LINE_MOVED = """
UPDATE order_line SET returned_units = v.units, returned_num = v.num, returned_den = v.den
  FROM ("""
_LINE_MOVED_BY = """) AS v (member_id, order_no, line_no, units, num, den)
 WHERE order_line.member_id = v.member_id AND order_line.order_no = v.order_no
   AND order_line.line_no = v.line_no
"""
_STEP = """
INSERT INTO order_step (member_id, order_no, step_no, kind, ref, occurred_at, recorded_at,
                        money_minor, fingerprint, expired, receipt)
"""


@dataclass(slots=True)
class Work:
    """The facts of one operation, moving as it decides; written once at the end.

    Args:
        books: the locked members and their accounts.
        orders: the orders asked about, by reference.
        totals: what calendar caps have used up.
        new_heads, new_lines, steps: rows to be inserted; lines as ``_MANY_LINES`` reads them.
        expired: (member, wallet, lot) -> points of the orders' own lots that had expired unspent
            when the facts were read.
        changed: orders whose head is to be updated; ``moved_lines``: their lines that moved.
        touched: the members for whom anything was decided.
    """

    books: Books
    orders: dict[str, OrderRecord] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)
    new_heads: list[Row] = field(default_factory=list)
    new_lines: list[dict[str, Any]] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)
    changed: dict[str, OrderRecord] = field(default_factory=dict)
    expired: dict[tuple[int, str, int], int] = field(default_factory=dict)
    moved_lines: dict[tuple[int, int, int], Row] = field(default_factory=dict)
    touched: dict[int, Member] = field(default_factory=dict)

    def add_order(
        self,
        record: OrderRecord,
        sent: Order,
        lines: Sequence[Line],
        recorded_at: datetime,
        *,
        was_first: bool,
    ) -> None:
        """Add a new order with its lines; later steps of the same operation find it."""
        self.orders[record.order_ref] = record
        key = (record.member_id, record.order_no)
        self.new_heads.append(
            (
                *key,
                record.order_ref,
                record.payment_ref,
                str(record.state),
                sent.channel,
                record.program_version,
                record.placed_at,
                record.placed_at,
                record.fulfilled_at,
                recorded_at,
                record.paid_minor,
                0,
                0,
                was_first,
                record.fingerprint,
                as_json(record.entries),
                record.receipt,
            )
        )
        for line, as_sent, paid in zip(lines, sent.lines, record.lines, strict=True):
            self.new_lines.append(
                {
                    "m": record.member_id,
                    "o": record.order_no,
                    "n": line.line_no,
                    "k": line.kind.value,
                    "s": line.sku,
                    "c": line.category,
                    "b": line.brand,
                    "q": line.quantity,
                    "a": as_sent.amount_minor,
                    "p": line.paid_minor,
                    "h": paid.shares,
                }
            )

    def write(self) -> None:
        """Add everything that was decided to the writes of the transaction."""
        tx = self.books.tx
        self.books.write(self.touched.values())
        earning.save(tx, self.totals)
        _write_new(tx, self.new_heads, self.new_lines)
        tx.add_rows(_HEAD_MOVED, [_moved(o) for o in self.changed.values()], _HEAD_MOVED_BY)
        tx.add_rows(_LINE_MOVED, [(*k, *v) for k, v in self.moved_lines.items()], _LINE_MOVED_BY)
        tx.add_rows(_STEP, self.steps)


def _write_new(tx: Transaction, heads: Sequence[Row], lines: Sequence[dict[str, Any]]) -> None:
    # In one order, or two batches that name the same orders could wait for each other.
    tx.add_rows(_INDEX, sorted((order_ref, member, no) for member, no, order_ref, *_ in heads))
    tx.add_rows(_HEAD, heads)
    if len(lines) > FEW_LINES:
        tx.add(_LINE + _MANY_LINES, (as_json(lines),))
    else:
        tx.add_rows(_LINE, [_line(**line) for line in lines])


def _line(h: Any, **line: Any) -> Row:
    return (*line.values(), as_json(h), 0, 0, 1)


def _moved(order: OrderRecord) -> Row:
    return (
        order.member_id,
        order.order_no,
        str(order.state),
        order.fulfilled_at,
        order.returned_minor,
        order.step_seq,
    )


def as_json(value: Any) -> str:
    """The one JSON text of a value, stored and sent."""
    return orjson.dumps(value).decode()


def instant_text(instant: datetime | None) -> str | None:
    """RFC 3339 in UTC, or None."""
    return None if instant is None else instant.isoformat().replace("+00:00", "Z")


def state_of(order: OrderRecord, *, all_back: bool, cancelled: bool = False) -> State:
    """Where an order stands after a return or a fulfilment."""
    if all_back:
        return State.CANCELLED if cancelled else State.RETURNED
    if order.returned_minor or any(line.returned for line in order.lines):
        return State.PART_RETURNED
    return State.PAID if order.fulfilled_at is None else State.FULFILLED
