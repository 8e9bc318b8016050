"""Publish what happened: every event once, with the next position."""

from loyalty_service.kit.db import Database, Transaction
from loyalty_service.kit.outbox import FRONT, Place, move

AT_ONCE = 5_000
MOST = 500_000

# Whoever finds another at it leaves it to them. The row is read as it was last committed.
_LOCK = "SELECT position, member_id, seq FROM feed_head FOR UPDATE SKIP LOCKED"
_SAVE = "UPDATE feed_head SET position = %s, member_id = %s, seq = %s"


def publish(db: Database, *, at_once: int = AT_ONCE, most: int = MOST) -> int:
    """Publish the events that wait, batch by batch; call it again every few seconds.

    Several may do so at once, and any of them may be killed: a batch is one transaction.

    Args:
        at_once: events of a batch, at the most.
        most: events of one call, at the most; the next call goes on from there.

    Returns:
        how many events this call has published.

    Rule: R-90.
    """
    published, is_done = 0, False
    while published < most and not is_done:
        limit = min(at_once, most - published)
        count, is_done = db.run(lambda tx, limit=limit: _publish_some(tx, limit))  # type: ignore[misc]
        published += count
    return published


def _publish_some(tx: Transaction, limit: int) -> tuple[int, bool]:
    """Publish one batch; whether that were all that waited when it was looked."""
    rows = tx.fetch(_LOCK)
    if not rows:
        return 0, True
    position, *place = rows[0]
    after = Place(*place)
    # A statement of its own: it sees what was committed before the lock was ours.
    count, last = move(tx, after, limit, position)
    # Where more waits than a batch holds, the next goes on behind it, round and round: nobody
    # waits for ever because others have lower numbers.
    has_ended = count < limit
    if count or after != FRONT:
        tx.add(_SAVE, (position + count, *(FRONT if has_ended else last)))
    return count, has_ended and after == FRONT
