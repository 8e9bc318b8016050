"""Reports as tables: a row of headings, and rows of texts and numbers."""

from collections.abc import Iterable

from loyalty_service.program.rules.currencies import money_text
from loyalty_service.reports.rules.liability import Ends, Open, WalletOwed
from loyalty_service.reports.rules.points import By, PointsRow

Cell = str | int | None
WORTH = "worth"
"""The heading of amounts of money."""
_ENDS = {Ends.AFTER_FULFILMENT: "known after fulfilment", Ends.NEVER: "never"}


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
    """Open points by wallet and by when they end; the worth is in minor units of the currency."""
    amounts: list[Cell] = [*Open.__slots__, "points"]
    table: list[list[Cell]] = [["wallet", "ends", "month", *amounts, "worth_minor", "currency"]]
    for wallet in wallets:
        for owed in wallet.months:
            bucket = owed.open
            worth: list[Cell] = [
                owed.worth_minor,
                currency if owed.worth_minor is not None else None,
            ]
            amounts = [bucket.active, bucket.pending, bucket.held, bucket.points]
            table.append([wallet.wallet, owed.ends.value, owed.month, *amounts, *worth])
    return table


def liability_lines(currency: str, wallets: Iterable[WalletOwed]) -> list[list[Cell]]:
    """The same for people: one column says when points end, and the worth is written as money."""
    table: list[list[Cell]] = [["wallet", "ends", *Open.__slots__, "points", WORTH]]
    for wallet in wallets:
        for owed in wallet.months:
            bucket, ends = owed.open, owed.month or _ENDS[owed.ends]
            amounts: list[Cell] = [bucket.active, bucket.pending, bucket.held, bucket.points]
            table.append([wallet.wallet, ends, *amounts, worth_text(owed.worth_minor, currency)])
    return table


def worth_text(worth_minor: int | None, currency: str) -> str | None:
    """What points are worth, as people write it; None where they pay nothing."""
    return None if worth_minor is None else money_text(worth_minor, currency)
