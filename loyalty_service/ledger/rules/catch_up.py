"""What time brings to a member, instant by instant (R-55)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.entry import Allocation, Cause, Entry, Kind, Reason, Source


@dataclass(frozen=True, slots=True)
class Due:
    """Lots of one account that end at the same instant."""

    instant: datetime
    account: Account
    lot_seqs: tuple[int, ...]


def list_due(accounts: Iterable[Account], until: datetime) -> list[Due]:
    """What has ended up to and including ``until``, earliest first, wallets by name.

    Rule: R-14, R-55.
    """
    due: dict[tuple[datetime, str], tuple[Account, list[int]]] = {}
    for account in accounts:
        for lot in account.lots.values():
            if lot.expires_at is not None and lot.expires_at <= until:
                key = (lot.expires_at, account.wallet)
                due.setdefault(key, (account, []))[1].append(lot.lot_seq)
    return [
        Due(instant, account, tuple(lot_seqs))
        for (instant, _), (account, lot_seqs) in sorted(due.items(), key=lambda item: item[0])
    ]


def catch_up(
    accounts: Iterable[Account],
    until: datetime,
    *,
    recorded_at: datetime,
    actor_id: int,
    version_at: Callable[[datetime], int],
) -> list[Entry]:
    """Write down, one instant after another, what has expired up to and including ``until``.

    Called by every operation for its member before it decides anything, so that a late run and
    an operation write the same entries.

    Args:
        accounts: the member's accounts, with at least the lots that are due.
        until: the instant to catch up to (UTC).
        version_at: the program version in force at an instant.

    Rule: R-55.
    """
    return [
        expire(
            due.account,
            Cause(
                Reason.EXPIRED,
                Source.JOB,
                None,
                version_at(due.instant),
                actor_id,
                due.instant,
                recorded_at,
            ),
            due.lot_seqs,
        )
        for due in list_due(accounts, until)
    ]


def expire(account: Account, cause: Cause, lot_seqs: Iterable[int]) -> Entry:
    """Record that these lots, which end at one instant, have ended.

    Rule: R-14.
    """
    allocations = []
    for lot_seq in sorted(lot_seqs):
        lot = account.lots[lot_seq]
        account.put(replace(lot, remaining=0))
        allocations.append(Allocation(lot_seq, -lot.remaining, expired=True))
    points = sum(allocation.points for allocation in allocations)
    return account.append(Kind.EXPIRE, points, cause, allocations)
