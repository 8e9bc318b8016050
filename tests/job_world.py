"""A shop with members to whom time owes something, and what jobs do for them."""

import hashlib
import random
from datetime import datetime, timedelta
from typing import Any

from loyalty_service.checkout.service.proving import find_order_faults
from loyalty_service.jobs.rules.runs import CHUNK, Run
from loyalty_service.jobs.rules.schedules import JobName
from loyalty_service.jobs.service import Jobs, Watch
from loyalty_service.kit.db import Database
from loyalty_service.kit.errors import Refusal
from loyalty_service.ledger.service.proving import prove_all
from loyalty_service.program.service import Programs
from loyalty_service.timekeeping.service import Timekeeping
from tests.factories import PLAIN, Shop, line

WORTH = "redemption: {block_points: 100, block_value: '1.00', max_share: '0.5'}\nreturns:"
PROGRAM = PLAIN.replace("returns:", WORTH)
RUN_TABLES = ("job_run", "job_lease", "reminded", "alembic_version")
QUIET = Watch()


def run(
    db: Database, name: JobName, at: datetime | None = None, watch: Watch = QUIET, size: int = CHUNK
) -> Run:
    """Run a job for an instant; for the clock's where none is given."""
    jobs = Jobs(db, Programs(), Timekeeping(), size=size)
    return jobs.run(name, at or db.clock.now(), watch)


def catch_up(db: Database, at: datetime | None = None, watch: Watch = QUIET, size: int = 5) -> Run:
    """Bring every member to an instant, a few at a time."""
    return run(db, JobName.CATCH_UP, at, watch, size)


def enrol_with_points(shop: Shop, count: int, *, days: int = 1, points: int = 100) -> list[str]:
    """Members with points that end so many days from now."""
    ends = shop.db.clock.now() + timedelta(days=days)
    refs = [f"m-{i}" for i in range(count)]
    for ref in refs:
        shop.enrol(ref)
        shop.adjust(points, member=ref, expires_at=ends)
    return refs


def live(shop: Shop, clock: Any, seed: int, *, members: int = 12, days: int = 9) -> list[str]:
    """Days of a shop by chance: gifts that end soon, orders, holds, returns and deficits."""
    dice = random.Random(seed)
    refs = [f"m-{i}" for i in range(members)]
    for ref in refs:
        shop.enrol(ref)
    for day in range(days):
        for i, ref in enumerate(refs):
            clock.advance(timedelta(minutes=dice.randrange(1, 60)))
            _act(shop, dice, ref, f"o-{i}-{day}", clock.now())
    for ref in refs[::3]:
        # Held when the days are over, of a lot that ends before the hold does.
        shop.adjust(2_000, member=ref, expires_at=clock.now() + timedelta(minutes=10))
        shop.reserve(f"last-{ref}", line(100_000), member=ref, points=100)
    return refs


def _act(shop: Shop, dice: random.Random, ref: str, order: str, now: datetime) -> None:
    chance = dice.random()
    try:
        if chance < 0.45:
            ends = now + timedelta(hours=dice.randrange(6, 300))
            shop.adjust(dice.randrange(1, 500), member=ref, expires_at=ends)
        elif chance < 0.6:
            shop.reserve(order, line(100_000), member=ref, points=100)
        elif chance < 0.75:
            shop.adjust(-dice.randrange(1, 600), member=ref, allow_negative=True)
        elif chance < 0.9:
            shop.pay(order, line(dice.randrange(100, 90_000)), member=ref)
            if chance > 0.82:
                shop.cancel(order, member=ref)
    except Refusal:
        # Not every chance is a possible one; both worlds refuse the same.
        pass


def rows(
    connection: Any, *, but: tuple[str, ...] = RUN_TABLES, without: tuple[str, ...] = ()
) -> dict[str, list[Any]]:
    """Every row of every table, in the order of their text.

    Args:
        without: columns that are left out.
    """
    told = f"(to_jsonb(t) - ARRAY{list(without)!r})" if without else "t"
    found = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in sorted(cursor.fetchall()):
            if table not in but:
                cursor.execute(f"SELECT {told}::text FROM {table} t ORDER BY 1")
                found[table] = [text for (text,) in cursor.fetchall()]
    return found


def digest(connection: Any) -> str:
    """One number for every row of the database, the jobs' own included."""
    return hashlib.sha256(repr(rows(connection, but=())).encode()).hexdigest()


def assert_proved(db: Database) -> None:
    """Every entry of everybody follows, and so does every order."""
    with db.reading() as tx:
        *_, report = prove_all(tx, None)
        report.find(find_order_faults(tx, None))
    assert report.members
    assert report.faults == []


def events(db: Database, kind: str) -> list[tuple[int, str]]:
    """What was told of a kind: our number of the member and what was said."""
    sql = "SELECT member_id, payload FROM event WHERE kind = %s ORDER BY member_id, seq"
    return [(member_id, payload) for member_id, payload in db.fetch(sql, (kind,))]
