"""What the kernel's own account would store, row by row, for proofs without a database."""

from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.chain import digest
from loyalty_service.ledger.rules.entry import Entry
from loyalty_service.ledger.rules.stored import (
    StoredAccount,
    StoredAllocation,
    StoredEntry,
    StoredHold,
    StoredLedger,
    StoredLot,
)


def stored(account: Account) -> StoredLedger:
    """The rows of an account whose entries were all appended since it was made."""
    key = account.member_id, account.wallet
    ledger = StoredLedger(*key)
    ledger.account = StoredAccount(
        *key,
        account.seq,
        account.lot_seq,
        account.balance,
        account.deficit,
        account.head,
        account.ends_at,
    )
    for entry, explanation, note in account.entries:
        ledger.entries.append(_entry(entry))
        ledger.allocations += [
            StoredAllocation(
                *key, entry.seq, a.lot_seq, a.points, a.active_at, a.expires_at, a.expired
            )
            for a in sorted(entry.allocations, key=lambda a: a.lot_seq)
        ]
        if explanation is not None:
            ledger.explained[entry.seq] = digest(explanation) or b""
        if note is not None:
            ledger.noted[entry.seq] = digest(note) or b""
    for lot in sorted(account.lots.values(), key=lambda lot: lot.lot_seq):
        ledger.lots.append(
            StoredLot(
                *key,
                lot.lot_seq,
                lot.order_no,
                lot.opened,
                lot.remaining,
                lot.active_at,
                account.own_end(lot),
            )
        )
    ends = [*((hold, None) for hold in account.holds), *account.ended]
    for hold, ended_at in sorted(ends, key=lambda end: (end[0].order_no, end[0].lot_seq)):
        ledger.holds.append(
            StoredHold(
                *key,
                hold.order_no,
                hold.hold_no,
                hold.lot_seq,
                hold.points,
                hold.held_at,
                hold.lapses_at,
                ended_at,
            )
        )
    return ledger


def _entry(entry: Entry) -> StoredEntry:
    cause = entry.cause
    return StoredEntry(
        entry.member_id,
        entry.wallet,
        entry.seq,
        entry.kind.value,
        entry.points,
        cause.reason.value,
        cause.source.value,
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
