"""Carts, payments and receipts on the wire."""

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validates_schema

from loyalty_service.checkout.rules.cart import MAX_LINES, MAX_MINOR
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
    about,
)
from loyalty_service.kit.shapes import Items, Money
from loyalty_service.tiers.schemas import tier_changes


class LineSchema(Body):
    """One line of a cart; its amount is for the whole line, before discounts."""

    sku = Text(100, required=True, **about("the shop's article number"))
    quantity = Count(required=True, **about("how many units the line has"))
    amount = Money(
        required=True,
        **about("what the whole line costs (unit price x quantity) before its discount"),
    )
    discount = Money(**about("off the whole line"))
    category = Text(100, **about("as the program names categories"))
    brand = Text(100, **about("as the program names brands"))
    kind = Choice(
        LineKind,
        **about(
            "goods unless said otherwise; points buy shipping and tax only where "
            "the program says so"
        ),
    )


class CartSchema(Body):
    """What is bought, and the points to pay with."""

    lines = Items(
        LineSchema,
        minimum=1,
        maximum=MAX_LINES,
        required=True,
        **about("numbered from 1 in this order"),
    )
    discount = Money(
        maximum=MAX_MINOR,
        **about("off the whole cart, besides those of lines; spread over its goods"),
    )
    channel = Code(**about("where it is bought, as the program names channels"))
    points = Points(
        **about(
            "to pay with, exactly so many as a quote allowed; refused where fewer "
            "may be used; left out: none"
        )
    )

    @validates_schema
    def _one_currency(self, data: dict[str, Any], **_: Any) -> None:
        _require_one_currency(data)


class PaymentSchema(Body):
    """An order that is paid: what was reserved, or a whole cart."""

    payment_ref = Ref(
        required=True, **about("the charge that paid it; another one makes another order")
    )
    lines = Items(
        LineSchema,
        minimum=1,
        maximum=MAX_LINES,
        **about("the whole cart; left out where the order was reserved"),
    )
    discount = Money(
        maximum=MAX_MINOR,
        **about("off the whole cart, besides those of lines; spread over its goods"),
    )
    points = Points(
        **about("to pay with, exactly so many; refused where fewer may be used; left out: none")
    )
    paid = Money(
        maximum=MAX_MINOR,
        **about("what was charged, after points; refused where it is not what is payable"),
    )
    channel = Code(**about("where it was bought, as the program names channels"))
    occurred_at = Instant(**about("when it was paid; left out: now"))
    fulfilled = Flag(
        **about(
            "whether the goods had arrived by then; left out: yes for a whole order, "
            "no for one that was reserved or cancelled before"
        )
    )
    accept_repricing = Flag(
        **about("take it at the price of now where the promised one has lapsed")
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
    if _currencies(data) == {currency}:
        return
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


def _currencies(data: dict[str, Any]) -> set[str]:
    said = {line["amount"].currency for line in data["lines"]}
    said.update(line["discount"].currency for line in data["lines"] if "discount" in line)
    said.update(data[name].currency for name in ("discount", "paid") if name in data)
    return said


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

    wallet = Code(required=True, **about("the one that paid"))
    points = Points(1, required=True)
    worth = Money(required=True, maximum=MAX_MINOR, **about("the money that the points stand for"))
    entry = Whole(1, required=True, **about("number of the entry in the wallet"))
    balance_after = Points(
        -LARGEST, required=True, **about("all points of the wallet after it, less the deficit")
    )


class ReceiptSchema(Body):
    """What a payment came to; the same again for a repetition."""

    order_ref = Ref(required=True)
    payment_ref = Ref(required=True)
    state = Choice(State, required=True)
    price = Money(
        required=True, maximum=LARGEST, **about("all lines after discounts, before points")
    )
    spent = fields.Nested(
        SpentSchema, required=True, allow_none=True, **about("null: no points paid")
    )
    paid = Money(required=True, maximum=LARGEST, **about("what was left to pay in money"))
    placed_at = Instant(
        required=True,
        **about(
            "the instant that decides price and earning: of the reservation, else of the payment"
        ),
    )
    paid_at = Instant(required=True)
    fulfilled_at = Instant(
        required=True, allow_none=True, **about("null: the goods have not gone out")
    )
    program_version = Whole(1, required=True, **about("the version that decided"))
    earned = Items(
        EarnedSchema, maximum=100, required=True, **about("what the order gave, by wallet")
    )
    not_earned = Items(
        NotEarnedSchema,
        maximum=MAX_RULES,
        required=True,
        **about("rules that gave nothing, and why"),
    )
    tier_changes = tier_changes()
