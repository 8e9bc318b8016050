"""How fast events are published and entries summed; what a report costs, short history and long."""

import argparse
import time
from collections.abc import Callable
from typing import Any

from common import median, stand, title
from generate import fill

from loyalty_service.feed.service import publish
from loyalty_service.kit.db import Database
from loyalty_service.program.service import Programs
from loyalty_service.reports.rules.points import By
from loyalty_service.reports.service import report_liability, report_points, sum_up

LOOKS = 7


def timed(work: Callable[[], Any]) -> float:
    """Seconds of our own time that it takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def looks(db: Database, programs: Programs) -> tuple[float, float]:
    """The median milliseconds of a report of points, and of one of liability."""

    def of_points() -> None:
        with db.reading() as tx:
            report_points(tx, programs, By.REASON, None, None)

    def of_liability() -> None:
        with db.reading() as tx:
            report_liability(tx, programs, None)

    return tuple(  # type: ignore[return-value]
        1e3 * median([timed(look) for _ in range(LOOKS)]) for look in (of_points, of_liability)
    )


def measure(members: int, orders: int) -> str:
    """Fill a database, publish, sum, and look before and after."""
    with stand() as made:
        db, programs = made.database(), Programs()
        fill(made.url, members, orders)
        with made.owner() as cursor:
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("SELECT count(*) FROM event_waiting")
            (events,) = cursor.fetchone()
        live = looks(db, programs)
        publishing = timed(lambda: publish(db))
        server, begin = made.server_cpu(), time.perf_counter()
        entries = sum_up(db).entries
        seconds, server = time.perf_counter() - begin, made.server_cpu() - server
        kept = looks(db, programs)
        db.close()
    return (
        f"{entries:,} entries: {events / publishing:,.0f} events/s published, "
        f"{entries / seconds:,.0f} entries/s summed, of the server's CPU "
        f"{server / entries * 1e6:.0f} us each\n"
        f"  points {live[0]:.1f} ms before it, {kept[0]:.1f} ms after; "
        f"liability {live[1]:.1f} ms before it, {kept[1]:.1f} ms after"
    )


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=60_000, help="about so many")
    parser.add_argument("--members", type=int, default=1_000)
    given = parser.parse_args()
    title("Publishing and summing")
    for entries in (given.entries // 5, given.entries):
        print(measure(given.members, max(1, entries // (2 * given.members))), flush=True)


if __name__ == "__main__":
    main()
