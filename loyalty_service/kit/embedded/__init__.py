"""The embedded PostgreSQL: one class and the two ways it may refuse."""

from loyalty_service.kit.embedded.place import AlreadyRunning, EmbeddedFault
from loyalty_service.kit.embedded.server import EmbeddedPostgres, find_running

__all__ = ["AlreadyRunning", "EmbeddedFault", "EmbeddedPostgres", "find_running"]
