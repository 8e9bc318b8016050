"""What a cart's lines cost, net of every discount."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from hashlib import sha256
from operator import attrgetter

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
class Order:
    """A paid order as the shop sends it.

    Args:
        discount_minor: off the whole order, spread over its goods (R-03).
        paid_minor: what the shop says was paid for it; None where it says nothing.
        occurred_at: when it was placed and paid (UTC); None is now.
        is_fulfilled: whether the goods went out when it was paid (R-35).
    """

    order_ref: str
    payment_ref: str
    currency: str
    channel: str | None
    lines: tuple[CartLine, ...]
    discount_minor: int = 0
    paid_minor: int | None = None
    occurred_at: datetime | None = None
    is_fulfilled: bool = True

    def fingerprint(self) -> bytes:
        """Digest of what makes the order this order: two orders that share it are repetitions."""
        content = {name: getattr(self, name) for name in _ORDER_FIELDS}
        content["lines"] = [
            dict(zip(_LINE_FIELDS, _line_values(line), strict=True)) for line in self.lines
        ]
        return sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()


_ORDER_FIELDS = tuple(one.name for one in fields(Order) if one.name != "occurred_at")
_LINE_FIELDS = tuple(one.name for one in fields(CartLine))
# dataclasses.asdict says the same, after copying every value: it took a third of an import.
_line_values = attrgetter(*_LINE_FIELDS)


def price(order: Order, currency: str) -> tuple[Line, ...]:
    """What every line costs, net of its own discount and its share of the order's.

    Raises:
        CurrencyForeign: the order is not in the program's currency.
        DiscountTooHigh: a discount exceeds its line, or the order's exceeds the goods.
        CartDoesNotAddUp: the sum is not what is said to have been paid.
        CartTooDear: the sum is above ``MAX_MINOR``.

    Rule: R-03, R-20.
    """
    if order.currency != currency:
        raise CurrencyForeign(
            f"The program counts in {currency}.",
            path="lines[0].amount.currency",
            asked=order.currency,
            expected=currency,
        )
    net = _net_of_line_discounts(order.lines)
    goods = [
        paid if line.kind is LineKind.GOODS else 0
        for line, paid in zip(order.lines, net, strict=True)
    ]
    if order.discount_minor > sum(goods):
        raise DiscountTooHigh(
            "The discount is more than the goods cost.",
            path="discount",
            asked=order.discount_minor,
            limit=sum(goods),
        )
    if order.discount_minor:
        shares = spread(order.discount_minor, goods)
        net = [paid - share for paid, share in zip(net, shares, strict=True)]
    _check_sum(order, sum(net))
    return tuple(
        Line(no, line.kind, line.sku, line.category, line.brand, line.quantity, paid)
        for no, (line, paid) in enumerate(zip(order.lines, net, strict=True), start=1)
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


def _check_sum(order: Order, total: int) -> None:
    if order.paid_minor is not None and order.paid_minor != total:
        raise CartDoesNotAddUp(
            f"The lines less the discounts come to {total}, not to {order.paid_minor}.",
            path="paid",
            asked=order.paid_minor,
            expected=total,
        )
    if sum(line.amount_minor for line in order.lines) > MAX_MINOR:
        raise CartTooDear("The cart costs more than can be counted.", path="lines", limit=MAX_MINOR)
