"""Reads a file of invoice lines for the oracle: what an invoice is, and which lines count.

This is the written agreement of docs/import-invoice-lines.md worked out a second time. Nothing
here comes from the service.
"""

import csv
import gzip
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

COLUMNS = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
]
SHIPPING_CODES = {"POST", "DOT", "C2"}
NOT_PRODUCTS = {"M", "D", "S", "B", "AMAZONFEE", "BANK CHARGES", "CRUK"}
VOUCHER_PREFIX = "GIFT_"

REF = re.compile(r"[A-Za-z0-9._~-]{1,64}")
SKU = re.compile(r"[^\x00-\x1f\x7f]{1,64}")
INTEGER = re.compile(r"-?[0-9]{1,9}")
PRICE = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,6})?")
INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}(:[0-9]{2})?")
PURCHASE_NO = re.compile(r"[0-9]+")
RETURN_NO = re.compile(r"C[0-9]+")


@dataclass(frozen=True)
class Row:
    """One readable line of the file."""

    invoice_no: str
    sku: str
    quantity: int
    wall_time: datetime
    price: Fraction
    customer: str


@dataclass
class Invoice:
    """All readable lines with one number, in file order."""

    number: str
    rows: list[Row]

    @property
    def is_purchase(self) -> bool:
        return PURCHASE_NO.fullmatch(self.number) is not None

    @property
    def is_return(self) -> bool:
        return RETURN_NO.fullmatch(self.number) is not None

    def instant(self, zone: ZoneInfo) -> datetime:
        """The earliest instant of its lines, in UTC.

        An ambiguous wall time is the earlier of the two; one that a clock change skipped is read
        with the offset before the change, which moves it forward by what was skipped.
        """
        return min(row.wall_time.replace(tzinfo=zone, fold=0).astimezone(UTC) for row in self.rows)


@dataclass(frozen=True)
class Bought:
    """One usable line of a purchase."""

    sku: str
    is_shipping: bool
    quantity: int
    paid_minor: int


def read_invoices(path: Path, outcomes: Counter[str]) -> list[Invoice]:
    """The invoices of a file in the order of their first lines; unreadable lines are counted."""
    invoices: dict[str, Invoice] = {}
    with _open(path) as file:
        for row in _rows(file, outcomes):
            invoices.setdefault(row.invoice_no, Invoice(row.invoice_no, [])).rows.append(row)
    return list(invoices.values())


def usable_purchase_lines(invoice: Invoice, outcomes: Counter[str]) -> list[Bought]:
    """The lines of a purchase that become order lines, and why the others do not."""
    lines = []
    for row in invoice.rows:
        paid_minor = half_up(row.price * row.quantity * 100)
        if is_no_product(row.sku):
            outcomes["not_a_product"] += 1
        elif row.quantity <= 0:
            outcomes["quantity_not_positive"] += 1
        elif row.price <= 0:
            outcomes["price_not_positive"] += 1
        elif paid_minor == 0:
            outcomes["worth_nothing"] += 1
        else:
            outcomes["ordered"] += 1
            shipping = row.sku.upper() in SHIPPING_CODES
            lines.append(Bought(row.sku, shipping, row.quantity, paid_minor))
    return lines


def usable_return_lines(invoice: Invoice, outcomes: Counter[str]) -> list[tuple[str, int]]:
    """Product and units (positive) of each line of a return that may be matched."""
    lines = []
    for row in invoice.rows:
        if is_no_product(row.sku):
            outcomes["not_a_product"] += 1
        elif row.quantity >= 0:
            outcomes["quantity_not_negative"] += 1
        else:
            lines.append((row.sku, -row.quantity))
    return lines


def is_no_product(sku: str) -> bool:
    """Whether a code stands for a correction, fee, sample or voucher, not for something sold."""
    return sku.upper() in NOT_PRODUCTS or sku.upper().startswith(VOUCHER_PREFIX)


def half_up(value: Fraction) -> int:
    """The nearest whole number, a half away from zero."""
    whole = (abs(value) + Fraction(1, 2)) // 1
    return int(whole) if value >= 0 else -int(whole)


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _rows(file: TextIO, outcomes: Counter[str]) -> Iterator[Row]:
    table = csv.reader(file)
    if next(table, None) != COLUMNS:
        raise ValueError(f"the first line must name the columns {', '.join(COLUMNS)}")
    for fields in table:
        outcomes["read"] += 1
        row = _row([field.strip() for field in fields])
        if row is None:
            outcomes["unreadable"] += 1
        else:
            yield row


def _row(fields: list[str]) -> Row | None:
    if len(fields) != len(COLUMNS):
        return None
    number, sku, _, quantity, wall_time, price, customer, _ = fields
    forms = [(REF, number), (SKU, sku), (INTEGER, quantity), (INSTANT, wall_time), (PRICE, price)]
    if customer:
        forms.append((REF, customer))
    if not all(form.fullmatch(text) for form, text in forms):
        return None
    try:
        at = datetime.fromisoformat(wall_time)
    except ValueError:
        return None
    if at.year < 1970:
        return None
    return Row(number, sku, int(quantity), at, Fraction(price), customer)
