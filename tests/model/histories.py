"""Histories: what members, shops and operators do, drawn at random with an eye on the model.

A history is a list of concrete steps, so that it can be played again without some of them. That is
why this is a driver of its own and no rule-based state machine: steps look at everything the model
knows (the end of some lot, what is left of a line), every kind of step gets its planned share, the
number of histories is exact, and one that fails is made short by leaving steps out.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.model.hand import Step
from tests.model.plain_books import BY_HAND
from tests.model.plain_calendar import midnight
from tests.model.plain_orders import wallet_that_pays
from tests.model.shopkeeper import Shopkeeper

NAMES = ("ann", "bob", "cho")


class Author(Shopkeeper):
    """Writes a history step by step, looking at the model in which it is played."""

    def next_step(self) -> Step:
        self.count += 1
        if self.count <= 2:
            return self.enrol(NAMES[self.count - 1])
        if self.count <= 4:
            return self.credit()
        missing = [name for name in NAMES if name not in self.model.members]
        if missing and self.chance(20):
            return self.enrol(missing[0])
        kinds = list(SHARES)
        kind = self.dice.choices(kinds, [SHARES[kind][0] for kind in kinds])[0]
        return SHARES[kind][1](self)

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
        if self.chance(50):
            days = self.dice.choice((0, 0, 1, 5, 90))
            ends = self.model.now + timedelta(days=days, hours=self.dice.choice((-1, 0.3, 1)))
        return self.adjustment("credit", self.dice.randint(1, 1_500), ends=ends)

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
        wallet = self.dice.choices(self.wallets, [4] + [1] * (len(self.wallets) - 1))[0]
        rich = [
            (other, account.wallet)
            for other in self.model.members.values()
            for account in other.accounts.values()
            if account.buckets(self.model.now)["active"]
        ]
        if kind == "debit" and rich and self.chance(80):
            member, wallet = self.dice.choice(rich)
        order = self.standing() if kind == "debit_negative" and self.chance(40) else None
        if order is not None and order["points"]:
            # What is held is not taken, so that a deficit waits for it.
            member, wallet = order["member"], order["wallet"]
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
            "earned": points > 0 and self.chance(30),
        }
        return Step(kind, "adjust", args)

    def reverse(self) -> Step:
        member = self.someone()
        entries = [(a.wallet, e) for a in member.accounts.values() for e in a.entries]
        answered = {(wallet, entry["reverses"]) for wallet, entry in entries}
        likely = [
            (wallet, entry)
            for wallet, entry in entries
            if entry["reason"] in BY_HAND and (wallet, entry["seq"]) not in answered
        ]
        if not entries or self.chance(2):
            return Step(
                "reverse", "reverse", {"ref": member.ref, "wallet": self.wallets[0], "seq": 999}
            )
        wallet, entry = self.dice.choice(likely if likely and self.chance(90) else entries)
        return Step(
            "reverse", "reverse", {"ref": member.ref, "wallet": wallet, "seq": entry["seq"]}
        )

    # What leaves a member --------------------------------------------------------------------

    def transfer(self) -> Step:
        member = self.rich()
        others = [name for name in self.model.members if name != member.ref]
        to = (
            self.dice.choice(others)
            if not self.chance(3)
            else self.dice.choice(["nobody", member.ref])
        )
        wallet = wallet_that_pays(self.model.program_at(self.model.now)[1])
        if wallet is None or self.chance(15):
            wallet = self.dice.choice([*self.wallets, "unheard"])
        account = self.model.account(member, wallet)
        most = max(account.available(self.model.now), 1)
        points = most + 1 if self.chance(4) else self.dice.randint(1, most)
        args = {"ref": member.ref, "to": to, "wallet": wallet, "points": points}
        return Step("transfer", "transfer", args)

    def lock(self) -> Step:
        locked = [member for member in self.model.members.values() if member.locked]
        if locked and self.chance(85):
            args = {"ref": self.dice.choice(locked).ref, "locked": self.chance(4)}
        else:
            ref = "nobody" if self.chance(2) else self.someone().ref
            args = {"ref": ref, "locked": not self.chance(4)}
        return Step("lock", "lock", args)

    # What time brings ------------------------------------------------------------------------

    def night(self) -> Step:
        """The job, for now or for an instant before."""
        now = self.model.now
        clocks = [member.clock for member in self.model.members.values()]
        at = self.dice.choice((now, now, *clocks, now - timedelta(days=3) * self.dice.random()))
        return Step("night", "catch_up", {"at": min(at, now)})

    def stand(self) -> Step:
        return Step("stand", "stand", {"ref": "nobody" if self.chance(1) else self.someone().ref})


SHARES: dict[str, tuple[float, Callable[[Author], Step]]] = {
    "clock": (13, Author.clock),
    "night": (6, Author.night),
    "stand": (5, Author.stand),
    "amend": (1.5, Author.amend),
    "quote": (4, Author.quote),
    "reserve": (7, Author.reserve),
    "renew": (3, Author.renew),
    "replace": (3, Author.replace),
    "release": (2.5, Author.release),
    "fulfil_early": (2.5, Author.fulfil_early),
    "call_off": (2, Author.call_off),
    "pay": (7, Author.pay),
    "pay_points": (4, Author.pay_points),
    "pay_promised": (6, Author.pay_promised),
    "pay_lapsed": (4, Author.pay_lapsed),
    "pay_repriced": (4, Author.pay_repriced),
    "pay_other": (3.5, Author.pay_other),
    "open_again": (4.5, Author.open_again),
    "fulfil": (5, Author.fulfil),
    "return_units": (4, Author.return_units),
    "return_amount": (4, Author.return_amount),
    "return_spent": (8, Author.return_spent),
    "cancel": (2.5, Author.cancel),
    "repeat": (4, Author.repeat),
    "sign_up": (2, lambda author: author.event("sign_up")),
    "birthday": (2, lambda author: author.event("birthday")),
    "check_in": (4, Author.check_in),
    "review": (2.5, lambda author: author.event("review")),
    "credit": (5, Author.credit),
    "debit": (3.5, Author.debit),
    "debit_negative": (3, Author.debit_negative),
    "reverse": (3.5, Author.reverse),
    "transfer": (3, Author.transfer),
    "lock": (1.6, Author.lock),
}
