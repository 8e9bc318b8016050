"""What every measurement stands on: a PostgreSQL as shipped, the web server as shipped, a shop.

Everything lies in a temporary folder and is gone afterwards. Figures of one run are comparable
with each other only: always the ratio, never the number.
"""

import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import psutil
import psycopg2
import urllib3
from flask import Flask
from load import request

from loyalty_service.app import create_app
from loyalty_service.config import read_config
from loyalty_service.kit.auth import SCOPES, TokenVerifier, mint_token
from loyalty_service.kit.clock import SystemClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.embedded import EmbeddedPostgres
from loyalty_service.kit.keys import create_key_file, open_keys, read_key_set
from loyalty_service.kit.migrations import migrate
from loyalty_service.kit.processes import die_with_parent
from loyalty_service.members.rules import Ref
from loyalty_service.members.service import add_new, new_ids, new_member
from loyalty_service.program.service import apply_document

HERE = Path(__file__).resolve().parent
SAMPLE = HERE.parent / "programs" / "sample.yaml"
TICK = os.sysconf("SC_CLK_TCK")
READY_SECONDS = 30.0
ENROL_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Stand:
    """A running, migrated PostgreSQL with a program, and a key to sign tokens with."""

    postgres: EmbeddedPostgres
    folder: Path
    url: str
    keys: Path

    def database(self, **more: Any) -> Database:
        """The service's way to the database."""
        return Database(self.url, clock=SystemClock(), **more)

    @contextmanager
    def owner(self) -> Iterator[Any]:
        """The cursor of one who may do everything, without a transaction."""
        url = self.postgres.url
        connection = psycopg2.connect(
            host=url.query["host"], port=url.port, user=url.username, dbname=url.database
        )
        connection.autocommit = True
        try:
            yield connection.cursor()
        finally:
            connection.close()

    def app(self, db: Database, log_level: str = "error") -> Flask:
        """The application in this process, on a database of ``database()``."""
        config = replace(read_config(), log_level=log_level, log_format="json")
        tokens = TokenVerifier(
            open_keys(str(self.keys)), issuer=config.jwt_issuer, audience=config.jwt_audience
        )
        return create_app(config, db=db, tokens=tokens)

    def token(self, subject: str = "bench", scopes: Iterable[str] = SCOPES.keys()) -> str:
        """A token for an hour."""
        key = read_key_set(self.keys.read_bytes())["dev"]
        return mint_token(
            key,
            issuer="loyalty-dev",
            audience="loyalty",
            subject=subject,
            scopes=[scope for scope in scopes if scope != "self"],
            lifetime_s=7_200,
        )

    def server_cpu(self) -> float:
        """CPU seconds of PostgreSQL so far, with the backends that are gone."""
        assert self.postgres.pid is not None
        total = 0.0
        for pid in [self.postgres.pid, *_children(self.postgres.pid)]:
            fields = _stat(pid)
            # utime stime; of the first process also those of children that have ended.
            total += sum(fields[11:15] if pid == self.postgres.pid else fields[11:13])
        return total / TICK


@contextmanager
def stand(program: Path = SAMPLE) -> Iterator[Stand]:
    """Start PostgreSQL as shipped (fsync on), migrate it and apply a program."""
    folder = Path(tempfile.mkdtemp(prefix="loyalty-bench-"))
    folder.chmod(0o711)
    try:
        with EmbeddedPostgres(folder / "postgres") as postgres:
            url = postgres.url.render_as_string(hide_password=False)
            migrate(postgres.url)
            create_key_file(folder / "keys.json")
            made = Stand(postgres, folder, url, folder / "keys.json")
            db = made.database(pool_size=1)
            text = program.read_text(encoding="utf-8")
            db.run(lambda tx: apply_document(tx, text, "bench"))
            db.close()
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def enrol_members(db: Database, refs: Sequence[str], *, enrolled_at: Any = None) -> list[int]:
    """Enrol these members, a thousand in a transaction; returns our numbers."""
    ids: list[int] = []
    for begin in range(0, len(refs), ENROL_AT_ONCE):
        part = refs[begin : begin + ENROL_AT_ONCE]

        def work(tx: Any, part: Sequence[str] = part) -> list[int]:
            found = new_ids(tx, len(part))
            now = tx.now()
            members = [new_member(member_id, enrolled_at or now, now) for member_id in found]
            add_new(tx, [(m, [Ref("shop", ref)]) for m, ref in zip(members, part, strict=True)])
            return found

        ids += db.run(work)
    return ids


@dataclass(frozen=True, slots=True)
class Web:
    """A web server that answers."""

    port: int
    process: psutil.Process

    def cpu(self) -> float:
        """CPU seconds of the server's processes so far."""
        pids = [self.process.pid, *_children(self.process.pid)]
        return sum(sum(_stat(pid)[11:13]) for pid in pids) / TICK

    def memory_mb(self) -> float:
        """Resident memory of its processes."""
        every = [self.process, *self.process.children(recursive=True)]
        return sum(int(process.memory_info().rss) for process in every) / 1e6


@contextmanager
def web_server(
    stand: Stand, program: Sequence[str] = ("-m", "loyalty_service.cli.web_server"), **more: str
) -> Iterator[Web]:
    """Run gunicorn as shipped; ``program`` says of which application."""
    port = _free_port()
    counts = stand.folder / f"metrics-{port}"
    counts.mkdir()
    environment = {
        **os.environ,
        "LOYALTY_DATABASE_URL": stand.url,
        "LOYALTY_JWT_KEYS": str(stand.keys),
        "LOYALTY_DATA_DIR": str(stand.folder),
        "LOYALTY_PORT": str(port),
        "PROMETHEUS_MULTIPROC_DIR": str(counts),
        **more,
    }
    with (stand.folder / f"web-{port}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *program],
            env=environment,
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509
        )
    try:
        _await_ready(port, process)
        yield Web(port, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(30)


def cart(order_no: int = 0) -> dict[str, Any]:
    """A paid order of five lines, as a storefront sends it."""
    yuan = (129_00, 258_00, 59_90, 16_80, 399_00)
    categories = ("shoes", "clothes", "tea", "gift_card", "clothes")
    return {
        "payment_ref": f"pay-{order_no}",
        "channel": "app",
        "lines": [
            {
                "sku": f"SKU-{1000 + i}",
                "category": category,
                "brand": "Yunshan",
                "quantity": i + 1,
                "amount": {"amount": amount, "currency": "CNY"},
            }
            for i, (amount, category) in enumerate(zip(yuan, categories, strict=True))
        ],
    }


def payment(token: str, member_ref: str, order_ref: str) -> bytes:
    """The request that records a paid order, with a key of its own."""
    body = cart()
    body["payment_ref"] = f"pay-{order_ref}"
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"key-{order_ref}"}
    path = f"/v1/members/{member_ref}/orders/{order_ref}/payment"
    return request("POST", path, orjson.dumps(body), headers)


def median(values: Iterable[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def ratio(over: Sequence[float], under: Sequence[float]) -> str:
    """The median of the ratios of rounds that ran side by side, with the middle half."""
    ratios = sorted(a / b for a, b in zip(over, under, strict=True) if b)
    if not ratios:
        return "-"
    low, high = ratios[len(ratios) // 4], ratios[(3 * len(ratios)) // 4]
    return f"{statistics.median(ratios):.2f}  (middle half {low:.2f} to {high:.2f})"


def title(text: str) -> None:
    """Say what is measured, and on what."""
    print(f"\n{text}\n{'=' * len(text)}")
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load before {load:.1f}, Python {sys.version.split()[0]}\n")


def _await_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + READY_SECONDS
    with urllib3.PoolManager(retries=False, timeout=2.0) as pool:
        while time.monotonic() < give_up_at:
            if process.poll() is not None:
                break
            try:
                if pool.request("GET", f"http://127.0.0.1:{port}/readyz").status == 200:
                    return
            except urllib3.exceptions.HTTPError:
                time.sleep(0.05)
    raise RuntimeError("the web server is not ready")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _stat(pid: int) -> list[int]:
    """The numbers of /proc/pid/stat from the state on; zeros for a process that is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return [0] * 50
    return [
        int(field) if field.lstrip("-").isdigit() else 0 for field in text.rsplit(")")[1].split()
    ]
