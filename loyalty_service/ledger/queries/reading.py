"""Reads for people: balances now and then, entries and what they did."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loyalty_service.kit.db import Transaction
from loyalty_service.kit.instants import instant_text
from loyalty_service.ledger.queries.ends import IS_COMMON, LOT_END
from loyalty_service.ledger.rules.adjusting import EntryUnknown
from loyalty_service.ledger.rules.buckets import Buckets, sort_into_buckets
from loyalty_service.ledger.rules.lots import ALWAYS, Hold, Lot
from loyalty_service.members.rules import Member

# Lots that share wallet, state and end are summed here; what they are worth is decided in rules.
_NOW = """
SELECT a.wallet, a.deficit, l.active_at <= %s, <end>, sum(l.remaining)::bigint
  FROM account a
  LEFT JOIN lot l ON l.member_id = a.member_id AND l.wallet = a.wallet
 WHERE a.member_id = %s
 GROUP BY 1, 2, 3, 4
""".replace("<end>", LOT_END)
_HELD_NOW = """
SELECT h.wallet, l.active_at <= %s, <end>, h.points, h.lapses_at
  FROM hold h
  JOIN account a ON a.member_id = h.member_id AND a.wallet = h.wallet
  JOIN lot l ON l.member_id = h.member_id AND l.wallet = h.wallet AND l.lot_seq = h.lot_seq
 WHERE h.member_id = %s AND h.ended_at IS NULL
""".replace("<end>", LOT_END)
_HELD_THEN = """
SELECT wallet, lot_seq, points, lapses_at FROM hold
 WHERE member_id = %s AND held_at <= %s AND lapses_at > %s
   AND (ended_at IS NULL OR ended_at > %s)
"""
_THEN = """
SELECT a.wallet, a.lot_seq, sum(a.points)::bigint,
       (array_agg(a.active_at ORDER BY a.entry_seq DESC) FILTER (WHERE <given>))[1],
       (array_agg(a.expires_at ORDER BY a.entry_seq DESC) FILTER (WHERE <given>))[1]
  FROM allocation a
  JOIN entry e ON e.member_id = a.member_id AND e.wallet = a.wallet AND e.seq = a.entry_seq
 WHERE a.member_id = %s AND e.recorded_at <= %s
 GROUP BY 1, 2
""".replace("<given>", f"a.points >= 0 AND NOT {IS_COMMON.format('a')}")
_ENDS_THEN = """
SELECT DISTINCT ON (a.wallet) a.wallet, a.expires_at
  FROM allocation a
  JOIN entry e ON e.member_id = a.member_id AND e.wallet = a.wallet AND e.seq = a.entry_seq
 WHERE a.member_id = %s AND e.recorded_at <= %s AND <common>
 ORDER BY a.wallet, a.entry_seq DESC
""".replace("<common>", IS_COMMON.format("a"))
_SUMS_THEN = """
SELECT wallet, sum(points)::bigint FROM entry
 WHERE member_id = %s AND recorded_at <= %s GROUP BY 1
"""
_COLUMNS = """
SELECT e.wallet, e.seq, e.kind, e.points, e.reason, e.source, e.source_no, e.program_version,
       e.rule_ids, a.kind, a.name, e.occurred_at, e.recorded_at, e.balance_after, e.reverses,
       e.hash, n.body,
       (SELECT h.order_ref FROM order_head h
         WHERE e.source = 'order' AND h.member_id = e.member_id AND h.order_no = e.source_no)
  FROM entry e
  JOIN actor a USING (actor_id)
  LEFT JOIN note n ON n.member_id = e.member_id AND n.wallet = e.wallet AND n.seq = e.seq
 WHERE e.member_id = %s
"""
_OF_ACCOUNT = _COLUMNS + "AND e.wallet = %s "
_PAGE = _OF_ACCOUNT + "AND e.seq < %s ORDER BY e.seq DESC LIMIT %s"
_ENTRY = _OF_ACCOUNT + "AND e.seq = %s"
_OF_ORDER = _COLUMNS + "AND e.source = 'order' AND e.source_no = %s ORDER BY e.wallet, e.seq"
_WALLETS = "SELECT wallet FROM account WHERE member_id = %s ORDER BY wallet"
# A draw says nothing of its lot's instants: they are told as they stood then.
_ALLOCATIONS = """
SELECT a.lot_seq, a.points, stood.active_at,
       CASE WHEN <common> THEN a.expires_at ELSE coalesce(
           stood.expires_at, CASE WHEN stood.active_at IS NOT NULL THEN common.expires_at END)
       END, a.expired
  FROM allocation a LEFT JOIN LATERAL (
       SELECT active_at, expires_at FROM allocation
        WHERE member_id = a.member_id AND wallet = a.wallet AND lot_seq = a.lot_seq
          AND entry_seq <= a.entry_seq AND active_at IS NOT NULL
        ORDER BY entry_seq DESC LIMIT 1) stood ON true
  LEFT JOIN LATERAL (
       SELECT c.expires_at FROM allocation c
        WHERE c.member_id = a.member_id AND c.wallet = a.wallet AND <earlier>
          AND c.entry_seq <= a.entry_seq
        ORDER BY c.entry_seq DESC LIMIT 1) common ON true
 WHERE a.member_id = %s AND a.wallet = %s AND a.entry_seq = %s ORDER BY a.lot_seq
""".replace("<common>", IS_COMMON.format("a")).replace("<earlier>", IS_COMMON.format("c"))
_EXPLANATION = "SELECT body FROM explanation WHERE member_id = %s AND wallet = %s AND seq = %s"
_REVERSED_BY = "SELECT seq FROM entry WHERE member_id = %s AND wallet = %s AND reverses = %s"


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry as people read it."""

    wallet: str
    seq: int
    kind: str
    points: int
    reason: str
    source: str
    source_no: int | None
    program_version: int
    rule_ids: Sequence[str]
    actor_kind: str
    actor_name: str
    occurred_at: datetime
    recorded_at: datetime
    balance_after: int
    reverses: int | None
    hash: bytes
    note: str | None
    order_ref: str | None

    def told(self, *, to_member: bool = False) -> dict[str, Any]:
        """An entry as the wire has it.

        Args:
            to_member: leave out what operators write for each other: notes, and their names.
        """
        return {
            "wallet": self.wallet,
            "entry": self.seq,
            "kind": self.kind,
            "points": self.points,
            "reason": self.reason,
            "source": self.source,
            "order_ref": self.order_ref,
            "event_no": self.source_no if self.source == "event" else None,
            "program_version": self.program_version,
            "rules": list(self.rule_ids),
            "actor": {
                "kind": self.actor_kind,
                "name": self.actor_kind if to_member else self.actor_name,
            },
            "occurred_at": instant_text(self.occurred_at),
            "recorded_at": instant_text(self.recorded_at),
            "balance_after": self.balance_after,
            "reverses": self.reverses,
            "note": None if to_member else self.note,
            "hash": bytes(self.hash).hex(),
        }


@dataclass(frozen=True, slots=True)
class EntryDetail:
    """What an entry did to which lots, and why: the stored explanation, as JSON."""

    entry: EntryRow
    allocations: Sequence[tuple[Any, ...]]
    explanation: str | None
    reversed_by: int | None


def balances_now(tx: Transaction, member: Member, at: datetime) -> dict[str, Buckets]:
    """What each of the member's accounts is made of at this moment.

    Rule: R-14, R-15.
    """
    lots: dict[str, list[Lot]] = {}
    deficits: dict[str, int] = {}
    seqs: dict[tuple[str, bool, datetime | None], int] = {}
    for wallet, deficit, is_active, expires_at, points in tx.fetch(_NOW, (at, member.member_id)):
        deficits[wallet] = deficit
        of_wallet = lots.setdefault(wallet, [])
        if points is not None:
            begins = ALWAYS if is_active else None
            seqs[wallet, bool(is_active), expires_at] = len(of_wallet)
            of_wallet.append(Lot(len(of_wallet), None, points, points, begins, expires_at))
    holds: dict[str, list[Hold]] = {}
    if member.holds_lapse_at is not None:
        for wallet, is_active, ends, *held in tx.fetch(_HELD_NOW, (at, member.member_id)):
            lot_seq = seqs[wallet, bool(is_active), ends]
            holds.setdefault(wallet, []).append(_hold(lot_seq, *held))
    return {
        wallet: sort_into_buckets(of_wallet, deficits[wallet], at, holds.get(wallet, ()))
        for wallet, of_wallet in lots.items()
    }


def _hold(lot_seq: int, points: int, lapses_at: datetime) -> Hold:
    return Hold(0, 0, lot_seq, points, ALWAYS, lapses_at)


def balances_then(tx: Transaction, member: Member, at: datetime) -> dict[str, Buckets]:
    """What each account was made of at a past instant: by what had been recorded by then.

    Rule: R-13, R-15.
    """
    member_id = member.member_id
    sums: dict[str, int] = dict(tx.fetch(_SUMS_THEN, (member_id, at)))
    common: dict[str, datetime | None] = dict(tx.fetch(_ENDS_THEN, (member_id, at)))
    lots: dict[str, list[Lot]] = {wallet: [] for wallet in sums}
    for wallet, lot_seq, points, active_at, expires_at in tx.fetch(_THEN, (member_id, at)):
        ends = common.get(wallet) if expires_at is None and active_at is not None else expires_at
        if points:
            lots[wallet].append(Lot(lot_seq, None, points, points, active_at, ends))
    holds: dict[str, list[Hold]] = {}
    for wallet, *held in tx.fetch(_HELD_THEN, (member_id, at, at, at)):
        holds.setdefault(wallet, []).append(_hold(*held))
    return {
        wallet: sort_into_buckets(
            of_wallet,
            sum(lot.remaining for lot in of_wallet) - sums[wallet],
            at,
            holds.get(wallet, ()),
        )
        for wallet, of_wallet in lots.items()
    }


def list_wallets(tx: Transaction, member_id: int) -> list[str]:
    """The wallets in which the member has an account."""
    return [row[0] for row in tx.fetch(_WALLETS, (member_id,))]


def list_entries(
    tx: Transaction, member_id: int, wallet: str, before: int, limit: int
) -> list[EntryRow]:
    """At most ``limit`` entries of an account before that number, newest first."""
    return [EntryRow(*row) for row in tx.fetch(_PAGE, (member_id, wallet, before, limit))]


def list_entries_of_order(tx: Transaction, member_id: int, order_no: int) -> list[EntryRow]:
    """Every entry that an order made, by wallet and number."""
    return [EntryRow(*row) for row in tx.fetch(_OF_ORDER, (member_id, order_no))]


def find_explanation(tx: Transaction, member_id: int, wallet: str, seq: int) -> str | None:
    """What decided about an entry, as JSON; None where there is nothing."""
    rows = tx.fetch(_EXPLANATION, (member_id, wallet, seq))
    return rows[0][0] if rows else None


def get_entry(tx: Transaction, member_id: int, wallet: str, seq: int) -> EntryDetail:
    """One entry with what it did and why.

    Raises:
        EntryUnknown: the member has no such entry.

    Rule: R-27.
    """
    key = (member_id, wallet, seq)
    rows = tx.fetch(_ENTRY, key)
    if not rows:
        raise EntryUnknown("The member has no such entry.", path="seq", asked=f"{wallet}/{seq}")
    explanation = find_explanation(tx, *key)
    reversed_by = tx.fetch(_REVERSED_BY, key)
    return EntryDetail(
        EntryRow(*rows[0]),
        tx.fetch(_ALLOCATIONS, key),
        explanation,
        reversed_by[0][0] if reversed_by else None,
    )
