"""Proves that orders and the ledger name each other: no order without its points, and no points
without their order."""

from typing import Any

from loyalty_service.checkout.service.proving_promises import find_promise_faults
from loyalty_service.checkout.service.proving_totals import find_total_faults
from loyalty_service.kit.db import Transaction
from loyalty_service.ledger.rules.report import FAULTS_KEPT
from loyalty_service.ledger.rules.stored import ROW, Fault

FIRST, LAST = -(2**63), 2**63 - 1

_NUMBERS = """
SELECT member_id, m.order_seq, o.count, o.last, m.live_orders, o.live
  FROM (SELECT member_id, order_seq, live_orders FROM member
         WHERE member_id BETWEEN %(first)s AND %(last)s) m
  FULL JOIN (SELECT member_id, count(*) AS count, max(order_no) AS last,
                    count(*) FILTER (WHERE state IN ('paid', 'fulfilled', 'part_returned')) AS live
               FROM order_head WHERE member_id BETWEEN %(first)s AND %(last)s
              GROUP BY member_id) o
 USING (member_id)
 WHERE m.order_seq IS DISTINCT FROM coalesce(o.last, 0) OR o.count <> o.last
    OR m.live_orders IS DISTINCT FROM coalesce(o.live, 0)
 ORDER BY member_id LIMIT %(most)s
"""
_FIRST_MISSING = """
SELECT min(n) FROM generate_series(1, (SELECT count(*) + 1 FROM order_head WHERE member_id = %s)) n
 WHERE NOT EXISTS (SELECT 1 FROM order_head WHERE member_id = %s AND order_no = n)
"""
_INDEX = """
SELECT member_id, order_no, i.order_ref IS NOT NULL, h.order_ref IS NOT NULL
  FROM (SELECT * FROM order_index WHERE member_id BETWEEN %(first)s AND %(last)s) i
  FULL JOIN (SELECT member_id, order_no, order_ref FROM order_head
              WHERE member_id BETWEEN %(first)s AND %(last)s AND opened_again_as IS NULL) h
 USING (member_id, order_no)
 WHERE i.order_ref IS DISTINCT FROM h.order_ref
 ORDER BY member_id, order_no LIMIT %(most)s
"""
_LINES = """
SELECT member_id, order_no, h.paid_minor, l.paid, h.returned_minor, l.returned
  FROM (SELECT member_id, order_no, paid_minor, returned_minor FROM order_head
         WHERE member_id BETWEEN %(first)s AND %(last)s) h
  FULL JOIN (SELECT member_id, order_no, sum(paid_minor) AS paid,
                    sum(div(paid_minor * returned_num, returned_den)) AS returned
               FROM order_line WHERE member_id BETWEEN %(first)s AND %(last)s
              GROUP BY member_id, order_no) l
 USING (member_id, order_no)
 WHERE h.paid_minor IS DISTINCT FROM l.paid OR h.returned_minor IS DISTINCT FROM l.returned
 ORDER BY member_id, order_no LIMIT %(most)s
"""
_STEPS = """
SELECT member_id, order_no, h.step_seq, s.last
  FROM (SELECT member_id, order_no, step_seq FROM order_head
         WHERE member_id BETWEEN %(first)s AND %(last)s) h
  FULL JOIN (SELECT member_id, order_no, count(*) AS count, max(step_no) AS last
               FROM order_step WHERE member_id BETWEEN %(first)s AND %(last)s
              GROUP BY member_id, order_no) s
 USING (member_id, order_no)
 WHERE h.step_seq IS DISTINCT FROM coalesce(s.last, 0) OR s.count <> s.last
 ORDER BY member_id, order_no LIMIT %(most)s
"""
_CREDITS = """
SELECT member_id, wallet, order_no, h.seq, e.seq, h.shares, e.points
  FROM (SELECT o.member_id, o.order_no, w.key AS wallet, (w.value ->> 'seq')::bigint AS seq,
               (SELECT coalesce(sum(s.value::bigint), 0) FROM order_line l,
                       jsonb_each_text(l.shares -> w.key) s
                 WHERE l.member_id = o.member_id AND l.order_no = o.order_no) AS shares
          FROM order_head o, jsonb_each(o.entries) w
         WHERE o.member_id BETWEEN %(first)s AND %(last)s) h
  FULL JOIN (SELECT member_id, wallet, seq, points, source_no AS order_no FROM entry
              WHERE source = 'order' AND reason = 'order_paid' AND kind = 'credit'
                AND member_id BETWEEN %(first)s AND %(last)s) e
 USING (member_id, wallet, order_no)
 WHERE h.seq IS DISTINCT FROM e.seq OR h.shares IS DISTINCT FROM e.points
 ORDER BY member_id, wallet, order_no LIMIT %(most)s
"""


def find_order_faults(tx: Transaction, member_id: int | None) -> list[Fault]:
    """What of orders and limits does not agree with the ledger, the members and each other.

    Some of each kind at the most.

    Args:
        tx: one snapshot of everything (``Database.reading``).
        member_id: only this member; None is all of them.

    Rule: R-11, R-40.
    """
    first, last = (FIRST, LAST) if member_id is None else (member_id, member_id)
    named: Any = {"first": first, "last": last, "most": FAULTS_KEPT}
    return [
        *(_numbers(tx, *row) for row in tx.fetch(_NUMBERS, named)),
        *(_index(*row) for row in tx.fetch(_INDEX, named)),
        *(_lines(*row) for row in tx.fetch(_LINES, named)),
        *(_steps(*row) for row in tx.fetch(_STEPS, named)),
        *(_credits(*row) for row in tx.fetch(_CREDITS, named)),
        *find_total_faults(tx, member_id),
        *find_promise_faults(tx, named),
    ]


def _numbers(tx: Transaction, member_id: int, *row: Any) -> Fault:
    order_seq, count, last, live_orders, live = row
    if order_seq is None:
        return _row(member_id, None, "member", "missing")
    if order_seq == (last or 0) == (count or 0):
        return Fault(member_id, None, "member", {}, "live_orders", live or 0, live_orders)
    if (count or 0) == (last or 0) and order_seq < (last or 0):
        return Fault(member_id, None, "member", {}, "order_seq", last, order_seq)
    ((gone,),) = tx.fetch(_FIRST_MISSING, (member_id, member_id))
    return _row(member_id, gone, "order_head", "missing")


def _index(member_id: int, order_no: int, in_index: bool, in_head: bool) -> Fault:
    # An order's name stands outside the ledger and is not told.
    if in_index and in_head:
        key = {"order_no": order_no}
        return Fault(member_id, None, "order_head", key, "order_ref", "as in order_index", "other")
    return _row(member_id, order_no, "order_head" if in_index else "order_index", "missing")


def _lines(member_id: int, order_no: int, *row: Any) -> Fault:
    paid_minor, paid, returned_minor, returned = row
    if paid_minor is None or paid is None:
        table = "order_head" if paid_minor is None else "order_line"
        return _row(member_id, order_no, table, "missing")
    key = {"order_no": order_no}
    if paid_minor != paid:
        return Fault(member_id, None, "order_head", key, "paid_minor", int(paid), paid_minor)
    found = returned_minor
    return Fault(member_id, None, "order_head", key, "returned_minor", int(returned), found)


def _steps(member_id: int, order_no: int, step_seq: Any, last: Any) -> Fault:
    if step_seq is None:
        return _row(member_id, order_no, "order_head", "missing")
    key = {"order_no": order_no}
    return Fault(member_id, None, "order_head", key, "step_seq", last or 0, step_seq)


def _credits(member_id: int, wallet: str, order_no: int, *row: Any) -> Fault:
    named, seq, shares, points = row
    key = {"order_no": order_no}
    if seq is None:
        return Fault(member_id, wallet, "entry", {"seq": named}, ROW, "present", "missing")
    if named != seq:
        return Fault(member_id, wallet, "order_head", key, "entries", seq, named)
    return Fault(member_id, wallet, "order_line", key, "shares", points, int(shares))


def _row(member_id: int, order_no: int | None, table: str, found: str) -> Fault:
    key = {} if order_no is None else {"order_no": order_no}
    return Fault(member_id, None, table, key, ROW, "present", found)
