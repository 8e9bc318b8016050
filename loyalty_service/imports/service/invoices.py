"""Invoices of a file into the books, through the same kernel as every order."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from loyalty_service.checkout.rules.cart import Cart, Order
from loyalty_service.checkout.rules.steps import Return
from loyalty_service.checkout.service import Item, OrderItem, ReturnItem, take_items
from loyalty_service.checkout.service.batch import MEMBERS_AT_ONCE
from loyalty_service.imports import queries
from loyalty_service.imports.rules.deciding import Decided, decide
from loyalty_service.imports.rules.invoices import is_purchase, is_return, return_lines
from loyalty_service.imports.rules.lines import Invoice
from loyalty_service.imports.rules.matching import Shelf
from loyalty_service.kit.db import Transaction
from loyalty_service.kit.errors import Refusal
from loyalty_service.ledger.service import Acting
from loyalty_service.members import service as members
from loyalty_service.members.queries import find_member_ids
from loyalty_service.members.rules import SHOP, Ref

INVOICES_AT_ONCE = 500
LINES_AT_ONCE = 8_000


@dataclass(frozen=True, slots=True)
class History:
    """How a file's invoices are taken in.

    Args:
        currency: of its prices, the program's.
        minor_digits: decimals of the currency's minor unit.
    """

    currency: str
    minor_digits: int


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of each invoice of a part, and how many customers were enrolled by it."""

    decided: tuple[Decided, ...]
    enrolled: int


def find_repeated(tx: Transaction, invoices: Collection[Invoice]) -> frozenset[str]:
    """The numbers of these invoices that were imported before, whoever they belonged to."""
    purchases = [invoice.number for invoice in invoices if is_purchase(invoice)]
    returns = [invoice.number for invoice in invoices if is_return(invoice)]
    return frozenset(queries.find_imported(tx, purchases, returns))


def cut(timeline: Sequence[Invoice]) -> Iterator[list[Invoice]]:
    """Cut invoices into the parts that are one transaction each, a customer's all in their order.

    Customers are independent of one another, so a part holds a few of them with all that they
    did: each of their accounts is then read and written once.
    """
    by_customer: dict[str, list[Invoice]] = {}
    for invoice in timeline:
        by_customer.setdefault(invoice.customer, []).append(invoice)
    part: list[Invoice] = []
    customers, lines = set[str](), 0
    for invoice in (one for invoices in by_customer.values() for one in invoices):
        customers.add(invoice.customer)
        lines += len(invoice.rows)
        full = lines > LINES_AT_ONCE or len(part) >= INVOICES_AT_ONCE
        if part and (full or len(customers) > MEMBERS_AT_ONCE):
            yield part
            part, customers, lines = [], {invoice.customer}, len(invoice.rows)
        part.append(invoice)
    if part:
        yield part


def take_in(acting: Acting, invoices: Sequence[Invoice], history: History) -> TakenIn:
    """Take one part of a file into the books; customers seen for the first time are enrolled.

    Args:
        invoices: those of at most ``MEMBERS_AT_ONCE`` customers, each one's in their order.

    Raises:
        Refusal: the kernel refused what was decided here. Nothing is written.

    Rule: R-05, R-35, R-40.
    """
    refs = {Ref(SHOP, invoice.customer) for invoice in invoices if invoice.customer}
    known = find_member_ids(acting.tx, refs)
    members.lock_many(acting.tx, set(known.values()))
    shelves = _shelves(acting.tx, invoices, known)
    imported = _imported(acting.tx, invoices, known)
    now = acting.tx.now()
    decided = [
        decide(
            invoice,
            imported,
            now,
            shelves.setdefault(invoice.customer, Shelf()),
            history.minor_digits,
        )
        for invoice in invoices
    ]
    enrolled = _enrol(acting.tx, decided, known)
    items = [item for one in decided for item in _items(one, history.currency)]
    for outcome in take_items(acting, items):
        if isinstance(outcome, Refusal):
            raise outcome
    return TakenIn(tuple(decided), enrolled)


def _imported(tx: Transaction, invoices: Sequence[Invoice], known: dict[Ref, int]) -> set[str]:
    """Read again under the locks: another import may have been here in the meantime."""
    return queries.find_imported_of(
        tx,
        known.values(),
        [invoice.number for invoice in invoices if is_purchase(invoice)],
        [invoice.number for invoice in invoices if is_return(invoice)],
    )


def _shelves(
    tx: Transaction, invoices: Sequence[Invoice], known: dict[Ref, int]
) -> dict[str, Shelf]:
    asked = set[tuple[int, str]]()
    for invoice in invoices:
        member_id = known.get(Ref(SHOP, invoice.customer))
        if member_id is not None and is_return(invoice):
            asked.update((member_id, sku) for sku, _ in return_lines(invoice)[0])
    shelves = queries.read_shelves(tx, asked)
    return {ref.value: shelves[number] for ref, number in known.items() if number in shelves}


def _enrol(tx: Transaction, decided: Sequence[Decided], known: dict[Ref, int]) -> int:
    """Enrol each new customer at the instant of their first order, for history to replay on."""
    first: dict[Ref, datetime] = {}
    for one in decided:
        ref = Ref(SHOP, one.invoice.customer)
        if one.order and ref not in known:
            first.setdefault(ref, one.invoice.instant)
    if not first:
        return 0
    new = []
    for (ref, instant), member_id in zip(
        first.items(), members.new_ids(tx, len(first)), strict=True
    ):
        member = members.new_member(member_id, instant, tx.now())
        member.tell("member.enrolled", instant, {})
        new.append((member, (ref,)))
    members.add_new(tx, new)
    tx.flush()
    return len(new)


def _items(decided: Decided, currency: str) -> Iterator[Item]:
    invoice = decided.invoice
    ref = Ref(SHOP, invoice.customer)
    if decided.order:
        order = Order(
            order_ref=invoice.number,
            payment_ref=invoice.number,
            cart=Cart(currency, None, decided.order),
            occurred_at=invoice.instant,
        )
        yield OrderItem(ref, order)
    for order_ref, units in decided.returns:
        asked = Return(invoice.number, units, occurred_at=invoice.instant)
        yield ReturnItem(ref, order_ref, asked)
