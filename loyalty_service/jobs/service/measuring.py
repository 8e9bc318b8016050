"""How the jobs went, for the metrics: read when they are asked for."""

from collections.abc import Callable, Sequence

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from loyalty_service.jobs.queries import last_runs
from loyalty_service.jobs.rules.runs import Outcome, Run
from loyalty_service.jobs.rules.schedules import JobName
from loyalty_service.kit.db import Database

_GAUGES: tuple[tuple[str, str, Callable[[Run | None], float]], ...] = (
    (
        "loyalty_job_last_success_timestamp_seconds",
        "When the job was last done; 0 for never.",
        lambda run: 0.0 if run is None or run.ended_at is None else run.ended_at.timestamp(),
    ),
    (
        "loyalty_job_duration_seconds",
        "How long the run took that was done last.",
        lambda run: 0.0 if run is None else _seconds(run),
    ),
    (
        "loyalty_job_members",
        "For how many members the run that was done last wrote something.",
        lambda run: 0.0 if run is None else float(run.members),
    ),
)


def measure_jobs(db: Database) -> Sequence[Metric]:
    """When each job was last done, how long it took, and for how many members it wrote."""
    done = last_runs(db.fetch, Outcome.DONE)
    measured = []
    for name, about, value in _GAUGES:
        gauge = GaugeMetricFamily(name, about, labels=["job"])
        for job in JobName:
            gauge.add_metric([job.value], value(done.get(job)))
        measured.append(gauge)
    return measured


def _seconds(run: Run) -> float:
    return 0.0 if run.ended_at is None else (run.ended_at - run.started_at).total_seconds()
