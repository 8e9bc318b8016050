"""How the jobs went, for the metrics: read when they are asked for."""

from collections.abc import Callable, Sequence

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from loyalty_service.jobs.queries import find_newest_version, list_done_runs
from loyalty_service.jobs.rules.runs import Run
from loyalty_service.jobs.rules.schedules import SCHEDULES, JobName, is_current
from loyalty_service.kit.db import Database
from loyalty_service.program.service import Programs

MOST_RUNS = 100
"""Runs of a job that are looked at; by hand there may be many for instants gone by."""

_GAUGES: tuple[tuple[str, str, Callable[[Run | None], float]], ...] = (
    (
        "loyalty_job_last_success_timestamp_seconds",
        "When the job was last done up to the last time it was due; 0 for never.",
        lambda run: 0.0 if run is None or run.ended_at is None else run.ended_at.timestamp(),
    ),
    (
        "loyalty_job_duration_seconds",
        "How long that run took.",
        lambda run: 0.0 if run is None else _seconds(run),
    ),
    (
        "loyalty_job_members",
        "For how many members that run wrote something; of remind, how many were told.",
        lambda run: 0.0 if run is None else float(run.members),
    ),
)


def measure_jobs(db: Database, programs: Programs) -> Sequence[Metric]:
    """When each job was last done, how long it took, and for how many members it wrote.

    A run for an instant before the job was last due is left out: it must not look like the run of
    that night.
    """
    done = _last_current(db, programs)
    measured = []
    for name, about, value in _GAUGES:
        gauge = GaugeMetricFamily(name, about, labels=["job"])
        for job in JobName:
            gauge.add_metric([job.value], value(done.get(job)))
        measured.append(gauge)
    return measured


def _last_current(db: Database, programs: Programs) -> dict[str, Run]:
    version = find_newest_version(db.fetch)
    if not version:
        return {}
    zone, found = programs.get(db.fetch, version).zone, dict[str, Run]()
    for run in list_done_runs(db.fetch, MOST_RUNS):
        if is_current(SCHEDULES[JobName(run.job)], run.at, run.started_at, zone):
            found.setdefault(run.job, run)
    return found


def _seconds(run: Run) -> float:
    return 0.0 if run.ended_at is None else (run.ended_at - run.started_at).total_seconds()
