"""The demo shop's past: sixteen months of members who buy, send back, check in and forget."""

from loyalty_service.cli.history.plan import MEI, plan_history
from loyalty_service.cli.history.telling import is_told, tell_history

__all__ = ["MEI", "is_told", "plan_history", "tell_history"]
