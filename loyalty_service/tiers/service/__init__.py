"""Members stand in tiers, and move through them."""

from loyalty_service.tiers.service.moving import NOTHING, bring_in, judge, move, save
from loyalty_service.tiers.service.standing import tell_standing

__all__ = ["NOTHING", "bring_in", "judge", "move", "save", "tell_standing"]
