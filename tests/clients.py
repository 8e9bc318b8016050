"""A caller of the service's routes, without a web server between."""

import io
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from werkzeug.test import TestResponse

from loyalty_service.app import create_app
from loyalty_service.config import read_config
from loyalty_service.kit.auth import TokenVerifier, mint_token
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.keys import FileKeys, create_key_file
from loyalty_service.kit.logs import configure_logs


class Client:
    """A caller whose every POST carries a key of its own; threads may share it."""

    def __init__(self, db: Database, clock: SettableClock, folder: Path) -> None:
        create_key_file(folder / "keys.json")
        self.keys = FileKeys(folder / "keys.json")
        tokens = TokenVerifier(self.keys, issuer="loyalty-dev", audience="loyalty")
        self.app = create_app(read_config(), db=db, clock=clock, tokens=tokens)
        configure_logs("error", "json", io.BytesIO())
        self.app.testing = True
        self.numbers = count(1)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        key: str | None = None,
        subject: str = "shop",
        scopes: Sequence[str] = ("checkout", "members", "operator"),
    ) -> TestResponse:
        token = mint_token(
            self.keys.find("dev"),
            issuer="loyalty-dev",
            audience="loyalty",
            subject=subject,
            scopes=scopes,
        )
        headers = {"Authorization": f"Bearer {token}"}
        if method == "POST":
            headers["Idempotency-Key"] = key or f"key-{next(self.numbers)}"
        http = self.app.test_client(use_cookies=False)
        return http.open(f"/v1{path}", method=method, json=body, headers=headers)
