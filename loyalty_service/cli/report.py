"""`loyalty report points` and `liability`."""

from collections.abc import Sequence
from datetime import date

import click

from loyalty_service.cli.databases import open_database
from loyalty_service.cli.instants import Day
from loyalty_service.config import read_config
from loyalty_service.kit.sheets import Cell, csv_text
from loyalty_service.program.service import Programs
from loyalty_service.reports.rules.points import By
from loyalty_service.reports.rules.tables import (
    WORTH,
    liability_lines,
    liability_table,
    points_table,
    worth_text,
)
from loyalty_service.reports.service import report_liability, report_points

as_csv = click.option("--csv", "is_csv", is_flag=True, help="Print CSV instead of a table.")


@click.group()
def report() -> None:
    """Tell what the ledger comes to; days are those of the program's zone."""


@report.command()
@click.option("--by", type=click.Choice([str(by) for by in By]), default="month", show_default=True)
@click.option("--from", "first", type=Day(), help="First day; the first of the last day's month.")
@click.option("--until", type=Day(), help="Last day, included; today if left out.")
@as_csv
def points(by: str, first: date | None, until: date | None, *, is_csv: bool) -> None:
    """Points given and taken, by the day that entries were recorded."""
    with open_database(read_config()) as db, db.reading() as tx:
        told = report_points(tx, Programs(), By(by), first, until)
    _print(points_table(told.span.by, told.rows), is_csv=is_csv)
    _note(f"{told.span.first} to {told.span.last}, {told.time_zone}", is_csv=is_csv)


@report.command()
@click.option("--at", type=Day(), help="At the end of this day; today, so far, if left out.")
@as_csv
def liability(at: date | None, *, is_csv: bool) -> None:
    """Open points by the month in which they end, and what they are worth.

    In CSV the worth is a whole number of minor units (39800 is CNY 398.00), and `ends` says
    in_month, never, or after_fulfilment for points whose end is known once an order is fulfilled.
    """
    with open_database(read_config()) as db, db.reading() as tx:
        told = report_liability(tx, Programs(), at)
    table = liability_table if is_csv else liability_lines
    _print(table(told.currency, told.wallets), is_csv=is_csv)
    for wallet in told.wallets:
        worth = worth_text(wallet.worth_minor, told.currency)
        words = f"{wallet.wallet}: {wallet.open.points} points"
        _note(words if worth is None else f"{words}, worth {worth}", is_csv=is_csv)
    _note(f"End of {told.at}, {told.time_zone}, program {told.program_version}", is_csv=is_csv)


def _print(table: Sequence[Sequence[Cell]], *, is_csv: bool) -> None:
    if is_csv:
        click.echo(csv_text(table), nl=False)
        return
    texts = [["" if cell is None else str(cell) for cell in row] for row in table]
    widths = [max(len(row[i]) for row in texts) for i in range(len(texts[0]))]
    numbers = [
        heading == WORTH or any(isinstance(row[i], int) for row in table)
        for i, heading in enumerate(table[0])
    ]
    for row in texts:
        cells = [
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(row, widths, numbers, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())


def _note(text: str, *, is_csv: bool) -> None:
    if not is_csv:
        click.echo(text)
