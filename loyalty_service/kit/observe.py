"""What every request leaves behind: its id, one line in the log, its place in the metrics."""

import re
from random import getrandbits
from time import perf_counter
from typing import Any

import orjson
from flask import Flask, Response, request
from werkzeug.datastructures import Headers

from loyalty_service.kit.logs import log
from loyalty_service.kit.metrics import begin_request, end_request

Environ = dict[str, Any]
"""A request as the web server hands it over (WSGI)."""
REQUEST_ID = "loyalty.request_id"
CALLER = "loyalty.caller"
"""In the environ: the kind of caller, once it is proved."""
_BEGAN = "loyalty.began"
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
PAIRS = tuple(HEADERS.items())


def install_observation(app: Flask) -> None:
    """Begin and end every request that Flask answers."""
    app.before_request(lambda: begin(request.environ))
    app.after_request(_end)


def begin(environ: Environ) -> None:
    """A request begins: it gets its id and is counted."""
    given = environ.get("HTTP_X_REQUEST_ID")
    is_good = given is not None and _WELL_FORMED.fullmatch(given)
    # Nobody must guess an id: it need only be another one each time.
    environ[REQUEST_ID] = given if is_good else f"{getrandbits(128):032x}"
    environ[_BEGAN] = perf_counter()
    begin_request()


def end(environ: Environ, route: str, status: int, body: bytes, *, method: str) -> None:
    """A request is answered: it is counted and leaves its line.

    Args:
        route: the template of its path.
        body: of the answer; a problem says why a call was refused.
        method: empty where nothing is known under the path.
    """
    seconds = perf_counter() - environ[_BEGAN]
    end_request(environ["REQUEST_METHOD"], route, status, seconds)
    quiet = route in _ASKED_ALL_THE_TIME and status < 400
    why = {} if status < 400 else {"code": _code_of(body)}
    (log.debug if quiet else log.info)(
        "request",
        request_id=environ[REQUEST_ID],
        method=method,
        route=route,
        status=status,
        ms=round(seconds * 1000, 2),
        caller=environ.get(CALLER, "none"),
        **why,
    )


def _end(response: Response) -> Response:
    environ, rule = request.environ, request.url_rule
    route, method = (_UNMATCHED, "") if rule is None else (rule.rule, request.method)
    end(environ, route, response.status_code, response.get_data(), method=method)
    _add_headers(response.headers, environ[REQUEST_ID])
    return response


def _code_of(problem: bytes) -> str | None:
    """The code of a problem, which says why a call was refused."""
    code: str | None = orjson.loads(problem).get("code")
    return code


def _add_headers(headers: Headers, request_id: str) -> None:
    for name, value in (*PAIRS, ("X-Request-Id", request_id)):
        headers.setdefault(name, value)
