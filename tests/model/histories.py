"""Histories: what members, shops and operators do, drawn at random with an eye on the model.

A history is a list of concrete steps, so that it can be played again without some of them. That is
why this is a driver of its own and no rule-based state machine: steps look at everything the model
knows (the end of some lot, what is left of a line), every kind of step gets its planned share, the
number of histories is exact, and one that fails is made short by leaving steps out.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.model.plain import Member, Model, money_back
from tests.model.plain_calendar import local_day, midnight

Node = dict[str, Any]
START = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
SECOND_VERSION = START + timedelta(days=45)
NAMES = ("ann", "bob", "cho")
PERCENT = 100


@dataclass(frozen=True)
class Step:
    """One step: a call with its arguments, counted under ``kind``."""

    kind: str
    call: str
    args: Node

    def __str__(self) -> str:
        return f"{self.call}({', '.join(f'{k}={v!r}' for k, v in self.args.items())})"


class Author:
    """Writes a history step by step, looking at the model in which it is played."""

    def __init__(self, model: Model, seed: str) -> None:
        self.model = model
        self.dice = random.Random(seed)
        self.count = 0
        program = model.versions[0][1]
        self.wallets = [wallet["id"] for wallet in program["wallets"]]
        self.currency = program["currency"]
        self.scale = {"JPY": 1, "KWD": 10}.get(self.currency, 1)

    def next_step(self) -> Step:
        self.count += 1
        if self.count <= 2:
            return self.enrol(NAMES[self.count - 1])
        missing = [name for name in NAMES if name not in self.model.members]
        if missing and self.chance(20):
            return self.enrol(missing[0])
        kinds = list(SHARES)
        kind = self.dice.choices(kinds, [SHARES[kind][0] for kind in kinds])[0]
        return SHARES[kind][1](self)

    def chance(self, percent: float) -> bool:
        return self.dice.random() * PERCENT < percent

    def someone(self) -> Member:
        return self.model.members[self.dice.choice(list(self.model.members))]

    # When ------------------------------------------------------------------------------------

    def when(self, member: Member, earliest: datetime | None = None) -> datetime | None:
        """When a step is said to have occurred: mostly now, sometimes late, early or on an edge."""
        now, dice = self.model.now, self.dice
        kind = dice.choices(("now", "since", "late", "edge", "future"), (55, 16, 14, 12, 1.5))[0]
        if kind == "now":
            return None
        if kind == "future":
            return now + timedelta(microseconds=dice.choice((1, 10**6, 10**11)))
        if kind == "edge":
            edges = [
                now,
                member.clock,
                SECOND_VERSION,
                midnight(local_day(now, self.model.zone), self.model.zone),
            ]
            edges += [edge for edge in self.ends(member) if edge <= now]
            at = dice.choice(edges) - timedelta(microseconds=dice.choice((0, 0, 1)))
        elif kind == "since":
            at = member.clock + (now - member.clock) * dice.random()
        else:
            at = member.clock - timedelta(days=dice.choice((0.01, 1, 20, 60))) * dice.random()
        if earliest is not None and not self.chance(8):
            at = max(at, earliest)
        return min(at, now)

    def ends(self, member: Member) -> list[datetime]:
        """The instants at which something of the member's begins or ends."""
        lots = [lot for account in member.accounts.values() for lot in account.lots]
        return [lot[end] for lot in lots for end in ("active", "ends") if lot[end] is not None]

    def clock(self) -> Step:
        now, dice = self.model.now, self.dice
        coming = [end for member in self.model.members.values() for end in self.ends(member)]
        coming = sorted(end for end in coming if end > now)[:6]
        kind = dice.choices(("hours", "days", "weeks", "end", "midnight"), (30, 25, 6, 30, 9))[0]
        if kind == "end" and coming:
            to = dice.choice(coming) + timedelta(microseconds=dice.choice((0, 0, -1, 1)))
        elif kind == "midnight":
            to = midnight(local_day(now, self.model.zone) + timedelta(days=1), self.model.zone)
        else:
            most = {"days": 10, "weeks": 60}.get(kind, 1)
            to = now + timedelta(days=most) * dice.random()
        return Step("clock", "clock", {"to": max(to, now)})

    # Members ---------------------------------------------------------------------------------

    def enrol(self, name: str) -> Step:
        return Step(
            "enrol", "enrol", {"ref": name, "birthday": self.birthday(), "tags": self.tags()}
        )

    def amend(self) -> Step:
        ref = "nobody" if self.chance(4) else self.someone().ref
        birthday = self.birthday() if self.chance(50) else None
        tags = self.tags() if self.chance(60) else None
        return Step("amend", "amend", {"ref": ref, "birthday": birthday, "tags": tags})

    def birthday(self) -> tuple[int, int] | None:
        return self.dice.choice((None, (3, 5), (3, 31), (4, 1), (5, 20), (2, 29), (6, 15)))

    def tags(self) -> list[str]:
        return self.dice.choice(([], [], ["vip"], ["staff"], ["vip", "staff", "vip"]))

    # Orders ----------------------------------------------------------------------------------

    def pay(self) -> Step:
        member = self.someone()
        lines = [self.line() for _ in range(self.dice.choice((1, 1, 2, 2, 3, 5)))]
        goods = sum(line["amount"] - line["discount"] for line in lines if line["kind"] == "goods")
        discount = self.dice.randint(0, max(goods, 0)) if self.chance(25) else 0
        order_ref = f"o{self.count}"
        args = {
            "ref": "nobody" if self.chance(0.5) else member.ref,
            "order_ref": order_ref,
            "lines": lines,
            "channel": self.dice.choice((None, "app", "web")),
            "discount": goods + 1 if self.chance(1) else discount,
            "paid": None,
            "at": self.when(member),
            "fulfilled": self.chance(55),
            "currency": "XAF" if self.chance(0.7) else self.currency,
            "payment_ref": f"p{self.count}",
        }
        if self.chance(5):
            net = sum(line["amount"] - line["discount"] for line in lines) - args["discount"]
            args["paid"] = net + self.dice.choice((0, 0, 0, 1))
        return Step("pay", "pay", args)

    def line(self) -> Node:
        dice = self.dice
        amount = dice.choice((0, 1, 99, 100, 333, 1_000, 3_350, 9_999, 12_345)) * self.scale
        if self.chance(60):
            amount = dice.randint(1, 20_000) * self.scale
        discount = dice.randint(0, amount) if self.chance(15) else 0
        return {
            "kind": dice.choices(("goods", "shipping", "tax"), (84, 10, 6))[0],
            "sku": dice.choice(("A", "B", "C")),
            "category": dice.choice((None, "shoes", "tea", "books")),
            "brand": dice.choice((None, "red", "blue")),
            "quantity": dice.choice((1, 1, 2, 3, 4, 7)),
            "amount": amount,
            "discount": amount if self.chance(4) else discount,
        }

    def some_order(self, wanted: Callable[[Node], bool]) -> tuple[str, str, Node | None]:
        """A member and an order of theirs, mostly one of those wanted; sometimes nobody's."""
        orders = list(self.model.orders.values())
        member = self.someone()
        if not orders or self.chance(1.5):
            return member.ref, "nothing", None
        likely = [order for order in orders[-12:] if wanted(order)]
        order = self.dice.choice(likely if likely and self.chance(93) else orders)
        owner = member.ref if self.chance(2) else order["member"].ref
        return owner, order["ref"], order

    def after_order(self, order: Node | None) -> datetime | None:
        return None if order is None else self.when(order["member"], order["placed"])

    def fulfil(self) -> Step:
        ref, order_ref, order = self.some_order(lambda order: order["state"] == "paid")
        args = {"ref": ref, "order_ref": order_ref, "at": self.after_order(order)}
        return Step("fulfil", "fulfil", args)

    def return_units(self) -> Step:
        ref, order_ref, order = self.some_order(
            lambda order: any(line["quantity"] > line["units"] for line in order["lines"])
        )
        units = [[1, 1]]
        if order is not None:
            open_lines = [line for line in order["lines"] if line["quantity"] > line["units"]]
            most = self.dice.randint(1, max(len(open_lines), 1))
            units = [
                [line["no"], self.dice.randint(1, line["quantity"] - line["units"])]
                for line in self.dice.sample(open_lines, min(most, len(open_lines)))
            ] or units
        if self.chance(5):
            units[0][1] += 7
        if self.chance(2):
            units.append([self.dice.choice((99, units[0][0])), 1])
        args = {
            "ref": ref,
            "order_ref": order_ref,
            "return_ref": f"r{self.count}",
            "units": [tuple(pair) for pair in units],
            "at": self.after_order(order),
        }
        return Step("return_units", "return_units", args)

    def return_amount(self) -> Step:
        ref, order_ref, order = self.some_order(lambda order: money_left(order) > 0)
        left = 0 if order is None else money_left(order)
        amount = self.dice.choice((left, self.dice.randint(1, max(left, 1)), left // 3, 1))
        args = {
            "ref": ref,
            "order_ref": order_ref,
            "return_ref": f"r{self.count}",
            "amount": left + 1 if self.chance(4) else max(amount, 1),
            "currency": "XAF" if self.chance(1) else self.currency,
            "at": self.after_order(order),
        }
        return Step("return_amount", "return_amount", args)

    def cancel(self) -> Step:
        ref, order_ref, order = self.some_order(
            lambda order: order["state"] not in ("cancelled", "returned")
        )
        args = {"ref": ref, "order_ref": order_ref, "at": self.after_order(order)}
        return Step("cancel", "cancel", args)

    def repeat(self) -> Step:
        """Say again what was said before of an order, exactly or nearly."""
        orders = list(self.model.orders.values())
        if not orders:
            return self.clock()
        order = self.dice.choice(orders)
        said = [order["said"], *order.get("said_after", [])]
        step: Step = self.dice.choice(said)
        args = dict(step.args)
        if self.chance(25):
            args["ref"] = self.someone().ref
        if self.chance(25):
            changes = {"channel": "elsewhere", "units": [(1, 9)], "amount": 123_456}
            args |= {key: changes[key] for key in changes.keys() & args.keys()}
        if self.chance(25):
            args["at"] = None
        return Step("repeat", step.call, args)

    # Events and adjustments ------------------------------------------------------------------

    def event(self, name: str) -> Step:
        member = self.someone()
        new = [other for other in self.model.members.values() if name not in other.days]
        if new and self.chance(60):
            member = self.dice.choice(new)
        args = {
            "ref": "nobody" if self.chance(1) else member.ref,
            "name": name,
            "channel": self.dice.choice((None, "app")),
            "at": self.when(member),
        }
        return Step(name, "event", args)

    def check_in(self) -> Step:
        """Mostly the day after the last one, so that streaks grow."""
        step = self.event("check_in")
        member = self.model.members.get(step.args["ref"])
        days = member.days.get("check_in") if member else None
        if days and self.chance(70):
            follows = midnight(days[-1] + timedelta(days=1), self.model.zone)
            if follows <= self.model.now:
                step.args["at"] = min(follows + timedelta(hours=9), self.model.now)
        return step

    def credit(self) -> Step:
        ends = None
        if self.chance(45):
            days = self.dice.choice((0, 1, 5, 90))
            ends = self.model.now + timedelta(days=days, hours=self.dice.choice((-1, 1)))
        return self.adjustment("credit", self.dice.randint(1, 300), ends=ends)

    def debit(self) -> Step:
        return self.adjustment("debit", None)

    def debit_negative(self) -> Step:
        return self.adjustment("debit_negative", None, allow_negative=True)

    def adjustment(
        self,
        kind: str,
        points: int | None,
        *,
        ends: datetime | None = None,
        allow_negative: bool = False,
    ) -> Step:
        member = self.someone()
        wallet = self.dice.choices(self.wallets, [3] + [1] * (len(self.wallets) - 1))[0]
        rich = [
            (other, account.wallet)
            for other in self.model.members.values()
            for account in other.accounts.values()
            if account.buckets(self.model.now)["active"]
        ]
        if kind == "debit" and rich and self.chance(80):
            member, wallet = self.dice.choice(rich)
        if points is None:
            account = self.model.account(member, wallet)
            there = account.buckets(self.model.now)
            most = there["active"]
            if allow_negative:
                most += there["pending"] + self.dice.choice((0, 0, 100))
            points = -self.dice.randint(1, max(most, 1))
            points = -(most + 1) if self.chance(8) else points
        args = {
            "ref": "nobody" if self.chance(0.5) else member.ref,
            "wallet": "unheard" if self.chance(1) else wallet,
            "points": points,
            "ends": ends,
            "allow_negative": allow_negative,
        }
        return Step(kind, "adjust", args)

    def reverse(self) -> Step:
        member = self.someone()
        entries = [(a.wallet, e) for a in member.accounts.values() for e in a.entries]
        answered = {(wallet, entry["reverses"]) for wallet, entry in entries}
        likely = [
            (wallet, entry)
            for wallet, entry in entries
            if entry["reason"] in ("adjustment", "event") and (wallet, entry["seq"]) not in answered
        ]
        if not entries or self.chance(2):
            return Step(
                "reverse", "reverse", {"ref": member.ref, "wallet": self.wallets[0], "seq": 999}
            )
        wallet, entry = self.dice.choice(likely if likely and self.chance(90) else entries)
        return Step(
            "reverse", "reverse", {"ref": member.ref, "wallet": wallet, "seq": entry["seq"]}
        )


def money_left(order: Node) -> int:
    return sum(line["paid"] - money_back(line) for line in order["lines"])


SHARES: dict[str, tuple[float, Callable[[Author], Step]]] = {
    "clock": (15, Author.clock),
    "amend": (3, Author.amend),
    "pay": (20, Author.pay),
    "fulfil": (7, Author.fulfil),
    "return_units": (8, Author.return_units),
    "return_amount": (6, Author.return_amount),
    "cancel": (3, Author.cancel),
    "repeat": (4, Author.repeat),
    "sign_up": (3, lambda author: author.event("sign_up")),
    "birthday": (3, lambda author: author.event("birthday")),
    "check_in": (8, Author.check_in),
    "review": (4, lambda author: author.event("review")),
    "credit": (5, Author.credit),
    "debit": (5, Author.debit),
    "debit_negative": (4, Author.debit_negative),
    "reverse": (6, Author.reverse),
}
