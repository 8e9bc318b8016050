"""What may happen to a member's tier."""

from datetime import datetime
from enum import StrEnum

from loyalty_service.kit.frozen import frozen
from loyalty_service.members.rules import Standing
from loyalty_service.tiers.rules.qualifying import Tally


class Move(StrEnum):
    """What happened to a member's tier (R-54)."""

    PROMOTED = "promoted"
    KEPT = "kept"
    GRACE_BEGAN = "grace_began"
    DEMOTED = "demoted"
    UNDONE = "undone"
    TERM_BEGAN = "term_began"
    REPLACED = "replaced"
    IMPORTED = "imported"


@frozen
class Change:
    """One step of a member through the tiers.

    Args:
        index: the place of the tier that stands from now on.
        instant: when it came about (UTC).
        tally: what the tier that was judged asks for, and what there was; None: nothing is asked.
    """

    move: Move
    index: int
    instant: datetime
    standing: Standing
    tally: Tally | None = None
