"""Members stand in tiers, and move through them."""

from loyalty_service.tiers.service.moving import NOTHING, judge, move, save
from loyalty_service.tiers.service.standing import tell_standing

__all__ = ["NOTHING", "judge", "move", "save", "tell_standing"]
