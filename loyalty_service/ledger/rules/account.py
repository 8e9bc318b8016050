"""One wallet of one member while an operation decides: what was read, and what was written since.

The functions of ``movements`` decide; this only keeps the sums and the chain true, entry by entry.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from loyalty_service.ledger.rules.chain import GENESIS, digest, entry_hash
from loyalty_service.ledger.rules.entry import Allocation, Cause, Entry, Kind
from loyalty_service.ledger.rules.lots import Lot


@dataclass(slots=True)
class Account:
    """The facts of one account, moving as entries are appended.

    Args:
        seq: sequence number of the last entry; 0 before the first.
        lot_seq: number of the last lot opened.
        balance: sum of all entries, in points.
        deficit: points owed back, not covered by any lot; 0 or more.
        head: hash of the last entry.
        lots: open lots by number; all of them, or those the operation asked for.
        entries: what was appended since the facts were read, with its explanation and note.
        moved: numbers of the lots touched since.
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
        )
        self.entries.append((entry, explanation, note))
        return entry

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
