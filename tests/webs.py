"""The web server of the service for tests, without a database: one process, one thread."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from loyalty_service.kit.auth import mint_token
from loyalty_service.kit.keys import FileKeys, create_key_file
from loyalty_service.kit.processes import die_with_parent
from tests.services import REPO, free_port, wait_until

REQUEST_SECONDS = 1.0
# Longer than anything here takes, even on a busy machine.
PATIENCE = 20.0

# Every call of /work reads its body and then takes longer than a request may take to arrive.
PROGRAM = f"""
import time
from loyalty_service.cli.web_server import Worker, WebServer
from loyalty_service.config import read_config

class QuickWorker(Worker):
    request_seconds = {REQUEST_SECONDS}
    answer_seconds = 1
    bytes_per_second = 5_000

class TestServer(WebServer):
    worker = QuickWorker

    def load(self):
        app = super().load()

        def with_work(environ, start_response):
            if environ["PATH_INFO"] == "/fault":
                raise RuntimeError("secret")
            if environ["PATH_INFO"] != "/work":
                return app(environ, start_response)
            body = environ["wsgi.input"].read()
            time.sleep(2 * {REQUEST_SECONDS})
            start_response("200 OK", [("Content-Length", str(len(body)))])
            return [body]

        return with_work

TestServer(read_config()).run()
"""


class Web:
    """gunicorn as shipped, with a short time for requests."""

    def __init__(self, folder):
        self.port = free_port()
        self.log = folder / "web.log"
        (folder / "metrics").mkdir()
        create_key_file(folder / "keys.json")
        self.token = mint_token(
            FileKeys(folder / "keys.json").find("dev"),
            issuer="loyalty-dev",
            audience="loyalty",
            subject="shop",
            scopes=["checkout", "members", "operator"],
        )
        kept = {k: v for k, v in os.environ.items() if not k.startswith("LOYALTY_")}
        self.environment = {
            **kept,
            "PYTHONPATH": str(REPO),
            "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
            # Nobody answers there, and nothing here asks.
            "LOYALTY_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
            "LOYALTY_JWT_KEYS": str(folder / "keys.json"),
            "LOYALTY_PORT": str(self.port),
            "LOYALTY_WORKERS": "1",
            "LOYALTY_THREADS": "1",
            "LOYALTY_LOG_FORMAT": "json",
        }

    @contextmanager
    def running(self):
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM],
                env=self.environment,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509
            )
        try:
            wait_until(lambda: self.listens() or self.process.poll() is not None, 60)
            assert self.process.poll() is None, self.said()
            yield self
        finally:
            self.process.terminate()
            self.process.wait(30)

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill_worker(self):
        """Kill the process that answers."""
        self.get()
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        os.kill(int(children.split()[0]), signal.SIGKILL)

    def wait_for(self, words):
        wait_until(lambda: words in self.said())

    def said(self):
        return self.log.read_text()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def send(self, data):
        """Send bytes and wait for everything that is answered, until the server closes."""
        with self.connect() as client:
            client.sendall(data)
            return read_all(client)

    def get(self, path="/healthz", more=""):
        return self.send(
            f"GET {path} HTTP/1.1\r\nHost: x\r\n{more}Connection: close\r\n\r\n".encode()
        )

    def post(self, headers, body=b""):
        """The beginning of a call that may be made: more headers, and what follows them."""
        head = (
            "POST /v1/members/m/quotes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {self.token}\r\nIdempotency-Key: k-1\r\n"
        )
        return (head + headers + "\r\n").encode() + body


def read_all(client):
    """Everything that comes until the server closes; a server that does not fails the test."""
    parts = []
    try:
        while part := client.recv(65_536):
            parts.append(part)
    except ConnectionResetError:
        # The server closed with something unread: closed it has.
        pass
    return b"".join(parts)


@contextmanager
def dripping(client, drops):
    """Send one drop after the other, far apart, until the connection breaks."""
    over = threading.Event()

    def drip():
        for number in count():
            try:
                client.sendall(drops(number))
            except OSError:
                return
            if over.wait(REQUEST_SECONDS / 10):
                return

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(PATIENCE)
