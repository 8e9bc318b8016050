"""Quotes and reservations on the wire."""

from marshmallow import fields

from loyalty_service.checkout.rules.cart import MAX_LINES, MAX_MINOR
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
    about,
)
from loyalty_service.kit.shapes import Items, Money
from loyalty_service.tiers.schemas import tier_changes


class QuoteRequestSchema(CartSchema):
    """A cart to be priced; ``points`` are the most to pay with."""

    points = Points(
        **about("the most to pay with; the answer says how many may be used; left out: none")
    )
    at = Instant(**about("an instant to come, within five years; left out: now"))
    order_ref = Ref(**about("the order it is for: points held for it count as free"))


class PointsUsedSchema(Body):
    """Points that pay, and what they are worth."""

    wallet = Code(required=True, allow_none=True, **about("the one that pays; null: no points"))
    points = Points(required=True)
    worth = Money(required=True, maximum=MAX_MINOR, **about("the money that the points stand for"))


class LimitsSchema(Body):
    """What each limit allows by itself, in points; none where points buy nothing."""

    available = Points(**about("free points of the member"))
    max_share = Points(**about("the program's largest share of the cart"))
    step = Points(**about("points are used in steps of so many"))
    minimum = Points(**about("fewer than these cannot be used"))


class PointsQuotedSchema(Body):
    """How many of the points asked for may be used, and which limit bound them."""

    wallet = Code(required=True, allow_none=True, **about("the one that would pay"))
    asked = Points(required=True, **about("as in the call"))
    used = Points(
        required=True, **about("the most of them that may be used; reserve with exactly so many")
    )
    worth = Money(
        required=True, maximum=MAX_MINOR, **about("the money that the used points stand for")
    )
    limits = fields.Nested(LimitsSchema, required=True, **about("what each limit allows by itself"))
    bound_by = Choice(
        Limit,
        required=True,
        allow_none=True,
        **about("the limit that was met; null: all points asked for may be used"),
    )


class PaidLineSchema(Body):
    """What a line costs after discounts, and what points and money pay of it."""

    line = Whole(
        1, MAX_LINES, required=True, **about("numbered from 1 in the order they were sent")
    )
    price = Money(required=True, **about("of the whole line after all discounts"))
    points = Points(required=True, **about("its share of the points used"))
    points_worth = Money(required=True, **about("the money that its points stand for"))
    payable = Money(required=True, **about("what is left to pay in money"))


class WillEarnSchema(Body):
    """Points that the order would give; null where the instant is not known yet, or never."""

    wallet = Code(required=True, **about("id of the wallet in the program"))
    points = Points(1, required=True)
    lots = Items(
        LotSchema,
        maximum=MAX_RULES,
        required=True,
        **about("the points by when they begin and end"),
    )
    rules = Items(
        ByRuleSchema,
        maximum=MAX_RULES,
        required=True,
        **about("the points by the rule that gives them"),
    )


class QuoteSchema(Body):
    """What a cart would cost and earn."""

    at = Instant(required=True, **about("the instant it is for"))
    program_version = Whole(1, required=True, **about("the version that decided"))
    price = Money(
        required=True, maximum=LARGEST, **about("all lines after discounts, before points")
    )
    points = fields.Nested(PointsQuotedSchema, required=True, **about("how many points may pay"))
    payable = Money(required=True, maximum=LARGEST, **about("what is left to pay in money"))
    lines = Items(PaidLineSchema, maximum=MAX_LINES, required=True)
    earned = Items(
        WillEarnSchema, maximum=100, required=True, **about("what the order would give, by wallet")
    )
    not_earned = Items(
        NotEarnedSchema,
        maximum=MAX_RULES,
        required=True,
        **about("rules that give nothing, and why"),
    )
    tier_after = Code(
        required=True,
        allow_none=True,
        **about("the tier once it is paid as placed then, not yet fulfilled; null: no tiers"),
    )
    tier_changes = tier_changes("what becomes of the tier when it is paid; mostly empty")


class ReservedSchema(Body):
    """What a reservation promises, until when, and until when it can be renewed."""

    order_ref = Ref(required=True)
    state = Choice(State, required=True)
    placed_at = Instant(required=True, **about("the instant that decides price and earning"))
    lapses_at = Instant(
        required=True, **about("until then the price stands and the points are held")
    )
    renewable_until = Instant(
        required=True, **about("the same call again keeps them longer, at most until then")
    )
    program_version = Whole(1, required=True, **about("the version that decides"))
    price = Money(
        required=True, maximum=LARGEST, **about("all lines after discounts, before points")
    )
    points = fields.Nested(PointsUsedSchema, required=True, **about("held for the order"))
    payable = Money(required=True, maximum=LARGEST, **about("what to charge"))
    lines = Items(PaidLineSchema, maximum=MAX_LINES, required=True)
    earned = Items(
        WillEarnSchema, maximum=100, required=True, **about("what the order will give, by wallet")
    )
    not_earned = Items(
        NotEarnedSchema,
        maximum=MAX_RULES,
        required=True,
        **about("rules that give nothing, and why"),
    )


class ReleasedSchema(Body):
    """A reservation that was let go, and the points that are free again."""

    order_ref = Ref(required=True)
    state = Choice(State, required=True)
    released_at = Instant(required=True, **about("when it ended"))
    points = Points(required=True, **about("how many are free again"))
