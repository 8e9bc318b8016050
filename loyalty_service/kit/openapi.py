"""The contract in OpenAPI 3.1, written from the routes and the very schemas that validate."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from loyalty_service.kit.auth import SCOPES
from loyalty_service.kit.errors import Refusal
from loyalty_service.kit.fields import MOST_ERRORS
from loyalty_service.kit.http import Route
from loyalty_service.kit.problems import MEDIA_TYPE, status_of
from loyalty_service.kit.refusals import list_refusals, paragraphs, refusals_of

Example = Mapping[str, Any]
"""A call that was made: ``parameters`` by name, ``body`` and ``answer``, where it has them."""

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


def describe(
    routes: Iterable[Route], info: Mapping[str, str], examples: Mapping[str, Example]
) -> dict[str, Any]:
    """The whole contract as an OpenAPI document.

    Args:
        info: title, version and description.
        examples: by the name of the operation; ``problem`` is that of a refusal.

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
    refused = {"examples": [examples["problem"]]} if "problem" in examples else {}
    spec.components.schema("Problem", {**_PROBLEM, **refused})
    spec.components.security_scheme("bearer", _bearer())
    routes = list(routes)
    _require_unique(route.handler.__name__ for route in routes)
    for route in routes:
        operation = _operation(route, examples.get(route.handler.__name__, {}))
        spec.path(route.path, operations={route.method.lower(): operation})
    document: dict[str, Any] = {"openapi": "3.1.0", **spec.to_dict()}
    _explain_shapes(document, plugin.converter.refs)
    document["x-refusals"] = list_refusals(routes)
    return document


def as_yaml(document: Mapping[str, Any]) -> str:
    """The document as text, the same on every machine."""
    return yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=100)


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _operation(route: Route, example: Example) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "tags": list(route.tags),
        "summary": route.summary,
    }
    if route.handler.__doc__:
        operation["description"] = _text(route.handler.__doc__)
    operation["security"] = [{"bearer": [scope]} for scope in route.scopes]
    parameters = _parameters(route, example.get("parameters", {}))
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        content = {"schema": type(route.body), **_example(example, "body")}
        operation["requestBody"] = {
            "required": True,
            "description": f"At most {route.max_body_bytes} bytes.",
            "content": {"application/json": content},
        }
    operation["responses"] = _responses(route, example)
    return operation


def _parameters(route: Route, example: Example) -> list[dict[str, Any]]:
    parameters = [
        {
            "in": "path",
            "name": name,
            "required": True,
            **_parameter(field),
            **_example(example, name),
        }
        for name, field in route.fields
    ]
    for name, field in route.query.fields.items() if route.query else ():
        schema = {**_parameter(field), **_example(example, name)}
        parameters.append({"in": "query", "name": name, "required": field.required, **schema})
    if route.keyed:
        parameters.append(
            {
                "in": "header",
                "name": "Idempotency-Key",
                "required": True,
                "description": "New for each new call, the same when a call is sent again.",
                "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
                **_example(example, "Idempotency-Key"),
            }
        )
    return parameters


def _example(example: Example, name: str) -> dict[str, Any]:
    return {"example": example[name]} if name in example else {}


def _parameter(field: Any) -> dict[str, Any]:
    said = {"schema": field.json_schema()}
    if "description" in field.metadata:
        said["description"] = field.metadata["description"]
    return said


def _responses(route: Route, example: Example) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, schema in sorted(route.answers.items()):
        if 300 <= status < 400:
            responses[str(status)] = _ELSEWHERE
        else:
            responses[str(status)] = _answer(schema, route, example)
    by_status: dict[int, list[type[Refusal]]] = {}
    for kind in refusals_of(route):
        by_status.setdefault(status_of(kind), []).append(kind)
    for status, kinds in by_status.items():
        responses[str(status)] = _refusal(status, kinds)
    return responses


def _answer(schema: Schema | None, route: Route, example: Example) -> dict[str, Any]:
    if schema is None:
        kind = route.media_type.partition(";")[0]
        # A reader of YAML finds an object there, one of text a text.
        content = {kind: {"schema": {} if kind.endswith("yaml") else {"type": "string"}}}
        return {"description": "Not JSON.", "content": content}
    shape = {"schema": type(schema), **_example(example, "answer")}
    description = _text(type(schema).__doc__ or "Done.")
    content = {"application/json": shape}
    if route.other_media_type:
        content[route.other_media_type.partition(";")[0]] = {"schema": {"type": "string"}}
    return {"description": description, "content": content}


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
            shapes[name] = {"description": _text(doc), **shapes[name], **key[0].goes_together}


def _text(docstring: str) -> str:
    return "\n\n".join(paragraphs(docstring))


def _require_unique(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{name} is the name of two things")
        seen.add(name)
