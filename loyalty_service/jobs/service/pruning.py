"""Letting go what nobody needs any more: old answers, notices and runs."""

from dataclasses import dataclass
from datetime import timedelta

from loyalty_service.jobs.queries import find_span
from loyalty_service.jobs.rules.counts import Counts
from loyalty_service.jobs.service.turns import Chunk, Known
from loyalty_service.kit.db import Transaction
from loyalty_service.kit.idempotency import forget

KEYS_LIVE = timedelta(days=30)
NOTICES_LIVE = timedelta(days=30)
RUNS_LIVE = timedelta(days=90)
DELETED = 5_000
"""Rows of each kind that one step deletes at the most."""

_FORGET_NOTICES = """
WITH old AS (
    SELECT member_id, wallet, expires_on FROM reminded
     WHERE member_id > %s AND member_id <= %s AND expires_on < %s
     LIMIT %s FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM reminded r USING old
     WHERE r.member_id = old.member_id AND r.wallet = old.wallet AND r.expires_on = old.expires_on
       AND r.member_id > %s AND r.member_id <= %s
    RETURNING 1
)
SELECT count(*) FROM gone
"""
# Of every job the last run stays, and the last that was done.
_FORGET_RUNS = """
WITH old AS (
    SELECT r.job, r.at FROM job_run r
     WHERE r.started_at < %s
       AND EXISTS (SELECT FROM job_run n
                    WHERE n.job = r.job AND n.outcome = 'done' AND n.started_at > r.started_at)
     LIMIT %s FOR UPDATE OF r SKIP LOCKED
), gone AS (
    DELETE FROM job_run r USING old WHERE r.job = old.job AND r.at = old.at RETURNING 1
)
SELECT count(*) FROM gone
"""


@dataclass(frozen=True, slots=True)
class Prune:
    """The step that deletes what is old of the next members; no member has to be locked for it.

    Nobody changes what it deletes: answers and notices of the past are only read. Calls that belong
    to no member have the owner 0, who comes with the first members.

    Args:
        deleted: rows of each kind that one step deletes at the most.
    """

    deleted: int = DELETED

    def __call__(self, tx: Transaction, after: int, size: int, _known: Known, /) -> Chunk | None:
        """Delete what is old of the next members; where there is too much, stay with them."""
        found = find_span(tx, after, size)
        if found is None:
            return None
        (_, to), scanned = found
        span = (after if after else -1, to)
        now, most = tx.now(), self.deleted
        keys = forget(tx, span, now - KEYS_LIVE, most)
        past = (now - NOTICES_LIVE).date()
        notices = int(tx.fetch(_FORGET_NOTICES, (*span, past, most, *span))[0][0])
        runs = 0
        if not after:
            runs = int(tx.fetch(_FORGET_RUNS, (now - RUNS_LIVE, most))[0][0])
        counts = Counts()
        counts.put("keys.forgotten", keys)
        counts.put("notices.forgotten", notices)
        counts.put("runs.forgotten", runs)
        if most in (keys, notices, runs):
            return Chunk(after, 0, 0, counts)
        return Chunk(to, scanned, 0, counts)
