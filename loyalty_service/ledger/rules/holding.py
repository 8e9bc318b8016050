"""Points kept for an order until it is paid, let go or lapses (R-32)."""

from collections.abc import Callable, Iterable
from datetime import datetime

from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.entry import Allocation, Cause, Entry, Kind, Reason
from loyalty_service.ledger.rules.lots import (
    Hold,
    draw_from_lots,
    draw_in_order,
    soonest_expiring,
    with_remaining,
)
from loyalty_service.ledger.rules.movements import take_from

CauseOf = Callable[[Reason], Cause]


def hold(
    account: Account, named: tuple[int, int], points: int, at: datetime, lapses_at: datetime
) -> None:
    """Hold points for an order, of the lots that a debit would draw from.

    Args:
        named: the order's number, and how often it was placed by a reservation.
        points: whole points, at least 1.

    Raises:
        InsufficientPoints: fewer free active points. Nothing is held.

    Rule: R-12, R-32.
    """
    order_no, hold_no = named
    draws = draw_from_lots(account.free_lots(at), points, at)
    held = [Hold(order_no, hold_no, draw.lot_seq, draw.points, at, lapses_at) for draw in draws]
    account.holds += held
    account.held += held


def renew(account: Account, order_no: int, lapses_at: datetime) -> None:
    """Hold what an order holds for longer.

    Rule: R-32.
    """
    longer = {
        old: Hold(old.order_no, old.hold_no, old.lot_seq, old.points, old.held_at, lapses_at)
        for old in account.holds
        if old.order_no == order_no
    }
    account.holds = [longer.get(old, old) for old in account.holds]
    account.renewed += longer.values()


def release(account: Account, order_no: int, at: datetime, cause_of: CauseOf) -> int:
    """Let go what an order holds: a deficit absorbs it first, and what has ended expires.

    Returns:
        the points that were held.

    Rule: R-32, R-41.
    """
    live = [one for one in account.holds if one.order_no == order_no and one.lapses_at > at]
    freed = account.end(live, cause_of(Reason.DEFICIT_SETTLED).recorded_at)
    settle(account, freed, at, cause_of)
    expire_free(account, at, cause_of)
    return sum(one.points for one in freed)


def lapse(account: Account, at: datetime, cause_of: CauseOf) -> list[Entry]:
    """End the holds that have lapsed by ``at``: a deficit absorbs them first.

    Rule: R-14, R-32, R-41.
    """
    lapsed = account.end([one for one in account.holds if one.lapses_at <= at], None)
    entry = settle(account, lapsed, at, cause_of)
    return [] if entry is None else [entry]


def settle(
    account: Account, freed: Iterable[Hold], at: datetime, cause_of: CauseOf
) -> Entry | None:
    """Let a deficit absorb points that are held no more, soonest to expire first.

    Returns:
        the entry, of 0 points; None where nothing is owed or nothing usable was freed.

    Rule: R-41.
    """
    if not account.deficit:
        return None
    lots = {one.lot_seq for one in freed}
    usable = [lot for lot in account.free_lots(at) if lot.lot_seq in lots and lot.is_active(at)]
    draws, _ = draw_in_order(sorted(usable, key=soonest_expiring), account.deficit)
    if not draws:
        return None
    allocations = take_from(account, draws)
    return account.append(Kind.SETTLE, 0, cause_of(Reason.DEFICIT_SETTLED), allocations)


def expire_free(account: Account, at: datetime, cause_of: CauseOf) -> Entry | None:
    """Record that what nobody holds of lots past their end has ended.

    Rule: R-14, R-32.
    """
    ended = sorted(
        (lot for lot in account.free_lots(at) if lot.is_due(at)), key=lambda lot: lot.lot_seq
    )
    if not ended:
        return None
    allocations = []
    for free in ended:
        lot = account.lots[free.lot_seq]
        account.put(with_remaining(lot, lot.remaining - free.remaining))
        allocations.append(Allocation(lot.lot_seq, -free.remaining, expired=True))
    points = sum(allocation.points for allocation in allocations)
    return account.append(Kind.EXPIRE, points, cause_of(Reason.EXPIRED), allocations)
