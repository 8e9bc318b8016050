"""Points pay for an order, and come back with what is returned of it."""

from collections.abc import Sequence
from datetime import datetime

from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.entry import Allocation, Cause, Entry, Kind
from loyalty_service.ledger.rules.lots import (
    Draw,
    Lot,
    draw_from_lots,
    soonest_expiring,
    with_given_back,
)
from loyalty_service.ledger.rules.movements import (
    Opening,
    open_lot,
    take_from,
)

Draws = tuple[tuple[int, int], ...]
"""(lot, points) in the order of drawing."""


def capture(account: Account, order_no: int, cause: Cause, at: datetime) -> tuple[Entry, Draws]:
    """Spend exactly what an order holds, also of lots that ended meanwhile.

    Rule: R-32, R-33.
    """
    live = [one for one in account.holds if one.order_no == order_no and one.lapses_at > at]
    account.end(live, cause.recorded_at)
    lots = sorted((account.lots[one.lot_seq] for one in live), key=soonest_expiring)
    points = {one.lot_seq: one.points for one in live}
    return _debit(account, cause, [Draw(lot.lot_seq, points[lot.lot_seq]) for lot in lots])


def spend(account: Account, cause: Cause, points: int, at: datetime) -> tuple[Entry, Draws]:
    """Spend free active points, soonest to expire first.

    Raises:
        InsufficientPoints: there are fewer. Nothing is written.

    Rule: R-12, R-30.
    """
    return _debit(account, cause, draw_from_lots(account.free_lots(at), points, at))


def _debit(account: Account, cause: Cause, draws: Sequence[Draw]) -> tuple[Entry, Draws]:
    points = sum(draw.points for draw in draws)
    entry = account.append(Kind.DEBIT, -points, cause, take_from(account, draws))
    return entry, tuple((draw.lot_seq, draw.points) for draw in draws)


def give_back_spent(
    account: Account,
    cause: Cause,
    draws: Sequence[tuple[Lot, int]],
    at: datetime,
    grace_ends_at: datetime | None,
) -> tuple[Entry, int]:
    """Give points that were spent back to the lots they came from; a deficit absorbs them first.

    Args:
        draws: each lot as it is now or (closed) with nothing remaining, and what it gets, in the
            order of giving back.
        grace_ends_at: the end of points whose lot has ended meanwhile; None: they go into their
            lot and are due at once.

    Returns:
        the entry, and how many points went back to lots that had ended.

    Rule: R-41, R-42.
    """
    points = sum(taken for _, taken in draws)
    left, late = points - min(account.deficit, points), 0
    given: list[Allocation] = []
    for lot, taken in draws:
        back = min(left, taken)
        left -= back
        if not back:
            continue
        if lot.is_due(at):
            late += back
            if grace_ends_at is not None:
                continue
        account.put(with_given_back(lot, back))
        given.append(account.allocate(lot, back))
    if late and grace_ends_at is not None:
        grace = Opening(late, cause.source_no, at, grace_ends_at)
        given.append(open_lot(account, grace, late))
    return account.append(Kind.GIVE_BACK, points, cause, given), late
