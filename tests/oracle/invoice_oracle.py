"""An independent calculation of what an import of invoice lines must come to.

Reads a program document and files of invoice lines and says, for every customer and wallet, what
was earned, taken back by returns, expired, and what the entries sum to; and what became of every
line and every invoice. It shares no code with the service: it exists so that the importer can be
compared with something that was written without looking at it.

What an invoice is, which lines count, how returns find their purchases, and every reason for
leaving something out is settled in docs/import-invoice-lines.md; points are those of docs/rules.md.
In short:

* An invoice is all lines of one number; its instant is the earliest of its lines' local times.
* Only numbers of digits (a purchase) or ``C`` and digits (a return) are imported, only for one
  known customer, only lines that are products or postage, have units and a price.
* All invoices of a file pass in the order of their instants, file order on a tie. A purchase is
  an order placed, paid and fulfilled at its instant.
* A return takes units of the same product from the customer's most recent order that still has
  them, then the one before. It becomes one return per order; money is not compared.
* ``balance`` is the sum of entries with every customer caught up to their own last order or
  return, or all to ``until`` where it is given.

Run it by hand: python -m tests.oracle.invoice_oracle PROGRAM FILE...
"""

import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.oracle import earning, lots, trade

Period = tuple[str, str]
BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass
class OrderLine:
    """A line of an order, and each rule's points on it, by rule id."""

    line: earning.Line
    returned_units: int = 0
    shares: dict[str, int] = field(default_factory=dict)

    @property
    def units_left(self) -> int:
        return self.line.quantity - self.returned_units

    def share_taken(self, share: int) -> int:
        """What of a share has been taken or given back so far: the fraction, rounded down."""
        return int(Fraction(share * self.returned_units, self.line.quantity))


@dataclass
class Order:
    """An imported order; ``place`` breaks ties between orders of one instant."""

    ref: str
    placed_at: datetime
    place: int
    lines: list[OrderLine]

    @property
    def is_fully_returned(self) -> bool:
        return all(line.units_left == 0 for line in self.lines)

    @property
    def returned_minor(self) -> int:
        return sum(line.share_taken(line.line.paid_minor) for line in self.lines)


@dataclass
class Customer:
    """Everything that the import did to one customer."""

    orders: list[Order] = field(default_factory=list)
    used: Counter[Period] = field(default_factory=Counter)
    wallets: dict[str, lots.Wallet] = field(default_factory=lambda: defaultdict(lots.Wallet))
    returns: int = 0
    clock: datetime = BEFORE_ALL

    @property
    def paid_minor(self) -> int:
        return sum(line.line.paid_minor for order in self.orders for line in order.lines)

    @property
    def returned_minor(self) -> int:
        return sum(order.returned_minor for order in self.orders)

    def catch_up(self, at: datetime) -> None:
        """Move the customer's clock, never back, and expire what ended by then.

        Something late moves no clock, but what an earlier late order opened may have ended by the
        clock already: it has ended whether or not anybody wrote it down (R-14).
        """
        self.clock = max(at, self.clock)
        for wallet in self.wallets.values():
            wallet.expire(self.clock)


@dataclass
class Report:
    """What became of everything.

    ``lines`` and ``invoices`` count outcomes; ``units`` counts the units of returns that found
    their purchase and those that did not. ``examples`` holds a few invoice numbers per outcome.
    """

    lines: Counter[str] = field(default_factory=Counter)
    invoices: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def note(self, outcome: str, invoice: trade.Invoice) -> None:
        self.invoices[outcome] += 1
        if len(self.examples[outcome]) < 5:
            self.examples[outcome].append(invoice.number)


class Oracle:
    """An import, invoice by invoice."""

    def __init__(self, program: Path, *, zone: str | None = None) -> None:
        self.document = earning.Document(program)
        self.zone = ZoneInfo(zone) if zone else self.document.zone
        self.rules = {rule["id"]: rule for rule in self.document.rules}
        self.customers: dict[str, Customer] = {}
        self.imported: set[str] = set()
        self.report = Report()

    def import_file(self, path: Path, now: datetime | None = None) -> None:
        """Import one file; call it again for the next one."""
        invoices = trade.read_invoices(path, self.report.lines)
        timeline = sorted(invoices, key=lambda invoice: invoice.instant(self.zone))
        for invoice in timeline:
            reason = self._reason_to_skip(invoice, now or datetime.now(UTC))
            if reason is None:
                outcome = self._take_in(invoice)
            else:
                outcome = reason
                self.report.lines[reason] += len(invoice.rows)
            self.report.note(outcome, invoice)

    def catch_up(self, until: datetime) -> None:
        """Bring every customer to one instant, as a nightly run would."""
        for customer in self.customers.values():
            customer.catch_up(until)

    def _reason_to_skip(self, invoice: trade.Invoice, now: datetime) -> str | None:
        customers = {row.customer for row in invoice.rows}
        if not (invoice.is_purchase or invoice.is_return):
            return "other_document"
        if invoice.number in self.imported:
            return "repeated"
        if customers == {""}:
            return "guest"
        if len(customers) > 1:
            return "several_customers"
        if invoice.instant(self.zone) > now:
            return "in_the_future"
        return None

    def _take_in(self, invoice: trade.Invoice) -> str:
        if invoice.is_purchase:
            return self._order(invoice)
        return self._return(invoice)

    def _order(self, invoice: trade.Invoice) -> str:
        bought = trade.usable_purchase_lines(invoice, self.report.lines)
        if not bought:
            return "no_usable_line"
        if sum(line.paid_minor for line in bought) > 10**13:
            self.report.lines["ordered"] -= len(bought)
            self.report.lines["too_dear"] += len(bought)
            return "too_dear"
        customer = self.customers.setdefault(invoice.rows[0].customer, Customer())
        placed_at = invoice.instant(self.zone)
        customer.catch_up(placed_at)
        lines = tuple(
            earning.Line(n, one.sku, one.is_shipping, one.quantity, one.paid_minor)
            for n, one in enumerate(bought, 1)
        )
        is_first = all(order.is_fully_returned for order in customer.orders)
        cart = earning.Cart(placed_at, is_first, lines)
        gaves = earning.earn(self.document, cart, self._used(customer, placed_at))

        order = Order(invoice.number, placed_at, len(self.imported), [OrderLine(x) for x in lines])
        customer.orders.append(order)
        self.imported.add(invoice.number)
        for gave in gaves:
            self._book(customer, order, gave.rule["id"], gave.points)
            for line_no, share in gave.shares().items():
                order.lines[line_no - 1].shares[gave.rule["id"]] = share
        self._credit(customer, order, gaves)
        return "order"

    def _credit(self, customer: Customer, order: Order, gaves: list[earning.Gave]) -> None:
        """Open a lot per wallet and distinct pair of activation and end, first rule first."""
        parts: dict[str, Counter[tuple[datetime, datetime]]] = defaultdict(Counter)
        for gave in gaves:
            active_at = earning.activation_at(self.document, gave.rule, order.placed_at)
            ends_at = earning.expiry_at(self.document, gave.rule, active_at) or lots.NEVER
            parts[gave.rule["wallet"]][active_at, ends_at] += gave.points
        for wallet, pairs in parts.items():
            opened = [(active, ends, points) for (active, ends), points in pairs.items()]
            customer.wallets[wallet].credit(order.ref, opened)

    def _return(self, invoice: trade.Invoice) -> str:
        asked = trade.usable_return_lines(invoice, self.report.lines)
        if not asked:
            return "no_usable_line"
        customer = self.customers.get(invoice.rows[0].customer, Customer())
        at = invoice.instant(self.zone)
        touched: dict[int, Order] = {}
        taken: Counter[tuple[int, int]] = Counter()
        for sku, units in asked:
            left = units
            for order, index in self._places(customer, sku, at):
                free = order.lines[index].units_left - taken[order.place, index]
                matched = min(left, free)
                if matched:
                    touched[order.place] = order
                    taken[order.place, index] += matched
                    left -= matched
            self._note_units(units, left)
        if not touched:
            return "unmatched"
        customer.catch_up(at)
        for order in sorted(touched.values(), key=_recency, reverse=True):
            customer.returns += 1
            units_by_line = {i: n for (place, i), n in taken.items() if place == order.place}
            self._take_back(customer, order, units_by_line, max(at, customer.clock))
        self.imported.add(invoice.number)
        matched_all = sum(taken.values()) == sum(units for _, units in asked)
        return "return" if matched_all else "partly_matched"

    def _places(self, customer: Customer, sku: str, at: datetime) -> list[tuple[Order, int]]:
        """Where a customer bought a product by then: recent orders first, lines in order."""
        orders = [order for order in customer.orders if order.placed_at <= at]
        return [
            (order, index)
            for order in sorted(orders, key=_recency, reverse=True)
            for index, line in enumerate(order.lines)
            if line.line.sku == sku
        ]

    def _note_units(self, units: int, left: int) -> None:
        self.report.units["matched"] += units - left
        self.report.units["unmatched"] += left
        if left == 0:
            self.report.lines["returned"] += 1
        elif left < units:
            self.report.lines["partly_returned"] += 1
        else:
            self.report.lines["not_bought_before"] += 1

    def _take_back(
        self, customer: Customer, order: Order, units_by_line: dict[int, int], at: datetime
    ) -> None:
        points: Counter[str] = Counter()
        for index, units in units_by_line.items():
            line = order.lines[index]
            before = {rule: line.share_taken(share) for rule, share in line.shares.items()}
            line.returned_units += units
            for rule, share in line.shares.items():
                taken = line.share_taken(share) - before[rule]
                points[self.rules[rule]["wallet"]] += taken
                self._book(customer, order, rule, -taken)
        for wallet, taken in points.items():
            if taken:
                customer.wallets[wallet].take_back(order.ref, taken, at)

    def _used(self, customer: Customer, placed_at: datetime) -> dict[str, int]:
        return {
            cap["id"]: customer.used[cap["id"], earning.cap_period(self.document, cap, placed_at)]
            for cap in self.document.caps
            if cap["per"] == "member"
        }

    def _book(self, customer: Customer, order: Order, rule_id: str, points: int) -> None:
        """Use the room of caps, or free it, in the period of the order (R-23)."""
        for cap in self.document.caps:
            if cap["per"] == "member" and rule_id in cap["covers"]:
                period = earning.cap_period(self.document, cap, order.placed_at)
                customer.used[cap["id"], period] += points


def _recency(order: Order) -> tuple[datetime, int]:
    return order.placed_at, order.place


def calculate(program: Path, *files: Path, until: datetime | None = None) -> Oracle:
    """Import files one after another and bring everybody to ``until`` where it is given."""
    oracle = Oracle(program)
    for path in files:
        oracle.import_file(path)
    if until is not None:
        oracle.catch_up(until)
    return oracle


def totals(oracle: Oracle) -> dict[str, Counter[str]]:
    """Sums over all customers, by wallet."""
    sums: dict[str, Counter[str]] = {name: Counter() for name in oracle.document.wallets()}
    for customer in oracle.customers.values():
        for name, wallet in customer.wallets.items():
            for figure in ("balance", "earned", "taken_back", "expired", "deficit"):
                sums[name][figure] += getattr(wallet, figure)
    return sums


def describe(oracle: Oracle) -> str:
    """What an import comes to, as text."""
    report, customers = oracle.report, oracle.customers.values()
    text = []
    for title, counts in (
        ("lines", report.lines),
        ("invoices", report.invoices),
        ("units returned", report.units),
    ):
        text.append(title)
        text += [f"  {name} {count}" for name, count in counts.most_common()]
    for outcome, numbers in report.examples.items():
        text.append(f"for example {outcome}: {', '.join(numbers)}")
    for name, sums in totals(oracle).items():
        text.append(f"{name} {dict(sums)}")
    text.append(f"customers {len(customers)}, returns {sum(one.returns for one in customers)}")
    text.append(f"paid {sum(one.paid_minor for one in customers)}")
    text.append(f"returned {sum(one.returned_minor for one in customers)}")
    return "\n".join(text)


def main(arguments: list[str]) -> None:
    """Describe an import, and say how long it took to work out."""
    started = time.perf_counter()
    oracle = calculate(Path(arguments[0]), *map(Path, arguments[1:]))
    seconds = time.perf_counter() - started
    sys.stdout.write(f"{describe(oracle)}\n{seconds:.1f} s\n")


if __name__ == "__main__":
    main(sys.argv[1:])
