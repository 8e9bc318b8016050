"""The proof of an account: its rows say what its entries come to, or which row does not.

Nothing that is stored is believed. The entries are followed again from the first (``replay``), and
what they come to is compared with the two caches, the account's row and the open lots.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.buckets import Buckets, sort_into_buckets
from loyalty_service.ledger.rules.drawn import Drawn
from loyalty_service.ledger.rules.ending import follow
from loyalty_service.ledger.rules.lots import Hold, Lot
from loyalty_service.ledger.rules.replay import Replay
from loyalty_service.ledger.rules.stored import (
    Fault,
    StoredAccount,
    StoredAllocation,
    StoredEntry,
    StoredHold,
    StoredLedger,
    StoredLot,
    Wrong,
    missing,
    surplus,
)
from loyalty_service.program.rules.turns import Turn

_EMPTY: tuple[StoredAllocation, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an account stood at an instant, by what was recorded by then.

    Args:
        entries: how many entries it had.
        head: hash of the last of them.
        buckets: what its points were worth, with the clock at that instant.
    """

    member_id: int
    wallet: str
    entries: int
    balance: int
    head: bytes
    buckets: Buckets

    def told(self) -> dict[str, Any]:
        """As answers tell it."""
        return {
            "wallet": self.wallet,
            "entries": self.entries,
            "balance": self.buckets.balance,
            "sum_of_entries": self.balance,
            "active": self.buckets.active,
            "pending": self.buckets.pending,
            "held": self.buckets.held,
            "due": self.buckets.due,
            "deficit": self.buckets.deficit,
            "head": self.head.hex(),
        }


@dataclass(frozen=True, slots=True)
class Proof:
    """What proving an account came to: where it stood, or the first row that is wrong.

    Args:
        recorded_at: when its last entry was recorded (UTC); None without entries.
    """

    member_id: int
    wallet: str
    standing: Standing | None
    fault: Fault | None
    recorded_at: datetime | None = None


def prove_account(
    stored: StoredLedger, at: datetime, *, is_past: bool = False, turns: Sequence[Turn] = ()
) -> Proof:
    """Prove one account, and say where it stood at ``at``.

    Args:
        at: the instant of the buckets (UTC).
        is_past: stop at what was recorded by ``at``. All entries are followed and compared
            either way.
        turns: that the member has not followed yet, to be reckoned in.

    Rule: R-10 to R-15.
    """
    try:
        replay = Replay(stored)
        by_entry = _by_entry(stored.allocations)
        standing, drawn, since = None, Drawn(stored.holds), None
        for entry in stored.entries:
            if is_past and standing is None and entry.recorded_at > at:
                standing = _stand(replay, at, is_past=True, turns=())
            drawn.look(since, entry.recorded_at, replay.standing_lots)
            since = entry.recorded_at
            replay.follow(entry, by_entry.pop(entry.seq, _EMPTY))
        drawn.look(since, None, replay.standing_lots)
        drawn.finish()
        _check_account(stored, replay)
        _check_beside(stored, by_entry)
        _check_lots(stored.lots, replay.standing_lots(as_stored=True))
        _check_holds(stored, replay.standing_lots())
        standing = standing or _stand(replay, at, is_past=is_past, turns=turns)
    except Wrong as wrong:
        fault = wrong.in_account(stored.member_id, stored.wallet)
        return Proof(stored.member_id, stored.wallet, None, fault)
    recorded_at = stored.entries[-1].recorded_at if stored.entries else None
    return Proof(stored.member_id, stored.wallet, standing, None, recorded_at)


def _by_entry(
    allocations: Iterable[StoredAllocation],
) -> defaultdict[int, list[StoredAllocation]]:
    by_entry: defaultdict[int, list[StoredAllocation]] = defaultdict(list)
    for allocation in allocations:
        by_entry[allocation.entry_seq].append(allocation)
    return by_entry


def _stand(replay: Replay, at: datetime, *, is_past: bool, turns: Sequence[Turn]) -> Standing:
    stored = replay.stored

    def stands(hold: StoredHold) -> bool:
        # What has ended by now has ended, also where the clock was set back since.
        if is_past and hold.ended_at is not None:
            return hold.held_at <= at < hold.ended_at
        return hold.ended_at is None and (hold.held_at <= at or not is_past)

    held = [
        Hold(hold.order_no, hold.hold_no, hold.lot_seq, hold.points, hold.held_at, hold.lapses_at)
        for hold in stored.holds
        if stands(hold)
    ]
    buckets = sort_into_buckets(_foreseen(replay, turns), replay.deficit, at, held)
    check_buckets(buckets, replay.balance)
    return Standing(
        stored.member_id, stored.wallet, replay.seq, replay.balance, replay.head, buckets
    )


def _foreseen(replay: Replay, turns: Sequence[Turn]) -> list[Lot]:
    account = Account(replay.stored.member_id, replay.stored.wallet, replay.seq)
    account.lots = {lot.lot_seq: lot for lot in replay.standing_lots()}
    account.ends_at = replay.ends_at
    follow(account, turns)
    return list(account.lots.values())


def check_buckets(buckets: Buckets, sum_of_entries: int) -> None:
    """What points are worth adds up to what was written.

    Raises:
        Wrong: the buckets, or the scheduled ends of the active ones, have another sum.

    Rule: R-15.
    """
    parts = buckets.active + buckets.pending + buckets.held + buckets.due
    whole = parts - buckets.deficit
    if whole != sum_of_entries:
        raise Wrong("account", {}, "balance", sum_of_entries, whole)
    scheduled = buckets.never_expiring + sum(points for _, points in buckets.expiring)
    if scheduled != buckets.active + buckets.held:
        raise Wrong("account", {}, "active", scheduled - buckets.held, buckets.active)


def _check_beside(stored: StoredLedger, orphans: Mapping[int, Sequence[StoredAllocation]]) -> None:
    """Nothing stands beside entries that do not exist."""
    for allocations in orphans.values():
        allocation = allocations[0]
        raise surplus("allocation", entry_seq=allocation.entry_seq, lot_seq=allocation.lot_seq)
    count = len(stored.entries)
    for table, digests in (("explanation", stored.explained), ("note", stored.noted)):
        for seq in digests:
            if not 0 < seq <= count:
                raise surplus(table, seq=seq)


def _check_account(stored: StoredLedger, replay: Replay) -> None:
    account = stored.account
    if account is None:
        raise missing("account")
    if account.seq != replay.seq:
        raise _at_the_tail(account, stored.entries, replay)
    expected = {
        "lot_seq": replay.lot_seq,
        "balance": replay.balance,
        "deficit": replay.deficit,
        "head": replay.head,
        "ends_at": replay.ends_at,
    }
    for column, value in expected.items():
        if getattr(account, column) != value:
            raise Wrong("account", {}, column, value, getattr(account, column))


def _at_the_tail(account: StoredAccount, entries: Sequence[StoredEntry], replay: Replay) -> Wrong:
    """Whether entries are missing, or too many, or only the account counts them wrong."""
    if 0 < account.seq < replay.seq and account.head == entries[account.seq - 1].hash:
        return surplus("entry", seq=account.seq + 1)
    if account.seq > replay.seq and account.head != replay.head:
        return missing("entry", seq=replay.seq + 1)
    return Wrong("account", {}, "seq", replay.seq, account.seq)


def _check_lots(stored: Sequence[StoredLot], expected: Sequence[Lot]) -> None:
    found = {lot.lot_seq: lot for lot in stored}
    for lot in expected:
        row = found.pop(lot.lot_seq, None)
        if row is None:
            raise missing("lot", lot_seq=lot.lot_seq)
        for column in ("order_no", "opened", "remaining", "active_at", "expires_at"):
            value = getattr(lot, column)
            if getattr(row, column) != value:
                raise Wrong("lot", {"lot_seq": lot.lot_seq}, column, value, getattr(row, column))
    for lot_seq in found:
        raise surplus("lot", lot_seq=lot_seq)


def _check_holds(stored: StoredLedger, standing: Sequence[Lot]) -> None:
    """What is held lies inside its lots, and nothing is owed beside free points (R-13, R-41)."""
    lots = {lot.lot_seq: lot.remaining for lot in standing}
    last = stored.entries[-1].recorded_at if stored.entries else None
    due = {lot.lot_seq for lot in standing if last is not None and lot.is_due(last)}
    for hold in stored.holds:
        key = {"order_no": hold.order_no, "hold_no": hold.hold_no, "lot_seq": hold.lot_seq}
        if hold.points <= 0:
            raise Wrong("hold", key, "points", "1 or more", hold.points)
        if hold.lapses_at <= hold.held_at:
            raise Wrong("hold", key, "lapses_at", f"after {hold.held_at}", hold.lapses_at)
        if hold.ended_at is not None:
            if not hold.held_at <= hold.ended_at <= hold.lapses_at:
                expected = f"{hold.held_at} to {hold.lapses_at}"
                raise Wrong("hold", key, "ended_at", expected, hold.ended_at)
            continue
        left = lots.get(hold.lot_seq, 0)
        if hold.points > left:
            raise Wrong("hold", key, "points", f"{left} or less", hold.points)
        lots[hold.lot_seq] = left - hold.points
    account = stored.account
    # Points that came back to a lot past its end are owed to nobody.
    free = sum(left for lot_seq, left in lots.items() if lot_seq not in due)
    if account is not None and account.deficit and free:
        raise Wrong("account", {}, "deficit", max(0, account.deficit - free), account.deficit)
