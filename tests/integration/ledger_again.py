"""What reports must say, worked out again from every entry, allocation and hold there is.

Plain, slow, and by instants: it shares nothing with the sums that the service keeps.
"""

from collections import Counter, defaultdict
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from loyalty_service.kit.db import Transaction

ENTRIES = """
SELECT e.member_id, e.wallet, e.seq, e.points, e.reason, e.recorded_at,
       a.lot_seq, a.points, a.active_at, a.expires_at
  FROM entry e LEFT JOIN allocation a
    ON a.member_id = e.member_id AND a.wallet = e.wallet AND a.entry_seq = e.seq
 ORDER BY 1, 2, 3, 7
"""
HOLDS = "SELECT member_id, wallet, lot_seq, points, held_at, lapses_at, ended_at FROM hold"


def points(tx: Transaction, zone: ZoneInfo, first: date, last: date) -> dict[Any, list[int]]:
    """By day, wallet and reason: given, taken, entries."""
    totals: dict[Any, list[int]] = defaultdict(lambda: [0, 0, 0])
    known = set()
    for member, wallet, seq, amount, reason, recorded_at, *_ in tx.fetch(ENTRIES):
        day = recorded_at.astimezone(zone).date()
        if (member, wallet, seq) not in known and first <= day <= last:
            known.add((member, wallet, seq))
            total = totals[day, wallet, reason]
            total[amount < 0] += abs(amount)
            total[2] += 1
    return dict(totals)


def close_of(day: date, zone: ZoneInfo) -> datetime:
    """The last microsecond of a day; of zones whose days begin at midnight."""
    midnight = datetime.combine(day + timedelta(days=1), time.min, zone)
    return midnight - timedelta(microseconds=1)


def owed(tx: Transaction, zone: ZoneInfo, day: date) -> dict[tuple[str, str], dict[str, int]]:
    """By wallet and month, or why there is none, what is open at the end of a day, by bucket."""
    at = close_of(day, zone)
    held = _held(tx, at)
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for key, (left, active_at, expires_at) in _lots(tx, at).items():
        _, wallet, _ = key
        if expires_at is None or expires_at > at:
            is_active = active_at is not None and active_at <= at
            free = left - sum(amount for amount, _ in held[key])
            ends = _month(expires_at, zone, waits=active_at is None)
            found[wallet, ends]["active" if is_active else "pending"] += free
        for amount, lapses_at in held[key]:
            until = expires_at and max(expires_at, lapses_at)
            found[wallet, _month(until, zone)]["held"] += amount
    return {key: dict(+bucket) for key, bucket in found.items() if +bucket}


def _lots(tx: Transaction, at: datetime) -> dict[Any, list[Any]]:
    """What was left of every lot by what was recorded by then, and the instants it had."""
    lots: dict[Any, list[Any]] = {}
    common: dict[Any, datetime] = {}
    for member, wallet, _, _, _, recorded_at, lot, moved, *instants in tx.fetch(ENTRIES):
        if recorded_at > at or lot is None:
            continue
        if lot == -1:
            common[member, wallet] = instants[1]
        else:
            kept = lots.setdefault((member, wallet, lot), [0, None, None])
            kept[0] += moved
            if moved >= 0:
                kept[1:] = instants
    for (member, wallet, _), kept in lots.items():
        # One that waits for its beginning has no end yet.
        if kept[1] is not None and kept[2] is None:
            kept[2] = common.get((member, wallet))
    return lots


def _held(tx: Transaction, at: datetime) -> dict[Any, list[tuple[int, datetime]]]:
    held: dict[Any, list[tuple[int, datetime]]] = defaultdict(list)
    for member, wallet, lot, amount, held_at, lapses_at, ended_at in tx.fetch(HOLDS):
        if held_at <= at < lapses_at and (ended_at is None or ended_at > at):
            held[member, wallet, lot].append((amount, lapses_at))
    return held


def _month(ends_at: datetime | None, zone: ZoneInfo, *, waits: bool = False) -> str:
    if ends_at is None:
        return "after_fulfilment" if waits else "never"
    return (ends_at.astimezone(zone).date() - timedelta(days=1)).isoformat()[:7]
