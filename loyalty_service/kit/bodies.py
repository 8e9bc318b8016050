"""Reading what a client sends: bounded, JSON only, exact, and all faults at once."""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import orjson
from marshmallow import Schema, ValidationError
from werkzeug.wrappers import Request

from loyalty_service.kit.fields import MOST_ERRORS, Strict
from loyalty_service.kit.frozen import frozen
from loyalty_service.kit.observe import Environ
from loyalty_service.kit.problems import (
    BodyTooLarge,
    JsonInvalid,
    MediaTypeUnsupported,
    RequestInvalid,
)
from loyalty_service.kit.quick import Amiss, Reader
from loyalty_service.kit.shapes import ListOf

LONGEST_ECHO = 100
JSON = "application/json"


class _Repeated(ValueError):
    pass


@frozen
class Json:
    """What a client sent, and the same in the one way it is written here: names sorted, no gaps."""

    value: Any
    canonical: bytes


def has_body(environ: Environ) -> bool:
    """Whether a request brings a body."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        return True
    return bool(environ.get("CONTENT_LENGTH") and Request(environ).content_length)


def read_json(environ: Environ, max_bytes: int) -> Json:
    """The body of a request as JSON.

    Raises:
        MediaTypeUnsupported: it is not sent as application/json.
        BodyTooLarge: it is longer than ``max_bytes``; no more than that is read.
        JsonInvalid: it is no JSON, no UTF-8, holds NaN or half a character, or repeats a name.
    """
    # Nearly all send just this; reading the header in all its forms takes longer than the body.
    if environ.get("CONTENT_TYPE") != JSON and Request(environ).mimetype != JSON:
        raise MediaTypeUnsupported("Send the body as application/json.")
    if "wsgi.input_terminated" in environ:
        text = environ["wsgi.input"].read(max_bytes + 1)
    else:
        request = Request(environ)
        # One more than is taken: a body without a length is cut off at the limit without a word.
        request.max_content_length = max_bytes + 1
        text = request.get_data(cache=False)
    if len(text) > max_bytes:
        raise BodyTooLarge(f"This route takes at most {max_bytes} bytes.", limit=max_bytes)
    return parse_json(text)


def parse_json(text: bytes) -> Json:
    """Parse JSON that means the same to every reader.

    Raises:
        JsonInvalid: see ``read_json``.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise JsonInvalid("The body is no JSON in UTF-8.") from None
    try:
        canonical = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        if _may_repeat(text, canonical):
            _REPEATS.decode(text.decode())
    except _Repeated as fault:
        raise JsonInvalid(f"The field {fault} is there twice.") from None
    except (orjson.JSONEncodeError, ValueError, RecursionError):
        raise JsonInvalid("The body is nested too deeply, or holds a number too long.") from None
    return Json(value, canonical)


def _may_repeat(text: bytes, canonical: bytes) -> bool:
    """Whether a name may be in ``text`` twice of which ``canonical`` kept one.

    Of two fields with one name the readers of JSON keep now the first, now the last: what one
    system approved, the next would not do. orjson keeps the last and does not tell. But a field
    that is dropped takes its colon along, and only a colon sent as an escape can make up for it.
    """
    return text.count(b":") != canonical.count(b":") or (
        b"\\u" in text and _ESCAPED_COLON.search(text) is not None
    )


def _refuse_repeats(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) == 1:
        return
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise _Repeated(next(name for name in names if names.count(name) > 1)[:LONGEST_ECHO])


_ESCAPED_COLON = re.compile(rb"\\u003[aA]")
_REPEATS = json.JSONDecoder(object_pairs_hook=_refuse_repeats)


def load(
    schema: Schema, value: Any, part: str = "body", plan: Reader | None = None
) -> dict[str, Any]:
    """Read a parsed body by its schema.

    Args:
        plan: the straight way through the schema, tried first.

    Raises:
        RequestInvalid: with every fault, its place and the value found there.
    """
    if plan is not None:
        try:
            quickly: dict[str, Any] = plan(value)
        except (Amiss, ValidationError):
            pass  # Marshmallow tells why.
        else:
            return quickly
    try:
        loaded: dict[str, Any] = schema.load(value)
    except ValidationError as fault:
        errors = faults_of(fault.messages, value)
        raise RequestInvalid(f"The {part} breaks the contract.", errors) from None
    return loaded


def faults_of(messages: Any, value: Any) -> list[dict[str, Any]]:
    """Flatten marshmallow's messages to places as ``lines[2].quantity``, at most a hundred."""
    errors: list[dict[str, Any]] = []
    _flatten(messages, "", value, errors)
    return errors[:MOST_ERRORS]


def _flatten(messages: Any, path: str, value: Any, errors: list[dict[str, Any]]) -> None:
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            # Marshmallow's name for the whole object, unless a client sent a field of that name.
            whole = name == "_schema" and _inside(value, name) is None
            place = path if whole else _join(path, name)
            found = value if whole else _inside(value, name)
            _flatten(inner, place, found, errors)
        return
    for message in messages if isinstance(messages, list) else [messages]:
        error: dict[str, Any] = {"path": path, "message": str(message)}
        if isinstance(value, str | int | float):
            error["value"] = value[:LONGEST_ECHO] if isinstance(value, str) else value
        errors.append(error)


def _join(path: str, name: Any) -> str:
    if isinstance(name, int):
        return f"{path}[{name}]"
    short = str(name)[:LONGEST_ECHO]
    return f"{path}.{short}" if path else short


def _inside(value: Any, name: Any) -> Any:
    if isinstance(value, Mapping):
        return value.get(name)
    if isinstance(value, list) and isinstance(name, int) and name < len(value):
        return value[name]
    return None


def read_query(environ: Environ, schema: Schema | None) -> dict[str, Any]:
    """The query string by its schema; a route without one takes none.

    Raises:
        RequestInvalid: a parameter is unknown, given twice, or not what it must be.
    """
    if not environ.get("QUERY_STRING"):
        return {} if schema is None else load(schema, {}, "query")
    known = schema.fields if schema is not None else {}
    found: dict[str, Any] = {}
    errors = []
    for name, texts in Request(environ).args.lists():
        field = known.get(name)
        if field is None:
            errors.append({"path": name[:LONGEST_ECHO], "message": "unknown parameter"})
        elif isinstance(field, ListOf):
            found[name] = texts
        elif len(texts) > 1:
            errors.append({"path": name, "message": "is given more than once"})
        else:
            found[name] = field.from_text(texts[0]) if isinstance(field, Strict) else texts[0]
    if errors:
        raise RequestInvalid("The query breaks the contract.", errors[:MOST_ERRORS])
    return load(schema, found, "query") if schema is not None else {}


def fingerprint_of(method: str, path: str, canonical: bytes = b"null") -> bytes:
    """A digest that two requests share when they ask for the same thing.

    Args:
        canonical: the body as ``Json`` has it; that of a call without one is null.
    """
    digest = sha256(f"{method} {path}\n".encode("utf-8", "surrogateescape"))
    digest.update(canonical)
    return digest.digest()
