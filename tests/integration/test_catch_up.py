"""The nightly run brings every member to an instant, as their next operation would."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from psycopg2 import OperationalError

from loyalty_service.jobs.queries import find_run
from loyalty_service.jobs.rules.schedules import JobName
from loyalty_service.jobs.service import CatchUp, Jobs, Stuck, Watch, run_steps
from loyalty_service.kit.db import Database
from loyalty_service.members import service as members
from loyalty_service.members.rules import InTheFuture
from loyalty_service.program.rules.versions import NoProgram
from loyalty_service.program.service import Programs
from loyalty_service.timekeeping.service import Timekeeping
from tests.conftest import START
from tests.databases import connect
from tests.factories import Shop, line
from tests.integration.meetings import held
from tests.job_world import (
    PROGRAM,
    assert_proved,
    catch_up,
    digest,
    enrol_with_points,
    events,
    live,
    rows,
)

LOCK = "SELECT 1 FROM member WHERE member_id = %s FOR UPDATE"


@pytest.fixture
def shop(db):
    return Shop(db, PROGRAM)


def member_ids(db):
    return [row[0] for row in db.fetch("SELECT member_id FROM member ORDER BY member_id")]


def foreseen(db, at, size=5):
    return Jobs(db, Programs(), Timekeeping(), size=size).foresee(at, lambda _scanned: None)


@pytest.mark.parametrize("seed", range(6))
def test_the_run_writes_what_the_next_operations_would_to_the_byte(
    db, clock, twin, owner_connection, seed
):
    here, there = Shop(db, PROGRAM), Shop(twin, PROGRAM)
    refs = live(here, clock, seed)
    live(there, twin.clock, seed)
    for each in (clock, twin.clock):
        each.advance(timedelta(days=4))

    ended = catch_up(db)
    for shop in (here, there):
        for ref in refs:
            shop.adjust(1, member=ref)

    assert ended.counts.keys() == {"holds.lapsed", "points.expired"}
    assert ended.members >= len(refs) / 3
    with connect(twin.url).cursor() as cursor:
        told = rows(cursor.connection)
    found = rows(owner_connection)
    found["program_version"] = told["program_version"] = []
    assert found == told
    assert_proved(db)


def test_a_member_to_whom_time_owes_nothing_is_left_as_they_are(db, clock, shop, owner_connection):
    shop.enrol()
    shop.adjust(100, expires_at=clock.now() + timedelta(days=30))
    before = rows(owner_connection)
    clock.advance(timedelta(days=10))

    ended = catch_up(db)

    assert (ended.scanned, ended.members) == (1, 0)
    assert rows(owner_connection) == before


def test_what_ends_at_the_very_instant_is_brought_and_what_ends_later_is_not(db, clock, shop):
    shop.enrol()
    at = clock.now() + timedelta(days=1)
    shop.adjust(30, expires_at=at)
    shop.adjust(40, expires_at=at + timedelta(microseconds=1))
    clock.advance(timedelta(days=2))

    ended = catch_up(db, at)

    assert ended.counts["points.expired"] == {
        "times": 1,
        "points": {"points": -30},
        "lots": {"points": 1},
    }


def test_a_member_whose_clock_has_gone_past_the_instant_is_left_alone(db, clock, shop):
    enrol_with_points(shop, 2)
    at = clock.now() + timedelta(hours=1)
    clock.advance(timedelta(hours=2))
    shop.adjust(5, member="m-0", expires_at=clock.now() + timedelta(minutes=1))
    clock.advance(timedelta(days=3))

    first = catch_up(db, at)
    shop.adjust(1, member="m-0")
    second = catch_up(db, clock.now() - timedelta(hours=1))

    assert first.members == 0
    # The other one's points ended; the first one's operation has written theirs, and is later.
    assert second.members == 1


def test_a_hold_wins_against_the_expiry_and_after_its_lapse_the_points_expire(db, clock, shop):
    shop.enrol()
    shop.adjust(100, expires_at=clock.now() + timedelta(minutes=10))
    shop.reserve("o-1", line(100_000), points=100)
    clock.advance(timedelta(minutes=15))

    held = catch_up(db)
    clock.advance(timedelta(minutes=15))
    lapsed = catch_up(db)

    assert held.members == 0
    assert lapsed.counts == {
        "holds.lapsed": {"times": 1, "points": {"points": 100}},
        "points.expired": {"times": 1, "points": {"points": -100}, "lots": {"points": 1}},
    }
    ((instant,),) = db.fetch("SELECT occurred_at FROM entry WHERE kind = 'expire'")
    assert instant == START + timedelta(minutes=30)
    assert_proved(db)


def test_what_is_told_does_not_depend_on_how_far_one_run_goes(db, clock, shop):
    for ref in ("m-1", "m-2"):
        shop.enrol(ref)
        shop.adjust(100, member=ref, expires_at=clock.now() + timedelta(days=1))
        shop.reserve(f"o-{ref}", line(100_000), member=ref, points=100)
        shop.adjust(-50, member=ref, allow_negative=True)
    first, second = member_ids(db)
    step = CatchUp(Programs(), Timekeeping(), clock.now() + timedelta(hours=2))
    clock.advance(timedelta(hours=2))
    db.run(lambda tx: step(tx, second - 1, 1, lambda _to: None))
    clock.advance(timedelta(days=2))

    catch_up(db)

    kinds = "SELECT kind, occurred_at FROM event WHERE member_id = %s ORDER BY seq"
    assert db.fetch(kinds, (second,)) == db.fetch(kinds, (first,))


def test_a_renewed_hold_keeps_its_points_through_the_night_and_may_be_paid(db, clock, shop):
    shop.enrol()
    shop.adjust(100, expires_at=clock.now() + timedelta(minutes=10))
    shop.reserve("o-1", line(100_000), points=100)
    clock.advance(timedelta(minutes=20))

    catch_up(db)
    shop.pay_reserved("o-1")

    assert events(db, "points.expired") == []
    assert_proved(db)


def test_the_run_may_be_told_an_earlier_instant_and_records_it_now(db, clock, shop):
    enrol_with_points(shop, 1)
    clock.advance(timedelta(days=5))
    at = clock.now() - timedelta(days=2)

    catch_up(db, at)

    ((occurred_at, recorded_at, caught_up_to),) = db.fetch(
        "SELECT occurred_at, entry.recorded_at, caught_up_to FROM entry JOIN member "
        "USING (member_id) WHERE kind = 'expire'"
    )
    assert occurred_at == START + timedelta(days=1)
    assert recorded_at == clock.now()
    assert caught_up_to == at


def test_a_later_instant_is_refused(db, clock, shop, owner_connection):
    before = digest(owner_connection)

    with pytest.raises(InTheFuture):
        catch_up(db, clock.now() + timedelta(microseconds=1))

    assert digest(owner_connection) == before


def test_without_a_program_nothing_is_begun(db, owner_connection):
    before = digest(owner_connection)

    with pytest.raises(NoProgram, match="loyalty program apply"):
        catch_up(db)

    assert digest(owner_connection) == before


def test_a_dry_run_tells_what_the_run_then_does_and_writes_nothing(
    db, clock, shop, owner_connection
):
    live(shop, clock, 1)
    at = clock.now() + timedelta(days=4)
    before = digest(owner_connection)

    told = foreseen(db, at)

    assert digest(owner_connection) == before
    clock.set(at)
    done = catch_up(db, at)
    assert told.counts.told() == done.counts
    assert (told.scanned, told.members) == (done.scanned, done.members)
    assert done.counts["holds.lapsed"]["times"]


def test_the_size_of_a_chunk_changes_nothing(db, clock, twin, owner_connection):
    live(Shop(db, PROGRAM), clock, 2)
    live(Shop(twin, PROGRAM), twin.clock, 2)
    for each in (clock, twin.clock):
        each.advance(timedelta(days=4))

    one = catch_up(db, size=1)
    many = catch_up(twin, size=5_000)

    assert (one.scanned, one.members, one.counts) == (many.scanned, many.members, many.counts)
    with connect(twin.url).cursor() as cursor:
        assert rows(owner_connection)["entry"] == rows(cursor.connection)["entry"]


def test_where_too_many_are_due_the_chunk_ends_with_those_it_may_lock(db, clock, shop):
    enrol_with_points(shop, 9)
    clock.advance(timedelta(days=2))
    seen = []
    step = CatchUp(Programs(), Timekeeping(), clock.now(), locked=4)

    ended = run_steps(db, JobName.CATCH_UP, clock.now(), step, Watch(seen.append), size=100)

    assert [run.members for run in seen] == [4, 8, 9]
    assert ended.scanned == 9


BIRTHDAY = """
    - {id: cake, name: {en: Cake, zh: 生日}, wallet: points, group: base, on: birthday,
       give: {fixed: 50}}
redemption:"""


def test_members_are_asked_what_time_brings_them_where_a_birthday_gives_points(db, clock):
    shop = Shop(db, PROGRAM.replace("\nredemption:", BIRTHDAY, 1))
    shop.enrol()
    asked = []

    class Asked(Timekeeping):
        def bring(self, books, member, since, until):
            asked.append(member.member_id)
            super().bring(books, member, since, until)

    step = CatchUp(Programs(), Asked(), clock.now())
    run_steps(db, JobName.CATCH_UP, clock.now(), step, Watch())

    assert asked == member_ids(db)


def test_points_that_birthdays_give_are_counted(db, clock):
    soon = clock.now() + timedelta(days=1)
    shop = Shop(db, PROGRAM.replace("\nredemption:", BIRTHDAY, 1))
    for member in ("m-1", "m-2"):
        shop.enrol(member, birthday=(soon.month, soon.day))
    clock.advance(timedelta(days=2))

    ended = catch_up(db)

    assert ended.counts["member.birthday"] == {"times": 2, "points": {"points": 100}}


def test_members_whose_own_instant_has_come_are_asked_too(db, clock, shop, owner_connection):
    shop.enrol("m-1")
    shop.enrol("m-2")
    with owner_connection.cursor() as cursor:
        cursor.execute("UPDATE member SET due_at = %s", (clock.now() + timedelta(days=1),))
    step = CatchUp(Programs(), Timekeeping(), clock.now() + timedelta(days=1))

    with db.reading() as tx:
        found = step._find(tx, 0, 10)
        early = CatchUp(Programs(), Timekeeping(), clock.now())._find(tx, 0, 10)

    assert found.due == member_ids(db)
    assert early.due == []


# --- The next step is decided while the last one is written


def run_ahead(db, at, step, watch):
    return run_steps(db, JobName.CATCH_UP, at, step, watch, size=5, is_ahead=True)


def test_a_step_that_was_decided_ahead_waits_for_its_turn(db, clock, shop):
    enrol_with_points(shop, 15)
    clock.advance(timedelta(days=2))
    at, decided, written = clock.now(), [], []
    two_are = threading.Event()
    step = CatchUp(Programs(), Timekeeping(), at)

    def decide(tx, after, size, known):
        chunk = step(tx, after, size, known)
        decided.append(after)
        if len(decided) == 2:
            two_are.set()
        return chunk

    def show(_run):
        assert two_are.wait(10)
        written.append(len(events(db, "points.expired")))

    ended = run_ahead(db, at, decide, Watch(show))

    assert written == [5, 10, 15]
    assert (ended.outcome, ended.members) == ("done", 15)
    assert_proved(db)


def test_a_step_is_begun_as_soon_as_it_is_known_where_the_one_before_it_ends(db, clock, shop):
    enrol_with_points(shop, 15)
    clock.advance(timedelta(days=2))
    step, begun, told = CatchUp(Programs(), Timekeeping(), clock.now()), [], []
    two_are = threading.Event()

    def decide(tx, after, size, known):
        begun.append(after)
        if len(begun) == 2:
            two_are.set()

        def tell(to):
            told.append(to)
            known(to)
            # Nothing of the first has been decided yet.
            assert two_are.wait(10)

        return step(tx, after, size, tell)

    ended = run_ahead(db, clock.now(), decide, Watch())

    assert (ended.outcome, ended.members) == ("done", 15)
    # None was begun at a wrong place, given up and begun again.
    assert told == member_ids(db)[4::5]
    assert begun == [0, *told]
    assert_proved(db)


def test_no_step_is_begun_before_the_one_before_it_has_its_locks(db, clock, shop):
    enrol_with_points(shop, 15)
    clock.advance(timedelta(days=2))
    step, told = CatchUp(Programs(), Timekeeping(), clock.now()), []

    def decide(tx, after, size, known):
        def tell(to):
            told.append(to)
            known(to)

        return step(tx, after, size, tell)

    with held(db, LOCK, member_ids(db)[3]) as gate:
        gate.let_in(lambda: run_ahead(db, clock.now(), decide, Watch()))
        assert told == []
        (ended,) = gate.open()

    assert (ended.outcome, ended.members) == ("done", 15)


def test_a_step_whose_run_was_moved_by_another_process_writes_nothing(db, clock, shop):
    enrol_with_points(shop, 15)
    clock.advance(timedelta(days=2))
    at, shown = clock.now(), []
    step = CatchUp(Programs(), Timekeeping(), at)

    def show(run):
        shown.append(run.done_to)
        if len(shown) == 1:
            # As another process at the same run would: the step after this one is its work.
            db.run(lambda tx: _move(tx, at, run.done_to))

    ended = run_ahead(db, at, step, Watch(show))

    assert (ended.outcome, ended.members) == ("done", 15)
    assert len(events(db, "points.expired")) == 15
    assert_proved(db)


def _move(tx, at, done_to):
    """Say that only the first member is done: the others come again, and owe nothing by then."""
    (first,) = tx.fetch("SELECT min(member_id) FROM member")[0]
    tx.add("UPDATE job_run SET done_to = %s WHERE at = %s AND done_to = %s", (first, at, done_to))


def test_a_run_that_is_stopped_leaves_nothing_of_what_was_decided_ahead(db, clock, shop):
    enrol_with_points(shop, 15)
    clock.advance(timedelta(days=2))
    at, seen = clock.now(), []
    step = CatchUp(Programs(), Timekeeping(), at)

    stopped = run_ahead(db, at, step, Watch(seen.append, lambda: len(seen) < 1))

    assert (stopped.outcome, stopped.members) == ("stopped", 5)
    assert len(events(db, "points.expired")) == 5
    # Nobody is locked any more.
    ids = member_ids(db)
    assert len(db.run(lambda tx: members.lock_many(tx, ids))) == 15


# --- Killed, repeated, at once


def test_a_run_whose_connection_is_killed_goes_on_where_it_was(db, clock, shop, owner_connection):
    enrol_with_points(shop, 20)
    clock.advance(timedelta(days=2))
    at, seen = clock.now(), []

    def kill(run):
        seen.append(run.done_to)
        if len(seen) == 2:
            with owner_connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                    "WHERE application_name = 'loyalty' AND datname = current_database()"
                )

    with pytest.raises(OperationalError):
        catch_up(db, at, Watch(kill))
    broken = find_run(db.fetch, "catch-up", at)
    resumed = []
    ended = catch_up(db, at, Watch(lambda run: resumed.append(run.done_to)))

    # The next step may have been about to connect, and then is the last one.
    assert len(seen) in {2, 3}
    assert broken.done_to == seen[-1]
    assert broken.members == 5 * len(seen)
    assert min(resumed) > seen[-1]
    assert (ended.starts, ended.outcome, ended.members, ended.scanned) == (2, "done", 20, 20)
    assert len(events(db, "points.expired")) == 20
    assert_proved(db)


def test_a_run_that_is_told_to_stop_ends_after_its_chunk_and_may_be_taken_up_again(db, clock, shop):
    enrol_with_points(shop, 15)
    clock.advance(timedelta(days=2))
    seen = []
    watch = Watch(seen.append, lambda: len(seen) < 2)

    stopped = catch_up(db, clock.now(), watch)
    ended = catch_up(db, clock.now())

    assert (stopped.outcome, stopped.members) == ("stopped", 10)
    assert (ended.outcome, ended.members) == ("done", 15)


def test_a_run_that_is_done_is_not_begun_again(db, clock, shop):
    enrol_with_points(shop, 3)
    clock.advance(timedelta(days=2))

    first, second = catch_up(db, clock.now()), catch_up(db, clock.now())

    assert second == first
    assert len(events(db, "points.expired")) == 3


@pytest.mark.parametrize("is_same", [True, False])
def test_two_runs_at_once_come_to_the_same_end(db, clock, shop, is_same):
    enrol_with_points(shop, 60)
    clock.advance(timedelta(days=2))
    instants = [clock.now(), clock.now() if is_same else clock.now() - timedelta(seconds=1)]
    gate, ended = threading.Barrier(2), []

    def work(at):
        gate.wait()
        ended.append(catch_up(db, at, size=3))

    threads = [threading.Thread(target=work, args=(at,)) for at in instants]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [run.outcome for run in ended] == ["done", "done"]
    assert len(events(db, "points.expired")) == 60
    assert max(run.scanned for run in ended) == 60
    assert_proved(db)


def test_a_member_who_is_locked_for_a_while_is_waited_for_and_others_go_on(
    database_url, db, clock, shop
):
    enrol_with_points(shop, 12)
    clock.advance(timedelta(days=2))
    hurried = Database(database_url, clock=clock, lock_timeout_ms=50)
    holder = connect(database_url)
    holder.autocommit = False
    blocked = member_ids(db)[7]
    holder.cursor().execute(LOCK, (blocked,))
    widths, before = [], []

    def show(run):
        widths.append(run.done_to)
        # Everybody before the locked one is done; then it is let go.
        if run.done_to == blocked - 1 and not before:
            before.append(run.members)
            holder.rollback()

    ended = catch_up(hurried, clock.now(), Watch(show), size=100)

    assert before == [7]
    assert (ended.outcome, ended.members) == ("done", 12)
    assert len(widths) > 1
    holder.close()
    hurried.close()


def test_a_member_who_is_never_let_go_is_not_skipped_but_told(database_url, db, clock, shop):
    enrol_with_points(shop, 4)
    clock.advance(timedelta(days=2))
    hurried = Database(database_url, clock=clock, lock_timeout_ms=20)
    holder = connect(database_url)
    holder.autocommit = False
    blocked = member_ids(db)[2]
    holder.cursor().execute(LOCK, (blocked,))
    step = CatchUp(Programs(), Timekeeping(), clock.now())

    with pytest.raises(Stuck, match=f"after number {blocked - 1}"):
        run_steps(hurried, JobName.CATCH_UP, clock.now(), step, Watch(), patience=3)

    failed = find_run(db.fetch, "catch-up", clock.now())
    assert (failed.outcome, failed.fault, failed.members) == ("failed", "Stuck", 2)
    holder.rollback()
    assert catch_up(db, clock.now()).members == 4
    holder.close()
    hurried.close()


def test_paying_goes_on_beside_the_run(db, clock, shop):
    refs = enrol_with_points(shop, 40)
    clock.advance(timedelta(days=2))
    faults, paid = [], []

    def buy(number):
        try:
            for turn in range(15):
                ref = refs[(number * 15 + turn) % len(refs)]
                shop.pay(f"o-{number}-{turn}", line(1_000), member=ref)
                paid.append(ref)
        except BaseException as fault:  # noqa: BLE001
            faults.append(fault)

    threads = [threading.Thread(target=buy, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        catch_up(db, clock.now(), size=4)
        clock.advance(timedelta(microseconds=1))
    for thread in threads:
        thread.join()

    assert faults == []
    assert len(paid) == 45
    assert len(events(db, "points.expired")) == 40
    assert_proved(db)


# --- The calendar of the program


@pytest.mark.parametrize(
    ("zone", "ends"),
    [
        ("Pacific/Kiritimati", datetime(2026, 3, 31, 10, tzinfo=UTC)),
        ("Pacific/Pago_Pago", datetime(2026, 4, 1, 11, tzinfo=UTC)),
        # Clocks go forward on 29 March in Berlin, and on 25 October back.
        ("Europe/Berlin", datetime(2026, 3, 31, 22, tzinfo=UTC)),
        ("Asia/Shanghai", datetime(2026, 3, 31, 16, tzinfo=UTC)),
    ],
)
def test_points_are_let_go_when_their_local_day_is_over(db, clock, zone, ends):
    program = PROGRAM.replace("Asia/Shanghai", zone).replace(
        "expiry: {after: {months: 12}, round_to: month}",
        "expiry: {after: {days: 1}, round_to: month}",
    )
    shop = Shop(db, program)
    shop.enrol()
    shop.pay("o-1", line(10_000))
    clock.set(ends - timedelta(microseconds=1))
    early = catch_up(db)
    clock.set(ends)

    late = catch_up(db)

    assert early.members == 0
    assert late.counts["points.expired"]["points"] == {"points": -100}


@pytest.mark.parametrize(
    ("day", "ends"),
    [
        # The night that has 23 hours, and the one that has 25.
        (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)),
        (datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)),
    ],
)
def test_on_both_nights_of_a_clock_change_points_last_through_their_local_day(db, clock, day, ends):
    program = PROGRAM.replace("Asia/Shanghai", "Europe/Berlin").replace(
        "expiry: {after: {months: 12}, round_to: month}", "expiry: {after: {days: 1}}"
    )
    shop = Shop(db, program)
    shop.enrol(enrolled_at=START)
    clock.set(day)
    shop.pay("o-1", line(10_000))

    clock.set(ends - timedelta(microseconds=1))
    early = catch_up(db)
    clock.set(ends)
    late = catch_up(db)

    assert early.members == 0
    assert late.counts["points.expired"]["points"] == {"points": -100}
