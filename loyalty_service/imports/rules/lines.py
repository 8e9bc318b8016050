"""Lines of invoices: how a file writes them down, and which of them can be read."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from loyalty_service.imports.rules.tables import FileFault, Memo, check_commas, read_rows

COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
PARTS = {
    "invoice": "InvoiceNo",
    "sku": "StockCode",
    "quantity": "Quantity",
    "date": "InvoiceDate",
    "price": "UnitPrice",
    "customer": "CustomerID",
}
"""What an import reads of a line, and the column it stands in unless another is named."""

MILLIONTHS = 10**6
EXAMPLES = 5

_REF = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_SKU = re.compile(r"[^\x00-\x1f\x7f]{1,64}")
_QUANTITY = re.compile(r"-?[0-9]{1,9}")
_PRICE = re.compile(r"(-?)([0-9]{1,9})(?:\.([0-9]{1,6}))?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_FIRST_YEAR = 1970

Row = tuple[str, int, int]
"""Product code, units, and the price of one unit in millionths of the currency's unit."""


@dataclass(slots=True)
class Invoice:
    """All readable lines of a file with one number, in file order.

    Args:
        instant: the earliest of its lines' instants, UTC.
        customer: the customer of its first line; empty for none.
        has_one_customer: whether all its lines have that one.
    """

    number: str
    instant: datetime
    customer: str
    has_one_customer: bool = True
    rows: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Invoices:
    """What a file holds: its invoices in the order they pass, and the lines it took to say so.

    Args:
        read: all lines but the first.
        unreadable: how many of them could not be read.
        unreadable_lines: some of those by number, and what is wrong with each.
    """

    timeline: list[Invoice] = field(default_factory=list)
    read: int = 0
    unreadable: int = 0
    unreadable_lines: dict[int, str] = field(default_factory=dict)


def read_invoices(
    lines: Iterable[str], zone: ZoneInfo, columns: Mapping[str, str] | None = None
) -> Invoices:
    """Read a file of invoice lines; a line that cannot be read is counted and left out.

    Args:
        zone: of the file's local times.
        columns: the names of the file's columns by part (``PARTS``); None for the usual file,
            which has to begin with ``COLUMNS``.

    Raises:
        FileFault: the first line does not name the columns, or the file is no such table.
    """
    rows = read_rows(lines)
    _, header = next(rows, (0, []))
    places = _find_columns(header, columns)
    forms = _Forms(zone, places, len(header))
    found = Invoices()
    by_number: dict[str, Invoice] = {}
    for line_no, fields in rows:
        found.read += 1
        if not forms.add(fields, by_number):
            found.unreadable += 1
            if found.unreadable <= EXAMPLES:
                found.unreadable_lines[line_no] = forms.why_not(fields, header)
    # sorted() is stable: at one instant the invoice that began earlier in the file goes first.
    found.timeline = sorted(by_number.values(), key=lambda invoice: invoice.instant)
    return found


def _find_columns(header: list[str], columns: Mapping[str, str] | None) -> list[int]:
    check_commas(header)
    if columns is None:
        if header != list(COLUMNS):
            raise FileFault(f"line 1: the first line must name the columns {','.join(COLUMNS)}")
        columns = PARTS
    named = [columns.get(part, usual) for part, usual in PARTS.items()]
    missing = [name for name in named if header.count(name) != 1]
    if missing:
        raise FileFault(
            f"line 1: the columns {', '.join(missing)} must each stand in the first line once; "
            f"it names {', '.join(header)[:300]}"
        )
    return [header.index(name) for name in named]


class _Forms:
    """The forms of a line's fields; each different text is looked at once."""

    def __init__(self, zone: ZoneInfo, places: list[int], width: int) -> None:
        self._places = places
        self._width = width
        self._numbers = Memo(_read_ref)
        self._skus = Memo(_read_sku)
        self._quantities = Memo(_read_quantity)
        self._instants = Memo(lambda text: read_local_time(text.strip(), zone))
        self._prices = Memo(_read_price)
        self._customers = Memo(_read_customer)

    def add(self, fields: list[str], invoices: dict[str, Invoice]) -> bool:
        """Add a line to its invoice; False when the line is unreadable."""
        if len(fields) != self._width:
            return False
        invoice_at, sku_at, quantity_at, date_at, price_at, customer_at = self._places
        number = self._numbers[fields[invoice_at]]
        sku = self._skus[fields[sku_at]]
        quantity = self._quantities[fields[quantity_at]]
        instant = self._instants[fields[date_at]]
        price = self._prices[fields[price_at]]
        customer = self._customers[fields[customer_at]]
        if number is None or sku is None or quantity is None:
            return False
        if instant is None or price is None or customer is None:
            return False
        invoice = invoices.get(number)
        if invoice is None:
            invoice = invoices[number] = Invoice(number, instant, customer)
        elif instant < invoice.instant:
            invoice.instant = instant
        if customer != invoice.customer:
            invoice.has_one_customer = False
        invoice.rows.append((sku, quantity, price))
        return True

    def why_not(self, fields: list[str], header: list[str]) -> str:
        """What is wrong with a line that was not added: the first field that has not its form."""
        if len(fields) != self._width:
            return f"has {len(fields)} fields, the first line names {self._width}"
        forms: tuple[tuple[Mapping[str, Any], str], ...] = (
            (self._numbers, "1 to 64 letters, digits or . _ ~ -"),
            (self._skus, "1 to 64 characters"),
            (self._quantities, "a whole number"),
            (self._instants, "YYYY-MM-DD HH:MM, a date from 1970 on"),
            (self._prices, "a decimal with at most six digits after the point"),
            (self._customers, "empty, or 1 to 64 letters, digits or . _ ~ -"),
        )
        for at, (memo, form) in zip(self._places, forms, strict=True):
            if memo[fields[at]] is None:
                return f"{header[at]}: must be {form} (found {fields[at].strip()[:40]!r})"
        raise AssertionError("the line can be read")


def _read_ref(text: str) -> str | None:
    text = text.strip()
    return text if _REF.fullmatch(text) else None


def _read_customer(text: str) -> str | None:
    return "" if not text.strip() else _read_ref(text)


def _read_sku(text: str) -> str | None:
    text = text.strip()
    return text if _SKU.fullmatch(text) else None


def _read_quantity(text: str) -> int | None:
    text = text.strip()
    return int(text) if _QUANTITY.fullmatch(text) else None


def _read_price(text: str) -> int | None:
    """A decimal as whole millionths, exact."""
    match = _PRICE.fullmatch(text.strip())
    if match is None:
        return None
    sign, units, decimals = match.groups()
    millionths = int(units) * MILLIONTHS + int((decimals or "").ljust(6, "0"))
    return -millionths if sign else millionths


def read_local_time(text: str, zone: ZoneInfo) -> datetime | None:
    """A local ``YYYY-MM-DD HH:MM[:SS]`` as an instant (UTC); None when it is none.

    Of a time that occurs twice it is the earlier; one that a clock change skipped is moved
    forward by what was skipped.

    Rule: R-04.
    """
    if not _TIME.fullmatch(text):
        return None
    try:
        wall = datetime.fromisoformat(text)
    except ValueError:
        return None
    if wall.year < _FIRST_YEAR:
        return None
    try:
        # With the offset before the change, fold 0 does both.
        return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    except OverflowError:
        return None
