"""What a caller may be refused with, and what it means, as the contract tells it."""

import re
from collections.abc import Iterable
from inspect import cleandoc
from typing import Any

from loyalty_service.kit.db import Busy
from loyalty_service.kit.denials import TOKEN_REFUSALS, OtherMember, ScopeMissing
from loyalty_service.kit.errors import Malformed, Refusal
from loyalty_service.kit.fields import Cursor
from loyalty_service.kit.http import KeysAway, Route
from loyalty_service.kit.idempotency import (
    IdempotencyKeyMalformed,
    IdempotencyKeyMissing,
    KeyReused,
)
from loyalty_service.kit.paths import CursorInvalid, PersonalRefInPath
from loyalty_service.kit.problems import (
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

_STATUS = re.compile(r" \([1-5]\d\d\)(?=[.;])")


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
        kinds += [JsonInvalid, BodyTooLarge, MediaTypeUnsupported]
    if route.keyed:
        kinds += [IdempotencyKeyMissing, IdempotencyKeyMalformed, KeyReused, Busy]
    unique = {kind.code: kind for kind in kinds}
    return sorted(unique.values(), key=lambda kind: (status_of(kind), kind.code))


def list_refusals(routes: Iterable[Route]) -> list[dict[str, Any]]:
    """Every code of the service with its status and meaning."""
    kinds = {kind.code: kind for route in routes for kind in refusals_of(route)}
    kinds |= {kind.code: kind for kind in ANYWHERE}
    ordered = sorted(kinds.values(), key=lambda kind: (status_of(kind), kind.code))
    return [
        {"code": kind.code, "status": status_of(kind), "meaning": meaning_of(kind)}
        for kind in ordered
    ]


def meaning_of(kind: type[Refusal]) -> str:
    """What a refusal means, in one sentence; its status stands beside it."""
    return _STATUS.sub("", paragraphs(kind.__doc__)[0])


def paragraphs(docstring: str | None) -> list[str]:
    """A docstring for readers of the contract: a line for each paragraph, names in `these`."""
    parts = cleandoc(docstring or "").replace("``", "`").split("\n\n")
    return [part.replace("\n", " ") for part in parts]
