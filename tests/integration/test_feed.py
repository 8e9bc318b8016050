"""What happened is published once, in order, whoever commits when and whatever is killed."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from random import Random

import orjson
import psycopg2
import pytest
from alembic import command
from sqlalchemy import NullPool, create_engine, make_url, text

from loyalty_service.feed.queries import list_events
from loyalty_service.feed.rules import WINDOW, next_after
from loyalty_service.feed.service import publish
from loyalty_service.kit.clock import SystemClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.migrations import _alembic as alembic_config
from loyalty_service.kit.migrations import migrate
from loyalty_service.ledger.rules.entry import Reason, Source
from loyalty_service.ledger.rules.movements import Opening, credit
from loyalty_service.ledger.service import Acting
from loyalty_service.members import service as members
from loyalty_service.timekeeping.service import Timekeeping
from tests.databases import connect, on_server
from tests.factories import STOREFRONT, Shop

WRITERS = 6
ACTS = 60
MARKED = "SELECT payload::json ->> 'mark' FROM event_published ORDER BY position"
PLACED = "SELECT member_id, seq FROM event_published ORDER BY position"
WAITING = "SELECT count(*) FROM event_waiting"
NUMBERED = "SELECT position FROM event_published ORDER BY position"
KILL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'loyalty' AND pid <> pg_backend_pid()
"""


class Undone(Exception):
    """What a test raises so that a transaction is rolled back."""


def tell(db, ref, mark, *, fails=False):
    """Let something happen to a member; with ``fails`` it is written, and then rolled back."""

    def work(tx):
        member = members.lock(tx, ref)
        member.meet(tx.now(), tx.now())
        member.tell("member.review", tx.now(), {"mark": mark})
        members.save(tx, [member])
        if fails:
            tx.flush()
            raise Undone

    db.run(work)


@pytest.fixture
def shop(db):
    return Shop(db)


def read_all(db, **more):
    """Every event page by page, as a consumer reads them."""
    events, after = [], 0
    while True:
        page, end = list_events(db.fetch, after, more.get("kinds", []), 7)
        events += page
        after = next_after(after, end, [event.position for event in page], 7)
        if after >= end:
            return events


def require_in_order(db):
    """Positions without a gap, and of each member all numbers, ascending."""
    positions = [position for (position,) in db.fetch(NUMBERED)]
    assert positions == list(range(1, len(positions) + 1))
    of_members = {}
    for member_id, seq in db.fetch(PLACED):
        of_members.setdefault(member_id, []).append(seq)
    for seqs in of_members.values():
        assert seqs == list(range(1, len(seqs) + 1))


class Traffic:
    """Writers, publishers and a reader on one database, each on a connection of its own."""

    def __init__(self, url, clock, refs):
        self.url, self.clock, self.refs = url, clock, refs
        self.committed, self.seen, self.is_over = [], [], threading.Event()

    def open(self):
        return Database(self.url, clock=self.clock, pool_size=1, lock_timeout_ms=60_000)

    def write(self, number):
        db, chance = self.open(), Random(number)
        for act in range(ACTS):
            mark, fails = f"{number}-{act}", chance.random() < 0.2
            with suppress(Undone):
                tell(db, chance.choice(self.refs), mark, fails=fails)
                self.committed.append(mark)
        db.close()

    def keep_publishing(self):
        db, count = self.open(), 0
        while not self.is_over.is_set():
            count += publish(db, at_once=7)
        db.close()
        return count

    def keep_reading(self):
        db, after, end = self.open(), 0, 1
        while after < end or not self.is_over.is_set():
            page, end = list_events(db.fetch, after, [], 11)
            after = next_after(after, end, [event.position for event in page], 11)
            self.seen.extend(page)
        db.close()


def test_whatever_is_committed_is_published_once_and_nothing_else(database_url, clock, shop):
    names = [f"m-{number}" for number in range(5)]
    for name in names:
        shop.enrol(name)
    traffic = Traffic(database_url, clock, [shop.ref(name) for name in names])

    with ThreadPoolExecutor(WRITERS + 4) as pool:
        publishers = [pool.submit(traffic.keep_publishing) for _ in range(3)]
        reader = pool.submit(traffic.keep_reading)
        list(pool.map(traffic.write, range(WRITERS)))
        traffic.is_over.set()
        published = sum(publisher.result() for publisher in publishers)
        reader.result()
    published += publish(shop.db)

    marks = [mark for (mark,) in shop.db.fetch(MARKED) if mark is not None]
    assert Counter(marks) == Counter(traffic.committed)
    assert WRITERS * ACTS * 0.7 < len(marks) < WRITERS * ACTS * 0.9
    assert published == len(marks) + len(names)
    assert shop.db.fetch(WAITING) == [(0,)]
    require_in_order(shop.db)
    # Who read while it was being published has missed nothing of what was read.
    assert traffic.seen == read_all(shop.db)[: len(traffic.seen)]


def test_what_commits_late_is_not_skipped(db, database_url, clock, shop):
    shop.enrol("early")
    shop.enrol("late")
    publish(db)
    slow = Database(database_url, clock=clock, pool_size=1)
    with slow.transaction() as tx:
        member = members.lock(tx, shop.ref("early"))
        member.tell("member.review", tx.now(), {})
        members.save(tx, [member])
        tx.flush()
        shop.tell("review", member="late")
        assert publish(db) == 1

    assert publish(db) == 1

    assert [event.member_ref for event in read_all(db)[2:]] == ["shop:late", "shop:early"]
    slow.close()


def test_of_two_who_publish_one_does_it_and_the_other_goes_home(db, database_url, shop):
    shop.enrol()
    leader = connect(database_url)
    leader.autocommit = False
    leader.cursor().execute("SELECT FROM feed_head FOR UPDATE")

    assert publish(db) == 0

    leader.rollback()
    leader.close()
    assert publish(db) == 1


@pytest.mark.parametrize("moment", [b"FROM feed_head", b"UPDATE feed_head"])
def test_a_publisher_that_is_killed_leaves_whole_batches(
    db, database_url, clock, shop, owner_connection, moment
):
    for number in range(10):
        shop.enrol(f"m-{number}")
    db.close()
    batches = []

    def kill_in_the_third(message):
        if moment in message:
            batches.append(message)
            if len(batches) == 3:
                owner_connection.cursor().execute(KILL)

    victim = Database(database_url, clock=clock, pool_size=1, on_message=kill_in_the_third)
    with pytest.raises(psycopg2.OperationalError):
        publish(victim, at_once=3)

    assert db.fetch("SELECT position FROM feed_head") == [(6,)]
    assert publish(victim, at_once=3) == 4
    assert publish(db) == 0
    require_in_order(db)
    victim.close()


def test_nobody_waits_for_ever_because_others_have_lower_numbers(db, shop):
    for number in range(6):
        shop.enrol(f"m-{number}")

    for _ in range(8):
        shop.tell("review", member="m-0")
        shop.tell("review", member="m-1")
        assert publish(db, at_once=2, most=2) == 2

    told = {member_id for member_id, _ in db.fetch(PLACED)}
    assert len(told) == 6


def test_what_waits_is_published_in_the_order_it_was_written_down(db, shop, clock):
    shop.enrol("m-0")
    shop.enrol("m-1")
    publish(db)

    for member in ("m-1", "m-0", "m-1"):
        clock.advance(timedelta(minutes=1))
        shop.tell("review", member=member)
    publish(db)

    assert [event.member_ref for event in read_all(db)[2:]] == ["shop:m-1", "shop:m-0", "shop:m-1"]


def test_a_clock_that_was_set_back_changes_no_members_order(db, shop, owner_connection):
    shop.enrol()
    for _ in range(3):
        shop.tell("review")
    owner_connection.cursor().execute(
        "UPDATE event_waiting SET recorded_at = recorded_at - seq * interval '1 hour'"
    )

    publish(db)

    require_in_order(db)


def test_a_rare_kind_is_looked_for_a_piece_at_a_time(db, owner_connection):
    owner_connection.cursor().execute(
        """
        INSERT INTO event_published
        SELECT 1, n, CASE WHEN n = %s THEN 'order.paid' ELSE 'member.review' END, now(), now(),
               '{}', n FROM generate_series(1, %s) n
        """,
        (WINDOW + 1, WINDOW + 5),
    )
    owner_connection.cursor().execute("UPDATE feed_head SET position = %s", (WINDOW + 5,))

    first, end = list_events(db.fetch, 0, ["order.paid"], 10)
    after = next_after(0, end, [], 10)
    second, _ = list_events(db.fetch, after, ["order.paid"], 10)

    assert (first, after) == ([], WINDOW)
    assert [event.position for event in second] == [WINDOW + 1]
    assert next_after(after, end, [WINDOW + 1], 10) == end == WINDOW + 5


def test_entries_are_never_written_without_a_word(db, shop):
    shop.enrol()

    def work(tx):
        member = members.lock(tx, shop.ref())
        books = Acting(tx, shop.programs, STOREFRONT, Timekeeping()).books(member)
        when, _ = books.meet(member, None)
        cause = books.cause(member, Reason.EXPIRED, Source.JOB, version=1, occurred_at=when)
        credit(books.account(member, "points"), cause, [Opening(7, active_at=when)])
        books.write([member])

    db.run(work)
    publish(db)

    last = read_all(db)[-1]
    assert (last.kind, last.seq) == ("points.moved", 2)
    assert orjson.loads(last.payload)["points"] == 7


def test_what_happened_before_there_was_a_feed_is_published_as_well(server_url, owner_connection):
    name = "loyalty_older_" + owner_connection.info.dbname[-12:]
    on_server(server_url, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    url = make_url(server_url).set(database=name)
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        command.upgrade(alembic_config(connection), "0003")
        connection.execute(
            text(
                "INSERT INTO event SELECT n % 3 + 1, n / 3 + 1, 'member.review', now(), now(), '{}'"
                "  FROM generate_series(0, 29) n"
            )
        )
        connection.commit()
    try:
        migrate(url)
        db = Database(url, clock=SystemClock())

        assert publish(db, at_once=4) == 30

        require_in_order(db)
        assert db.fetch("SELECT count(*), count(position) FROM event") == [(30, 30)]
        db.close()
    finally:
        on_server(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def test_the_service_may_not_change_what_was_published(db):
    for right in ("UPDATE", "DELETE", "TRUNCATE"):
        asked = f"SELECT has_table_privilege('loyalty_app', 'event_published', '{right}')"
        assert db.fetch(asked) == [(False,)]
