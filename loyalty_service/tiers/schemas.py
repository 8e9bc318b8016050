"""Where a member stands, on the wire."""

from marshmallow import fields

from loyalty_service.kit.fields import (
    LARGEST,
    Body,
    Choice,
    Code,
    Instant,
    Points,
    Text,
    Whole,
    about,
)
from loyalty_service.kit.shapes import Items, ListOf
from loyalty_service.program.rules.tiers import Match, Measure
from loyalty_service.tiers.rules.moving import Move

NAME = 100


class NamedTierSchema(Body):
    """A tier with its name."""

    id = Code(required=True, **about("of the tier in the program"))
    name = Text(NAME, required=True, **about("what members read"))


class CriterionSchema(Body):
    """One thing a tier asks for."""

    measure = Choice(
        [one.value for one in Measure],
        required=True,
        **about("earned points, a balance, money spent, or orders"),
    )
    wallet = Code(required=True, allow_none=True, **about("of points; null of money and orders"))
    counted = Whole(-LARGEST, required=True, **about("what there is: points, minor units, orders"))
    asked = Whole(1, required=True, **about("how much is asked for"))
    missing = Whole(required=True, **about("how much is missing; 0: it is enough"))
    words = Text(500, required=True, **about("what is asked for, in words"))


class ProgressSchema(Body):
    """How far the member is with what a tier asks for."""

    tier = fields.Nested(NamedTierSchema, required=True)
    match = Choice(
        [one.value for one in Match],
        required=True,
        **about("whether all of the criteria have to be there, or any"),
    )
    criteria = Items(CriterionSchema, maximum=8, required=True)


class PerkSchema(Body):
    """A benefit that the shop gives."""

    id = Code(required=True, **about("of the perk in the program"))
    name = Text(NAME, required=True, **about("what members read"))


class ReviewSchema(Body):
    """What happens next if the member does nothing."""

    at = Instant(required=True, **about("when"))
    outcome = Choice(
        [one.value for one in Move],
        required=True,
        allow_none=True,
        **about("what becomes of the tier; null: nothing changes"),
    )
    tier = fields.Nested(NamedTierSchema, required=True, **about("the tier after it"))


class BeforeReviewSchema(Body):
    """Points that end before the review."""

    wallet = Code(required=True, **about("id of the wallet in the program"))
    points = Points(1, required=True, **about("so many"))
    first_at = Instant(required=True, **about("when the first of them end"))


class StandingSchema(Body):
    """Where a member stands."""

    at = Instant(required=True, **about("the instant that it is of"))
    tier = fields.Nested(NamedTierSchema, required=True, **about("the tier the member has"))
    since = Instant(required=True, **about("since when"))
    until = Instant(
        required=True, allow_none=True, **about("when its term ends; null: it has none")
    )
    grace_until = Instant(
        required=True,
        allow_none=True,
        **about("until when a tier is left that is no longer earned; null: it is earned"),
    )
    factor = Text(40, required=True, **about("what points of orders are multiplied by, a decimal"))
    perks = Items(PerkSchema, maximum=20, required=True)
    next = fields.Nested(
        ProgressSchema,
        required=True,
        allow_none=True,
        **about("what the next tier asks for; null in the highest"),
    )
    keep = fields.Nested(
        ProgressSchema,
        required=True,
        allow_none=True,
        **about("what keeping the tier asks for; null where it is never lost"),
    )
    review = fields.Nested(
        ReviewSchema,
        required=True,
        allow_none=True,
        **about("what comes next if nothing else happens; null: nothing"),
    )
    expiring_before = Items(
        BeforeReviewSchema, maximum=100, required=True, **about("points that end before the review")
    )
    words = ListOf(Text(500), maximum=10, required=True, **about("the same in words"))


class GiftMovedSchema(Body):
    """Points of a tier's gift."""

    wallet = Code(required=True, **about("id of the wallet in the program"))
    points = Points(-LARGEST, required=True, **about("given, or (below 0) taken back"))
    entry = Whole(
        1,
        required=True,
        allow_none=True,
        **about("number of the entry in the wallet; null in a quote"),
    )


class ChangeWordsSchema(Body):
    """The change in words, in every language: a receipt is kept and sent again as it is."""

    en = Text(500, required=True)
    zh = Text(500, required=True)


class TierChangedSchema(Body):
    """What became of the member's tier."""

    cause = Choice([one.value for one in Move], required=True, **about("what happened"))
    from_ = Code(required=True, data_key="from", **about("the tier before it"))
    to = Code(required=True, **about("the tier after it"))
    until = Instant(
        required=True, allow_none=True, **about("when its term ends; null: it has none")
    )
    grace_until = Instant(
        required=True,
        allow_none=True,
        **about("until when a tier is left that is no longer earned; null: it is earned"),
    )
    gift = fields.Nested(
        GiftMovedSchema,
        required=True,
        allow_none=True,
        **about("the gift that came or went with it; null: none did"),
    )
    words = fields.Nested(ChangeWordsSchema, required=True, **about("the same in words"))


def tier_changes(what: str = "what became of the tier by it; mostly empty") -> Items:
    """What an act brings to the member's tier, as a field of its answer."""
    return Items(TierChangedSchema, maximum=40, required=True, **about(what))
