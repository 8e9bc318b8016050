"""The answer to a request that the web server could not read, or lost past the application."""

import os

from gunicorn.http.errors import (
    ExpectationFailed,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)

from loyalty_service.cli.web_worker import TooSlow
from loyalty_service.kit.errors import Malformed, Refusal
from loyalty_service.kit.logs import frames_of, log
from loyalty_service.kit.metrics import begin_request, end_request
from loyalty_service.kit.observe import HEADERS
from loyalty_service.kit.problems import MEDIA_TYPE, InternalFault, problem_of

REASONS = {
    400: "Bad Request",
    408: "Request Timeout",
    414: "URI Too Long",
    417: "Expectation Failed",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
}
_STATUS: dict[type[Exception], int] = {
    TooSlow: 408,
    LimitRequestLine: 414,
    ExpectationFailed: 417,
    LimitRequestHeaders: 431,
    UnsupportedTransferCoding: 501,
    # These are headers of an answer, though of the kind of bad requests.
    InvalidResponseHeader: 500,
    InvalidResponseHeaderName: 500,
    ParseException: 400,
}


def answer_to(error: Exception) -> bytes:
    """The whole answer as it is sent, after a line in the log; neither quotes what was sent."""
    status = next((found for kind, found in _STATUS.items() if isinstance(error, kind)), 500)
    request_id = os.urandom(16).hex()
    begin_request()
    end_request("", "unmatched", status, 0.0)
    if status == 500:
        log.error(
            "internal_fault",
            request_id=request_id,
            error=type(error).__name__,
            frames=frames_of(error),
        )
        return _as_http(InternalFault("The service failed; nothing is half done."), 500, request_id)
    log.info(
        "request",
        request_id=request_id,
        method="",
        route="unmatched",
        status=status,
        caller="none",
        code=Malformed.code,
        error=type(error).__name__,
    )
    return _as_http(Malformed("The request cannot be read."), status, request_id)


def _as_http(refusal: Refusal, status: int, request_id: str) -> bytes:
    problem = problem_of(refusal, "")
    problem.body["status"] = status
    body = problem.as_bytes()
    headers = {
        "Connection": "close",
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        **HEADERS,
        "X-Request-Id": request_id,
    }
    lines = [f"HTTP/1.1 {status} {REASONS[status]}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
