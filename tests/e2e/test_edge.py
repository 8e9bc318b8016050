"""What every route has in common: who may call, what is read, how a refusal is answered."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient

from loyalty_service.app import bare_app
from loyalty_service.kit.auth import TokenVerifier, mint_token
from loyalty_service.kit.db import Busy
from loyalty_service.kit.errors import Conflict
from loyalty_service.kit.fields import Body, Choice, Count, Flag, Points, Query, Text
from loyalty_service.kit.http import PARTS, Call, Parts, Reply, endpoint, list_routes
from loyalty_service.kit.keys import FileKeys, create_key_file
from loyalty_service.kit.logs import configure_logs, log
from loyalty_service.kit.shapes import Items
from loyalty_service.kit.straight import Roads

EVERY_ANSWER = ("X-Request-Id", "X-Content-Type-Options", "Content-Security-Policy")


class LineSchema(Body):
    sku = Text(20, required=True)
    quantity = Count(required=True)


class CartSchema(Body):
    lines = Items(LineSchema, minimum=1, maximum=5, required=True)


class EchoSchema(Body):
    points = Points(required=True)


class PageQuery(Query):
    limit = Count(1, 200)
    newest = Flag()
    order = Choice(["up", "down"])


class Taken(Conflict):
    """Somebody has it."""

    code = "taken"


def routes() -> Blueprint:
    """A few routes that do what the paths say."""
    blueprint = Blueprint("tried", __name__)
    member = "/v1/tried/{member_ref}"

    @endpoint(
        blueprint,
        "POST",
        member + "/orders/{order_ref}",
        scopes=("checkout",),
        body=CartSchema,
        answers={200: EchoSchema},
        keyed=True,
        max_body_bytes=1_000,
        summary="Post",
    )
    def post(call: Call, member_ref: str, order_ref: str) -> Reply:
        faults: dict[str, Exception] = {
            "taken": Taken("It is taken.", path="lines[0]", asked=5, available=3),
            "busy": Busy("Wait."),
            "away": psycopg2.OperationalError("no route to shop:42"),
            "broken": RuntimeError("shop:42 broke it"),
        }
        if order_ref in faults:
            raise faults[order_ref]
        return Reply({"points": "5" if order_ref == "odd" else len(call.body["lines"])})

    @endpoint(
        blueprint,
        "GET",
        member,
        scopes=("members", "self"),
        query=PageQuery,
        answers={200: None},
        summary="Get",
    )
    def get(call: Call, member_ref: str) -> Reply:
        return Reply({"member": member_ref, **call.query})

    return blueprint


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> FileKeys:
    path: Path = tmp_path_factory.mktemp("keys") / "keys.json"
    create_key_file(path)
    return FileKeys(path)


@pytest.fixture(scope="module")
def app(keys: FileKeys) -> Flask:
    app = bare_app((routes(),))
    app.testing = True
    tokens = TokenVerifier(keys, issuer="us", audience="loyalty")
    nothing: Any = None
    app.extensions[PARTS] = Parts(nothing, nothing, nothing, nothing, nothing, tokens)
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def lines() -> Iterator[io.BytesIO]:
    """The log of one test, also where another test's app has configured it for good."""
    vars(log).pop("bind", None)
    stream = io.BytesIO()
    configure_logs("info", "json", stream)
    yield stream
    configure_logs("error", "json", io.BytesIO())


def bearer(keys: FileKeys, scope: str = "checkout", subject: str = "shop-1") -> dict[str, str]:
    key = keys.find("dev")
    assert key is not None
    text = mint_token(key, issuer="us", audience="loyalty", subject=subject, scopes=[scope])
    return {"Authorization": f"Bearer {text}"}


CART = {"lines": [{"sku": "A", "quantity": 1}]}


def post(client: FlaskClient, keys: FileKeys, order_ref: str = "1", **more: Any) -> Any:
    """Post a sound cart, unless the test says otherwise."""
    headers = {**bearer(keys), "Idempotency-Key": "k-1", **more.pop("headers", {})}
    asked = {"json": CART, "headers": headers, **more}
    if "data" in asked:
        asked.pop("json")
    return client.post(f"/v1/tried/42/orders/{order_ref}", **asked)


def test_a_sound_call_is_answered(client: FlaskClient, keys: FileKeys) -> None:
    answer = post(client, keys)

    assert (answer.status_code, answer.json) == (200, {"points": 1})
    assert answer.mimetype == "application/json"


@pytest.mark.parametrize(
    "path", ["/index", "/v1", "/v1/tried/42/", "/v1//tried/42", "/v1/tried/a%2Fb"]
)
def test_a_path_that_is_not_there_is_a_problem(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.json["code"]) == (404, "route_not_found")
    assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_another_method_is_told_which_there_are(client: FlaskClient, method: str) -> None:
    answer = client.open("/v1/tried/42", method=method)

    assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD"


def test_nobody_calls_without_a_token(client: FlaskClient) -> None:
    answer = client.get("/v1/tried/42")

    assert (answer.status_code, answer.json["code"]) == (401, "token_missing")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_missing_scope_is_named(client: FlaskClient, keys: FileKeys) -> None:
    answer = client.get("/v1/tried/42", headers=bearer(keys))

    assert (answer.status_code, answer.json["code"]) == (403, "scope_missing")
    assert answer.json["values"] == {"needed": ["members", "self"]}


def test_a_member_reads_their_own_and_nobody_else(client: FlaskClient, keys: FileKeys) -> None:
    own = bearer(keys, "self", "42")

    assert client.get("/v1/tried/42", headers=own).json["member"] == "shop:42"
    assert client.get("/v1/tried/shop:42", headers=own).status_code == 200
    answer = client.get("/v1/tried/43", headers=own)
    assert (answer.status_code, answer.json["code"]) == (403, "other_member")


@pytest.mark.parametrize("member", ["phone:13800000000", "mail:a.b"])
def test_nothing_personal_stands_in_a_path(
    client: FlaskClient, keys: FileKeys, member: str
) -> None:
    answer = client.get(f"/v1/tried/{member}", headers=bearer(keys, "members"))

    assert (answer.status_code, answer.json["code"]) == (400, "personal_ref_in_path")


@pytest.mark.parametrize("member", ["a%20b", "%00", "x" * 65, "Shop:1", "é", "a:b:c", "%ED%A0%80"])
def test_a_malformed_name_in_a_path_is_refused(
    client: FlaskClient, keys: FileKeys, member: str
) -> None:
    answer = client.get(f"/v1/tried/{member}", headers=bearer(keys, "members"))

    assert (answer.status_code, answer.json["code"]) == (400, "request_invalid")
    assert answer.json["errors"][0]["path"] == "member_ref"


def test_every_fault_of_a_body_is_told_with_its_place(client: FlaskClient, keys: FileKeys) -> None:
    cart = {"lines": [{"sku": "A", "quantity": "2"}, {"quantity": 0, "x": 1}], "more": 1}

    answer = post(client, keys, json=cart)

    assert (answer.status_code, answer.json["code"]) == (400, "request_invalid")
    errors = {error["path"]: error for error in answer.json["errors"]}
    assert set(errors) == {
        "lines[0].quantity",
        "lines[1].sku",
        "lines[1].quantity",
        "lines[1].x",
        "more",
    }
    assert errors["lines[0].quantity"]["value"] == "2"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "json_invalid"),
        (b"{", "json_invalid"),
        (b'{"lines": NaN}', "json_invalid"),
        (b'{"lines": [], "lines": []}', "json_invalid"),
        (b"\xff", "json_invalid"),
        (b"[]", "request_invalid"),
        (b"null", "request_invalid"),
        (b'{"lines": [{"sku": "\\u0000", "quantity": 1}]}', "request_invalid"),
        (b'{"lines": [{"sku": "A", "quantity": 1e2}]}', "request_invalid"),
        (b'{"lines": [{"sku": "A", "quantity": 1' + b"0" * 30 + b"}]}", "request_invalid"),
    ],
)
def test_a_body_that_cannot_be_meant_is_refused(
    client: FlaskClient, keys: FileKeys, body: bytes, code: str
) -> None:
    answer = post(client, keys, data=body, content_type="application/json")

    assert (answer.status_code, answer.json["code"]) == (400, code)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_only_json_is_read(client: FlaskClient, keys: FileKeys, kind: str) -> None:
    answer = post(client, keys, data=json.dumps(CART), content_type=kind)

    assert (answer.status_code, answer.json["code"]) == (415, "media_type_unsupported")


def test_a_body_too_long_is_refused(client: FlaskClient, keys: FileKeys) -> None:
    answer = post(client, keys, data=b" " * 1_001, content_type="application/json")

    assert (answer.status_code, answer.json["code"]) == (413, "body_too_large")
    assert answer.json["values"] == {"limit": 1_000}


def test_a_body_too_long_is_refused_without_a_length_too(
    client: FlaskClient, keys: FileKeys
) -> None:
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    short = json.dumps(CART).encode()

    long = post(
        client,
        keys,
        input_stream=io.BytesIO(b" " * 1_000_000),
        json=None,
        content_type="application/json",
        environ_overrides=chunked,
    )
    good = post(
        client,
        keys,
        input_stream=io.BytesIO(short),
        json=None,
        content_type="application/json",
        environ_overrides=chunked,
    )

    assert (long.status_code, long.json["code"]) == (413, "body_too_large")
    assert good.status_code == 200


def test_a_call_without_a_body_takes_none(client: FlaskClient, keys: FileKeys) -> None:
    answer = client.get("/v1/tried/42", headers=bearer(keys, "members"), data=b"x")

    assert (answer.status_code, answer.json["code"]) == (400, "malformed")


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "idempotency_key_missing"),
        ("a b", "idempotency_key_malformed"),
        ("é", "idempotency_key_malformed"),
        ("x" * 256, "idempotency_key_malformed"),
    ],
)
def test_a_post_carries_a_well_formed_key(
    client: FlaskClient, keys: FileKeys, key: str, code: str
) -> None:
    answer = post(client, keys, headers={"Idempotency-Key": key})

    assert (answer.status_code, answer.json["code"]) == (400, code)


def test_a_query_is_read_strictly(client: FlaskClient, keys: FileKeys) -> None:
    answer = client.get(
        "/v1/tried/42?limit=5&newest=true&order=up", headers=bearer(keys, "members")
    )

    assert answer.json == {"member": "shop:42", "limit": 5, "newest": True, "order": "up"}


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=5.0", "limit"),
        ("limit=+5", "limit"),
        ("limit=", "limit"),
        ("limit=%D9%A3", "limit"),
        ("limit=1&limit=2", "limit"),
        ("newest=1", "newest"),
        ("order=%ff", "order"),
        ("unheard=1", "unheard"),
    ],
)
def test_a_query_that_is_not_in_the_contract_is_refused(
    client: FlaskClient, keys: FileKeys, query: str, path: str
) -> None:
    answer = client.get(f"/v1/tried/42?{query}", headers=bearer(keys, "members"))

    assert (answer.status_code, answer.json["code"]) == (400, "request_invalid")
    assert [error["path"] for error in answer.json["errors"]] == [path]


def test_a_query_to_a_route_without_one_is_refused(client: FlaskClient) -> None:
    assert client.get("/healthz?x=1").status_code == 400


def test_a_refusal_carries_its_code_and_the_values_behind_it(
    client: FlaskClient, keys: FileKeys
) -> None:
    answer = post(client, keys, "taken")

    assert answer.status_code == 409
    assert answer.json == {
        "type": "/docs#taken",
        "title": "Taken",
        "status": 409,
        "detail": "It is taken.",
        "code": "taken",
        "instance": "/v1/tried/42/orders/taken",
        "path": "lines[0]",
        "values": {"asked": 5, "available": 3},
    }
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize(
    ("order", "status", "code"), [("busy", 409, "busy"), ("away", 503, "database_unavailable")]
)
def test_what_passes_by_waiting_says_how_long(
    client: FlaskClient, keys: FileKeys, order: str, status: int, code: str
) -> None:
    answer = post(client, keys, order)

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_fault_of_ours_tells_nothing_and_is_in_the_log(
    client: FlaskClient, keys: FileKeys, lines: io.BytesIO
) -> None:
    answer = post(client, keys, "broken", headers={"X-Request-Id": "request-0001"})

    assert (answer.status_code, answer.json["code"]) == (500, "internal_fault")
    assert "shop:42" not in answer.text
    assert "Traceback" not in answer.text
    fault, _request = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert fault["error"] == "RuntimeError"
    assert fault["request_id"] == "request-0001"
    assert any("test_edge.py" in frame for frame in fault["frames"])
    assert b"shop:42" not in lines.getvalue()


def test_a_request_leaves_one_line_without_names_or_tokens(
    client: FlaskClient, keys: FileKeys, lines: io.BytesIO
) -> None:
    answer = post(client, keys, "order-77")

    (line,) = lines.getvalue().splitlines()
    said = json.loads(line)
    assert said["route"] == "/v1/tried/<member_ref>/orders/<order_ref>"
    assert (said["method"], said["status"], said["caller"]) == ("POST", 200, "storefront")
    assert said["request_id"] == answer.headers["X-Request-Id"]
    assert said["ms"] >= 0
    for secret in (b"order-77", b"shop-1", b"Bearer", b"k-1", b"42"):
        assert secret not in line.replace(said["request_id"].encode(), b"").replace(
            said["at"].encode(), b""
        ).replace(str(said["ms"]).encode(), b"")


@pytest.mark.parametrize("given", ["a b c d e", "short", "x" * 65, "<script>alert"])
def test_a_request_id_that_could_mislead_a_log_is_replaced(client: FlaskClient, given: str) -> None:
    answer = client.get("/healthz", headers={"X-Request-Id": given})

    assert answer.headers["X-Request-Id"] != given


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/docs", "/v1/tried/42"])
def test_every_answer_has_the_headers_that_protect(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    for name in EVERY_ANSWER:
        assert len(answer.headers.getlist(name)) == 1
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_requests_are_counted_by_template(client: FlaskClient, keys: FileKeys) -> None:
    post(client, keys, "counted-1")
    client.open("/nowhere", method="BREW")

    text = client.get("/metrics").text

    assert "counted-1" not in text
    assert 'route="/v1/tried/<member_ref>/orders/<order_ref>",status="200"' in text
    assert 'method="other",route="unmatched",status="404"' in text
    assert "loyalty_http_requests_in_flight 1.0" in text


def test_an_answer_that_is_not_in_the_contract_is_caught_in_tests(
    client: FlaskClient, keys: FileKeys
) -> None:
    with pytest.raises(AssertionError, match="points"):
        post(client, keys, "odd")


def test_a_route_says_who_may_call_it() -> None:
    blueprint = Blueprint("open", __name__)

    with pytest.raises(ValueError, match="scopes"):
        endpoint(blueprint, "GET", "/x", answers={200: None}, summary="x")
    with pytest.raises(ValueError, match="scopes"):
        endpoint(
            blueprint, "GET", "/x", scopes=["self"], public=True, answers={200: None}, summary="x"
        )
    with pytest.raises(ValueError, match="no such"):
        endpoint(blueprint, "GET", "/x", scopes=["root"], answers={200: None}, summary="x")
    with pytest.raises(ValueError, match="member"):
        endpoint(blueprint, "GET", "/x", scopes=["self"], answers={200: None}, summary="x")


def test_a_view_past_the_rule_stops_the_start() -> None:
    app = Flask("past", static_folder=None)
    app.add_url_rule("/past", view_func=lambda: "open to all", endpoint="past")

    with pytest.raises(ValueError, match="/past"):
        list_routes(app)


def test_the_straight_way_finds_what_flask_finds(app: Flask) -> None:
    adapter = app.url_map.bind("localhost")
    for route in list_routes(app):
        path = route.path.replace("{", "a-").replace("}", "")
        found = app.roads.find(route.method, path)

        if not path.startswith("/v1/"):
            assert found is None
            continue
        assert found is not None
        endpoint, named = adapter.match(path, route.method)
        assert app.view_functions[endpoint] is found[0] is route
        assert dict(zip((name for name, _ in route.fields), found[1], strict=True)) == named


@pytest.mark.parametrize(
    "path",
    ["/v1/tried/", "/v1/tried", "/v1/tried//orders/1", "/v1/tried/é", "/v1/tried/a/b", "", "x"],
)
def test_what_is_not_plain_goes_the_long_way(app: Flask, path: str) -> None:
    assert app.roads.find("POST", path) is None
    assert app.roads.find("HEAD", "/v1/tried/42") is None


@pytest.mark.parametrize(
    ("order", "more"),
    [
        ("1", {}),
        ("taken", {}),
        ("busy", {}),
        ("away", {}),
        ("broken", {}),
        ("a b", {}),
        ("1", {"headers": {"Authorization": "Bearer x"}}),
        ("1", {"headers": {"Idempotency-Key": ""}}),
        ("1", {"data": b"{", "content_type": "application/json"}),
        ("1", {"data": b"{}", "content_type": "text/plain"}),
        ("1", {"data": b" " * 1_001, "content_type": "application/json; charset=utf-8"}),
        ("1", {"query_string": "x=1"}),
    ],
)
def test_both_ways_answer_alike(
    app: Flask, keys: FileKeys, monkeypatch: Any, order: str, more: dict[str, Any]
) -> None:
    headers = {"X-Request-Id": "request-0001", **more.pop("headers", {})}

    def ask() -> Any:
        answer = post(app.test_client(), keys, order, headers=headers, **more)
        return answer.status, sorted(answer.headers), answer.data

    straight = ask()
    monkeypatch.setattr(app, "roads", Roads(()))
    assert ask() == straight
