"""An account followed again from its entries and allocations alone, and every promise checked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from loyalty_service.ledger.rules.blame import Before, blame, hash_of
from loyalty_service.ledger.rules.chain import GENESIS
from loyalty_service.ledger.rules.entry import Kind, Source
from loyalty_service.ledger.rules.lots import ALWAYS, COMMON, STANDING, Lot
from loyalty_service.ledger.rules.stored import (
    StoredAllocation,
    StoredEntry,
    StoredLedger,
    Wrong,
    missing,
    surplus,
)

_SIGNS = {
    Kind.CREDIT.value: (1, "1 or more"),
    Kind.DEBIT.value: (-1, "-1 or less"),
    Kind.EXPIRE.value: (-1, "-1 or less"),
    Kind.RESCHEDULE.value: (0, "0"),
    Kind.GIVE_BACK.value: (1, "1 or more"),
    Kind.SETTLE.value: (0, "0"),
}
_OPENING = (Kind.CREDIT, Kind.REVERSE, Kind.GIVE_BACK)
_ORDER = Source.ORDER.value


@dataclass(slots=True)
class FollowedLot:
    """A lot as the allocations so far leave it; kept when it is empty, it may be given back to."""

    order_no: int | None
    opened: int
    remaining: int
    active_at: datetime | None
    expires_at: datetime | None

    def end(self, common: datetime | None) -> datetime | None:
        """Where it ends, of its own or with the account."""
        if self.expires_at is None and self.active_at is not None:
            return common
        return self.expires_at


@dataclass(slots=True)
class Replay:
    """Where an account stands after the entries followed so far.

    Args:
        ends_at: where lots without an end of their own end.
        in_lots: points in all lots together; balance = in_lots - deficit (R-13).
    """

    stored: StoredLedger
    seq: int = 0
    lot_seq: int = 0
    balance: int = 0
    deficit: int = 0
    in_lots: int = 0
    head: bytes = GENESIS
    lots: dict[int, FollowedLot] = field(default_factory=dict)
    reversed: set[int] = field(default_factory=set)
    ends_at: datetime | None = None

    def follow(self, entry: StoredEntry, allocations: Sequence[StoredAllocation]) -> None:
        """Take one more entry.

        Raises:
            Wrong: naming the first row that breaks a promise.

        Rule: R-10 to R-13.
        """
        seq = self.seq + 1
        if entry.seq != seq:
            raise missing("entry", seq=seq)
        if hash_of(self.head, entry, allocations) != entry.hash:
            raise blame(self._before(), entry, allocations)
        self._check_points(entry)
        self._check_beside(entry)
        if entry.reverses is not None or entry.kind == Kind.REVERSE:
            self._check_reversal(entry)
        given = 0
        for allocation in allocations:
            if allocation.lot_seq == COMMON:
                self._move_common(entry, allocation, allocations)
            else:
                self._move(entry, allocation)
            given += allocation.points
        self.seq = seq
        self.balance += entry.points
        self.deficit += given - entry.points
        self.in_lots += given
        self.head = entry.hash
        self._check_sums(entry, allocations)

    def _before(self) -> Before:
        instants = {(lot.active_at, lot.expires_at) for lot in self.lots.values()}
        instants.update((lot.active_at, lot.expires_at) for lot in self.stored.lots)
        ends = (entry.occurred_at for entry in self.stored.entries if entry.kind == Kind.EXPIRE)
        instants.update((None, end) for end in ends)
        return Before(self.stored, self.head, self.balance, self.lot_seq, instants)

    def _check_points(self, entry: StoredEntry) -> None:
        balance_after = self.balance + entry.points
        if entry.balance_after != balance_after:
            raise _entry(entry, "balance_after", balance_after, entry.balance_after)
        if entry.kind != Kind.REVERSE:
            sign, words = _SIGNS[entry.kind]
            # A rule may give 0 points, and an order's credit may be swallowed by none.
            if entry.points * sign < 0 or (sign == 0 and entry.points):
                raise _entry(entry, "points", words, entry.points)
        if entry.occurred_at > entry.recorded_at:
            raise _entry(entry, "occurred_at", f"not after {entry.recorded_at}", entry.occurred_at)
        if self.seq and entry.recorded_at < self.stored.entries[self.seq - 1].recorded_at:
            before = self.stored.entries[self.seq - 1].recorded_at
            raise _entry(entry, "recorded_at", f"not before {before}", entry.recorded_at)

    def _check_beside(self, entry: StoredEntry) -> None:
        """The explanation stands word for word; a note may have been erased (R-80)."""
        body = self.stored.explained.get(entry.seq)
        if body != entry.explained:
            if body is None:
                raise missing("explanation", seq=entry.seq)
            if entry.explained is None:
                raise surplus("explanation", seq=entry.seq)
            raise Wrong("explanation", {"seq": entry.seq}, "body", entry.explained, body)
        body = self.stored.noted.get(entry.seq)
        if body is not None and body != entry.noted:
            if entry.noted is None:
                raise surplus("note", seq=entry.seq)
            raise Wrong("note", {"seq": entry.seq}, "body", entry.noted, body)

    def _check_reversal(self, entry: StoredEntry) -> None:
        """A reversal answers one earlier credit or debit, which no other has answered (R-10)."""
        answered = entry.reverses
        if answered is None or not 0 < answered <= self.seq or entry.kind != Kind.REVERSE:
            raise _entry(entry, "reverses", f"1 to {self.seq}, in a reversal", answered)
        if answered in self.reversed:
            raise _entry(entry, "reverses", "an entry not reversed before", answered)
        self.reversed.add(answered)
        mistake = self.stored.entries[answered - 1]
        if mistake.kind not in (Kind.CREDIT, Kind.DEBIT):
            raise _entry(entry, "reverses", "a credit or a debit", answered)
        whole = -mistake.points
        # Of a reversed credit, what has expired unspent or was not to be had is not taken again.
        if entry.points != whole and not (
            mistake.kind == Kind.CREDIT and 0 >= entry.points > whole
        ):
            raise _entry(entry, "points", whole, entry.points)

    def _move_common(
        self,
        entry: StoredEntry,
        allocation: StoredAllocation,
        allocations: Sequence[StoredAllocation],
    ) -> None:
        """What has not ended joins a later end, and what has ended stays ended (R-25)."""
        if allocation.points or allocation.expired:
            raise _allocation(allocation, "points", 0)
        ends_at, at = allocation.expires_at, entry.occurred_at
        if ends_at is not None and self.ends_at is not None and ends_at < self.ends_at:
            raise _allocation(allocation, "expires_at", self.ends_at)
        if ends_at is not None and ends_at <= at:
            raise _allocation(allocation, "expires_at", f"after {at}")
        told = {each.lot_seq for each in allocations if each is not allocation}
        for lot_seq, lot in self.lots.items():
            end = lot.end(self.ends_at)
            if not lot.remaining or lot.active_at is None or end is None or lot_seq in told:
                continue
            revived = lot.expires_at is None and (ends_at is None or end <= at)
            left_out = lot.expires_at is not None and ends_at is not None and at < end <= ends_at
            if revived or left_out:
                raise missing("allocation", entry_seq=entry.seq, lot_seq=lot_seq)
        self.ends_at = ends_at

    def _move(self, entry: StoredEntry, allocation: StoredAllocation) -> None:
        points, lot_seq = allocation.points, allocation.lot_seq
        if allocation.expired != (entry.kind == Kind.EXPIRE):
            raise _allocation(allocation, "expired", entry.kind == Kind.EXPIRE)
        lot = self.lots.get(lot_seq)
        if lot is None:
            lot = self.lots[lot_seq] = self._open(entry, allocation)
        elif points > 0:
            self._give(entry, allocation, lot)
        lot.remaining += points
        if points > 0 or entry.kind == Kind.RESCHEDULE:
            lot.active_at, lot.expires_at = allocation.active_at, allocation.expires_at
        if points == 0 and entry.kind != Kind.RESCHEDULE:
            raise _allocation(allocation, "points", "anything but 0")
        if lot.remaining < 0:
            raise _allocation(allocation, "points", f"{points - lot.remaining} or more")
        if entry.kind == Kind.EXPIRE:
            self._check_end(entry, allocation, lot)

    def _open(self, entry: StoredEntry, allocation: StoredAllocation) -> FollowedLot:
        lot_seq = allocation.lot_seq
        if entry.kind not in _OPENING or allocation.points <= 0:
            raise _allocation(allocation, "lot_seq", "a lot that was opened before")
        if lot_seq == STANDING:
            if (allocation.active_at, allocation.expires_at) != (ALWAYS, None):
                raise _allocation(allocation, "active_at", ALWAYS)
            return FollowedLot(None, allocation.points, 0, ALWAYS, None)
        if lot_seq != self.lot_seq + 1:
            raise _allocation(allocation, "lot_seq", self.lot_seq + 1)
        self.lot_seq = lot_seq
        order_no = entry.source_no if entry.source == _ORDER else None
        return FollowedLot(order_no, allocation.points, 0, None, None)

    def _give(self, entry: StoredEntry, allocation: StoredAllocation, lot: FollowedLot) -> None:
        """Points may come back to a lot that was opened before, or go to the standing lot."""
        if allocation.lot_seq == STANDING:
            # What was put into it since it was empty.
            lot.opened = (lot.opened if lot.remaining else 0) + allocation.points
        elif entry.kind not in (Kind.REVERSE, Kind.GIVE_BACK):
            raise _allocation(allocation, "lot_seq", "a new lot, or the standing one")
        elif lot.remaining + allocation.points > lot.opened:
            raise _allocation(allocation, "points", f"{lot.opened - lot.remaining} or less")
        # A lot that was empty may have been given other instants meanwhile.
        if lot.remaining:
            for column in ("active_at", "expires_at"):
                if getattr(allocation, column) != getattr(lot, column):
                    raise _allocation(allocation, column, getattr(lot, column))

    def _check_end(
        self, entry: StoredEntry, allocation: StoredAllocation, lot: FollowedLot
    ) -> None:
        """A lot ends at its end, but for what is held of it, which ends when it is let go."""
        holds = [hold for hold in self.stored.holds if hold.lot_seq == allocation.lot_seq]
        at = entry.occurred_at
        held = sum(hold.points for hold in holds if hold.stood(at, at))
        if lot.remaining > held:
            raise _allocation(allocation, "points", allocation.points - lot.remaining)
        end = lot.end(self.ends_at)
        if end == at:
            return
        # What lets a hold go may be told late: it ends when that is recorded, or at its lapse.
        let_go = [hold.ended_at == min(entry.recorded_at, hold.lapses_at) for hold in holds]
        is_late = end is not None and end < at
        if not (is_late and any(let_go)):
            raise _entry(entry, "occurred_at", end, at)

    def _check_sums(self, entry: StoredEntry, allocations: Sequence[StoredAllocation]) -> None:
        """What allocations do not cover is owed, and nothing is owed beside free points (R-41)."""
        # What is told late met the holds of an instant between the two.
        since, until = entry.occurred_at, entry.recorded_at
        kept = sum(hold.points for hold in self.stored.holds if hold.stood(since, until))
        free = max(0, self.in_lots - kept - self._due(until)) if self.deficit > 0 else 0
        over = self.deficit if self.deficit < 0 else min(self.deficit, free)
        if over:
            given = sum(allocation.points for allocation in allocations)
            raise Wrong("allocation", {"entry_seq": entry.seq}, "points", given - over, given)

    def _due(self, at: datetime) -> int:
        """Points that came back to lots past their end; they are owed to nobody (R-42)."""
        ends = ((lot.end(self.ends_at), lot.remaining) for lot in self.lots.values())
        return sum(points for ended, points in ends if ended is not None and ended <= at)

    def standing_lots(self, *, as_stored: bool = False) -> list[Lot]:
        """The lots with something left, by number.

        Args:
            as_stored: with only an end of their own, as rows have them.
        """
        return [
            Lot(
                lot_seq,
                lot.order_no,
                lot.opened,
                lot.remaining,
                lot.active_at,
                lot.expires_at if as_stored else lot.end(self.ends_at),
            )
            for lot_seq, lot in sorted(self.lots.items())
            if lot.remaining
        ]


def _entry(entry: StoredEntry, column: str, expected: object, found: object) -> Wrong:
    return Wrong("entry", {"seq": entry.seq}, column, expected, found)


def _allocation(allocation: StoredAllocation, column: str, expected: object) -> Wrong:
    key = {"entry_seq": allocation.entry_seq, "lot_seq": allocation.lot_seq}
    return Wrong("allocation", key, column, expected, getattr(allocation, column))
