"""The example shop for tests: the service over real HTTP, and something between that fails."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import urllib3
from werkzeug.serving import make_server

from examples.storefront.client import Loyalty
from loyalty_service.app import create_app, openapi_text
from loyalty_service.config import read_config
from loyalty_service.kit.auth import TokenVerifier, mint_token
from loyalty_service.kit.db import Database
from loyalty_service.kit.keys import FileKeys, create_key_file

HOST = "127.0.0.1"

needs_spending = pytest.mark.skipif(
    "/v1/members/{member_ref}/quotes:" not in openapi_text(),
    reason="this service does not let points be spent yet",
)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """A WSGI application on a port of its own, at the address that is yielded."""
    server = make_server(HOST, 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.02])
    thread.start()
    try:
        yield f"http://{HOST}:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def loyalty_served(db: Database, folder: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    """The real service over HTTP: its address, and what signs a shop's tokens."""
    create_key_file(folder / "keys.json")
    keys = FileKeys(folder / "keys.json")
    tokens = TokenVerifier(keys, issuer="loyalty-dev", audience="loyalty")

    def sign() -> str:
        return mint_token(
            keys.find("dev"),
            issuer="loyalty-dev",
            audience="loyalty",
            subject="storefront",
            scopes=["checkout", "members"],
        )

    with served(create_app(read_config(), db=db, clock=db.clock, tokens=tokens)) as address:
        yield address, sign


class Between(ThreadingHTTPServer):
    """Stands between shop and service, passes calls on, and fails as it is told.

    ``faults`` are used up one a call: ``cut`` passes the call on and then drops the connection
    without the answer, ``silent`` passes it on and never answers, a status or (status, seconds)
    answers with it in place of the service, ``page`` with a page of a login that nobody asked for,
    None leaves the call alone.
    """

    def __init__(self, address: str) -> None:
        super().__init__((HOST, 0), _Passing)
        self.service = urllib3.PoolManager(retries=False, timeout=30.0)
        self.behind = address
        self.address = f"http://{HOST}:{self.server_address[1]}"
        self.faults: deque[Any] = deque()
        self.seen: list[tuple[str, str, str | None]] = []
        self.closing = threading.Event()

    def is_cut_off(self) -> None:
        """From now on every call finds nobody."""
        self.faults.extend([503] * 1_000)


class _Passing(BaseHTTPRequestHandler):
    server: Between
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, self.headers.get("Idempotency-Key")))
        fault = self.server.faults.popleft() if self.server.faults else None
        if isinstance(fault, int | tuple):
            status, seconds = fault if isinstance(fault, tuple) else (fault, None)
            waits = {} if seconds is None else {"Retry-After": str(seconds)}
            self._answer(status, b"no such luck", {"Content-Type": "text/plain", **waits})
            return
        if fault == "page":
            self._answer(200, b"<p>Please log in</p>", {"Content-Type": "text/html"})
            return
        passed = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
        answer = self.server.service.request(
            self.command, self.server.behind + self.path, body=body, headers=passed
        )
        if fault == "silent":
            self.server.closing.wait()
        if fault in ("cut", "silent"):
            self.close_connection = True
            return
        kept = {k: v for k, v in answer.headers.items() if k in ("Content-Type", "Retry-After")}
        self._answer(answer.status, answer.data, kept)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = _pass  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def between(address: str) -> Iterator[Between]:
    """Something between the shop and the service at ``address``."""
    server = Between(address)
    thread = threading.Thread(target=server.serve_forever, args=[0.02])
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
        server.service.clear()


def line(sku: str = "A-1", quantity: int = 1, amount_minor: int = 10_000) -> dict[str, Any]:
    """One line of a cart on the wire."""
    amount = {"amount": amount_minor, "currency": "CNY"}
    return {"sku": sku, "quantity": quantity, "amount": amount}


def points_of(loyalty: Loyalty, member: str = "mei", wallet: str = "points") -> dict[str, Any]:
    """What a member has in a wallet."""
    wallets = loyalty.balance(member)["wallets"]
    return next(each for each in wallets if each["wallet"] == wallet)
