"""A body with every field a shape has, made from the fields: form without sense."""

from typing import Any

from marshmallow import Schema, fields

from loyalty_service.checkout.schemas import QuoteRequestSchema, ReturnSchema
from loyalty_service.checkout.schemas.orders import BatchItemSchema
from loyalty_service.kit.fields import (
    Choice,
    Code,
    Count,
    Currency,
    Cursor,
    Day,
    Flag,
    Instant,
    MemberRef,
    Ref,
    Text,
    Whole,
)
from loyalty_service.kit.shapes import ByCode, Items, JsonValue, ListOf, Money
from loyalty_service.ledger.schemas import AdjustmentSchema
from loyalty_service.program.schemas import DocumentText

_PLAIN: tuple[tuple[type[fields.Field[Any]], Any], ...] = (
    (Money, {"amount": 1999, "currency": "CNY"}),
    (Instant, "2026-11-11T08:00:00Z"),
    (Day, "2026-11-11"),
    (Cursor, "d2hlcmUtdGhlLWxhc3QtcGFnZS1lbmRlZA"),
    (MemberRef, "shop:1001"),
    (Currency, "CNY"),
    (Ref, "A-1001"),
    (Code, "points"),
    (Flag, True),
    (JsonValue, 100),
    (DocumentText, "program: sample"),
)

LEFT_OUT: dict[type[Schema], tuple[str, ...]] = {
    AdjustmentSchema: ("allow_negative", "reverses"),
    BatchItemSchema: ("return_",),
    QuoteRequestSchema: ("at",),
    ReturnSchema: ("amount",),
}
"""Fields that do not go with others, and an instant that must be to come."""


def example_of(schema: Schema) -> dict[str, Any]:
    """An object that the schema takes, with every field that goes with the others."""
    return {
        field.data_key or name: example_of_field(field)
        for name, field in schema.fields.items()
        if name not in LEFT_OUT.get(type(schema), ())
    }


def example_of_field(field: Any) -> Any:
    """A value that the field takes."""
    if isinstance(field, fields.Nested):
        inner = example_of(field.schema)
        return [inner] if isinstance(field, Items) else inner
    if isinstance(field, ListOf):
        return [example_of_field(field.inner)]
    if isinstance(field, ByCode):
        return {"points": example_of_field(field.inner)}
    return _plain_example(field)


def _plain_example(field: Any) -> Any:
    if isinstance(field, Choice):
        return field.choices[0]
    if isinstance(field, Text):
        return "Text for people"[: field.maximum]
    if isinstance(field, Whole):
        return max(field.minimum, min(field.maximum, 1 if isinstance(field, Count) else 120))
    return next((value for kind, value in _PLAIN if isinstance(field, kind)), None)
