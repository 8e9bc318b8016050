"""Reports as tables: a row of headings, and rows of texts and numbers."""

from collections.abc import Iterable

from loyalty_service.reports.rules.liability import Open, WalletOwed
from loyalty_service.reports.rules.points import By, PointsRow

Cell = str | int | None


def points_table(by: By, rows: Iterable[PointsRow]) -> list[list[Cell]]:
    """Points given and taken; the first column is what the rows are of."""
    amounts: list[Cell] = ["wallet", "given", "taken", "points", "entries"]
    head: list[Cell] = amounts if by is By.WALLET else [str(by), *amounts]
    table = [head]
    for row in rows:
        cells: list[Cell] = [row.wallet, row.given, row.taken, row.points, row.entries]
        table.append(cells if by is By.WALLET else [row.of, *cells])
    return table


def liability_table(currency: str, wallets: Iterable[WalletOwed]) -> list[list[Cell]]:
    """Open points by wallet and month; an empty month is that of points without an end."""
    head: list[Cell] = ["wallet", "month", *Open.__slots__, "points", "worth_minor", "currency"]
    table = [head]
    for wallet in wallets:
        for owed in wallet.months:
            bucket = owed.open
            worth: list[Cell] = [
                owed.worth_minor,
                currency if owed.worth_minor is not None else None,
            ]
            amounts: list[Cell] = [bucket.active, bucket.pending, bucket.held, bucket.points]
            table.append([wallet.wallet, owed.month, *amounts, *worth])
    return table
