"""One wallet of one member while an operation decides: what was read, and what was written since.

The functions of ``movements`` decide; this only keeps the sums and the chain true, entry by entry.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from loyalty_service.ledger.rules.chain import GENESIS, digest, entry_hash
from loyalty_service.ledger.rules.entry import Allocation, Cause, Entry, Kind
from loyalty_service.ledger.rules.lots import (
    MOST_POINTS,
    Hold,
    Lot,
    PointsBeyondCount,
    with_remaining,
)


@dataclass(slots=True)
class Account:
    """The facts of one account, moving as entries are appended.

    Args:
        seq: sequence number of the last entry; 0 before the first.
        lot_seq: number of the last lot opened.
        balance: sum of all entries, in points.
        deficit: points owed back, not covered by any lot; 0 or more.
        head: hash of the last entry.
        ends_at: where lots without an end of their own end (UTC); None: never.
        lots: open lots by number; all of them, or those the operation asked for.
        holds: what is held for orders and not ended yet, though it may have lapsed by the clock.
        unread: free active points in lots that were not asked for.
        entries: what was appended since the facts were read, with its explanation and note.
        moved: numbers of the lots touched since.
        held, renewed, ended: what became of holds since; each ended one with its instant.
    """

    member_id: int
    wallet: str
    seq: int = 0
    lot_seq: int = 0
    balance: int = 0
    deficit: int = 0
    head: bytes = GENESIS
    lots: dict[int, Lot] = field(default_factory=dict)
    entries: list[tuple[Entry, str | None, str | None]] = field(default_factory=list)
    moved: set[int] = field(default_factory=set)
    holds: list[Hold] = field(default_factory=list)
    unread: int = 0
    held: list[Hold] = field(default_factory=list)
    renewed: list[Hold] = field(default_factory=list)
    ended: list[tuple[Hold, datetime]] = field(default_factory=list)
    ends_at: datetime | None = None

    def require_countable(self, points: int, path: str | None = None) -> None:
        """Refuse points, signed, that would take the balance beyond what can be counted.

        Args:
            path: where in the request they are asked for; None: nowhere.

        Raises:
            PointsBeyondCount: as said. Nothing is changed.
        """
        if not -MOST_POINTS <= self.balance + points <= MOST_POINTS:
            raise PointsBeyondCount(
                "The account would hold more points, or owe more, than can be counted.",
                path=path,
                balance=self.balance,
                change=str(points),
                limit=MOST_POINTS,
            )

    @property
    def room(self) -> int:
        """How many more points can be counted."""
        return max(MOST_POINTS - self.balance, 0)

    def append(
        self,
        kind: Kind,
        points: int,
        cause: Cause,
        allocations: Sequence[Allocation],
        *,
        explanation: str | None = None,
        note: str | None = None,
        reverses: int | None = None,
    ) -> Entry:
        """Chain one more entry; what its allocations do not cover moves the deficit (R-13)."""
        self.seq += 1
        self.balance += points
        self.deficit += sum(a.points for a in allocations) - points
        explained, noted = digest(explanation), digest(note)
        self.head = entry_hash(
            self.head,
            kind,
            cause,
            allocations,
            member_id=self.member_id,
            wallet=self.wallet,
            seq=self.seq,
            points=points,
            balance_after=self.balance,
            reverses=reverses,
            explained=explained,
            noted=noted,
        )
        entry = Entry(
            self.member_id,
            self.wallet,
            self.seq,
            kind,
            points,
            cause,
            self.balance,
            reverses,
            explained,
            noted,
            tuple(allocations),
            self.head,
            self.ends_at,
        )
        self.entries.append((entry, explanation, note))
        return entry

    def own_end(self, lot: Lot) -> datetime | None:
        """The end that a lot has of its own, as rows say it; None: it ends with the account."""
        return None if lot.expires_at == self.ends_at else lot.expires_at

    def end_of(self, active_at: datetime | None, own_end: datetime | None) -> datetime | None:
        """Where a lot ends that has this beginning, and this end of its own or none."""
        return self.ends_at if own_end is None and active_at is not None else own_end

    def allocate(self, lot: Lot, points: int) -> Allocation:
        """Points given to a lot, or 0, with the instants it has."""
        return Allocation(lot.lot_seq, points, lot.active_at, self.own_end(lot))

    def expired_since(self, lots: Collection[int]) -> int:
        """Points of these lots whose end was written down since the facts were read."""
        return -sum(
            allocation.points
            for entry, _, _ in self.entries
            for allocation in entry.allocations
            if allocation.expired and allocation.lot_seq in lots
        )

    def put(self, lot: Lot) -> None:
        """Replace a lot, or add it; one with nothing left is closed."""
        self.moved.add(lot.lot_seq)
        if lot.remaining:
            self.lots[lot.lot_seq] = lot
        else:
            self.lots.pop(lot.lot_seq, None)

    @property
    def holds_moved(self) -> bool:
        """Whether anything was held, renewed or ended since the facts were read."""
        return bool(self.held or self.renewed or self.ended)

    def free_lots(self, at: datetime) -> list[Lot]:
        """The lots with what of them nobody holds at ``at``, without those wholly held (R-32)."""
        if not self.holds:
            return list(self.lots.values())
        held = held_by_lot(self.holds, at)
        free = [_less(lot, held.get(lot.lot_seq, 0)) for lot in self.lots.values()]
        return [lot for lot in free if lot.remaining > 0]

    def available(self, at: datetime) -> int:
        """Points that can be used at ``at``: active and not held (R-14)."""
        active = [lot.remaining for lot in self.free_lots(at) if lot.is_active(at)]
        return sum(active) + self.unread

    def held_by(self, order_no: int, at: datetime) -> int:
        """Points that letting an order's holds go would make usable at ``at``."""
        return sum(
            hold.points
            for hold in self.holds
            if hold.order_no == order_no
            and hold.lapses_at > at
            and self.lots[hold.lot_seq].is_active(at)
        )

    def end(self, holds: Iterable[Hold], recorded_at: datetime | None) -> list[Hold]:
        """End open holds; returns them.

        What ended them may be told late. Until it was recorded they stood, up to their lapse, so
        that a balance of the past is told by what was recorded by then (R-13).

        Args:
            recorded_at: when their end is recorded (UTC); None where they lapsed.
        """
        ending = list(holds)
        if ending:
            self.holds = [hold for hold in self.holds if hold not in ending]
        self.ended += [
            (hold, min(recorded_at or hold.lapses_at, hold.lapses_at)) for hold in ending
        ]
        return ending


def held_by_lot(holds: Iterable[Hold], at: datetime) -> dict[int, int]:
    """Points held at ``at``, by lot (R-14)."""
    held: dict[int, int] = {}
    for hold in holds:
        if hold.lapses_at > at:
            held[hold.lot_seq] = held.get(hold.lot_seq, 0) + hold.points
    return held


def _less(lot: Lot, held: int) -> Lot:
    return with_remaining(lot, lot.remaining - held) if held else lot
