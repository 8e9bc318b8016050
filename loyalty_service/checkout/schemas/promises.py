"""Quotes and reservations on the wire."""

from marshmallow import fields

from loyalty_service.checkout.rules.cart import MAX_LINES
from loyalty_service.checkout.rules.spending import Limit
from loyalty_service.checkout.rules.steps import State
from loyalty_service.checkout.schemas.carts import CartSchema
from loyalty_service.earning.schemas import (
    MAX_RULES,
    ByRuleSchema,
    LotSchema,
    NotEarnedSchema,
)
from loyalty_service.kit.fields import (
    LARGEST,
    Body,
    Choice,
    Code,
    Instant,
    Points,
    Ref,
    Whole,
)
from loyalty_service.kit.shapes import Items, Money


class QuoteRequestSchema(CartSchema):
    """A cart to be priced; ``points`` are the most to pay with."""

    at = Instant(metadata={"description": "an instant to come; left out: now", "example": None})
    order_ref = Ref(metadata={"description": "the order it is for, whose own hold is free for it"})


class PointsUsedSchema(Body):
    """Points that pay, and what they are worth."""

    wallet = Code(required=True, allow_none=True)
    points = Points(required=True)
    worth = Money(required=True)


class LimitsSchema(Body):
    """What each limit allows by itself, in points; none where points buy nothing."""

    available = Points()
    max_share = Points()
    step = Points()
    minimum = Points()


class PointsQuotedSchema(Body):
    """How many of the points asked for may be used, and which limit bound them."""

    wallet = Code(required=True, allow_none=True)
    asked = Points(required=True)
    used = Points(required=True)
    worth = Money(required=True)
    limits = fields.Nested(LimitsSchema, required=True)
    bound_by = Choice(Limit, required=True, allow_none=True)


class PaidLineSchema(Body):
    """What a line costs after discounts, and what points and money pay of it."""

    line = Whole(1, MAX_LINES, required=True)
    price = Money(required=True)
    points = Points(required=True)
    points_worth = Money(required=True)
    payable = Money(required=True)


class WillEarnSchema(Body):
    """Points that the order would give; null where the instant is not known yet, or never."""

    wallet = Code(required=True)
    points = Points(1, required=True)
    lots = Items(LotSchema, maximum=MAX_RULES, required=True)
    rules = Items(ByRuleSchema, maximum=MAX_RULES, required=True)


class QuoteSchema(Body):
    """What a cart would cost and earn."""

    at = Instant(required=True)
    program_version = Whole(1, required=True)
    price = Money(required=True, maximum=LARGEST)
    points = fields.Nested(PointsQuotedSchema, required=True)
    payable = Money(required=True, maximum=LARGEST)
    lines = Items(PaidLineSchema, maximum=MAX_LINES, required=True)
    earned = Items(WillEarnSchema, maximum=100, required=True)
    not_earned = Items(NotEarnedSchema, maximum=MAX_RULES, required=True)


class ReservedSchema(Body):
    """What a reservation promises, until when, and until when it can be renewed."""

    order_ref = Ref(required=True)
    state = Choice(State, required=True)
    placed_at = Instant(required=True)
    lapses_at = Instant(required=True)
    renewable_until = Instant(required=True)
    program_version = Whole(1, required=True)
    price = Money(required=True, maximum=LARGEST)
    points = fields.Nested(PointsUsedSchema, required=True)
    payable = Money(required=True, maximum=LARGEST)
    lines = Items(PaidLineSchema, maximum=MAX_LINES, required=True)
    earned = Items(WillEarnSchema, maximum=100, required=True)
    not_earned = Items(NotEarnedSchema, maximum=MAX_RULES, required=True)


class ReleasedSchema(Body):
    """A reservation that was let go, and the points that are free again."""

    order_ref = Ref(required=True)
    state = Choice(State, required=True)
    released_at = Instant(required=True)
    points = Points(required=True)
