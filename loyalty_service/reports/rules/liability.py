"""Open points by the month in which they end, and what they are worth."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from loyalty_service.earning.rules.spread import round_points, spread
from loyalty_service.program.rules.program import Redemption, Rounding
from loyalty_service.reports.rules.sums import BEGUN, NEVER, Change

ONE_DAY = timedelta(days=1)


class Ends(StrEnum):
    """When open points end."""

    IN_MONTH = "in_month"
    AFTER_FULFILMENT = "after_fulfilment"
    """Their end is known once the order is fulfilled."""
    NEVER = "never"


class Held(NamedTuple):
    """Points of a lot that are held, the day at whose end the lot has ended, and the hold's."""

    wallet: str
    points: int
    ends_on: date
    lapses_on: date


@dataclass(slots=True)
class Open:
    """Open points of one month, in the buckets of R-15."""

    active: int = 0
    pending: int = 0
    held: int = 0

    @property
    def points(self) -> int:
        """All of them."""
        return self.active + self.pending + self.held


@dataclass(frozen=True, slots=True)
class MonthOwed:
    """What is open until the same time, and its part of the worth.

    Args:
        month: as 2026-03; None where it ends in none that is known.
    """

    ends: Ends
    month: str | None
    open: Open
    worth_minor: int | None


@dataclass(frozen=True, slots=True)
class WalletOwed:
    """What is open of a wallet.

    Args:
        worth_minor: of all months together, whole minor units; None: points pay nothing.
    """

    wallet: str
    months: tuple[MonthOwed, ...]
    worth_minor: int | None

    @property
    def open(self) -> Open:
        """Of all months together."""
        buckets = [month.open for month in self.months]
        return Open(
            sum(one.active for one in buckets),
            sum(one.pending for one in buckets),
            sum(one.held for one in buckets),
        )


@dataclass(slots=True)
class Owing:
    """Adds up what is open at the end of a day.

    Args:
        day: in the program's zone.
        months: by wallet and by what ``month_of`` says.
    """

    day: date
    months: dict[str, dict[str, Open]] = field(default_factory=dict)

    def add(self, changes: Iterable[tuple[Change, int]]) -> None:
        """Add changes of open points; what ends by the end of the day counts no more.

        Rule: R-14, R-92.
        """
        for change, points in changes:
            if change.ends_on > self.day:
                bucket = self._month(change.wallet, change.ends_on, change.begins_on)
                if change.begins_on > self.day:
                    bucket.pending += points
                else:
                    bucket.active += points

    def hold(self, held: Iterable[Held]) -> None:
        """Take what is held out of what is active; it ends with its lot or its hold, the later.

        Rule: R-15, R-32, R-92.
        """
        for one in held:
            if one.ends_on > self.day:
                self._month(one.wallet, one.ends_on).active -= one.points
            until = max(one.ends_on, one.lapses_on)
            self._month(one.wallet, until).held += one.points

    def _month(self, wallet: str, ends_on: date, begins_on: date = BEGUN) -> Open:
        of_wallet = self.months.setdefault(wallet, {})
        return of_wallet.setdefault(month_of(ends_on, begins_on), Open())

    def told(self, redemptions: Mapping[str, Redemption]) -> tuple[WalletOwed, ...]:
        """What is open by wallet and month, with its worth.

        Args:
            redemptions: by the wallet that pays.

        Rule: R-92.
        """
        return tuple(
            _of_wallet(wallet, months, redemptions.get(wallet))
            for wallet, months in sorted(self.months.items())
        )


def month_of(ends_on: date, begins_on: date = BEGUN) -> str:
    """The month of the last day at whose end points are still open, that end on this day.

    Args:
        begins_on: the day on which they begin.

    Returns:
        as 2026-03; else the word of ``Ends``. Months come first in the order of texts.

    Rule: R-92.
    """
    if ends_on == NEVER:
        return Ends.AFTER_FULFILMENT if begins_on == NEVER else Ends.NEVER
    return (ends_on - ONE_DAY).isoformat()[:7]


def _of_wallet(wallet: str, months: dict[str, Open], redemption: Redemption | None) -> WalletOwed:
    kept = [(*_told(month), months[month]) for month in sorted(months) if months[month] != Open()]
    if redemption is None:
        return WalletOwed(wallet, tuple(MonthOwed(*one, None) for one in kept), None)
    weights = [bucket.points for *_, bucket in kept]
    exact = Fraction(sum(weights) * redemption.block_value_minor, redemption.block_points)
    worth = round_points(exact, Rounding.HALF_UP)
    shares = spread(worth, weights)
    owed = (MonthOwed(*one, share) for one, share in zip(kept, shares, strict=True))
    return WalletOwed(wallet, tuple(owed), worth)


def _told(month: str) -> tuple[Ends, str | None]:
    return (Ends(month), None) if month in list(Ends) else (Ends.IN_MONTH, month)
