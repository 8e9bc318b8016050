"""The outbox: one row per thing that happened, written in the transaction that made it happen.

A row waits in ``event_waiting`` until it is published: moved to ``event_published`` with a
position. Whoever wants all that happened reads ``event``, which is both of them.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from loyalty_service.kit.db import Transaction
from loyalty_service.kit.frozen import frozen

_INSERT = "INSERT INTO event_waiting (member_id, seq, kind, occurred_at, recorded_at, payload)"
# Of one owner a batch takes the lowest numbers that wait, and gives positions in their order.
# Which instant comes first only decides between owners.
_MOVE = """
WITH picked AS (
    SELECT member_id, seq FROM event_waiting
     WHERE (member_id, seq) > (%(member_id)s, %(seq)s)
     ORDER BY member_id, seq LIMIT %(limit)s
), gone AS (
    DELETE FROM event_waiting w USING picked p
     WHERE w.member_id = p.member_id AND w.seq = p.seq
    RETURNING w.member_id, w.seq, w.kind, w.occurred_at, w.recorded_at, w.payload
), placed AS (
    SELECT *, max(recorded_at) OVER (PARTITION BY member_id ORDER BY seq) AS placed_at FROM gone
), moved AS (
    INSERT INTO event_published (member_id, seq, kind, occurred_at, recorded_at, payload, position)
    SELECT member_id, seq, kind, occurred_at, recorded_at, payload,
           %(position)s + row_number() OVER (ORDER BY placed_at, member_id, seq)
      FROM placed
    RETURNING 1
)
SELECT (SELECT count(*) FROM moved), p.member_id, p.seq
  FROM picked p ORDER BY p.member_id DESC, p.seq DESC LIMIT 1
"""


@frozen
class Happened:
    """One thing that happened; ``seq`` orders the owner's events without a gap."""

    member_id: int
    seq: int
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    payload: dict[str, Any]


class Place(NamedTuple):
    """A place among the events that wait, by owner and number."""

    member_id: int
    seq: int


FRONT = Place(0, 0)


def publish(tx: Transaction, events: Iterable[Happened]) -> None:
    """Add these events to the writes of the transaction."""
    tx.add_rows(
        _INSERT,
        [
            (e.member_id, e.seq, e.kind, e.occurred_at, e.recorded_at, _json(e.payload))
            for e in events
        ],
    )


def move(tx: Transaction, after: Place, limit: int, position: int) -> tuple[int, Place]:
    """Give positions to events that wait, the ones after ``position``, without a gap.

    Whoever calls this holds the lock of all positions, and took it in an earlier statement. An
    owner's events become visible in the order of their numbers, because whoever writes one holds
    the owner's lock until it is committed; so the lowest numbers that are seen are the next ones.

    Args:
        after: only what waits behind this place, owner by owner.
        limit: how many at the most.

    Returns:
        how many were moved, and the place of the last of them.
    """
    named = {"member_id": after.member_id, "seq": after.seq, "limit": limit, "position": position}
    rows = tx.fetch(_MOVE, named)
    if not rows:
        return 0, after
    count, member_id, seq = rows[0]
    return count, Place(member_id, seq)


def _json(payload: dict[str, Any]) -> str:
    return orjson.dumps(payload).decode()
