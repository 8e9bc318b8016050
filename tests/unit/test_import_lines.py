"""Lines of invoices: which can be read, and how they become invoices in their order."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from loyalty_service.imports.rules.lines import COLUMNS, read_invoices, read_local_time
from loyalty_service.imports.rules.tables import LONGEST_LINE, FileFault, Memo, read_rows

LONDON = ZoneInfo("Europe/London")
HEAD = ",".join(COLUMNS)
GOOD = "536365,71053,Lantern,3,2010-12-01 08:26:00,3.45,17850,UK"


def read(*lines, columns=None, head=HEAD):
    return read_invoices([f"{line}\n" for line in (head, *lines)], LONDON, columns)


def changed(column, value):
    fields = GOOD.split(",")
    fields[COLUMNS.index(column)] = value
    return ",".join(fields)


def test_lines_with_one_number_are_one_invoice_wherever_they_stand():
    file = read(GOOD, changed("InvoiceNo", "536366"), changed("StockCode", " 84406B "))

    assert [invoice.number for invoice in file.timeline] == ["536365", "536366"]
    assert file.timeline[0].rows == [("71053", 3, 3_450_000), ("84406B", 3, 3_450_000)]
    assert (file.read, file.unreadable) == (3, 0)


def test_an_invoice_passes_at_the_earliest_of_its_lines():
    late = changed("InvoiceNo", "1")
    early = changed("InvoiceDate", "2010-11-30 08:26").replace("536365", "2")

    file = read(late, changed("InvoiceNo", "2"), early)

    assert [(one.number, one.instant) for one in file.timeline] == [
        ("2", datetime(2010, 11, 30, 8, 26, tzinfo=UTC)),
        ("1", datetime(2010, 12, 1, 8, 26, tzinfo=UTC)),
    ]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("InvoiceNo", ""),
        ("InvoiceNo", "5363 65"),
        ("InvoiceNo", "5" * 65),
        ("StockCode", ""),
        ("StockCode", "71\x0053"),
        ("StockCode", "7" * 65),
        ("Quantity", ""),
        ("Quantity", "3.0"),
        ("Quantity", "1e5"),
        ("Quantity", "NaN"),
        ("Quantity", "+3"),
        ("Quantity", "٣"),
        ("Quantity", "1234567890"),
        ("InvoiceDate", "01/12/2010 08:26"),
        ("InvoiceDate", "2010-02-30 08:26"),
        ("InvoiceDate", "2010-12-01T08:26"),
        ("InvoiceDate", "1969-12-31 23:59"),
        ("InvoiceDate", "2010-12-01"),
        ("UnitPrice", ""),
        ("UnitPrice", "NaN"),
        ("UnitPrice", "Infinity"),
        ("UnitPrice", "1e5"),
        ("UnitPrice", "3.4567891"),
        ("UnitPrice", "1234567890.00"),
        ("UnitPrice", "3."),
        ("UnitPrice", "£3.45"),
        ("CustomerID", "17 850"),
        ("Country", "UK,GB"),
    ],
)
def test_a_line_that_is_not_of_its_form_is_counted_and_left_out(column, value):
    file = read(GOOD, changed(column, value))

    assert (file.read, file.unreadable, list(file.unreadable_lines)) == (2, 1, [3])
    assert len(file.timeline[0].rows) == 1


def test_only_some_unreadable_lines_are_remembered():
    file = read(*["not a line"] * 9)

    assert (file.unreadable, list(file.unreadable_lines)) == (9, [2, 3, 4, 5, 6])


@pytest.mark.parametrize(
    ("value", "millionths"),
    [("3.45", 3_450_000), ("-11062.06", -11_062_060_000), ("0", 0), ("0.000001", 1)],
)
def test_a_price_is_read_exactly(value, millionths):
    assert read(changed("UnitPrice", value)).timeline[0].rows[0][2] == millionths


@pytest.mark.parametrize(
    ("customers", "has_one"),
    [(["17850", "17850"], True), (["", ""], True), (["17850", ""], False), (["1", "2"], False)],
)
def test_an_invoice_knows_whether_it_has_one_customer(customers, has_one):
    file = read(*[changed("CustomerID", customer) for customer in customers])

    assert file.timeline[0].customer == customers[0]
    assert file.timeline[0].has_one_customer is has_one


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2011-07-10 12:00", "2011-07-10T11:00:00+00:00"),
        ("2010-10-31 01:30:00", "2010-10-31T00:30:00+00:00"),
        ("2011-03-27 01:30:00", "2011-03-27T01:30:00+00:00"),
    ],
    ids=["summer", "twice", "skipped"],
)
def test_a_local_time_is_an_instant(text, instant):
    assert read_local_time(text, LONDON) == datetime.fromisoformat(instant)


def test_a_time_that_no_calendar_holds_in_utc_is_none():
    assert read_local_time("9999-12-31 23:59:59", ZoneInfo("America/New_York")) is None


@pytest.mark.parametrize("head", ["", "Invoice,StockCode", HEAD.lower(), f"{HEAD},More"])
def test_another_first_line_refuses_the_file(head):
    with pytest.raises(FileFault, match="line 1"):
        read(GOOD, head=head)


def test_columns_can_be_named_otherwise_and_stand_anywhere():
    columns = {"invoice": "No", "sku": "Code", "customer": "Who"}

    file = read(
        "17850,x,1.50,2010-12-01 08:26,4,71053,9",
        head="Who,Note,UnitPrice,InvoiceDate,Quantity,Code,No",
        columns=columns,
    )

    assert file.timeline[0].number == "9"
    assert file.timeline[0].rows == [("71053", 4, 1_500_000)]


@pytest.mark.parametrize("head", [HEAD, HEAD.replace("InvoiceNo", "No,No")])
def test_a_named_column_must_stand_in_the_first_line_once(head):
    with pytest.raises(FileFault, match="the columns No must each"):
        read(GOOD, head=head, columns={"invoice": "No"})


def test_a_quotation_without_an_end_is_told_with_its_line():
    with pytest.raises(FileFault, match=r"line \d+: field larger"):
        list(read_rows(['a,"b\n', *["x" * 1_000 + "\n"] * 200]))


def test_a_line_without_an_end_is_refused():
    with pytest.raises(FileFault, match="line 2: longer"):
        list(read_rows(["a\n", "x" * LONGEST_LINE]))


def test_a_file_of_too_many_lines_is_refused(monkeypatch):
    monkeypatch.setattr("loyalty_service.imports.rules.tables.MOST_LINES", 2)

    with pytest.raises(FileFault, match="more than 2 lines"):
        list(read_rows(["a\n"] * 3))


def test_what_texts_mean_is_found_out_once_and_forgotten_in_time(monkeypatch):
    monkeypatch.setattr("loyalty_service.imports.rules.tables._REMEMBERED", 2)
    asked = []
    memo = Memo(lambda text: asked.append(text) or len(text))

    assert [memo[text] for text in ("a", "bb", "a", "ccc", "a")] == [1, 2, 1, 3, 1]
    assert asked == ["a", "bb", "ccc", "a"]
