"""Routes: what each takes, who may call it, what it answers; nothing is open unless it says so."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from flask import Blueprint, Flask, Response, current_app, request
from marshmallow import Schema
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from loyalty_service.config import Config
from loyalty_service.kit.auth import PUBLIC, SCOPES, Caller, TokenVerifier, require_scope
from loyalty_service.kit.bodies import (
    faults_of,
    fingerprint_of,
    has_body,
    load,
    read_json,
    read_query,
)
from loyalty_service.kit.clock import Clock
from loyalty_service.kit.db import Database
from loyalty_service.kit.errors import Malformed, Refusal
from loyalty_service.kit.frozen import frozen
from loyalty_service.kit.idempotency import Claim, read_key
from loyalty_service.kit.keys import KeysUnavailable
from loyalty_service.kit.observe import CALLER, Environ
from loyalty_service.kit.paths import path_field, read_path
from loyalty_service.kit.problems import MEDIA_TYPE, Unavailable
from loyalty_service.kit.quick import Reader, plan_of

PARTS = "loyalty.parts"
METHODS = ("GET", "PUT", "POST", "DELETE")
_PARAMETER = re.compile(r"\{([a-z_]+)\}")


class KeysAway(Unavailable):
    """The keys that prove tokens cannot be fetched for the moment."""

    code = "keys_unavailable"


@frozen
class Parts:
    """What the app is made of, as far as routes need it.

    Args:
        measures: read for the metrics each time they are asked for.
    """

    db: Database
    programs: Any
    passing: Any
    clock: Clock
    config: Config
    tokens: TokenVerifier
    measures: Callable[[Database], Sequence[Any]] = lambda _db: ()


@frozen
class Call:
    """One request, read and allowed.

    Attributes:
        body: the body as its schema loads it; empty where the route takes none.
        key: the Idempotency-Key, on routes that need one.
        fingerprint: digest of method, path and body; two equal requests share it.
        languages: the header Accept-Language.
    """

    body: dict[str, Any]
    query: dict[str, Any]
    caller: Caller
    key: str | None
    fingerprint: bytes
    path: str
    parts: Parts
    languages: str | None = None

    def prefers(self, languages: Sequence[str]) -> str:
        """Which of these languages the caller likes best; the first where that is not said."""
        accepted = parse_accept_header(self.languages, LanguageAccept)
        return accepted.best_match(languages, languages[0])

    @property
    def claim(self) -> Claim:
        """The caller's key, new each time; only on routes that need one."""
        return Claim(self.key or "", self.fingerprint)


@frozen
class Reply:
    """What is answered: a JSON-ready object, or bytes that are sent as they are."""

    body: dict[str, Any] | bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[..., Reply]


@dataclass(frozen=True, eq=False)
class Route:
    """A route as declared: the view that Flask calls, and what the contract is written from.

    Attributes:
        path: as the contract writes it; ``rule`` as Flask and the log do.
    """

    handler: Handler
    method: str
    path: str
    rule: str
    scopes: tuple[str, ...]
    public: bool
    body: Schema | None
    plan: Reader | None
    query: Schema | None
    answers: Mapping[int, Schema | None]
    refusals: tuple[type[Refusal], ...]
    keyed: bool
    max_body_bytes: int
    media_type: str
    other_media_type: str
    summary: str
    tags: tuple[str, ...]
    fields: tuple[tuple[str, Any], ...]

    def __call__(self, **found: str) -> Response:
        """Answer as a view of Flask."""
        texts = [found[name] for name, _ in self.fields]
        parts = current_app.extensions[PARTS]
        reply = self.answer(request.environ, request.path, texts, parts)
        if current_app.testing:
            self.check(reply)
        kind = self.kind_of(reply.status, reply.headers)
        return Response(as_bytes(reply.body), reply.status, reply.headers, content_type=kind)

    def answer(self, environ: Environ, path: str, texts: Sequence[str], parts: Parts) -> Reply:
        """Read a request, refuse what must not pass, and call the handler.

        Args:
            path: as it was asked for, decoded.
            texts: the path's values in their order.

        Raises:
            Refusal: as every route may, or as this one does.
        """
        caller = PUBLIC
        if not self.public:
            caller = _prove(parts.tokens, environ.get("HTTP_AUTHORIZATION"))
            environ[CALLER] = caller.kind
        named = read_path(self.fields, texts)
        if not self.public:
            require_scope(caller, self.scopes, named.get("member_ref"))
        key = read_key(environ.get("HTTP_IDEMPOTENCY_KEY")) if self.keyed else None
        query = read_query(environ, self.query)
        body, fingerprint = self._read_body(environ, path)
        languages = environ.get("HTTP_ACCEPT_LANGUAGE")
        call = Call(body, query, caller, key, fingerprint, path, parts, languages)
        return self.handler(call, **named)

    def kind_of(self, status: int, headers: Mapping[str, str]) -> str:
        """The media type of an answer: the route's, unless the reply says another."""
        return MEDIA_TYPE if status >= 400 else headers.get("Content-Type", self.media_type)

    def _read_body(self, environ: Environ, path: str) -> tuple[dict[str, Any], bytes]:
        if self.body is not None:
            sent = read_json(environ, self.max_body_bytes)
            read = load(self.body, sent.value, plan=self.plan)
            return read, fingerprint_of(self.method, path, sent.canonical)
        if has_body(environ):
            raise Malformed("This call takes no body.")
        return {}, fingerprint_of(self.method, path) if self.keyed else b""

    def check(self, reply: Reply) -> None:
        """Compare a good answer with the contract; in tests."""
        if reply.status >= 400 or "Content-Type" in reply.headers:
            return
        if reply.status not in self.answers:
            raise AssertionError(f"{self.path}: {reply.status} is not in the contract")
        schema = self.answers[reply.status]
        if schema is not None:
            value = orjson.loads(as_bytes(reply.body))
            wrong = faults_of(schema.validate(value), value)
            if wrong:
                raise AssertionError(f"{self.method} {self.path} answers otherwise: {wrong}")


def endpoint(
    blueprint: Blueprint,
    method: str,
    path: str,
    *,
    scopes: Sequence[str] = (),
    public: bool = False,
    body: type[Schema] | None = None,
    query: type[Schema] | None = None,
    answers: Mapping[int, type[Schema] | None],
    refusals: Sequence[type[Refusal]] = (),
    keyed: bool = False,
    max_body_bytes: int = 64_000,
    media_type: str = "application/json",
    other_media_type: str = "",
    summary: str,
    tags: Sequence[str] = (),
) -> Callable[[Handler], Handler]:
    """Declare a route; the handler gets a ``Call`` and the path's values, and returns a ``Reply``.

    Args:
        path: as the contract writes it, ``/v1/members/{member_ref}``.
        scopes: any one of them lets a caller in.
        public: True lets everyone in; a route is one or the other.
        answers: the shape of each good answer; None for one that is not JSON.
        refusals: what the handler may refuse with, beside what every route may.
        keyed: the call carries an Idempotency-Key.
        media_type: of a good answer.
        other_media_type: of a good answer that the caller asked for otherwise; the reply says so.

    Raises:
        ValueError: the route is open to nobody or to everybody by accident, or badly declared.
    """
    _require_sound(method, path, tuple(scopes), public)

    def declare(handler: Handler) -> Handler:
        shape = body() if body else None
        route = Route(
            handler=handler,
            method=method,
            path=path,
            rule=_PARAMETER.sub(r"<\1>", path),
            scopes=tuple(scopes),
            public=public,
            body=shape,
            plan=plan_of(shape) if shape else None,
            query=query() if query else None,
            answers={status: shape() if shape else None for status, shape in answers.items()},
            refusals=tuple(refusals),
            keyed=keyed,
            max_body_bytes=max_body_bytes,
            media_type=media_type,
            other_media_type=other_media_type,
            summary=summary,
            tags=tuple(tags),
            fields=tuple((name, path_field(name)) for name in _PARAMETER.findall(path)),
        )
        blueprint.add_url_rule(
            route.rule,
            endpoint=handler.__name__,
            view_func=route,
            methods=[method],
            provide_automatic_options=False,
        )
        return handler

    return declare


def _require_sound(method: str, path: str, scopes: tuple[str, ...], public: bool) -> None:
    if bool(scopes) == public:
        raise ValueError(f"{method} {path}: name the scopes it takes, or say public=True")
    if method not in METHODS or not set(scopes) <= SCOPES.keys():
        raise ValueError(f"{method} {path}: no such method or scope")
    if "self" in scopes and "{member_ref}" not in path:
        raise ValueError(f"{method} {path}: the scope self needs a member in the path")


def _prove(tokens: TokenVerifier, header: str | None) -> Caller:
    try:
        return tokens.prove(header)
    except KeysUnavailable:
        raise KeysAway("Tokens cannot be proved for the moment; try again.") from None


def as_bytes(body: dict[str, Any] | bytes) -> bytes:
    """What is sent: bytes as they are, an object as JSON."""
    return body if isinstance(body, bytes) else orjson.dumps(body)


def list_routes(app: Flask) -> list[Route]:
    """Every route of the app, by path and method.

    Raises:
        ValueError: a view was added past ``endpoint``, so nobody said who may call it.
    """
    routes = []
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if not isinstance(view, Route):
            raise ValueError(f"{rule.rule} is not declared with endpoint()")  # noqa: TRY004
        routes.append(view)
    return sorted(routes, key=lambda route: (route.path, METHODS.index(route.method)))
