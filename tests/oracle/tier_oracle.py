"""Tiers of imported trade, reckoned day by day from the orders themselves; nothing here comes from
the service, nor from the plain model.

Two programs know only what they need: sums over days that are looked at anew each time, a last day
of the term, and whether a grace is running.
"""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from tests.oracle import trade
from tests.oracle.invoice_oracle import Customer, Oracle

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Sums:
    """What a customer did between two days: money in minor units, orders, growth."""

    spend: int
    orders: int
    growth: int


@dataclass(frozen=True)
class Plan:
    """A program's tiers: 0 is the lowest.

    Args:
        document: what is added to the program.
        first: the first day that counts when a day is judged.
        last: the last day of a term that begins with what a day was judged for.
        reached, keeps: the highest tier that sums are enough for; whether they keep a tier.
        grace: days before a fall.
        by_standing: whether one falls to what was earned, or by one level.
    """

    document: str
    first: Callable[[date], date]
    last: Callable[[date], date]
    reached: Callable[[Sums], int]
    keeps: Callable[[int, Sums], bool]
    grace: int
    by_standing: bool


@dataclass
class Standing:
    """Where a customer stands: up to which day it was reckoned, and when the term or grace ends."""

    day: date
    tier: int = 0
    ends: date | None = None
    in_grace: bool = False
    moves: int = 0


class TierOracle(Oracle):
    """An import, invoice by invoice, that reckons everybody's tier as it goes."""

    def __init__(self, program: Path, plan: Plan) -> None:
        super().__init__(program)
        self.plan = plan
        self.standings: dict[str, Standing] = {}

    def _take_in(self, invoice: trade.Invoice) -> str:
        name, day = invoice.rows[0].customer, self._day(invoice.instant(self.zone))
        if name in self.standings:
            self._bring(name, day)
        outcome = super()._take_in(invoice)
        if name in self.customers:
            self.standings.setdefault(name, Standing(day))
            self._at_once(name, day)
        return outcome

    def catch_up(self, until: datetime) -> None:
        super().catch_up(until)
        for name in self.standings:
            self._bring(name, self._day(until))

    def _day(self, instant: datetime) -> date:
        return instant.astimezone(self.zone).date()

    def _bring(self, name: str, day: date) -> None:
        """Look at every day that has begun meanwhile."""
        standing = self.standings[name]
        while standing.day < day:
            standing.day += DAY
            if standing.ends == standing.day:
                self._review(name, standing)

    def _review(self, name: str, standing: Standing) -> None:
        """The term, or the grace, ended with the day before."""
        judged = standing.day - DAY
        sums = self._sums(self.customers[name], judged)
        reached = self.plan.reached(sums)
        if reached > standing.tier or self.plan.keeps(standing.tier, sums):
            self._begin(standing, max(reached, standing.tier), judged)
        elif self.plan.grace and not standing.in_grace:
            standing.in_grace, standing.ends = True, standing.day + self.plan.grace * DAY
        else:
            self._begin(standing, reached if self.plan.by_standing else standing.tier - 1, judged)

    def _at_once(self, name: str, day: date) -> None:
        standing, sums = self.standings[name], self._sums(self.customers[name], day)
        reached = self.plan.reached(sums)
        if reached > standing.tier:
            self._begin(standing, reached, day)
        elif standing.in_grace and self.plan.keeps(standing.tier, sums):
            self._begin(standing, standing.tier, day)

    def _begin(self, standing: Standing, tier: int, day: date) -> None:
        standing.moves += tier != standing.tier
        standing.tier, standing.in_grace = tier, False
        standing.ends = self.plan.last(day) + DAY if tier else None

    def _sums(self, customer: Customer, day: date) -> Sums:
        first = self.plan.first(day)
        orders = [one for one in customer.orders if first <= self._day(one.placed_at) <= day]
        ships = self.document.shipping_earns
        lines = [
            line for order in orders for line in order.lines if ships or not line.line.is_shipping
        ]
        growth = [
            share - line.share_taken(share)
            for order in orders
            for line in order.lines
            for rule, share in line.shares.items()
            if self.rules[rule]["wallet"] == "growth"
        ]
        spend = [line.line.paid_minor - line.share_taken(line.line.paid_minor) for line in lines]
        kept = sum(not order.is_fully_returned for order in orders)
        return Sums(sum(spend), kept, sum(growth))


def month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def months_after(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def quarter(day: date) -> date:
    """The first day of the quarter that a day lies in."""
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


ROLLING = Plan(
    document="""
tiers:
  window: {days: 60}
  term: {months: 1, end: month}
  grace: {days: 10}
  levels:
    - {id: t0, name: {en: a, zh: a}}
    - id: t1
      name: {en: b, zh: b}
      entry: {any: [{spend: "400.00"}, {orders: 3}]}
      keep: {all: [{spend: "250.00"}]}
    - id: t2
      name: {en: c, zh: c}
      entry: {all: [{spend: "1200.00"}, {orders: 4}]}
""",
    first=lambda day: day - 59 * DAY,
    last=lambda day: month_end(months_after(day, 1)),
    reached=lambda sums: (
        2
        if sums.spend >= 120_000 and sums.orders >= 4
        else int(sums.spend >= 40_000 or sums.orders >= 3)
    ),
    keeps=lambda tier, sums: (
        tier == 0
        or (tier == 1 and (sums.spend >= 25_000 or sums.orders >= 3))
        or (tier == 2 and sums.spend >= 120_000 and sums.orders >= 4)
    ),
    grace=10,
    by_standing=False,
)

QUARTERS = Plan(
    document="""
tiers:
  window: quarter
  term: next
  demote: by_standing
  levels:
    - {id: t0, name: {en: a, zh: a}}
    - {id: t1, name: {en: b, zh: b}, entry: {all: [{earned: {wallet: growth, at_least: 300}}]}}
    - {id: t2, name: {en: c, zh: c}, entry: {all: [{earned: {wallet: growth, at_least: 900}}]}}
    - {id: t3, name: {en: d, zh: d}, entry: {any: [{orders: 9}, {spend: "4000.00"}]}}
""",
    first=quarter,
    last=lambda day: months_after(quarter(day), 6) - DAY,
    reached=lambda sums: (
        3
        if sums.orders >= 9 or sums.spend >= 400_000
        else (sums.growth >= 300) + (sums.growth >= 900)
    ),
    keeps=lambda tier, sums: QUARTERS.reached(sums) >= tier,
    grace=0,
    by_standing=True,
)
