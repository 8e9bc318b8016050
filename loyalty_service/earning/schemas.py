"""The shape of explanations on the wire."""

from loyalty_service.kit.fields import (
    LARGEST,
    Body,
    Choice,
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
