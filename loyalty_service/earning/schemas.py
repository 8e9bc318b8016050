"""The shape of explanations on the wire."""

from loyalty_service.kit.fields import (
    LARGEST,
    Body,
    Choice,
    Code,
    Flag,
    Instant,
    Points,
    Query,
    Text,
    Whole,
    about,
)
from loyalty_service.kit.shapes import Items, JsonValue, ListOf
from loyalty_service.ledger.schemas import EntrySchema

LANGUAGES = ("en", "zh")
MAX_RULES = 500


class LanguageQuery(Query):
    """``lang`` goes before the header Accept-Language."""

    lang = Choice(LANGUAGES, **about("instead of Accept-Language"))


class AllocationSchema(Body):
    """What an entry took from or gave to a lot."""

    lot = Whole(
        required=True,
        allow_none=True,
        **about(
            "number of the lot in this wallet; null: every lot without an end of its own, "
            "which end together when `expires_at` says from this entry on"
        ),
    )
    points = Points(
        -LARGEST,
        required=True,
        **about("given to the lot (> 0) or taken from it (< 0); 0 where only its instants changed"),
    )
    active_at = Instant(
        required=True,
        allow_none=True,
        **about(
            "from when on the points count; null: not known yet. Points of a wallet"
            " that neither ends nor is spent are alive at once: the instant of the "
            "entry"
        ),
    )
    expires_at = Instant(
        required=True,
        allow_none=True,
        **about("from when on they no longer count; null: never, or not known yet"),
    )
    expired = Flag(required=True, **about("whether they were taken because they had ended"))


class ExplainedSchema(EntrySchema):
    """An entry, what it did to which lots, and why, in numbers and in words."""

    lots = Items(
        AllocationSchema,
        maximum=100_000,
        required=True,
        **about("what the entry gave to which lots, and took from which"),
    )
    explanation = JsonValue(
        required=True,
        allow_none=True,
        **about(
            "the rules at work, in numbers; null where no rule decided (an adjustment, an expiry)"
        ),
    )
    words = ListOf(
        Text(10_000),
        maximum=10_000,
        required=True,
        **about("what the entry is, in words, a line each"),
    )
    reversed_by = Whole(
        1, required=True, allow_none=True, **about("the entry that reversed this one")
    )


class LotSchema(Body):
    """Points that begin and end together; null where that is not known yet, or never."""

    points = Points(required=True)
    active_at = Instant(
        required=True,
        allow_none=True,
        **about(
            "from when on the points count; null: not known before the fulfilment. "
            "Points that are alive at once: the instant of the entry"
        ),
    )
    expires_at = Instant(
        required=True,
        allow_none=True,
        **about("from when on they no longer count; null: never, or not known yet"),
    )


class ByRuleSchema(Body):
    """What one rule gave."""

    rule = Code(required=True, **about("id of the rule in the program"))
    points = Points(1, required=True)


class EarnedSchema(Body):
    """An entry that gave points."""

    wallet = Code(required=True, **about("id of the wallet in the program"))
    points = Points(1, required=True)
    entry = Whole(
        1, required=True, **about("number of the entry in the wallet; it can be explained")
    )
    balance_after = Points(
        -LARGEST,
        required=True,
        **about("all points of the wallet after it, less the deficit"),
    )
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
        **about("the points by the rule that gave them"),
    )


class NotEarnedSchema(Body):
    """A rule that gave nothing: the condition that failed, what it asked and what it saw."""

    rule = Code(required=True, **about("id of the rule in the program"))
    condition = Code(required=True, **about("the condition that failed, as the program names it"))
    asked = JsonValue(
        required=True,
        allow_none=True,
        **about(
            "what the condition asks for, in numbers where the program may say names or decimals: "
            "weekdays from 1, Monday, to 7, amounts in minor units; of `not`, what must not hold"
        ),
    )
    saw = JsonValue(
        required=True, allow_none=True, **about("what it found, told as `asked` is: a weekday as 6")
    )
