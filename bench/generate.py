"""Fills a migrated database with members, orders and returns, through the same kernel as traffic.

    python bench/generate.py postgresql://... --members 2000 --orders 50

Every chain is whole, so that the proof and everything else can be measured on it. The orders of
all members lie mixed in time, as they would in a shop, over the two years before now.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from loyalty_service.checkout.rules.cart import Cart, CartLine, Order
from loyalty_service.checkout.rules.steps import Return
from loyalty_service.checkout.service.batch import (
    Item,
    OrderItem,
    ReturnItem,
    in_transactions,
    take_items,
)
from loyalty_service.earning.rules.facts import LineKind
from loyalty_service.kit.clock import SystemClock
from loyalty_service.kit.db import Database, Transaction
from loyalty_service.kit.migrations import migrate
from loyalty_service.ledger.service import Acting
from loyalty_service.members.rules import Ref, parse_ref
from loyalty_service.members.service import Details, enrol
from loyalty_service.program.service import Programs, apply_document
from loyalty_service.timekeeping.service import Timekeeping

PROGRAM = Path(__file__).parent.parent / "programs" / "sample.yaml"
CATEGORIES = ("shoes", "bags", "food", "toys", None)
YEARS = timedelta(days=730)


def fill(url: str, members: int, orders: int, *, seed: int = 1) -> None:
    """Enrol ``members`` and let each of them place ``orders``; one of twenty comes back."""
    migrate(url)
    db = Database(url, clock=SystemClock(), pool_size=1)
    try:
        db.run(lambda tx: apply_document(tx, PROGRAM.read_text(encoding="utf-8"), "bench"))
        begin = db.clock.now() - YEARS
        refs = [parse_ref(f"m-{i}") for i in range(members)]
        for ref in refs:
            db.run(partial(enrol, ref=ref, details=Details(enrolled_at=begin)))
        acting = partial(Acting, programs=Programs(), actor=("import", "b"), passing=Timekeeping())
        for part in in_transactions(list(_items(refs, orders, begin, random.Random(seed)))):
            db.run(partial(take_part, acting, part))
    finally:
        db.close()


def take_part(
    acting: Callable[[Transaction], Acting], part: Sequence[Item], tx: Transaction
) -> None:
    """Let the kernel take one part of a history."""
    take_items(acting(tx), part)


def _items(refs: list[Ref], orders: int, begin: datetime, dice: random.Random) -> Iterator[Item]:
    step = YEARS / (orders + 1)
    for i in range(orders):
        at = begin + step * i
        for j, ref in enumerate(refs):
            when = at + timedelta(microseconds=dice.randrange(int(step.total_seconds()) * 900_000))
            order = _order(f"o-{j}-{i}", when, dice)
            yield OrderItem(ref, order)
            if dice.random() < 0.05:
                back = Return(f"r-{j}-{i}", ((1, 1),), occurred_at=when + timedelta(seconds=1))
                yield ReturnItem(ref, order.order_ref, back)


def _order(order_ref: str, when: datetime, dice: random.Random) -> Order:
    lines = tuple(
        CartLine(
            LineKind.GOODS,
            f"sku-{dice.randrange(500)}",
            dice.choice(CATEGORIES),
            None,
            dice.randrange(1, 4),
            dice.randrange(500, 50_000),
        )
        for _ in range(dice.randrange(1, 4))
    )
    return Order(order_ref, f"pay-{order_ref}", Cart("CNY", None, lines), occurred_at=when)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", help="the database, as its owner: postgresql+psycopg2://...")
    parser.add_argument("--members", type=int, default=2_000)
    parser.add_argument("--orders", type=int, default=50, help="orders of each member")
    given = parser.parse_args()
    begin = time.perf_counter()
    fill(given.url, given.members, given.orders)
    seconds = time.perf_counter() - begin
    print(f"{given.members * given.orders:,} orders in {seconds:.1f} s")


if __name__ == "__main__":
    main()
