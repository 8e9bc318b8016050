"""Reads of how members came to their tiers."""

from datetime import datetime

from loyalty_service.kit.db import Transaction
from loyalty_service.members.rules import Member
from loyalty_service.tiers.rules.changes import TierChange, changes_of

_AT = """
SELECT to_tier FROM tier_change WHERE member_id = %s AND occurred_at <= %s
 ORDER BY change_no DESC LIMIT 1
"""

# By the key of each table: what it costs does not grow with what happened before the page.
_CHANGES = """
SELECT c.member_id, c.change_no, c.cause, c.from_tier, c.to_tier, c.tier_until, c.grace_until,
       c.program_version, c.occurred_at, c.recorded_at, c.counted::text, e.payload
  FROM (SELECT * FROM tier_change WHERE member_id = %s AND change_no < %s
         ORDER BY change_no DESC LIMIT %s) c
  LEFT JOIN event e ON e.member_id = c.member_id AND e.seq = c.change_no
 ORDER BY c.change_no DESC
"""


def list_changes(
    tx: Transaction, member_id: int, before: int, limit: int
) -> list[tuple[TierChange, str | None]]:
    """What became of a member's tier, newest first, each with what its event says (JSON).

    Args:
        before: only what has a lower number.
        limit: how many at the most.
    """
    rows = tx.fetch(_CHANGES, (member_id, before, limit))
    return [(TierChange(*row), payload) for *row, payload in rows]


def find_tier_at(tx: Transaction, member: Member, instant: datetime) -> str | None:
    """The tier a member had come to by an instant; None before the first change.

    A change that this operation has just decided counts too.
    """
    for change in reversed(changes_of(member)):
        if change.occurred_at <= instant:
            return change.to_tier
    rows = tx.fetch(_AT, (member.member_id, instant))
    return rows[0][0] if rows else None
