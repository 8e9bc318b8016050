"""What a long history costs: 10,000 lots ever and 300 open, against 10, in the same run.

The open lots of the long history lie mixed over its whole time; everything else of it came back
and was taken away again. A paid order and a balance are measured inside (the service function in
its transaction) and over HTTP by one client, spending points over HTTP only: what it takes lies in
one more lot, which ends first.
"""

import argparse
import itertools
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import orjson
from common import Stand, enrol_members, median, payment, ratio, stand, title, web_server
from generate import take_part
from load import request, run_load
from recording import GIFT, call_service
from spending import ASKED

from loyalty_service.checkout.rules.cart import Cart, CartLine, Order
from loyalty_service.checkout.rules.steps import Return
from loyalty_service.checkout.service import (
    Item,
    OrderItem,
    ReturnItem,
    in_transactions,
)
from loyalty_service.earning.rules.facts import LineKind
from loyalty_service.kit.db import Database, Transaction
from loyalty_service.ledger.queries.reading import balances_now
from loyalty_service.ledger.rules.adjusting import Adjustment
from loyalty_service.ledger.service import Acting, adjust
from loyalty_service.members.queries import get_member
from loyalty_service.members.rules import Ref, parse_ref
from loyalty_service.program.service import Programs
from loyalty_service.timekeeping.service import Timekeeping

LONG, SHORT = "long", "short"
SPAN = timedelta(days=300)
ORDERS = 40
"""In one round of one call."""


MONEY = 30_000_00
"""What the orders that stay came to, in fen."""


def live(db: Database, refs: Sequence[str], lots: int, kept: int) -> None:
    """Let these members open ``lots`` lots each, of which every n-th stays open."""
    programs, begin = Programs(), db.clock.now() - SPAN
    items: list[Item] = []
    every = max(1, lots // kept)
    for i in range(lots):
        at = begin + SPAN * i / (lots + 1)
        for ref in refs:
            items += _bought(parse_ref(ref), f"{ref}-{i}", at, MONEY // kept, keep=i % every == 0)
    acting = partial(Acting, programs=programs, actor=("import", "b"), passing=Timekeeping())
    for part in in_transactions(items):
        db.run(partial(take_part, acting, part))
    gift = Adjustment("points", GIFT["points"], expires_at=db.clock.now() + timedelta(days=1))
    for ref in refs:
        db.run(partial(_give, acting, parse_ref(ref), gift))


def _give(
    acting: Callable[[Transaction], Acting], ref: Ref, gift: Adjustment, tx: Transaction
) -> None:
    adjust(acting(tx), ref, gift)


def _bought(ref: Ref, order_ref: str, at: datetime, fen: int, *, keep: bool) -> list[Item]:
    lines = (CartLine(LineKind.GOODS, "A-1", None, None, 1, fen),)
    bought = OrderItem(
        ref, Order(order_ref, f"pay-{order_ref}", Cart("CNY", None, lines), occurred_at=at)
    )
    if keep:
        return [bought]
    back = Return(f"r-{order_ref}", ((1, 1),), occurred_at=at + timedelta(seconds=1))
    return [bought, ReturnItem(ref, order_ref, back)]


def _open_lots(made: Stand, member_id: int) -> tuple[int, int]:
    with made.owner() as cursor:
        cursor.execute("SELECT count(*) FROM lot WHERE member_id = %s", (member_id,))
        (still,) = cursor.fetchone()
        cursor.execute("SELECT sum(lot_seq) FROM account WHERE member_id = %s", (member_id,))
        return int(cursor.fetchone()[0]), still


def _timed(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


class Members:
    """Who buys next: the one member of long history, or any of many of a short one."""

    def __init__(self, made: Stand, db: Database, given: argparse.Namespace) -> None:
        self.refs = {
            LONG: [f"long-{i}" for i in range(given.members)],
            SHORT: [f"short-{i}" for i in range(given.members)],
        }
        begin = db.clock.now() - SPAN
        ids = {kind: enrol_members(db, refs, enrolled_at=begin) for kind, refs in self.refs.items()}
        live(db, self.refs[LONG], given.lots, given.open)
        # Others lie between them, as anywhere: in a table of four members all of it is looked at.
        others = [f"other-{i}" for i in range(given.others)]
        enrol_members(db, others, enrolled_at=begin)
        live(db, [*self.refs[SHORT], *others], given.short, given.short)
        with made.owner() as cursor:
            cursor.execute("VACUUM ANALYZE")
        for kind, (first, *_) in ids.items():
            print("{}: {:,} lots ever, {:,} open".format(kind, *_open_lots(made, first)))
        self._count = 0
        self._told: deque[tuple[str, str]] = deque(maxlen=ORDERS)

    def next(self, kind: str) -> tuple[str, str]:
        """A member and a new order's reference."""
        self._count += 1
        told = self.refs[kind][self._count % len(self.refs[kind])], f"new-{self._count}"
        self._told.append(told)
        return told

    def again(self) -> tuple[str, str]:
        """The one told longest ago that was not told again."""
        return self._told.popleft()


def _inside(db: Database, members: Members, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Medians of each round's calls, in milliseconds."""
    programs = Programs()

    def pay(kind: str) -> None:
        call_service(db, programs, *members.next(kind))

    def show(kind: str) -> None:
        ref = parse_ref(members.next(kind)[0])
        with db.reading() as tx:
            member = get_member(tx, ref)
            balances_now(tx, member, tx.now())

    found: dict[str, dict[str, list[float]]] = {}
    for name, work in (("paid order, inside", pay), ("balance, inside", show)):
        found[name] = {LONG: [], SHORT: []}
        for _ in range(rounds + 1):
            times: dict[str, list[float]] = {LONG: [], SHORT: []}
            for _ in range(25):
                for kind in (LONG, SHORT):
                    times[kind].append(_timed(partial(work, kind)))
            for kind in (LONG, SHORT):
                found[name][kind].append(median(times[kind]) * 1000)
    return found


def _over_http(made: Stand, members: Members, rounds: int) -> dict[str, dict[str, list[float]]]:
    token = made.token()
    headers = {"Authorization": f"Bearer {token}"}

    def pay(kind: str) -> bytes:
        return payment(token, *members.next(kind))

    def show(kind: str) -> bytes:
        return request("GET", f"/v1/members/{members.next(kind)[0]}/balance", headers=headers)

    def spend(kind: str, name: str) -> bytes:
        # Each reservation is paid before the next ones are made.
        who = members.next(kind) if name != "pay" else members.again()
        method, path, body = ASKED[name](*who)
        own = {**headers, "Idempotency-Key": f"{name}-{who[1]}"}
        return request(method, path, orjson.dumps(body), own)

    found: dict[str, dict[str, list[float]]]
    with web_server(made) as web:
        calls: dict[str, Callable[[str], bytes]] = {
            "paid order, HTTP": pay,
            "balance, HTTP": show,
            "quote, HTTP": partial(spend, name="quote"),
            "reservation, HTTP": partial(spend, name="reserve"),
            "its payment, HTTP": partial(spend, name="pay"),
        }
        found = {name: {LONG: [], SHORT: []} for name in calls}
        for _, kind, name in itertools.product(range(rounds + 1), (LONG, SHORT), calls):
            load = run_load(web.port, [calls[name](kind) for _ in range(ORDERS)], 1)
            if load.errors:
                raise RuntimeError(load.first_error.decode())
            found[name][kind].append(load.percentile_ms(0.5))
    return found


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=4, help="of each kind")
    parser.add_argument("--others", type=int, default=400, help="members of short history beside")
    parser.add_argument("--lots", type=int, default=10_000, help="ever, in the long history")
    parser.add_argument("--open", type=int, default=300, help="of them")
    parser.add_argument("--short", type=int, default=10, help="lots in the short history")
    parser.add_argument("--rounds", type=int, default=11)
    given = parser.parse_args()
    title("A long history against a short one")
    with stand() as made:
        db = made.database(pool_size=1)
        members = Members(made, db, given)
        found = _inside(db, members, given.rounds) | _over_http(made, members, given.rounds)
        db.close()
    print(f"\n{'':<22}{'long ms':>10}{'short ms':>10}  long / short")
    for name, times in found.items():
        # The first round warms up.
        long, short = times[LONG][1:], times[SHORT][1:]
        print(f"{name:<22}{median(long):10.2f}{median(short):10.2f}  {ratio(long, short)}")


if __name__ == "__main__":
    main()
