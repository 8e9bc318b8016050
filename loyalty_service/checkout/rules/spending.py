"""Points as money: how many may be used, what they are worth, and what they pay of each line."""

from collections.abc import Sequence
from enum import StrEnum

from loyalty_service.earning.rules.facts import Line, LineKind
from loyalty_service.earning.rules.spread import spread
from loyalty_service.kit.errors import Conflict
from loyalty_service.kit.frozen import frozen
from loyalty_service.ledger.rules.lots import InsufficientPoints
from loyalty_service.members.rules import RedemptionLocked
from loyalty_service.program.rules.program import Redemption


class Limit(StrEnum):
    """What keeps points from being used as asked."""

    NO_REDEMPTION = "no_redemption"
    LOCKED = "locked"
    AVAILABLE = "available"
    MAX_SHARE = "max_share"
    STEP = "step"
    MINIMUM = "minimum"


class PointsNotAllowed(Conflict):
    """The program does not allow so many points on this cart."""

    code = "points_not_allowed"


@frozen
class Allowed:
    """How many points a cart may be paid with.

    Args:
        asked: whole points asked for.
        points: the most of them that are allowed.
        limits: what each limit allows by itself; empty where points buy nothing at all.
        bound_by: the limit that was met first; None where all that was asked for is allowed.
    """

    asked: int
    points: int
    limits: dict[Limit, int]
    bound_by: Limit | None


@frozen
class Share:
    """What points pay of one line: whole points, and minor units of money."""

    points: int
    worth_minor: int


UNPAID = Share(0, 0)


def allow_points(
    redemption: Redemption | None,
    lines: Sequence[Line],
    asked: int,
    available: int,
    *,
    is_locked: bool,
) -> Allowed:
    """Clamp what is asked for to the most that is allowed, and say which limit bound it.

    Args:
        redemption: the program's; None where points buy nothing.
        lines: the cart, net of discounts.
        available: free active points of the wallet that pays.
        is_locked: whether the member's points may not leave (R-82).

    Rule: R-30, R-31.
    """
    if redemption is None:
        return Allowed(asked, 0, {}, Limit.NO_REDEMPTION if asked else None)
    kinds = _payable_kinds(redemption)
    eligible = sum([line.paid_minor for line in lines if line.kind in kinds])
    share = redemption.max_share
    shared = share.numerator * eligible * redemption.block_points
    limits = {
        Limit.AVAILABLE: available,
        # A limit on points is rounded down.
        Limit.MAX_SHARE: shared // (share.denominator * redemption.block_value_minor),
        Limit.STEP: redemption.step_points,
        Limit.MINIMUM: redemption.minimum_points,
    }
    most = min(asked, available, limits[Limit.MAX_SHARE])
    points = most - most % redemption.step_points
    if points < redemption.minimum_points or is_locked:
        points = 0
    bound_by = None
    if points < asked:
        bound_by = Limit.LOCKED if is_locked else _bound_by(asked, most, points, limits)
    return Allowed(asked, points, limits, bound_by)


def _bound_by(asked: int, most: int, points: int, limits: dict[Limit, int]) -> Limit:
    if most < asked:
        return Limit.AVAILABLE if limits[Limit.AVAILABLE] == most else Limit.MAX_SHARE
    return Limit.STEP if points or most >= limits[Limit.MINIMUM] else Limit.MINIMUM


def _payable_kinds(redemption: Redemption) -> list[LineKind]:
    """The kinds of lines that points may pay for (R-30)."""
    kinds = [LineKind.GOODS]
    if redemption.shipping:
        kinds.append(LineKind.SHIPPING)
    if redemption.tax:
        kinds.append(LineKind.TAX)
    return kinds


def require_exactly(allowed: Allowed) -> None:
    """Refuse points that are not allowed as they were named.

    Raises:
        RedemptionLocked, InsufficientPoints, PointsNotAllowed: as said. Nothing is written.

    Rule: R-30, R-82.
    """
    if allowed.points == allowed.asked:
        return
    if allowed.bound_by is Limit.LOCKED:
        raise RedemptionLocked(
            "The member's points are locked; they can be earned, not spent.",
            path="points",
            asked=allowed.asked,
        )
    if allowed.bound_by is Limit.AVAILABLE:
        available = allowed.limits[Limit.AVAILABLE]
        raise InsufficientPoints(
            f"{allowed.asked} points were asked for and {available} are available.",
            path="points",
            asked=allowed.asked,
            available=available,
        )
    raise PointsNotAllowed(
        _WORDS[allowed.bound_by or Limit.STEP],
        path="points",
        asked=allowed.asked,
        allowed=allowed.points,
        limit=str(allowed.bound_by),
        limits={str(limit): points for limit, points in allowed.limits.items()},
    )


_WORDS = {
    Limit.NO_REDEMPTION: "Points buy nothing in this program.",
    Limit.MAX_SHARE: "Points may not pay for so much of the cart; ask for a quote first.",
    Limit.STEP: "Points are used in whole steps only; ask for a quote first.",
    Limit.MINIMUM: "These are fewer points than can be used at once; ask for a quote first.",
}


def share_out(redemption: Redemption | None, lines: Sequence[Line], points: int) -> list[Share]:
    """What so many points pay of each line, in proportion to what is to be paid for it.

    Args:
        points: as allowed by ``allow_points``.

    Rule: R-03, R-30.
    """
    if redemption is None or not points:
        return [UNPAID] * len(lines)
    kinds = _payable_kinds(redemption)
    weights = [line.paid_minor if line.kind in kinds else 0 for line in lines]
    worth = spread(redemption.worth_minor(points), weights)
    pairs = zip(spread(points, weights), worth, strict=True)
    return [Share(*pair) for pair in pairs]
