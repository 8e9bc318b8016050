"""The contract for people: one plain page, made from the contract for machines."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from flask import Blueprint, Flask, current_app, render_template
from markupsafe import Markup, escape

from loyalty_service import __version__
from loyalty_service.kit.auth import SCOPES
from loyalty_service.kit.fields import (
    CODE_PATTERN,
    CURRENCY_PATTERN,
    LARGEST,
    Choice,
    Query,
    about,
)
from loyalty_service.kit.http import Call, Reply, Route, endpoint, list_routes
from loyalty_service.kit.naming import (
    ANY_REF_PATTERN,
    KIND_PATTERN,
    MEMBER_REF_PATTERN,
    MOST_PERSONAL,
    PERSONAL_PATTERN,
    REF_PATTERN,
)
from loyalty_service.kit.openapi import as_yaml, describe
from loyalty_service.kit.problems import status_of
from loyalty_service.web.chinese import CALLS, REFUSALS
from loyalty_service.web.words import ANSWERS, LANGUAGES, TAGS, in_language

blueprint = Blueprint("docs", __name__)

_LATER = ("look_up", "take_batch", "find_order", "explain_entry", "prove")
"""Calls that are told after the others of their section."""
_CONTRACT = "loyalty.contract"
_TEMPLATES = Path(__file__).parent / "templates"
_EXAMPLES = Path(__file__).parent / "examples.json"
"""Calls that were made; ``tests/e2e/test_examples.py`` plays them."""
_PATTERNS = {
    REF_PATTERN: "text, 1 … 64 of A-Z a-z 0-9 . _ ~ -",
    MEMBER_REF_PATTERN: "member reference",
    ANY_REF_PATTERN: "member reference",
    KIND_PATTERN: "kind, 1 … 20 of a-z 0-9 _",
    PERSONAL_PATTERN: f"text, 1 … {MOST_PERSONAL}",
    CODE_PATTERN: "code, 1 … 40 of a-z 0-9 _",
    CURRENCY_PATTERN: "ISO 4217 code",
    "[!-~]{1,255}": "text, 1 … 255 visible ASCII",
}
_INFO = {
    "title": "Loyalty service",
    "version": __version__,
    "description": "Points for a shop: earned, kept and taken back by rules that can be read. "
    "Money is in minor units (6400 in CNY is 64.00 yuan), and `lines[].amount` is what a whole "
    "line costs. Points are whole numbers, instants are RFC 3339 in UTC. "
    "Every POST that writes carries an Idempotency-Key; every refusal is a problem with a stable "
    "code.",
}


class DocsQuery(Query):
    """How the page is wanted."""

    lang = Choice(LANGUAGES, **about("instead of Accept-Language"))


@endpoint(
    blueprint,
    "GET",
    "/openapi.yaml",
    public=True,
    answers={200: None},
    media_type="application/yaml",
    summary="This contract, in OpenAPI 3.1",
    tags=("docs",),
)
def openapi(_call: Call) -> Reply:
    """For machines: the same as on the page."""
    return Reply(as_yaml(contract(current_app)).encode())


@endpoint(
    blueprint,
    "GET",
    "/",
    public=True,
    answers={303: None},
    media_type="text/html; charset=utf-8",
    summary="To this description",
    tags=("docs",),
)
def home(_call: Call) -> Reply:
    """To /docs."""
    return Reply(b"", 303, headers={"Location": "/docs"})


@endpoint(
    blueprint,
    "GET",
    "/docs",
    public=True,
    query=DocsQuery,
    answers={200: None},
    media_type="text/html; charset=utf-8",
    summary="This contract, for people",
    tags=("docs",),
)
def docs(call: Call) -> Reply:
    """This page, in English or Chinese."""
    lang = call.query.get("lang") or call.prefers(LANGUAGES)
    style = (_TEMPLATES / "docs.css").read_text()
    page = render_template(
        "docs.html",
        lang=lang,
        other=LANGUAGES[1 - LANGUAGES.index(lang)],
        words=in_language(lang),
        version=__version__,
        style=style,
        scopes=SCOPES,
        answers=[said[lang] for said in ANSWERS],
        groups=list_groups(current_app, lang),
        refusals=_in_words(contract(current_app)["x-refusals"], lang),
        problem=_pretty(contract(current_app)["components"]["schemas"]["Problem"]["examples"][0]),
    )
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"
    headers = {
        "Content-Security-Policy": policy,
        "Content-Language": lang,
        "Vary": "Accept-Language",
        "Cache-Control": "max-age=300",
    }
    return Reply(page.encode(), headers=headers)


def contract(app: Flask) -> dict[str, Any]:
    """The contract of an app, written once."""
    document: dict[str, Any] | None = app.extensions.get(_CONTRACT)
    if document is None:
        examples = orjson.loads(_EXAMPLES.read_bytes())
        document = app.extensions[_CONTRACT] = describe(list_routes(app), _INFO, examples)
    return document


def contract_text(app: Flask) -> str:
    """The contract of an app as YAML."""
    return as_yaml(contract(app))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: a field, what it takes, and what it is for."""

    name: str
    takes: str
    required: bool
    about: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One call, as the page shows it."""

    route: Route
    title: str
    description: list[str]
    parameters: list[Row]
    body: list[Row]
    body_example: str
    answers: list[tuple[int, str, list[Row], str]]
    refusals: list[tuple[str, int]]


@blueprint.app_template_filter("marked")
def marked(text: str) -> Markup:
    """A text with its `names` set as code; a code of a refusal leads to its meaning."""
    codes = {refusal["code"] for refusal in contract(current_app)["x-refusals"]}
    parts = str(escape(text)).split("`")
    for i in range(1, len(parts), 2):
        code = f"<code>{parts[i]}</code>"
        parts[i] = f'<a href="#{parts[i]}">{code}</a>' if parts[i] in codes else code
    return Markup("".join(parts))  # noqa: S704 (escaped above)


def list_groups(app: Flask, lang: str) -> list[tuple[str, list[Operation]]]:
    """Every call of the app under its first tag."""
    document = contract(app)
    grouped: dict[str, list[Operation]] = {tag: [] for tag in TAGS}
    for route in sorted(list_routes(app), key=_as_told):
        operation = document["paths"][route.path][route.method.lower()]
        tag = route.tags[0] if route.tags and route.tags[0] in TAGS else "docs"
        shapes = document["components"]["schemas"]
        grouped[tag].append(_operation(route, operation, shapes, lang))
    return [(tag, operations) for tag, operations in grouped.items() if operations]


def _as_told(route: Route) -> tuple[bool, str, int]:
    # A feature declares its routes in the order in which a shop meets them.
    is_later = route.handler.__name__ in _LATER
    return is_later, route.handler.__module__, route.handler.__code__.co_firstlineno


def _operation(route: Route, said: dict[str, Any], shapes: dict[str, Any], lang: str) -> Operation:
    name, title, text = route.handler.__name__, route.summary, said.get("description", "")
    if lang == "zh":
        title, text = CALLS.get(name, (title, text))
    content = said.get("requestBody", {}).get("content", {}).get("application/json", {})
    answers = []
    for status in route.answers:
        answer = said["responses"][str(status)]
        shape = answer.get("content", {}).get("application/json", {})
        rows = list(_rows(shape.get("schema", {}), shapes))
        answers.append((status, answer["description"], rows, _pretty(shape.get("example"))))
    return Operation(
        route=route,
        title=title,
        description=text.split("\n\n"),
        parameters=[_parameter(parameter) for parameter in said.get("parameters", [])],
        body=list(_rows(content.get("schema", {}), shapes)),
        body_example=_pretty(content.get("example")),
        answers=answers,
        refusals=[(kind.code, status_of(kind)) for kind in route.refusals],
    )


def _in_words(refusals: list[dict[str, Any]], lang: str) -> list[dict[str, Any]]:
    words = REFUSALS if lang == "zh" else {}
    return [one | {"meaning": words.get(one["code"], one["meaning"])} for one in refusals]


def _parameter(said: dict[str, Any]) -> Row:
    name = f"{said['name']} ({said['in']})"
    return Row(name, _takes(said["schema"]), said["required"], said.get("description", ""))


def _rows(schema: dict[str, Any], shapes: dict[str, Any], prefix: str = "") -> Iterator[Row]:
    """The fields of a shape and of those inside it, as ``lines[].sku``."""
    shape = _resolve(schema, shapes)
    needed = shape.get("required", ())
    for name, field in shape.get("properties", {}).items():
        path = f"{prefix}{name}"
        inner = _resolve(field, shapes)
        takes = _takes(inner) + (", null" if "anyOf" in field else "")
        yield Row(path, takes, name in needed, field.get("description", ""))
        if inner.get("type") == "array" and "$ref" in inner["items"]:
            yield from _rows(inner["items"], shapes, f"{path}[].")
        elif inner is not field:
            yield from _rows(field, shapes, f"{path}.")


def _resolve(schema: dict[str, Any], shapes: dict[str, Any]) -> dict[str, Any]:
    schema = next(iter(schema.get("allOf", schema.get("anyOf", ()))), schema)
    if "$ref" in schema:
        found: dict[str, Any] = shapes[schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def _takes(schema: dict[str, Any]) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "any JSON")
    nullable = isinstance(kind, list)
    word = _word(kind[0] if nullable else kind, schema)
    return f"{word}, null" if nullable else word


def _word(kind: str, schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(str(choice) for choice in schema["enum"] if choice is not None)
    if kind == "integer":
        return _whole(schema["minimum"], schema["maximum"])
    if kind == "array":
        return f"list, {schema.get('minItems', 0)} … {schema.get('maxItems', '')}"
    if kind == "object" and "amount" in schema.get("properties", {}):
        return "money: {amount, currency}, minor units"
    if "maxLength" in schema:
        return f"text, {schema.get('minLength', 0)} … {schema['maxLength']}"
    if "format" in schema:
        return {"date-time": "instant, RFC 3339", "date": "date"}[schema["format"]]
    pattern = str(schema.get("pattern", kind)).strip("^$")
    return _PATTERNS.get(pattern, pattern)


def _whole(minimum: int, maximum: int) -> str:
    if maximum < LARGEST:
        return f"integer, {minimum} … {maximum}"
    return "integer" if minimum == -LARGEST else f"integer, from {minimum}"


def _pretty(example: Any) -> str:
    if example is None:
        return ""
    return orjson.dumps(example, option=orjson.OPT_INDENT_2).decode()
