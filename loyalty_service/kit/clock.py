"""One clock, injected: every operation takes its time from here (R-05)."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the present instant, in UTC with microseconds."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SettableClock:
    """A clock that stands still until it is told otherwise, for tests and dry runs."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def set(self, instant: datetime) -> None:
        """Jump to ``instant``, forwards or backwards."""
        self._now = instant.astimezone(UTC)

    def advance(self, step: timedelta) -> None:
        """Move forward by ``step``."""
        self._now += step
