"""Orders in batches against the same orders sent one by one by eight clients."""

import argparse
import itertools
from collections.abc import Callable, Sequence

import orjson
from common import Stand, Web, cart, enrol_members, median, payment, ratio, stand, title, web_server
from load import CLIENTS, Load, request, run_load

MOST_ITEMS = 1_000
FIGURES = ("rate", "web", "server", "p50")


def batch(token: str, orders: Sequence[tuple[str, str]]) -> bytes:
    """One call with these orders: (member, order)."""
    items = [
        {
            "member_ref": member_ref,
            "order_ref": order_ref,
            "order": {**cart(), "payment_ref": f"pay-{order_ref}"},
        }
        for member_ref, order_ref in orders
    ]
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"b-{orders[0][1]}"}
    return request("POST", "/v1/orders/batch", orjson.dumps({"items": items}), headers)


def _sound(load: Load) -> Load:
    if load.errors:
        raise RuntimeError(load.first_error.decode(errors="replace"))
    return load


def _rounds(made: Stand, web: Web, given: argparse.Namespace) -> dict[str, list[float]]:
    """Orders a second of each round, and CPU of web and server in milliseconds an order."""
    token, number = made.token(), itertools.count()
    found: dict[str, list[float]] = {}

    def orders() -> list[tuple[str, str]]:
        numbers = itertools.islice(number, given.orders)
        return [(f"m-{i % given.members}", f"o-{i}") for i in numbers]

    def singly() -> list[bytes]:
        return [payment(token, *order) for order in orders()]

    def batched() -> list[bytes]:
        every, cuts = orders(), range(0, given.orders, given.items)
        return [batch(token, every[begin : begin + given.items]) for begin in cuts]

    sides = (("singly", singly, CLIENTS), ("batches", batched, given.clients))
    for i, (name, make, clients) in itertools.product(range(given.rounds + 1), sides):
        figures = _round(made, web, make(), clients)
        # The first round warms up.
        for what, value in zip(FIGURES, figures if i else (), strict=False):
            found.setdefault(f"{name} {what}", []).append(value(given.orders))
    return found


def _round(
    made: Stand, web: Web, requests: list[bytes], clients: int
) -> list[Callable[[int], float]]:
    """What a round came to, by the number of orders in it."""
    cpu, server = web.cpu(), made.server_cpu()
    load = _sound(run_load(web.port, requests, clients))
    cpu, server = web.cpu() - cpu, made.server_cpu() - server
    return [
        lambda orders: orders / load.seconds,
        lambda orders: cpu / orders * 1000,
        lambda orders: server / orders * 1000,
        lambda _: load.percentile_ms(0.5),
    ]


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=2_000)
    parser.add_argument("--orders", type=int, default=2_000, help="in one round")
    parser.add_argument("--items", type=int, default=200, help=f"in one batch, <= {MOST_ITEMS}")
    parser.add_argument("--clients", type=int, default=4, help="that send batches")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    title(f"Batches of {given.items} orders of five lines, {given.clients} clients")
    with stand() as made:
        db = made.database(pool_size=1)
        enrol_members(db, [f"m-{i}" for i in range(given.members)])
        db.close()
        with web_server(made) as web:
            found = _rounds(made, web, given)
    print(f"{'':<10}{'orders/s':>10}{'web ms':>10}{'server ms':>11}{'p50 of a call, ms':>19}")
    for name in ("singly", "batches"):
        values = [median(found[f"{name} {what}"]) for what in FIGURES]
        print("{:<10}{:10.0f}{:10.2f}{:11.2f}{:19.1f}".format(name, *values))
    print(f"\nrate, batches / singly: {ratio(found['batches rate'], found['singly rate'])}")


if __name__ == "__main__":
    main()
