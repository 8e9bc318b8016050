"""What `loyalty serve --demo` adds: the sample program, a member with a history, what to try."""

from datetime import UTC, datetime, timedelta
from typing import Any

import click
import orjson
import urllib3

from loyalty_service.cli.exits import Exit, Fault
from loyalty_service.cli.story import DAYS, LAST_ORDER, MEMBER, tell_story
from loyalty_service.cli.token import sign
from loyalty_service.config import Config
from loyalty_service.kit.clock import SystemClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.shipped import shipped_folder
from loyalty_service.program.service import apply_document

STORE = "demo-shop"
ENROLMENT = {"birthday": {"month": 5, "day": 20}, "tags": ["demo"]}


class Shop:
    """A storefront that calls the service as any shop would."""

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._token = token

    def send(self, method: str, path: str, body: dict[str, Any] | None, key: str) -> Any:
        """Make one call and return its answer; None where the thing does not exist.

        Raises:
            Fault: the call was refused.
        """
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        if method == "POST":
            headers["Idempotency-Key"] = key
        sent = None if body is None else orjson.dumps(body)
        with urllib3.PoolManager(retries=False, timeout=10.0) as pool:
            answer = pool.request(method, self._address + path, body=sent, headers=headers)
        if answer.status == 404 and method == "GET":
            return None
        if answer.status >= 400:
            said = answer.data.decode(errors="replace")
            raise Fault(Exit.WEB_DIED, f"The demo's {method} {path} was refused: {said}")
        return orjson.loads(answer.data)


def show_demo(config: Config, address: str) -> None:
    """Put the sample program in force, tell a member's story over HTTP, say what to try.

    A shop that has a program of its own keeps it, and no story is told to it.
    """
    storefront = sign(config, STORE, ("checkout", "members"))
    if _apply_sample(config):
        _tell(Shop(address, storefront))
    click.echo(_words(config, address, storefront))


def _apply_sample(config: Config) -> bool:
    """Apply the sample to an empty service; whether the service runs it now."""
    text = (shipped_folder("programs") / "sample.yaml").read_text(encoding="utf-8")
    db = Database(str(config.database_url), clock=SystemClock(), pool_size=1)
    try:
        appliers = db.fetch("SELECT applied_by FROM program_version ORDER BY version")
        if not appliers:
            db.run(lambda tx: apply_document(tx, text, STORE))
        return not appliers or appliers[0] == (STORE,)
    finally:
        db.close()


def _tell(shop: Shop) -> None:
    if shop.send("GET", f"/v1/members/{MEMBER}/orders/{LAST_ORDER}", None, ""):
        return
    # What is told again after a killed start must be word for word what was told before it.
    member = shop.send("GET", f"/v1/members/{MEMBER}", None, "")
    if member is None:
        began_at = (datetime.now(UTC) - timedelta(days=DAYS)).replace(microsecond=0)
        enrolment = {**ENROLMENT, "enrolled_at": began_at.isoformat().replace("+00:00", "Z")}
        member = shop.send("PUT", f"/v1/members/{MEMBER}", enrolment, "")
    for number, telling in enumerate(tell_story(datetime.fromisoformat(member["enrolled_at"]))):
        shop.send(telling.method, telling.path, telling.body, f"demo-{number}")


def _words(config: Config, address: str, storefront: str) -> str:
    member = sign(config, MEMBER, ("self",))
    operator = sign(config, "demo-operator", ("operator",))
    mine = f"{address}/v1/members/{MEMBER}"
    return f"""
Ready: {address}          Guide: {address}/docs

  STOREFRONT={storefront}
  MEMBER={member}
  OPERATOR={operator}

Paste the three lines above (they hold for a day), then try:

  # what the member {MEMBER} has, and why
  curl -s {mine}/balance -H "Authorization: Bearer $MEMBER"
  curl -s "{mine}/entries?limit=5" -H "Authorization: Bearer $MEMBER"
  curl -s {mine}/entries/points/1 -H "Authorization: Bearer $MEMBER"

  # a paid order of 128.00 yuan, then sent back; send either again and nothing changes
  curl -s {mine}/orders/T-1/payment -H "Authorization: Bearer $STOREFRONT" \\
    -H "Idempotency-Key: try-1" -H "Content-Type: application/json" \\
    -d '{{"payment_ref": "try-1", "lines": [{{"sku": "TEA-1", "quantity": 2,
         "amount": {{"amount": 12800, "currency": "CNY"}}}}]}}'
  curl -s -X PUT {mine}/orders/T-1/returns/T-1-R -H "Authorization: Bearer $STOREFRONT" \\
    -H "Content-Type: application/json" -d '{{"lines": [{{"line": 1, "units": 2}}]}}'

  # the program in words
  curl -s {address}/v1/program -H "Authorization: Bearer $OPERATOR"

Ctrl-C stops everything; the data stays in {config.data_dir}.
"""
