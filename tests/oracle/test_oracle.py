"""The oracle itself, on files small enough to be worked out by hand."""

import gzip
import os
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from tests.oracle import earning, trade
from tests.oracle.invoice_oracle import Oracle, calculate, totals

ROOT = Path(__file__).parents[2]
BENCH = ROOT / "programs" / "import-bench.yaml"
SHORT_ENDS = Path(__file__).with_name("short_ends.yaml")
TRADE = "online-retail-2010-12_2011-08.csv.gz"

HEAD = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
WEDNESDAY = "2010-12-01 10:00:00"
THURSDAY = "2010-12-02 10:00:00"
FRIDAY = "2010-12-03 10:00:00"
SATURDAY = "2010-12-04 10:00:00"
MONDAY = "2010-12-06 10:00:00"
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write lines of ``number sku quantity price customer @ date`` as a file of invoice lines."""
    names = iter(range(100))

    def to_file(text: str) -> Path:
        path = tmp_path / f"{next(names)}.csv"
        rows = [HEAD]
        for row in text.strip().splitlines():
            facts, date = row.split("@")
            number, sku, quantity, price, *customer = facts.split()
            rows.append(
                f"{number},{sku},Thing,{quantity},{date.strip()},{price},{''.join(customer)},UK\n"
            )
        path.write_text("".join(rows), encoding="utf-8")
        return path

    return to_file


def wallets(oracle: Oracle, customer: str = "17850") -> dict[str, tuple[int, int, int]]:
    """Earned, taken back and balance of a customer by wallet."""
    return {
        name: (wallet.earned, wallet.taken_back, wallet.balance)
        for name, wallet in oracle.customers[customer].wallets.items()
    }


def test_an_order_earns_by_rate_units_and_full_steps(write: Write) -> None:
    # given goods for 3 x 3.45 = 10.35 and six favourites for 6 x 2.55 = 15.30, in all 25.65
    file = write(
        f"""
        536365 71053  3 3.45 17850 @ {WEDNESDAY}
        536365 85123A 6 2.55 17850 @ {WEDNESDAY}
        """
    )

    oracle = calculate(BENCH, file)

    # spend: 25.65 down to 25; favourites: 2 x 6 = 12; growth: two full tens at 5
    assert wallets(oracle) == {"points": (37, 0, 37), "growth": (10, 0, 10)}


def test_lines_of_different_worth_are_multiplied_by_their_share_and_rounded_once(
    write: Write,
) -> None:
    # given a Thursday, when all but cake stands count one and a half times
    file = write(
        f"""
        536365 22423  1 12.75 17850 @ {THURSDAY}
        536365 71053  3  3.45 17850 @ {THURSDAY}
        """
    )

    oracle = calculate(BENCH, file)

    # 12.75 + 1.5 x 10.35 = 28.275, rounded down; rounding each line would give 12 + 15 = 27;
    # one cake stand is fewer than six favourites; growth: two full tens of 23.10
    assert wallets(oracle) == {"points": (28, 0, 28), "growth": (10, 0, 10)}


def test_a_condition_that_fails_gives_nothing(write: Write) -> None:
    # given 9.99 on a Saturday, five favourites among it
    file = write(f"536365 85123A 5 1.998 17850 @ {SATURDAY}")

    oracle = calculate(BENCH, file)

    # below 10.00, fewer than six, no working day and below 200.00
    assert oracle.customers["17850"].paid_minor == 999
    assert wallets(oracle) == {}


def test_the_month_has_room_for_so_many_points_and_the_lowest_priority_is_cut_first(
    write: Write,
) -> None:
    # given 1990 points, then 30.60 and twelve favourites in one month, and again in the next
    file = write(
        f"""
        536365 71053  1 1990.00 17850 @ {WEDNESDAY}
        536366 85123A 12 2.55 17850 @ {FRIDAY}
        536367 85123A 12 2.55 17850 @ 2011-01-03 10:00:00
        """
    )

    oracle = calculate(BENCH, file)

    # December: 30 + 24 = 54 into a room of 10, so favourites lose 24 and spend 20; January: 54
    assert wallets(oracle)["points"] == (1990 + 10 + 54, 0, 2054)
    shares = oracle.customers["17850"].orders[1].lines[0].shares
    assert shares == {"spend": 10, "growth_steps": 15}


def test_what_a_return_takes_back_frees_the_room_of_its_months_cap(write: Write) -> None:
    # given 2000 points of 3000.00, a third of it returned, and 900.00 more in the same month
    file = write(
        f"""
        536365  71053  3 1000.00 17850 @ {WEDNESDAY}
        C536370 71053 -1 1000.00 17850 @ {FRIDAY}
        536371  71053  1  900.00 17850 @ {MONDAY}
        """
    )

    oracle = calculate(BENCH, file)

    # floor(2000 / 3) = 666 taken back, so 666 fit again
    assert wallets(oracle)["points"] == (2666, 666, 2000)


def test_points_of_a_line_leave_by_the_fraction_rounded_down(write: Write) -> None:
    # given 23 points on four units
    lines = [f"536365 71053 4 5.75 17850 @ {WEDNESDAY}"]
    returns = [f"C53640{n} 71053 -1 5.75 17850 @ 2010-12-0{n} 12:00:00" for n in range(3, 7)]

    taken = [
        wallets(calculate(BENCH, write("\n".join(lines + returns[:count]))))["points"][1]
        for count in range(1, 5)
    ]

    # 23 x 1/4, 2/4, 3/4, 4/4
    assert taken == [5, 11, 17, 23]


def test_the_points_of_a_rule_are_spread_over_its_lines_by_largest_remainder(write: Write) -> None:
    # given three lines of 3.50 that earn 10 together, the middle one returned
    file = write(
        f"""
        536365  71053  1 3.50 17850 @ {WEDNESDAY}
        536365  71054  1 3.50 17850 @ {WEDNESDAY}
        536365  71055  1 3.50 17850 @ {WEDNESDAY}
        C536370 71054 -1 3.50 17850 @ {FRIDAY}
        """
    )

    oracle = calculate(BENCH, file)

    # 10 over three alike: 4, 3, 3; growth 5: 2, 2, 1
    assert wallets(oracle) == {"points": (10, 3, 7), "growth": (5, 2, 3)}


def test_a_return_takes_from_the_latest_purchase_first_and_spans_orders(write: Write) -> None:
    # given four units at 10.00, then three at 20.00, and five returned with a foreign price
    file = write(
        f"""
        536365  71053  4 10.00 17850 @ {WEDNESDAY}
        536366  71053  3 20.00 17850 @ {FRIDAY}
        C536370 71053 -5  0.01 17850 @ {MONDAY}
        """
    )

    oracle = calculate(BENCH, file)

    # all 60 of the later order, half of the 40 of the earlier; growth 30 and half of 20
    assert oracle.customers["17850"].returns == 2
    assert oracle.customers["17850"].returned_minor == 6000 + 2000
    assert wallets(oracle) == {"points": (100, 80, 20), "growth": (50, 40, 10)}


def test_lines_of_one_return_add_up_on_the_same_order_line(write: Write) -> None:
    file = write(
        f"""
        536365  71053  4 10.00 17850 @ {WEDNESDAY}
        C536370 71053 -1 10.00 17850 @ {MONDAY}
        C536370 71053 -2 10.00 17850 @ {MONDAY}
        """
    )

    oracle = calculate(BENCH, file)

    assert oracle.customers["17850"].returns == 1
    assert wallets(oracle)["points"] == (40, 30, 10)
    assert oracle.report.lines["returned"] == 2


def test_units_without_a_purchase_are_counted_and_dropped(write: Write) -> None:
    # given three bought, five returned; another product and another customer returned as well
    file = write(
        f"""
        536365  71053  3 10.00 17850 @ {WEDNESDAY}
        C536370 71053 -5 10.00 17850 @ {FRIDAY}
        C536371 71054 -1 10.00 17850 @ {FRIDAY}
        C536372 71053 -1 10.00 17851 @ {FRIDAY}
        C536373 71053 -2 10.00 17850 @ {MONDAY}
        """
    )

    oracle = calculate(BENCH, file)

    assert oracle.report.units == {"matched": 3, "unmatched": 6}
    assert oracle.report.invoices == {"order": 1, "partly_matched": 1, "unmatched": 3}
    assert oracle.report.lines["partly_returned"] == 1
    assert oracle.report.lines["not_bought_before"] == 3
    assert list(oracle.customers) == ["17850"]
    assert wallets(oracle)["points"] == (30, 30, 0)


def test_a_return_before_its_purchase_finds_nothing(write: Write) -> None:
    # given the return first in the file at the same minute, and lines out of order
    file = write(
        f"""
        C536370 71053 -1 10.00 17850 @ {WEDNESDAY}
        536366  71053  1 20.00 17850 @ {FRIDAY}
        536365  71053  1 10.00 17850 @ {WEDNESDAY}
        """
    )

    oracle = calculate(BENCH, file)

    assert oracle.report.invoices == {"order": 2, "unmatched": 1}
    assert [order.ref for order in oracle.customers["17850"].orders] == ["536365", "536366"]


def test_every_line_that_does_not_count_has_its_reason(write: Write) -> None:
    file = write(
        f"""
        536365 71053  0 1.00  17850 @ {WEDNESDAY}
        536365 71053 -1 1.00  17850 @ {WEDNESDAY}
        536365 71053  1 0     17850 @ {WEDNESDAY}
        536365 71053  1 -2.50 17850 @ {WEDNESDAY}
        536365 PADS   1 0.001 17850 @ {WEDNESDAY}
        536365 m      1 9.00  17850 @ {WEDNESDAY}
        536365 gift_1 1 9.00  17850 @ {WEDNESDAY}
        536365 POST   1 18.00 17850 @ {WEDNESDAY}
        C53637 D     -1 57.60 17850 @ {WEDNESDAY}
        C53637 71053  1 57.60 17850 @ {WEDNESDAY}
        536366 71053  x 1.00  17850 @ {WEDNESDAY}
        536366 71053  1 1e3   17850 @ {WEDNESDAY}
        536366 71053  1 1.00  17850 @ 2010-02-30 10:00
        536366 71053  1 1.00  17/50 @ {WEDNESDAY}
        """
    )

    oracle = calculate(BENCH, file)

    assert oracle.report.lines == {
        "read": 14,
        "quantity_not_positive": 2,
        "price_not_positive": 2,
        "worth_nothing": 1,
        "not_a_product": 3,
        "quantity_not_negative": 1,
        "ordered": 1,
        "unreadable": 4,
    }
    assert oracle.report.invoices == {"order": 1, "no_usable_line": 1}


def test_every_invoice_that_does_not_count_has_its_reason(write: Write) -> None:
    file = write(
        f"""
        A536365 71053 1 1.00 17850 @ {WEDNESDAY}
        536366  71053 1 1.00       @ {WEDNESDAY}
        536367  71053 1 1.00 17850 @ {WEDNESDAY}
        536367  71053 1 1.00 17851 @ {WEDNESDAY}
        536368  71053 1 1.00 17850 @ {WEDNESDAY}
        536368  71053 1 1.00       @ {WEDNESDAY}
        536369  M     1 1.00 17850 @ {WEDNESDAY}
        536370  71053 1 1.00 17850 @ 9999-01-01 00:00
        536371  71053 1 1.00 17850 @ {WEDNESDAY}
        """
    )

    oracle = calculate(BENCH, file)

    assert oracle.report.invoices == {
        "other_document": 1,
        "guest": 1,
        "several_customers": 2,
        "no_usable_line": 1,
        "in_the_future": 1,
        "order": 1,
    }
    lines = oracle.report.lines
    assert lines["read"] == sum(count for name, count in lines.items() if name != "read")


def test_an_invoice_split_in_the_file_is_one_order_at_its_earliest_instant(write: Write) -> None:
    # given two halves of 6.00 with another invoice between them
    file = write(
        """
        536365 71053 1 6.00 17850 @ 2010-12-01 10:01
        536366 71053 1 1.00 17850 @ 2010-12-01 10:00
        536365 71054 1 6.00 17850 @ 2010-12-01 09:59
        """
    )

    oracle = calculate(BENCH, file)

    orders = oracle.customers["17850"].orders
    assert [order.ref for order in orders] == ["536365", "536366"]
    assert orders[0].placed_at == datetime(2010, 12, 1, 9, 59, tzinfo=UTC)
    assert wallets(oracle)["points"] == (12, 0, 12)


def test_a_second_file_repeats_nothing_and_looks_again_at_what_was_left_out(write: Write) -> None:
    first = write(
        f"""
        536365  71053  2 10.00 17850 @ {FRIDAY}
        C536370 71053 -1 10.00 17850 @ {MONDAY}
        C536371 71054 -1 10.00 17850 @ {MONDAY}
        """
    )
    second = write(
        f"""
        536360  71054  1 30.00 17850 @ {WEDNESDAY}
        536365  71053  9 10.00 17850 @ {FRIDAY}
        C536370 71053 -1 10.00 17850 @ {MONDAY}
        C536371 71054 -1 10.00 17850 @ {MONDAY}
        """
    )

    oracle = calculate(BENCH, first, second)

    assert oracle.report.invoices == {"order": 2, "return": 2, "unmatched": 1, "repeated": 2}
    assert wallets(oracle)["points"] == (50, 40, 10)


@pytest.mark.parametrize(
    ("wall_time", "instant"),
    [
        ("2011-01-10 12:00:00", "2011-01-10T12:00:00Z"),
        ("2011-07-10 12:00:00", "2011-07-10T11:00:00Z"),
        ("2010-10-31 01:30:00", "2010-10-31T00:30:00Z"),
        ("2011-03-27 01:30:00", "2011-03-27T01:30:00Z"),
    ],
    ids=["winter", "summer", "twice", "skipped"],
)
def test_local_times_become_instants(write: Write, wall_time: str, instant: str) -> None:
    oracle = calculate(BENCH, write(f"536365 71053 1 6.00 17850 @ {wall_time}"))

    [order] = oracle.customers["17850"].orders
    assert order.placed_at == datetime.fromisoformat(instant)


def test_money_of_a_line_is_rounded_half_up_once() -> None:
    assert trade.half_up(Fraction("0.005") * 100) == 1
    assert trade.half_up(Fraction("0.005") * 3 * 100) == 2
    assert trade.half_up(Fraction("0.0049") * 100) == 0


@pytest.mark.parametrize(
    ("rounding", "whole"),
    [
        ("floor", [2, 2, 3]),
        ("half_up", [2, 3, 4]),
        ("half_even", [2, 2, 4]),
        ("ceiling", [3, 3, 4]),
    ],
)
def test_points_are_rounded_as_the_program_says(rounding: str, whole: list[int]) -> None:
    exact = [Fraction("2.4"), Fraction("2.5"), Fraction("3.5")]

    assert [earning.round_points(points, rounding) for points in exact] == whole


def test_a_first_order_is_first_again_once_all_others_are_returned(write: Write) -> None:
    # given an order, a second one, both returned, and a third; 1.3 points need two units
    file = write(
        f"""
        536365  71053  1 4.00 17850 @ {WEDNESDAY}
        536366  71053  1 4.00 17850 @ {THURSDAY}
        C536367 71053 -2 4.00 17850 @ {FRIDAY}
        536368  71053  1 4.00 17850 @ {SATURDAY}
        """
    )

    oracle = calculate(SHORT_ENDS, file)

    # 100 with the first, nothing with the second, 100 taken back, 100 with the third
    assert wallets(oracle)["points"] == (200, 100, 100)


def test_points_wait_and_end_by_whole_days_of_the_zone(write: Write) -> None:
    # given a first order of 20.00 on 1 December, and a look at the account later
    file = write(f"536365 71053 2 10.00 17850 @ {WEDNESDAY}")

    def balance(until: str) -> int:
        oracle = calculate(SHORT_ENDS, file, until=datetime.fromisoformat(until))
        return wallets(oracle)["points"][2]

    # spend: 26, active on the 8th, through 22 January (45 days on);
    # welcome: 100, active at once, through 31 December (30 days on)
    assert balance("2010-12-31T23:59:59Z") == 126
    assert balance("2011-01-01T00:00:00Z") == 26
    assert balance("2011-01-22T23:59:59Z") == 26
    assert balance("2011-01-23T00:00:00Z") == 0


def test_fixed_ends_and_ends_of_month_in_summer_time(write: Write) -> None:
    # given four cake tins at 7.00 on 30 May: 40 growth through 30 June; tins: 6 points, active on
    # 6 June, through the end of the month of 6 July; spend: 36.4 points through 21 July
    file = write("536365 22720 4 7.00 17850 @ 2011-05-30 10:00")

    def balances(until: str) -> tuple[int, int]:
        oracle = calculate(SHORT_ENDS, file, until=datetime.fromisoformat(until))
        figures = wallets(oracle)
        return figures["points"][2], figures["growth"][2]

    # welcome: 100 through 29 June
    assert balances("2011-06-29T22:59:59Z") == (142, 40)
    assert balances("2011-06-29T23:00:00Z") == (42, 40)
    assert balances("2011-06-30T23:00:00Z") == (42, 0)
    assert balances("2011-07-21T23:00:00Z") == (6, 0)
    assert balances("2011-07-31T22:59:59Z") == (6, 0)
    assert balances("2011-07-31T23:00:00Z") == (0, 0)


def test_what_expired_unspent_counts_as_taken(write: Write) -> None:
    # given 126 points of which 100 ended on 31 December, and half of the order returned in January
    file = write(
        f"""
        536365  71053  2 10.00 17850 @ {WEDNESDAY}
        C536370 71053 -1 10.00 17850 @ 2011-01-05 10:00
        """
    )

    oracle = calculate(SHORT_ENDS, file)

    # 63 are taken back, all of them by what expired: 26 stay until they end themselves
    wallet = oracle.customers["17850"].wallets["points"]
    assert (wallet.taken_back, wallet.expired, wallet.balance) == (63, 100, 26)
    assert wallet.deficit == 0


def test_the_best_of_a_group_counts_and_multipliers_add_up(write: Write) -> None:
    # given 240 hearts at 1.25 = 300.00 and two cake tins and a lunch bag on a Wednesday, not first
    file = write(
        f"""
        536360 71053  1  1.00 17850 @ 2010-11-01 10:00
        536365 22469 240 1.25 17850 @ {WEDNESDAY}
        536365 22720  2  7.50 17850 @ {WEDNESDAY}
        536365 20725  1 15.00 17850 @ {WEDNESDAY}
        """
    )

    oracle = calculate(SHORT_ENDS, file)

    # 330.00 doubles all, and hearts stand at 1 + 1 + 0.5 = 2.5: spend 1.3 x (300 x 2.5 + 30 x 2)
    # = 1053; tins 1.5 x 2 x 2 = 6; bags 20 x 2 = 40 is best; welcome for the first order: 100
    assert wallets(oracle)["points"][0] == 100 + 1053 + 40
    # growth: 330 / 0.7, hearts at 1.5: (450 + 30) / 0.7 = 685.7, and 1.00 / 0.7 = 1.4 before
    assert wallets(oracle)["growth"][0] == 686 + 1


def test_caps_cut_per_rule_and_order_and_refuse_per_week(write: Write) -> None:
    # given 400 cake tins at 2.00 = 800.00, not hearts; twice in a week, and on the Monday after
    file = write(
        f"""
        536365 22720 400 2.00 17850 @ {WEDNESDAY}
        536366 22720 400 2.00 17850 @ 2010-12-05 23:59
        536367 22720 400 2.00 17850 @ 2010-12-06 00:00
        """
    )

    oracle = calculate(SHORT_ENDS, file)

    # doubled: spend 2080, tins 1200; one offer: 300; one order: 1500, tins lose 300, spend 580
    # 100 welcome; the second does not fit into 1800 and gives thanks only (a Sunday): 10
    assert wallets(oracle)["points"][0] == 100 + 1500 + 10 + 1500


def test_a_line_is_counted_in_every_form_of_the_file(write: Write) -> None:
    plain = write(f"536365 71053 2 10.00 17850 @ {WEDNESDAY}")
    packed = plain.with_suffix(".csv.gz")
    packed.write_bytes(gzip.compress(b"\xef\xbb\xbf" + plain.read_bytes()))

    oracle = calculate(BENCH, packed)

    assert wallets(oracle)["points"] == (20, 0, 20)


def test_another_first_line_refuses_the_file(tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("Invoice,StockCode\n", encoding="utf-8")

    with pytest.raises(ValueError, match="first line"):
        calculate(BENCH, file)


@pytest.fixture(scope="module")
def real_trade() -> Oracle:
    folder = Path(os.environ.get("LOYALTY_TEST_DATA", ROOT.parent / "shared" / "data"))
    file = folder / TRADE
    if not file.is_file():
        pytest.skip(f"real trade is not here: {file} (LOYALTY_TEST_DATA names its folder)")
    return calculate(BENCH, file)


def test_every_line_of_real_trade_is_accounted_for(real_trade: Oracle) -> None:
    assert real_trade.report.lines == {
        "read": 320_705,
        "ordered": 226_294,
        "returned": 4_444,
        "partly_returned": 25,
        "not_bought_before": 919,
        "guest": 88_649,
        "other_document": 3,
        "not_a_product": 349,
        "price_not_positive": 20,
        "worth_nothing": 2,
    }


def test_every_invoice_of_real_trade_is_accounted_for(real_trade: Oracle) -> None:
    assert real_trade.report.invoices == {
        "order": 11_371,
        "return": 1_825,
        "partly_matched": 157,
        "unmatched": 306,
        "no_usable_line": 183,
        "guest": 2_614,
        "other_document": 3,
    }
    assert real_trade.report.invoices.total() == 16_459
    assert real_trade.report.units == {"matched": 126_238, "unmatched": 17_417}


def test_real_trade_comes_to_stable_sums(real_trade: Oracle) -> None:
    assert len(real_trade.customers) == 3_314
    assert totals(real_trade) == {
        "points": Counter(balance=4_337_967, earned=4_421_920, taken_back=83_953),
        "growth": Counter(balance=2_364_150, earned=2_478_880, taken_back=114_730),
    }
