"""What other systems are told: the kinds of events there are, and where a page of them ends."""

import re
from collections.abc import Sequence

from loyalty_service.kit.errors import Malformed

KINDS = (
    "member.enrolled",
    "member.amended",
    "member.redemption_locked",
    "member.redemption_unlocked",
    "points.adjusted",
    "points.end_changed",
    "points.expired",
    "points.expiring",
    "points.moved",
    "points.opened",
    "points.received",
    "points.sent",
    "order.reserved",
    "order.released",
    "order.paid",
    "order.fulfilled",
    "order.part_returned",
    "order.returned",
    "order.cancelled",
    "standing.near_next",
    "tier.promoted",
    "tier.kept",
    "tier.grace_began",
    "tier.demoted",
    "tier.undone",
    "tier.term_began",
    "tier.replaced",
    "tier.imported",
)
OF_MEMBER = "member.<event>"
"""Whatever the shop calls what a member did: ``member.check_in``, ``member.review``."""
OF_MEMBER_PATTERN = r"member\.[a-z][a-z0-9_]{0,39}"
WINDOW = 20_000
"""How many positions one page looks at, at the most."""

_OF_MEMBER = re.compile(OF_MEMBER_PATTERN)


class EventKindUnknown(Malformed):
    """Nothing of this kind ever happens; the values list the kinds there are."""

    code = "event_kind_unknown"


def check_kinds(kinds: Sequence[str]) -> None:
    """Refuse a kind that no event ever has.

    What members do bears the names that the shop gives it, so any such name may come.

    Raises:
        EventKindUnknown: as said.

    Rule: R-90.
    """
    for kind in kinds:
        if kind not in KINDS and not _OF_MEMBER.fullmatch(kind):
            raise EventKindUnknown(
                "No event is of this kind.", path="kinds", asked=kind, kinds=[*KINDS, OF_MEMBER]
            )


def next_after(after: int, end: int, found: Sequence[int], limit: int) -> int:
    """The position that the next page begins after.

    Args:
        after: what this page began after.
        end: the last position there is.
        found: the positions on this page, ascending.
        limit: the most that could be on it.

    Rule: R-90.
    """
    if len(found) == limit:
        return found[-1]
    # All that was looked at held nothing more; never back, whatever was asked for.
    return max(after, min(after + WINDOW, end))
