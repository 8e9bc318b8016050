"""A paid order of five lines over HTTP, beside the same SQL in a bare view, and beside pgbench."""

import argparse
import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from common import Stand, Web, cart, enrol_members, median, payment, ratio, stand, title, web_server
from load import CLIENTS, Load, request, run_load
from recording import EARLIER, NUMBER, record_paid_order

from loyalty_service.kit.embedded.cluster import find_binaries
from loyalty_service.kit.embedded.place import account_for

BODY = orjson.dumps(cart())
PACED = ("service, paced", "bare view, paced")
SHARE = 0.6
"""Of the service's own rate, for both sides at one pace."""


@dataclass(slots=True)
class Measured:
    """The rounds of one kind of call; CPU in milliseconds a call."""

    rates: list[float] = field(default_factory=list)
    web: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    client: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    errors: int = 0

    def add(self, load: Load, web_cpu: float, server_cpu: float) -> None:
        """Add a round."""
        calls = len(load.latencies)
        self.rates.append(load.rate)
        self.web.append(web_cpu / calls * 1000)
        self.server.append(server_cpu / calls * 1000)
        self.client.append(load.client_cpu / load.seconds)
        self.p50.append(load.percentile_ms(0.5))
        self.p99.append(load.percentile_ms(0.99))
        self.errors += load.errors
        if load.first_error:
            print(load.first_error.decode(errors="replace"))

    def line(self, name: str) -> str:
        """One row of the table."""
        cells = (self.rates, self.web, self.server, self.p50, self.p99)
        numbers = "".join(f"{median(values):10.2f}" for values in cells)
        return f"{name:<30}{numbers}{median(self.client):9.0%}{self.errors:8}"


def heads() -> str:
    """The first row of the table."""
    names = ("calls/s", "web ms", "server ms", "p50 ms", "p99 ms")
    return f"{'':<30}" + "".join(f"{name:>10}" for name in names) + f"{'client':>9}{'errors':>8}"


def measure(
    stand: Stand,
    web: Web,
    requests: list[bytes],
    into: Measured | None,
    *,
    rate: float | None = None,
) -> None:
    """Send one round of requests and add up what it cost."""
    web_cpu, server_cpu = web.cpu(), stand.server_cpu()
    load = run_load(web.port, requests, CLIENTS, rate)
    if into is not None:
        into.add(load, web.cpu() - web_cpu, stand.server_cpu() - server_cpu)


class PgBench:
    """TPC-B-like transactions, one statement a message, in a database of its own."""

    def __init__(self, stand: Stand, transactions: int) -> None:
        root = Path(stand.postgres.root)
        self._binary = str(find_binaries(root, account_for(root)) / "pgbench")
        self._stand, self._transactions = stand, transactions
        host = str(stand.postgres.url.query["host"])
        self._environment = {**os.environ, "PGHOST": host, "PGUSER": "loyalty"}
        with stand.owner() as cursor:
            cursor.execute("CREATE DATABASE tpcb")
        self._run("-i", "-q", "-s", "20")

    def measure(self) -> float:
        """CPU of the server per transaction, in milliseconds."""
        before = self._stand.server_cpu()
        each = self._transactions // CLIENTS
        self._run("-M", "simple", "-c", str(CLIENTS), "-t", str(each), "-n")
        return (self._stand.server_cpu() - before) / (each * CLIENTS) * 1000

    def _run(self, *arguments: str) -> None:
        command = [self._binary, *arguments, "tpcb"]
        subprocess.run(command, env=self._environment, check=True, capture_output=True)


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=1_000, help="half for each side")
    parser.add_argument("--calls", type=int, default=1_000, help="in one round")
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    title("A paid order of five lines, 8 keep-alive clients")
    with stand() as made:
        recorded = made.folder / "recorded.json"
        messages = record_paid_order(made, recorded)
        print(f"{len(messages)} messages, {sum(map(len, messages)):,} bytes to the database\n")
        bare = {"BENCH_RECORDED": str(recorded), "BENCH_DSN": dsn(made)}
        program = (str(Path(__file__).parent / "bare.py"),)
        with web_server(made) as service, web_server(made, program, **bare) as plain:
            _compare(made, service, plain, given)


def _compare(made: Stand, service: Web, plain: Web, given: argparse.Namespace) -> None:
    db = made.database(pool_size=1)
    half = given.members // 2
    ids = enrol_members(db, [f"m-{i}" for i in range(given.members)])
    db.close()
    orders, replays = _orders(made, half), _replays(ids[half:])
    bench = PgBench(made, given.calls * 2)
    # Everybody has bought as often as who was recorded, and every worker has seen the members.
    for make, web in ((orders, service), (replays, plain)):
        measure(made, web, _take(make, half * len(EARLIER)), None)
    found = {name: Measured() for name in ("service", "bare view", "empty", *PACED)}
    transactions: list[float] = []
    for i in range(given.rounds):
        sides: list[Callable[[], None]] = [
            lambda: measure(made, service, _take(orders, given.calls), found["service"]),
            lambda: measure(made, plain, _take(replays, given.calls), found["bare view"]),
        ]
        for side in sides if i % 2 else reversed(sides):
            side()
        # At their own pace the two sides share flushes of the log unequally.
        few, rate = given.calls // 2, SHARE * median(found["service"].rates)
        measure(made, service, _take(orders, few), found[PACED[0]], rate=rate)
        measure(made, plain, _take(replays, few), found[PACED[1]], rate=rate)
        empty = [request("POST", "/empty", BODY)] * given.calls
        measure(made, plain, empty, found["empty"])
        transactions.append(bench.measure())
    _tell(found, transactions)


def _orders(made: Stand, members: int) -> Iterator[bytes]:
    token = made.token()
    return (payment(token, f"m-{i % members}", f"o-{i}") for i in itertools.count())


def _replays(ids: list[int]) -> Iterator[bytes]:
    return (
        request("POST", f"/pay/{ids[i % len(ids)]}/{NUMBER + 1000 + i}", BODY)
        for i in itertools.count()
    )


def _take(requests: Iterator[bytes], count: int) -> list[bytes]:
    return list(itertools.islice(requests, count))


def _tell(found: dict[str, Measured], transactions: list[float]) -> None:
    print(heads())
    for name, measured in found.items():
        print(measured.line(name))
    print(f"{'pgbench, a transaction':<30}{'':>20}{median(transactions):10.2f}\n")
    service, bare = found["service"], found["bare view"]
    print(f"web CPU, service / bare view       {ratio(service.web, bare.web)}")
    print(f"rate, service / bare view          {ratio(service.rates, bare.rates)}")
    print(f"server CPU, service / bare view    {ratio(service.server, bare.server)}")
    paced = [found[name] for name in PACED]
    print(f"web CPU, both at one pace          {ratio(*[side.web for side in paced])}")
    print(f"server CPU, both at one pace       {ratio(*[side.server for side in paced])}")
    print(f"server CPU, service / pgbench      {ratio(service.server, transactions)}")


def dsn(made: Stand) -> str:
    """How psycopg2 connects as the owner."""
    url: Any = made.postgres.url
    return f"host={url.query['host']} port={url.port} user={url.username} dbname={url.database}"


if __name__ == "__main__":
    main()
