"""`loyalty import`: history and members from files."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from loyalty_service.cli.databases import open_database
from loyalty_service.cli.exits import Exit, Fault
from loyalty_service.config import read_config
from loyalty_service.imports.rules.deciding import Report
from loyalty_service.imports.rules.forms import ValueFault, read_instant
from loyalty_service.imports.rules.lines import PARTS
from loyalty_service.imports.rules.openings import MembersReport
from loyalty_service.imports.rules.tables import FileFault
from loyalty_service.kit.patience import LOCK_MS
from loyalty_service.members.service import read_secret

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def imports() -> None:
    """Bring members and trade from files into the books.

    Done again, or stopped and done again, an import changes nothing that it has done before.
    """


class _Zone(click.ParamType[ZoneInfo]):
    name = "zone"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> ZoneInfo:
        try:
            return ZoneInfo(str(value))
        except (KeyError, ValueError, OSError):
            self.fail(f"{value!r} is no time zone; one is Europe/London.", param, ctx)


class _Columns(click.ParamType[Mapping[str, str]]):
    name = "part=column,..."

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Mapping[str, str]:
        named = dict(pair.partition("=")[::2] for pair in str(value).split(","))
        strange = [part for part, column in named.items() if part not in PARTS or not column]
        if strange:
            parts = ", ".join(PARTS)
            self.fail(
                f"{strange[0]!r}: name columns as part=column; parts are {parts}.", param, ctx
            )
        return named


class _Instant(click.ParamType[datetime]):
    name = "instant"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        try:
            return read_instant(str(value))
        except ValueFault as fault:
            self.fail(f"{value!r} {fault}.", param, ctx)


@imports.command("invoice-lines")
@click.argument("file", type=_FILE)
@click.option("--zone", type=_Zone(), help="Of the file's local times; else the program's.")
@click.option(
    "--columns", type=_Columns(), help="For a file with other names: invoice=No,sku=Code."
)
@click.option("--currency", help="Of the file's prices; refused if it is not the program's.")
@click.option(
    "--check", "only_check", is_flag=True, help="Only tell what cannot be read; write nothing."
)
def invoice_lines(
    file: Path,
    zone: ZoneInfo | None,
    columns: Mapping[str, str] | None,
    currency: str | None,
    *,
    only_check: bool,
) -> None:
    """Import a shop's invoices from FILE (.csv or .csv.gz), one line for each line of an invoice.

    Every line and every invoice is counted by what became of it, or why it was left out.
    Ends with 1 when a line cannot be read; it is left out, and all else is brought in. Ends with 8
    when a member stayed locked for a long time; what was done is told, and done again it goes on.
    docs/import-invoice-lines.md says exactly what an invoice is and how returns find their
    purchases.
    """
    from loyalty_service.cli.invoices import Asked, import_invoices, tell

    with _told(file), open_database(read_config(), most_lock_ms=LOCK_MS) as db:
        asked = Asked(zone, columns, currency)
        report = import_invoices(db, file, asked, only_check=only_check)
    tell(report, file)
    end(report, found_wrong=bool(report.unreadable_lines))


@imports.command("members")
@click.argument("file", type=_FILE)
@click.option("--check", "only_check", is_flag=True, help="Only tell the faults; write nothing.")
@click.option("--as-of", type=_Instant(), help="When balances and tiers stood; else now.")
def members(file: Path, *, only_check: bool, as_of: datetime | None) -> None:
    """Import members, their opening balances and tiers from FILE (.csv or .csv.gz).

    Ends with 1 when a line has a fault; nothing of a member with a fault is written, everybody
    else is. Ends with 8 when a member stayed locked for a long time; what was done is told, and
    done again it goes on. docs/import-members.md names the columns and works an example through.
    """
    from loyalty_service.cli.newcomers import import_members, tell

    config = read_config()
    try:
        secret = read_secret(config.ref_secret_file)
    except (OSError, ValueError) as error:
        raise Fault(Exit.SETTINGS, f"LOYALTY_REF_SECRET_FILE cannot be used: {error}") from None
    with _told(file), open_database(config, most_lock_ms=LOCK_MS) as db:
        report = import_members(db, file, as_of=as_of, secret=secret, only_check=only_check)
    tell(report, file, only_check=only_check)
    end(report, found_wrong=bool(report.faults))


def end(report: Report | MembersReport, *, found_wrong: bool) -> None:
    """Leave with the code that says how an import went."""
    if report.is_stuck:
        raise Fault(
            Exit.UNFINISHED,
            "A member that comes next is locked by another session and was not let go. Look for "
            "what holds it. What is told above is done; the same command again does the rest.",
        )
    if found_wrong:
        sys.exit(Exit.FOUND_WRONG)


@contextmanager
def _told(file: Path) -> Iterator[None]:
    try:
        yield
    except FileFault as fault:
        raise Fault(Exit.FOUND_WRONG, f"{file}: {fault}") from None
