"""Instants as text, the same wherever one is told."""

from datetime import UTC, datetime
from functools import lru_cache


def instant_text(instant: datetime) -> str:
    """An aware instant as RFC 3339 in UTC with Z; microseconds only where there are any (R-04)."""
    # Not before it is in UTC: of an hour that clocks show twice both are equal.
    return _text(instant if instant.tzinfo is UTC else instant.astimezone(UTC))


def instant_or_none(instant: datetime | None) -> str | None:
    """The text of an instant, or None where there is none."""
    return None if instant is None else instant_text(instant)


# An operation tells the same few again and again.
@lru_cache(maxsize=4_096)
def _text(instant: datetime) -> str:
    return f"{instant.isoformat().removesuffix('+00:00')}Z"
