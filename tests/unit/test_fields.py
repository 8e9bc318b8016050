"""What the wire takes and what it refuses, field by field."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

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
    MemberRef,
    Points,
    Ref,
    Text,
)
from loyalty_service.kit.instants import instant_text
from loyalty_service.kit.shapes import ByCode, Items, ListOf, Money
from tests.bodies import example_of


class Line(Body):
    sku = Text(10, required=True)
    quantity = Count(required=True)
    amount = Money(required=True)


class Cart(Body):
    lines = Items(Line, minimum=1, maximum=3, required=True)
    tags = ListOf(Code(), maximum=2)
    shares = ByCode(Points(), maximum=2)
    at = Instant(allow_none=True)
    born_on = Day()
    member = MemberRef()
    order = Ref()
    gift = Flag()
    kind = Choice(["a", "b"])
    cursor = Cursor()


NOT_WHOLE = ["5", 5.0, True, False, None, [], {}, -1, LARGEST + 1, 10**40, float("nan"), "", "٣"]


@pytest.mark.parametrize("value", NOT_WHOLE)
def test_only_a_whole_number_within_bounds_is_points(value: object) -> None:
    with pytest.raises(ValidationError):
        Points().deserialize(value)


@given(st.integers(0, LARGEST))
def test_every_whole_number_within_bounds_is_points(value: int) -> None:
    assert Points().deserialize(value) == value


@pytest.mark.parametrize(
    "value", ["", " ", "\0", "a\nb", "a\x1b[2J", "\x85", "\ud800", "\uffff", "x" * 11, 5, None]
)
def test_text_has_no_control_characters_and_an_end(value: object) -> None:
    with pytest.raises(ValidationError):
        Text(10).deserialize(value)


@pytest.mark.parametrize("value", ["a", "积分", "🎁", "é", "x" * 10, "O'Neil; DROP"])
def test_text_of_any_language_is_taken_as_it_is(value: str) -> None:
    assert Text(12).deserialize(value) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-11T08:00:00Z", datetime(2026, 11, 11, 8, tzinfo=UTC)),
        ("2026-11-11t08:00:00z", datetime(2026, 11, 11, 8, tzinfo=UTC)),
        ("2026-11-11T08:00:00+08:00", datetime(2026, 11, 11, 0, tzinfo=UTC)),
        ("2026-11-11T08:00:00.000001-00:30", datetime(2026, 11, 11, 8, 30, 0, 1, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_as_utc(text: str, expected: datetime) -> None:
    assert Instant().deserialize(text) == expected


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-11T08:00:00",
        "2026-11-11",
        "2026-02-30T00:00:00Z",
        "2026-11-11T24:01:00Z",
        "2026-11-11T08:00:60Z",
        "2026-11-11T08:00:00.1234567Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "2026-11-11 08:00:00Z",
        "20261111T080000Z",
        "2026-W46-3T08:00:00Z",
        "２026-11-11T08:00:00Z",
        1794384000,
    ],
)
def test_what_is_no_instant_with_an_offset_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        Instant().deserialize(value)


@given(st.datetimes(datetime(1900, 1, 2), datetime(2999, 12, 30), timezones=st.just(UTC)))
def test_an_instant_comes_back_as_it_was_written(instant: datetime) -> None:
    assert Instant().deserialize(instant_text(instant)) == instant


def test_an_instant_is_told_in_utc_whatever_zone_it_is_in() -> None:
    in_shanghai = datetime(2026, 3, 2, 12, tzinfo=timezone(timedelta(hours=8)))

    assert instant_text(in_shanghai) == "2026-03-02T04:00:00Z"
    assert instant_text(in_shanghai + timedelta(microseconds=5)) == "2026-03-02T04:00:00.000005Z"


@pytest.mark.parametrize("value", ["a b", "a/b", "../x", "é", "x" * 65, "", "a\n", 5])
def test_a_reference_is_short_and_safe_in_an_address(value: object) -> None:
    with pytest.raises(ValidationError):
        Ref().deserialize(value)


@pytest.mark.parametrize(
    "value",
    [
        {"amount": 1},
        {"amount": 1, "currency": "CNY", "more": 1},
        {"amount": 1.0, "currency": "CNY"},
        {"amount": 1, "currency": "cny"},
        [1, "CNY"],
        1,
    ],
)
def test_money_is_an_amount_and_a_currency_and_nothing_else(value: object) -> None:
    with pytest.raises(ValidationError):
        Money().deserialize(value)


@pytest.mark.parametrize(
    ("value", "places"),
    [
        ({"currency": "CNY"}, {"amount"}),
        ({"amount": 1, "worth": 1}, {"currency", "worth"}),
        ({"amount": 1, "currency": "CNY", "more": 1}, {"more"}),
        ({"amount": None, "currency": "cny"}, {"amount", "currency"}),
        ({}, {"amount", "currency"}),
    ],
)
def test_every_fault_of_money_is_told_at_its_place(value: object, places: set[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        Money().deserialize(value)

    assert isinstance(caught.value.messages, dict)
    assert caught.value.messages.keys() == places


def test_every_fault_of_a_body_is_told_at_its_place() -> None:
    body = {
        "lines": [
            {"sku": "a", "quantity": 1, "amount": {"amount": 1, "currency": "CNY"}},
            {"sku": "\0", "quantity": "1", "amount": {"amount": "1", "currency": "?"}, "x": 1},
            7,
        ],
        "tags": ["ok", "Not"],
        "shares": {"points": -1},
        "gift": 1,
        "kind": "c",
        "at": "soon",
        "unknown": 1,
    }

    with pytest.raises(ValidationError) as caught:
        Cart().load(body)

    found = caught.value.messages
    assert isinstance(found, dict)
    assert set(found) == {"lines", "tags", "shares", "gift", "kind", "at", "unknown"}
    assert set(found["lines"]) == {1, 2}
    assert set(found["lines"][1]) == {"sku", "quantity", "amount", "x"}
    assert set(found["lines"][1]["amount"]) == {"amount", "currency"}
    assert set(found["tags"]) == {1}


@pytest.mark.parametrize("lines", [[], [{}] * 4, None, {}, "ab"])
def test_a_list_keeps_its_bounds(lines: object) -> None:
    with pytest.raises(ValidationError) as caught:
        Cart().load({"lines": lines})

    assert list(caught.value.messages) == ["lines"]


def test_null_is_taken_only_where_the_field_says_so() -> None:
    assert Cart(partial=True).load({"at": None}) == {"at": None}
    with pytest.raises(ValidationError):
        Cart(partial=True).load({"gift": None})


def test_the_example_of_a_shape_is_taken_by_the_shape() -> None:
    example = example_of(Cart())

    assert set(example) == set(Cart().fields)
    Cart().load(example)
