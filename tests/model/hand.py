"""The hand that writes histories: steps, dice, and when things are said to have happened."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.model.plain import Model
from tests.model.plain_books import Member
from tests.model.plain_calendar import local_day, midnight
from tests.model.plain_orders import is_standing, wallet_that_pays

Node = dict[str, Any]
START = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
SECOND_VERSION = START + timedelta(days=45)
PERCENT = 100
ENOUGH = 60


@dataclass(frozen=True)
class Step:
    """One step: a call with its arguments, counted under ``kind``."""

    kind: str
    call: str
    args: Node

    def __str__(self) -> str:
        return f"{self.call}({', '.join(f'{k}={v!r}' for k, v in self.args.items())})"


class Hand:
    """Draws what a step needs, looking at the model in which it is played."""

    def __init__(self, model: Model, seed: str) -> None:
        self.model = model
        self.dice = random.Random(seed)
        self.count = 0
        program = model.versions[0][1]
        self.wallets = [wallet["id"] for wallet in program["wallets"]]
        self.currency = program["currency"]
        self.scale = {"JPY": 1, "KWD": 10}.get(self.currency, 1)

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

    def lapses(self) -> list[datetime]:
        """The instants at which reservations lapse."""
        orders = self.model.orders.values()
        return [order["lapses"] for order in orders if is_standing(order, self.model.now)]

    def clock(self) -> Step:
        now, dice = self.model.now, self.dice
        coming = [end for member in self.model.members.values() for end in self.ends(member)]
        coming = sorted(end for end in coming if end > now)[:6]
        kinds = ("hours", "days", "weeks", "end", "midnight", "minutes", "lapse", "version")
        kind = dice.choices(kinds, (20, 21, 6, 26, 7, 8, 12, 9))[0]
        lapses = self.lapses()
        if kind == "end" and coming:
            to = dice.choice(coming) + timedelta(microseconds=dice.choice((0, 0, -1, 1)))
        elif lapses and kind in ("lapse", "minutes"):
            to = dice.choice(lapses) + timedelta(microseconds=dice.choice((0, 0, -1, 1)))
            to = to if kind == "lapse" else now + (to - now) * dice.random()
        elif kind == "version" and now < SECOND_VERSION:
            to = SECOND_VERSION + timedelta(microseconds=dice.choice((0, 0, -1, 1)))
        elif kind == "midnight":
            to = midnight(local_day(now, self.model.zone) + timedelta(days=1), self.model.zone)
        else:
            most = {"days": 10, "weeks": 60, "minutes": 0.02}.get(kind, 1)
            to = now + timedelta(days=most) * dice.random()
        return Step("clock", "clock", {"to": max(to, now)})

    def rich(self) -> Member:
        """Mostly a member with points that can be spent."""
        _, program = self.model.program_at(self.model.now)
        wallet = wallet_that_pays(program)
        rich = [
            member
            for member in self.model.members.values()
            if wallet in member.accounts
            and member.accounts[wallet].available(self.model.now) >= ENOUGH
        ]
        return self.dice.choice(rich) if rich and self.chance(92) else self.someone()
