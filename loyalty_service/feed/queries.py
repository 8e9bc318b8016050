"""Reads of what was published."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loyalty_service.feed.rules import WINDOW
from loyalty_service.kit.db import Row
from loyalty_service.kit.paths import OWN_KIND
from loyalty_service.members.rules import PERSONAL

# One statement, so that the end and what lies before it are of one snapshot.
_PAGE = """
SELECT h.position, e.position, e.member_id, e.seq, e.kind, e.occurred_at, e.recorded_at, e.payload,
       (SELECT r.kind || ':' || r.value FROM member_ref r
         WHERE r.member_id = e.member_id AND r.kind <> ALL(%(personal)s)
         ORDER BY r.kind <> %(own)s, r.kind, r.value LIMIT 1)
  FROM feed_head h
  LEFT JOIN LATERAL (
       SELECT * FROM event_published
        WHERE position > %(after)s AND position <= %(until)s {of_kinds}
        ORDER BY position LIMIT %(limit)s) e ON true
 ORDER BY e.position
"""
_ALL = _PAGE.format(of_kinds="")
_OF_KINDS = _PAGE.format(of_kinds="AND kind = ANY(%(kinds)s)")

Fetch = Callable[[str, dict[str, Any]], list[Row]]


@dataclass(frozen=True, slots=True)
class Published:
    """An event as it was published.

    Args:
        member_id: our number of whom it happened to.
        payload: JSON.
        member_ref: what the member is called outside now, by nothing personal; None: nothing.
    """

    position: int
    member_id: int
    seq: int
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    payload: str
    member_ref: str | None


def list_events(
    fetch: Fetch, after: int, kinds: Sequence[str], limit: int
) -> tuple[list[Published], int]:
    """A page of events after a position, and the last position there is.

    Only the next ``WINDOW`` positions are looked at, so that a rare kind costs no more.

    Args:
        kinds: only these; none of them is all.

    Rule: R-80, R-90.
    """
    named: dict[str, Any] = {
        "after": after,
        "until": after + WINDOW,
        "kinds": list(kinds),
        "limit": limit,
        "personal": list(PERSONAL),
        "own": OWN_KIND,
    }
    rows = fetch(_OF_KINDS if kinds else _ALL, named)
    return [Published(*row[1:]) for row in rows if row[1] is not None], rows[0][0]
