"""Reads of the ledger; on hot paths as SQL constants."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from loyalty_service.kit.db import Transaction
from loyalty_service.ledger.queries.ends import IS_COMMON, LOT_END
from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.adjusting import EntryUnknown, Written
from loyalty_service.ledger.rules.ending import Extension, end_through
from loyalty_service.ledger.rules.entry import Kind, Reason, Source
from loyalty_service.ledger.rules.lots import COMMON, Hold, Lot
from loyalty_service.members.rules import Member

_ACCOUNTS = """
SELECT a.member_id, a.wallet, a.seq, a.lot_seq, a.balance, a.deficit, a.head, a.ends_at,
       l.lot_seq, l.order_no, l.opened, l.remaining, l.active_at, <end>
  FROM account a
  LEFT JOIN lot l ON l.member_id = a.member_id AND l.wallet = a.wallet
""".replace("<end>", LOT_END)
_ALL_LOTS = _ACCOUNTS + "WHERE a.member_id = ANY(%s)"
# In a sliding wallet what has an end of its own may join the common one.
_DUE = f"""(
    {LOT_END} <= %s OR l.lot_seq = 0 OR (l.expires_at IS NOT NULL AND a.wallet = ANY(%s))
)"""
# Of many members, whose numbers mostly lie close together: what is said of accounts is not carried
# over to lots, and the whole table would be read.
_RANGE = "AND l.member_id BETWEEN %s AND %s "
_ALL_LOTS_OF_MANY = _ACCOUNTS + _RANGE + "WHERE a.member_id = ANY(%s)"
_DUE_LOTS = _ACCOUNTS + _RANGE + f"AND {_DUE} WHERE a.member_id = ANY(%s)"
_ONE_DUE = _ACCOUNTS + f"AND l.member_id = %s AND {_DUE} WHERE a.member_id = %s"
_IS_HELD = """
EXISTS (SELECT 1 FROM hold h WHERE h.member_id = l.member_id AND h.wallet = l.wallet
           AND h.lot_seq = l.lot_seq AND h.ended_at IS NULL)
"""
_DUE_OR_HELD = f"AND ({_DUE} OR {_IS_HELD}) WHERE a.member_id = ANY(%s)"
_ONE_DUE_OR_HELD = _ACCOUNTS + _DUE_OR_HELD
_MANY_DUE_OR_HELD = _ACCOUNTS + _RANGE + _DUE_OR_HELD
_HOLDS = """
SELECT member_id, wallet, order_no, hold_no, lot_seq, points, held_at, lapses_at
  FROM hold WHERE member_id = ANY(%s) AND ended_at IS NULL
 ORDER BY member_id, order_no, hold_no, wallet, lot_seq
"""
# In the order of drawing until there are enough, and the last one of all, up to which there is all
# that is free; which of them pay is decided in rules. One window alone: two take twice as long.
_DRAWABLE = """
SELECT lot_seq, order_no, opened, remaining, active_at, expires_at, upto - free < %s, upto
  FROM (SELECT l.lot_seq, l.order_no, l.opened, l.remaining, l.active_at, l.expires_at,
               l.remaining - coalesce(h.points, 0) AS free,
               (sum(l.remaining - coalesce(h.points, 0)) OVER in_order)::bigint AS upto,
               lead(l.lot_seq) OVER in_order AS next_seq
          FROM (SELECT l.member_id, l.wallet, l.lot_seq, l.order_no, l.opened, l.remaining,
                       l.active_at, <end> AS expires_at
                  FROM lot l JOIN account a ON a.member_id = l.member_id AND a.wallet = l.wallet
                 WHERE l.member_id = %s AND l.wallet = %s) l
          LEFT JOIN (SELECT lot_seq, sum(points)::bigint AS points FROM hold
                      WHERE member_id = %s AND wallet = %s AND ended_at IS NULL AND lapses_at > %s
                      GROUP BY lot_seq) h ON h.lot_seq = l.lot_seq
         WHERE l.active_at <= %s AND (l.expires_at IS NULL OR l.expires_at > %s)
        WINDOW in_order AS (ORDER BY l.expires_at, l.lot_seq ROWS UNBOUNDED PRECEDING)) d
 WHERE upto - free < %s OR next_seq IS NULL
""".replace("<end>", LOT_END)

Accounts = dict[str, Account]


def read_accounts(tx: Transaction, members: Collection[Member]) -> dict[int, Accounts]:
    """Every account of these locked members with all its open lots and holds, by number."""
    ids = [member.member_id for member in members]
    if len(ids) > 1:
        rows = tx.fetch(_ALL_LOTS_OF_MANY, (min(ids), max(ids), ids))
    else:
        rows = tx.fetch(_ALL_LOTS, (ids,))
    found = _gather(ids, rows)
    _read_holds(tx, members, found)
    return found


def read_due(
    tx: Transaction, members: Collection[Member], until: datetime, sliding: list[str]
) -> dict[int, Accounts]:
    """The accounts with only what a credit needs: lots due by ``until``, standing ones, held ones.

    The cost does not grow with the number of open lots that are none of these.

    Args:
        sliding: wallets that slide; of them also lots with an end of their own.
    """
    ids = [member.member_id for member in members]
    is_held = any(member.holds_lapse_at for member in members)
    if len(ids) > 1:
        sql = _MANY_DUE_OR_HELD if is_held else _DUE_LOTS
        rows = tx.fetch(sql, (min(ids), max(ids), until, sliding, ids))
    elif is_held:
        rows = tx.fetch(_ONE_DUE_OR_HELD, (until, sliding, ids))
    else:
        rows = tx.fetch(_ONE_DUE, (ids[0], until, sliding, ids[0]))
    found = _gather(ids, rows)
    _read_holds(tx, members, found)
    return found


def read_for_spending(
    tx: Transaction,
    member: Member,
    until: datetime,
    wallet: str,
    points: int,
    *,
    sliding: list[str],
) -> dict[int, Accounts]:
    """What a credit needs and, of one wallet, lots enough to pay so many points at ``until``.

    Of the free active points that are not read the account knows the sum. The rows read do not
    grow with the number of lots, as long as a few of them pay.
    """
    found = read_due(tx, [member], until, sliding)
    account = found[member.member_id].get(wallet)
    if account is None:
        return found
    named = (member.member_id, wallet, until)
    here = named[:2]
    rows = tx.fetch(_DRAWABLE, (points, *here, *named, until, until, points))
    for *lot, may_pay, _ in rows:
        if may_pay:
            account.lots[lot[0]] = Lot(*lot)
    if rows:
        account.unread = max(row[-1] for row in rows) - account.available(until)
    return found


def _read_holds(tx: Transaction, members: Collection[Member], found: dict[int, Accounts]) -> None:
    ids = [member.member_id for member in members if member.holds_lapse_at is not None]
    if not ids:
        return
    for member_id, wallet, *row in tx.fetch(_HOLDS, (ids,)):
        found[member_id][wallet].holds.append(Hold(*row))


def _gather(member_ids: Iterable[int], rows: Iterable[tuple[Any, ...]]) -> dict[int, Accounts]:
    found: dict[int, Accounts] = {member_id: {} for member_id in member_ids}
    for member_id, wallet, seq, opened, balance, deficit, head, ends_at, lot_seq, *lot in rows:
        account = found[member_id].get(wallet)
        if account is None:
            account = Account(member_id, wallet, seq, opened, balance, deficit, bytes(head))
            account.ends_at = ends_at
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
SELECT e.kind, e.points, e.reason, e.source, e.program_version,
       (SELECT r.seq FROM entry r
         WHERE r.member_id = e.member_id AND r.wallet = e.wallet AND r.reverses = e.seq),
       e.occurred_at,
       ARRAY(SELECT a.lot_seq FROM allocation a WHERE a.member_id = e.member_id
                AND a.wallet = e.wallet AND a.entry_seq = e.seq ORDER BY a.lot_seq),
       ARRAY(SELECT a.points FROM allocation a WHERE a.member_id = e.member_id
                AND a.wallet = e.wallet AND a.entry_seq = e.seq ORDER BY a.lot_seq)
  FROM entry e WHERE e.member_id = %s AND e.wallet = %s AND e.seq = %s
"""
_GIVEN = """
SELECT a.lot_seq, a.points, a.active_at, a.expires_at, e.source, e.source_no, e.occurred_at
  FROM allocation a
  JOIN entry e ON e.member_id = a.member_id AND e.wallet = a.wallet AND e.seq = a.entry_seq
 WHERE a.member_id = %s AND a.wallet = %s
   AND a.points >= 0 AND (a.lot_seq = ANY(%s) OR <common>)
 ORDER BY a.entry_seq, a.lot_seq
""".replace("<common>", IS_COMMON.format("a"))


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
    kind, points, reason, source, version, reversed_by, occurred_at, lots, taken = rows[0]
    return Written(
        Kind(kind),
        points,
        Reason(reason),
        Source(source),
        version,
        reversed_by,
        occurred_at,
        tuple(zip(lots, taken, strict=True)),
    )


def read_given(tx: Transaction, account: Account, lot_seqs: Collection[int]) -> dict[int, Lot]:
    """Lots of an account by number; a closed one as it was, with nothing remaining."""
    closed = [lot_seq for lot_seq in lot_seqs if lot_seq not in account.lots]
    given = {lot_seq: account.lots[lot_seq] for lot_seq in lot_seqs if lot_seq in account.lots}
    if not closed:
        return given
    rows = tx.fetch(_GIVEN, (account.member_id, account.wallet, closed))
    common: datetime | None = None
    ends: dict[int, tuple[datetime | None, datetime | None, list[Extension]]] = {}
    for lot_seq, points, active_at, expires_at, source, source_no, occurred_at in rows:
        if lot_seq == COMMON:
            common = expires_at
            for _, _, moves in ends.values():
                moves.append(Extension(occurred_at, common))
            continue
        first = given.get(lot_seq)
        opened = first.opened if first else points
        order_no = first.order_no if first else (source_no if source == "order" else None)
        given[lot_seq] = Lot(lot_seq, order_no, opened, 0, active_at, expires_at)
        ends[lot_seq] = expires_at, common, []
    for lot_seq, (own_end, then, moves) in ends.items():
        if given[lot_seq].active_at is not None:
            end = end_through(own_end, then, [*moves, *_since(account)])
            given[lot_seq] = replace(given[lot_seq], expires_at=end)
    return given


def _since(account: Account) -> list[Extension]:
    """The moves of the common end that were decided since the facts were read."""
    return [
        Extension(entry.cause.occurred_at, allocation.expires_at)
        for entry, _, _ in account.entries
        for allocation in entry.allocations
        if allocation.lot_seq == COMMON
    ]
