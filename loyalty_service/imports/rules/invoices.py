"""Which invoices and lines of a file are taken in, and why the others are not."""

import re
from collections import Counter
from collections.abc import Container
from datetime import datetime

from loyalty_service.checkout.rules.cart import MAX_MINOR, CartLine
from loyalty_service.earning.rules.facts import LineKind
from loyalty_service.imports.rules.lines import MILLIONTHS, Invoice

SHIPPING_CODES = frozenset({"POST", "DOT", "C2"})
NOT_PRODUCTS = frozenset({"M", "D", "S", "B", "AMAZONFEE", "BANK CHARGES", "CRUK"})
VOUCHER_PREFIX = "GIFT_"

_PURCHASE_NO = re.compile(r"[0-9]+")
_RETURN_NO = re.compile(r"C[0-9]+")


def is_purchase(invoice: Invoice) -> bool:
    """Whether its number is that of a purchase: digits only."""
    return _PURCHASE_NO.fullmatch(invoice.number) is not None


def is_return(invoice: Invoice) -> bool:
    """Whether its number is that of a return: ``C`` and digits."""
    return _RETURN_NO.fullmatch(invoice.number) is not None


def reason_to_skip(invoice: Invoice, imported: Container[str], now: datetime) -> str | None:
    """Why an invoice is left out before its lines are looked at; None when it is not.

    Args:
        imported: the numbers of the invoices that were imported before.
        now: an invoice later than this (UTC) has not happened yet.
    """
    if not (is_purchase(invoice) or is_return(invoice)):
        return "other_document"
    if invoice.number in imported:
        return "repeated"
    if invoice.has_one_customer and not invoice.customer:
        return "guest"
    if not invoice.has_one_customer:
        return "several_customers"
    if invoice.instant > now:
        return "in_the_future"
    return None


def purchase_lines(
    invoice: Invoice, minor_digits: int
) -> tuple[tuple[CartLine, ...], Counter[str]]:
    """The lines of a purchase that become order lines, and why the others do not.

    A line's money is price times units, rounded half up to the minor unit once.

    Args:
        minor_digits: decimals of the currency's minor unit.
    """
    scale = 10**minor_digits
    bought, reasons = [], Counter[str]()
    for sku, quantity, price in invoice.rows:
        amount_minor = (2 * price * quantity * scale + MILLIONTHS) // (2 * MILLIONTHS)
        kind = _kind(sku)
        if kind is None:
            reasons["not_a_product"] += 1
        elif quantity <= 0:
            reasons["quantity_not_positive"] += 1
        elif price <= 0:
            reasons["price_not_positive"] += 1
        elif amount_minor == 0:
            reasons["worth_nothing"] += 1
        else:
            bought.append(CartLine(kind, sku, None, None, quantity, amount_minor))
    return tuple(bought), reasons


def is_too_dear(lines: tuple[CartLine, ...]) -> bool:
    """Whether an order costs more than can be counted."""
    return sum(line.amount_minor for line in lines) > MAX_MINOR


def return_lines(invoice: Invoice) -> tuple[list[tuple[str, int]], Counter[str]]:
    """Product and units (positive) of each line of a return, and why other lines do not count."""
    back, reasons = [], Counter[str]()
    for sku, quantity, _ in invoice.rows:
        if _kind(sku) is None:
            reasons["not_a_product"] += 1
        elif quantity >= 0:
            reasons["quantity_not_negative"] += 1
        else:
            back.append((sku, -quantity))
    return back, reasons


def _kind(sku: str) -> LineKind | None:
    """What a product code stands for; None for corrections, fees, samples and vouchers."""
    code = sku.upper()
    if code in NOT_PRODUCTS or code.startswith(VOUCHER_PREFIX):
        return None
    return LineKind.SHIPPING if code in SHIPPING_CODES else LineKind.GOODS
