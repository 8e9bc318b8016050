"""Finds what events show: missing ones, entries whose event is gone, locks that nobody set."""

from typing import Any

from loyalty_service.kit.db import Transaction
from loyalty_service.ledger.rules.report import FAULTS_KEPT
from loyalty_service.ledger.rules.stored import ROW, Fault

FIRST, LAST = -(2**63), 2**63 - 1

_EVENTS = """
SELECT member_id, m.event_seq, e.count, e.last
  FROM (SELECT member_id, event_seq FROM member WHERE member_id BETWEEN %s AND %s) m
  FULL JOIN (SELECT member_id, count(*) AS count, max(seq) AS last
               FROM event WHERE member_id BETWEEN %s AND %s GROUP BY member_id) e
 USING (member_id)
 WHERE m.event_seq IS DISTINCT FROM coalesce(e.last, 0) OR e.count <> e.last
 ORDER BY member_id LIMIT %s
"""
_FIRST_MISSING = """
SELECT min(n) FROM generate_series(1, (SELECT count(*) + 1 FROM event WHERE member_id = %s)) n
 WHERE NOT EXISTS (SELECT 1 FROM event WHERE member_id = %s AND seq = n)
"""
_NO_EVENT = """
SELECT e.member_id, e.wallet, e.seq, e.source_no
  FROM entry e LEFT JOIN event v ON v.member_id = e.member_id AND v.seq = e.source_no
 WHERE e.source = 'event' AND v.member_id IS NULL AND e.member_id BETWEEN %s AND %s
 ORDER BY e.member_id, e.wallet, e.seq LIMIT %s
"""
_LOCKS = """
SELECT member_id, to_json(m.redemption_locked_since) #>> '{}', to_json(e.since) #>> '{}'
  FROM member m
  LEFT JOIN (SELECT DISTINCT ON (member_id) member_id,
                    CASE kind WHEN 'member.redemption_locked' THEN occurred_at END AS since
               FROM event
              WHERE kind IN ('member.redemption_locked', 'member.redemption_unlocked')
                AND member_id BETWEEN %s AND %s
              ORDER BY member_id, seq DESC) e
 USING (member_id)
 WHERE member_id BETWEEN %s AND %s AND m.redemption_locked_since IS DISTINCT FROM e.since
 ORDER BY member_id LIMIT %s
"""


def find_numbering_faults(tx: Transaction, member_id: int | None) -> list[Fault]:
    """Gaps in members' events, entries from events that do not exist, and locks of points that no
    event tells; at most some of each.

    Args:
        member_id: only this member; None is all of them.

    Rule: R-11, R-82.
    """
    bounds = (FIRST, LAST) if member_id is None else (member_id, member_id)
    faults = [_events(tx, *row) for row in tx.fetch(_EVENTS, (*bounds, *bounds, FAULTS_KEPT))]
    for member, wallet, seq, event_no in tx.fetch(_NO_EVENT, (*bounds, FAULTS_KEPT)):
        found = f"entry {seq} of {wallet} comes from it"
        faults.append(Fault(member, wallet, "event", {"seq": event_no}, ROW, "present", found))
    for member, found, since in tx.fetch(_LOCKS, (*bounds, *bounds, FAULTS_KEPT)):
        faults.append(Fault(member, None, "member", {}, "redemption_locked_since", since, found))
    return faults


def _events(tx: Transaction, member_id: int, event_seq: Any, count: Any, last: Any) -> Fault:
    if event_seq is None:
        return Fault(member_id, None, "member", {}, ROW, "present", "missing")
    if (count or 0) == (last or 0) and event_seq < (last or 0):
        return Fault(member_id, None, "member", {}, "event_seq", last, event_seq)
    ((gone,),) = tx.fetch(_FIRST_MISSING, (member_id, member_id))
    return Fault(member_id, None, "event", {"seq": gone}, ROW, "present", "missing")
