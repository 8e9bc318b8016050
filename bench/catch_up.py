"""What bringing every member up to date by night costs, at two sizes, and in how much memory.

Members, accounts and lots are made by SQL, in sets, without the entries that would have opened the
lots: the run reads none of them. Beside it runs a loop over some of the members, each brought in a
transaction of its own, as their next operation would.
"""

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass

from common import Stand, stand, title

from loyalty_service.jobs.service.catching_up import CLOCK
from loyalty_service.kit.db import Transaction
from loyalty_service.ledger.queries import read_due
from loyalty_service.ledger.service import Acting
from loyalty_service.members import service as members
from loyalty_service.program.service import Programs
from loyalty_service.timekeeping.service import Timekeeping

_MEMBERS = """
INSERT INTO member (member_id, refs_version, enrolled_at, tags, caught_up_to, recorded_at,
                    event_seq, order_seq, live_orders, check_in_streak, due_by)
SELECT i, 1, now() - interval '400 days', '{}', now() - interval '30 days',
       now() - interval '30 days', 1, 0, 0, 0, (SELECT max(version) FROM program_version)
  FROM generate_series(%(after)s + 1, %(after)s + %(members)s) i
"""
_ACCOUNTS = """
INSERT INTO account (member_id, wallet, seq, lot_seq, balance, deficit, head)
SELECT i, 'points', %(lots)s, %(lots)s, 100 * %(lots)s, 0, sha256(i::text::bytea)
  FROM generate_series(%(after)s + 1, %(after)s + %(members)s) i
"""
# The first lots of those who are due ended on one of the last days; all others end later.
_LOTS = """
INSERT INTO lot (member_id, wallet, lot_seq, opened, remaining, active_at, expires_at)
SELECT i, 'points', n, 100, 100, now() - interval '390 days',
       CASE WHEN n <= %(due)s AND i %% 100 < %(share)s
            THEN date_trunc('day', now()) - n * interval '1 day'
            ELSE date_trunc('day', now()) + n * interval '30 days' END
  FROM generate_series(%(after)s + 1, %(after)s + %(members)s) i,
       generate_series(1, %(lots)s) n
"""
_TOOK = """
SELECT extract(epoch FROM ended_at - started_at) FROM job_run ORDER BY started_at DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """A run of the job in a process of its own; seconds without the start of the process."""

    seconds: float
    server_seconds: float
    memory_mb: float


def _fill(made: Stand, after: int, count: int, given: argparse.Namespace) -> None:
    named = {
        "after": after,
        "members": count,
        "lots": given.lots,
        "due": given.due,
        "share": given.share,
    }
    with made.owner() as cursor:
        for statement in (_MEMBERS, _ACCOUNTS, _LOTS):
            cursor.execute(statement, named)
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def _run(made: Stand) -> Ran:
    server = made.server_cpu()
    process = subprocess.Popen(
        [sys.executable, "-m", "loyalty_service.cli", "jobs", "run", "catch-up"],
        env={**os.environ, "LOYALTY_DATABASE_URL": made.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"the job ended with {status}: {said}")
    print("  " + said.strip().replace("\n", "\n  "))
    with made.owner() as cursor:
        cursor.execute(_TOOK)
        (seconds,) = cursor.fetchone()
    return Ran(float(seconds), made.server_cpu() - server, used.ru_maxrss / 1024)


def _loop(made: Stand, ids: range) -> float:
    """Bring these members one by one; seconds for each."""
    db, programs = made.database(pool_size=1), Programs()

    def bring(tx: Transaction, member_id: int) -> None:
        (member,) = members.lock_many(tx, [member_id]).values()
        books = Acting(tx, programs, CLOCK, Timekeeping()).books(member)
        books.accounts = read_due(tx, [member], books.now)
        books.bring(member, books.now)
        books.write([member])

    begin = time.perf_counter()
    for member_id in ids:
        db.run(lambda tx, member_id=member_id: bring(tx, member_id))
    seconds = (time.perf_counter() - begin) / len(ids)
    db.close()
    return seconds


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, nargs=2, default=[20_000, 100_000])
    parser.add_argument("--lots", type=int, default=12, help="open lots of each member")
    parser.add_argument("--due", type=int, default=2, help="of these, due ones of who is due")
    parser.add_argument("--share", type=int, default=30, help="per cent of members who are due")
    parser.add_argument("--sample", type=int, default=1_000, help="members of the loop")
    given = parser.parse_args()
    title(f"Catching up: {given.share} % of members with {given.due} due of {given.lots} lots")
    ran, after = [], 0
    with stand() as made:
        for count in given.members:
            _fill(made, after, count, given)
            after += count
            ran.append(_run(made))
            _tell(count, ran[-1])
        _fill(made, after, given.sample, given)
        each = _loop(made, range(after + 1, after + given.sample + 1))
    (small, large), (few, many) = ran, given.members
    rate = large.seconds / many
    print(f"\nseconds for 100,000 members: {small.seconds / few * 1e5:.1f} and {rate * 1e5:.1f}")
    print(f"one by one / the run, for each member looked at: {each / rate:.1f}")
    print(f"peak memory, {many:,} / {few:,} members: {large.memory_mb / small.memory_mb:.2f}")


def _tell(count: int, ran: Ran) -> None:
    print(
        f"{count:,} members: {ran.seconds:.1f} s, server CPU {ran.server_seconds:.1f} s, "
        f"peak memory {ran.memory_mb:.0f} MB"
    )


if __name__ == "__main__":
    main()
