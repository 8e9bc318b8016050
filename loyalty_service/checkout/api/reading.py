"""How carts, payments and returns are read from their schemas; what their routes share."""

from typing import Any

from flask import Blueprint

from loyalty_service.checkout.queries import OrderUnknown
from loyalty_service.checkout.rules.cart import (
    Cart,
    CartLine,
    CartTooDear,
    CurrencyForeign,
    DiscountTooHigh,
    Order,
)
from loyalty_service.checkout.rules.spending import PointsNotAllowed
from loyalty_service.checkout.rules.steps import (
    BeforeTheOrder,
    OrderOfAnother,
    Return,
)
from loyalty_service.earning.rules.facts import LineKind
from loyalty_service.kit.db import Transaction
from loyalty_service.kit.http import Call
from loyalty_service.ledger.rules.lots import InsufficientPoints, PointsBeyondCount
from loyalty_service.ledger.service import Acting
from loyalty_service.members.rules import InTheFuture, MemberUnknown, RedemptionLocked

blueprint = Blueprint("checkout", __name__)

ORDER = "/v1/members/{member_ref}/orders/{order_ref}"
WRITERS = ("checkout", "import")
CART = (CurrencyForeign, DiscountTooHigh, CartTooDear)
SPENDING = (InsufficientPoints, PointsNotAllowed, RedemptionLocked, PointsBeyondCount)
AFTER_PAYMENT = (MemberUnknown, OrderUnknown, OrderOfAnother, BeforeTheOrder, InTheFuture)
MOST_BYTES = 512_000
"""Of a body with one cart."""
_KINDS: dict[str | None, LineKind] = {
    None: LineKind.GOODS,
    **{str(kind): kind for kind in LineKind},
}
"""By how a line says what it is; goods unless said otherwise."""


def acting(call: Call, tx: Transaction) -> Acting:
    """Who calls, in this transaction."""
    parts = call.parts
    return Acting(tx, parts.programs, (call.caller.kind, call.caller.name), parts.passing)


def read_cart(body: dict[str, Any]) -> Cart:
    """A cart as its schema loads it."""
    lines, discount = body["lines"], body.get("discount")
    return Cart(
        currency=lines[0]["amount"].currency,
        channel=body.get("channel"),
        lines=tuple(map(_line, lines)),
        discount_minor=0 if discount is None else discount.amount,
        points=body.get("points", 0),
    )


def read_order(order_ref: str, body: dict[str, Any]) -> Order:
    """A payment as its schema loads it."""
    paid = body.get("paid")
    return Order(
        order_ref=order_ref,
        payment_ref=body["payment_ref"],
        cart=read_cart(body) if "lines" in body else None,
        paid_minor=None if paid is None else paid.amount,
        occurred_at=body.get("occurred_at"),
        is_fulfilled=body.get("fulfilled"),
        accept_repricing=body.get("accept_repricing", False),
        paid_in=None if paid is None else paid.currency,
    )


def _line(line: dict[str, Any]) -> CartLine:
    discount = line.get("discount")
    return CartLine(
        _KINDS[line.get("kind")],
        line["sku"],
        line.get("category"),
        line.get("brand"),
        line["quantity"],
        line["amount"].amount,
        0 if discount is None else discount.amount,
    )


def read_return(return_ref: str, body: dict[str, Any]) -> Return:
    """A return as its schema loads it."""
    amount = body.get("amount")
    return Return(
        return_ref,
        tuple((line["line"], line["units"]) for line in body.get("lines", ())),
        None if amount is None else amount.amount,
        None if amount is None else amount.currency,
        body.get("occurred_at"),
    )
