"""The scheduler: one leads, each job runs once for each time it is due, what was missed is done."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import make_url

from loyalty_service.jobs.queries import find_run, last_runs
from loyalty_service.jobs.rules.schedules import SCHEDULES, JobName, last_due
from loyalty_service.jobs.service import Jobs, Lease, Scheduler, Watch
from loyalty_service.jobs.service.jobs import MOST_STARTS
from loyalty_service.jobs.service.scheduling import AGAIN, Due
from loyalty_service.kit.clock import SettableClock, SystemClock
from loyalty_service.kit.db import Database
from loyalty_service.program.service import Programs
from loyalty_service.timekeeping.service import Timekeeping
from tests.databases import connect
from tests.factories import Shop
from tests.job_world import PROGRAM, assert_proved, enrol_with_points, events
from tests.services import REPO, wait_until

SHANGHAI = ZoneInfo("Asia/Shanghai")
LEADER = "SELECT holder FROM job_lease WHERE lasts_until > now()"


@pytest.fixture
def shop(db):
    return Shop(db, PROGRAM)


@pytest.fixture
def long_ago(database_url):
    """A shop whose program, members and points are a month old, by a clock of its own."""
    database = Database(database_url, clock=SettableClock(datetime.now(UTC) - timedelta(days=30)))
    shop = Shop(database, PROGRAM)
    enrol_with_points(shop, 30)
    yield shop
    database.close()


@pytest.fixture
def processes(database_url):
    """Start schedulers as processes of their own."""
    started = []
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LOYALTY_")}

    def start():
        process = subprocess.Popen(
            [sys.executable, "-m", "loyalty_service.cli", "scheduler"],
            env={**kept, "PYTHONPATH": str(REPO), "LOYALTY_DATABASE_URL": database_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def jobs_of(db):
    return Jobs(db, Programs(), Timekeeping())


def leader(db):
    rows = db.fetch(LEADER)
    return int(rows[0][0].split("/")[1]) if rows else None


def runs(db):
    return sorted(db.fetch("SELECT job, at, starts, outcome FROM job_run"))


# --- What is due


def test_a_job_runs_once_for_the_time_it_was_due(db, clock, shop):
    clock.advance(timedelta(days=1))
    jobs = jobs_of(db)

    first, again = jobs.run_due(JobName.CATCH_UP, Watch()), jobs.run_due(JobName.CATCH_UP, Watch())

    due = last_due(SCHEDULES[JobName.CATCH_UP], clock.now(), Programs().get(db.fetch, 1).zone)
    assert (first.at, first.outcome) == (due, "done")
    assert again is None


def test_of_several_missed_nights_one_run_is_made_for_the_last(db, clock, shop):
    enrol_with_points(shop, 3)
    clock.advance(timedelta(days=9))

    jobs_of(db).run_due(JobName.CATCH_UP, Watch())

    ((_, at, starts, _),) = runs(db)
    assert clock.now() - at < timedelta(days=1)
    assert starts == 1
    assert len(events(db, "points.expired")) == 3


def test_what_was_due_before_there_was_a_program_was_not_missed(db, clock, shop):
    clock.advance(timedelta(hours=1))

    assert all(jobs_of(db).run_due(name, Watch()) is None for name in JobName)
    assert runs(db) == []


def test_without_a_program_nothing_is_due(db):
    assert jobs_of(db).run_due(JobName.CATCH_UP, Watch()) is None


def test_a_run_that_failed_is_begun_again_but_not_for_ever(db, clock, shop, owner_connection):
    shop.enrol()
    clock.advance(timedelta(days=1))
    jobs = jobs_of(db)
    stopped = jobs.run_due(JobName.CATCH_UP, Watch(is_wanted=lambda: False))
    with owner_connection.cursor() as cursor:
        cursor.execute("UPDATE job_run SET starts = %s", (MOST_STARTS - 1,))

    again = jobs.run_due(JobName.CATCH_UP, Watch(is_wanted=lambda: False))

    assert (stopped.outcome, again.starts) == ("stopped", MOST_STARTS)
    assert jobs.run_due(JobName.CATCH_UP, Watch()) is None


def test_the_trigger_fires_at_once_then_when_due_and_looks_in_between():
    trigger = Due(SCHEDULES[JobName.CATCH_UP], lambda: SHANGHAI)
    now = datetime(2026, 3, 2, 18, 45, tzinfo=UTC)

    first = trigger.get_next_fire_time(None, now)
    look = trigger.get_next_fire_time(first, now)
    due = trigger.get_next_fire_time(look, now)

    assert [first, look, due] == [now, now + AGAIN, datetime(2026, 3, 2, 19, tzinfo=UTC)]


def test_the_trigger_only_looks_while_there_is_no_program():
    trigger = Due(SCHEDULES[JobName.CATCH_UP], lambda: None)
    now = datetime(2026, 3, 2, 18, 55, tzinfo=UTC)

    assert trigger.get_next_fire_time(now, now) == now + AGAIN


# --- Who leads


def test_one_holds_the_lease_until_it_is_silent_or_leaves(database_url, owner_connection):
    url = make_url(database_url)
    one, other = Lease(url, lasts=60), Lease(url, lasts=60)

    assert [one.take(), other.take(), one.take()] == [True, False, True]
    one.leave()
    assert [other.take(), one.take()] == [True, False]
    with owner_connection.cursor() as cursor:
        cursor.execute("UPDATE job_lease SET lasts_until = now() - interval '1 microsecond'")
    assert [one.take(), other.take()] == [True, False]
    other.leave()
    assert one.take()
    for lease in (one, other):
        lease.close()


@contextmanager
def in_thread(database_url):
    """A scheduler that looks often."""
    db = Database(database_url, clock=SystemClock(), pool_size=4)
    lease = Lease(make_url(database_url))
    scheduler = Scheduler(jobs_of(db), lease, look_seconds=0.05)
    thread = threading.Thread(target=scheduler.run)
    thread.start()
    try:
        yield lease
    finally:
        scheduler.stop()
        thread.join()
        lease.close()
        db.close()


def test_what_was_missed_is_done_at_the_start_once_by_the_one_that_leads(long_ago, database_url):
    db = long_ago.db
    with in_thread(database_url), in_thread(database_url), in_thread(database_url):
        wait_until(lambda: len(last_runs(db.fetch)) == len(JobName))
        wait_until(lambda: all(run.is_done for run in last_runs(db.fetch).values()))

    assert sorted(job for job, *_ in runs(db)) == sorted(JobName)
    assert {(starts, outcome) for _, _, starts, outcome in runs(db)} == {(1, "done")}
    assert len(events(db, "points.expired")) == 30
    assert leader(db) is None


def test_a_scheduler_outlives_connections_that_break_and_leads_again(
    long_ago, database_url, owner_connection
):
    db = long_ago.db
    with in_thread(database_url) as lease:
        wait_until(lambda: leader(db) is not None)
        with owner_connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'loyalty' AND datname = current_database()"
            )
            cursor.execute("UPDATE job_lease SET holder = 'nobody', lasts_until = now()")

            def holder():
                cursor.execute(LEADER)
                return cursor.fetchall()

            wait_until(lambda: holder() == [(lease.holder,)])
            wait_until(lambda: is_all_done(cursor))


def is_all_done(cursor):
    cursor.execute("SELECT count(*) FROM job_run WHERE outcome = 'done'")
    return cursor.fetchall() == [(len(JobName),)]


def test_a_program_that_is_applied_later_is_noticed(db, clock, database_url):
    jobs = jobs_of(db)
    scheduler = Scheduler(jobs, Lease(make_url(database_url)))
    assert scheduler._zone() is None

    Shop(db, PROGRAM)

    assert scheduler._zone() == SHANGHAI


def test_of_two_processes_one_leads_and_the_other_takes_over_when_it_is_killed(
    long_ago, database_url, processes
):
    db = long_ago.db
    holder = connect(database_url)
    holder.autocommit = False
    # The run cannot get past the tenth member, so that it is killed in the middle.
    holder.cursor().execute("SELECT 1 FROM member WHERE member_id = 10 FOR UPDATE")
    first = processes()
    wait_until(lambda: leader(db) == first.pid, 60)
    second = processes()
    due = last_due(SCHEDULES[JobName.CATCH_UP], datetime.now(UTC), SHANGHAI)
    wait_until(lambda: (9,) in db.fetch("SELECT done_to FROM job_run WHERE job = 'catch-up'"), 60)

    first.send_signal(signal.SIGKILL)
    holder.rollback()
    wait_until(lambda: leader(db) == second.pid, 60)
    wait_until(lambda: len(last_runs(db.fetch)) == len(JobName), 60)
    wait_until(lambda: all(run.is_done for run in last_runs(db.fetch).values()), 60)

    starts = {job: starts for job, _, starts, _ in runs(db)}
    assert starts == {"catch-up": 2, "remind": 1, "prune": 1}
    assert len(events(db, "points.expired")) == 30
    assert find_run(db.fetch, "catch-up", due).members == 30
    assert_proved(db)
    second.send_signal(signal.SIGTERM)
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 0, said
    assert b"scheduler_stopped" in said
    # It says once that it waits, and for whom, however often it has looked.
    told = [line for line in said.splitlines() if b'"scheduler_' in line]
    assert [b"scheduler_waits" in line for line in told] == [False, True, False, False]
    assert f"/{first.pid}/".encode() in told[1]
    assert b"scheduler_leads" in told[2]
    holder.close()
