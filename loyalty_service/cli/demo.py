"""What `loyalty serve --demo` adds: the sample program, a member with a history, what to try."""

from typing import Any

import click
import orjson
import urllib3

from loyalty_service.cli.exits import Exit, Fault
from loyalty_service.cli.token import sign
from loyalty_service.config import Config
from loyalty_service.kit.clock import SystemClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.shipped import shipped_folder
from loyalty_service.program.service import apply_document

MEMBER = "mei"
STORE = "demo-shop"


def show_demo(config: Config, address: str) -> None:
    """Put the sample program in force, tell a member's story over HTTP, say what to try.

    Done again it changes nothing: the calls carry the same idempotency keys.
    """
    _apply_sample(config)
    storefront = sign(config, STORE, ("checkout", "members"))
    for method, path, body in STORY:
        _call(address + path, method, body, storefront)
    click.echo(_words(config, address, storefront))


def _apply_sample(config: Config) -> None:
    text = (shipped_folder("programs") / "sample.yaml").read_text(encoding="utf-8")
    db = Database(str(config.database_url), clock=SystemClock(), pool_size=1)
    try:
        # A shop that has put a program of its own in force keeps it.
        if not db.fetch("SELECT version FROM program_version LIMIT 1"):
            db.run(lambda tx: apply_document(tx, text, "demo"))
    finally:
        db.close()


STORY: tuple[tuple[str, str, dict[str, Any]], ...] = ()


def _call(url: str, method: str, body: dict[str, Any], token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    if method == "POST":
        headers["Idempotency-Key"] = "demo:" + url.partition("/v1/")[2]
    with urllib3.PoolManager(retries=False, timeout=10.0) as pool:
        answer = pool.request(method, url, body=orjson.dumps(body), headers=headers)
        if answer.status >= 400:
            said = answer.data.decode(errors="replace")
            raise Fault(Exit.WEB_DIED, f"The demo's {method} {url} was refused: {said}")


def _words(config: Config, address: str, storefront: str) -> str:
    member = sign(config, MEMBER, ("self",))
    operator = sign(config, "demo-operator", ("operator",))
    return f"""
Ready: {address}          Guide: {address}/docs

  STOREFRONT={storefront}
  MEMBER={member}
  OPERATOR={operator}

Paste the lines above, then try:

  curl -s {address}/v1/program -H "Authorization: Bearer $OPERATOR"

Ctrl-C stops everything; the data stays in {config.data_dir}.
"""
