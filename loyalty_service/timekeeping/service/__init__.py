"""What time brings to members, whoever asks."""

from loyalty_service.timekeeping.service.bringing import CLOCK, Timekeeping

__all__ = ["CLOCK", "Timekeeping"]
