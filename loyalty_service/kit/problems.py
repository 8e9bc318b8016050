"""How a refusal is answered: RFC 9457 problems, one table from kind to status."""

from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg2
import sqlalchemy.exc
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from loyalty_service.kit.db import Busy
from loyalty_service.kit.errors import (
    Conflict,
    Denied,
    Invalid,
    Malformed,
    NotFound,
    Refusal,
    Unauthenticated,
)
from loyalty_service.kit.logs import frames_of, log
from loyalty_service.kit.observe import REQUEST_ID, Environ

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 1


class RequestInvalid(Malformed):
    """The body or the query breaks the contract; ``errors`` names every fault and its place."""

    code = "request_invalid"

    def __init__(self, detail: str, errors: list[dict[str, Any]]) -> None:
        super().__init__(detail)
        self.errors = errors


class JsonInvalid(Malformed):
    """The body is no JSON object, or names a field twice."""

    code = "json_invalid"


class BodyTooLarge(Malformed):
    """The body is longer than the route takes (413)."""

    code = "body_too_large"


class MediaTypeUnsupported(Malformed):
    """The body is not sent as application/json (415)."""

    code = "media_type_unsupported"


class MethodNotAllowed(Refusal):
    """The path exists, but not for this method; Allow names those it has (405)."""

    code = "method_not_allowed"


class RouteNotFound(NotFound):
    """There is no such path."""

    code = "route_not_found"


class Unavailable(Refusal):
    """Something the service needs is away for the moment; nothing is written (503)."""

    code = "unavailable"


class DatabaseUnavailable(Unavailable):
    """The database is away for the moment; nothing is half done, send the same call again."""

    code = "database_unavailable"


class InternalFault(Refusal):
    """A fault of the service; nothing is half done, and the log has the request id (500)."""

    code = "internal_fault"


STATUS: dict[type[Refusal], int] = {
    BodyTooLarge: 413,
    MediaTypeUnsupported: 415,
    Malformed: 400,
    Unauthenticated: 401,
    Denied: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    Conflict: 409,
    Invalid: 422,
    Unavailable: 503,
    InternalFault: 500,
}
"""From kind of refusal to status; the nearest kind in the line of parents counts."""

AWAY = (
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
    sqlalchemy.exc.OperationalError,
    sqlalchemy.exc.InterfaceError,
    sqlalchemy.exc.TimeoutError,
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is answered to a refusal."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)

    def as_bytes(self) -> bytes:
        """The body as it is sent, and stored beside an idempotency key."""
        return orjson.dumps(self.body, default=str)


def status_of(kind: type[Refusal]) -> int:
    """The HTTP status of a kind of refusal."""
    return next(STATUS[parent] for parent in kind.__mro__ if parent in STATUS)


def problem_of(refusal: Refusal, path: str) -> Problem:
    """Describe a refusal for the one who asked for ``path``."""
    status = status_of(type(refusal))
    body: dict[str, Any] = {
        "type": f"/docs#{refusal.code}",
        "title": refusal.code.replace("_", " ").capitalize(),
        "status": status,
        "detail": refusal.detail,
        "code": refusal.code,
        "instance": path,
    }
    if refusal.path is not None:
        body["path"] = refusal.path
    if refusal.values:
        body["values"] = refusal.values
    if isinstance(refusal, RequestInvalid):
        body["errors"] = refusal.errors
    return Problem(status, body, _headers(refusal))


def _headers(refusal: Refusal) -> dict[str, str]:
    headers = dict(getattr(refusal, "headers", {}))
    if isinstance(refusal, Busy | Unavailable):
        headers["Retry-After"] = str(RETRY_SECONDS)
    return headers


def install_problems(app: Flask) -> None:
    """Answer every error of the app with a problem, never a page or a stack trace."""

    def answer(error: Exception) -> Response:
        if app.testing and isinstance(error, AssertionError):
            raise error
        problem = problem_to(error, request.environ, request.path)
        headers = problem.headers
        return Response(problem.as_bytes(), problem.status, headers, content_type=MEDIA_TYPE)

    app.register_error_handler(Exception, answer)


def problem_to(error: Exception, environ: Environ, path: str) -> Problem:
    """What is answered where a request for ``path`` ended in an error; a fault is logged."""
    if isinstance(error, Refusal):
        return problem_of(error, path)
    if isinstance(error, AWAY):
        log.warning("database_away", request_id=environ[REQUEST_ID], error=type(error).__name__)
        away = DatabaseUnavailable("The database is away; send the same call again.")
        return problem_of(away, path)
    if isinstance(error, HTTPException) and error.code is not None and error.code < 500:
        return _of_http(error, path)
    # The message of an exception may quote what a member sent: the frames say enough.
    log.error(
        "internal_fault",
        request_id=environ[REQUEST_ID],
        error=type(error).__name__,
        sqlstate=getattr(error, "pgcode", None),
        frames=frames_of(error),
    )
    return problem_of(InternalFault("The service failed; nothing is half done."), path)


def _of_http(error: HTTPException, path: str) -> Problem:
    if error.code == 404:
        return problem_of(RouteNotFound("There is no such path."), path)
    if error.code == 413:
        return problem_of(BodyTooLarge("The body is longer than this route takes."), path)
    if error.code == 405:
        problem = problem_of(MethodNotAllowed("This path does not take this method."), path)
        problem.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or []))
        return problem
    return problem_of(Malformed("The request cannot be read."), path)
