"""Plays a history on the model and on the service side by side and compares after every step."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import yaml

from loyalty_service.checkout.service.proving import find_order_faults
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.ledger import queries as ledger
from loyalty_service.ledger.rules.buckets import Buckets
from loyalty_service.ledger.service import proving, showing
from loyalty_service.members import queries as members
from loyalty_service.members.rules import parse_ref
from tests.factories import Shop
from tests.model.hand import SECOND_VERSION, START, Step
from tests.model.histories import Author
from tests.model.plain import Model
from tests.model.plain_books import Member
from tests.model.plain_ledger import Account, Refused
from tests.model.plain_orders import money_back, payable
from tests.model.programs import PROGRAMS
from tests.model.proof import prove, read_books, read_orders
from tests.model.shop import RealShop

Node = dict[str, Any]

# Whatever belongs to a member, also in tables that are yet to come.
_OWNED = """
SELECT table_name FROM information_schema.columns
 WHERE table_schema = 'public' AND column_name = 'member_id' ORDER BY 1
"""
_ROWS = "SELECT member_id, '{0} ' || t::text FROM {0} t WHERE member_id = ANY(%(ids)s)"
STORIES = 4
BUCKETS = ("active", "pending", "due", "held", "deficit")
_MEMBER = """
SELECT caught_up_to, live_orders, redemption_locked_since IS NOT NULL, tier, tier_since, tier_until,
       grace_until
  FROM member WHERE member_id = %s
"""
_CHANGES = """
SELECT cause, from_tier, to_tier, tier_until, grace_until, program_version, occurred_at,
       recorded_at, counted
  FROM tier_change WHERE member_id = %s ORDER BY change_no
"""
_CLOCKS = "SELECT member_id, caught_up_to FROM member WHERE member_id > %s"


class Disagreement(AssertionError):
    """The service and the model differ."""


class Stage:
    """A database with one of the programs, its second version already in force from its day on."""

    def __init__(self, db: Database, clock: SettableClock, program: str) -> None:
        self.db, self.clock, self.program = db, clock, program
        first, second = PROGRAMS[program]
        clock.set(START - timedelta(days=400))
        self.shop = Shop(db, first)
        clock.set(SECOND_VERSION)
        self.shop.apply(second)
        since = (START - timedelta(days=400), SECOND_VERSION)
        read = [yaml.load(text, yaml.BaseLoader) for text in (first, second)]
        self.versions = list(zip(since, read, strict=True))
        self.owned = [name for (name,) in db.fetch(_OWNED)]
        self.snapshot = " UNION ALL ".join(_ROWS.format(name) for name in self.owned)
        self.plays = 0

    def play(self) -> "Play":
        """Begin a history: nobody is enrolled, and it is the first day again."""
        self.plays += 1
        self.clock.set(START)
        [(last,)] = self.db.fetch("SELECT coalesce(max(member_id), 0) FROM member")
        return Play(self, Model(self.versions, START), RealShop(self.shop, f"h{self.plays}", last))


class Play:
    """One history in both worlds; ``accepted`` and ``refused`` count its steps by kind."""

    def __init__(self, stage: Stage, model: Model, real: RealShop) -> None:
        self.stage, self.model, self.real = stage, model, real
        self.accepted: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.rows: dict[int, list[str]] = {}
        self.past: dict[datetime, dict[str, Node]] = {}

    def do(self, step: Step) -> None:
        """Play one step in both worlds.

        Raises:
            Disagreement: they answered differently, or stand differently now.
        """
        if step.call == "clock":
            self.past[self.model.now] = self.balances()
            self.model.now = step.args["to"]
            self.stage.clock.set(step.args["to"])
            self.accepted["clock"] += 1
            self.compare_books(self.real.member_ids, moved=())
            return
        if step.call == "catch_up":
            # Of a history that is cut short the clock may not have come so far.
            step = replace(step, args={"at": min(step.args["at"], self.model.now)})
        expected, answer = self.standings(step) if step.call == "stand" else self.answers(step)
        if answer != expected:
            raise Disagreement(f"the service says\n  {answer}\nthe model\n  {expected}")
        refused = isinstance(answer, str)
        (self.refused if refused else self.accepted)[step.kind] += 1
        self.codes[answer if refused else "accepted"] += 1
        is_silent = refused or "repeated" in expected or step.call in ("quote", "stand")
        named = {step.args.get("ref"), step.args.get("to")}
        if step.call == "catch_up":
            named = set(self.model.members)
            self.adopt_clocks(step.args["at"])
        self.compare_rows(set() if is_silent else named)
        self.compare_books(named, moved=() if is_silent else named)
        self.remember(step, accepted=not refused)

    def answers(self, step: Step) -> tuple[Any, Any]:
        """What both say: the answer, or the code of a refusal."""
        said: list[Any] = []
        for world in (self.model.do, self.real.do):
            try:
                said.append(world(step.call, step.args))
            except Refused as refused:
                said.append(refused.code)
        expected, answer = said
        if isinstance(expected, dict) and isinstance(answer, dict):
            answer = {**answer, **{k: expected[k] for k in ("asked", "repeated") if k in expected}}
        return expected, answer

    def standings(self, step: Step) -> tuple[Any, Any]:
        """Where a member stands, and what the review does that the service foretells."""
        ref = step.args["ref"]
        try:
            answer, review = self.real.stand(ref)
        except Refused as refused:
            answer, review = refused.code, None
        try:
            return self.model.do("stand", {"ref": ref, "review": review}), answer
        except Refused as refused:
            return refused.code, answer

    def adopt_clocks(self, at: datetime) -> None:
        """The clock of somebody for whom nothing is told may be moved by a run, or not."""
        real = dict(self.stage.db.fetch(_CLOCKS, (self.real.after,)))
        for name, member in self.model.members.items():
            clock = real[self.real.member_ids[name]]
            if name not in self.model.moved and clock == at:
                self.model.meet(member, at)
                self.model.settle(member)

    def remember(self, step: Step, *, accepted: bool) -> None:
        """Note what was said of an order, for repetitions."""
        if accepted and step.call != "quote" and "order_ref" in step.args:
            self.model.said.setdefault(step.args["order_ref"], []).append(step)

    def compare_rows(self, may_change: Collection[str | None]) -> None:
        """A refusal, a repetition or a quote changes nothing; no step changes the rows of members
        that it does not name."""
        ids = self.real.member_ids
        rows: dict[int, list[str]] = {member_id: [] for member_id in ids.values()}
        sql = self.stage.snapshot % {"ids": _array(ids.values())}
        for member_id, row in self.stage.db.fetch(sql):
            rows[member_id].append(row)
        for name, member_id in ids.items():
            rows[member_id].sort()
            if name not in may_change and rows[member_id] != self.rows.get(member_id):
                moved = set(rows[member_id]) ^ set(self.rows.get(member_id, []))
                raise Disagreement(f"a step that must not, changed {name}: {sorted(moved)}")
        self.rows = rows

    def compare_books(
        self, names: Collection[str | None], *, moved: Collection[str | None]
    ) -> None:
        """Compare members and prove their ledgers; what no row of moved is not read once more."""
        for name, member in self.model.members.items():
            if name in names:
                try:
                    if name in moved:
                        self.compare_member(member, self.real.member_ids[name])
                    self.compare_balances(member)
                except Disagreement:
                    raise
                except AssertionError as fault:
                    raise Disagreement(f"{name}: {fault}") from fault

    def compare_member(self, member: Member, member_id: int) -> None:
        [facts] = self.stage.db.fetch(_MEMBER, (member_id,))
        gone = ("reserved", "returned", "cancelled")
        live = sum(order["state"] not in gone for order in member.orders)
        standing = [member.standing[name] for name in ("tier", "since", "until", "grace")]
        stands = (member.clock, live, member.locked, *standing)
        same("clock, live orders, lock and tier", facts, stands)
        same("tiers", self.stage.db.fetch(_CHANGES, (member_id,)), member.changes)
        self.compare_orders(member, member_id)
        books = read_books(self.stage.db, member_id)
        expected = {wallet for wallet, account in member.accounts.items() if account.entries}
        same("wallets", set(books), expected)
        for wallet, book in books.items():
            prove(member_id, wallet, book)
            self.compare_account(book, member.accounts[wallet])

    def compare_balances(self, member: Member) -> None:
        """What the service says that a member has, and that it can prove it."""
        with self.stage.db.reading() as tx:
            real = members.get_member(tx, parse_ref(self.real.name(member.ref)))
            proof = proving.prove(tx, real, None, self.stage.shop.programs)
            balances = showing.balances(tx, self.stage.shop.programs, real, self.model.now)
        same("the service's own proof", proof["faults"], [])
        ahead = self.model.ahead(member)
        same("buckets", in_buckets(balances), buckets_of(ahead, self.model.now))

    def compare_orders(self, member: Member, member_id: int) -> None:
        orders = read_orders(self.stage.db, member_id)
        same("orders", list(orders), [order["no"] for order in member.orders])
        for order in member.orders:
            lines = order["lines"]
            head = (
                self.real.name(order["ref"]),
                order.get("payment_ref"),
                *(order[key] for key in ("state", "version", "placed", "paid_at", "fulfilled")),
                order["lapses"],
                order["holds"],
                sum(line["price"] for line in lines),
                payable(order),
                sum(money_back(line) for line in lines),
                order["next"],
            )
            keys = ("no", "price", "paid", "points", "worth", "units", "back")
            sold = [tuple(line[key] for key in keys) for line in lines]
            same(f"order {order['no']}", orders[order["no"]]["head"], head)
            same(f"lines of order {order['no']}", orders[order["no"]]["lines"], sold)

    def moves(self) -> Counter[str]:
        """How members moved through the tiers, by cause."""
        members = self.model.members.values()
        return Counter(cause for member in members for cause, *_ in member.changes)

    def balances(self) -> dict[str, Node]:
        """What everybody has now, by the model."""
        return {
            name: buckets_of(member.accounts, self.model.now)
            for name, member in self.model.members.items()
        }

    def compare_end(self) -> None:
        """At the end of a history: orders and the ledger name each other, every order is told
        where it stands, and what was recorded by an instant still adds up to what everybody had
        then."""
        self.compare_stories()
        with self.stage.db.reading() as tx:
            for name, member_id in self.real.member_ids.items():
                real = members.get_member(tx, parse_ref(self.real.name(name)))
                same("the proof of orders", find_order_faults(tx, member_id), [])
                for at in sorted(self.past)[::2]:
                    if at == self.model.now:
                        continue
                    then = ledger.balances_then(tx, real, at)
                    same(f"{name} at {at}", in_buckets(then), self.past[at].get(name, {}))
                first = min(self.past, default=self.model.now)
                proved = proving.prove(tx, real, first, self.stage.shop.programs)
                same("the service's own proof of the past", proved["faults"], [])

    def compare_stories(self) -> None:
        for order_ref in list(self.model.orders)[-STORIES:]:
            story = self.stage.shop.story(self.real.name(order_ref))
            told = [story["state"], *(chapter["state"] for chapter in story["earlier"])]
            same(f"story of {order_ref}", told, self.model.story(order_ref))

    def compare_account(self, book: Node, account: Account) -> None:
        entries = [
            {
                "seq": entry[0],
                "kind": entry[1],
                "points": entry[2],
                "reason": entry[3],
                "version": entry[6],
                "rules": entry[7],
                "occurred": entry[9],
                "recorded": entry[10],
                "balance": entry[11],
                "reverses": entry[12],
                "lots": {one.lot_seq: one.points for one in book["moved"].get(entry[0], [])},
            }
            for entry in book["entries"]
        ]
        for real, plain in zip(entries, account.entries, strict=False):
            same(f"{account.wallet} entry", real, plain)
        same(f"{account.wallet} entries", len(entries), len(account.entries))
        named = ("order", "no", "lot", "points", "held", "lapses", "ended")
        holds = [tuple(hold[key] for key in named) for hold in account.holds]
        same(f"{account.wallet} holds", book["holds"], sorted(holds, key=lambda hold: hold[:3]))
        keys = ("no", "order", "opened", "left", "active", "ends")
        lots = [tuple(lot[key] for key in keys) for lot in account.open_lots()]
        same(f"{account.wallet} lots", by_number(book["lots"]), by_number(lots))


def buckets_of(accounts: Mapping[str, Account], now: datetime) -> dict[str, Node]:
    return {name: account.buckets(now) for name, account in accounts.items() if account.entries}


def in_buckets(balances: Mapping[str, Buckets]) -> dict[str, Node]:
    return {
        wallet: {key: getattr(buckets, key) for key in BUCKETS}
        for wallet, buckets in balances.items()
    }


def same(what: str, real: Any, plain: Any) -> None:
    if real != plain:
        raise Disagreement(f"{what}: the service has\n  {real}\nthe model\n  {plain}")


def by_number(lots: list[Any]) -> dict[int, Any]:
    """Lots by number; what the standing lot (0) was opened with means nothing."""
    return {lot[0]: lot if lot[0] else (*lot[:2], None, *lot[3:]) for lot in lots}


def _array(ids: Any) -> str:
    return f"'{{{','.join(map(str, ids))}}}'::bigint[]"


def play_new(stage: Stage, seed: str, steps: int) -> Play:
    """Draw a history and play it; one that fails is shortened first.

    Raises:
        Disagreement: with the shortest history found that still disagrees.
    """
    play = stage.play()
    author = Author(play.model, seed)
    history: list[Step] = []
    try:
        for _ in range(steps):
            history.append(author.next_step())
            play.do(history[-1])
        play.compare_end()
    except Disagreement as found:
        short, why = shorten(stage, history, found)
        told = "\n".join(f"  {step}" for step in short)
        raise Disagreement(f"seed {seed}, {len(short)} steps:\n{told}\n{why}") from found
    return play


def shorten(
    stage: Stage, history: list[Step], why: Disagreement
) -> tuple[list[Step], Disagreement]:
    """Leave out what the disagreement does not need, in ever smaller pieces."""
    size = len(history) // 2
    while size:
        i = 0
        while i < len(history):
            without = history[:i] + history[i + size :]
            fault = replay(stage, without)
            if fault is None:
                i += size
            else:
                history, why = without, fault
        size //= 2
    return history, why


def replay(stage: Stage, history: list[Step]) -> Disagreement | None:
    play = stage.play()
    try:
        for step in history:
            play.do(step)
        play.compare_end()
    except Disagreement as found:
        return found
    return None
