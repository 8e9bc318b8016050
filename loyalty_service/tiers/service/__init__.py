"""Members stand in tiers, and move through them."""

from loyalty_service.tiers.service.moving import (
    NOTHING,
    asked_by_promotion,
    bring_in,
    gift_lots,
    judge,
    move,
    save,
)
from loyalty_service.tiers.service.noticing import notice
from loyalty_service.tiers.service.standing import tell_standing
from loyalty_service.tiers.service.telling import tell_changes, tell_history

__all__ = [
    "NOTHING",
    "asked_by_promotion",
    "bring_in",
    "gift_lots",
    "judge",
    "move",
    "notice",
    "save",
    "tell_changes",
    "tell_history",
    "tell_standing",
]
