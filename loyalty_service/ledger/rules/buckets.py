"""What a balance is made of, computed from lots and the clock (R-14, R-15)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from loyalty_service.ledger.rules.lots import Lot


@dataclass(frozen=True, slots=True)
class Buckets:
    """The points of one account at an instant, in whole points.

    active + pending + due - deficit = sum of entries; balance = active - deficit; the scheduled
    expiries and the never-ending lots sum to active.

    Args:
        expiring: (instant, points) of active points that end, soonest first.
        never_expiring: active points without an end.
    """

    active: int
    pending: int
    due: int
    deficit: int
    expiring: tuple[tuple[datetime, int], ...]
    never_expiring: int

    @property
    def balance(self) -> int:
        """What the member has: active points less what is owed back."""
        return self.active - self.deficit


def sort_into_buckets(lots: Iterable[Lot], deficit: int, at: datetime) -> Buckets:
    """Sort an account's lots by what they are worth to the member at ``at``.

    Rule: R-14, R-15.
    """
    pending = due = never = 0
    expiring: dict[datetime, int] = {}
    for lot in lots:
        if lot.is_due(at):
            due += lot.remaining
        elif lot.is_pending(at):
            pending += lot.remaining
        elif lot.expires_at is None:
            never += lot.remaining
        else:
            expiring[lot.expires_at] = expiring.get(lot.expires_at, 0) + lot.remaining
    return Buckets(
        active=never + sum(expiring.values()),
        pending=pending,
        due=due,
        deficit=deficit,
        expiring=tuple(sorted(expiring.items())),
        never_expiring=never,
    )
