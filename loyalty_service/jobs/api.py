"""Routes of the nightly jobs: how they go."""

from datetime import datetime
from typing import Any

from flask import Blueprint

from loyalty_service.jobs.rules.runs import Run
from loyalty_service.jobs.schemas import JobsSchema
from loyalty_service.jobs.service.jobs import Listed
from loyalty_service.jobs.service.jobs import list_jobs as list_all
from loyalty_service.kit.http import Call, Reply, endpoint
from loyalty_service.kit.instants import instant_or_none

blueprint = Blueprint("jobs", __name__)


@endpoint(
    blueprint,
    "GET",
    "/v1/jobs",
    scopes=("operator",),
    answers={200: JobsSchema},
    summary="List the nightly jobs",
    tags=("jobs",),
)
def list_jobs(call: Call) -> Reply:
    """Each job with its schedule, when it is due next, and how its last run went."""
    parts = call.parts
    now = parts.clock.now()
    listed = list_all(parts.db.fetch, parts.programs, now)
    return Reply({"jobs": [_told(job, now) for job in listed]})


def _told(job: Listed, now: datetime) -> dict[str, Any]:
    return {
        "job": job.name.value,
        "schedule": {
            "time": f"{job.schedule.at:%H:%M}",
            "weekday": job.schedule.weekday,
            "time_zone": job.zone,
        },
        "next_at": instant_or_none(job.next_at),
        "last": None if job.last is None else _told_run(job.last, now),
    }


def _told_run(run: Run, now: datetime) -> dict[str, Any]:
    return {
        "at": instant_or_none(run.at),
        "started_at": instant_or_none(run.started_at),
        "ended_at": instant_or_none(run.ended_at),
        "state": run.state(now),
        "fault": run.fault,
        "starts": run.starts,
        "scanned": run.scanned,
        "members": run.members,
        "counts": run.counts,
    }
