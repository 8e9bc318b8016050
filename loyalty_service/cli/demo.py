"""What `loyalty serve --demo` adds: the sample program, a shop with a past, what to try."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from shlex import quote

import click
from sqlalchemy.engine import URL

from loyalty_service.cli.databases import some_database_address
from loyalty_service.cli.history import MEI, is_told, plan_history, tell_history
from loyalty_service.cli.history.life import ZONE, local
from loyalty_service.cli.token import sign
from loyalty_service.config import Config, read_config
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.shipped import shipped_folder
from loyalty_service.program.service import apply_document

SHOP = "demo-shop"
OPENED_BEFORE = timedelta(days=500)
"""Long enough for a tier to be reached, reviewed at the end of its term, and lost."""
LINES_TOLD = 10

CALLS = """
  # 1  what mei has: alive, waiting, about to end, and what it is worth; and 200 days ago
  call $MEMBER $AT/members/mei/balance
  call $MEMBER "$AT/members/mei/balance?at={then}"

  # 2  a paid order of 128.00 yuan; sent again, with this key or another: the same receipt
  call $STOREFRONT $AT/members/mei/orders/T-1/payment -H "Idempotency-Key: try-1" \\
    -d '{"payment_ref": "try-1", "channel": "app", "lines": [
         {"sku": "CUP-2", "quantity": 2, "amount": {"amount": 6400, "currency": "CNY"}},
         {"sku": "TEA-LJ-250", "category": "tea", "quantity": 1,
          "amount": {"amount": 6400, "currency": "CNY"}}]}'

  # 3  one of the two cups comes back: exactly its part of the points goes
  call $STOREFRONT -X PUT $AT/members/mei/orders/T-1/returns/T-1-R \\
    -d '{"lines": [{"line": 1, "units": 1}]}'

  # 4  mei spends points: what is allowed and why not more; 500 of them held for half an hour; paid
  SHIRT='"lines": [{"sku": "SHIRT-M", "category": "clothes", "quantity": 2,
          "amount": {"amount": 39800, "currency": "CNY"}}]'
  call $STOREFRONT $AT/members/mei/quotes -d "{$SHIRT, \\"points\\": 90000}"
  call $STOREFRONT -X PUT $AT/members/mei/orders/T-4/reservation -d "{$SHIRT, \\"points\\": 500}"
  call $STOREFRONT $AT/members/mei/orders/T-4/payment -H "Idempotency-Key: try-4" \\
    -d '{"payment_ref": "try-4", "paid": {"amount": 39300, "currency": "CNY"}}'

  # 5  the last points of the order's story, and why points are what they are, in Chinese
  call $MEMBER "$AT/members/mei/entries?wallet=points&limit=3"
  call $MEMBER "$AT/members/mei/entries/points/2?lang=zh"

  # 6  where mei stands since a promotion, what the next tier asks for, what the next review will do
  call $MEMBER "$AT/members/mei/standing?lang=en"

  # 7  orders and returns of many members in one call; each is taken whole or refused
  call $STOREFRONT $AT/orders/batch -H "Idempotency-Key: try-2" -d '{"items": [
       {"member_ref": "lin", "order_ref": "T-2", "order": {"payment_ref": "try-2",
        "lines": [{"sku": "CUP-2", "quantity": 1, "amount": {"amount": 3345, "currency": "CNY"}}]}},
       {"member_ref": "lin", "order_ref": "T-2", "return": {"return_ref": "T-2-R",
        "lines": [{"line": 1, "units": 1}]}},
       {"member_ref": "nobody", "order_ref": "T-3", "return": {"return_ref": "T-3-R",
        "lines": [{"line": 1, "units": 1}]}}]}'

  # 8  the program in words
  call $OPERATOR "$AT/program?lang=en"

  # 9  the proof: every entry of every member followed again, beside traffic
  {verify}
"""


@click.command()
def demo() -> None:
    """Put the sample program and a demo shop with a past into the database.

    The database must be at the newest revision (`loyalty migrate`). A shop that has a program of
    its own keeps it, and no past is told to it; done again, nothing is added. `loyalty serve
    --demo` does the same before it serves, and says what to try.
    """
    from loyalty_service.cli.serve import prepare_schema

    with some_database_address(read_config()) as url:
        prepare_schema(url, migrate=False)
        told = _tell(url)
    click.echo("The demo shop is there." if told else "This shop has a program of its own: kept.")


def show_demo(config: Config, address: str) -> None:
    """Put the sample program in force, tell the shop's past, say what to try."""
    _tell(str(config.database_url))
    click.echo(_words(config, address))


def _tell(url: str | URL) -> bool:
    """Seed the database; whether the demo shop is what it holds."""
    clock = SettableClock(datetime.now(UTC))
    db = Database(url, clock=clock, pool_size=1)
    try:
        return seed_demo(db, clock, datetime.now(ZONE).date())
    finally:
        db.close()


def seed_demo(db: Database, clock: SettableClock, today: date) -> bool:
    """Put the sample program in force in an empty service and tell the shop's past, once.

    Args:
        db: takes its time from ``clock``, which is left at the last act.
        today: the shop's local day; the past ends the evening before the first start's.

    Returns:
        False where the shop has a program of its own; then nothing is done.
    """
    first = db.fetch("SELECT applied_by, in_force_at FROM program_version WHERE version = 1")
    if not first:
        # In force from the day the shop opened, so that its whole past goes by it.
        clock.set(local(today - OPENED_BEFORE, 0.0))
        text = (shipped_folder("programs") / "sample.yaml").read_text(encoding="utf-8")
        db.run(lambda tx: apply_document(tx, text, SHOP))
    elif first[0][0] == SHOP:
        # The day it was first told, also when a killed start is taken up on a later day.
        today = first[0][1].astimezone(ZONE).date() + OPENED_BEFORE
    else:
        return False
    acts = plan_history(today)
    if not is_told(db, acts):
        with _progress(len(acts)) as on_act:
            tell_history(db, clock, acts, on_act)
    return True


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, else a few lines, so that a log shows that it moves."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("Telling the past of the demo shop", total=total)
            yield lambda: bar.advance(task)
        return
    done = 0

    def line() -> None:
        nonlocal done
        done += 1
        if done % (total // LINES_TOLD) == 0:
            click.echo(f"Telling the past of the demo shop: {done} of {total}", err=True)

    yield line


def _words(config: Config, address: str) -> str:
    then = datetime.now(UTC) - timedelta(days=200)
    loyalty = quote(str(Path(sys.executable).parent / "loyalty"))
    loyalty = f"LOYALTY_DATA_DIR={quote(str(config.data_dir))} {loyalty}"
    verify = f"{loyalty} ledger verify"
    calls = CALLS.replace("{then}", f"{then:%FT%TZ}").replace("{verify}", verify)
    return f"""
Ready: {address}          Guide: {address}/docs

  [ -z "$ZSH_VERSION" ] || setopt interactivecomments
  AT={address}/v1
  STOREFRONT={sign(config, SHOP, ("checkout", "members"))}
  MEMBER={sign(config, MEI, ("self",))}
  OPERATOR={sign(config, "demo-operator", ("operator",))}
  JSON="Content-Type: application/json"
  call() {{ curl -sS -w '\\n' -H "$JSON" -H "Authorization: Bearer $1" "${{@:2}}"; }}

Paste the seven lines above into bash or zsh (the tokens hold for a day), then try:
{calls}
More members to look at with call $OPERATOR: mei was promoted to silver and to gold; su was promoted
to gold, bought little for a year and was demoted to silver, and the points of su's large order
expired (try "$AT/members/su/standing" and "$AT/members/su/entries?wallet=points"); hua's first
points expired too, and tao's last ones; chen owes points, lin's mistake was put right, bo sent
everything back, qiang works here.

Amounts are in minor units: 6400 is 64.00 yuan, for the whole line. An answer is one line; put
| {sys.executable} -m json.tool --no-ensure-ascii behind a call to unfold it.
Another day take other order numbers than T-1 to T-4.

The other commands, in a terminal of their own: {loyalty} --help
(in the folder of the service, after `. .venv/bin/activate`: loyalty --help).

Ctrl-C stops everything; the data stays in {config.data_dir}.
"""
