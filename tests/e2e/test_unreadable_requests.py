"""What the web server cannot read is answered and logged like all else, and never quoted."""

import json

import pytest

from loyalty_service.kit.observe import HEADERS
from tests.webs import Web

# Stands in every bad request where an outside name or a token might.
SECRET = "s3cret-Token"
GET = "GET /healthz HTTP/1.1\r\nHost: x\r\n"

BAD = {
    "header without a colon": (400, f"{GET}Authorization Bearer {SECRET}\r\n\r\n"),
    "control character in a header": (400, f"{GET}X-A: {SECRET}\x01\r\n\r\n"),
    "folded header": (400, f"{GET}X-A: a\r\n {SECRET}\r\n\r\n"),
    "bad length": (400, f"{GET}Content-Length: {SECRET}\r\n\r\n"),
    "two lengths": (400, f"{GET}X-A: {SECRET}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
    "no request line": (400, f"{SECRET}\r\n\r\n"),
    "unknown version": (400, f"GET /{SECRET} HTTP/9.9\r\n\r\n"),
    "small letters": (400, f"get /{SECRET} HTTP/1.1\r\n\r\n"),
    "no path": (400, f"GET {SECRET} HTTP/1.1\r\nHost: x\r\n\r\n"),
    "long path": (414, f"GET /{SECRET}{'a' * 9_000} HTTP/1.1\r\nHost: x\r\n\r\n"),
    "long header": (431, f"{GET}X-A: {SECRET}{'a' * 9_000}\r\n\r\n"),
    "many headers": (431, GET + "".join(f"X-{n}: {SECRET}\r\n" for n in range(200)) + "\r\n"),
    "expectation": (417, f"{GET}Expect: {SECRET}\r\n\r\n"),
    "transfer coding": (501, f"{GET}Transfer-Encoding: {SECRET}\r\n\r\n"),
}


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with Web(tmp_path_factory.mktemp("web")).running() as web:
        yield web


def parts(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    status = int(lines[0].split()[1])
    return status, dict(line.split(": ", 1) for line in lines[1:]), json.loads(body)


def test_every_bad_request_gets_a_problem_with_the_usual_headers(web):
    for name, (status, request) in BAD.items():
        got, headers, body = parts(web.send(request.encode("latin1")))

        assert (name, got, body["code"]) == (name, status, "malformed")
        assert body["status"] == status
        assert headers["Content-Type"] == "application/problem+json"
        assert headers["Connection"] == "close"
        assert HEADERS.items() <= headers.items()
        assert f'"request_id":"{headers["X-Request-Id"]}"' in web.said()
        assert SECRET not in json.dumps([headers, body])


def test_the_log_of_bad_requests_is_json_and_quotes_nothing(web):
    for _, request in BAD.values():
        web.send(request.encode("latin1"))

    lines = [json.loads(line) for line in web.said().splitlines()]
    assert len([line for line in lines if line.get("code") == "malformed"]) >= len(BAD)
    assert SECRET not in web.said()


@pytest.mark.parametrize("body", [f"{SECRET}\r\n", f"5;={SECRET}\r\n", f"1\r\n{{{SECRET}\r\n"])
def test_bad_chunks_are_a_bad_request_and_no_fault_of_the_service(web, body):
    status, headers, problem = parts(
        web.send(web.post("Transfer-Encoding: chunked\r\n", body.encode()))
    )

    assert (status, problem["code"]) == (400, "malformed")
    assert headers["Connection"] == "close"
    assert "internal_fault" not in web.said()
    assert SECRET not in web.said()


def test_a_fault_past_the_application_is_told_without_its_message(tmp_path):
    with Web(tmp_path).running() as web:
        status, headers, problem = parts(web.get("/fault"))

        assert (status, problem["code"]) == (500, "internal_fault")
        line = next(json.loads(x) for x in web.said().splitlines() if "internal_fault" in x)
    assert line["request_id"] == headers["X-Request-Id"]
    assert line["error"] == "RuntimeError"
    assert "secret" not in json.dumps(line)


@pytest.mark.parametrize(
    "header",
    ["SCRIPT_NAME: /foo", "PATH_INFO: /foo", "X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off"],
)
def test_nobody_may_say_under_which_path_or_scheme_they_asked(web, header):
    assert web.get(more=f"{header}\r\n").startswith(b"HTTP/1.1 200 ")


def test_a_killed_worker_is_told_as_a_line_of_json(tmp_path):
    with Web(tmp_path).running() as web:
        web.kill_worker()
        web.wait_for('"level":"error"')

        line = next(json.loads(x) for x in web.said().splitlines() if "SIGKILL" in x)
    assert line["event"] == "web_server"
