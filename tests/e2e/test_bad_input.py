"""Bad input and bad tokens, route by route and field by field: a clear problem, nothing written.

Everything is made from the routes themselves, so a new route or field is tried as soon as it is
declared.
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from marshmallow import fields

from loyalty_service.app import bare_app, create_app
from loyalty_service.config import read_config
from loyalty_service.kit.auth import TokenVerifier, mint_token
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.fields import Choice, Flag, Instant, Patterned, Text, Whole
from loyalty_service.kit.http import list_routes
from loyalty_service.kit.keys import FileKeys, create_key_file
from loyalty_service.kit.shapes import ByCode, Items, JsonValue, ListOf, Money
from tests.bodies import example_of
from tests.conftest import START
from tests.databases import connect, copied
from tests.factories import Shop
from tests.integration.test_reservations import PROGRAM, digest

ROUTES = list_routes(bare_app())
IDS = [f"{route.method} {route.path}" for route in ROUTES]
BODIES = [route for route in ROUTES if route.body is not None]
PATHS = {
    "member_ref": "m-1",
    "order_ref": "o-1",
    "return_ref": "r-1",
    "wallet": "points",
    "seq": "1",
    "version": "1",
}
ISSUER, AUDIENCE = "loyalty-dev", "loyalty"
ALL = ["checkout", "members", "operator", "import"]
NO_TEXT = [5, 5.5, True, [], {}]
NO_PLAIN = [[], {}]


class World:
    """The service with one member and one order, and everything it keeps."""

    def __init__(self, url, folder):
        self.clock = SettableClock(START)
        self.db = Database(url, clock=self.clock)
        shop = Shop(self.db, PROGRAM)
        shop.enrol()
        shop.adjust(5_000)
        shop.pay("o-1", points=500)
        create_key_file(folder / "keys.json")
        self.keys = FileKeys(folder / "keys.json")
        tokens = TokenVerifier(self.keys, issuer=ISSUER, audience=AUDIENCE)
        app = create_app(read_config(), db=self.db, clock=self.clock, tokens=tokens)
        self.http = app.test_client()
        self.owner = connect(url)
        self.token = self.mint(ALL)

    def mint(self, scopes, subject="shop"):
        key = self.keys.find("dev")
        return mint_token(key, issuer=ISSUER, audience=AUDIENCE, subject=subject, scopes=scopes)

    def send(self, route, data=None, *, token=None, paths=None, query=None, **headers):
        path = route.path
        for name, value in {**PATHS, **(paths or {})}.items():
            path = path.replace(f"{{{name}}}", value)
        named = {"Authorization": f"Bearer {token or self.token}", **headers}
        if route.keyed:
            named["Idempotency-Key"] = "tried"
        kind = "application/json" if data is not None else None
        return self.http.open(
            path,
            method=route.method,
            data=data,
            headers=named,
            content_type=kind,
            query_string=query,
        )


@pytest.fixture(scope="module")
def world(server_url, template, tmp_path_factory):
    with copied(server_url, template) as url:
        text = url.render_as_string(hide_password=False)
        world = World(text, tmp_path_factory.mktemp("keys"))
        yield world
        world.db.close()
        world.owner.close()


def assert_problem(answer, status, code=None):
    assert answer.status_code == status, answer.data
    assert answer.mimetype == "application/problem+json"
    body = answer.json
    assert {"type", "title", "status", "detail", "code", "instance"} <= body.keys()
    assert code is None or body["code"] == code, body
    return body


# What is wrong with a field -----------------------------------------------------------------------


WRONG: list[tuple[Any, Callable[[Any], list[Any]]]] = [
    (Whole, lambda f: ["5", 5.5, 5.0, True, [], {}, 10**40, 2**63, f.minimum - 1, f.maximum + 1]),
    (Flag, lambda _: [0, 1, "true", "", [], {}]),
    (Instant, lambda _: [*NO_INSTANTS, *NO_TEXT]),
    (Patterned, lambda _: [*NO_NAMES, *NO_TEXT]),
    (Choice, lambda _: ["", "nonsense", *NO_TEXT]),
    (Text, lambda f: ["", "   ", "a\u0000b", "\u0007", "\u009f", "x" * (f.maximum + 1), *NO_TEXT]),
    (Money, lambda _: [5, "5", [], {}, {"amount": 5}, {"currency": "CNY"}, *NO_MONEY]),
    ((Items, ListOf), lambda _: [{}, "x", 5, [None], [[]]]),
    ((fields.Nested, ByCode), lambda _: [[], "x", 5, {"no such field": 1}]),
]
NO_INSTANTS = ["", "now", "2026-11-11", "2026-11-11T08:00:00", "0001-01-01T00:00:00Z"]
NO_INSTANTS += ["2026-02-30T00:00:00Z", "2026-11-11T25:00:00Z", "9999-01-01T00:00:00Z"]
NO_NAMES = ["", " ", "a b", "é", "\u202e", "a\u0000", "😀", "-" * 500, "x" * 500]
NO_MONEY = [
    *({"amount": amount, "currency": "CNY"} for amount in ("5", 5.0, -1, 10**40, None, True)),
    *({"amount": 5, "currency": currency} for currency in ("cny", "CN", "", 5, None)),
    {"amount": 5, "currency": "CNY", "more": 1},
]


def wrong_values(field: Any) -> list[Any]:
    """Values that a field must refuse."""
    kinds = (values(field) for kind, values in WRONG if isinstance(field, kind))
    return [*([] if field.allow_none else [None]), *next(kinds, [])]


def faults(schema: Any, sound: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every wrong body that differs from a sound one in one place, with that place."""
    yield f"{path}.surplus".lstrip("."), {**sound, "surplus": 1}
    for name, field in schema.fields.items():
        key = field.data_key or name
        place = f"{path}.{key}".lstrip(".")
        if field.required:
            yield place, {k: v for k, v in sound.items() if k != key}
        wrong = [] if isinstance(field, JsonValue) else wrong_values(field)
        yield from ((place, {**sound, key: value}) for value in wrong)
        if key in sound:
            yield from ((at, {**sound, key: v}) for at, v in inner_faults(field, sound[key], place))


def inner_faults(field: Any, sound: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Wrong values of a field that is made of others."""
    if isinstance(field, Items):
        yield place, sound * (field.maximum + 1)
        yield from ((at, [body]) for at, body in faults(field.schema, sound[0], f"{place}[0]"))
    elif isinstance(field, fields.Nested):
        yield from faults(field.schema, sound, place)


def is_told(place: str, told: list[str]) -> bool:
    """Whether a fault is told where it is: at the place, inside it, or by what holds it."""
    around = place.rpartition(".")[0]
    return any(one in (place, around) or one.startswith((f"{place}.", f"{place}[")) for one in told)


@pytest.mark.parametrize("route", BODIES, ids=[f"{r.method} {r.path}" for r in BODIES])
def test_every_field_refuses_what_it_does_not_take(world, route):
    before = digest(world.owner)
    tried = 0

    for place, body in faults(route.body, example_of(route.body)):
        data = json.dumps(body)
        if len(data) > route.max_body_bytes:
            assert_problem(world.send(route, data), 413, "body_too_large")
            continue
        answer = assert_problem(world.send(route, data), 400, "request_invalid")
        told = [error["path"] for error in answer["errors"]]
        assert is_told(place, told), (place, told)
        assert all(error["message"] for error in answer["errors"])
        tried += 1

    assert tried >= 2
    assert digest(world.owner) == before


@pytest.mark.parametrize("route", BODIES, ids=[f"{r.method} {r.path}" for r in BODIES])
def test_every_body_refuses_what_is_no_sound_json(world, route):
    before = digest(world.owner)
    sound = json.dumps(example_of(route.body))
    name = next(iter(example_of(route.body)), "x")

    for data in (
        b"",
        b"{",
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": "\\ud800"}',
        b"[" * 100_000 if route.max_body_bytes > 100_000 else b"[" * 5_000,
        sound[:-1].encode() + f', "{name}": 1, "{name}": 2}}'.encode(),
        sound.encode("utf-16"),
    ):
        assert_problem(world.send(route, data), 400, "json_invalid")
    for data in (b"null", b"[]", b"5", b'"x"'):
        assert_problem(world.send(route, data), 400, "request_invalid")
    long = b" " * (route.max_body_bytes + 1)
    assert_problem(world.send(route, long), 413, "body_too_large")
    text = world.http.open(
        route.path.replace("{member_ref}", "m-1"),
        method=route.method,
        data="a=b",
        headers={"Authorization": f"Bearer {world.token}", "Idempotency-Key": "k"},
        content_type="text/plain",
    )
    if "{" not in route.path.replace("{member_ref}", ""):
        assert_problem(text, 415, "media_type_unsupported")

    assert digest(world.owner) == before


NAMED = [route for route in ROUTES if "{" in route.path]
BAD_NAMES = ["%20", "a%20b", "%00", "%F0%9F%98%80", "%ED%A0%80", "x" * 65, "a%0Ab", "%E2%80%AE"]


@pytest.mark.parametrize("route", NAMED, ids=[f"{r.method} {r.path}" for r in NAMED])
@pytest.mark.parametrize("bad", BAD_NAMES)
def test_every_name_in_an_address_is_held_to_its_form(world, route, bad):
    for name, _ in route.fields:
        body = json.dumps(example_of(route.body)) if route.body is not None else None

        answer = assert_problem(world.send(route, body, paths={name: bad}), 400)

        assert [error["path"] for error in answer["errors"]] == [name]


OF_MEMBERS = [
    route
    for route in ROUTES
    if "{member_ref}" in route.path and (route.method, route.path[-13:]) != ("PUT", "/{member_ref}")
]


@pytest.mark.parametrize("route", OF_MEMBERS, ids=[f"{r.method} {r.path}" for r in OF_MEMBERS])
def test_a_member_nobody_knows_is_not_found(world, route):
    before = digest(world.owner)
    body = json.dumps(example_of(route.body)) if route.body is not None else None

    answer = assert_problem(world.send(route, body, paths={"member_ref": "nobody"}), 404)

    assert answer["code"] == "member_unknown"
    assert digest(world.owner) == before


QUERIES = [route for route in ROUTES if route.query is not None]


@pytest.mark.parametrize("route", QUERIES, ids=[f"{r.method} {r.path}" for r in QUERIES])
def test_every_parameter_refuses_what_it_does_not_take(world, route):
    for name, field in route.query.fields.items():
        if isinstance(field, ListOf):
            continue
        wrong = ["", " ", "\u0000", "5.0", "1e3", "-1", "NaN", "😀", str(10**40), "x" * 500]
        takes = ["-1", "5.0", "1e3"] if isinstance(field, Patterned) else []
        for value in wrong:
            if value in takes:
                continue
            answer = assert_problem(world.send(route, query={name: value}), 400)
            assert name in (answer.get("path"), *(e["path"] for e in answer.get("errors", [])))
        assert_problem(world.send(route, query=f"{name}=1&{name}=2"), 400)
    assert_problem(world.send(route, query={"surplus": "1"}), 400, "request_invalid")


KEYED = [route for route in ROUTES if route.keyed]


@pytest.mark.parametrize("route", KEYED, ids=[f"{r.method} {r.path}" for r in KEYED])
@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "idempotency_key_missing"),
        ("", "idempotency_key_missing"),
        ("a b", "idempotency_key_malformed"),
        ("é", "idempotency_key_malformed"),
        ("x" * 256, "idempotency_key_malformed"),
    ],
)
def test_every_post_that_writes_wants_a_key(world, route, key, code):
    path = route.path
    for name, value in PATHS.items():
        path = path.replace(f"{{{name}}}", value)
    headers = {"Authorization": f"Bearer {world.token}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    body = json.dumps(example_of(route.body)) if route.body is not None else None

    answer = world.http.open(
        path,
        method=route.method,
        data=body,
        headers=headers,
        content_type="application/json" if body else None,
    )

    assert_problem(answer, 400, code)


# Tokens -------------------------------------------------------------------------------------------


def bad_tokens(world):
    """Tokens that must not pass, each made of a sound one."""
    key = world.keys.find("dev")
    now = int(time.time())
    sound = jwt.decode(world.token, options={"verify_signature": False})
    head = jwt.get_unverified_header(world.token)

    def signed(headers=None, **changes):
        told = {k: v for k, v in {**sound, **changes}.items() if v is not None}
        named = {**head, **(headers or {})}
        return jwt.encode(told, key.signing, algorithm=named.pop("alg"), headers=named)

    yield "expired", signed(exp=now - 3_600, iat=now - 7_200)
    yield "not valid yet", signed(nbf=now + 3_600)
    yield "issued in the future", signed(iat=now + 3_600)
    yield "another issuer", signed(iss="them")
    yield "another audience", signed(aud="shop")
    yield "no end", signed(exp=None)
    yield "no issuer", signed(iss=None)
    yield "no subject", signed(sub=None)
    yield "another kind", signed({"typ": "id+jwt"})
    yield "an unknown key", signed({"kid": "who"})
    yield "no algorithm", jwt.encode(sound, None, algorithm="none", headers={"kid": head["kid"]})
    other = jwt.encode(sound, "x" * 64, algorithm="HS256", headers={"kid": head["kid"]})
    yield "another algorithm", other
    yield (
        "another signature",
        world.token[:-8] + ("A" * 8 if world.token[-8:] != "A" * 8 else "B" * 8),
    )
    yield "no token", "nonsense"


CLOSED = [route for route in ROUTES if not route.public]
CLOSED_IDS = [f"{route.method} {route.path}" for route in CLOSED]


@pytest.mark.parametrize("route", CLOSED, ids=CLOSED_IDS)
def test_no_bad_token_passes(world, route):
    body = json.dumps(example_of(route.body)) if route.body is not None else None
    before = digest(world.owner)

    for what, token in bad_tokens(world):
        answer = world.send(route, body, token=token)
        assert answer.status_code == 401, what
        assert_problem(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert_problem(world.send(route, body, Authorization="Basic c2hvcDpzaG9w"), 401)

    assert digest(world.owner) == before


@pytest.mark.parametrize("route", CLOSED, ids=CLOSED_IDS)
def test_no_other_scope_and_no_other_member_passes(world, route):
    body = json.dumps(example_of(route.body)) if route.body is not None else None
    others = [scope for scope in (*ALL, "self") if scope not in route.scopes]
    before = digest(world.owner)

    for scope in others:
        subject = "m-1" if scope == "self" else "shop"
        answer = world.send(route, body, token=world.mint([scope], subject))
        assert_problem(answer, 403, "scope_missing")
    if "self" in route.scopes:
        answer = world.send(route, body, token=world.mint(["self"], "m-2"))
        assert_problem(answer, 403, "other_member")

    assert digest(world.owner) == before


CARTS = [
    route for route in BODIES if "lines" in route.body.fields and "points" in route.body.fields
]


@pytest.mark.parametrize("route", CARTS, ids=[f"{r.method} {r.path}" for r in CARTS])
def test_money_of_two_currencies_is_told_line_by_line(world, route):
    lines = [
        {"sku": "A", "quantity": 1, "amount": {"amount": 5, "currency": "CNY"}},
        {"sku": "B", "quantity": 1, "amount": {"amount": 5, "currency": "EUR"}},
    ]
    body = {**example_of(route.body), "lines": lines}

    answer = assert_problem(world.send(route, json.dumps(body)), 400, "request_invalid")

    assert [error["path"] for error in answer["errors"]] == ["lines[1].amount"]


@pytest.mark.parametrize("route", CARTS, ids=[f"{r.method} {r.path}" for r in CARTS])
def test_a_currency_that_is_not_the_programs_breaks_a_rule(world, route):
    before = digest(world.owner)
    line = {"sku": "A", "quantity": 1, "amount": {"amount": 5, "currency": "EUR"}}
    body = {**example_of(route.body), "lines": [line]}
    for name in ("discount", "paid", "points", "at", "order_ref"):
        body.pop(name, None)

    answer = assert_problem(
        world.send(route, json.dumps(body), paths={"order_ref": "o-9"}), 422, "currency_foreign"
    )

    assert (answer["path"], answer["values"]["expected"]) == ("lines[0].amount.currency", "CNY")
    assert {t: r for t, r in digest(world.owner).items() if t != "idempotency"} == {
        t: r for t, r in before.items() if t != "idempotency"
    }
