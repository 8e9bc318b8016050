"""Invoice lines into the books, compared with what was worked out a second time."""

import gzip
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from loyalty_service.checkout import service as checkout
from loyalty_service.checkout.rules.cart import Cart, CartLine, Order
from loyalty_service.cli.invoices import Asked, import_invoices
from loyalty_service.cli.main import main
from loyalty_service.earning.rules.facts import LineKind
from loyalty_service.ledger.service import Acting
from loyalty_service.members import service as members
from loyalty_service.members.rules import Ref
from loyalty_service.members.service import Details
from loyalty_service.program.service import Programs
from loyalty_service.timekeeping.service import Timekeeping
from tests.factories import STOREFRONT, Shop, line
from tests.integration.trade_books import (
    BENCH,
    SHORT_ENDS,
    apply,
    assert_agrees,
    assert_told_alike,
    real_trade,
    slice_of_trade,
    some_customers,
    state,
    take,
)
from tests.oracle.invoice_oracle import calculate

HEAD = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
EVERYTHING_WRONG = """
536365,71053,Lantern,3,2010-12-01 08:26,3.45,17850,UK
536365,POST,Postage,1,2010-12-01 08:26,18.00,17850,UK
536365,D,Discount,1,2010-12-01 08:26,5.00,17850,UK
536365,22423,Stand,0,2010-12-01 08:26,12.75,17850,UK
536365,22423,Stand,1,2010-12-01 08:26,0,17850,UK
536365,22423,Stand,1,2010-12-01 08:26,0.004,17850,UK
536365,22423,Stand,1e5,2010-12-01 08:26,1.00,17850,UK
536365,22423,Stand,1,2010-12-01 08:26,NaN,17850,UK
536365,22423,Stand,99999999999999999999,2010-12-01 08:26,1.00,17850,UK
A563185,B,Bad debt,1,2010-12-01 09:00,-11062.06,,UK
536366,71053,Lantern,3,2010-12-01 09:10,3.45,,UK
536367,71053,Lantern,3,2010-12-01 09:20,3.45,17850,UK
536367,71053,Lantern,3,2010-12-01 09:20,3.45,13047,UK
536368,71053,Lantern,3,2010-12-01 09:20,3.45,17850,UK
536368,71053,Lantern,3,2010-12-01 09:20,3.45,,UK
536369,71053,Lantern,3,2126-12-01 09:20,3.45,17850,UK
536370,M,Manual,1,2010-12-01 09:30,3.45,17850,UK
536371,71053,Lantern,1000000,2010-12-01 09:30,1000000.00,17850,UK
C536372,71053,Lantern,-2,2010-12-01 10:00,3.45,17850,UK
C536373,71053,Lantern,-2,2010-12-01 10:10,3.45,17850,UK
C536373,22423,Stand,-1,2010-12-01 10:10,12.75,17850,UK
C536373,71053,Lantern,2,2010-12-01 10:10,3.45,17850,UK
C536374,71053,Lantern,-2,2010-12-01 10:20,3.45,17850,UK
C536375,71053,Lantern,-2,2010-12-01 10:20,3.45,99999,UK
C536376,D,Discount,-1,2010-12-01 10:20,3.45,17850,UK
not a line
"""


@pytest.fixture
def write(tmp_path):
    names = iter(range(100))

    def to_file(text):
        path = tmp_path / f"{next(names)}.csv"
        path.write_text(HEAD + text.strip() + "\n", encoding="utf-8")
        return path

    return to_file


@pytest.fixture(scope="module")
def winter(tmp_path_factory):
    """Three months' trade of one customer in six."""
    path = tmp_path_factory.mktemp("trade") / "winter.csv"
    return slice_of_trade(path, lambda row: some_customers(row, 6, "2011-03"))


@pytest.fixture(scope="module")
def spring(tmp_path_factory):
    """Six months' trade of one customer in thirty: long enough for points to end."""
    path = tmp_path_factory.mktemp("trade") / "spring.csv"
    return slice_of_trade(path, lambda row: some_customers(row, 30, "2011-06"))


@pytest.fixture
def cut(tmp_path):
    """Cut a file of trade into two that overlap in a third of their lines."""

    def in_two(file):
        head, *lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        third = len(lines) // 3
        early, late = tmp_path / "early.csv", tmp_path / "late.csv"
        early.write_text(head + "".join(lines[: 2 * third]), encoding="utf-8")
        late.write_text(head + "".join(lines[third:]), encoding="utf-8")
        return early, late

    return in_two


@pytest.mark.parametrize("program", [BENCH, SHORT_ENDS], ids=["bench", "short_ends"])
def test_an_import_comes_to_what_was_worked_out_a_second_time(db, winter, spring, program):
    file = winter if program == BENCH else spring
    apply(db, program)

    (report,) = take(db, file)

    oracle = calculate(program, file)
    assert report.invoices["partly_matched"] > 0
    assert_told_alike(report, oracle)
    assert_agrees(db, oracle)


@pytest.mark.long
@pytest.mark.parametrize("program", [BENCH, SHORT_ENDS], ids=["bench", "short_ends"])
def test_the_whole_trade_comes_to_what_was_worked_out_a_second_time(db, program, long_scale):
    apply(db, program)
    file = real_trade()
    if long_scale < 1 and program == SHORT_ENDS:
        pytest.skip("the second program is for the full size")

    (report,) = take(db, file)

    oracle = calculate(program, file)
    assert_told_alike(report, oracle)
    assert_agrees(db, oracle)


def test_every_reason_for_leaving_something_out_is_counted(db, write):
    apply(db, BENCH)
    file = write(EVERYTHING_WRONG)

    (report,) = take(db, file)

    assert_told_alike(report, calculate(BENCH, file))
    assert report.lines.total() == report.read == 26
    assert list(report.unreadable_lines) == [8, 9, 10, 27]
    assert report.invoices == Counter(
        order=1,
        other_document=1,
        guest=1,
        several_customers=2,
        in_the_future=1,
        no_usable_line=2,
        too_dear=1,
        partly_matched=1,
        unmatched=2,
        **{"return": 1},
    )
    assert_agrees(db, calculate(BENCH, file))


def test_an_import_done_again_changes_nothing(db, winter):
    apply(db, BENCH)
    (first,) = take(db, winter)
    before = state(db)

    (again,) = take(db, winter)

    assert state(db) == before
    done = ("order", "return", "partly_matched")
    assert again.invoices["repeated"] == sum(first.invoices[outcome] for outcome in done)
    assert again.invoices["unmatched"] == first.invoices["unmatched"]
    assert (again.returns, again.enrolled) == (0, 0)


def test_two_overlapping_files_come_to_the_same_as_one(db, winter, cut):
    halves = cut(winter)
    apply(db, BENCH)

    take(db, *halves)

    oracle = calculate(BENCH, *halves)
    assert_agrees(db, oracle)
    assert oracle.report.invoices["repeated"] > 100


@pytest.mark.parametrize("program", [BENCH, SHORT_ENDS], ids=["bench", "short_ends"])
def test_files_in_the_wrong_order_meet_the_books_as_they_stand(db, spring, cut, program):
    early, late = cut(spring)
    apply(db, program)

    take(db, late, early)

    assert_agrees(db, calculate(program, late, early))


def test_two_imports_at_once_take_everything_in_once(db, spring):
    apply(db, BENCH)

    with ThreadPoolExecutor(2) as both:
        first, second = both.map(lambda path: take(db, path)[0], [spring, spring])

    oracle = calculate(BENCH, spring)
    assert_agrees(db, oracle)
    assert first.returns + second.returns == sum(one.returns for one in oracle.customers.values())


def test_orders_that_were_sent_singly_before_are_passed_over(db, winter):
    apply(db, BENCH)
    oracle = calculate(BENCH, winter)
    sent = [
        (customer, order)
        for customer, books in list(oracle.customers.items())[::3]
        for order in books.orders[:1]
    ]
    for customer, order in sent:
        _send(db, customer, order)

    (report,) = take(db, winter)

    assert report.invoices["repeated"] == len(sent)
    assert report.invoices["order"] == oracle.report.invoices["order"] - len(sent)
    assert_agrees(db, oracle)


def _send(db, customer, order):
    """Enrol a customer and pay their first order, as a shop's own calls would."""
    ref = Ref("shop", customer)
    details = Details(enrolled_at=order.placed_at)
    db.run(lambda tx: members.enrol(tx, ref, details))
    lines = tuple(
        CartLine(
            LineKind.SHIPPING if one.line.is_shipping else LineKind.GOODS,
            one.line.sku,
            None,
            None,
            one.line.quantity,
            one.line.paid_minor,
        )
        for one in order.lines
    )
    sent = Order(
        order.ref, f"pay-{order.ref}", Cart("GBP", None, lines), occurred_at=order.placed_at
    )
    programs = Programs()
    db.run(lambda tx: checkout.pay(Acting(tx, programs, STOREFRONT, Timekeeping()), ref, sent))


def test_a_return_finds_what_an_earlier_file_or_call_brought(db, write):
    apply(db, BENCH)
    bought = write("536365,71053,Lantern,3,2010-12-01 08:26,3.45,17850,UK")
    back = write("C536370,71053,Lantern,-4,2010-12-02 08:26,3.45,17850,UK")

    first, second, third = take(db, back, bought, back)

    assert first.invoices == {"unmatched": 1}
    assert second.invoices == {"order": 1}
    assert (third.invoices, third.matched, third.unmatched) == ({"partly_matched": 1}, 3, 1)
    assert_agrees(db, calculate(BENCH, back, bought, back))


def test_a_return_finds_nothing_in_orders_that_nobody_paid(db, write):
    shop = Shop(db, BENCH.read_text(encoding="utf-8"))
    shop.enrol("17850")
    more = {"member": "17850", "currency": "GBP"}
    lantern = line(1_000, sku="71053", quantity=2)
    shop.pay("paid", lantern, **more)
    shop.reserve("reserved", lantern, **more)
    shop.reserve("lapsed", lantern, **more)
    shop.reserve("again", lantern, **more)
    shop.cancel("again", member="17850")
    shop.pay("again", lantern, **more)

    [report] = take(db, write("C536370,71053,Lantern,-9,2026-03-02 04:00,5.00,17850,UK"))

    assert (report.invoices, report.matched) == ({"partly_matched": 1}, 4)
    assert shop.story("reserved")["state"] == "reserved"


def test_the_number_of_a_return_stays_taken_even_for_a_guest(db, write):
    apply(db, BENCH)
    first = write(
        """
        536365,71053,Lantern,3,2010-12-01 08:26,3.45,17850,UK
        C536370,71053,Lantern,-1,2010-12-02 08:26,3.45,17850,UK
        """.replace("        ", "")
    )
    second = write(
        """
        C536370,71053,Lantern,-1,2010-12-02 08:26,3.45,,UK
        536365,71053,Lantern,-1,2010-12-02 08:26,3.45,13047,UK
        """.replace("        ", "")
    )

    _, report = take(db, first, second)

    assert report.invoices == {"repeated": 2}


def test_history_is_played_on_the_members_own_clock(db, write):
    apply(db, BENCH)

    take(db, write("536365,71053,Lantern,3,2010-07-01 08:26,3.45,17850,UK"))

    [(enrolled_at, caught_up_to)] = db.fetch("SELECT enrolled_at, caught_up_to FROM member")
    assert enrolled_at == caught_up_to == datetime(2010, 7, 1, 7, 26, tzinfo=UTC)


def test_another_zone_moves_every_instant(db, write):
    apply(db, BENCH)
    file = write("536365,71053,Lantern,3,2010-07-01 08:26,3.45,17850,UK")

    import_invoices(db, file, Asked(zone=ZoneInfo("UTC")))

    [(placed_at,)] = db.fetch("SELECT placed_at FROM order_head")
    assert placed_at == datetime(2010, 7, 1, 8, 26, tzinfo=UTC)


def test_the_pieces_of_a_large_customer_keep_their_order(db, write, monkeypatch):
    monkeypatch.setattr("loyalty_service.imports.service.invoices.INVOICES_AT_ONCE", 2)
    monkeypatch.setattr("loyalty_service.imports.service.invoices.LINES_AT_ONCE", 3)
    apply(db, BENCH)
    rows = [f"{n},71053,L,2,2010-12-{n % 28 + 1:02} 08:26,9.45,1785{n % 2},UK" for n in range(30)]
    rows += [f"C{n},71053,L,-5,2010-12-{n + 1} 09:00,9.45,1785{n % 2},UK" for n in range(10, 20)]
    file = write("\n".join(rows))

    (report,) = take(db, file)

    oracle = calculate(BENCH, file)
    assert_told_alike(report, oracle)
    assert_agrees(db, oracle)


GOOD_LINE = "536365,A1,tea,2,2010-12-01 08:26,2.55,17850,United Kingdom\n"


@pytest.fixture
def run(database_url, db, monkeypatch, capsys):
    """Run `loyalty import invoice-lines` and return its exit code and all it said."""
    monkeypatch.setenv("LOYALTY_DATABASE_URL", database_url)

    def invoice_lines(*args):
        with pytest.raises(SystemExit) as ended:
            main(["import", "invoice-lines", *map(str, args)])
        said = capsys.readouterr()
        return ended.value.code, said.out + said.err

    return invoice_lines


def test_the_command_tells_what_became_of_everything(run, db, write):
    apply(db, BENCH)

    code, said = run(write(EVERYTHING_WRONG), "--zone", "Europe/London", "--currency", "GBP")

    assert code == 1
    assert "26 lines" in said
    assert ".csv:8: " in said
    assert "several_customers" in said
    assert "as 536367, 536368" in said
    assert "Imported 3 invoices: 1 order and 2 returns; 1 member enrolled." in said


def test_a_line_that_cannot_be_read_is_told_with_what_was_found_and_the_rest_comes_in(
    run, db, write
):
    apply(db, BENCH)
    file = write(GOOD_LINE + GOOD_LINE.replace(",2,", ",1.5,"))

    code, said = run(file)

    assert code == 1
    assert f"{file}:3: Quantity: must be a whole number (found '1.5')" in said
    assert "Imported 1 invoice: 1 order and 0 returns; 1 member enrolled." in said


def test_a_file_can_be_looked_at_without_writing(run, db, write):
    apply(db, BENCH)

    code, said = run(write(GOOD_LINE), "--check")

    assert code == 0
    assert "nothing is written" in said
    assert db.fetch("SELECT 1 FROM member") == []


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "the first line must name the columns"),
        ("a.csv", b"Invoice,Sku\n1,2\n", "the first line must name the columns"),
        ("a.csv.gz", b"InvoiceNo,StockCode", "not a whole gzip file"),
        ("a.csv.gz", gzip.compress(HEAD.encode() * 1000)[:-12], "not a whole gzip file"),
        ("a.csv", HEAD.encode() + b"1,2,\xff\xfe,4\n", "not UTF-8 text: byte 0xff"),
        ("a.csv", HEAD.encode() + b'1,"' + b"x\n" * 100_000, "line"),
        ("a.csv", HEAD.encode() + b"x" * 200_000, "line 2: longer than"),
        ("missing.csv", None, "No such file"),
    ],
    ids=["empty", "columns", "not_gzip", "cut_gzip", "latin", "quote", "endless", "missing"],
)
def test_a_file_that_cannot_be_read_is_told_and_nothing_is_written(
    run, db, tmp_path, name, content, words
):
    apply(db, BENCH)
    if content is not None:
        (tmp_path / name).write_bytes(content)

    code, said = run(tmp_path / name)

    assert code == 1
    assert name in said
    assert words in said
    assert db.fetch("SELECT 1 FROM member") == []


@pytest.mark.parametrize(
    "args",
    [
        ["--zone", "Europe/Londen"],
        ["--zone", "../etc/passwd"],
        ["--columns", "who=CustomerID"],
        ["--columns", "invoice"],
        ["--currency", "EUR"],
    ],
)
def test_options_that_make_no_sense_are_a_matter_of_usage(run, db, write, args):
    apply(db, BENCH)

    code, _ = run(write(EVERYTHING_WRONG), *args)

    assert code == 2
    assert db.fetch("SELECT 1 FROM member") == []


def test_nothing_is_imported_before_there_is_a_program(run, write):
    code, said = run(write(EVERYTHING_WRONG))

    assert code == 1
    assert "No program has been applied yet" in said


def test_columns_may_have_other_names(run, db, tmp_path):
    apply(db, BENCH)
    file = tmp_path / "other.csv"
    file.write_text("Who,No,Code,Quantity,InvoiceDate,UnitPrice\n7,1,A1,2,2010-12-01 10:00,5.00\n")

    code, said = run(file, "--columns", "invoice=No,sku=Code,customer=Who")

    assert code == 0
    assert "1 order " in said
