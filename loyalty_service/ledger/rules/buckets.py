"""What a balance is made of, computed from lots, holds and the clock (R-14, R-15)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from loyalty_service.ledger.rules.account import held_by_lot
from loyalty_service.ledger.rules.lots import Hold, Lot


@dataclass(frozen=True, slots=True)
class Buckets:
    """The points of one account at an instant, in whole points.

    active + pending + held + due - deficit = sum of entries; balance = active - deficit; the
    scheduled expiries and the never-ending lots sum to active + held.

    Args:
        held: kept for orders; not usable by others, and not ended while they are kept.
        expiring: (instant, points) of active and held points that end, soonest first.
        never_expiring: active and held points without an end.
    """

    active: int
    pending: int
    held: int
    due: int
    deficit: int
    expiring: tuple[tuple[datetime, int], ...]
    never_expiring: int

    @property
    def balance(self) -> int:
        """What the member has: active points less what is owed back."""
        return self.active - self.deficit


def sort_into_buckets(
    lots: Iterable[Lot], deficit: int, at: datetime, holds: Collection[Hold] = ()
) -> Buckets:
    """Sort an account's lots by what they are worth to the member at ``at``.

    Args:
        holds: what is held of these lots; lapsed ones count no more.

    Rule: R-14, R-15, R-32.
    """
    held = held_by_lot(holds, at)
    active = pending = due = 0
    expiring: dict[datetime, int] = {}
    for lot in lots:
        kept = held.get(lot.lot_seq, 0)
        free = lot.remaining - kept
        if lot.is_due(at):
            due += free
        elif lot.is_pending(at):
            pending += free
        else:
            active += free
            _schedule(expiring, lot.expires_at, free)
        for hold in holds if kept else ():
            if hold.lot_seq == lot.lot_seq and hold.lapses_at > at:
                # What is held outlives its lot, up to the lapse.
                ends = lot.expires_at and max(lot.expires_at, hold.lapses_at)
                _schedule(expiring, ends, hold.points)
    never = expiring.pop(_NEVER, 0)
    return Buckets(
        active=active,
        pending=pending,
        held=sum(held.values()),
        due=due,
        deficit=deficit,
        expiring=tuple(sorted(expiring.items())),
        never_expiring=never,
    )


_NEVER = datetime.max.replace(tzinfo=UTC)


def _schedule(expiring: dict[datetime, int], ends: datetime | None, points: int) -> None:
    if points:
        instant = _NEVER if ends is None else ends
        expiring[instant] = expiring.get(instant, 0) + points
