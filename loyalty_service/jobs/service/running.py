"""A run of a job: members by ascending number, step by step, each step one transaction.

How far a run is stands in the transaction of the step that brought it there, so that a run that
was killed goes on where it stopped. Its row is locked before members are: two processes that work
at the same run take turns, and no step is left out between them.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial

import orjson
import psycopg2
import sqlalchemy.exc

from loyalty_service.jobs.queries import find_run
from loyalty_service.jobs.rules.counts import read_counts
from loyalty_service.jobs.rules.runs import CHUNK, Outcome, Run, narrower, wider
from loyalty_service.jobs.rules.schedules import JobName
from loyalty_service.jobs.service.turns import Chunk, Step, Turns
from loyalty_service.kit.db import Busy, Database, Transaction
from loyalty_service.kit.frozen import frozen
from loyalty_service.kit.patience import PATIENCE, PAUSE_SECONDS, insist

_NO_COUNTS = "{}"

_BEGIN = """
INSERT INTO job_run (job, at, starts, started_at, moved_at, done_to, scanned, members, counts)
VALUES (%s, %s, 1, %s, %s, 0, 0, 0, %s)
ON CONFLICT (job, at) DO UPDATE SET starts = job_run.starts + 1, outcome = NULL, fault = NULL,
   ended_at = NULL, started_at = excluded.started_at, moved_at = excluded.moved_at
 WHERE job_run.outcome IS DISTINCT FROM 'done'
"""
_MOVE = """
UPDATE job_run SET done_to = %s, scanned = %s, members = %s, counts = %s, moved_at = %s
 WHERE job = %s AND at = %s
"""
_END = """
UPDATE job_run SET outcome = %s, fault = %s, ended_at = %s, moved_at = %s
 WHERE job = %s AND at = %s AND outcome IS DISTINCT FROM 'done'
"""


class Stuck(Exception):
    """A member could not be locked for a long time; the run may be taken up again later."""


@frozen
class Watch:
    """Who looks on.

    Args:
        show: told how far the run is after each step.
        is_wanted: asked before each step; False stops the run, which may be taken up again.
    """

    show: Callable[[Run], None] = lambda _run: None
    is_wanted: Callable[[], bool] = lambda: True


def run_steps(
    db: Database,
    name: JobName,
    at: datetime,
    step: Step,
    watch: Watch,
    *,
    size: int = CHUNK,
    patience: int = PATIENCE,
    is_ahead: bool = False,
) -> Run:
    """Run a job for an instant, from where it stopped if it was begun before.

    Args:
        at: the instant that names the run (UTC).
        size: members of a step, at least 1.
        patience: how often a step is tried again that could not lock its members.
        is_ahead: as for ``Turns``.

    Returns:
        The run as it ended; one that was done before is not begun again.

    Raises:
        Stuck: a member was never to be had. What was done stays done.

    Rule: R-55.
    """
    # Its row may be held for the length of a step by another process at the same run.
    run = insist(partial(_begin, db, name, at), patience)
    try:
        with Turns(db, step, _note, is_ahead=is_ahead) as turns:
            return _walk(db, run, turns, watch, size, patience=patience)
    except BaseException as error:
        # Without a database nothing can be noted: the run then counts as broken off.
        with suppress(Busy, psycopg2.Error, sqlalchemy.exc.SQLAlchemyError):
            _end(db, run, Outcome.FAILED, type(error).__name__)
        raise


def _begin(db: Database, name: JobName, at: datetime) -> Run:
    def work(tx: Transaction) -> None:
        now = tx.now()
        tx.add(_BEGIN, (name.value, at, now, now, _NO_COUNTS))

    db.run(work)
    found = find_run(db.fetch, name, at)
    assert found is not None
    return found


def _walk(db: Database, run: Run, turns: Turns, watch: Watch, size: int, *, patience: int) -> Run:
    width, tries = size, 0
    while not run.is_done:
        if not watch.is_wanted():
            return _end(db, run, Outcome.STOPPED)
        try:
            moved = turns.take(run, width)
        except Busy:
            # Only of a single member it can be said who is in the way.
            width, tries = narrower(width), tries + (width == 1)
            found = find_run(db.fetch, run.job, run.at)
            if found is not None and found.done_to != run.done_to:
                run, tries = found, 0
            _require_patience(run, tries, patience)
            continue
        run, width, tries = moved, wider(width, size), 0
        if not run.is_done:
            watch.show(run)
    return run


def _require_patience(run: Run, tries: int, patience: int) -> None:
    if tries > patience:
        raise Stuck(
            f"The member after number {run.done_to}, by our own count, or the run itself is "
            "locked by another session and was not let go. Look for what holds it; everything "
            "before it is done."
        )
    time.sleep(PAUSE_SECONDS if tries else 0)


def _note(tx: Transaction, stored: Run, chunk: Chunk | None) -> Run:
    now = tx.now()
    key = (stored.job, stored.at)
    if chunk is None:
        tx.add(_END, (Outcome.DONE.value, None, now, now, *key))
        return replace(stored, outcome=Outcome.DONE, fault=None, ended_at=now, moved_at=now)
    counts = read_counts(stored.counts)
    counts.add(chunk.counts)
    moved = replace(
        stored,
        done_to=chunk.to,
        scanned=stored.scanned + chunk.scanned,
        members=stored.members + chunk.members,
        counts=counts.told(),
        moved_at=now,
    )
    told = orjson.dumps(moved.counts).decode()
    tx.add(_MOVE, (moved.done_to, moved.scanned, moved.members, told, now, *key))
    return moved


def _end(db: Database, run: Run, outcome: Outcome, fault: str | None = None) -> Run:
    def work(tx: Transaction) -> None:
        now = tx.now()
        tx.add(_END, (outcome.value, fault, now, now, run.job, run.at))

    db.run(work)
    return find_run(db.fetch, run.job, run.at) or run
