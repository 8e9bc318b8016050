"""The straight way through a schema reads what marshmallow reads, and takes nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields, post_load, validates_schema

from loyalty_service.kit.fields import Body, Code, Count, Instant, Points, Text
from loyalty_service.kit.quick import Amiss, plan_of
from loyalty_service.kit.shapes import ByCode, Items, JsonValue, ListOf, Money


class LineSchema(Body):
    sku = Text(5, required=True)
    quantity = Count(1, 9)
    price = Money(allow_none=True)


class PlainSchema(Body):
    sku = Text(5, required=True)
    quantity = Count(1, 9)


class OpenSchema(Body):
    saw = JsonValue()
    sku = Text(5)


class UntilSchema(Body):
    until = Instant(allow_none=True)


class MoveSchema(Body):
    to = Code()
    from_ = Code(data_key="from")


class CartSchema(Body):
    lines = Items(LineSchema, minimum=1, maximum=2, required=True)
    first = fields.Nested(LineSchema)
    tags = ListOf(Code(), maximum=2)
    shares = ByCode(Points())
    at = Instant(allow_none=True)
    saw = JsonValue()
    all = ListOf(JsonValue(), maximum=2)
    from_ = fields.Nested(LineSchema, data_key="from")

    @validates_schema
    def _either(self, data: dict[str, Any], **_: Any) -> None:
        if "first" in data and "tags" in data:
            raise ValidationError({"tags": "not both"})


class HookedSchema(Body):
    sku = Text(5)

    @post_load
    def shout(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"sku": data["sku"].upper()}


class DefaultSchema(Body):
    sku = Text(5, load_default="A")


class RenamedSchema(Body):
    sku = Text(5, attribute="SKU")


class HookedInsideSchema(Body):
    lines = Items(HookedSchema, maximum=2)


ODD = st.sampled_from([None, "", "x", "\0", "toolong", 0, 1, 10, 1.0, True, [], {}, [None], "a"])


def nearly(sound: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(sound, sound, sound, ODD)


def nearly_object(**named: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    optional = {name: nearly(sound) for name, sound in named.items()}
    return nearly(st.fixed_dictionaries({}, optional={**optional, "stray": ODD}))


MONEY = nearly_object(amount=st.integers(0, 5), currency=st.just("CNY"))
LINE = nearly_object(sku=st.just("A"), quantity=st.integers(0, 10), price=MONEY)
PLAIN = nearly_object(sku=st.just("A"), quantity=st.integers(0, 10))
OPEN = nearly_object(saw=ODD, sku=st.just("A"))
MOVE = nearly_object(to=st.just("a"), **{"from": st.just("b")})
UNTIL = st.fixed_dictionaries({"until": st.sampled_from([None, "2026-11-11T08:00:00Z", 5])})
CART = nearly_object(
    lines=st.lists(LINE, max_size=3),
    first=LINE,
    tags=st.lists(nearly(st.just("tag")), max_size=3),
    shares=st.dictionaries(st.sampled_from(["points", "A"]), nearly(st.just(1))),
    at=st.just("2026-11-11T08:00:00Z"),
    **{"from": LINE},
    saw=ODD,
    all=st.lists(ODD, max_size=3),
)


def outcome(read: Any, body: Any) -> Any:
    try:
        return read(body)
    except (Amiss, ValidationError):
        return "refused"


@pytest.mark.parametrize(
    ("schema", "bodies"),
    [
        (PlainSchema, PLAIN),
        (OpenSchema, OPEN),
        (UntilSchema, UNTIL),
        (MoveSchema, MOVE),
        (LineSchema, LINE),
        (CartSchema, CART),
    ],
)
@given(data=st.data())
def test_both_ways_read_and_refuse_the_same(
    schema: type[Schema], bodies: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    body, plan = data.draw(bodies), plan_of(schema())

    assert plan is not None
    assert outcome(plan, body) == outcome(schema().load, body)


@pytest.mark.parametrize("schema", [HookedSchema, DefaultSchema, RenamedSchema, HookedInsideSchema])
def test_a_schema_that_needs_more_than_its_fields_has_no_plan(schema: type[Schema]) -> None:
    assert plan_of(schema()) is None
