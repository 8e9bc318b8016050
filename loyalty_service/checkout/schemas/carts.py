"""Carts, payments and receipts on the wire."""

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validates_schema

from loyalty_service.checkout.rules.cart import MAX_LINES
from loyalty_service.checkout.rules.steps import State
from loyalty_service.earning.rules.facts import LineKind
from loyalty_service.earning.schemas import (
    MAX_RULES,
    EarnedSchema,
    NotEarnedSchema,
)
from loyalty_service.kit.fields import (
    LARGEST,
    Body,
    Choice,
    Code,
    Count,
    Flag,
    Instant,
    Points,
    Ref,
    Text,
    Whole,
)
from loyalty_service.kit.shapes import Items, Money


class LineSchema(Body):
    """One line of a cart; its amount is for the whole line, before discounts."""

    sku = Text(100, required=True, metadata={"example": "TEA-100"})
    quantity = Count(required=True)
    amount = Money(required=True)
    discount = Money(metadata={"description": "off this line", "example": None})
    category = Text(100, metadata={"example": "tea"})
    brand = Text(100, metadata={"example": "Longjing"})
    kind = Choice(LineKind, metadata={"description": "goods unless said otherwise"})


class CartSchema(Body):
    """What is bought, and the points to pay with."""

    lines = Items(LineSchema, minimum=1, maximum=MAX_LINES, required=True)
    discount = Money(
        metadata={"description": "off the whole cart, spread over its goods", "example": None}
    )
    channel = Code(metadata={"example": "app"})
    points = Points(
        metadata={"description": "to pay with, exactly so many; left out: none", "example": 500}
    )

    @validates_schema
    def _one_currency(self, data: dict[str, Any], **_: Any) -> None:
        _require_one_currency(data)


class PaymentSchema(Body):
    """An order that is paid: what was reserved, or a whole cart."""

    payment_ref = Ref(
        required=True,
        metadata={
            "description": "the charge that paid it; another one makes another order",
            "example": "ch-77",
        },
    )
    lines = Items(
        LineSchema,
        minimum=1,
        maximum=MAX_LINES,
        metadata={"description": "left out where the order was reserved"},
    )
    discount = Money(
        metadata={"description": "off the whole cart, spread over its goods", "example": None}
    )
    points = Points(
        metadata={"description": "to pay with, exactly so many; left out: none", "example": None}
    )
    paid = Money(
        metadata={
            "description": "what was charged; refused where it is not what is payable",
            "example": None,
        }
    )
    channel = Code(metadata={"example": "app"})
    occurred_at = Instant(metadata={"description": "when it was paid; left out: now"})
    fulfilled = Flag(
        metadata={
            "description": "whether the goods went out with it; left out: yes for a whole order, "
            "no for one that was reserved"
        }
    )
    accept_repricing = Flag(
        metadata={
            "description": "take it at the price of now where the promised one has lapsed",
            "example": None,
        }
    )

    goes_together: ClassVar = {
        "dependentRequired": {key: ["lines"] for key in ["discount", "points", "channel"]}
    }

    @validates_schema
    def _whole_or_reserved(self, data: dict[str, Any], **_: Any) -> None:
        if "lines" in data:
            _require_one_currency(data)
            return
        alone = [name for name in ("discount", "points", "channel") if name in data]
        if alone:
            raise ValidationError(dict.fromkeys(alone, "goes with lines only"))


def _require_one_currency(data: dict[str, Any]) -> None:
    currency = data["lines"][0]["amount"].currency
    word = f"must be in {currency}, as the first line is"
    lines = {
        i: foreign
        for i, line in enumerate(data["lines"])
        if (foreign := _foreign(line, ("amount", "discount"), currency, word))
    }
    faults: dict[str, Any] = _foreign(data, ("discount", "paid"), currency, word)
    if lines:
        faults["lines"] = lines
    if faults:
        raise ValidationError(faults)


def _foreign(
    data: dict[str, Any], names: tuple[str, ...], currency: str, word: str
) -> dict[str, Any]:
    """Which of these amounts are in another currency."""
    found = {}
    for name in names:
        money = data.get(name)
        if money is not None and money.currency != currency:
            found[name] = word
    return found


class SpentSchema(Body):
    """Points that paid, what they were worth, and the entry that took them."""

    wallet = Code(required=True)
    points = Points(1, required=True)
    worth = Money(required=True)
    entry = Whole(1, required=True)
    balance_after = Points(-LARGEST, required=True)


class ReceiptSchema(Body):
    """What a payment came to; the same again for a repetition."""

    order_ref = Ref(required=True)
    payment_ref = Ref(required=True)
    state = Choice(State, required=True)
    price = Money(required=True, maximum=LARGEST)
    spent = fields.Nested(SpentSchema, required=True, allow_none=True)
    paid = Money(required=True, maximum=LARGEST)
    placed_at = Instant(required=True)
    paid_at = Instant(required=True)
    fulfilled_at = Instant(required=True, allow_none=True)
    program_version = Whole(1, required=True)
    earned = Items(EarnedSchema, maximum=100, required=True)
    not_earned = Items(NotEarnedSchema, maximum=MAX_RULES, required=True)
