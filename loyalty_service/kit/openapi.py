"""The contract in OpenAPI 3.1, written from the routes and the very schemas that validate."""

from collections.abc import Iterable, Mapping
from inspect import cleandoc
from typing import Any

import yaml
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from loyalty_service.kit.auth import SCOPES
from loyalty_service.kit.db import Busy
from loyalty_service.kit.denials import TOKEN_REFUSALS, OtherMember, ScopeMissing
from loyalty_service.kit.errors import Malformed, Refusal
from loyalty_service.kit.examples import example_of, example_of_field
from loyalty_service.kit.fields import MOST_ERRORS, Cursor
from loyalty_service.kit.http import (
    IdempotencyKeyMalformed,
    IdempotencyKeyMissing,
    KeysAway,
    Route,
)
from loyalty_service.kit.idempotency import KeyReused
from loyalty_service.kit.paths import CursorInvalid, PersonalRefInPath
from loyalty_service.kit.problems import (
    MEDIA_TYPE,
    BodyBroken,
    BodyTooLarge,
    DatabaseUnavailable,
    InternalFault,
    JsonInvalid,
    MediaTypeUnsupported,
    MethodNotAllowed,
    RequestInvalid,
    RouteNotFound,
    status_of,
)

ANYWHERE = (RouteNotFound, MethodNotAllowed)
"""Refusals that belong to no route in particular."""

_PROBLEM = {
    "type": "object",
    "description": "Why a call was refused (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code", "instance"],
    "properties": {
        "type": {"type": "string", "description": "where the code is explained"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "one sentence for a person"},
        "code": {"type": "string", "description": "stable; decide by this"},
        "instance": {"type": "string", "description": "the path that was asked for"},
        "path": {"type": "string", "description": "where in the request"},
        "values": {"type": "object", "description": "the values behind the refusal"},
        "errors": {
            "type": "array",
            "maxItems": MOST_ERRORS,
            "items": {
                "type": "object",
                "required": ["path", "message"],
                "properties": {
                    "path": {"type": "string"},
                    "message": {"type": "string"},
                    "value": {"type": ["string", "number", "boolean"]},
                },
            },
        },
    },
}

_ELSEWHERE = {
    "description": "It is at the address in Location.",
    "headers": {"Location": {"required": True, "schema": {"type": "string"}}},
}


def describe(routes: Iterable[Route], info: Mapping[str, str]) -> dict[str, Any]:
    """The whole contract as an OpenAPI document.

    Args:
        info: title, version and description.

    Raises:
        ValueError: two shapes or two operations share a name.
    """
    plugin = MarshmallowPlugin()
    spec = APISpec(
        info["title"],
        info["version"],
        "3.1.0",
        plugins=[plugin],
        info={"description": info["description"]},
    )
    assert plugin.converter is not None
    plugin.converter.add_attribute_function(_say_strictly)  # type: ignore[no-untyped-call]
    spec.components.schema("Problem", _PROBLEM)
    spec.components.security_scheme("bearer", _bearer())
    routes = list(routes)
    _require_unique(route.handler.__name__ for route in routes)
    for route in routes:
        spec.path(route.path, operations={route.method.lower(): _operation(route)})
    document: dict[str, Any] = {"openapi": "3.1.0", **spec.to_dict()}
    _explain_shapes(document, plugin.converter.refs)
    document["x-refusals"] = _list_refusals(routes)
    return document


def as_yaml(document: Mapping[str, Any]) -> str:
    """The document as text, the same on every machine."""
    return yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=100)


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def refusals_of(route: Route) -> list[type[Refusal]]:
    """Every refusal a route may answer with, its own and what the edge adds."""
    kinds: list[type[Refusal]] = [InternalFault, Malformed, RequestInvalid, *route.refusals]
    if not route.public:
        kinds += [*TOKEN_REFUSALS, KeysAway, ScopeMissing, DatabaseUnavailable]
    if "self" in route.scopes:
        kinds.append(OtherMember)
    if any(name == "member_ref" for name, _ in route.fields):
        kinds.append(PersonalRefInPath)
    if route.query and any(isinstance(field, Cursor) for field in route.query.fields.values()):
        kinds.append(CursorInvalid)
    if route.body is not None:
        kinds += [BodyBroken, JsonInvalid, BodyTooLarge, MediaTypeUnsupported]
    if route.keyed:
        kinds += [IdempotencyKeyMissing, IdempotencyKeyMalformed, KeyReused, Busy]
    unique = {kind.code: kind for kind in kinds}
    return sorted(unique.values(), key=lambda kind: (status_of(kind), kind.code))


def meaning_of(kind: type[Refusal]) -> str:
    """What a refusal means, in one sentence."""
    return cleandoc(kind.__doc__ or "").split("\n\n")[0].replace("\n", " ")


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "tags": list(route.tags),
        "summary": route.summary,
    }
    if route.handler.__doc__:
        operation["description"] = cleandoc(route.handler.__doc__)
    operation["security"] = [{"bearer": [scope]} for scope in route.scopes]
    parameters = _parameters(route)
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        content = {"schema": type(route.body), "example": example_of(route.body)}
        operation["requestBody"] = {
            "required": True,
            "description": f"At most {route.max_body_bytes} bytes.",
            "content": {"application/json": content},
        }
    operation["responses"] = _responses(route)
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    parameters = [
        {"in": "path", "name": name, "required": True, **_parameter(field)}
        for name, field in route.fields
    ]
    for name, field in route.query.fields.items() if route.query else ():
        schema = _parameter(field)
        parameters.append({"in": "query", "name": name, "required": field.required, **schema})
    if route.keyed:
        parameters.append(
            {
                "in": "header",
                "name": "Idempotency-Key",
                "required": True,
                "description": "New for each new call, the same when a call is sent again.",
                "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
                "example": "6f1c2c1e-5d0b-4d3a-9a0e-1f7f5d0c8a11",
            }
        )
    return parameters


def _parameter(field: Any) -> dict[str, Any]:
    said = {"schema": field.json_schema(), "example": example_of_field(field)}
    if "description" in field.metadata:
        said["description"] = field.metadata["description"]
    return said


def _responses(route: Route) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, schema in sorted(route.answers.items()):
        is_elsewhere = 300 <= status < 400
        responses[str(status)] = _ELSEWHERE if is_elsewhere else _answer(schema, route.media_type)
    by_status: dict[int, list[type[Refusal]]] = {}
    for kind in refusals_of(route):
        by_status.setdefault(status_of(kind), []).append(kind)
    for status, kinds in by_status.items():
        responses[str(status)] = _refusal(status, kinds)
    return responses


def _answer(schema: Schema | None, media_type: str) -> dict[str, Any]:
    if schema is None:
        kind = media_type.partition(";")[0]
        # A reader of YAML finds an object there, one of text a text.
        content = {kind: {"schema": {} if kind.endswith("yaml") else {"type": "string"}}}
        return {"description": "Not JSON.", "content": content}
    shape = {"schema": type(schema), "example": example_of(schema)}
    description = cleandoc(type(schema).__doc__ or "Done.")
    return {"description": description, "content": {"application/json": shape}}


def _refusal(status: int, kinds: list[type[Refusal]]) -> dict[str, Any]:
    codes = [kind.code for kind in kinds]
    schema = {
        "allOf": [
            {"$ref": "#/components/schemas/Problem"},
            {"properties": {"code": {"enum": codes}}},
        ]
    }
    response: dict[str, Any] = {
        "description": ", ".join(codes),
        "content": {MEDIA_TYPE: {"schema": schema}},
    }
    if status in (409, 503):
        said = "Seconds to wait before the same call is sent again, where waiting helps."
        response["headers"] = {"Retry-After": {"description": said, "schema": {"type": "integer"}}}
    return response


def _bearer() -> dict[str, Any]:
    scopes = "\n".join(f"- `{scope}`: {meaning}" for scope, meaning in SCOPES.items())
    text = (
        "A JWT whose header says `typ: at+jwt` and a known `kid`, with the claims iss, aud, exp, "
        f"iat, sub and scope. Scopes:\n\n{scopes}"
    )
    return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": text}


def _say_strictly(_converter: Any, field: Any, **_said: Any) -> dict[str, Any]:
    """A strict field's own words, for apispec; with null where the field takes it."""
    say = getattr(field, "json_schema", None)
    if say is None:
        return {}
    said: dict[str, Any] = say()
    if field.allow_none and isinstance(said.get("type"), str):
        said["type"] = [said["type"], "null"]
        if "enum" in said:
            said["enum"] = [*said["enum"], None]
    return said


def _explain_shapes(document: dict[str, Any], refs: Mapping[Any, str]) -> None:
    shapes = document["components"]["schemas"]
    _require_unique(key[0].__name__ for key in refs)
    for key, name in refs.items():
        doc = key[0].__doc__
        if doc:
            shapes[name] = {"description": cleandoc(doc), **shapes[name], **key[0].goes_together}


def _list_refusals(routes: Iterable[Route]) -> list[dict[str, Any]]:
    kinds = {kind.code: kind for route in routes for kind in refusals_of(route)}
    kinds |= {kind.code: kind for kind in ANYWHERE}
    ordered = sorted(kinds.values(), key=lambda kind: (status_of(kind), kind.code))
    return [
        {"code": kind.code, "status": status_of(kind), "meaning": meaning_of(kind)}
        for kind in ordered
    ]


def _require_unique(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{name} is the name of two things")
        seen.add(name)
