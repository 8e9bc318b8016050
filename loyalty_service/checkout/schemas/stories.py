"""Orders and their story on the wire."""

from marshmallow import fields

from loyalty_service.checkout.rules.cart import MAX_LINES, MAX_MINOR
from loyalty_service.checkout.rules.steps import State, Step
from loyalty_service.earning.rules.facts import LineKind
from loyalty_service.kit.fields import (
    LARGEST,
    Body,
    Choice,
    Code,
    Count,
    Instant,
    MemberRef,
    Points,
    Ref,
    Text,
    Whole,
    about,
)
from loyalty_service.kit.shapes import Items, JsonValue, Money
from loyalty_service.ledger.schemas import EntrySchema

MAX_STEPS = 10_000


class StoredLineSchema(Body):
    """A line with its shares, and how much of it has come back."""

    line = Whole(1, required=True)
    kind = Choice(LineKind, required=True)
    sku = Text(100, required=True)
    category = Text(100, required=True, allow_none=True)
    brand = Text(100, required=True, allow_none=True)
    quantity = Count(required=True)
    amount = Money(required=True, **about("what the whole line costs before discounts"))
    price = Money(required=True, **about("of the whole line after all discounts"))
    points = Points(required=True, **about("its share of the points that paid"))
    points_worth = Money(required=True, **about("the money that its points stand for"))
    paid = Money(required=True, **about("what was left to pay in money"))
    earned = JsonValue(required=True, **about("its share of what each rule gave, by wallet"))
    returned_units = Count(0, required=True, **about("how many have come back"))
    returned = Money(required=True, **about("the money given back for it"))


class StepSchema(Body):
    """Something that happened to the order besides its payment."""

    step = Choice(Step, required=True)
    ref = Ref(
        required=True,
        allow_none=True,
        **about("the return or payment it is; null: it has no name of its own"),
    )
    occurred_at = Instant(required=True)
    recorded_at = Instant(required=True)
    receipt = JsonValue(required=True, **about("as it was answered then"))


class PointsPayingSchema(Body):
    """What points pay of the order; no entry while they are only held."""

    wallet = Code(required=True)
    points = Points(1, required=True)
    worth = Money(required=True, maximum=MAX_MINOR, **about("the money that the points stand for"))
    entry = Whole(
        1,
        required=True,
        allow_none=True,
        **about("number of the entry in the wallet; null: they are only held"),
    )


class HeldSchema(Body):
    """Points that were held for the order, and until when."""

    wallet = Code(required=True)
    points = Points(1, required=True)
    held_at = Instant(required=True, **about("from then on"))
    lapses_at = Instant(required=True, **about("until then, unless it ends before"))
    ended_at = Instant(
        required=True, allow_none=True, **about("when they were paid or let go; null: not yet")
    )


class OrderWordsSchema(Body):
    """Something that happened to the order, in words."""

    at = Instant(required=True, **about("when it happened"))
    text = Text(20_000, required=True, **about("what it was; times are of the program's zone"))


class ChapterSchema(Body):
    """An order from its placing on; ``receipt`` is of the payment, before it of the reservation."""

    payment_ref = Ref(
        required=True, allow_none=True, **about("the charge that paid it; null: not paid")
    )
    state = Choice(State, required=True)
    channel = Code(required=True, allow_none=True)
    program_version = Whole(1, required=True, **about("the version that decides"))
    placed_at = Instant(required=True, **about("the instant that decides price and earning"))
    lapses_at = Instant(
        required=True, allow_none=True, **about("the end of its reservation; null: it had none")
    )
    paid_at = Instant(required=True, allow_none=True)
    fulfilled_at = Instant(required=True, allow_none=True)
    recorded_at = Instant(required=True)
    price = Money(
        required=True, maximum=LARGEST, **about("all lines after discounts, before points")
    )
    spent = fields.Nested(
        PointsPayingSchema, required=True, allow_none=True, **about("points that pay; null: none")
    )
    paid = Money(required=True, maximum=LARGEST, **about("what is to be paid, or was, in money"))
    returned = Money(required=True, maximum=LARGEST, **about("the money given back"))
    lines = Items(StoredLineSchema, maximum=MAX_LINES, required=True)
    holds = Items(HeldSchema, maximum=MAX_STEPS, required=True, **about("points held for it"))
    receipt = JsonValue(
        required=True, **about("as the payment was answered; before it, the reservation")
    )
    steps = Items(
        StepSchema, maximum=MAX_STEPS, required=True, **about("what happened besides the payment")
    )
    entries = Items(
        EntrySchema,
        maximum=MAX_STEPS,
        required=True,
        **about("every entry it made, of all wallets"),
    )
    words = Items(
        OrderWordsSchema,
        maximum=3 * MAX_STEPS,
        required=True,
        **about("what happened in words, in the order it was recorded, the payment among it"),
    )


class OrderSchema(ChapterSchema):
    """An order and its story; ``earlier``: as it was before it was cancelled and opened again."""

    order_ref = Ref(required=True)
    member_ref = MemberRef(required=True, allow_none=True, **about("whose order it is"))
    earlier = Items(
        ChapterSchema,
        maximum=MAX_STEPS,
        required=True,
        **about("the order before it was cancelled and opened again"),
    )
