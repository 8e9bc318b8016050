"""Quote, reservation and payment of a reserved order over HTTP, beside the same SQL in a bare view.

Then what two orders of one member cost in parallel, and a quote of twenty lines.
"""

import argparse
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from common import (
    Stand,
    Web,
    cart,
    enrol_members,
    median,
    payment,
    ratio,
    stand,
    title,
    web_server,
)
from load import request, run_load
from paid_order import SHARE, Measured, dsn, heads, measure
from recording import EARLIER, GIFT, NUMBER, Asked, record_spending

POINTS = 1_000
LONG_CART = 20


def offer(lines: int = 5) -> dict[str, Any]:
    """A cart that points are to pay in part."""
    whole = cart()
    some = list(itertools.islice(itertools.cycle(whole["lines"]), lines))
    return {"channel": "app", "lines": some, "points": POINTS}


ASKED: Mapping[str, Asked] = {
    "quote": lambda ref, _: ("POST", f"/v1/members/{ref}/quotes", offer()),
    "reserve": lambda ref, order_ref: (
        "PUT",
        f"/v1/members/{ref}/orders/{order_ref}/reservation",
        offer(),
    ),
    "pay": lambda ref, order_ref: (
        "POST",
        f"/v1/members/{ref}/orders/{order_ref}/payment",
        {"payment_ref": f"pay-{order_ref}"},
    ),
}
"""In the order in which each can be done."""


class Calls:
    """The service's calls and the bare view's replays of them, each with numbers of its own."""

    def __init__(self, token: str, ids: list[int]) -> None:
        self._token = token
        self._half = len(ids) // 2
        self._ids = ids[self._half :]
        self._count = 0

    def take(self, count: int) -> dict[str, tuple[list[bytes], list[bytes]]]:
        """By name of the call, the requests to the service and to the bare view."""
        numbers = range(self._count, self._count + count)
        self._count += count
        return {
            name: (
                [self.call(asked, f"m-{i % self._half}", f"o-{i}") for i in numbers],
                [self._replay(name, asked, i) for i in numbers],
            )
            for name, asked in ASKED.items()
        }

    def call(self, asked: Asked, ref: str, order_ref: str) -> bytes:
        """One request to the service."""
        method, path, body = asked(ref, order_ref)
        headers = {"Authorization": f"Bearer {self._token}", "Idempotency-Key": f"key-{order_ref}"}
        return request(method, path, orjson.dumps(body), headers)

    def _replay(self, name: str, asked: Asked, i: int) -> bytes:
        _, _, body = asked("m", "o")
        # Two numbers for each: what a call writes may take the next one too.
        path = f"/{name}/{self._ids[i % len(self._ids)]}/{NUMBER + 1000 + 2 * i}"
        return request("POST", path, orjson.dumps(body))


def _gift(ref: str, _: str) -> tuple[str, str, Any]:
    return "POST", f"/v1/members/{ref}/adjustments", GIFT


def _long_quote(ref: str, _: str) -> tuple[str, str, Any]:
    return "POST", f"/v1/members/{ref}/quotes", offer(LONG_CART)


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=1_000, help="half for each side")
    parser.add_argument("--calls", type=int, default=500, help="of each kind in one round")
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    title("Spending points: a cart of five lines, 8 keep-alive clients")
    with stand() as made:
        recorded = made.folder / "recorded.json"
        counts = record_spending(made, recorded, ASKED)
        print(", ".join(f"{name}: {count} messages" for name, count in counts.items()), "\n")
        bare = {"BENCH_RECORDED": str(recorded), "BENCH_DSN": dsn(made)}
        program = (str(Path(__file__).parent / "bare.py"),)
        with web_server(made) as service, web_server(made, program, **bare) as plain:
            _compare(made, service, plain, given)


def _compare(made: Stand, service: Web, plain: Web, given: argparse.Namespace) -> None:
    db = made.database(pool_size=1)
    ids = enrol_members(db, [f"m-{i}" for i in range(given.members)])
    db.close()
    calls = Calls(made.token(), ids)
    gifts = [calls.call(_gift, f"m-{i}", f"gift-{i}") for i in range(given.members)]
    if run_load(service.port, gifts).errors:
        raise RuntimeError("the members have no points")
    # Everybody has bought as often as who was recorded.
    token, half = made.token(), given.members // 2
    bought = [payment(token, f"m-{i}", f"{order}-{i}") for order in EARLIER for i in range(half)]
    if run_load(service.port, bought).errors:
        raise RuntimeError("the members have bought nothing")
    found, paced = ({name: (Measured(), Measured()) for name in ASKED} for _ in range(2))
    for i in range(given.rounds + 1):
        for name, requests in calls.take(given.calls).items():
            sides = list(zip((service, plain), requests, found[name], strict=True))
            for web, some, into in sides if i % 2 else reversed(sides):
                # The first round warms up.
                measure(made, web, some, into if i else None)
        for name, requests in calls.take(given.calls // 2).items() if i else ():
            # At their own pace the two sides share flushes of the log unequally.
            rate = SHARE * median(found[name][0].rates)
            for web, some, into in zip((service, plain), requests, paced[name], strict=True):
                measure(made, web, some, into, rate=rate)
    _tell(found, "")
    _tell(paced, ", one pace")
    _in_parallel(service, calls, given)
    _long_quotes(made, service, calls, given)


def _tell(found: Mapping[str, tuple[Measured, Measured]], how: str) -> None:
    print(heads())
    for name, (service, bare) in found.items():
        print(service.line(f"{name}{how}"))
        print(bare.line(f"{name}, bare view{how}"))
    for name, (service, bare) in found.items():
        what = f"service / bare view{how}"
        print(f"\n{name}: web CPU, {what}     {ratio(service.web, bare.web)}")
        print(f"{name}: server CPU, {what}  {ratio(service.server, bare.server)}")
        if not how:
            print(f"{name}: rate, {what}        {ratio(service.rates, bare.rates)}")
    print()


def _in_parallel(service: Web, calls: Calls, given: argparse.Namespace) -> None:
    """Two orders of one member at once against one after the other."""
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for i in range(given.rounds + 1):
        for clients in (1, 2) if i % 2 else (2, 1):
            names = [f"one-{i}-{clients}-{n}" for n in range(100)]
            for name in ("reserve", "pay"):
                some = [calls.call(ASKED[name], "m-0", order_ref) for order_ref in names]
                load = run_load(service.port, some, clients)
                if load.errors:
                    raise RuntimeError(load.first_error.decode())
                if i and name == "pay":
                    seconds[clients].append(load.seconds)
    print(f"two orders of one member, in parallel / in sequence  {ratio(seconds[2], seconds[1])}")


def _long_quotes(made: Stand, service: Web, calls: Calls, given: argparse.Namespace) -> None:
    found = Measured()
    for _ in range(given.rounds):
        some = [calls.call(_long_quote, f"m-{i % 100}", "none") for i in range(given.calls)]
        measure(made, service, some, found)
    print(
        f"quote of {LONG_CART} lines: {median(found.web):.2f} ms of web CPU, "
        f"{median(found.server):.2f} ms of the server's, {found.errors} errors"
    )


if __name__ == "__main__":
    main()
