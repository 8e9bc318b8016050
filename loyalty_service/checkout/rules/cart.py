"""What a cart's lines cost, net of every discount."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from loyalty_service.earning.rules.facts import Line, LineKind
from loyalty_service.earning.rules.spread import spread
from loyalty_service.kit.errors import Invalid
from loyalty_service.kit.frozen import frozen

MAX_LINES = 500
MAX_MINOR = 10**13
"""The most one cart may cost, in minor units; keeps every product of amounts exact and small."""


class CurrencyForeign(Invalid):
    """The money is not in the program's currency."""

    code = "currency_foreign"


class DiscountTooHigh(Invalid):
    """A discount is more than what it is taken from."""

    code = "discount_too_high"


class CartDoesNotAddUp(Invalid):
    """The lines less the discounts are not what is said to have been paid."""

    code = "cart_does_not_add_up"


class CartTooDear(Invalid):
    """The cart costs more than the service can count exactly."""

    code = "cart_too_dear"


@frozen
class CartLine:
    """A line as the shop sends it; money in minor units, for the whole line."""

    kind: LineKind
    sku: str
    category: str | None
    brand: str | None
    quantity: int
    amount_minor: int
    discount_minor: int = 0


@frozen
class Cart:
    """What is bought, as the shop sends it.

    Args:
        discount_minor: off the whole cart, spread over its goods (R-03).
        points: to pay with: exactly so many, of a quote at most so many.
    """

    currency: str
    channel: str | None
    lines: tuple[CartLine, ...]
    discount_minor: int = 0
    points: int = 0

    def fingerprint(self) -> bytes:
        """Digest of what makes the cart this cart."""
        return _digest(_cart_content(self))


@frozen
class Order:
    """A paid order as the shop sends it.

    Args:
        cart: None where the order was reserved: then what was reserved is paid.
        paid_minor: what the shop says was paid for it; None where it says nothing.
        paid_in: the currency it says so in.
        occurred_at: when it was paid (UTC); None is now.
        is_fulfilled: whether the goods had arrived when it was paid; None: yes where the order is
            brought whole (R-35), no where it was reserved or cancelled before.
        accept_repricing: take it at the price of now where the promised one has lapsed (R-33).
    """

    order_ref: str
    payment_ref: str
    cart: Cart | None
    paid_minor: int | None = None
    occurred_at: datetime | None = None
    is_fulfilled: bool | None = None
    accept_repricing: bool = False
    paid_in: str | None = None

    def fingerprint(self) -> bytes:
        """Digest of what makes the order this order: two orders that share it are repetitions."""
        return _digest(
            {
                "cart": None if self.cart is None else _cart_content(self.cart),
                "is_fulfilled": self.is_fulfilled,
                "order_ref": self.order_ref,
                "paid_minor": self.paid_minor,
                "payment_ref": self.payment_ref,
            }
        )


def _cart_content(cart: Cart) -> dict[str, Any]:
    return {
        "channel": cart.channel,
        "currency": cart.currency,
        "discount_minor": cart.discount_minor,
        "lines": [
            {
                "amount_minor": line.amount_minor,
                "brand": line.brand,
                "category": line.category,
                "discount_minor": line.discount_minor,
                "kind": str(line.kind),
                "quantity": line.quantity,
                "sku": line.sku,
            }
            for line in cart.lines
        ],
        "points": cart.points,
    }


# Stored digests are of keys in the order of the alphabet, which is the order they are given in.
def _digest(content: dict[str, Any]) -> bytes:
    return sha256(orjson.dumps(content)).digest()


def price(cart: Cart, currency: str) -> tuple[Line, ...]:
    """What every line costs, net of its own discount and its share of the cart's.

    Raises:
        CurrencyForeign: the cart is not in the program's currency.
        DiscountTooHigh: a discount exceeds its line, or the cart's exceeds the goods.
        CartTooDear: the sum is above ``MAX_MINOR``.

    Rule: R-03, R-20.
    """
    path = "lines[0].amount.currency"
    require_currency(cart.currency, currency, path, "The program counts in")
    if sum([line.amount_minor for line in cart.lines]) > MAX_MINOR:
        raise CartTooDear("The cart costs more than can be counted.", path="lines", limit=MAX_MINOR)
    net = _net_of_line_discounts(cart.lines)
    if cart.discount_minor:
        net = _net_of_cart_discount(cart, net)
    return tuple(
        [
            Line(no, line.kind, line.sku, line.category, line.brand, line.quantity, cost)
            for no, (line, cost) in enumerate(zip(cart.lines, net, strict=True), start=1)
        ]
    )


def require_currency(asked: str | None, expected: str, path: str, said: str) -> None:
    """Refuse money in another currency than the order's.

    Args:
        path: where in the request it stands.
        said: what to say of the currency that is expected.

    Raises:
        CurrencyForeign: as said.

    Rule: R-01.
    """
    if asked != expected:
        raise CurrencyForeign(f"{said} {expected}.", path=path, asked=asked, expected=expected)


def check_paid(paid_minor: int | None, payable_minor: int) -> None:
    """Refuse a cart that does not come to what is said to have been paid.

    Raises:
        CartDoesNotAddUp: as said. Nothing is written.
    """
    if paid_minor is not None and paid_minor != payable_minor:
        raise CartDoesNotAddUp(
            f"The lines less the discounts and points come to {payable_minor}, not to "
            f"{paid_minor}.",
            path="paid",
            asked=paid_minor,
            expected=payable_minor,
        )


def _net_of_line_discounts(lines: Sequence[CartLine]) -> list[int]:
    for i, line in enumerate(lines):
        if line.discount_minor > line.amount_minor:
            raise DiscountTooHigh(
                "A line's discount is more than the line costs.",
                path=f"lines[{i}].discount",
                asked=line.discount_minor,
                limit=line.amount_minor,
            )
    return [line.amount_minor - line.discount_minor for line in lines]


def _net_of_cart_discount(cart: Cart, net: Sequence[int]) -> list[int]:
    goods = [
        cost if line.kind is LineKind.GOODS else 0
        for line, cost in zip(cart.lines, net, strict=True)
    ]
    if cart.discount_minor > sum(goods):
        raise DiscountTooHigh(
            "The discount is more than the goods cost.",
            path="discount",
            asked=cart.discount_minor,
            limit=sum(goods),
        )
    shares = spread(cart.discount_minor, goods)
    return [cost - share for cost, share in zip(net, shares, strict=True)]
