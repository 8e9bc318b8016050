"""The view that the service is measured against: plain Flask on raw psycopg2, and nothing else.

It replays the messages that the service sent for one call, with the numbers of another one in the
same places, and answers with as many bytes. No token, no schema, no rules, no log. It is
served by the same gunicorn with the same settings, on one open connection a thread.
"""

import json
import os
import threading
from pathlib import Path
from typing import Any

import psycopg2
from flask import Flask, Response, request

from loyalty_service.cli.web_server import WebServer
from loyalty_service.config import read_config


class BareServer(WebServer):
    """gunicorn as shipped, with the bare application."""

    def load(self) -> Any:
        """Build the application, in each worker."""
        recorded = json.loads(Path(os.environ["BENCH_RECORDED"]).read_text())
        return bare_app(recorded, os.environ["BENCH_DSN"])


def bare_app(recorded: dict[str, Any], dsn: str) -> Flask:
    """The application.

    Args:
        recorded: by name, messages and answer, as templates with %(member)s, %(n)s and %(n1)s.
        dsn: where psycopg2 connects.
    """
    app = Flask("bare")
    own = threading.local()

    def cursor() -> Any:
        if not hasattr(own, "cursor"):
            connection = psycopg2.connect(dsn, options="-c role=loyalty_app -c timezone=UTC")
            connection.autocommit = True
            own.cursor = connection.cursor()
        return own.cursor

    @app.post("/<name>/<int:member>/<int:n>")
    def replay(name: str, member: int, n: int) -> Response:
        request.get_json()
        numbers = {"member": member, "n": n, "n1": n + 1}
        cur = cursor()
        for message in recorded[name]["messages"]:
            cur.execute(message, numbers)
            if cur.description:
                cur.fetchall()
        return Response(recorded[name]["answer"], content_type="application/json")

    @app.post("/empty")
    def empty() -> Response:
        return Response(b"{}", content_type="application/json")

    @app.get("/readyz")
    def readyz() -> Response:
        return Response(b"{}", content_type="application/json")

    return app


if __name__ == "__main__":
    BareServer(read_config()).run()
