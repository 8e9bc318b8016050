"""Tables as CSV that spreadsheets open without running anything in them."""

import csv
import io
from collections.abc import Iterable, Sequence

Cell = str | int | None
MEDIA_TYPE = "text/csv; charset=utf-8"
# A spreadsheet takes a text that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_text(rows: Iterable[Sequence[Cell]]) -> str:
    """Rows as CSV (RFC 4180); None is an empty cell, and a text that looks like a formula is quoted
    with an apostrophe in front. Numbers stay numbers, also below 0."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([[_safe(cell) for cell in row] for row in rows])
    return text.getvalue()


def _safe(cell: Cell) -> Cell:
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return f"'{cell}"
    return cell
