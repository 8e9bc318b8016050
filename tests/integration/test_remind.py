"""Members are told of points that end: 30, 7 and 1 local days before, once each."""

import threading
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from psycopg2 import OperationalError

from loyalty_service.jobs.rules.schedules import JobName
from loyalty_service.jobs.service import Watch, run_steps
from loyalty_service.jobs.service.reminding import Remind
from loyalty_service.program.service import Programs
from loyalty_service.timekeeping.service import Timekeeping
from tests.factories import Shop, line
from tests.job_world import PROGRAM, assert_proved, enrol_with_points, events, run


@pytest.fixture
def shop(db):
    return Shop(db, PROGRAM)


def remind(db, size=5, watch=None):
    # A run is named by its instant: two of one test must not have the same.
    db.clock.advance(timedelta(microseconds=1))
    return run(db, JobName.REMIND, size=size, watch=watch or Watch())


def told(db):
    return [orjson.loads(payload) for _, payload in events(db, "points.expiring")]


def test_a_member_is_told_thirty_seven_and_one_days_before_and_not_between(db, clock, shop):
    shop.enrol()
    # The last local day is 1 April: it ends at midnight in Shanghai.
    shop.adjust(80, expires_at=datetime(2026, 4, 1, 16, tzinfo=UTC))
    days = []

    for _ in range(32):
        before = len(told(db))
        remind(db)
        days += [payload["days"] for payload in told(db)[before:]]
        clock.advance(timedelta(days=1))

    assert days == [30, 7, 1]
    assert told(db)[0] == {"wallet": "points", "points": 80, "expires_on": "2026-04-01", "days": 30}


def test_after_weeks_without_a_run_only_the_nearest_notice_is_given(db, clock, shop):
    shop.enrol()
    shop.adjust(80, expires_at=clock.now() + timedelta(days=40))
    clock.advance(timedelta(days=35))

    remind(db)
    remind(db)

    assert [payload["days"] for payload in told(db)] == [5]


def test_what_was_earned_since_is_in_the_next_notice(db, clock, shop):
    shop.enrol()
    ends = clock.now() + timedelta(days=20)
    shop.adjust(80, expires_at=ends)
    remind(db)
    shop.adjust(20, expires_at=ends - timedelta(seconds=1))
    remind(db)

    clock.advance(timedelta(days=15))
    remind(db)

    assert [payload["points"] for payload in told(db)] == [80, 100]


def test_what_is_overdue_is_written_first_and_points_that_have_ended_are_not_told_of(
    db, clock, shop
):
    shop.enrol()
    shop.adjust(10, expires_at=clock.now() + timedelta(days=1))
    shop.adjust(20, expires_at=clock.now() + timedelta(days=3))
    clock.advance(timedelta(days=2))

    ended = remind(db)

    assert [payload["points"] for payload in told(db)] == [20]
    assert ended.counts["points.expired"]["points"] == {"points": -10}
    assert_proved(db)


def test_a_member_whose_points_turn_out_to_last_is_written_but_not_counted_as_told(db, clock):
    ends_in_a_year = "{after: {months: 12}, round_to: month}"
    shop = Shop(db, PROGRAM)
    for member in ("m-1", "m-2"):
        shop.enrol(member)
    shop.adjust(100, member="m-1", expires_at=clock.now() + timedelta(days=5))
    # From here on the points last with the member's activity: what is seen without a lock is old.
    shop.apply(PROGRAM.replace(ends_in_a_year, "{sliding: {months: 12}}"))
    shop.adjust(100, member="m-2", expires_at=clock.now() + timedelta(days=5))

    ended = remind(db)

    assert [payload["points"] for payload in told(db)] == [100]
    assert ended.counts["points.end_changed"]["times"] == 1
    assert ended.members == 1


def test_a_member_without_points_that_end_soon_is_not_even_locked(db, clock, shop):
    shop.enrol()
    shop.adjust(10, expires_at=clock.now() + timedelta(days=60))
    locked = db.fetch("SELECT xmax::text FROM member")

    ended = remind(db)

    assert ended.members == 0
    assert db.fetch("SELECT xmax::text FROM member") == locked


@pytest.mark.parametrize(
    ("zone", "hour", "minute", "days"),
    [
        ("Asia/Shanghai", 9, 59, 7),
        # There it is 2 March still, and the points end on the 10th.
        ("Pacific/Kiritimati", 9, 59, 8),
        # There it is 2 March already, and they end on the 8th.
        ("Pacific/Pago_Pago", 11, 0, 6),
    ],
)
def test_days_are_those_of_the_programs_zone(db, clock, zone, hour, minute, days):
    shop = Shop(db, PROGRAM.replace("Asia/Shanghai", zone))
    shop.enrol()
    shop.adjust(80, expires_at=datetime(2026, 3, 9, 10, 30, tzinfo=UTC))
    clock.set(datetime(2026, 3, 2, hour, minute, tzinfo=UTC))

    remind(db)

    (payload,) = told(db)
    assert payload["days"] == days


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)),
        (datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)),
    ],
)
def test_one_day_before_is_the_day_before_on_both_nights_of_a_clock_change(db, clock, now, ends):
    shop = Shop(db, PROGRAM.replace("Asia/Shanghai", "Europe/Berlin"))
    shop.enrol()
    clock.set(now)
    shop.adjust(80, expires_at=ends)

    remind(db)

    assert [payload["days"] for payload in told(db)] == [1]


def test_held_points_are_told_of_and_pending_ones_when_they_are_alive(db, clock, shop):
    shop.enrol()
    shop.adjust(100, expires_at=clock.now() + timedelta(days=5))
    shop.reserve("o-1", line(100_000), points=100)

    remind(db)

    assert [payload["points"] for payload in told(db)] == [100]


def test_a_run_that_is_killed_and_begun_again_tells_everybody_once(
    db, clock, shop, owner_connection
):
    enrol_with_points(shop, 20, days=5)
    seen = []

    def kill(run):
        seen.append(run.members)
        if len(seen) == 2:
            with owner_connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'loyalty' AND datname = current_database()"
                )

    with pytest.raises(OperationalError):
        remind(db, watch=Watch(kill))
    # Begun anew, for another instant: nobody is told twice, though all are looked at again.
    ended = remind(db)

    assert (seen, ended.scanned, ended.members) == ([5, 10], 20, 10)
    assert len(told(db)) == 20


def test_two_runs_at_once_tell_everybody_once(db, clock, shop):
    enrol_with_points(shop, 60, days=5)
    now, gate, ended = clock.now(), threading.Barrier(2), []

    def work(at):
        step = Remind(Programs(), Timekeeping(), clock)
        gate.wait()
        ended.append(run_steps(db, JobName.REMIND, at, step, Watch(), size=7))

    threads = [
        threading.Thread(target=work, args=(now - timedelta(seconds=number),)) for number in (0, 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [run.outcome for run in ended] == ["done", "done"]
    assert len(told(db)) == 60
    assert sum(run.members for run in ended) == 60


def test_of_too_many_the_step_takes_as_many_as_it_may_lock(db, clock, shop):
    enrol_with_points(shop, 9, days=5)
    seen = []
    step = Remind(Programs(), Timekeeping(), clock, locked=4)

    ended = run_steps(db, JobName.REMIND, clock.now(), step, Watch(seen.append), size=100)

    assert [run.members for run in seen] == [4, 8, 9]
    assert (ended.scanned, len(told(db))) == (9, 9)
