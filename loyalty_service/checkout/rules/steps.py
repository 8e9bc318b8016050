"""What the shop tells of an order after its payment, and what stands in the way."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from loyalty_service.kit.errors import Conflict, Invalid
from loyalty_service.kit.instants import instant_text
from loyalty_service.program.rules.currencies import money_text

QUOTED_AHEAD = timedelta(days=5 * 366)
"""How far ahead a quote may look: it lets all that time pass for its member, review by review."""


class State(StrEnum):
    """Where an order stands; ``lapsed`` is a reservation whose time has passed, never stored."""

    RESERVED = "reserved"
    LAPSED = "lapsed"
    PAID = "paid"
    FULFILLED = "fulfilled"
    PART_RETURNED = "part_returned"
    RETURNED = "returned"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """What can happen to an order besides the payment that its receipt tells.

    ``payment`` and ``earlier_return`` are of an earlier chapter, before the order was cancelled and
    opened again: what they were answered with is still their answer.
    """

    RESERVATION = "reservation"
    RELEASE = "release"
    PAYMENT = "payment"
    FULFILMENT = "fulfilment"
    RETURN = "return"
    EARLIER_RETURN = "earlier_return"
    CANCELLATION = "cancellation"


class OrderOfAnother(Conflict):
    """The order reference belongs to another member."""

    code = "order_of_another_member"


class OrderDiffers(Conflict):
    """The order is paid by another payment, or this one was answered for another body."""

    code = "order_differs"


class ReturnDiffers(Conflict):
    """The return is known already, with other lines or another amount."""

    code = "return_differs"


class OrderPaid(Conflict):
    """The order is paid; nothing of it is reserved any more."""

    code = "order_paid"


class OrderNotPaid(Conflict):
    """The order is not paid; nothing of it can be returned."""

    code = "order_not_paid"


class CartMissing(Invalid):
    """Nothing is reserved under this reference, so the payment must bring its cart."""

    code = "cart_missing"


class AmountDiffers(Conflict):
    """What was paid is not what the order was promised for."""

    code = "amount_differs"


class ReservationLapsed(Conflict):
    """The reservation has lapsed, and the same price or points are not to be had any more."""

    code = "reservation_lapsed"


class OrderCancelled(Conflict):
    """The order was cancelled; nothing more can be fulfilled."""

    code = "order_cancelled"


class InThePast(Invalid):
    """A quote is for now or for an instant to come."""

    code = "in_the_past"


class TooFarAhead(Invalid):
    """A quote is for an instant within five years."""

    code = "too_far_ahead"


class BeforeTheOrder(Invalid):
    """What is told happened before the order itself."""

    code = "before_the_order"


@dataclass(frozen=True, slots=True)
class Return:
    """A return as the shop sends it: units of lines, or an amount of the money; not both.

    Args:
        units: (line number, units); empty for an amount.
        amount_minor: money given back; None for units.
        currency: the currency of the amount; None for units.
        occurred_at: UTC; None is now.
    """

    return_ref: str
    units: tuple[tuple[int, int], ...] = ()
    amount_minor: int | None = None
    currency: str | None = None
    occurred_at: datetime | None = None

    def fingerprint(self) -> bytes:
        """Digest of what makes the return this return."""
        content = (self.return_ref, self.units, self.amount_minor, self.currency)
        return sha256(repr(content).encode()).digest()


def check_after_order(occurred_at: datetime, placed_at: datetime) -> None:
    """Refuse what is said to have happened to an order before it was placed.

    Raises:
        BeforeTheOrder: as said. Nothing is written.
    """
    if occurred_at < placed_at:
        raise BeforeTheOrder(
            "This is said to have happened before the order was placed.",
            path="occurred_at",
            asked=instant_text(occurred_at),
            limit=instant_text(placed_at),
        )


def check_promise(paid_minor: int | None, payable_minor: int, currency: str) -> None:
    """Refuse a payment of another amount than the order comes to.

    Raises:
        AmountDiffers: as said. Nothing is written.

    Rule: R-33.
    """
    if paid_minor is not None and paid_minor != payable_minor:
        raise AmountDiffers(
            f"The order comes to {money_text(payable_minor, currency)}, and "
            f"{money_text(paid_minor, currency)} is said to have been paid.",
            path="paid",
            asked=paid_minor,
            expected=payable_minor,
        )
