"""What becomes of orders, and batches on the wire."""

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validates_schema

from loyalty_service.checkout.rules.cart import MAX_LINES, MAX_MINOR
from loyalty_service.checkout.rules.steps import State
from loyalty_service.checkout.schemas.carts import PaymentSchema
from loyalty_service.checkout.service import ITEMS_AT_ONCE
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
    Points,
    Ref,
    Whole,
    about,
)
from loyalty_service.kit.shapes import Items, JsonValue, Money
from loyalty_service.ledger.schemas import TakenSchema
from loyalty_service.members.schemas import AnyMemberRef
from loyalty_service.tiers.schemas import tier_changes


class WhenSchema(Body):
    """When it happened."""

    occurred_at = Instant(**about("when it happened; left out: now"))


class ActivatedSchema(Body):
    """An entry that gave waiting points their beginning and end."""

    wallet = Code(required=True)
    entry = Whole(1, required=True, **about("number of the entry, of 0 points, in the wallet"))
    lots = Items(
        LotSchema,
        maximum=MAX_RULES,
        required=True,
        **about("what is left of each lot, and when it begins and ends; the entry moves no points"),
    )


class FulfilledSchema(Body):
    """What a fulfilment activated."""

    order_ref = Ref(required=True)
    state = Choice(State, required=True)
    fulfilled_at = Instant(required=True)
    activated = Items(
        ActivatedSchema,
        maximum=100,
        required=True,
        **about("what came alive, or has its beginning now; empty where nothing waited"),
    )
    tier_changes = tier_changes()


class UnitsSchema(Body):
    """Units of one line; lines are numbered from 1 in the order they were sent."""

    line = Whole(
        1, MAX_LINES, required=True, **about("numbered from 1 in the order they were sent")
    )
    units = Count(required=True, **about("how many of the line come back"))


class ReturnSchema(WhenSchema):
    """A return: units of lines, or an amount of the money paid; not both."""

    lines = Items(UnitsSchema, minimum=1, maximum=MAX_LINES, **about("the units that came back"))
    amount = Money(1, MAX_MINOR, **about("money given back, instead of units"))

    goes_together: ClassVar = {"oneOf": [{"required": ["lines"]}, {"required": ["amount"]}]}

    @validates_schema
    def _one_or_the_other(self, data: dict[str, Any], **_: Any) -> None:
        if ("lines" in data) == ("amount" in data):
            raise ValidationError({"lines": "give either lines or amount"})


class LineReturnedSchema(Body):
    """What came back of one line."""

    line = Whole(1, required=True)
    units = Count(0, required=True, **about("how many of the line came back"))
    returned = Money(required=True, maximum=LARGEST, **about("their part of the money paid"))


class TakenBackSchema(Body):
    """Points taken back in one wallet; no entry where nothing was left to write."""

    wallet = Code(required=True)
    points = Points(1, required=True, **about("how many the order had given for what came back"))
    entry = Whole(
        1,
        required=True,
        allow_none=True,
        **about("number of the entry in the wallet; null: nothing was left to take"),
    )
    balance_after = Points(
        -LARGEST,
        required=True,
        allow_none=True,
        **about("all points of the wallet after it, less the deficit"),
    )
    from_ = fields.Nested(
        TakenSchema, required=True, data_key="from", **about("where they were taken from")
    )


class GivenBackSchema(Body):
    """Points spent on what was returned that came back.

    ``expired`` of them are of lots that had ended: they last for the grace, or end at once.
    """

    wallet = Code(required=True)
    points = Points(1, required=True, **about("how many came back"))
    entry = Whole(1, required=True, **about("number of the entry in the wallet"))
    balance_after = Points(
        -LARGEST, required=True, **about("all points of the wallet after it, less the deficit")
    )
    lots = Items(
        LotSchema, maximum=100_000, required=True, **about("the points by when they begin and end")
    )
    expired = Points(required=True, **about("how many of them had ended meanwhile"))


class ReturnedSchema(Body):
    """What a return or a cancellation came to."""

    order_ref = Ref(required=True)
    return_ref = Ref(required=True, allow_none=True, **about("null for a cancellation"))
    state = Choice(State, required=True)
    occurred_at = Instant(required=True)
    released = Points(required=True, **about("held points that a cancellation let go"))
    returned = Money(required=True, maximum=LARGEST, **about("the money to give back"))
    lines = Items(
        LineReturnedSchema, maximum=MAX_LINES, required=True, **about("what came back of each line")
    )
    given_back = Items(
        GivenBackSchema,
        maximum=1,
        required=True,
        **about("points spent on it that the member has again"),
    )
    taken = Items(
        TakenBackSchema,
        maximum=100,
        required=True,
        **about("points it had earned that are gone again"),
    )
    tier_changes = tier_changes()


class BatchReturnSchema(ReturnSchema):
    """A return in a batch."""

    return_ref = Ref(required=True, **about("your name of the return"))


class BatchItemSchema(Body):
    """An order that is paid, or a return; exactly one of the two."""

    member_ref = AnyMemberRef(required=True, **about("kind:value, or the bare customer id"))
    order_ref = Ref(required=True)
    order = fields.Nested(PaymentSchema, **about("an order that is paid; goes without return"))
    return_ = fields.Nested(
        BatchReturnSchema, data_key="return", **about("a return of it; goes without order")
    )

    goes_together: ClassVar = {"oneOf": [{"required": ["order"]}, {"required": ["return"]}]}

    @validates_schema
    def _one_or_the_other(self, data: dict[str, Any], **_: Any) -> None:
        if ("order" in data) == ("return_" in data):
            raise ValidationError({"order": "give either order or return"})


class BatchSchema(Body):
    """Orders and returns of any members; those of one member in the order they happened."""

    items = Items(
        BatchItemSchema,
        minimum=1,
        maximum=ITEMS_AT_ONCE,
        required=True,
        **about("those of one member in the order they happened"),
    )


class OutcomeSchema(Body):
    """What became of one item: its receipt, or the problem that kept it out."""

    order_ref = Ref(required=True)
    status = Whole(
        200,
        599,
        required=True,
        **about("200, or the status that the call by itself would have had"),
    )
    receipt = JsonValue(**about("where it was taken"))
    problem = JsonValue(**about("where it was refused"))


class OutcomesSchema(Body):
    """An outcome for each item, in the order they were sent."""

    taken = Count(0, required=True, **about("how many items"))
    refused = Count(0, required=True, **about("how many items"))
    outcomes = Items(
        OutcomeSchema,
        maximum=ITEMS_AT_ONCE,
        required=True,
        **about("one for each item, in the order they were sent"),
    )
