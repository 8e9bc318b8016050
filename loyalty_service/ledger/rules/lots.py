"""Lots: where points lie, and in which order they are drawn (R-12, R-41)."""

from collections.abc import Iterable
from datetime import UTC, datetime

from loyalty_service.kit.errors import Conflict, Invalid
from loyalty_service.kit.frozen import frozen

COMMON = -1
"""No lot: the number under which an entry says where all lots without an end of their own end."""

STANDING = 0
"""The number of an account's standing lot: one that is always active and ends with its account."""

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)


MOST_POINTS = 2**53 - 1
"""Of an account, in either direction: what every reader of JSON takes for a whole number."""


class PointsBeyondCount(Invalid):
    """An account would hold more points, or owe more, than can be counted."""

    code = "points_beyond_count"


class InsufficientPoints(Conflict):
    """The account holds fewer active points than asked for."""

    code = "insufficient_points"


@frozen
class Lot:
    """Points that came together and end together.

    Args:
        order_no: our number of the order that earned them; None otherwise.
        opened: whole points it was opened with (the standing lot: put into it since it was empty).
        remaining: whole points left, 1 to ``opened`` while the lot is open.
        active_at: None while nobody can say when (waiting for fulfilment).
        expires_at: its own end, or else that of its account; None for never, or not known yet.
    """

    lot_seq: int
    order_no: int | None
    opened: int
    remaining: int
    active_at: datetime | None
    expires_at: datetime | None

    def is_active(self, at: datetime) -> bool:
        """Usable at ``at``: from ``active_at`` up to, not including, ``expires_at`` (R-14)."""
        return self.active_at is not None and self.active_at <= at and not self.is_due(at)

    def is_due(self, at: datetime) -> bool:
        """Past its end at ``at``; the entry that records it may not be written yet."""
        return self.expires_at is not None and self.expires_at <= at

    def is_pending(self, at: datetime) -> bool:
        """Not usable yet at ``at``."""
        return self.active_at is None or (self.active_at > at and not self.is_due(at))


@frozen
class Hold:
    """Points of one lot that are kept for one order (R-32).

    Args:
        hold_no: how often the order was placed by a reservation.
        points: whole points, at least 1.
        lapses_at: they are held up to, not including, this instant (R-14).
    """

    order_no: int
    hold_no: int
    lot_seq: int
    points: int
    held_at: datetime
    lapses_at: datetime


@frozen
class Draw:
    """Take ``points`` from one lot; at least 1."""

    lot_seq: int
    points: int


def soonest_expiring(lot: Lot) -> tuple[datetime, int]:
    """The order of drawing: soonest end first, never last, older first on a tie (R-12)."""
    return lot.expires_at or _NEVER, lot.lot_seq


def oldest(lot: Lot) -> int:
    """The order of pending lots: by number."""
    return lot.lot_seq


def draw_from_lots(lots: Iterable[Lot], points: int, at: datetime) -> list[Draw]:
    """Choose the lots that pay for a debit, soonest to expire first.

    Args:
        lots: the account's open lots, in any order.
        points: how many to draw, in whole points, at least 1.
        at: the instant (UTC) that decides which lots are active.

    Raises:
        InsufficientPoints: the active lots hold fewer than ``points``. Nothing is drawn.

    Rule: R-12.
    """
    active = sorted((lot for lot in lots if lot.is_active(at)), key=soonest_expiring)
    draws, missing = draw_in_order(active, points)
    if missing:
        raise InsufficientPoints(
            f"{points} points were asked for and {points - missing} are available.",
            path="points",
            asked=points,
            available=points - missing,
        )
    return draws


def draw_in_order(lots: Iterable[Lot], points: int) -> tuple[list[Draw], int]:
    """Draw up to ``points`` from ``lots`` in the order given; also say how many were missing."""
    draws = []
    for lot in lots:
        if points == 0:
            break
        taken = min(points, lot.remaining)
        draws.append(Draw(lot.lot_seq, taken))
        points -= taken
    return draws, points


def free_in_order_of_taking(lots: Iterable[Lot], at: datetime) -> list[Lot]:
    """Free lots as a deficit takes them: active soonest-expiring first, then pending (R-41)."""
    live = [lot for lot in lots if not lot.is_due(at)]
    active = sorted((lot for lot in live if lot.is_active(at)), key=soonest_expiring)
    return active + sorted((lot for lot in live if not lot.is_active(at)), key=oldest)


def with_given_back(lot: Lot, points: int) -> Lot:
    """A lot that got points back."""
    remaining = lot.remaining + points
    if lot.lot_seq != STANDING:
        return with_remaining(lot, remaining)
    # An empty standing lot is forgotten: what was put into it counts from then on.
    opened = (lot.opened if lot.remaining else 0) + points
    return Lot(STANDING, None, opened, remaining, ALWAYS, lot.expires_at)


def with_remaining(lot: Lot, remaining: int) -> Lot:
    """A lot with so many points left."""
    return Lot(lot.lot_seq, lot.order_no, lot.opened, remaining, lot.active_at, lot.expires_at)
