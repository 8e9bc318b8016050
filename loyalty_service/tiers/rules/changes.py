"""Changes of tier as they are written."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from loyalty_service.members.rules import Member


class TierChange(NamedTuple):
    """A row of ``tier_change``: one step of a member through the tiers (R-54).

    Args:
        from_tier: None where nobody had put the member in a tier yet.
        counted: what was asked and what there was, as JSON.
    """

    member_id: int
    change_no: int
    cause: str
    from_tier: str | None
    to_tier: str
    tier_until: datetime | None
    grace_until: datetime | None
    program_version: int
    occurred_at: datetime
    recorded_at: datetime
    counted: str


def changes_of(member: Member) -> Sequence[TierChange]:
    """What this operation has changed of a member's tier so far, in its order."""
    return [TierChange(*row) for row in member.tier_changes]
