"""Reads of how members came to their tiers."""

from datetime import datetime

from loyalty_service.kit.db import Transaction
from loyalty_service.members.rules import Member
from loyalty_service.tiers.rules.changes import changes_of

_AT = """
SELECT to_tier FROM tier_change WHERE member_id = %s AND occurred_at <= %s
 ORDER BY change_no DESC LIMIT 1
"""


def find_tier_at(tx: Transaction, member: Member, instant: datetime) -> str | None:
    """The tier a member had come to by an instant; None before the first change.

    A change that this operation has just decided counts too.
    """
    for change in reversed(changes_of(member)):
        if change.occurred_at <= instant:
            return change.to_tier
    rows = tx.fetch(_AT, (member.member_id, instant))
    return rows[0][0] if rows else None
