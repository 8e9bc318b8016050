"""Where a member stands, on the wire."""

from marshmallow import fields

from loyalty_service.kit.fields import (
    LARGEST,
    Body,
    Choice,
    Code,
    Count,
    Cursor,
    Day,
    Flag,
    Instant,
    Points,
    Query,
    Ref,
    Text,
    Whole,
    about,
)
from loyalty_service.kit.shapes import Items, ListOf
from loyalty_service.program.rules.tiers import Match, Measure
from loyalty_service.tiers.rules.moves import Move

NAME = 100


class NamedTierSchema(Body):
    """A tier with its name."""

    id = Code(required=True, **about("of the tier in the program"))
    name = Text(NAME, required=True, **about("what members read"))


class WindowSchema(Body):
    """The days whose doings count, both included, in the program's zone."""

    from_ = Day(
        required=True,
        allow_none=True,
        data_key="from",
        **about("the first of them; null: since the member came"),
    )
    until = Day(required=True, **about("the last of them"))


def _match(what: str) -> Choice:
    values = [one.value for one in Match]
    return Choice(values, required=True, allow_none=True, **about(what))


def _window(what: str) -> fields.Nested:
    return fields.Nested(WindowSchema, required=True, allow_none=True, **about(what))


class CountedSchema(Body):
    """One thing a tier asks for, and how much of it there was."""

    measure = Choice(
        [one.value for one in Measure],
        required=True,
        **about("earned points, a balance, money spent, or orders"),
    )
    wallet = Code(required=True, allow_none=True, **about("of points; null of money and orders"))
    counted = Whole(-LARGEST, required=True, **about("what there is: points, minor units, orders"))
    asked = Whole(1, required=True, **about("how much is asked for"))


class CriterionSchema(CountedSchema):
    """One thing a tier asks for, what there is of it, and what is missing."""

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
    match = _match("whether all of the criteria have to be there, or any; null: nothing is judged")
    window = _window("the days that it counts; null: nothing is judged")
    criteria = Items(
        CriterionSchema,
        maximum=8,
        required=True,
        **about("what it asks for, and what there is within those days if nothing else happens"),
    )
    grace_until = Instant(
        required=True,
        allow_none=True,
        **about("when the grace ends in which the tier is then held; null: in none"),
    )
    after_grace = fields.Nested(
        NamedTierSchema,
        required=True,
        allow_none=True,
        **about("the tier that follows at grace_until if nothing else happens"),
    )


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
        **about("until when a grace keeps a tier that is no longer earned; null: it is earned"),
    )
    factor = Text(40, required=True, **about("what points of orders are multiplied by, a decimal"))
    perks = Items(PerkSchema, maximum=20, required=True)
    window = fields.Nested(
        WindowSchema,
        required=True,
        **about("the days that next and keep count: a calendar window whole, else up to today"),
    )
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
    words = ListOf(Text(2_000), maximum=10, required=True, **about("the same in words"))


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
        **about("until when a grace keeps a tier that is no longer earned; null: it is earned"),
    )
    in_grace = Flag(required=True, **about("whether the tier before it was held in a grace"))
    match = _match(
        "whether all of what was counted had to be there, or any; null: nothing was asked"
    )
    window = _window("the days that were counted; null: nothing was asked")
    counted = Items(
        CountedSchema,
        maximum=8,
        required=True,
        **about("what the tier that was judged asks for, and what there was"),
    )
    order_ref = Ref(
        required=True,
        allow_none=True,
        **about("the order that brought it; null: time or something else did"),
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


class TierChangesQuery(Query):
    """A page of changes, newest first."""

    cursor = Cursor(**about("next of the page before"))
    limit = Count(1, 200, **about("most changes on the page; left out: 50"))


class PastTierChangeSchema(TierChangedSchema):
    """A change of the member's tier, as it was written."""

    event_no = Whole(1, required=True, **about("number of its event among the member's"))
    occurred_at = Instant(required=True, **about("when it came about"))
    recorded_at = Instant(required=True, **about("when it was written"))
    program_version = Whole(1, required=True, **about("the version that decided"))


class TierChangesSchema(Body):
    """A page of changes of tier."""

    tier_changes = Items(PastTierChangeSchema, maximum=200, required=True)
    next = Cursor(**about("the cursor of the next page; left out on the last one"))
