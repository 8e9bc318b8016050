"""What every request leaves behind: its id, one line in the log, its place in the metrics."""

import os
import re
from time import perf_counter

import orjson
from flask import Flask, Response, g, request
from werkzeug.datastructures import Headers

from loyalty_service.kit.logs import log
from loyalty_service.kit.metrics import begin_request, end_request
from loyalty_service.kit.problems import MEDIA_TYPE

_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}")
_UNMATCHED = "unmatched"
_ASKED_ALL_THE_TIME = frozenset(("/healthz", "/readyz", "/metrics"))
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""On every answer, unless the route says otherwise."""
_PAIRS = tuple(HEADERS.items())


def install_observation(app: Flask) -> None:
    """Begin and end every request of the app."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    environ = request.environ
    given = environ.get("HTTP_X_REQUEST_ID", "")
    environ["loyalty.request_id"] = given if _WELL_FORMED.fullmatch(given) else os.urandom(16).hex()
    environ["loyalty.began"] = perf_counter()
    begin_request()


def _end(response: Response) -> Response:
    environ, rule = request.environ, request.url_rule
    seconds = perf_counter() - environ["loyalty.began"]
    route = _UNMATCHED if rule is None else rule.rule
    status = response.status_code
    end_request(request.method, route, status, seconds)
    _add_headers(response.headers, environ["loyalty.request_id"])
    quiet = route in _ASKED_ALL_THE_TIME and status < 400
    why = {} if status < 400 else {"code": _code_of(response)}
    (log.debug if quiet else log.info)(
        "request",
        request_id=environ["loyalty.request_id"],
        method=request.method if rule is not None else "",
        route=route,
        status=status,
        ms=round(seconds * 1000, 2),
        caller=g.get("caller_kind", "none"),
        **why,
    )
    return response


def _code_of(response: Response) -> str | None:
    """The code of a problem, which says why a call was refused."""
    if response.content_type != MEDIA_TYPE:
        return None
    code: str | None = orjson.loads(response.get_data()).get("code")
    return code


def _add_headers(headers: Headers, request_id: str) -> None:
    # Replies in JSON bring none of their own: adding without looking takes a tenth of the time.
    if headers.get("Content-Type", "").startswith("application/"):
        headers.extend((*_PAIRS, ("X-Request-Id", request_id)))
        return
    for name, value in (*_PAIRS, ("X-Request-Id", request_id)):
        headers.setdefault(name, value)
