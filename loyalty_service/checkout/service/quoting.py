"""What a cart would cost, which points may pay for it, what it would earn; nothing is written."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from loyalty_service.checkout.queries import OrderRecord
from loyalty_service.checkout.rules.cart import Cart
from loyalty_service.checkout.service.paying import rehearse
from loyalty_service.checkout.service.placing import Placing, clamp
from loyalty_service.checkout.service.telling import (
    money,
    told_earned,
    told_lines,
)
from loyalty_service.checkout.service.work import Work
from loyalty_service.earning.rules.facts import Earned
from loyalty_service.earning.rules.openings import Act
from loyalty_service.kit.instants import instant_text
from loyalty_service.members.rules import Member
from loyalty_service.tiers.rules.qualifying import asks_for_balance


def quote(work: Work, member: Member, cart: Cart, at: datetime, own: OrderRecord | None) -> Any:
    """Price a cart as an order placed at ``at`` would be.

    Args:
        work: its books' clock stands at ``at``.
        at: now, or an instant to come; what time brings until then is reckoned in.
        own: the order it is for: what it holds already is free for it.

    Returns:
        JSON-ready.

    Raises:
        CurrencyForeign, DiscountTooHigh, CartTooDear: as said.

    Rule: R-05, R-31, R-55.
    """
    work.books.meet(member, None)
    placing = work.by_tier(member, clamp(work.books, member, cart, at, at, own=own))
    currency = placing.program.currency
    allowed, earned = placing.allowed, work.earn(member, placing)
    told = told_earned(work.books, member, placing, earned)
    tier_after, changes = _pay(work, member, placing, earned, own)
    return {
        "at": instant_text(at),
        "program_version": placing.version,
        "price": money(placing.price_minor, currency),
        "points": {
            "wallet": placing.wallet,
            "asked": allowed.asked,
            "used": allowed.points,
            "worth": money(placing.worth_minor, currency),
            "limits": {str(limit): points for limit, points in allowed.limits.items()},
            "bound_by": None if allowed.bound_by is None else str(allowed.bound_by),
        },
        "payable": money(placing.payable_minor, currency),
        "lines": told_lines(placing),
        **told,
        "tier_after": tier_after,
        "tier_changes": changes,
    }


def _pay(
    work: Work, member: Member, placing: Placing, earned: Earned, own: OrderRecord | None
) -> tuple[str | None, Sequence[dict[str, Any]]]:
    """The tier that stands once the order is paid, and how: found by letting it be paid.

    Nothing of it is written; points that wait for the fulfilment do not count yet.

    Rule: R-24, R-51.
    """
    act = Act(placing.placed_at, None)
    tiers = placing.program.tiers
    if tiers is not None and asks_for_balance(tiers):
        rehearse(work, member, placing, earned, own)
    work.books.totals.add(member.member_id, placing.counts(earned, act))
    changes = work.books.settle(member)
    for change in changes:
        if change["gift"] is not None:
            change["gift"]["entry"] = None
    return work.books.passing.tier_at(work.books, member, member.caught_up_to), changes
