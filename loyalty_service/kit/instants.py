"""Instants as text, the same wherever one is told."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache


def _text(instant: datetime) -> str:
    return f"{instant.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"


# An operation tells the same few again and again.
instant_text: Callable[[datetime], str] = lru_cache(maxsize=4_096)(_text)
"""RFC 3339 of any aware instant, in UTC with Z; microseconds only where there are any (R-04)."""


def instant_or_none(instant: datetime | None) -> str | None:
    """The same where there may be none."""
    return None if instant is None else instant_text(instant)
