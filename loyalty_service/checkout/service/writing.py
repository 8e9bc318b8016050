"""Rows of orders on their way to the database, each table written once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from loyalty_service.checkout.queries import OrderRecord
from loyalty_service.checkout.service.telling import as_json
from loyalty_service.kit.db import Row, Transaction

_INDEX = "INSERT INTO order_index (order_ref, member_id, order_no)"
# The same reference opened again points to its newest chapter.
_INDEX_MOVED = "ON CONFLICT (order_ref) DO UPDATE SET order_no = excluded.order_no"
_HEAD_COLUMNS = (
    "payment_ref",
    "state",
    "channel",
    "program_version",
    "placed_at",
    "paid_at",
    "fulfilled_at",
    "recorded_at",
    "price_minor",
    "paid_minor",
    "returned_minor",
    "step_seq",
    "was_first",
    "fingerprint",
    "entries",
    "receipt",
    "spent",
    "cart",
    "reserved_since",
    "lapses_at",
    "hold_no",
    "judged",
)
_HEAD = f"INSERT INTO order_head (member_id, order_no, order_ref, {', '.join(_HEAD_COLUMNS)})"
_HEAD_AGAIN = "ON CONFLICT (member_id, order_no) DO UPDATE SET " + ", ".join(
    f"{column} = excluded.{column}" for column in _HEAD_COLUMNS
)
_LINE = """
INSERT INTO order_line (member_id, order_no, line_no, kind, sku, category, brand, quantity,
                        amount_minor, price_minor, paid_minor, points, points_minor, shares,
                        returned_units, returned_num, returned_den)
"""
# As one JSON text: most rows by far are lines, and as VALUES they took half of a batch's time.
# Of only a few lines the JSON costs the server half as much again as VALUES.
_MANY_LINES = """
SELECT m, o, n, k, s, c, b, q, a, w, p, v, t, h, 0, 0, 1
  FROM json_to_recordset(%s) AS v (m bigint, o bigint, n integer, k text, s text, c text, b text,
                                   q bigint, a bigint, w bigint, p bigint, v bigint, t bigint,
                                   h jsonb)
"""
_LINE_NAMES = "monkscbqawpvth"
"""A letter for each value of ``Writing.lines``, in the order of ``_LINE`` and ``_MANY_LINES``."""
FEW_LINES = 20
_LINES_GONE = "DELETE FROM order_line WHERE member_id = %s AND order_no = %s"
_LINES_EARNED = "UPDATE order_line SET shares = v.shares::jsonb FROM ("
_LINES_EARNED_BY = """) AS v (member_id, order_no, line_no, shares)
 WHERE order_line.member_id = v.member_id AND order_line.order_no = v.order_no
   AND order_line.line_no = v.line_no
"""
_HEAD_MOVED = """
UPDATE order_head SET state = v.state, fulfilled_at = v.fulfilled_at::timestamptz,
       returned_minor = v.returned_minor, step_seq = v.step_seq,
       lapses_at = v.lapses_at::timestamptz
  FROM ("""
_HEAD_MOVED_BY = """) AS v (member_id, order_no, state, fulfilled_at, returned_minor, step_seq,
                            lapses_at)
 WHERE order_head.member_id = v.member_id AND order_head.order_no = v.order_no
"""
_CHAPTER_ENDED = """
UPDATE order_head SET opened_again_as = %s WHERE member_id = %s AND order_no = %s
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
class Writing:
    """What an operation decided of orders; lines as ``_MANY_LINES`` reads them.

    Args:
        new: heads to be inserted; ``again``: heads that are written over, unpaid ones placed anew.
        index: names of new orders; ``index_moved``: names that mean a new chapter from now on.
        ended: (new chapter, member, old chapter).
        lines: to be inserted, their shares last; ``lines_gone``: orders whose lines are
            deleted before; ``lines_earned``: what lines that stay have earned.
        steps: rows to be inserted.
        changed: orders whose head is to be updated; ``lines_moved``: their lines that moved.
    """

    new: list[Row] = field(default_factory=list)
    again: list[Row] = field(default_factory=list)
    index: list[Row] = field(default_factory=list)
    index_moved: list[Row] = field(default_factory=list)
    ended: list[Row] = field(default_factory=list)
    lines: list[Row] = field(default_factory=list)
    lines_gone: list[Row] = field(default_factory=list)
    lines_earned: list[Row] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)
    changed: dict[str, OrderRecord] = field(default_factory=dict)
    lines_moved: dict[tuple[int, int, int], Row] = field(default_factory=dict)

    def write(self, tx: Transaction) -> None:
        """Add all of it to the writes of the transaction."""
        # In one order, or two batches that name the same orders could wait for each other.
        tx.add_rows(_INDEX, sorted(self.index))
        tx.add_rows(_INDEX, self.index_moved, _INDEX_MOVED)
        for row in self.ended:
            tx.add(_CHAPTER_ENDED, row)
        tx.add_rows(_HEAD, self.new)
        tx.add_rows(_HEAD, self.again, _HEAD_AGAIN)
        for row in self.lines_gone:
            tx.add(_LINES_GONE, row)
        _write_lines(tx, self.lines)
        tx.add_rows(_LINES_EARNED, self.lines_earned, _LINES_EARNED_BY)
        tx.add_rows(_HEAD_MOVED, [_moved(o) for o in self.changed.values()], _HEAD_MOVED_BY)
        tx.add_rows(_LINE_MOVED, [(*k, *v) for k, v in self.lines_moved.items()], _LINE_MOVED_BY)
        tx.add_rows(_STEP, self.steps)


def _write_lines(tx: Transaction, lines: Sequence[Row]) -> None:
    if len(lines) > FEW_LINES:
        named = [dict(zip(_LINE_NAMES, line, strict=True)) for line in lines]
        tx.add(_LINE + _MANY_LINES, (as_json(named),))
    else:
        rows = [(*line[:-1], as_json(line[-1]), 0, 0, 1) for line in lines]
        tx.add_rows(_LINE, rows)


def _moved(order: OrderRecord) -> Row:
    return (
        order.member_id,
        order.order_no,
        str(order.state),
        order.fulfilled_at,
        order.returned_minor,
        order.step_seq,
        order.lapses_at,
    )
