"""How the jobs go, for operators and for Prometheus."""

from datetime import timedelta
from typing import Any

import pytest

from loyalty_service.jobs.rules.schedules import JobName
from loyalty_service.kit.db import Database
from tests.clients import Client
from tests.factories import Shop
from tests.job_world import PROGRAM, catch_up, enrol_with_points, run


@pytest.fixture
def client(db: Database, clock: Any, tmp_path: Any) -> Client:
    return Client(db, clock, tmp_path)


def test_an_operator_sees_when_jobs_are_due_and_how_they_went(
    db: Database, clock: Any, client: Client
) -> None:
    enrol_with_points(Shop(db, PROGRAM), 3)
    clock.advance(timedelta(days=2))
    catch_up(db)

    catching_up, reminding, pruning = client.call("GET", "/jobs", scopes=["operator"]).json["jobs"]

    assert catching_up == {
        "job": "catch-up",
        "schedule": {"time": "03:00", "weekday": None, "time_zone": "Asia/Shanghai"},
        "next_at": "2026-03-04T19:00:00Z",
        "last": {
            "at": "2026-03-04T04:00:00Z",
            "started_at": "2026-03-04T04:00:00Z",
            "ended_at": "2026-03-04T04:00:00Z",
            "state": "done",
            "fault": None,
            "starts": 1,
            "scanned": 3,
            "members": 3,
            "counts": {
                "points.expired": {
                    "times": 3,
                    "points": {"points": -300},
                    "lots": {"points": 3},
                }
            },
        },
    }
    assert (reminding["next_at"], reminding["last"]) == ("2026-03-05T00:00:00Z", None)
    assert pruning["schedule"]["weekday"] == "sunday"


def test_before_there_is_a_program_nothing_is_due(db: Database, client: Client) -> None:
    jobs = client.call("GET", "/jobs", scopes=["operator"]).json["jobs"]

    assert [job["job"] for job in jobs] == list(JobName)
    assert all(job["next_at"] is None and job["last"] is None for job in jobs)


@pytest.mark.parametrize("scopes", [["checkout", "members", "import"]])
def test_nobody_else_sees_them(client: Client, scopes: list[str]) -> None:
    assert client.call("GET", "/jobs", scopes=scopes).status_code == 403


SUCCESS = 'loyalty_job_last_success_timestamp_seconds{job="catch-up"}'


def success(client: Client) -> float:
    """When catch-up was last done, as Prometheus is told."""
    text = client.app.test_client().get("/metrics").text
    found = [line for line in text.splitlines() if line.startswith(SUCCESS)]
    return float(found[0].rsplit(" ", 1)[1])


def test_a_run_for_an_instant_before_the_job_was_due_does_not_look_like_the_nights(
    db: Database, clock: Any, client: Client
) -> None:
    enrol_with_points(Shop(db, PROGRAM), 3)
    clock.advance(timedelta(days=2))
    catch_up(db)
    done_at = clock.now()
    clock.advance(timedelta(days=1))

    # It was due at 19:00 UTC, an hour after the first of these.
    run(db, JobName.CATCH_UP, clock.now().replace(hour=18) - timedelta(days=1))
    by_hand = success(client)
    run(db, JobName.CATCH_UP, clock.now().replace(hour=19) - timedelta(days=1))

    assert by_hand == done_at.timestamp()
    assert success(client) == clock.now().timestamp()


def test_prometheus_is_told_of_the_last_run_that_was_done(
    db: Database, clock: Any, client: Client
) -> None:
    enrol_with_points(Shop(db, PROGRAM), 3)
    clock.advance(timedelta(days=2))
    catch_up(db)
    done_at = clock.now().timestamp()
    clock.advance(timedelta(days=1))
    stopped = run(db, JobName.REMIND)

    text = client.app.test_client().get("/metrics").text

    assert stopped.is_done
    lines = dict(
        line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("loyalty_job")
    )
    success = "loyalty_job_last_success_timestamp_seconds"
    assert float(lines[f'{success}{{job="catch-up"}}']) == done_at
    assert float(lines[f'{success}{{job="prune"}}']) == 0
    assert lines['loyalty_job_members{job="catch-up"}'] == "3.0"
    assert lines['loyalty_job_duration_seconds{job="catch-up"}'] == "0.0"
