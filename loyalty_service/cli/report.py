"""`loyalty report points` and `liability`."""

from collections.abc import Sequence
from datetime import date, datetime

import click

from loyalty_service.cli.databases import open_database
from loyalty_service.config import read_config
from loyalty_service.kit.sheets import Cell, csv_text
from loyalty_service.program.service import Programs
from loyalty_service.reports.rules.points import By
from loyalty_service.reports.rules.tables import liability_table, points_table
from loyalty_service.reports.service import report_liability, report_points

DAY = click.DateTime(["%Y-%m-%d"])

as_csv = click.option("--csv", "is_csv", is_flag=True, help="Print CSV instead of a table.")


@click.group()
def report() -> None:
    """Tell what the ledger comes to; days are those of the program's zone."""


@report.command()
@click.option("--by", type=click.Choice([str(by) for by in By]), default="month", show_default=True)
@click.option("--from", "first", type=DAY, help="First day; the first of the last day's month.")
@click.option("--until", type=DAY, help="Last day, included; today if left out.")
@as_csv
def points(by: str, first: datetime | None, until: datetime | None, *, is_csv: bool) -> None:
    """Points given and taken, by the day that entries were recorded."""
    with open_database(read_config()) as db, db.reading() as tx:
        told = report_points(tx, Programs(), By(by), _day(first), _day(until))
    _print(points_table(told.span.by, told.rows), is_csv=is_csv)
    _note(f"{told.span.first} to {told.span.last}, {told.time_zone}", is_csv=is_csv)


@report.command()
@click.option("--at", type=DAY, help="At the end of this day; today, so far, if left out.")
@as_csv
def liability(at: datetime | None, *, is_csv: bool) -> None:
    """Open points by the month in which they end, and what they are worth (minor units)."""
    with open_database(read_config()) as db, db.reading() as tx:
        told = report_liability(tx, Programs(), _day(at))
    _print(liability_table(told.currency, told.wallets), is_csv=is_csv)
    for wallet in told.wallets:
        worth = "" if wallet.worth_minor is None else f", {wallet.worth_minor} {told.currency}"
        _note(f"{wallet.wallet}: {wallet.open.points} points{worth}", is_csv=is_csv)
    _note(f"End of {told.at}, {told.time_zone}, program {told.program_version}", is_csv=is_csv)


def _day(given: datetime | None) -> date | None:
    return None if given is None else given.date()


def _print(table: Sequence[Sequence[Cell]], *, is_csv: bool) -> None:
    if is_csv:
        click.echo(csv_text(table), nl=False)
        return
    texts = [["" if cell is None else str(cell) for cell in row] for row in table]
    widths = [max(len(row[i]) for row in texts) for i in range(len(texts[0]))]
    numbers = [any(isinstance(row[i], int) for row in table) for i in range(len(widths))]
    for row in texts:
        cells = [
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(row, widths, numbers, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())


def _note(text: str, *, is_csv: bool) -> None:
    if not is_csv:
        click.echo(text)
