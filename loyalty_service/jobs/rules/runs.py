"""A run of a job: how far it is, how it ended, and how wide its next step may be."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from loyalty_service.kit.frozen import frozen
from loyalty_service.program.rules.program import Program
from loyalty_service.timekeeping.rules import gives_birthdays

CHUNK = 5_000
"""Members looked at in one transaction, unless somebody asks for another number."""

LOCKED = 1_000
"""Members locked in one transaction at the most: their checkouts wait for it."""

QUIET = timedelta(minutes=10)
"""A run that has not moved for so long is taken for one that was killed."""


class Outcome(StrEnum):
    """How a run ended; only one that is done is not begun again."""

    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


RUNNING = "running"
BROKEN_OFF = "broken_off"


@frozen
class Run:
    """What is kept of a run.

    Args:
        at: the instant it is for (UTC).
        starts: how often it was begun.
        done_to: every member up to this number is done.
        scanned, members: how many were looked at, and for how many something was written; of
            reminders, how many members were told.
        counts: what happened, by kind, as ``Counts.told``.
        fault: the kind of fault that ended it.
    """

    job: str
    at: datetime
    starts: int
    started_at: datetime
    moved_at: datetime
    ended_at: datetime | None
    outcome: str | None
    fault: str | None
    done_to: int
    scanned: int
    members: int
    counts: dict[str, Any]

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do for its instant."""
        return self.outcome == Outcome.DONE

    def state(self, now: datetime) -> str:
        """Its outcome; of one without, whether it seems to be running still."""
        if self.outcome is not None:
            return self.outcome
        return RUNNING if now - self.moved_at < QUIET else BROKEN_OFF


def time_asks_for_members(program: Program) -> bool:
    """Whether time brings members more than lots and holds tell: tiers, or a birthday's points.

    Rule: R-55.
    """
    return program.tiers is not None or gives_birthdays(program)


def narrower(size: int) -> int:
    """How many members to try next, after some of ``size`` could not be locked in time."""
    return max(1, size // 4)


def wider(size: int, most: int) -> int:
    """How many members to try next, after ``size`` went well."""
    return min(most, size * 2)
