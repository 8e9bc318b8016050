"""Reads of how members came to their tiers."""

from datetime import datetime
from typing import Any, NamedTuple

from loyalty_service.kit.db import Transaction
from loyalty_service.members.rules import Member
from loyalty_service.tiers.rules.changes import changes_of

_AT = """
SELECT to_tier FROM tier_change WHERE member_id = %s AND occurred_at <= %s
 ORDER BY change_no DESC LIMIT 1
"""

# By the key of each table: what it costs does not grow with what happened before the page.
_CHANGES = """
SELECT c.change_no, c.cause, c.from_tier, c.to_tier, c.tier_until, c.grace_until,
       c.program_version, c.occurred_at, c.recorded_at, c.counted, e.payload
  FROM (SELECT * FROM tier_change WHERE member_id = %s AND change_no < %s
         ORDER BY change_no DESC LIMIT %s) c
  LEFT JOIN event e ON e.member_id = c.member_id AND e.seq = c.change_no
 ORDER BY c.change_no DESC
"""


class ChangeRow(NamedTuple):
    """A row of ``tier_change`` with what its event says (JSON)."""

    change_no: int
    cause: str
    from_tier: str | None
    to_tier: str
    tier_until: datetime | None
    grace_until: datetime | None
    program_version: int
    occurred_at: datetime
    recorded_at: datetime
    counted: list[dict[str, Any]]
    payload: str | None


def list_changes(tx: Transaction, member_id: int, before: int, limit: int) -> list[ChangeRow]:
    """What became of a member's tier, newest first.

    Args:
        before: only what has a lower number.
        limit: how many at the most.
    """
    return [ChangeRow(*row) for row in tx.fetch(_CHANGES, (member_id, before, limit))]


def find_tier_at(tx: Transaction, member: Member, instant: datetime) -> str | None:
    """The tier a member had come to by an instant; None before the first change.

    A change that this operation has just decided counts too.
    """
    for change in reversed(changes_of(member)):
        if change.occurred_at <= instant:
            return change.to_tier
    rows = tx.fetch(_AT, (member.member_id, instant))
    return rows[0][0] if rows else None
