"""Every way points move but by time: credit, debit, take back, reverse, reschedule.

Each function takes an account's facts, appends at most one entry to it and raises its refusals
before it changes anything.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from loyalty_service.kit.frozen import frozen
from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.entry import Allocation, Cause, Entry, Kind
from loyalty_service.ledger.rules.lots import (
    ALWAYS,
    STANDING,
    Draw,
    Lot,
    draw_from_lots,
    draw_in_order,
    free_in_order_of_taking,
    oldest,
    soonest_expiring,
    with_given_back,
    with_remaining,
)


@frozen
class Opening:
    """Points to be opened as one lot.

    Args:
        points: whole points, at least 1.
        active_at: None while it waits for fulfilment.
        expires_at: None for as the account does, or not known yet.
        order_no: our number of the order that gives them; the standing lot forgets it.
        standing: put them into the account's standing lot: always active, ending with the account.
    """

    points: int
    order_no: int | None = None
    active_at: datetime | None = None
    expires_at: datetime | None = None
    standing: bool = False


def credit(
    account: Account,
    cause: Cause,
    openings: Sequence[Opening],
    *,
    explanation: str | None = None,
    note: str | None = None,
) -> tuple[Entry, dict[int, int]]:
    """Give points: open lots, after a deficit has been absorbed.

    A deficit is absorbed at once, even by points still pending, from the soonest to expire; the
    lots then hold only what is left.

    Args:
        openings: at most one of them standing.

    Returns:
        the entry, and for each opening (by position) the lot it went to; one that the deficit
        swallowed whole has none.

    Raises:
        PointsBeyondCount: nothing is written.

    Rule: R-12, R-41.
    """
    points = sum([opening.points for opening in openings])
    account.require_countable(points)
    absorbed = _absorb(openings, min(account.deficit, points))
    opened: list[Allocation] = []
    lots: dict[int, int] = {}
    for i, opening in enumerate(openings):
        left = opening.points - absorbed.get(i, 0)
        if left:
            allocation = open_lot(account, opening, left)
            opened.append(allocation)
            lots[i] = allocation.lot_seq
    entry = account.append(Kind.CREDIT, points, cause, opened, explanation=explanation, note=note)
    return entry, lots


def _absorb(openings: Sequence[Opening], points: int) -> dict[int, int]:
    """How much of each opening the deficit swallows, soonest-expiring first."""
    if points == 0:
        return {}
    lots = [Lot(i, None, o.points, o.points, None, o.expires_at) for i, o in enumerate(openings)]
    draws, _ = draw_in_order(sorted(lots, key=soonest_expiring), points)
    return {draw.lot_seq: draw.points for draw in draws}


def open_lot(account: Account, opening: Opening, points: int) -> Allocation:
    """Open a lot with so many points, or put them into the standing lot."""
    active_at = ALWAYS if opening.standing else opening.active_at
    ends = account.end_of(active_at, opening.expires_at)
    if opening.standing:
        old = account.lots.get(STANDING) or Lot(STANDING, None, 0, 0, ALWAYS, ends)
        # One that was given an end of its own when expiry was turned off keeps it to itself.
        if old.expires_at == ends:
            lot = Lot(STANDING, None, old.opened + points, old.remaining + points, ALWAYS, ends)
            account.put(lot)
            return account.allocate(lot, points)
    account.lot_seq += 1
    lot = Lot(account.lot_seq, opening.order_no, points, points, active_at, ends)
    account.put(lot)
    return account.allocate(lot, points)


def debit(
    account: Account,
    cause: Cause,
    points: int,
    at: datetime,
    *,
    allow_negative: bool = False,
    note: str | None = None,
) -> Entry:
    """Take points an operator names, from active lots; below zero only where it is said so.

    Raises:
        InsufficientPoints: fewer active points than asked for and ``allow_negative`` is False.
            Nothing is written.
        PointsBeyondCount: more would be owed than can be counted. Nothing is written.

    Rule: R-12.
    """
    account.require_countable(-points, "points")
    if allow_negative:
        draws, _ = draw_in_order(free_in_order_of_taking(account.free_lots(at), at), points)
    else:
        draws = draw_from_lots(account.free_lots(at), points, at)
    return account.append(Kind.DEBIT, -points, cause, take_from(account, draws), note=note)


@frozen
class Taken:
    """Where the points of a take-back came from; whole points, together what was asked for.

    Args:
        own: from the lots the order or credit itself opened.
        expired: had expired unspent from those lots; counted as taken, no entry.
        other: from other free lots.
        deficit: owed from now on.
        uncollected: not taken and not collected later.
    """

    own: int
    expired: int
    other: int
    deficit: int
    uncollected: int


def take_back(
    account: Account,
    cause: Cause,
    points: int,
    at: datetime,
    *,
    own_lots: Collection[int],
    expired: int,
    may_overdraw: bool,
    kind: Kind = Kind.DEBIT,
    reverses: int | None = None,
    note: str | None = None,
) -> tuple[Taken, Entry | None]:
    """Take back what was given: first from the lots it opened, then from other free lots.

    Order: own pending lots, then what of the own lots has expired unspent (it counts as taken),
    then own active lots, then others. What is missing becomes a deficit, or is recorded as
    uncollected.

    Args:
        points: whole points to take, at least 1.
        own_lots: numbers of the lots that the order or credit opened.
        expired: points of those lots that expired unspent and were not counted before.
        may_overdraw: whether missing points become a deficit.

    Returns:
        where they came from, and the entry; None when nothing was left to write.

    Rule: R-41.
    """
    lots = free_in_order_of_taking(account.free_lots(at), at)
    own = [lot for lot in lots if lot.lot_seq in own_lots]
    pending, missing = draw_in_order(
        sorted((lot for lot in own if lot.is_pending(at)), key=oldest), points
    )
    counted = min(expired, missing)
    active, missing = draw_in_order(
        [lot for lot in own if not lot.is_pending(at)], missing - counted
    )
    others, missing = draw_in_order([lot for lot in lots if lot.lot_seq not in own_lots], missing)
    taken = Taken(
        own=_sum(pending) + _sum(active),
        expired=counted,
        other=_sum(others),
        deficit=missing if may_overdraw else 0,
        uncollected=0 if may_overdraw else missing,
    )
    really = points - taken.expired - taken.uncollected
    if really == 0 and reverses is None:
        return taken, None
    allocations = take_from(account, [*pending, *active, *others])
    return taken, account.append(kind, -really, cause, allocations, reverses=reverses, note=note)


def give_back(
    account: Account,
    cause: Cause,
    points: int,
    drawn: Sequence[tuple[Lot, int]],
    *,
    reverses: int,
    rest: Opening,
    note: str | None = None,
) -> Entry:
    """Reverse a debit: points return to the lots they came from, with the lots' own ends.

    A deficit is absorbed first. A lot that ended meanwhile takes its points back and is due at
    once. What the debit had left as a deficit, and later credits have covered, opens a new lot.

    Args:
        points: what the debit took in all, whole points.
        drawn: each lot the debit drew from, as it is now or (closed) with nothing remaining, and
            how much it drew.
        rest: how to open a lot for what none of them can take; its points are not used.

    Rule: R-10, R-12.
    """
    left = points - min(account.deficit, points)
    given: dict[int, int] = {}
    for lot, taken in sorted(drawn, key=_latest_expiring, reverse=True):
        back = min(left, taken)
        if back:
            left -= back
            account.put(with_given_back(lot, back))
            given[lot.lot_seq] = back
    if left:
        lot_seq = open_lot(account, rest, left).lot_seq
        # The standing lot may have taken some back already.
        given[lot_seq] = given.get(lot_seq, 0) + left
    lots = [(account.lots[lot_seq], back) for lot_seq, back in given.items()]
    allocations = [account.allocate(lot, back) for lot, back in lots]
    return account.append(Kind.REVERSE, points, cause, allocations, reverses=reverses, note=note)


def _latest_expiring(drawn: tuple[Lot, int]) -> tuple[datetime, int]:
    return soonest_expiring(drawn[0])


def reschedule(
    account: Account, cause: Cause, instants: Mapping[int, tuple[datetime, datetime | None]]
) -> Entry | None:
    """Give lots a new beginning and end; recorded as an entry of 0 points.

    Emptied lots too: a debit that is reversed later gives their points back to them.

    Args:
        instants: lot number -> (active at, expires at or None for as the account does), UTC.

    Returns:
        the entry, or None when there are no lots.

    Rule: R-12.
    """
    if not instants:
        return None
    allocations = []
    for lot_seq, (active_at, expires_at) in sorted(instants.items()):
        ends = account.end_of(active_at, expires_at)
        lot = account.lots.get(lot_seq) or Lot(lot_seq, None, 0, 0, active_at, ends)
        lot = Lot(lot_seq, lot.order_no, lot.opened, lot.remaining, active_at, ends)
        if lot.remaining:
            account.put(lot)
        allocations.append(account.allocate(lot, 0))
    return account.append(Kind.RESCHEDULE, 0, cause, allocations)


def take_from(account: Account, draws: Iterable[Draw]) -> list[Allocation]:
    """Take what was drawn out of its lots."""
    allocations = []
    for draw in draws:
        lot = account.lots[draw.lot_seq]
        account.put(with_remaining(lot, lot.remaining - draw.points))
        allocations.append(Allocation(draw.lot_seq, -draw.points))
    return allocations


def _sum(draws: Iterable[Draw]) -> int:
    return sum(draw.points for draw in draws)
