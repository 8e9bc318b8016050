"""JSON that means the same to every reader, and faults told at their place."""

from typing import Any

import pytest
from marshmallow import ValidationError

from loyalty_service.kit.bodies import faults_of, fingerprint_of, parse_json
from loyalty_service.kit.fields import MOST_ERRORS, Body
from loyalty_service.kit.paths import CursorInvalid, decode_cursor, encode_cursor
from loyalty_service.kit.problems import JsonInvalid
from loyalty_service.kit.shapes import Items, Money


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": "\\ud800"}',
        b'{"a": "\xff"}',
        b"\xef\xbb\xbf{}",
        b"{}".decode().encode("utf-16"),
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": 01}',
        b"[" * 100_000,
        b"[" * 1_000 + b"]" * 1_000,
    ],
)
def test_what_is_no_json_in_utf8_is_refused(text: bytes) -> None:
    with pytest.raises(JsonInvalid):
        parse_json(text)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1, "a": 1}',
        b'{"lines": [{"sku": "x", "quantity": 1, "quantity": 2}]}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"a": {"b": 1}, "a": ":"}',
        b'{"a": 1, "a": 2, "b": "\\u003a"}',
        b'{"a": 1, "a": 2, "b": "\\u003A"}',
    ],
)
def test_a_field_that_is_there_twice_is_refused(text: bytes) -> None:
    with pytest.raises(JsonInvalid, match="twice"):
        parse_json(text)


def test_the_same_name_in_two_objects_is_no_repetition() -> None:
    assert parse_json(b'[{"a": 1, "b": {"a": 2}}, {"a": 3}]').value == [
        {"a": 1, "b": {"a": 2}},
        {"a": 3},
    ]


def test_a_colon_in_a_text_is_no_name() -> None:
    assert parse_json(b'{"a": "10:30", "b": "\\u003a"}').value == {"a": "10:30", "b": ":"}


def test_a_place_is_written_as_a_path() -> None:
    messages = {"lines": {2: {"quantity": ["must be a whole number"]}}, "_schema": ["odd"]}
    value = {"lines": [{}, {}, {"quantity": "x" * 500}]}

    errors = faults_of(messages, value)

    assert errors[0]["path"] == "lines[2].quantity"
    assert errors[0]["value"] == "x" * 100
    assert errors[1] == {"path": "", "message": "odd"}


def test_a_field_with_the_name_of_the_whole_is_told_by_its_own() -> None:
    errors = faults_of({"_schema": ["unknown field"]}, {"_schema": 7})

    assert errors == [{"path": "_schema", "message": "unknown field", "value": 7}]


class _ItemSchema(Body):
    price = Money(required=True)


class _ListSchema(Body):
    items = Items(_ItemSchema, maximum=10_000, required=True)


@pytest.mark.parametrize(
    "body",
    [
        {"items": [{}] * 5_000},
        {"items": [{"price": {f"x{n}": 1 for n in range(5_000)}}]},
        {"items": [{f"x{n}": 1 for n in range(5_000)}]},
        {f"x{n}": 1 for n in range(5_000)},
    ],
    ids=["items", "money", "item", "body"],
)
def test_no_more_faults_are_gathered_than_are_told(body: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        _ListSchema().load(body)

    assert len(faults_of(refused.value.messages, body)) == MOST_ERRORS
    assert len(str(refused.value.messages)) < 20_000


def test_at_most_a_hundred_faults_are_told() -> None:
    assert len(faults_of({"lines": {n: ["bad"] for n in range(500)}}, {})) == MOST_ERRORS


def test_two_requests_share_a_fingerprint_only_if_they_ask_the_same() -> None:
    def asked(method: str, path: str, body: bytes) -> bytes:
        return fingerprint_of(method, path, parse_json(body).canonical)

    first = asked("POST", "/v1/x", b'{"a": 1, "b": [1, 2]}')

    assert first == asked("POST", "/v1/x", b'{"b":[1,2],"a":1}')
    assert first != asked("PUT", "/v1/x", b'{"a": 1, "b": [1, 2]}')
    assert first != asked("POST", "/v1/y", b'{"a": 1, "b": [1, 2]}')
    assert first != asked("POST", "/v1/x", b'{"a": 1, "b": [2, 1]}')
    assert first != asked("POST", "/v1/x", b'{"a": true, "b": [1, 2]}')


def test_a_cursor_comes_back_to_its_list() -> None:
    cursor = encode_cursor("entries", [7, "points"])

    assert decode_cursor("entries", cursor, list) == [7, "points"]


def test_a_cursor_that_was_changed_is_refused_wherever_it_was_changed() -> None:
    cursor = encode_cursor("entries", [7, "points"])

    for at, sign in enumerate(cursor):
        other = "A" if sign != "A" else "B"
        with pytest.raises(CursorInvalid):
            decode_cursor("entries", cursor[:at] + other + cursor[at + 1 :], list)


@pytest.mark.parametrize("cursor", ["", "é", "!", "AAAA", "=", "a" * 400])
def test_what_never_was_a_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        decode_cursor("entries", cursor, list)


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(CursorInvalid):
        decode_cursor("orders", encode_cursor("entries", [7]), list)
