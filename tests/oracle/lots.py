"""One member's wallet as lots, for the oracle: credit, expire, take back (R-12, R-25, R-41).

Balance is kept twice, as the sum of entries and as lots less deficit, and the two are compared
after every step (R-13).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass
class Lot:
    """Points that came alive and end together; ``expired`` counts what nobody took in time."""

    number: int
    order_ref: str
    active_at: datetime
    expires_at: datetime
    remaining: int
    expired: int = 0

    def is_pending(self, at: datetime) -> bool:
        return at < self.active_at


@dataclass
class Wallet:
    """The lots of one member in one wallet, in the order they were opened."""

    lots: list[Lot] = field(default_factory=list)
    balance: int = 0
    deficit: int = 0
    earned: int = 0
    taken_back: int = 0
    expired: int = 0
    covered: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def credit(self, order_ref: str, parts: Iterable[tuple[datetime, datetime, int]]) -> None:
        """Open a lot per (active, end, points); a deficit is absorbed from them first.

        The absorbed points come from the soonest-expiring of the lots, the earlier on a tie.
        """
        opened = [
            Lot(len(self.lots) + n, order_ref, active_at, expires_at, points)
            for n, (active_at, expires_at, points) in enumerate(parts, 1)
        ]
        points = sum(lot.remaining for lot in opened)
        self.balance += points
        self.earned += points
        self.deficit -= _draw(sorted(opened, key=_soonest), self.deficit)
        self.lots += opened
        self.check()

    def expire(self, at: datetime) -> None:
        """Write off what has reached its end: a lot counts up to, not including, that instant."""
        for lot in self.lots:
            if lot.expires_at <= at and lot.remaining:
                lot.expired += lot.remaining
                self.expired += lot.remaining
                self.balance -= lot.remaining
                lot.remaining = 0
        self.check()

    def take_back(self, order_ref: str, points: int, at: datetime) -> None:
        """Take ``points`` back for a return of an order, the order's own lots first.

        Own pending lots by number, then what of the own lots expired unspent and was not counted
        yet (counts as taken, moves nothing), own active lots, others' active, others' pending;
        what nobody has is a deficit.
        """
        own = [lot for lot in self.lots if lot.order_ref == order_ref]
        others = [lot for lot in self.lots if lot.order_ref != order_ref]
        self.taken_back += points
        left = points - _draw(_pending(own, at), points)

        uncounted = sum(lot.expired for lot in own) - self.covered[order_ref]
        counted = min(uncounted, left)
        self.covered[order_ref] += counted
        left -= counted

        left -= _draw(_active(own, at), left)
        left -= _draw(_active(others, at), left)
        left -= _draw(_pending(others, at), left)
        self.deficit += left
        self.balance -= points - counted
        self.check()

    def check(self) -> None:
        """Entries and lots tell the same sum (R-13)."""
        assert self.balance == sum(lot.remaining for lot in self.lots) - self.deficit
        assert self.deficit >= 0
        assert all(lot.remaining >= 0 for lot in self.lots)


def _soonest(lot: Lot) -> tuple[datetime, int]:
    return lot.expires_at, lot.number


def _pending(lots: list[Lot], at: datetime) -> list[Lot]:
    return [lot for lot in lots if lot.is_pending(at)]


def _active(lots: list[Lot], at: datetime) -> list[Lot]:
    return sorted((lot for lot in lots if not lot.is_pending(at)), key=_soonest)


def _draw(lots: list[Lot], points: int) -> int:
    """Draw up to ``points`` from lots in the order given, and say how many came."""
    left = points
    for lot in lots:
        drawn = min(lot.remaining, left)
        lot.remaining -= drawn
        left -= drawn
    return points - left
