"""What becomes of orders, their story, and batches on the wire."""

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validates_schema

from loyalty_service.checkout.rules.cart import MAX_LINES
from loyalty_service.checkout.rules.steps import State, Step
from loyalty_service.checkout.schemas.carts import PaymentSchema
from loyalty_service.checkout.service import ITEMS_AT_ONCE
from loyalty_service.earning.rules.facts import LineKind
from loyalty_service.earning.schemas import (
    MAX_RULES,
    LotSchema,
)
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
)
from loyalty_service.kit.shapes import Items, JsonValue, Money
from loyalty_service.ledger.schemas import EntrySchema, TakenSchema

MAX_STEPS = 10_000


class WhenSchema(Body):
    """When it happened."""

    occurred_at = Instant(metadata={"description": "left out: now"})


class ActivatedSchema(Body):
    """An entry that gave waiting points their beginning and end."""

    wallet = Code(required=True)
    entry = Whole(1, required=True)
    lots = Items(LotSchema, maximum=MAX_RULES, required=True)


class FulfilledSchema(Body):
    """What a fulfilment activated."""

    order_ref = Ref(required=True)
    state = Choice(State, required=True)
    fulfilled_at = Instant(required=True)
    activated = Items(ActivatedSchema, maximum=100, required=True)


class UnitsSchema(Body):
    """Units of one line; lines are numbered from 1 in the order they were sent."""

    line = Whole(1, MAX_LINES, required=True)
    units = Count(required=True)


class ReturnSchema(WhenSchema):
    """A return: units of lines, or an amount of the money paid; not both."""

    lines = Items(UnitsSchema, minimum=1, maximum=MAX_LINES)
    amount = Money(minimum=1, metadata={"example": None})

    goes_together: ClassVar = {"oneOf": [{"required": ["lines"]}, {"required": ["amount"]}]}

    @validates_schema
    def _one_or_the_other(self, data: dict[str, Any], **_: Any) -> None:
        if ("lines" in data) == ("amount" in data):
            raise ValidationError({"lines": "give either lines or amount"})


class LineReturnedSchema(Body):
    """What came back of one line."""

    line = Whole(1, required=True)
    units = Count(0, required=True)
    returned = Money(required=True, maximum=LARGEST)


class TakenBackSchema(Body):
    """Points taken back in one wallet; no entry where nothing was left to write."""

    wallet = Code(required=True)
    points = Points(1, required=True)
    entry = Whole(1, required=True, allow_none=True)
    balance_after = Points(-LARGEST, required=True, allow_none=True)
    from_ = fields.Nested(TakenSchema, required=True, data_key="from")


class GivenBackSchema(Body):
    """Points spent on what was returned that came back.

    ``expired`` of them are of lots that had ended: they last for the grace, or end at once.
    """

    wallet = Code(required=True)
    points = Points(1, required=True)
    entry = Whole(1, required=True)
    balance_after = Points(-LARGEST, required=True)
    lots = Items(LotSchema, maximum=100_000, required=True)
    expired = Points(required=True)


class ReturnedSchema(Body):
    """What a return or a cancellation came to."""

    order_ref = Ref(required=True)
    return_ref = Ref(required=True, allow_none=True)
    state = Choice(State, required=True)
    occurred_at = Instant(required=True)
    released = Points(
        required=True, metadata={"description": "held points that a cancellation let go"}
    )
    returned = Money(required=True, maximum=LARGEST)
    lines = Items(LineReturnedSchema, maximum=MAX_LINES, required=True)
    given_back = Items(GivenBackSchema, maximum=1, required=True)
    taken = Items(TakenBackSchema, maximum=100, required=True)


class StoredLineSchema(Body):
    """A line with its shares, and how much of it has come back."""

    line = Whole(1, required=True)
    kind = Choice(LineKind, required=True)
    sku = Text(100, required=True)
    category = Text(100, required=True, allow_none=True)
    brand = Text(100, required=True, allow_none=True)
    quantity = Count(required=True)
    amount = Money(required=True)
    price = Money(required=True)
    points = Points(required=True)
    points_worth = Money(required=True)
    paid = Money(required=True)
    earned = JsonValue(required=True, metadata={"example": {"points": {"base": 19}}})
    returned_units = Count(0, required=True)
    returned = Money(required=True)


class StepSchema(Body):
    """Something that happened to the order besides its payment."""

    step = Choice(Step, required=True)
    ref = Ref(required=True, allow_none=True)
    occurred_at = Instant(required=True)
    recorded_at = Instant(required=True)
    receipt = JsonValue(required=True, metadata={"example": {}})


class PointsPayingSchema(Body):
    """What points pay of the order; no entry while they are only held."""

    wallet = Code(required=True)
    points = Points(1, required=True)
    worth = Money(required=True)
    entry = Whole(1, required=True, allow_none=True)


class HeldSchema(Body):
    """Points that were held for the order, and until when."""

    wallet = Code(required=True)
    points = Points(1, required=True)
    held_at = Instant(required=True)
    lapses_at = Instant(required=True)
    ended_at = Instant(required=True, allow_none=True)


class ChapterSchema(Body):
    """An order from its placing on; ``receipt`` is of the payment, before it of the reservation."""

    payment_ref = Ref(required=True, allow_none=True)
    state = Choice(State, required=True)
    channel = Code(required=True, allow_none=True)
    program_version = Whole(1, required=True)
    placed_at = Instant(required=True)
    lapses_at = Instant(required=True, allow_none=True)
    paid_at = Instant(required=True, allow_none=True)
    fulfilled_at = Instant(required=True, allow_none=True)
    recorded_at = Instant(required=True)
    price = Money(required=True, maximum=LARGEST)
    spent = fields.Nested(PointsPayingSchema, required=True, allow_none=True)
    paid = Money(required=True, maximum=LARGEST)
    returned = Money(required=True, maximum=LARGEST)
    lines = Items(StoredLineSchema, maximum=MAX_LINES, required=True)
    holds = Items(HeldSchema, maximum=MAX_STEPS, required=True)
    receipt = JsonValue(required=True, metadata={"example": {}})
    steps = Items(StepSchema, maximum=MAX_STEPS, required=True)
    entries = Items(EntrySchema, maximum=MAX_STEPS, required=True)


class OrderSchema(ChapterSchema):
    """An order and its story; ``earlier``: as it was before it was cancelled and opened again."""

    order_ref = Ref(required=True)
    member_ref = MemberRef(required=True, allow_none=True)
    earlier = Items(ChapterSchema, maximum=MAX_STEPS, required=True)


class BatchReturnSchema(ReturnSchema):
    """A return in a batch."""

    return_ref = Ref(required=True)


class BatchItemSchema(Body):
    """An order that is paid, or a return; exactly one of the two."""

    member_ref = MemberRef(required=True)
    order_ref = Ref(required=True)
    order = fields.Nested(PaymentSchema)
    return_ = fields.Nested(BatchReturnSchema, data_key="return", metadata={"example": None})

    goes_together: ClassVar = {"oneOf": [{"required": ["order"]}, {"required": ["return"]}]}

    @validates_schema
    def _one_or_the_other(self, data: dict[str, Any], **_: Any) -> None:
        if ("order" in data) == ("return_" in data):
            raise ValidationError({"order": "give either order or return"})


class BatchSchema(Body):
    """Orders and returns of any members; those of one member in the order they happened."""

    items = Items(BatchItemSchema, minimum=1, maximum=ITEMS_AT_ONCE, required=True)


class OutcomeSchema(Body):
    """What became of one item: its receipt, or the problem that kept it out."""

    order_ref = Ref(required=True)
    status = Whole(200, 599, required=True)
    receipt = JsonValue(metadata={"example": {}})
    problem = JsonValue(metadata={"example": None})


class OutcomesSchema(Body):
    """An outcome for each item, in the order they were sent."""

    taken = Count(0, required=True)
    refused = Count(0, required=True)
    outcomes = Items(OutcomeSchema, maximum=ITEMS_AT_ONCE, required=True)
