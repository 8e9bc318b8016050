"""What nobody needs any more is deleted, in parts of bounded size, and nothing else."""

from datetime import timedelta

import pytest

from loyalty_service.jobs.rules.schedules import JobName
from loyalty_service.jobs.service import Watch, run_steps
from loyalty_service.jobs.service.pruning import Prune
from tests.factories import Shop
from tests.job_world import PROGRAM, assert_proved, catch_up, digest, enrol_with_points, rows, run

KEY = "INSERT INTO idempotency VALUES (%s, %s, '', 200, '{}', %s)"


@pytest.fixture
def shop(db):
    return Shop(db, PROGRAM)


def keep_answers(connection, owner_id, count, at):
    with connection.cursor() as cursor:
        for number in range(count):
            cursor.execute(KEY, (owner_id, f"{at.isoformat()}-{number}", at))


def count(db, table):
    return db.fetch(f"SELECT count(*) FROM {table}")[0][0]


def test_answers_are_kept_for_thirty_days_those_of_no_member_too(db, clock, shop, owner_connection):
    shop.enrol()
    ((member_id,),) = db.fetch("SELECT member_id FROM member")
    now = clock.now()
    for owner_id in (0, member_id):
        keep_answers(owner_connection, owner_id, 3, now - timedelta(days=30, microseconds=1))
        keep_answers(owner_connection, owner_id, 2, now - timedelta(days=30))

    ended = run(db, JobName.PRUNE)

    assert ended.counts == {"keys.forgotten": {"times": 6}}
    assert db.fetch("SELECT member_id, count(*) FROM idempotency GROUP BY 1 ORDER BY 1") == [
        (0, 2),
        (member_id, 2),
    ]


def test_one_step_deletes_no_more_than_it_may(db, clock, shop, owner_connection):
    shop.enrol()
    keep_answers(owner_connection, 0, 7, clock.now() - timedelta(days=31))
    seen = []

    ended = run_steps(db, JobName.PRUNE, clock.now(), Prune(deleted=3), Watch(seen.append))

    assert [r.counts["keys.forgotten"]["times"] for r in seen] == [3, 6, 7]
    assert (ended.outcome, ended.scanned, count(db, "idempotency")) == ("done", 1, 0)


def test_an_answer_that_a_call_is_working_on_is_left(db, clock, shop, owner_connection):
    shop.enrol()
    keep_answers(owner_connection, 0, 2, clock.now() - timedelta(days=31))

    with db.transaction() as tx:
        tx.fetch("SELECT 1 FROM idempotency ORDER BY key LIMIT 1 FOR UPDATE")
        run(db, JobName.PRUNE)

    assert count(db, "idempotency") == 1


def test_notices_are_let_go_when_the_points_have_ended_for_a_month(db, clock, shop):
    enrol_with_points(shop, 3, days=5)
    run(db, JobName.REMIND)
    clock.advance(timedelta(days=35))
    run(db, JobName.PRUNE)
    kept = count(db, "reminded")
    clock.advance(timedelta(days=1))

    ended = run(db, JobName.PRUNE)

    assert (kept, count(db, "reminded")) == (3, 0)
    assert ended.counts == {"notices.forgotten": {"times": 3}}


def test_runs_are_let_go_after_ninety_days_but_never_the_last_of_a_job(db, clock, shop):
    shop.enrol()
    catch_up(db)
    clock.advance(timedelta(days=1))
    catch_up(db)
    run(db, JobName.REMIND)
    clock.advance(timedelta(days=91))

    ended = run(db, JobName.PRUNE)

    assert ended.counts == {"runs.forgotten": {"times": 1}}
    assert db.fetch("SELECT job FROM job_run ORDER BY job") == [
        ("catch-up",),
        ("prune",),
        ("remind",),
    ]


def test_nothing_else_is_touched(db, clock, shop, owner_connection):
    enrol_with_points(shop, 4)
    before = rows(owner_connection)
    clock.advance(timedelta(days=400))

    run(db, JobName.PRUNE)

    assert rows(owner_connection) == before
    assert digest(owner_connection)
    assert_proved(db)
