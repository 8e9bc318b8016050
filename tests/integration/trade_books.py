"""What the books say of imported trade, in the terms of the oracle, and slices of real trade."""

import csv
import gzip
import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest

from loyalty_service.cli.invoices import Asked, import_invoices
from loyalty_service.imports.rules.deciding import Report
from loyalty_service.kit.db import Database
from loyalty_service.program.service import apply_document
from tests.oracle.invoice_oracle import Oracle

ROOT = Path(__file__).parents[2]
BENCH = ROOT / "programs" / "import-bench.yaml"
SHORT_ENDS = ROOT / "tests" / "oracle" / "short_ends.yaml"
TRADE = "online-retail-2010-12_2011-08.csv.gz"

Facts = dict[Any, Any]

_CUSTOMERS = "SELECT member_id, value FROM member_ref WHERE kind = 'shop'"
_ACCOUNTS = "SELECT member_id, wallet, balance, deficit FROM account"
_ENTRIES = """
SELECT member_id, wallet, kind, sum(points)::bigint FROM entry GROUP BY 1, 2, 3
"""
_STEPS = "SELECT member_id, receipt FROM order_step WHERE kind = 'return'"
_ORDERS = "SELECT member_id, order_ref, placed_at, returned_minor FROM order_head"
_LINES = """
SELECT h.order_ref, l.line_no, l.sku, l.quantity, l.paid_minor, l.returned_units, l.shares
  FROM order_line l JOIN order_head h USING (member_id, order_no)
"""
# What does not depend on when, in how many goes or as which number it was written.
_STATE = """
SELECT r.value, e.wallet, e.seq, e.kind, e.points, e.reason, e.occurred_at, e.balance_after,
       a.lot_seq, a.points, a.active_at, a.expires_at, a.expired
  FROM entry e
  JOIN allocation a ON (a.member_id, a.wallet, a.entry_seq) = (e.member_id, e.wallet, e.seq)
  JOIN member_ref r ON r.member_id = e.member_id
 ORDER BY 1, 2, 3, 9
"""


def real_trade() -> Path:
    """The file of real trade; the test is skipped where it is not."""
    folder = Path(os.environ.get("LOYALTY_TEST_DATA", ROOT.parent / "shared" / "data"))
    path = folder / TRADE
    if not path.is_file():
        pytest.skip(f"real trade is not here: {path} (LOYALTY_TEST_DATA names its folder)")
    return path


def slice_of_trade(path: Path, keep: Callable[[dict[str, str]], bool]) -> Path:
    """Write the lines of real trade that are kept to a file of their own."""
    with gzip.open(real_trade(), "rt", encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file)
        assert table.fieldnames is not None
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, table.fieldnames)
            writer.writeheader()
            writer.writerows(row for row in table if keep(row))
    return path


def some_customers(row: dict[str, str], one_in: int, until: str) -> bool:
    """Every so many customers' trade and guests' invoices up to a month."""
    digits = row["CustomerID"] or row["InvoiceNo"].strip("CA")
    return int(digits) % one_in == 0 and row["InvoiceDate"] < until


def apply(db: Database, program: Path) -> None:
    """Put a program in force."""
    text = program.read_text(encoding="utf-8")
    db.run(lambda tx: apply_document(tx, text, "test"))


def take(db: Database, *paths: Path) -> list[Report]:
    """Import files one after another."""
    return [import_invoices(db, path, Asked()) for path in paths]


def state(db: Database) -> list[tuple[Any, ...]]:
    """Every entry and what it did to which lot."""
    return db.fetch(_STATE)


def assert_agrees(db: Database, oracle: Oracle) -> None:
    """Totals per customer and wallet, and every order line, are what the oracle says."""
    names = dict(db.fetch(_CUSTOMERS))
    assert _wallets(db, names) == _expected_wallets(oracle)
    assert _orders(db, names) == _expected_orders(oracle)
    assert _lines(db) == _expected_lines(oracle)


def _wallets(db: Database, names: dict[int, str]) -> Facts:
    found: Facts = defaultdict(lambda: dict.fromkeys(("earned", "taken_back", "expired"), 0))
    for member, wallet, balance, deficit in db.fetch(_ACCOUNTS):
        found[names[member], wallet] |= {"balance": balance, "deficit": deficit}
    for member, wallet, kind, points in db.fetch(_ENTRIES):
        if kind == "credit":
            found[names[member], wallet]["earned"] = points
        if kind == "expire":
            found[names[member], wallet]["expired"] = -points
    for member, receipt in db.fetch(_STEPS):
        for taken in orjson.loads(receipt)["taken"]:
            found[names[member], taken["wallet"]]["taken_back"] += taken["points"]
    return dict(found)


def _expected_wallets(oracle: Oracle) -> Facts:
    figures = ("earned", "taken_back", "expired", "balance", "deficit")
    return {
        (customer, name): {figure: getattr(wallet, figure) for figure in figures}
        for customer, books in oracle.customers.items()
        for name, wallet in books.wallets.items()
    }


def _orders(db: Database, names: dict[int, str]) -> Facts:
    return {ref: (names[member], at, back) for member, ref, at, back in db.fetch(_ORDERS)}


def _expected_orders(oracle: Oracle) -> Facts:
    return {
        order.ref: (customer, order.placed_at, order.returned_minor)
        for customer, books in oracle.customers.items()
        for order in books.orders
    }


def _lines(db: Database) -> Facts:
    return {
        (ref, line_no): (sku, quantity, paid, units, _by_rule(shares.values()))
        for ref, line_no, sku, quantity, paid, units, shares in db.fetch(_LINES)
    }


def _expected_lines(oracle: Oracle) -> Facts:
    return {
        (order.ref, one.line.line_no): (
            one.line.sku,
            one.line.quantity,
            one.line.paid_minor,
            one.returned_units,
            _by_rule([one.shares]),
        )
        for books in oracle.customers.values()
        for order in books.orders
        for one in order.lines
    }


def _by_rule(shares: Iterable[dict[str, int]]) -> dict[str, int]:
    return {rule: points for rules in shares for rule, points in rules.items() if points}


def assert_told_alike(report: Report, oracle: Oracle) -> None:
    """What became of every line, invoice and unit is what the oracle counted."""
    lines = oracle.report.lines.copy()
    assert report.read == lines.pop("read", 0)
    assert +report.lines == +lines
    assert report.invoices == oracle.report.invoices
    assert (report.matched, report.unmatched) == (
        oracle.report.units["matched"],
        oracle.report.units["unmatched"],
    )
    assert report.examples == dict(oracle.report.examples)
    assert report.returns == sum(books.returns for books in oracle.customers.values())
