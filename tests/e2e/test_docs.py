"""The contract, for machines and for people."""

import re
from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest
import yaml
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from loyalty_service.app import bare_app, openapi_text
from loyalty_service.kit.http import PARTS, Parts, list_routes
from loyalty_service.web.chinese import CALLS, REFUSALS
from loyalty_service.web.docs import contract
from loyalty_service.web.words import ANSWERS, LANGUAGES


@pytest.fixture(scope="module")
def app() -> Flask:
    app = bare_app()
    app.testing = True
    nothing: Any = None
    app.extensions[PARTS] = Parts(nothing, nothing, nothing, nothing, nothing, nothing)
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_the_contract_is_sound_openapi(client: FlaskClient) -> None:
    answer = client.get("/openapi.yaml")

    assert answer.mimetype == "application/yaml"
    assert answer.text == openapi_text()
    # The reader in C: the contract is long.
    validate(yaml.load(answer.text, Loader=yaml.CSafeLoader))


def test_the_contract_is_the_same_every_time() -> None:
    assert openapi_text() == openapi_text()


def test_the_contract_has_every_route_and_no_other(app: Flask) -> None:
    document = contract(app)

    written = {(method.upper(), path) for path, at in document["paths"].items() for method in at}
    assert written == {(route.method, route.path) for route in list_routes(app)}


def test_every_call_says_what_it_is_for(app: Flask) -> None:
    for route in list_routes(app):
        assert route.summary, route.path
        assert route.public or route.handler.__doc__, route.path
        assert route.tags, route.path


def test_the_page_explains_every_code_and_call(client: FlaskClient, app: Flask) -> None:
    page = client.get("/docs").text

    names = set(re.findall(r' id="([^"]+)"', page))
    assert len(names) == len(re.findall(r' id="', page))
    for refusal in contract(app)["x-refusals"]:
        assert refusal["code"] in names
        assert refusal["meaning"]
    assert {route.handler.__name__ for route in list_routes(app)} <= names
    assert set(re.findall(r'href="#([^"]+)"', page)) <= names


def test_no_text_of_the_contract_shows_how_it_was_made() -> None:
    text = openapi_text()

    assert "``" not in text
    assert not re.search(r"\([45]\d\d\)[.;]", text)


def test_no_call_and_no_code_lacks_its_chinese(app: Flask) -> None:
    codes = {refusal["code"] for refusal in contract(app)["x-refusals"]}

    assert CALLS.keys() == {route.handler.__name__ for route in list_routes(app)}
    assert REFUSALS.keys() == codes
    for text in (*(text for texts in CALLS.values() for text in texts), *REFUSALS.values()):
        assert re.search(r"[\u4e00-\u9fff]", text), text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_answer_has_its_line_in_the_table_of_what_to_do(app: Flask, lang: str) -> None:
    refusals = contract(app)["x-refusals"]
    answers = " ".join(row[lang][0] for row in ANSWERS)

    assert {str(refusal["status"]) for refusal in refusals} <= set(re.findall(r"\d{3}", answers))
    assert set(re.findall(r"`(\w+)`", answers)) <= {refusal["code"] for refusal in refusals}


@pytest.mark.parametrize(("lang", "said"), [("en", "64.00 yuan"), ("zh", "64.00 元")])
def test_the_page_says_what_an_amount_is(client: FlaskClient, lang: str, said: str) -> None:
    page = client.get(f"/docs?lang={lang}").text

    units = page[page.index('id="units"') : page.index('id="answers"')]
    assert said in units
    assert "lines[].amount" in units
    assert "what the whole line costs (unit price x quantity)" in page


def test_quoting_reserving_and_releasing_stand_before_orders(client: FlaskClient) -> None:
    page = client.get("/docs").text

    places = ["g-checkout", "quote", "reserve", "release", "g-orders", "pay", "g-docs"]
    found = [page.index(f' id="{place}"') for place in places]
    assert found == sorted(found)


def test_the_page_needs_nothing_from_elsewhere(client: FlaskClient) -> None:
    answer = client.get("/docs")

    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style is not None
    digest = b64encode(sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<script|src=|@import|url\(|style=|https?://", answer.text)


@pytest.mark.parametrize(
    ("accept", "query", "lang"),
    [
        ("", "", "en"),
        ("fr", "", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "", "zh"),
        ("en", "?lang=zh", "zh"),
        ("zh", "?lang=en", "en"),
    ],
)
def test_the_page_speaks_the_language_asked_for(
    client: FlaskClient, accept: str, query: str, lang: str
) -> None:
    answer = client.get(f"/docs{query}", headers={"Accept-Language": accept})

    assert answer.headers["Content-Language"] == lang
    assert ("会员积分服务" in answer.text) == (lang == "zh")
    assert answer.headers["Vary"] == "Accept-Language"


def test_the_front_door_leads_to_the_page(client: FlaskClient) -> None:
    answer = client.get("/")

    assert answer.status_code == 303
    assert answer.location == "/docs"
    assert client.get("/", follow_redirects=True).text == client.get("/docs").text


def test_a_language_that_is_not_there_is_refused(client: FlaskClient) -> None:
    assert client.get("/docs?lang=xx").status_code == 400


def test_the_picture_shows_calls_that_there_are(client: FlaskClient, app: Flask) -> None:
    page = client.get("/docs").text
    routes = {(route.method, re.sub(r"{.*?}", "{}", route.path)) for route in list_routes(app)}

    shown = re.findall(r'class="api[^>]*>(GET|PUT|POST) (\S+)<', page)

    assert len(shown) == 9
    for method, path in shown:
        ending = re.sub(r"{.*?}", "{}", path).replace("\u2026", "")
        assert any(m == method and p.endswith(ending) for m, p in routes), path
