"""What a cart costs and which points may pay for it, written once more, plainly, from the rules
alone (R-03, R-20, R-30)."""

from fractions import Fraction
from typing import Any

from tests.model.plain_earning import minor, spread
from tests.model.plain_ledger import Refused

Node = dict[str, Any]
REFUSALS = {"locked": "redemption_locked", "available": "insufficient_points"}


def priced(program: Node, cart: Node) -> list[Node]:
    """What each line costs, net of every discount (R-03, R-20)."""
    if cart["currency"] != program["currency"]:
        raise Refused("currency_foreign")
    lines, discount = cart["lines"], cart["discount"]
    net = [line["amount"] - line["discount"] for line in lines]
    goods = [cost if line["kind"] == "goods" else 0 for line, cost in zip(lines, net, strict=True)]
    if min(net) < 0 or discount > sum(goods):
        raise Refused("discount_too_high")
    shares = spread(discount, goods)
    return [
        {**line, "no": no, "price": cost - share}
        for no, (line, cost, share) in enumerate(zip(lines, net, shares, strict=True), 1)
    ]


def payable_by_points(program: Node, lines: list[Node]) -> list[int]:
    """What of each line points may pay: goods, and parcel and tax only where it is said."""
    terms = program["redemption"]
    kinds = {"goods"} | {kind for kind in ("shipping", "tax") if terms.get(kind) == "true"}
    return [line["price"] if line["kind"] in kinds else 0 for line in lines]


def worth(program: Node, points: int) -> Fraction:
    terms = program["redemption"]
    return points * Fraction(minor(program, terms["block_value"]), int(terms["block_points"]))


def most_points(
    program: Node, lines: list[Node], asked: int, available: int, *, locked: bool
) -> Node:
    """The most of the points asked for that are allowed, and the limit that bound it (R-30)."""
    terms = program.get("redemption")
    if terms is None:
        return {"used": 0, "limits": {}, "bound_by": "no_redemption" if asked else None}
    share = Fraction(terms.get("max_share", "1")) * sum(payable_by_points(program, lines))
    limits = {
        "available": available,
        "max_share": int(share / worth(program, 1)),
        "step": int(terms.get("step_points", terms["block_points"])),
        "minimum": int(terms.get("minimum_points", terms["block_points"])),
    }
    used, bound_by = asked, None
    for name in ("available", "max_share"):
        if limits[name] < used:
            used, bound_by = limits[name], name
    if used < limits["minimum"]:
        used, bound_by = 0, bound_by or "minimum"
    if used % limits["step"]:
        used, bound_by = used - used % limits["step"], bound_by or "step"
    if used < limits["minimum"]:
        used = 0
    if locked:
        used, bound_by = 0, "locked"
    return {"used": used, "limits": limits, "bound_by": bound_by if used < asked else None}


def paid_by(program: Node, lines: list[Node], points: int) -> list[Node]:
    """The lines with what points and what money pay of each, and what of it earns (R-03, R-20)."""
    shares = values = [0] * len(lines)
    if points:
        weights = payable_by_points(program, lines)
        shares, values = spread(points, weights), spread(int(worth(program, points)), weights)
    points_earn = program["earning"].get("earn_on_points_paid") == "true"
    return [
        {
            **line,
            "points": share,
            "worth": value,
            "paid": line["price"] - value,
            "basis": line["price"] - (0 if points_earn else value),
            "back": Fraction(0),
            "units": 0,
        }
        for line, share, value in zip(lines, shares, values, strict=True)
    ]


def require_exactly(asked: int, allowed: Node) -> None:
    """A reservation or payment takes exactly the points it names, or is refused (R-30)."""
    if allowed["used"] != asked:
        raise Refused(REFUSALS.get(allowed["bound_by"], "points_not_allowed"))
