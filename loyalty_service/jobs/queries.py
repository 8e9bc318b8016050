"""Reads of the jobs: who is due, what ends soon, and what runs did.

A range of members stands on every table of a statement: a range is not carried through a join.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any

from loyalty_service.jobs.rules.reminding import Ending
from loyalty_service.jobs.rules.runs import Run
from loyalty_service.kit.db import Transaction
from loyalty_service.ledger.queries.ends import LOT_END
from loyalty_service.ledger.rules.lots import Lot

Fetch = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
Span = tuple[int, int]
"""Members by number: after the first, up to the second, itself included."""

_SPAN = """
SELECT max(member_id), count(*) FROM (
    SELECT member_id FROM member WHERE member_id > %s ORDER BY member_id LIMIT %s) AS next
"""
_COUNT_SPAN = "SELECT count(*) FROM member WHERE member_id > %s AND member_id <= %s"
_DUE = """
SELECT m.member_id
  FROM member m
  JOIN (SELECT member_id FROM lot
         WHERE member_id > %(after)s AND member_id <= %(to)s AND expires_at <= %(at)s
        UNION
        SELECT a.member_id FROM account a
          JOIN lot l ON l.member_id = a.member_id AND l.wallet = a.wallet
         WHERE a.member_id > %(after)s AND a.member_id <= %(to)s
           AND l.member_id > %(after)s AND l.member_id <= %(to)s
           AND a.ends_at <= %(at)s AND l.expires_at IS NULL AND l.active_at IS NOT NULL
        UNION
        SELECT member_id FROM hold
         WHERE member_id > %(after)s AND member_id <= %(to)s
           AND ended_at IS NULL AND lapses_at <= %(at)s
        UNION
        SELECT member_id FROM member
         WHERE member_id > %(after)s AND member_id <= %(to)s
           AND (due_at <= %(at)s OR due_by < %(version)s)
       ) AS due ON due.member_id = m.member_id
 WHERE m.member_id > %(after)s AND m.member_id <= %(to)s AND m.caught_up_to <= %(at)s
 ORDER BY m.member_id LIMIT %(most)s
"""
_ENDING = """
SELECT member_id, wallet, lot_seq, order_no, opened, remaining, active_at, ends_at
  FROM (SELECT l.*, <end> AS ends_at FROM lot l
          JOIN account a ON a.member_id = l.member_id AND a.wallet = l.wallet
         WHERE l.member_id > %(after)s AND l.member_id <= %(to)s
           AND a.member_id > %(after)s AND a.member_id <= %(to)s
           AND l.active_at <= %(at)s) AS alive
 WHERE ends_at > %(at)s AND ends_at <= %(until)s
""".replace("<end>", LOT_END)
_REMINDED = "SELECT member_id, wallet, expires_on, notice FROM reminded WHERE "
_REMINDED_SPAN = _REMINDED + "member_id > %s AND member_id <= %s AND expires_on >= %s"
_REMINDED_MANY = _REMINDED + "member_id = ANY(%s) AND expires_on >= %s"

_RUN = """
SELECT job, at, starts, started_at, moved_at, ended_at, outcome, fault, done_to, scanned, members,
       counts FROM job_run
"""
_ONE_RUN = _RUN + "WHERE job = %s AND at = %s"
_LOCKED_RUN = _ONE_RUN + " FOR UPDATE"
_LAST_RUNS = """
SELECT DISTINCT ON (job) job, at, starts, started_at, moved_at, ended_at, outcome, fault, done_to,
       scanned, members, counts
  FROM job_run ORDER BY job, started_at DESC, at DESC
"""
_DONE_RUNS = """
SELECT job, at, starts, started_at, moved_at, ended_at, outcome, fault, done_to, scanned, members,
       counts
  FROM (SELECT *, row_number() OVER (PARTITION BY job ORDER BY started_at DESC, at DESC) AS nth
          FROM job_run WHERE outcome = 'done') AS done
 WHERE nth <= %s ORDER BY nth
"""
_FIRST_PROGRAM = "SELECT in_force_at FROM program_version ORDER BY version LIMIT 1"
_NEWEST_VERSION = "SELECT version FROM program_version ORDER BY version DESC LIMIT 1"


def find_span(tx: Transaction, after: int, size: int) -> tuple[Span, int] | None:
    """The next ``size`` members after a number, and how many they are; None after the last."""
    last, count = tx.fetch(_SPAN, (after, size))[0]
    return None if last is None else ((after, last), count)


def count_span(tx: Transaction, span: Span) -> int:
    """How many members there are in a range."""
    return int(tx.fetch(_COUNT_SPAN, span)[0][0])


def list_due(
    tx: Transaction, span: Span, at: datetime, *, version: int | None, most: int
) -> list[int]:
    """Members of a range to whom time brings something by ``at``, lowest number first.

    Those whose clock has gone past ``at`` are left out. ``most`` is how many are returned.

    Args:
        version: the program version by which members must have been asked what time brings them;
            None where it brings nothing but what lots and holds tell.
    """
    after, to = span
    args = {"after": after, "to": to, "at": at, "version": version, "most": most}
    return [member_id for (member_id,) in tx.fetch(_DUE, args)]


def list_lots_ending(
    tx: Transaction, span: Span, at: datetime, until: datetime
) -> dict[int, list[tuple[str, Lot]]]:
    """Lots of a range of members that are alive and end by ``until``, with their wallet."""
    found: dict[int, list[tuple[str, Lot]]] = {}
    after, to = span
    args = {"after": after, "to": to, "at": at, "until": until}
    for member_id, wallet, *lot in tx.fetch(_ENDING, args):
        found.setdefault(member_id, []).append((wallet, Lot(*lot)))
    return found


def read_reminded_in(tx: Transaction, span: Span, today: date) -> dict[int, dict[Ending, int]]:
    """The nearest notice that each member of a range was given, of points not yet at their end."""
    return _by_member(tx.fetch(_REMINDED_SPAN, (*span, today)))


def read_reminded(
    tx: Transaction, member_ids: Collection[int], today: date
) -> dict[int, dict[Ending, int]]:
    """The same of these members, who are locked."""
    return _by_member(tx.fetch(_REMINDED_MANY, (list(member_ids), today)))


def _by_member(rows: Iterable[tuple[Any, ...]]) -> dict[int, dict[Ending, int]]:
    found: dict[int, dict[Ending, int]] = {}
    for member_id, wallet, expires_on, notice in rows:
        found.setdefault(member_id, {})[wallet, expires_on] = notice
    return found


def find_run(fetch: Fetch, job: str, at: datetime) -> Run | None:
    """The run of a job for an instant, or None."""
    rows = fetch(_ONE_RUN, (job, at))
    return Run(*rows[0]) if rows else None


def lock_run(tx: Transaction, job: str, at: datetime) -> Run:
    """The run, locked: two processes that work at the same one take turns, step by step."""
    return Run(*tx.fetch(_LOCKED_RUN, (job, at))[0])


def try_lock_run(tx: Transaction, job: str, at: datetime) -> Run | None:
    """The run, locked; None where another process has it. Nothing is waited for."""
    rows = tx.fetch(f"{_LOCKED_RUN} SKIP LOCKED", (job, at))
    return Run(*rows[0]) if rows else None


def last_runs(fetch: Fetch) -> dict[str, Run]:
    """The run of each job that was begun last."""
    return {row[0]: Run(*row) for row in fetch(_LAST_RUNS, ())}


def list_done_runs(fetch: Fetch, most: int) -> list[Run]:
    """Runs that are done, of each job so many at the most, those begun last first."""
    return [Run(*row) for row in fetch(_DONE_RUNS, (most,))]


def find_first_program(fetch: Fetch) -> datetime | None:
    """Since when there has been a program; None before the first."""
    rows = fetch(_FIRST_PROGRAM, ())
    return rows[0][0] if rows else None


def find_newest_version(fetch: Fetch) -> int:
    """The newest program version; 0 before the first."""
    rows = fetch(_NEWEST_VERSION, ())
    return int(rows[0][0]) if rows else 0
