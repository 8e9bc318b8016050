"""What becomes of an invoice, and the count of what became of all of them."""

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import datetime

from loyalty_service.checkout.rules.cart import CartLine
from loyalty_service.imports.rules.invoices import (
    is_purchase,
    is_too_dear,
    purchase_lines,
    reason_to_skip,
    return_lines,
)
from loyalty_service.imports.rules.lines import EXAMPLES, Invoice, Invoices
from loyalty_service.imports.rules.matching import Shelf

TAKEN_IN = frozenset({"order", "return", "partly_matched"})
"""The outcomes of invoices that are written."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What becomes of one invoice.

    Args:
        outcome: a reason, or one of ``TAKEN_IN``.
        lines: how many of its lines had which outcome.
        order: the lines of the order it becomes.
        returns: the returns it becomes: order reference, and units by line number.
        matched, asked: units of a return that found their purchase, and all of them.
    """

    invoice: Invoice
    outcome: str
    lines: Counter[str]
    order: tuple[CartLine, ...] = ()
    returns: tuple[tuple[str, tuple[tuple[int, int], ...]], ...] = ()
    matched: int = 0
    asked: int = 0


def decide(
    invoice: Invoice, imported: Container[str], now: datetime, shelf: Shelf, minor_digits: int
) -> Decided:
    """Decide on one invoice after all earlier ones of its customer; the shelf moves with it.

    Args:
        imported: the numbers of the invoices that were imported before.
        shelf: what the customer may bring back.
        minor_digits: decimals of the currency's minor unit.
    """
    reason = reason_to_skip(invoice, imported, now)
    if reason is not None:
        return Decided(invoice, reason, Counter({reason: len(invoice.rows)}))
    if is_purchase(invoice):
        return _decide_purchase(invoice, shelf, minor_digits)
    return _decide_return(invoice, shelf)


def _decide_purchase(invoice: Invoice, shelf: Shelf, minor_digits: int) -> Decided:
    bought, lines = purchase_lines(invoice, minor_digits)
    if not bought:
        return Decided(invoice, "no_usable_line", lines)
    if is_too_dear(bought):
        lines["too_dear"] = len(bought)
        return Decided(invoice, "too_dear", lines)
    lines["ordered"] = len(bought)
    places = [(no, line.sku, line.quantity) for no, line in enumerate(bought, start=1)]
    shelf.add(invoice.number, invoice.instant, places)
    return Decided(invoice, "order", lines, order=bought)


def _decide_return(invoice: Invoice, shelf: Shelf) -> Decided:
    asked, lines = return_lines(invoice)
    if not asked:
        return Decided(invoice, "no_usable_line", lines)
    found = shelf.take(asked, invoice.instant)
    whole = "return" if found.matched == found.asked else "partly_matched"
    return Decided(
        invoice,
        whole if found.matched else "unmatched",
        lines + found.lines,
        returns=found.orders,
        matched=found.matched,
        asked=found.asked,
    )


@dataclass(slots=True)
class Report:
    """What became of everything in a file; every line and every invoice is counted once.

    Args:
        read: lines but the first; the others are those of ``lines`` and the unreadable ones.
        lines, invoices: how many had which outcome.
        matched, unmatched: units of returns.
        examples: some invoice numbers by outcome.
        enrolled: members seen for the first time.
        unreadable_lines: some lines that cannot be read, and what is wrong with each.
        returns: returns written, one for each order that a return touched.
        is_stuck: it ended at a locked member; what is left of the file was not come to.
    """

    read: int = 0
    lines: Counter[str] = field(default_factory=Counter)
    invoices: Counter[str] = field(default_factory=Counter)
    matched: int = 0
    unmatched: int = 0
    examples: dict[str, list[str]] = field(default_factory=dict)
    unreadable_lines: dict[int, str] = field(default_factory=dict)
    enrolled: int = 0
    returns: int = 0
    only_check: bool = False
    is_stuck: bool = False

    def note(self, decided: Decided) -> None:
        """Count one invoice, in the order they pass."""
        outcome = decided.outcome
        self.lines.update(decided.lines)
        self.invoices[outcome] += 1
        self.matched += decided.matched
        self.unmatched += decided.asked - decided.matched
        self.returns += len(decided.returns)
        examples = self.examples.setdefault(outcome, [])
        if len(examples) < EXAMPLES:
            examples.append(decided.invoice.number)


def begin_report(file: Invoices, *, only_check: bool = False) -> Report:
    """The report on a file of which nothing has been decided yet."""
    unreadable = dict(file.unreadable_lines)
    report = Report(read=file.read, unreadable_lines=unreadable, only_check=only_check)
    if file.unreadable:
        report.lines["unreadable"] = file.unreadable
    return report
