"""What becomes of an invoice: which lines count, what a return undoes, and how it is counted."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from loyalty_service.earning.rules.facts import LineKind
from loyalty_service.imports.rules.deciding import begin_report, decide
from loyalty_service.imports.rules.lines import Invoice, Invoices
from loyalty_service.imports.rules.matching import Shelf

NOON = datetime(2010, 12, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def invoice(number="536365", *rows, customer="17850", at=NOON, has_one_customer=True):
    rows = rows or (("71053", 1, 1_000_000),)
    return Invoice(number, at, customer, has_one_customer, list(rows))


def decided(one, imported=(), shelf=None, digits=2):
    return decide(one, imported, NOON + 100 * HOUR, shelf or Shelf(), digits)


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (invoice("A563185", customer=""), "other_document"),
        (invoice("c536365"), "other_document"),
        (invoice("C53636X"), "other_document"),
        (invoice("999", customer=""), "repeated"),
        (invoice(customer=""), "guest"),
        (invoice(has_one_customer=False), "several_customers"),
        (invoice(customer="", has_one_customer=False), "several_customers"),
        (invoice(at=NOON + 101 * HOUR), "in_the_future"),
    ],
)
def test_an_invoice_is_left_out_for_the_first_reason_found(one, reason):
    what = decided(one, imported={"999"})

    assert (what.outcome, what.lines) == (reason, {reason: 1})
    assert (what.order, what.returns) == ((), ())


def test_lines_that_are_no_sale_are_left_out_of_a_purchase():
    what = decided(
        invoice(
            "536365",
            ("m", 1, 1_000_000),
            ("gift_0001_10", 1, 1_000_000),
            ("71053", 0, 1_000_000),
            ("71053", -2, 1_000_000),
            ("71053", 1, 0),
            ("71053", 1, 4_999),
            ("post", 1, 18_000_000),
            ("71053", 2, 1_000_000),
        )
    )

    assert what.lines == Counter(
        not_a_product=2,
        quantity_not_positive=2,
        price_not_positive=1,
        worth_nothing=1,
        ordered=2,
    )
    assert [(line.kind, line.sku, line.amount_minor) for line in what.order] == [
        (LineKind.SHIPPING, "post", 1_800),
        (LineKind.GOODS, "71053", 200),
    ]


@pytest.mark.parametrize(
    ("digits", "minor"), [(0, 1), (2, 105), (3, 1_045)], ids=["yen", "pounds", "dinars"]
)
def test_money_is_rounded_half_up_once_for_the_line(digits, minor):
    what = decided(invoice("1", ("71053", 19, 55_000)), digits=digits)

    assert what.order[0].amount_minor == minor


def test_a_purchase_without_a_usable_line_is_left_out():
    what = decided(invoice("1", ("D", 1, 1_000_000)))

    assert (what.outcome, what.lines) == ("no_usable_line", {"not_a_product": 1})


def test_a_purchase_that_cannot_be_counted_is_too_dear():
    what = decided(invoice("1", ("71053", 10**6, 10**5 * 10**6), ("71053", 1, 10**4)))

    assert (what.outcome, what.lines) == ("too_dear", {"too_dear": 2})


def test_a_return_takes_from_the_most_recent_order_first():
    shelf = Shelf()
    decided(invoice("1", ("A", 5, 10**6), ("E", 1, 10**6)), shelf=shelf)
    decided(invoice("2", ("A", 2, 10**6), ("A", 1, 10**6), at=NOON + HOUR), shelf=shelf)
    decided(invoice("3", ("A", 9, 10**6), at=NOON + 3 * HOUR), shelf=shelf)

    what = decided(invoice("C4", ("A", -4, 0), ("E", -1, 0), at=NOON + 2 * HOUR), shelf=shelf)

    assert what.outcome == "return"
    assert what.returns == (("2", ((1, 2), (2, 1))), ("1", ((1, 1), (2, 1))))
    assert what.lines == {"returned": 2}


def test_of_two_orders_at_one_instant_the_one_imported_later_goes_first():
    shelf = Shelf()
    decided(invoice("2", ("A", 1, 10**6)), shelf=shelf)
    decided(invoice("1", ("A", 1, 10**6)), shelf=shelf)

    what = decided(invoice("C3", ("A", -1, 0)), shelf=shelf)

    assert what.returns == (("1", ((1, 1),)),)


def test_what_is_left_on_the_shelf_is_what_a_later_line_or_return_can_take():
    shelf = Shelf()
    decided(invoice("1", ("A", 5, 10**6)), shelf=shelf)

    first = decided(invoice("C2", ("A", -2, 0), ("A", -2, 0)), shelf=shelf)
    second = decided(invoice("C3", ("A", -3, 0), ("a", -1, 0), ("M", -1, 0)), shelf=shelf)
    third = decided(invoice("C4", ("A", -1, 0), ("A", 2, 0)), shelf=shelf)

    assert first.returns == (("1", ((1, 4),)),)
    assert (second.outcome, second.matched, second.asked) == ("partly_matched", 1, 4)
    assert second.lines == Counter(partly_returned=1, not_bought_before=1, not_a_product=1)
    assert (third.outcome, third.returns) == ("unmatched", ())
    assert third.lines == Counter(not_bought_before=1, quantity_not_negative=1)


def test_a_return_without_a_usable_line_is_left_out():
    assert decided(invoice("C1", ("A", 1, 0))).outcome == "no_usable_line"


def test_everything_is_counted_once():
    report = begin_report(Invoices(read=9, unreadable=1, unreadable_lines={4: "odd"}))
    shelf = Shelf()

    for one in (
        *[invoice(str(n), customer="") for n in range(6)],
        invoice("7", ("A", 2, 10**6)),
        invoice("C8", ("A", -3, 0)),
    ):
        report.note(decided(one, shelf=shelf))

    assert report.lines == Counter(unreadable=1, guest=6, ordered=1, partly_returned=1)
    assert report.lines.total() == report.read
    assert report.invoices == {"guest": 6, "order": 1, "partly_matched": 1}
    assert report.examples["guest"] == ["0", "1", "2", "3", "4"]
    assert (report.matched, report.unmatched, report.returns) == (2, 1, 1)


def test_a_file_without_an_unreadable_line_counts_none():
    assert begin_report(Invoices(read=1)).lines == {}
