"""The scheduler: starts each job when it is due, in the one process that leads."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import Any

import psycopg2
import sqlalchemy.exc
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from loyalty_service.feed.service import publish
from loyalty_service.jobs.queries import find_newest_version
from loyalty_service.jobs.rules.runs import Run
from loyalty_service.jobs.rules.schedules import SCHEDULES, JobName, Schedule, next_due
from loyalty_service.jobs.service.jobs import Jobs
from loyalty_service.jobs.service.leading import LEASE_SECONDS, Lease
from loyalty_service.jobs.service.running import Watch
from loyalty_service.kit.db import Busy, Database
from loyalty_service.kit.instants import instant_text
from loyalty_service.kit.logs import frames_of, log
from loyalty_service.reports.service import sum_up

LOOK_SECONDS = 2.0
"""How often the lease is renewed, or asked for: a fifth of the time it lasts."""

PAUSE_SECONDS = 0.1

PUBLISH_SECONDS = 5
SUM_SECONDS = 300
"""How often what happened is put into the feed, and entries into the sums of reports."""

ERRANDS = 2
"""How many threads, and connections, that takes beside the jobs."""

AGAIN = timedelta(minutes=10)
"""After so long a job looks again whether it has to run: for runs that failed or were killed."""


class Due(BaseTrigger):  # type: ignore[misc]
    """Fires when a job is due in the program's zone, and every ten minutes to look for the undone.

    The libraries' own rules for nights with a clock change fire twice or not at all at an hour that
    comes twice or is skipped; ours are those of all other calendars here.

    Args:
        zone: asked every time: a program may be applied later.
    """

    def __init__(self, schedule: Schedule, zone: Callable[[], Any]) -> None:
        self._schedule = schedule
        self._zone = zone

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """The next due time, or the next look; at once when it begins."""
        if previous is None:
            return now
        look, zone = previous + AGAIN, self._zone()
        due = look if zone is None else next_due(self._schedule, previous.astimezone(UTC), zone)
        return min(look, due)


class Scheduler:
    """Asks for the lease again and again, and starts jobs while it has it.

    Args:
        jobs: their database has a connection for each job, and one more.
        look_seconds: how often the lease is asked for.
    """

    def __init__(self, jobs: Jobs, lease: Lease, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._jobs = jobs
        self._lease = lease
        self._look_seconds = look_seconds
        self._leads_until = 0.0
        self._starter: BackgroundScheduler | None = None
        # No event of threading: one that a signal's handler sets may wait for itself.
        self._is_stopped = False
        self._is_away = False
        self._has_told = False

    def run(self) -> None:
        """Work until ``stop`` is called; runs that are under way end after their step."""
        try:
            while not self._is_stopped:
                self._look()
                self._pause()
        finally:
            self._is_stopped = True
            self._follow(wait=True)
            self._leave()

    def stop(self) -> None:
        """Ask for the end; may be called from a signal handler."""
        self._is_stopped = True

    def _pause(self) -> None:
        until = monotonic() + self._look_seconds
        while not self._is_stopped and monotonic() < until:
            sleep(PAUSE_SECONDS)

    def _look(self) -> None:
        began = monotonic()
        if self._take():
            self._leads_until = began + LEASE_SECONDS
            if self._starter is None:
                self._lead()
        elif self._starter is not None:
            log.warning("scheduler_follows", holder=self._lease.holder)
            self._follow(wait=False)
            self._has_told = True
        elif not self._has_told and not self._is_away:
            self._has_told = True
            log.info("scheduler_waits", holder=self._lease.holder, leader=self._find_leader())

    def _take(self) -> bool:
        try:
            is_ours = self._lease.take()
        except (Busy, psycopg2.Error, sqlalchemy.exc.SQLAlchemyError) as error:
            if not self._is_away:
                log.warning("scheduler_lease", error=type(error).__name__)
            self._is_away = True
            return False
        self._is_away = False
        return is_ours

    def _find_leader(self) -> str | None:
        try:
            return self._lease.find_leader()
        except (Busy, psycopg2.Error, sqlalchemy.exc.SQLAlchemyError):
            return None

    def _lead(self) -> None:
        log.info("scheduler_leads", holder=self._lease.holder)
        self._has_told = False
        self._starter = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(len(JobName) + ERRANDS)},
            # What was missed is done once, however late: the run itself looks what was due last.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        for name, schedule in SCHEDULES.items():
            self._starter.add_job(self._start, Due(schedule, self._zone), [name], id=name.value)
        for errand, seconds in ((publish, PUBLISH_SECONDS), (sum_up, SUM_SECONDS)):
            self._starter.add_job(self._run, "interval", [errand], seconds=seconds)
        self._starter.start()

    def _follow(self, *, wait: bool) -> None:
        starter, self._starter = self._starter, None
        self._leads_until = 0.0
        if starter is not None:
            starter.shutdown(wait=wait)

    def _leave(self) -> None:
        try:
            self._lease.leave()
        except (Busy, psycopg2.Error, sqlalchemy.exc.SQLAlchemyError) as error:
            log.warning("scheduler_lease", error=type(error).__name__)

    def _zone(self) -> Any:
        fetch = self._jobs.db.fetch
        try:
            version = find_newest_version(fetch)
            return self._jobs.programs.get(fetch, version).zone if version else None
        except (psycopg2.Error, sqlalchemy.exc.SQLAlchemyError):
            # It looks again soon.
            return None

    def _run(self, errand: Callable[[Database], Any]) -> None:
        """Do a short errand of the one that leads; what fails is tried again soon."""
        try:
            errand(self._jobs.db)
        except Exception as error:  # noqa: BLE001 (as for jobs)
            name = errand.__name__
            log.error(
                "errand_failed", errand=name, error=type(error).__name__, frames=frames_of(error)
            )

    def _start(self, name: JobName) -> None:
        watch = Watch(show=_tell_step, is_wanted=self._is_wanted)
        try:
            run = self._jobs.run_due(name, watch)
        except Exception as error:  # noqa: BLE001 (it is tried again; what is wrong stands in the log)
            log.error("job_failed", job=name, error=type(error).__name__, frames=frames_of(error))
            return
        if run is not None:
            log.info("job_ended", outcome=run.outcome, **_told(run))

    def _is_wanted(self) -> bool:
        return not self._is_stopped and monotonic() < self._leads_until


def _tell_step(run: Run) -> None:
    log.info("job_moved", **_told(run))


def _told(run: Run) -> dict[str, Any]:
    counts = {kind: counted["times"] for kind, counted in run.counts.items()}
    far = {"scanned": run.scanned, "members": run.members}
    return {"job": run.job, "for": instant_text(run.at), **far, "counts": counts}
