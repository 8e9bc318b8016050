"""Reads of the ledger; on hot paths as SQL constants."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from loyalty_service.kit.db import Transaction
from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.adjusting import EntryUnknown, Written
from loyalty_service.ledger.rules.entry import Kind, Source
from loyalty_service.ledger.rules.lots import Lot

_ACCOUNTS = """
SELECT a.member_id, a.wallet, a.seq, a.lot_seq, a.balance, a.deficit, a.head,
       l.lot_seq, l.order_no, l.opened, l.remaining, l.active_at, l.expires_at
  FROM account a
  LEFT JOIN lot l ON l.member_id = a.member_id AND l.wallet = a.wallet
"""
_ALL_LOTS = _ACCOUNTS + "WHERE a.member_id = ANY(%s)"
_DUE_LOTS = _ACCOUNTS + "AND (l.expires_at <= %s OR l.lot_seq = 0) WHERE a.member_id = ANY(%s)"
_ONE_DUE = (
    _ACCOUNTS
    + "AND l.member_id = %s AND (l.expires_at <= %s OR l.lot_seq = 0) WHERE a.member_id = %s"
)

Accounts = dict[str, Account]


def read_accounts(tx: Transaction, member_ids: Collection[int]) -> dict[int, Accounts]:
    """Every account of these members with all its open lots, by member and wallet."""
    return _gather(member_ids, tx.fetch(_ALL_LOTS, (list(member_ids),)))


def read_due(tx: Transaction, member_ids: Collection[int], until: datetime) -> dict[int, Accounts]:
    """The accounts with only what a credit needs: lots due by ``until`` and standing lots.

    The cost does not grow with the number of open lots that are neither.
    """
    if len(member_ids) == 1:
        (member_id,) = member_ids
        return _gather(member_ids, tx.fetch(_ONE_DUE, (member_id, until, member_id)))
    return _gather(member_ids, tx.fetch(_DUE_LOTS, (until, list(member_ids))))


def _gather(member_ids: Iterable[int], rows: Iterable[tuple[Any, ...]]) -> dict[int, Accounts]:
    found: dict[int, Accounts] = {member_id: {} for member_id in member_ids}
    for member_id, wallet, seq, lots_opened, balance, deficit, head, lot_seq, *lot in rows:
        account = found[member_id].get(wallet)
        if account is None:
            account = Account(member_id, wallet, seq, lots_opened, balance, deficit, bytes(head))
            found[member_id][wallet] = account
        if lot_seq is not None:
            account.lots[lot_seq] = Lot(lot_seq, *lot)
    return found


_EXPIRED = """
SELECT a.member_id, a.wallet, a.lot_seq, a.points
  FROM allocation a
  JOIN unnest(%s::bigint[], %s::text[], %s::bigint[]) AS o (member_id, wallet, lot_seq)
    ON a.member_id = o.member_id AND a.wallet = o.wallet AND a.lot_seq = o.lot_seq
 WHERE a.expired AND a.member_id = ANY(%s)
"""


def read_expired(
    tx: Transaction, lots: Collection[tuple[int, str, int]]
) -> dict[tuple[int, str, int], int]:
    """How many points of each lot (member, wallet, number) have expired unspent; 0 is left out."""
    if not lots:
        return {}
    member_ids, wallets, lot_seqs = (list(column) for column in zip(*lots, strict=True))
    expired: dict[tuple[int, str, int], int] = {}
    rows = tx.fetch(_EXPIRED, (member_ids, wallets, lot_seqs, sorted(set(member_ids))))
    for member_id, wallet, lot_seq, points in rows:
        key = (member_id, wallet, lot_seq)
        expired[key] = expired.get(key, 0) - points
    return expired


_WRITTEN = """
SELECT e.kind, e.points, e.source, e.program_version,
       (SELECT r.seq FROM entry r
         WHERE r.member_id = e.member_id AND r.wallet = e.wallet AND r.reverses = e.seq),
       ARRAY(SELECT a.lot_seq FROM allocation a WHERE a.member_id = e.member_id
                AND a.wallet = e.wallet AND a.entry_seq = e.seq ORDER BY a.lot_seq),
       ARRAY(SELECT a.points FROM allocation a WHERE a.member_id = e.member_id
                AND a.wallet = e.wallet AND a.entry_seq = e.seq ORDER BY a.lot_seq)
  FROM entry e WHERE e.member_id = %s AND e.wallet = %s AND e.seq = %s
"""
_GIVEN = """
SELECT a.lot_seq, a.points, a.active_at, a.expires_at, e.source, e.source_no
  FROM allocation a
  JOIN entry e ON e.member_id = a.member_id AND e.wallet = a.wallet AND e.seq = a.entry_seq
 WHERE a.member_id = %s AND a.wallet = %s AND a.lot_seq = ANY(%s) AND a.points >= 0
 ORDER BY a.lot_seq, a.entry_seq
"""


def get_written(tx: Transaction, member_id: int, wallet: str, seq: int) -> Written:
    """An entry as a reversal asks for it.

    Raises:
        EntryUnknown: the member has no such entry.
    """
    rows = tx.fetch(_WRITTEN, (member_id, wallet, seq))
    if not rows:
        raise EntryUnknown(
            "The member has no such entry.", path="reverses.entry", asked=f"{wallet}/{seq}"
        )
    kind, points, source, version, reversed_by, lots, taken = rows[0]
    pairs = tuple(zip(lots, taken, strict=True))
    return Written(Kind(kind), points, Source(source), version, reversed_by, pairs)


def read_drawn(
    tx: Transaction, account: Account, taken: Collection[tuple[int, int]]
) -> list[tuple[Lot, int]]:
    """The lots a debit drew from and how much; a closed one as it was, with nothing remaining.

    Args:
        taken: (lot number, signed points) of the debit's allocations.
    """
    closed = [lot_seq for lot_seq, _ in taken if lot_seq not in account.lots]
    was: dict[int, Lot] = {}
    if closed:
        rows = tx.fetch(_GIVEN, (account.member_id, account.wallet, closed))
        for lot_seq, points, active_at, expires_at, source, source_no in rows:
            first = was.get(lot_seq)
            opened = first.opened if first else points
            order_no = first.order_no if first else (source_no if source == "order" else None)
            was[lot_seq] = Lot(lot_seq, order_no, opened, 0, active_at, expires_at)
    return [(account.lots.get(lot_seq) or was[lot_seq], -points) for lot_seq, points in taken]
