"""Reads every row of the ledger for its proof, member by member, in one pass of each table."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from loyalty_service.kit.db import Row, Transaction
from loyalty_service.ledger.rules.chain import digest
from loyalty_service.ledger.rules.stored import (
    StoredAccount,
    StoredAllocation,
    StoredEntry,
    StoredHold,
    StoredLedger,
    StoredLot,
)

# What the driver cannot read (years beyond 9999 or before Christ, infinity) cannot be ours.
_READABLE = (
    r"CASE WHEN \1 NOT BETWEEN '0001-01-02+00' AND '9999-12-30+00' "
    r"THEN '9999-12-30+00' ELSE \1 END"
)


def readable(sql: str) -> str:
    """The statement with every <instant> kept to what the driver can read."""
    return re.sub(r"<([\w.]+)>", _READABLE, sql)


_TABLES = {
    "member": readable("SELECT member_id, <recorded_at>, <holds_lapse_at> FROM member"),
    "account": readable(
        "SELECT member_id, wallet, seq, lot_seq, balance, deficit, head, <ends_at> FROM account"
    ),
    "entry": readable("""
SELECT member_id, wallet, seq, kind, points, reason, source, source_no, program_version, rule_ids,
       actor_id, <occurred_at>, <recorded_at>, balance_after, reverses, explained, noted, hash
  FROM entry
"""),
    "allocation": readable("""
SELECT member_id, wallet, entry_seq, lot_seq, points, <active_at>, <expires_at>, expired
  FROM allocation
"""),
    "lot": readable("""
SELECT member_id, wallet, lot_seq, order_no, opened, remaining, <active_at>, <expires_at> FROM lot
"""),
    "hold": readable("""
SELECT member_id, wallet, order_no, hold_no, lot_seq, points, <held_at>, <lapses_at>, <ended_at>
  FROM hold
"""),
    "explanation": "SELECT member_id, wallet, seq, body FROM explanation",
    "note": "SELECT member_id, wallet, seq, body FROM note",
}
_KEYS = {
    "member": "member_id",
    "account": "member_id, wallet",
    "entry": "member_id, wallet, seq",
    "allocation": "member_id, wallet, entry_seq, lot_seq",
    "lot": "member_id, wallet, lot_seq",
    "hold": "member_id, wallet, order_no, hold_no, lot_seq",
    "explanation": "member_id, wallet, seq",
    "note": "member_id, wallet, seq",
}
_TUNED = (
    # The whole of a cursor is wanted, not its first rows; and sorts may use some memory.
    "SET LOCAL cursor_tuple_fraction = 1",
    "SET LOCAL work_mem = '64MB'",
)


@dataclass(slots=True)
class StoredMember:
    """Every row of the ledger that bears one member's number.

    Args:
        recorded_at: when anything was last recorded for them; None when the member is missing.
        holds_lapse_at: as their row says.
        ledgers: by wallet.
    """

    member_id: int
    recorded_at: datetime | None = None
    holds_lapse_at: datetime | None = None
    ledgers: dict[str, StoredLedger] = field(default_factory=dict)


def count_entries(tx: Transaction) -> int:
    """How many entries the accounts say there are; for showing progress."""
    return int(tx.fetch("SELECT coalesce(sum(seq), 0) FROM account")[0][0])


def read_stored(tx: Transaction, member_id: int) -> StoredMember:
    """Every row of one member. ``tx`` sees one snapshot (``Database.reading``)."""
    rows = {
        table: tx.fetch(f"{sql} WHERE member_id = %s ORDER BY {_KEYS[table]}", (member_id,))
        for table, sql in _TABLES.items()
    }
    return _member(member_id, rows)


def stream_stored(tx: Transaction) -> Iterator[StoredMember]:
    """Every row of every member, by ascending number.

    Each table is read once, through a cursor of the server; in memory are a few thousand rows of
    each and one member's. ``tx`` sees one snapshot (``Database.reading``).
    """
    for statement in _TUNED:
        tx.fetch(statement)
    streams = {table: groupby(_stream(tx, table), itemgetter(0)) for table in _TABLES}
    heads = {table: next(groups, None) for table, groups in streams.items()}
    while any(heads.values()):
        member_id = min(head[0] for head in heads.values() if head)
        rows = {}
        for table, head in heads.items():
            if head and head[0] == member_id:
                rows[table] = list(head[1])
                heads[table] = next(streams[table], None)
        yield _member(member_id, rows)


def _stream(tx: Transaction, table: str) -> Iterator[Row]:
    yield from tx.stream(f"{_TABLES[table]} ORDER BY {_KEYS[table]}")


def _member(member_id: int, rows: Mapping[str, Iterable[Row]]) -> StoredMember:
    member = StoredMember(member_id)
    ledgers = _Ledgers(member_id)
    for _, recorded_at, holds_lapse_at in rows.get("member", ()):
        member.recorded_at, member.holds_lapse_at = recorded_at, holds_lapse_at
    _fill(ledgers, rows)
    member.ledgers = dict(sorted(ledgers.items()))
    return member


def _fill(ledgers: "_Ledgers", rows: Mapping[str, Iterable[Row]]) -> None:
    for row in rows.get("account", ()):
        ledgers[row[1]].account = StoredAccount._make((*row[:6], bytes(row[6]), *row[7:]))
    for row in rows.get("entry", ()):
        ledgers[row[1]].entries.append(_entry(row))
    for row in rows.get("allocation", ()):
        ledgers[row[1]].allocations.append(StoredAllocation._make(row))
    for row in rows.get("lot", ()):
        ledgers[row[1]].lots.append(StoredLot._make(row))
    for row in rows.get("hold", ()):
        ledgers[row[1]].holds.append(StoredHold._make(row))
    for _, wallet, seq, body in rows.get("explanation", ()):
        ledgers[wallet].explained[seq] = digest(body) or b""
    for _, wallet, seq, body in rows.get("note", ()):
        ledgers[wallet].noted[seq] = digest(body) or b""


class _Ledgers(dict[str, StoredLedger]):
    """One member's ledgers, each made when its first row is met."""

    def __init__(self, member_id: int) -> None:
        super().__init__()
        self._member_id = member_id

    def __missing__(self, wallet: str) -> StoredLedger:
        ledger = self[wallet] = StoredLedger(self._member_id, wallet)
        return ledger


def _entry(row: tuple[Any, ...]) -> StoredEntry:
    digests = [None if text is None else bytes(text) for text in row[15:18]]
    return StoredEntry._make((*row[:15], *digests))
