"""The only writer of points: everything an operation decided, each table once, from arrays."""

from collections.abc import Collection, Iterable

from loyalty_service.kit.db import Row, Transaction
from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.entry import Allocation, Entry
from loyalty_service.ledger.rules.lots import Hold, Lot

CLOCK_ACTOR = 1
"""The number of the actor that writes what time brings."""

_FIND_ACTOR = "SELECT actor_id FROM actor WHERE kind = %s AND name = %s"
# Without taking turns, all but one of many newcomers would fail and begin again, round after round.
_TAKE_TURN = "SELECT pg_advisory_xact_lock('actor'::regclass::bigint)"
_ADD_ACTOR = """
INSERT INTO actor (actor_id, kind, name)
SELECT max(actor_id) + 1, %s, %s FROM actor
ON CONFLICT (kind, name) DO NOTHING
"""
_ACCOUNT = """
INSERT INTO account (member_id, wallet, seq, lot_seq, balance, deficit, head, ends_at)
"""
_ACCOUNT_MOVED = """
ON CONFLICT (member_id, wallet) DO UPDATE SET seq = excluded.seq, lot_seq = excluded.lot_seq,
   balance = excluded.balance, deficit = excluded.deficit, head = excluded.head,
   ends_at = excluded.ends_at
"""
_ENTRY = """
INSERT INTO entry (member_id, wallet, seq, kind, points, reason, source, source_no,
                   program_version, rule_ids, actor_id, occurred_at, recorded_at, balance_after,
                   reverses, explained, noted, hash)
"""
_ALLOCATION = """
INSERT INTO allocation (member_id, wallet, entry_seq, lot_seq, points, active_at, expires_at,
                        expired)
"""
_EXPLANATION = "INSERT INTO explanation (member_id, wallet, seq, body)"
_NOTE = "INSERT INTO note (member_id, wallet, seq, body)"
_LOT = """
INSERT INTO lot (member_id, wallet, lot_seq, order_no, opened, remaining, active_at, expires_at)
"""
_LOT_MOVED = """
ON CONFLICT (member_id, wallet, lot_seq) DO UPDATE SET opened = excluded.opened,
   remaining = excluded.remaining, active_at = excluded.active_at, expires_at = excluded.expires_at
"""
_HOLD = """
INSERT INTO hold (member_id, wallet, order_no, hold_no, lot_seq, points, held_at, lapses_at)
"""
_HOLD_MOVED = """
UPDATE hold SET lapses_at = v.lapses_at::timestamptz, ended_at = v.ended_at::timestamptz FROM ("""
_HOLD_MOVED_BY = """) AS v (member_id, wallet, order_no, hold_no, lot_seq, lapses_at, ended_at)
 WHERE hold.member_id = v.member_id AND hold.order_no = v.order_no AND hold.hold_no = v.hold_no
   AND hold.wallet = v.wallet AND hold.lot_seq = v.lot_seq
"""
_CLOSE_LOTS = "DELETE FROM lot USING ("
_CLOSED = """) AS v (member_id, wallet, lot_seq)
 WHERE lot.member_id = v.member_id AND lot.wallet = v.wallet AND lot.lot_seq = v.lot_seq
"""


def get_actor_id(tx: Transaction, kind: str, name: str) -> int:
    """Our number for who acts; outside names stand beside the ledger.

    Rule: R-11, R-80.
    """
    known: dict[tuple[str, str], int] = tx.cache.setdefault("actors", {})
    actor_id = known.get((kind, name))
    if actor_id is None:
        rows = tx.fetch(_FIND_ACTOR, (kind, name))
        if not rows:
            newcomer = (kind, name)
            added = [(_TAKE_TURN, ()), (_ADD_ACTOR, newcomer)]
            # Not remembered yet: this transaction may still be rolled back.
            return int(tx.fetch_after(added, _FIND_ACTOR, newcomer)[0][0])
        actor_id = known[kind, name] = int(rows[0][0])
    return actor_id


def post(tx: Transaction, accounts: Collection[Account]) -> None:
    """Add to the writes every entry these accounts were given, and where their lots stand now.

    The members are locked, the facts were read after the lock, and the decisions are made; this
    writes each table once, for one member or thousands.

    Rule: R-10 to R-13.
    """
    moved = [account for account in accounts if account.entries]
    entries: list[Row] = []
    allocations: list[Row] = []
    explanations: list[Row] = []
    notes: list[Row] = []
    for account in moved:
        for entry, explanation, note in account.entries:
            entries.append(_entry(entry))
            allocations += [_allocation(entry, each) for each in entry.allocations]
            if explanation is not None:
                explanations.append((entry.member_id, entry.wallet, entry.seq, explanation))
            if note is not None:
                notes.append((entry.member_id, entry.wallet, entry.seq, note))
    tx.add_rows(_ACCOUNT, [_account(account) for account in moved], _ACCOUNT_MOVED)
    tx.add_rows(_ENTRY, entries)
    tx.add_rows(_ALLOCATION, allocations)
    tx.add_rows(_EXPLANATION, explanations)
    tx.add_rows(_NOTE, notes)
    _write_lots(tx, moved)
    _write_holds(tx, [account for account in accounts if account.holds_moved])


def _write_holds(tx: Transaction, accounts: Iterable[Account]) -> None:
    held: list[Row] = []
    moved: list[Row] = []
    for account in accounts:
        of_account = (account.member_id, account.wallet)
        held += [
            (*of_account, *_held(hold), hold.points, hold.held_at, hold.lapses_at)
            for hold in account.held
        ]
        moved += [(*of_account, *_held(hold), hold.lapses_at, None) for hold in account.renewed]
        moved += [(*of_account, *_held(hold), hold.lapses_at, at) for hold, at in account.ended]
    tx.add_rows(_HOLD, held)
    tx.add_rows(_HOLD_MOVED, moved, _HOLD_MOVED_BY)


def _held(hold: Hold) -> tuple[int, int, int]:
    return hold.order_no, hold.hold_no, hold.lot_seq


def _write_lots(tx: Transaction, accounts: Iterable[Account]) -> None:
    opened, closed = [], []
    for account in accounts:
        for lot_seq in account.moved:
            lot = account.lots.get(lot_seq)
            if lot is None:
                closed.append((account.member_id, account.wallet, lot_seq))
            else:
                opened.append(_lot(account, lot))
    tx.add_rows(_LOT, opened, _LOT_MOVED)
    tx.add_rows(_CLOSE_LOTS, closed, _CLOSED)


def _account(account: Account) -> Row:
    return (
        account.member_id,
        account.wallet,
        account.seq,
        account.lot_seq,
        account.balance,
        account.deficit,
        account.head,
        account.ends_at,
    )


def _entry(entry: Entry) -> Row:
    cause = entry.cause
    return (
        entry.member_id,
        entry.wallet,
        entry.seq,
        str(entry.kind),
        entry.points,
        str(cause.reason),
        str(cause.source),
        cause.source_no,
        cause.program_version,
        list(cause.rule_ids),
        cause.actor_id,
        cause.occurred_at,
        cause.recorded_at,
        entry.balance_after,
        entry.reverses,
        entry.explained,
        entry.noted,
        entry.hash,
    )


def _allocation(entry: Entry, allocation: Allocation) -> Row:
    return (
        entry.member_id,
        entry.wallet,
        entry.seq,
        allocation.lot_seq,
        allocation.points,
        allocation.active_at,
        allocation.expires_at,
        allocation.expired,
    )


def _lot(account: Account, lot: Lot) -> Row:
    return (
        account.member_id,
        account.wallet,
        lot.lot_seq,
        lot.order_no,
        lot.opened,
        lot.remaining,
        lot.active_at,
        account.own_end(lot),
    )
