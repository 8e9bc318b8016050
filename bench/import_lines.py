"""Importing a real trade, against reading and pricing the same file without a database.

Needs a file of invoice lines: as an argument, or in the folder that LOYALTY_TEST_DATA names.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import psutil
from common import HERE, median, stand, title

from loyalty_service.checkout.rules.cart import Cart, price
from loyalty_service.earning.rules.earn import earn_on_order
from loyalty_service.earning.rules.facts import OrderFacts, Who
from loyalty_service.imports.rules.deciding import Decided, decide
from loyalty_service.imports.rules.lines import read_invoices
from loyalty_service.imports.rules.matching import Shelf
from loyalty_service.imports.service import open_lines
from loyalty_service.kit.clock import SystemClock
from loyalty_service.program.rules.document import read_document
from loyalty_service.program.rules.program import Program

PROGRAM = HERE.parent / "programs" / "import-bench.yaml"
TRADE = "online-retail-2010-12_2011-08.csv.gz"
ZONE = "Europe/London"
PENCE = 2
LOOK_SECONDS = 0.05


def _decide_all(file: Path) -> Iterator[Decided]:
    with open_lines(file) as lines:
        found = read_invoices(lines, ZoneInfo(ZONE))
    now = SystemClock().now()
    shelves: dict[str, Shelf] = {}
    for invoice in found.timeline:
        shelf = shelves.setdefault(invoice.customer, Shelf())
        yield decide(invoice, (), now, shelf, PENCE)


def read_and_price(file: Path, program: Program) -> int:
    """Read a file, match its returns, price its orders and say what they earn; no database."""
    orders, seen = 0, set()
    for decided in _decide_all(file):
        if not decided.order:
            continue
        invoice = decided.invoice
        cart = Cart(program.currency, None, decided.order)
        is_first = invoice.customer not in seen
        seen.add(invoice.customer)
        lines = price(cart, program.currency)
        nobody = Who(frozenset(), None)
        facts = OrderFacts(invoice.instant, None, lines, is_first, nobody)
        earn_on_order(program, facts, {})
        orders += 1
    return orders


def run_import(file: Path) -> tuple[float, float, str]:
    """Import into a new database; seconds, peak memory in MB, and what was said."""
    with stand(PROGRAM) as made:
        begin = time.perf_counter()
        command = ["-m", "loyalty_service.cli", "import", "invoice-lines", str(file)]
        process = psutil.Popen(
            [sys.executable, *command, "--zone", ZONE],
            env={**os.environ, "LOYALTY_DATABASE_URL": made.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        peak = 0.0
        while process.poll() is None:
            try:
                peak = max(peak, process.memory_info().rss / 1e6)
            except psutil.NoSuchProcess:
                break
            time.sleep(LOOK_SECONDS)
        said = process.communicate()[0]
        seconds = time.perf_counter() - begin
        if process.returncode:
            raise RuntimeError(f"the import ended with {process.returncode}: {said}")
    return seconds, peak, said


def _usual_file() -> Path:
    return Path(os.environ.get("LOYALTY_TEST_DATA", HERE.parent / "var")) / TRADE


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, default=_usual_file())
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    title("Importing invoice lines")
    file: Path = given.file
    if not file.exists():
        print(f"Skipped: no such file: {file}. Name one, or its folder in LOYALTY_TEST_DATA.")
        return
    program = read_document(PROGRAM.read_text(encoding="utf-8")).program
    assert program is not None
    reading, importing, peaks = [], [], []
    for _ in range(given.rounds):
        begin = time.perf_counter()
        orders = read_and_price(file, program)
        reading.append(time.perf_counter() - begin)
        seconds, peak, said = run_import(file)
        importing.append(seconds)
        peaks.append(peak)
    print(said)
    print(f"{orders:,} orders read and priced in {median(reading):.1f} s")
    print(f"imported in {median(importing):.1f} s, peak memory {max(peaks):.0f} MB")
    print(f"importing / reading and pricing: {median(importing) / median(reading):.1f}")


if __name__ == "__main__":
    main()
