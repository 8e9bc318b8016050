"""The nightly run killed at any moment, many times, comes to the end it would have come to (R-55).

What is killed is the job, the scheduler, or the database. Of the kills at least a third must hit an
open transaction, else they prove little.
"""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import URL

from loyalty_service.jobs.rules.schedules import SCHEDULES, JobName, last_due
from loyalty_service.jobs.service import Watch
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.embedded import EmbeddedPostgres
from loyalty_service.kit.migrations import migrate
from tests.databases import connect, on_server
from tests.factories import Shop, line
from tests.integration.test_tiers import BIRTHDAY, TIERS
from tests.job_world import WORTH, assert_proved, rows, run
from tests.killing import SECONDS, Killer, answers, ask, children, spawn
from tests.model.programs import changed
from tests.services import wait_until

KILLS = {"command": 14, "clocked": 14, "scheduler": 8, "database": 16}
LEAST_INSIDE = 1 / 3
MEMBERS = 200
CHUNK = 8
DAY = timedelta(days=1)
PAST = 40 * DAY
NOON = 12
# What says when something was written, and what covers that.
WRITTEN_AT = ("recorded_at", "hash", "head")
RUNS = ("job_run", "job_lease", "reminded", "alembic_version")
LET_GO = "UPDATE job_lease SET lasts_until = now()"
BACKENDS = """
SELECT pid FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'loyalty'
"""
Record = Callable[[str, Any], None]


def program(zone: str) -> str:
    """Birthdays, points that end, and tiers that fall within the time."""
    return changed(
        BIRTHDAY + TIERS,
        ("Asia/Shanghai", zone),
        ("expiry: {after: {months: 12}, round_to: month}", "expiry: {after: {days: 25}}"),
        ("returns:", WORTH),
        ("window: {months: 12}", "window: {days: 20}"),
        ("term: {months: 12, end: month}", "term: none\n  grace: {days: 7}"),
    )


def populate(db: Database, zone: str) -> None:
    """Members to whom the next forty days bring many things, and nothing soon after them."""
    clock = db.clock
    assert isinstance(clock, SettableClock)
    shop, dice = Shop(db, program(zone)), random.Random("killed")
    for number in range(MEMBERS):
        ref, soon = f"m-{number}", clock.now() + dice.randrange(1, 38) * DAY
        shop.enrol(ref, birthday=(soon.month, soon.day))
        shop.pay(f"{ref}-1", line(dice.randrange(30_000, 300_000)), member=ref)
        shop.adjust(dice.randrange(50, 500), member=ref, expires_at=soon)
        if number % 3 == 0:
            shop.reserve(f"{ref}-2", line(90_000), member=ref, points=100)
        if number % 5 == 0:
            shop.adjust(-2_500, member=ref, allow_negative=True)


@dataclass
class Place:
    """A server with a populated database; killing is done on copies of it.

    Args:
        zone: of the program; it is noon there, so that no job comes due meanwhile.
        now: the end of the forty days.
    """

    server: URL
    zone: str
    now: datetime
    populated: str = ""
    made: list[str] = field(default_factory=list)

    def name(self) -> str:
        self.made.append(f"loyalty_killed_{uuid4().hex[:12]}")
        return self.made[-1]

    def copy(self) -> str:
        name = self.name()
        on_server(self.server, f"CREATE DATABASE {name} TEMPLATE {self.populated}")
        return self.server.set(database=name).render_as_string(hide_password=False)

    def drop(self) -> None:
        for name in self.made:
            on_server(self.server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def make_place(server: URL, template: str) -> Place:
    now = datetime.now(UTC)
    place = Place(server, f"Etc/GMT{now.hour - NOON:+d}", now)
    place.populated = template
    url = place.copy()
    place.populated = place.made[-1]
    db = Database(url, clock=SettableClock(now - PAST))
    populate(db, place.zone)
    db.close()
    return place


@pytest.fixture
def place(server_url: URL, template: str) -> Iterator[Place]:
    made = make_place(server_url, template)
    yield made
    made.drop()


def left_alone(place: Place, at: datetime, without: tuple[str, ...]) -> tuple[Any, float]:
    """The rows of a run that nobody disturbs, and how many seconds it took."""
    url = place.copy()
    db = Database(url, clock=SettableClock(place.now))
    began = time.monotonic()
    run(db, JobName.CATCH_UP, at, Watch(), CHUNK)
    took = time.monotonic() - began
    assert_proved(db)
    db.close()
    return rows_of(url, without), took


def rows_of(url: str, without: tuple[str, ...]) -> Any:
    connection = connect(url)
    try:
        return rows(connection, but=RUNS, without=without)
    finally:
        connection.close()


def kill_often(kills: int, place: Place, make: Callable[[str], Killer], seconds: float) -> Any:
    """Kill on one copy after the other, on each up to its end, until there were as many kills.

    Yields:
        the address of each copy whose run has ended, and the kills on it.
    """
    left = kills
    while left > 0:
        url = place.copy()
        killer = make(url)
        while killer.kills.total() < left and killer.life(seconds):
            pass
        killer.finish()
        left -= killer.kills.total()
        yield url, killer.kills


def check(
    place: Place,
    make: Callable[[str], Killer],
    kills: int,
    *,
    at: datetime | None = None,
    without: tuple[str, ...] = (),
) -> Counter[str]:
    """However often it is killed, a run leaves the rows of one that was left alone."""
    expected, took = left_alone(place, at or place.now, without)
    counted: Counter[str] = Counter()
    for url, of_copy in kill_often(kills, place, make, took):
        counted += of_copy
        assert rows_of(url, without) == expected
    assert counted.total() == kills
    return counted


def tell(record: Record, what: str, counted: Counter[str]) -> None:
    record("kills", {f"{what} {where}": count for where, count in counted.items()})
    if counted.total() >= KILLS["scheduler"]:
        assert counted["inside a transaction"] >= LEAST_INSIDE * counted.total()


def dice() -> random.Random:
    return random.Random(os.environ.get("HYPOTHESIS_PROFILE") or time.time_ns())


@pytest.mark.long
def test_the_command_killed_at_any_moment_leaves_the_same_rows(
    place: Place, long_scale: float, record_property: Record
) -> None:
    chance, at = dice(), place.now.isoformat()

    def make(url: str) -> Killer:
        command = ("jobs", "run", "catch-up", "--at", at, "--chunk", str(CHUNK))
        return Killer(url, lambda: spawn(url, *command), chance)

    kills = ceil(KILLS["command"] * long_scale)
    tell(record_property, "command", check(place, make, kills, without=WRITTEN_AT))


@pytest.mark.long
def test_under_a_clock_that_stands_still_it_leaves_the_same_bytes(
    place: Place, long_scale: float, record_property: Record
) -> None:
    chance = dice()

    def make(url: str) -> Killer:
        return Killer(url, lambda: spawn_clocked(url, place), chance)

    kills = ceil(KILLS["clocked"] * long_scale)
    tell(record_property, "clocked", check(place, make, kills))


def spawn_clocked(url: str, place: Place) -> subprocess.Popen[bytes]:
    return spawn(url, url, place.now.isoformat(), str(CHUNK), module="tests.clocked_job")


@pytest.mark.long
def test_a_scheduler_killed_at_any_moment_leaves_the_same_rows(
    place: Place, long_scale: float, record_property: Record
) -> None:
    chance = dice()

    def start(url: str) -> subprocess.Popen[bytes]:
        # The lease of one that was killed would have to run out first.
        on_server(url, LET_GO)
        return spawn(url, "scheduler")

    def make(url: str) -> Killer:
        return Killer(url, lambda: start(url), chance)

    due = last_due(SCHEDULES[JobName.CATCH_UP], place.now, ZoneInfo(place.zone))
    kills = ceil(KILLS["scheduler"] * long_scale)
    counted = check(place, make, kills, at=due, without=WRITTEN_AT)
    tell(record_property, "scheduler", counted)


@pytest.mark.long
def test_a_database_killed_under_the_run_leaves_the_same_bytes(
    root: Path, long_scale: float, record_property: Record
) -> None:
    chance = dice()
    with EmbeddedPostgres(root, settings={"fsync": "off"}) as postgres:
        migrate(postgres.url)
        place = make_place(postgres.url.set(database="postgres"), postgres.url.database or "")

        def strike(process: subprocess.Popen[bytes], url: str) -> None:
            """Kill what serves the run, and the server mends itself; or all of it at once."""
            if chance.random() < 1 / 2:
                os.kill(ask(url, BACKENDS), signal.SIGKILL)
            else:
                assert postgres.pid is not None
                for pid in (postgres.pid, *children(postgres.pid)):
                    os.kill(pid, signal.SIGKILL)
                postgres.stop()
                postgres.start()
            process.send_signal(signal.SIGCONT)
            assert process.wait(SECONDS) != 0
            wait_until(lambda: answers(url), SECONDS)

        def make(url: str) -> Killer:
            start = lambda: spawn_clocked(url, place)  # noqa: E731
            return Killer(url, start, chance, lambda process: strike(process, url))

        kills = ceil(KILLS["database"] * long_scale)
        tell(record_property, "database", check(place, make, kills))
