"""Whether holds were drawn from the lots they had to be drawn from, seen beside the entries.

What stood when points were held is known but for what was recorded in the same microsecond. Of
that, whatever speaks for a hold is believed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from loyalty_service.ledger.rules.lots import Lot, soonest_expiring
from loyalty_service.ledger.rules.stored import StoredHold, Wrong, missing, surplus

Place = tuple[datetime, int]


@dataclass(slots=True)
class _Placed:
    """What was held at once for one order, and what it may have found.

    Args:
        least: free points of each lot that was active whenever it may have been drawn from.
        most: the same, of each lot that may have been active.
        places: where each lot stands in the order of drawing.
    """

    holds: Sequence[StoredHold]
    least: dict[int, int] | None = None
    most: dict[int, int] = field(default_factory=dict)
    places: dict[int, Place] = field(default_factory=dict)

    @property
    def held_at(self) -> datetime:
        return min(hold.held_at for hold in self.holds)

    def note(self, lots: Iterable[Lot], standing: Iterable[StoredHold]) -> None:
        """Take note of what was free of these lots, if it was held then."""
        at, sure, perhaps = self.held_at, dict[int, int](), dict[int, int]()
        for hold in standing:
            if hold in self.holds or not hold.stood(at, at):
                continue
            held = sure if hold.held_at < at and hold.ended_at != at else perhaps
            held[hold.lot_seq] = held.get(hold.lot_seq, 0) + hold.points
        least = {}
        for lot in lots:
            if lot.is_active(at):
                free = lot.remaining - sure.get(lot.lot_seq, 0)
                self.most[lot.lot_seq] = max(free, self.most.get(lot.lot_seq, 0))
                self.places[lot.lot_seq] = soonest_expiring(lot)
                least[lot.lot_seq] = free - perhaps.get(lot.lot_seq, 0)
        if self.least is not None:
            before = self.least
            least = {lot: min(before[lot], left) for lot, left in least.items() if lot in before}
        self.least = least


class Drawn:
    """The holds of an account, each looked at when the entries have come to where it was made."""

    def __init__(self, holds: Iterable[StoredHold]) -> None:
        by_order: dict[tuple[int, int], list[StoredHold]] = {}
        for hold in holds:
            by_order.setdefault((hold.order_no, hold.hold_no), []).append(hold)
        placed = [_Placed(together) for together in by_order.values()]
        self._waiting = sorted(placed, key=lambda one: one.held_at, reverse=True)
        self._seen: list[_Placed] = []
        self._standing: list[StoredHold] = []

    def look(
        self, since: datetime | None, until: datetime | None, lots: Callable[[], Iterable[Lot]]
    ) -> None:
        """Take note of how lots stand between one entry and the next.

        Args:
            since: when the entry before was recorded; until: the one after. None: there is none.

        Raises:
            Wrong: a hold that was made before was drawn from other lots than it had to be.

        Rule: R-12, R-32.
        """
        if since is not None:
            self._check_before(since)
        while self._waiting and (until is None or self._waiting[-1].held_at <= until):
            placed = self._waiting.pop()
            self._seen.append(placed)
            self._standing += placed.holds
        if self._seen:
            first = self._seen[0].held_at
            self._standing = [hold for hold in self._standing if hold.ends_at >= first]
            standing_lots = list(lots())
            for placed in self._seen:
                placed.note(standing_lots, self._standing)

    def finish(self) -> None:
        """Check what is left after the last entry.

        Raises:
            Wrong: as ``look``.
        """
        for placed in self._seen:
            _check(placed)

    def _check_before(self, since: datetime) -> None:
        for placed in self._seen:
            if placed.held_at < since:
                _check(placed)
        self._seen = [placed for placed in self._seen if placed.held_at >= since]


def _check(placed: _Placed) -> None:
    first = placed.holds[0]
    key = {"order_no": first.order_no, "hold_no": first.hold_no}
    held = {hold.lot_seq: hold.points for hold in placed.holds}
    for lot_seq, points in held.items():
        most = placed.most.get(lot_seq, 0)
        if not most:
            raise surplus("hold", **key, lot_seq=lot_seq)
        if points > most:
            raise Wrong("hold", {**key, "lot_seq": lot_seq}, "points", f"{most} or less", points)
    last = max(placed.places[lot_seq] for lot_seq in held)
    for lot_seq, free in (placed.least or {}).items():
        if placed.places[lot_seq] < last and held.get(lot_seq, 0) < free:
            if lot_seq not in held:
                raise missing("hold", **key, lot_seq=lot_seq)
            raise Wrong("hold", {**key, "lot_seq": lot_seq}, "points", free, held[lot_seq])
