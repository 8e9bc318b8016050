"""The common end of an account: where every lot ends that has no end of its own (R-25, R-26).

It moves by one entry of 0 points, however many lots there are. What has ended stays ended, and
what ends later on its own keeps its end.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from loyalty_service.kit.frozen import frozen
from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.entry import (
    Allocation,
    Cause,
    Entry,
    Kind,
    Reason,
    Source,
)
from loyalty_service.ledger.rules.lots import COMMON, Lot
from loyalty_service.program.rules.turns import Turn

Instants = tuple[datetime | None, datetime | None]
EndFrom = Callable[[datetime], datetime | None]


def slide(account: Account, cause: Cause, ends_at: datetime) -> list[Entry]:
    """Let what has not ended end at ``ends_at``, after an earning or a spending.

    Nothing is written where it has passed by the time that it is told, or where all end so already,
    or later.

    Args:
        cause: of the act; it occurred when the act met the member's lots.

    Rule: R-12, R-25.
    """
    at = cause.occurred_at
    if ends_at <= at:
        return []
    if account.ends_at is not None and ends_at <= account.ends_at:
        ends_at = account.ends_at
        if not _joining(account, at, ends_at):
            return []
    return _extend(account, cause, ends_at)


def joined(common: datetime | None, ends_at: datetime | None, at: datetime) -> datetime | None:
    """Where points end in a sliding wallet that would end then: together with all others.

    An end that lies later stays, and so does one that has passed when it is told.

    Args:
        common: where the others end.

    Rule: R-25.
    """
    if common is None or ends_at is None or not at < ends_at <= common:
        return ends_at
    return common


def follow(
    account: Account,
    turns: Iterable[Turn],
    *,
    recorded_at: datetime | None = None,
    actor_id: int = 0,
) -> list[Entry]:
    """Let a whole account follow what versions change about the end of its points.

    Args:
        turns: of all wallets, oldest first.
        recorded_at: when that is recorded (UTC), by ``actor_id``; left out where it is only looked
            at.

    Rule: R-14, R-26.
    """
    entries: list[Entry] = []
    for each in turns:
        if each.wallet == account.wallet and account.seq:
            cause = Cause(
                Reason.EXPIRY_CHANGED,
                Source.JOB,
                None,
                each.version,
                actor_id,
                each.at,
                recorded_at or each.at,
            )
            entries += turn(account, cause, each.end_from)
    return entries


def turn(account: Account, cause: Cause, end_from: EndFrom) -> list[Entry]:
    """Let points follow a wallet whose expiry is turned on, or slides from now on.

    What there is gets the whole new period; a lot that begins later, from its beginning. Where
    expiry is turned off, it keeps the end that it has.

    Args:
        cause: of the version; it occurred when that came into force.
        end_from: the end of a period that begins then; None: never.

    Rule: R-12, R-26.
    """
    at = cause.occurred_at
    ends_at = end_from(at)
    if ends_at is None:
        return _detach(account, cause)
    entries = _give_own(account, cause, _later(account, at, end_from))
    if account.ends_at is not None:
        ends_at = max(ends_at, account.ends_at)
    return entries + _extend(account, cause, ends_at)


def _later(account: Account, at: datetime, end_from: EndFrom) -> dict[int, Instants]:
    """The lots that begin later and would end before their period is over, with its end."""
    later: dict[int, Instants] = {}
    for lot in account.lots.values():
        if lot.active_at is not None and lot.active_at > at:
            ends = end_from(lot.active_at)
            if ends is not None and (lot.expires_at is None or lot.expires_at < ends):
                later[lot.lot_seq] = (lot.active_at, ends)
    return later


def _followers(account: Account) -> list[Lot]:
    """The lots that end with the account."""
    lots = [lot for lot in account.lots.values() if lot.active_at is not None]
    return sorted(
        (lot for lot in lots if lot.expires_at == account.ends_at), key=lambda lot: lot.lot_seq
    )


def _extend(account: Account, cause: Cause, ends_at: datetime) -> list[Entry]:
    at = cause.occurred_at
    # What somebody holds of lots that have ended is still there, and must not come alive again.
    ended = {
        lot.lot_seq: (lot.active_at, lot.expires_at)
        for lot in _followers(account)
        if lot.is_due(at)
    }
    entries = _give_own(account, cause, ended)
    following = {lot.lot_seq for lot in _followers(account)} - ended.keys()
    joining = _joining(account, at, ends_at)
    account.ends_at = ends_at
    for lot_seq in following | joining:
        account.lots[lot_seq] = replace(account.lots[lot_seq], expires_at=ends_at)
    account.moved |= joining
    allocations = [_common(ends_at)]
    allocations += [account.allocate(account.lots[lot_seq], 0) for lot_seq in sorted(joining)]
    return [*entries, account.append(Kind.RESCHEDULE, 0, cause, allocations)]


def _joining(account: Account, at: datetime, ends_at: datetime) -> set[int]:
    """The lots that have not ended, and would before ``ends_at`` by an end of their own."""
    return {
        lot.lot_seq
        for lot in account.lots.values()
        if lot.active_at is not None
        and lot.expires_at is not None
        and lot.expires_at != account.ends_at
        and at < lot.expires_at <= ends_at
    }


def _detach(account: Account, cause: Cause) -> list[Entry]:
    if account.ends_at is None:
        return []
    followers = {lot.lot_seq: (lot.active_at, lot.expires_at) for lot in _followers(account)}
    entries = _give_own(account, cause, followers)
    account.ends_at = None
    return [*entries, account.append(Kind.RESCHEDULE, 0, cause, [_common(None)])]


def _give_own(
    account: Account,
    cause: Cause,
    instants: Mapping[int, Instants],
) -> list[Entry]:
    """Give lots an end of their own; it may be the one they have."""
    if not instants:
        return []
    allocations = []
    for lot_seq, (active_at, ends_at) in sorted(instants.items()):
        account.put(replace(account.lots[lot_seq], expires_at=ends_at))
        allocations.append(Allocation(lot_seq, 0, active_at, ends_at))
    return [account.append(Kind.RESCHEDULE, 0, cause, allocations)]


def _common(ends_at: datetime | None) -> Allocation:
    return Allocation(COMMON, 0, None, ends_at)


@frozen
class Extension:
    """A move of the common end: when it occurred, and where the end was put; None: to no lot."""

    at: datetime
    ends_at: datetime | None


def end_through(
    own_end: datetime | None, common: datetime | None, extensions: Iterable[Extension]
) -> datetime | None:
    """Where a lot ends that is closed and was not moved: as if it had been open all the while.

    Args:
        own_end: its own end; None: it ended with the account, which then ended at ``common``.
        extensions: the moves of the common end since, in order.

    Rule: R-25, R-42.
    """
    end, follows = (common, True) if own_end is None else (own_end, False)
    for move in extensions:
        if end is not None and end <= move.at:
            return end
        if move.ends_at is None:
            follows = False
        elif follows or (end is not None and end <= move.ends_at):
            end, follows = move.ends_at, True
    return end
