"""Ten years of a shop: every night everybody stands where a plain reckoning of all that was told
puts them, and told otherwise the years come to the same rows (R-50 to R-55)."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import URL

from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from tests.conftest import START
from tests.databases import copy_database, on_server
from tests.job_world import assert_proved
from tests.model.year_programs import PROGRAMS
from tests.model.years import BEGINS, World, Years, begin, night_of

DAYS = 3_653
SHORT = 365
MEMBERS = 8
FEW = 4
Record = Callable[[str, Any], None]


@pytest.fixture
def worlds(server_url: URL, template: str) -> Iterator[Callable[[], Database]]:
    """Databases with a clock of their own, as many as are asked for."""
    made: list[tuple[str, Database]] = []

    def make() -> Database:
        name = copy_database(server_url, template)
        database = Database(server_url.set(database=name), clock=SettableClock(START))
        made.append((name, database))
        return database

    yield make
    for name, database in made:
        database.close()
        on_server(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def live(years: Years, world: World, days: int) -> datetime:
    """Live day by day, with a job every night; returns the last instant."""
    at = begin(years.model.zone)
    for day in (BEGINS + timedelta(days=number) for number in range(days)):
        at = night_of(day, years)
        years.night(at)
        world.night(at)
        assert world.stands(at) == years.stands(at), day
        for at, drawn in years.day(day):
            step = years.made(drawn, at)
            if step is not None:
                expected = years.play(at, step)
                assert world.tell(at, step) == expected, (at, step)
    return at


def tell_again(years: Years, world: World, until: datetime, *, late: bool) -> None:
    """The same years without a single night; late: all that may be told late at their end."""
    if late:
        for at, step in years.told:
            if step.call == "enrol":
                world.tell(at, step)
        world.pass_to(until)
    for at, step in years.told:
        if not late or step.call != "enrol":
            world.tell(at, step, late=late)
    world.night(until)


def play(program: str, days: int, members: int, worlds: Any, seed: str) -> Years:
    zone, first, second = PROGRAMS[program]
    since = begin(ZoneInfo(zone))
    versions = [(since, first), (since + timedelta(days=days / 2), second)]
    years = Years(versions, seed, members)
    in_time = World(worlds(), versions)
    until = live(years, in_time, days)
    in_time.night(until)
    rows = in_time.rows()

    for late in (False, True):
        again = World(worlds(), versions)
        tell_again(years, again, until, late=late)
        for table, found in again.rows().items():
            assert found == rows[table], (table, late)
        assert_proved(again.db)
    assert_proved(in_time.db)
    return years


def test_a_year_comes_to_the_same_in_time_late_and_told_late(
    worlds: Callable[[], Database],
) -> None:
    years = play("open ended", SHORT, FEW, worlds, "short")

    assert years.moves().keys() >= {"promoted", "grace_began", "kept", "demoted"}


@pytest.mark.long
@pytest.mark.parametrize("program", PROGRAMS)
def test_ten_years_come_to_the_same_in_time_late_and_told_late(
    worlds: Callable[[], Database], long_scale: float, record_property: Record, program: str
) -> None:
    days = ceil(DAYS * long_scale)

    years = play(program, days, MEMBERS, worlds, f"long {program}")

    record_property("years of members", {program: days * MEMBERS // 365})
    record_property("told over years", dict(Counter(step.kind for _, step in years.told)))
    record_property("tiers over years", dict(years.moves()))
