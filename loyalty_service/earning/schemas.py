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
)
from loyalty_service.kit.shapes import Items, JsonValue, ListOf
from loyalty_service.ledger.schemas import EntrySchema

LANGUAGES = ("en", "zh")
MAX_RULES = 500


class LanguageQuery(Query):
    """``lang`` goes before the header Accept-Language."""

    lang = Choice(LANGUAGES)


class AllocationSchema(Body):
    """What an entry took from or gave to a lot."""

    lot = Whole(required=True)
    points = Points(-LARGEST, required=True)
    active_at = Instant(required=True, allow_none=True)
    expires_at = Instant(required=True, allow_none=True)
    expired = Flag(required=True)


class ExplainedSchema(EntrySchema):
    """An entry, what it did to which lots, and why, in numbers and in words."""

    lots = Items(AllocationSchema, maximum=100_000, required=True)
    explanation = JsonValue(required=True, allow_none=True, metadata={"example": {}})
    words = ListOf(Text(10_000), maximum=10_000, required=True)
    reversed_by = Whole(1, required=True, allow_none=True)


class LotSchema(Body):
    """Points that begin and end together; null where that is not known yet, or never."""

    points = Points(required=True)
    active_at = Instant(required=True, allow_none=True)
    expires_at = Instant(required=True, allow_none=True)


class ByRuleSchema(Body):
    """What one rule gave."""

    rule = Code(required=True)
    points = Points(1, required=True)


class EarnedSchema(Body):
    """An entry that gave points."""

    wallet = Code(required=True)
    points = Points(1, required=True)
    entry = Whole(1, required=True)
    balance_after = Points(-LARGEST, required=True)
    lots = Items(LotSchema, maximum=MAX_RULES, required=True)
    rules = Items(ByRuleSchema, maximum=MAX_RULES, required=True)


class NotEarnedSchema(Body):
    """A rule that gave nothing: the condition that failed, what it asked and what it saw."""

    rule = Code(required=True)
    condition = Code(required=True, metadata={"example": "minimum_amount"})
    asked = JsonValue(required=True, allow_none=True, metadata={"example": 20000})
    saw = JsonValue(required=True, allow_none=True, metadata={"example": 1999})
