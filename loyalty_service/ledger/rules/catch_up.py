"""What time brings to a member, instant by instant (R-55)."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import partial

from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.entry import Cause, Entry, Reason, Source
from loyalty_service.ledger.rules.holding import expire_free, lapse


def list_instants(accounts: Iterable[Account], until: datetime) -> list[datetime]:
    """The instants up to and including ``until`` at which something lapses or ends, in order.

    Rule: R-14, R-55.
    """
    instants: set[datetime] = set()
    for account in accounts:
        for hold in account.holds:
            if hold.lapses_at <= until:
                instants.add(hold.lapses_at)
        for lot in account.lots.values():
            if lot.expires_at is not None and lot.expires_at <= until:
                instants.add(lot.expires_at)
    return sorted(instants)


def next_change(accounts: Iterable[Account], after: datetime) -> datetime | None:
    """The next instant at which the clock alone changes what is active or held; None: never.

    Args:
        accounts: with all their open lots and holds.
        after: aware; the instant itself is past.

    Rule: R-14, R-50.
    """
    instants: set[datetime | None] = set()
    for account in accounts:
        instants.update(hold.lapses_at for hold in account.holds)
        for lot in account.lots.values():
            instants.update((lot.active_at, lot.expires_at))
    return min((one for one in instants if one is not None and one > after), default=None)


def catch_up(
    accounts: Collection[Account],
    until: datetime,
    *,
    recorded_at: datetime,
    actor_id: int,
    version_at: Callable[[datetime], int],
) -> list[Entry]:
    """Write down, one instant after another, what has lapsed and expired up to ``until``.

    At each instant holds lapse first, then points expire. Called by every operation for its
    member before it decides anything, so that a late run and an operation write the same entries.

    Args:
        accounts: the member's accounts, with at least the holds, the lots under them, and the lots
            that are due.
        until: the instant to catch up to (UTC), itself included.
        version_at: the program version in force at an instant.

    Rule: R-32, R-55.
    """
    entries: list[Entry] = []
    for instant in list_instants(accounts, until):
        version = version_at(instant)
        cause_of = partial(_cause, version, actor_id, instant, recorded_at)
        for account in sorted(accounts, key=_wallet):
            entries += lapse(account, instant, cause_of)
            expired = expire_free(account, instant, cause_of)
            if expired is not None:
                entries.append(expired)
    return entries


def _cause(
    version: int, actor_id: int, instant: datetime, recorded_at: datetime, reason: Reason
) -> Cause:
    return Cause(reason, Source.JOB, None, version, actor_id, instant, recorded_at)


def _wallet(account: Account) -> str:
    return account.wallet
