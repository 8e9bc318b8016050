"""Every job by its name: run for an instant by hand, or for the time at which it was due."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from loyalty_service.jobs.queries import (
    Fetch,
    find_first_program,
    find_newest_version,
    find_run,
    last_runs,
)
from loyalty_service.jobs.rules.counts import Counts
from loyalty_service.jobs.rules.runs import CHUNK, Run
from loyalty_service.jobs.rules.schedules import SCHEDULES, JobName, Schedule, last_due, next_due
from loyalty_service.jobs.service.catching_up import CatchUp
from loyalty_service.jobs.service.pruning import Prune
from loyalty_service.jobs.service.reminding import Remind
from loyalty_service.jobs.service.running import Watch, run_steps
from loyalty_service.jobs.service.turns import Chunk, Step
from loyalty_service.kit.db import Database
from loyalty_service.kit.frozen import frozen
from loyalty_service.ledger.service.books import Passing
from loyalty_service.members.rules import check_past
from loyalty_service.program.rules.versions import NoProgram
from loyalty_service.program.service import Programs

MOST_STARTS = 20
"""How often a run that fails is begun by the schedule before it is left to people."""


@frozen
class Listed:
    """A job as it is listed.

    Args:
        zone: of the schedule, the program's; None before there is a program.
        next_at: when it is due next (UTC).
        last: the run that was begun last.
    """

    name: JobName
    schedule: Schedule
    zone: str | None
    next_at: datetime | None
    last: Run | None


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs of one database.

    Args:
        size: members looked at in one step.
    """

    db: Database
    programs: Programs
    passing: Passing
    size: int = CHUNK

    def run(self, name: JobName, at: datetime, watch: Watch) -> Run:
        """Run a job for an instant; catch-up brings every member to it.

        Raises:
            InTheFuture, NoProgram: nothing is written.
            Stuck: a member was never to be had; the run may be taken up again.

        Rule: R-05, R-55.
        """
        check_past(at, self.db.clock.now(), "at")
        self._require_program()
        step, is_ahead = self._step(name, at), name is JobName.CATCH_UP
        return run_steps(self.db, name, at, step, watch, size=self.size, is_ahead=is_ahead)

    def foresee(self, at: datetime, show: Callable[[int], None]) -> Chunk:
        """What catching up to an instant, past or to come, would do; nothing is written.

        Each step sees the members as they are then.

        Args:
            show: told after each step how many members were looked at.

        Raises:
            NoProgram: as said.

        Rule: R-05, R-55.
        """
        self._require_program()
        step, whole = CatchUp(self.programs, self.passing, at), Chunk(0, 0, 0, Counts())
        while True:
            with self.db.reading() as tx:
                chunk = step.foresee(tx, whole.to, self.size)
            if chunk is None:
                return whole
            whole.counts.add(chunk.counts)
            scanned, moved = whole.scanned + chunk.scanned, whole.members + chunk.members
            whole = Chunk(chunk.to, scanned, moved, whole.counts)
            show(scanned)

    def run_due(self, name: JobName, watch: Watch) -> Run | None:
        """Run a job for the last time at which it was due, unless that is done.

        What was missed while nothing ran is done once, for the latest of the missed times; what was
        due before there was a program was not missed.

        Returns:
            the run as it ended; None where there was nothing to do.

        Raises:
            Stuck: as for ``run``.

        Rule: R-55.
        """
        due = self._last_due(name)
        if due is None:
            return None
        found = find_run(self.db.fetch, name, due)
        if found is not None and (found.is_done or found.starts >= MOST_STARTS):
            return None
        return self.run(name, due, watch)

    def _require_program(self) -> None:
        if not find_newest_version(self.db.fetch):
            raise NoProgram(
                "No program has been applied yet, so time brings nobody anything: "
                "run `loyalty program apply FILE` first."
            )

    def _step(self, name: JobName, at: datetime) -> Step:
        if name is JobName.CATCH_UP:
            return CatchUp(self.programs, self.passing, at)
        if name is JobName.REMIND:
            return Remind(self.programs, self.passing, self.db.clock)
        return Prune()

    def _last_due(self, name: JobName) -> datetime | None:
        first = find_first_program(self.db.fetch)
        if first is None:
            return None
        program = self.programs.get(self.db.fetch, find_newest_version(self.db.fetch))
        due = last_due(SCHEDULES[name], self.db.clock.now(), program.zone)
        return due if due >= first else None


def list_jobs(fetch: Fetch, programs: Programs, now: datetime) -> list[Listed]:
    """Every job with its schedule, when it is due next, and how its last run went."""
    version, last = find_newest_version(fetch), last_runs(fetch)
    zone = programs.get(fetch, version).zone if version else None
    return [
        Listed(
            name,
            schedule,
            None if zone is None else str(zone),
            None if zone is None else next_due(schedule, now, zone),
            last.get(name),
        )
        for name, schedule in SCHEDULES.items()
    ]
