"""What bringing every member up to date by night costs: beside the same night written by hand in
SQL, beside a loop over members, at two sizes, in how much memory, and what checkouts feel of it.

The night is the first of a month: the term of every member's tier ends, and of three in ten members
a lot. The members are made by ``clones.py``; the night by hand is ``by_hand.py``, and both must
leave the same rows. Every run has a copy of the same database. The sizes are arguments.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

import clones
from by_hand import connected, differences, run_by_hand
from common import Stand, median, payment, ratio, stand, title, web_server
from load import Load, run_load
from sqlalchemy import make_url

from loyalty_service.kit.db import Transaction
from loyalty_service.ledger.service import Acting
from loyalty_service.members import service as members
from loyalty_service.program.service import Programs
from loyalty_service.timekeeping.service import CLOCK, Timekeeping

SHARE_PROVED = 0.01
_TOOK = """
SELECT extract(epoch FROM ended_at - started_at) FROM job_run ORDER BY started_at DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """A run of the job in a process of its own; seconds without the start of the process."""

    seconds: float
    own_seconds: float
    server_seconds: float
    memory_mb: float


@dataclass(frozen=True, slots=True)
class Night:
    """The base database, and the instants of the night."""

    made: Stand
    turn: datetime
    at: datetime

    @contextmanager
    def copy(self, name: str) -> Iterator[Stand]:
        """The base once more, for one run."""
        url = make_url(self.made.url)
        with connected(url.set(database="postgres")) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE {url.database} STRATEGY FILE_COPY")
            try:
                text = url.set(database=name).render_as_string(hide_password=False)
                yield replace(self.made, url=text)
            finally:
                cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
                cursor.execute("CHECKPOINT")


def _command(night: Night, *more: str) -> list[str]:
    command = [sys.executable, "-m", "loyalty_service.cli", "jobs", "run", "catch-up"]
    return [*command, "--at", night.at.isoformat(), *more]


def _start(made: Stand, command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        env={**os.environ, "LOYALTY_DATABASE_URL": made.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _run(night: Night, made: Stand) -> Ran:
    server = made.server_cpu()
    process = _start(made, _command(night))
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"the job ended with {status}: {said}")
    with connected(made.url) as connection:
        cursor = connection.cursor()
        cursor.execute(_TOOK)
        (seconds,) = cursor.fetchone()
    own = used.ru_utime + used.ru_stime
    return Ran(float(seconds), own, made.server_cpu() - server, used.ru_maxrss / 1024)


def _beside(night: Night, rounds: int) -> tuple[list[Ran], list[float]]:
    """The job and the night by hand in turns, each on a copy; both must leave the same rows."""
    ran, by_hand = [], []
    for _ in range(rounds):
        with night.copy("by_hand") as other, night.copy("by_job") as own:
            by_hand.append(run_by_hand(other.url, night.turn, night.at))
            ran.append(_run(night, own))
            if differing := differences(own.url, other.url):
                raise RuntimeError(f"the job and SQL differ in {', '.join(differing)}")
    return ran, by_hand


def _loop(made: Stand, ids: range) -> float:
    """Bring these members one by one; seconds for each."""
    db, programs = made.database(pool_size=1), Programs()

    def bring(tx: Transaction, member_id: int) -> None:
        (member,) = members.lock_many(tx, [member_id]).values()
        books = Acting(tx, programs, CLOCK, Timekeeping()).books(member)
        books.read_due([member], books.now)
        books.read_totals(None, books.now)
        books.bring(member, books.now)
        books.write([member])

    begin = time.perf_counter()
    for member_id in ids:
        db.run(partial(bring, member_id=member_id))
    seconds = (time.perf_counter() - begin) / len(ids)
    db.close()
    return seconds


def _payments(night: Night, given: argparse.Namespace) -> tuple[list[Load], list[Load]]:
    """Payments at a fixed pace, by turns without the job and beside it."""
    dice = random.Random(1)
    quiet: list[Load] = []
    beside: list[Load] = []
    count = round(given.pace * given.seconds)
    with night.copy("beside") as made, web_server(made) as web:
        token = made.token()

        def pay() -> Load:
            ids = dice.sample(range(clones.MODELS, given.members[-1]), count)
            refs = [f"model-{i % clones.MODELS}-{i + 1}" for i in ids]
            requests = [
                payment(token, ref, f"beside-{len(quiet)}-{len(beside)}-{ref}") for ref in refs
            ]
            return run_load(web.port, requests, rate=given.pace)

        pay()
        for _ in range(given.windows):
            quiet.append(pay())
            job = _start(made, _command(night))
            time.sleep(given.lead)
            beside.append(pay())
            if job.poll() is not None:
                beside.pop(), quiet.pop()
                print("  (the job was done before the payments were: fewer windows)")
                break
            job.send_signal(signal.SIGTERM)
            job.communicate()
    return quiet, beside


def _prove(made: Stand, first: int, count: int) -> None:
    """Prove one member in a hundred, drawn at random."""
    dice = random.Random(2)
    sample = dice.sample(range(first, first + count), max(1, round(count * SHARE_PROVED)))
    faults = clones.prove(made, sample)
    if faults:
        raise RuntimeError(f"the generated ledger is not valid: {faults[0]}")
    print(f"  proved: {len(sample):,} members drawn at random, no faults")


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--members", type=int, nargs=2, default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, nargs=2, default=[3, 1], help="for each size")
    parser.add_argument("--sample", type=int, default=2_000, help="members of the loop")
    parser.add_argument("--windows", type=int, default=5, help="pairs, with and without the job")
    parser.add_argument("--seconds", type=float, default=8.0, help="length of a window")
    parser.add_argument("--lead", type=float, default=2.0, help="the job runs before a window")
    parser.add_argument("--pace", type=float, default=40.0, help="payments a second")
    given = parser.parse_args()
    title(f"A night: {given.members[0]:,} and {given.members[1]:,} members")
    now = datetime.now(UTC)
    with stand(clones.PROGRAM) as made:
        first, seqs = clones.make_models(made, now)
        night = Night(made, clones.turn_before(now), now)
        best = [
            _at_size(night, first, seqs, size, rounds)
            for size, rounds in zip(given.members, given.rounds, strict=True)
        ]
        with night.copy("one_by_one") as other:
            each = _loop(other, range(first, first + given.sample))
        quiet, beside = _payments(night, given)
    (few, many), (small, large) = given.members, best
    rates = small.seconds / few, large.seconds / many
    print(
        f"\nseconds for 100,000 members: {rates[0] * 1e5:.1f} and {rates[1] * 1e5:.1f}, "
        f"ratio {rates[1] / rates[0]:.2f}"
    )
    print(f"one by one / the run, for each member: {each / rates[1]:.1f}")
    print(f"peak memory: {small.memory_mb:.0f} and {large.memory_mb:.0f} MB")
    _tell_payments(quiet, beside)


def _at_size(night: Night, first: int, seqs: int, size: int, rounds: int) -> Ran:
    begin = time.perf_counter()
    clones.grow(night.made, first, seqs, size)
    print(f"{size:,} members: made in {time.perf_counter() - begin:.0f} s")
    _prove(night.made, first, size)
    ran, by_hand = _beside(night, rounds)
    seconds = [one.seconds for one in ran]
    best = ran[seconds.index(sorted(seconds)[len(seconds) // 2])]
    print(
        f"  the job {best.seconds:.1f} s (its own CPU {best.own_seconds:.1f} s, the server's "
        f"{best.server_seconds:.1f} s), by hand {median(by_hand):.1f} s, same rows; "
        f"ratio {ratio(seconds, by_hand)}; peak memory {best.memory_mb:.0f} MB"
    )
    return best


def _tell_payments(quiet: list[Load], beside: list[Load]) -> None:
    if not beside:
        return
    alone = [load.percentile_ms(0.99) for load in quiet]
    busy = [load.percentile_ms(0.99) for load in beside]
    errors = sum(load.errors for load in [*quiet, *beside])
    print(
        f"payments, p99 from when each was meant to be sent: {median(alone):.0f} ms alone, "
        f"{median(busy):.0f} ms beside the job, ratio {ratio(busy, alone)}, "
        f"{len(beside)} pairs of windows, {errors} errors"
    )


if __name__ == "__main__":
    main()
