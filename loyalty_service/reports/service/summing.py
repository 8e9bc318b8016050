"""Sum the ledger up by day: entry by entry once, in order, beside traffic."""

from dataclasses import dataclass

from loyalty_service.feed.service import publish
from loyalty_service.kit.db import Database, Row, Transaction
from loyalty_service.program.queries import find_newest
from loyalty_service.program.rules.program import Program
from loyalty_service.program.service import Programs
from loyalty_service.reports.queries import lots_text, stream_unsummed
from loyalty_service.reports.rules.sums import Sums

AT_ONCE = 2_000
ROWS_AT_ONCE = 2_000

_LOCK = """
SELECT position, (SELECT f.position FROM feed_head f) FROM report_head FOR UPDATE SKIP LOCKED
"""
_SAVE = "UPDATE report_head SET position = %s"
_ACCOUNT = "INSERT INTO report_account (member_id, wallet, seq, lots, ends_on)"
_ACCOUNT_MOVED = """
ON CONFLICT (member_id, wallet) DO UPDATE SET seq = excluded.seq, lots = excluded.lots,
   ends_on = excluded.ends_on
"""
_DAY = "INSERT INTO report_day AS d (day, wallet, reason, given, taken, entries)"
_DAY_MOVED = """
ON CONFLICT (day, wallet, reason) DO UPDATE SET given = d.given + excluded.given,
   taken = d.taken + excluded.taken, entries = d.entries + excluded.entries
"""
_OPEN = "INSERT INTO report_open AS o (is_month, day, wallet, begins_on, ends_on, points)"
_OPEN_MOVED = """
ON CONFLICT (is_month, day, wallet, begins_on, ends_on)
DO UPDATE SET points = o.points + excluded.points
"""


@dataclass(frozen=True, slots=True)
class Summed:
    """What a run has done.

    Args:
        entries: how many it has summed.
        accounts: how many accounts they were of, counted again with each batch.
    """

    entries: int = 0
    accounts: int = 0


def sum_up(db: Database, *, at_once: int = AT_ONCE) -> Summed:
    """Sum all entries that are not summed yet, batch by batch.

    First all that happened is published. It may be called at any time, by several at once, and be
    killed: a batch of events is one transaction, with the sums, how far each account is summed, and
    how far events are. What comes in meanwhile is summed by the next run, and told by reports at
    once.

    Args:
        at_once: events of a batch, at the most.

    Rule: R-91, R-92.
    """
    publish(db)
    programs = Programs()
    entries = accounts = 0
    while True:
        batch = db.run(lambda tx: _sum_some(tx, programs, at_once))
        if batch is None:
            return Summed(entries, accounts)
        entries, accounts = entries + batch.entries, accounts + batch.accounts


def _sum_some(tx: Transaction, programs: Programs, at_once: int) -> Summed | None:
    """Sum one batch; None where there is none, or another is at it."""
    heads = tx.fetch(_LOCK)
    newest = find_newest(tx.fetch)
    if not heads or newest is None or heads[0][0] >= heads[0][1]:
        return None
    after, end = heads[0]
    until = min(after + at_once, end)
    sums, marks = _add_up(tx, programs.get(tx.fetch, newest.version), (after, until))
    for first in range(0, len(marks), ROWS_AT_ONCE):
        tx.add_rows(_ACCOUNT, marks[first : first + ROWS_AT_ONCE], _ACCOUNT_MOVED)
    totals = [(*key, t.given, t.taken, t.entries) for key, t in sorted(sums.totals.items())]
    tx.add_rows(_DAY, totals, _DAY_MOVED)
    tx.add_rows(_OPEN, [(*change, points) for change, points in sums.changed()], _OPEN_MOVED)
    tx.add(_SAVE, (until,))
    return Summed(sums.entries, len(marks))


def _add_up(tx: Transaction, program: Program, between: tuple[int, int]) -> tuple[Sums, list[Row]]:
    """Everything that is not summed of members of whom something happened between positions."""
    sums, marks = Sums(program.zone), []
    for member_id, wallet, opened, written in stream_unsummed(tx, between):
        seq = sums.add(wallet, opened, written)
        marks.append((member_id, wallet, seq, lots_text(opened), opened.ends_on))
    return sums, marks
