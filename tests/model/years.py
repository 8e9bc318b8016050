"""Years of a shop, day by day: members with habits, told to the service and to the plain model;
every night the job runs, and everybody stands where the model says.

What was told is kept, so that the same years can be told again: without the nights, or all of it
when the years are over.
"""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from tests.factories import Shop
from tests.model.hand import Step
from tests.model.plain import Model
from tests.model.plain_calendar import at_wall
from tests.model.plain_ledger import Refused
from tests.model.plain_orders import money_back
from tests.model.shop import RealShop

Node = dict[str, Any]
BEGINS = date(2012, 2, 27)
NIGHT = time(3)
PERCENT = 100
BUCKETS = ("active", "pending", "due", "deficit")
BIRTHDAYS = ((2, 29), (12, 31), (1, 1), (10, 21), None, (3, 31))

_MEMBERS = "SELECT member_id, tier, tier_since, tier_until, grace_until FROM member"
_ACCOUNTS = """
SELECT a.member_id, a.wallet, a.deficit,
       coalesce(sum(l.remaining) FILTER (
           WHERE l.active_at <= %(at)s AND (l.expires_at > %(at)s) IS NOT FALSE), 0)::bigint,
       coalesce(sum(l.remaining) FILTER (
           WHERE (l.active_at > %(at)s) IS NOT FALSE
             AND (l.expires_at > %(at)s) IS NOT FALSE), 0)::bigint,
       coalesce(sum(l.remaining) FILTER (WHERE l.expires_at <= %(at)s), 0)::bigint
  FROM account a LEFT JOIN lot l USING (member_id, wallet) GROUP BY 1, 2, 3
"""
# What is written late says so: recorded_at, and the hashes that cover it. The clock of a member to
# whom time owes nothing stays where it was, so how far it went depends on which nights there were.
_ROWS = "SELECT to_jsonb(t) - ARRAY['recorded_at', 'hash', 'head', 'caught_up_to'] FROM {0} t"
TABLES = (
    "member",
    "account",
    "entry",
    "allocation",
    "lot",
    "tier_change",
    "event",
    "member_total",
    "explanation",
    "order_head",
    "order_line",
    "order_step",
)


@dataclass
class Habits:
    """How a member shops: an order every so many days, and pauses of many months."""

    every: int
    spends: int
    returns: float
    pauses_until: date


class World:
    """The service on one database, with a clock of its own."""

    def __init__(self, db: Database, versions: list[tuple[datetime, str]]) -> None:
        self.db, self.versions = db, versions
        assert isinstance(db.clock, SettableClock)
        self.clock = db.clock
        self.clock.set(versions[0][0])
        self.shop = Shop(db, versions[0][1])
        self.real = RealShop(self.shop, "y", 0)
        self.applied = 1

    def tell(self, at: datetime, step: Step, *, late: bool = False) -> Any:
        """Tell something at its instant; or, where it is told late, that it happened then."""
        if not late:
            self.pass_to(at)
        args = {**step.args, "at": at} if late and "at" in step.args else step.args
        try:
            return self.real.do(step.call, args)
        except Refused as refused:
            return refused.code

    def pass_to(self, at: datetime) -> None:
        """Let the clock go on; a version that comes into force meanwhile is applied in time."""
        while self.applied < len(self.versions) and self.versions[self.applied][0] <= at:
            since, text = self.versions[self.applied]
            self.clock.set(since)
            self.shop.apply(text)
            self.applied += 1
        self.clock.set(at)

    def night(self, at: datetime) -> None:
        self.pass_to(at)
        self.real.catch_up(at)

    def stands(self, at: datetime) -> dict[str, Any]:
        """Where everybody stands, as it is stored."""
        names = {number: name for name, number in self.real.member_ids.items()}
        found: dict[str, Any] = {
            names[number]: {"tier": tuple(standing), "wallets": {}}
            for number, *standing in self.db.fetch(_MEMBERS, ())
        }
        for number, wallet, deficit, *sums in self.db.fetch(_ACCOUNTS, {"at": at}):
            found[names[number]]["wallets"][wallet] = (*sums, deficit)
        return found

    def rows(self) -> dict[str, list[Any]]:
        """Every row that the years have left, without what tells when it was written."""
        with self.db.reading() as tx:
            return {
                table: sorted((row for (row,) in tx.fetch(_ROWS.format(table), ())), key=repr)
                for table in TABLES
            }


class Years:
    """The years, as a model knows them; ``told`` is what happened, in order."""

    def __init__(self, versions: list[tuple[datetime, str]], seed: str, members: int) -> None:
        read = [(since, yaml.load(text, yaml.BaseLoader)) for since, text in versions]
        self.model = Model(read, versions[0][0])
        self.dice = random.Random(seed)
        self.told: list[tuple[datetime, Step]] = []
        self.habits: dict[str, Habits] = {}
        self.newcomers = [f"m{number}" for number in range(members)]
        self.waiting: list[tuple[date, Step]] = []
        self.count = 0

    def chance(self, percent: float) -> bool:
        return self.dice.random() * PERCENT < percent

    def day(self, day: date) -> list[tuple[datetime, Step]]:
        """What happens on a day after the night, in order; ``made`` gives a step its last detail
        once those before it are played."""
        return sorted(self._of(day), key=lambda pair: pair[0])

    def instant(self, day: date) -> datetime:
        wall = datetime.combine(day, time(4)) + timedelta(seconds=self.dice.randrange(72_000))
        return at_wall(wall, self.model.zone)

    def _of(self, day: date) -> list[tuple[datetime, Step]]:
        steps = [(self.instant(day), step) for due, step in self.waiting if due <= day]
        self.waiting = [(due, step) for due, step in self.waiting if due > day]
        # The first ones come on 29 February.
        if self.newcomers and (day >= BEGINS + timedelta(days=2)) and self.chance(40):
            steps.append((self.instant(day), self.enrol(day)))
        for name, habits in self.habits.items():
            if day < habits.pauses_until:
                continue
            if self.chance(0.4):
                habits.pauses_until = day + timedelta(days=self.dice.randrange(100, 600))
            if self.chance(PERCENT / habits.every):
                steps.append((self.instant(day), self.order(name, habits, day)))
            if self.chance(1):
                event = self.dice.choice(("review", "check_in"))
                args = {"ref": name, "name": event, "channel": None, "at": None}
                steps.append((self.instant(day), Step(event, "event", args)))
        return steps

    def enrol(self, day: date) -> Step:
        name = self.newcomers.pop(0)
        self.habits[name] = Habits(
            every=self.dice.choice((6, 15, 30, 60)),
            spends=self.dice.choice((6_000, 20_000, 60_000)),
            returns=self.dice.choice((0, 10, 40)),
            pauses_until=day + timedelta(days=1),
        )
        birthday = self.dice.choice(BIRTHDAYS)
        return Step("enrol", "enrol", {"ref": name, "birthday": birthday, "tags": []})

    def order(self, name: str, habits: Habits, day: date) -> Step:
        self.count += 1
        ref = f"o{self.count}"
        lines = [self.line(habits) for _ in range(self.dice.choice((1, 1, 2)))]
        cart = {"lines": lines, "channel": None, "discount": 0, "currency": "CNY", "points": 0}
        args = {
            "ref": name,
            "order_ref": ref,
            "cart": cart,
            "at": None,
            "payment_ref": f"p{self.count}",
            "paid": None,
            "fulfilled": self.chance(30),
            "repricing": False,
        }
        if not args["fulfilled"] and self.chance(90):
            later = day + timedelta(days=self.dice.randrange(1, 20))
            fulfilled = {"ref": name, "order_ref": ref, "at": None}
            self.waiting.append((later, Step("fulfil", "fulfil", fulfilled)))
        if self.chance(habits.returns):
            later = day + timedelta(days=self.dice.randrange(1, 50))
            named = {"ref": name, "order_ref": ref, "return_ref": f"r{self.count}", "at": None}
            self.waiting.append((later, Step("return", "return", named)))
        return Step("pay", "pay", args)

    def line(self, habits: Habits) -> Node:
        return {
            "kind": self.dice.choices(("goods", "shipping"), (9, 1))[0],
            "sku": "A",
            "category": self.dice.choice((None, "tea")),
            "brand": None,
            "quantity": self.dice.choice((1, 2, 3)),
            "amount": self.dice.randint(1, 2 * habits.spends),
            "discount": 0,
        }

    def made(self, step: Step, at: datetime) -> Step | None:
        """A step in its last detail: points that are there, what is left to come back."""
        self.model.now = at
        if step.kind == "pay" and self.chance(30):
            cart = {**step.args["cart"], "points": 100_000}
            quote = {"ref": step.args["ref"], "order_ref": None, "cart": cart, "at": None}
            used = self.model.do("quote", quote)["used"]
            cart = {**cart, "points": used}
            return Step("pay", "pay", {**step.args, "cart": cart})
        return self.comes_back(step) if step.kind == "return" else step

    def comes_back(self, step: Step) -> Step | None:
        order = self.model.orders[step.args["order_ref"]]
        left = [line for line in order["lines"] if line["quantity"] > line["units"]]
        money = sum(line["paid"] - money_back(line) for line in order["lines"])
        how = self.dice.choice(("units", "amount", "all"))
        if how == "all":
            args = {key: step.args[key] for key in ("ref", "order_ref", "at")}
            return Step("cancel", "cancel", args)
        if how == "amount" and money:
            amount = self.dice.randint(1, money)
            return Step(
                "return", "return_amount", {**step.args, "amount": amount, "currency": "CNY"}
            )
        line = self.dice.choice(left)
        units = [(line["no"], self.dice.randint(1, line["quantity"] - line["units"]))]
        return Step("return", "return_units", {**step.args, "units": units})

    def moves(self) -> Counter[str]:
        """How members moved through the tiers, by cause."""
        members = self.model.members.values()
        return Counter(cause for member in members for cause, *_ in member.changes)

    # What the model says ---------------------------------------------------------------------

    def play(self, at: datetime, step: Step) -> Any:
        self.model.now = at
        self.told.append((at, step))
        try:
            return self.model.do(step.call, step.args)
        except Refused as refused:
            return refused.code

    def night(self, at: datetime) -> None:
        self.model.now = at
        for member in self.model.members.values():
            self.model.meet(member, at)
            self.model.settle(member)

    def stands(self, at: datetime) -> dict[str, Any]:
        """Where everybody stands."""
        told = {}
        for name, member in self.model.members.items():
            standing = tuple(member.standing[key] for key in ("tier", "since", "until", "grace"))
            wallets = {}
            for wallet, account in member.accounts.items():
                if account.entries:
                    sums = account.buckets(at)
                    wallets[wallet] = (
                        sums["active"],
                        sums["pending"],
                        sums["due"],
                        sums["deficit"],
                    )
            told[name] = {"tier": standing, "wallets": wallets}
        return told


def night_of(day: date, years: Years) -> datetime:
    """When the job runs: at three, or as soon as clocks show it."""
    return at_wall(datetime.combine(day, NIGHT), years.model.zone)


def begin(zone: ZoneInfo) -> datetime:
    """When the first day begins."""
    return at_wall(datetime.combine(BEGINS, time()), zone)
