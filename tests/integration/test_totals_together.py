"""Days of a member's sums that are read together say the same as read one by one."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty_service.ledger.service import Acting
from loyalty_service.members import service as members
from loyalty_service.members.queries import read_totals
from loyalty_service.members.rules import Wanted, cuts_around
from loyalty_service.timekeeping.service import Timekeeping
from tests.databases import connect
from tests.factories import STOREFRONT, Shop, line
from tests.integration.test_tiers import BIRTHDAY, TIERED, TIERS, tier

DAY = date(2026, 3, 2)
MONTHLY = """
earning:
  caps:
    - {id: few, name: {en: Few, zh: 少}, covers: [base], per: member, period: month, points: 50}"""
WAIT_DAYS = 5
WAITS = TIERED.replace(
    "activation: {on: payment}", f"activation: {{on: payment, wait_days: {WAIT_DAYS}}}"
)
days = st.integers(0, 12).map(lambda number: DAY + timedelta(days=number))
sums = st.dictionaries(
    st.tuples(st.sampled_from(["spend", "orders", "earned:points"]), days),
    st.integers(-1, 2),
    max_size=40,
)
cuts = st.frozensets(days, max_size=3)


@pytest.fixture
def owner(database_url):
    connection = connect(database_url)
    yield connection.cursor()
    connection.close()


def write(owner, member_id, sums):
    owner.execute("DELETE FROM member_total")
    rows = [(member_id, metric, day, amount) for (metric, day), amount in sums.items()]
    owner.executemany("INSERT INTO member_total VALUES (%s, %s, %s, %s)", rows)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sums=sums, cuts=cuts, first=days)
def test_between_cuts_there_is_as_much_and_it_begins_on_the_same_day(db, owner, sums, cuts, first):
    wanted = Wanted(frozenset({"spend", "earned:points"}), first, date.max, cuts)
    write(owner, 1, sums)

    with db.reading() as tx:
        one_by_one, together = (
            read_totals(tx, [1], asked).amounts[1] for asked in (wanted.by_day(), wanted)
        )

    assert len(together) <= len(one_by_one)
    edges = [date.min, *sorted(cuts), date.max]
    for begins in edges:
        for ends in edges:
            for metric in wanted.metrics:
                assert stretch(one_by_one, metric, begins, ends) == stretch(
                    together, metric, begins, ends
                )


def test_many_days_are_read_as_few_where_nothing_is_taken_away(db, owner):
    shop = Shop(db, TIERED)
    enrolled = shop.enrol()
    write(owner, enrolled.member_id, {("spend", DAY - timedelta(days=n)): 1 for n in range(300)})

    with db.transaction() as tx:
        member = members.lock(tx, shop.ref())
        books = Acting(tx, shop.programs, STOREFRONT, Timekeeping()).books(member)
        books.read_totals(None, books.now, adds_only=True)
        together = books.totals.amounts[member.member_id]
        books.read_totals(None, books.now)
        one_by_one = books.totals.amounts[member.member_id]

    assert sum(one_by_one.values()) == sum(together.values()) == 300
    assert (len(one_by_one), len(together)) == (300, 2)


@pytest.mark.parametrize(("last", "reached"), [(8_900, "silver"), (9_000, "gold")])
def test_what_the_window_leaves_behind_counts_no_more_and_what_it_keeps_does(
    db, clock, last, reached
):
    shop = Shop(db, TIERED)
    shop.enrol()
    begin = clock.now()
    shop.pay("o-1", line(1_000))
    clock.advance(timedelta(days=3))
    shop.pay("o-2", line(190_000))
    # Read from before the first on, and judged on a day by which the window has left it behind.
    clock.set(begin + timedelta(days=364))
    shop.pay("o-3", line(1_000))
    clock.set(begin + timedelta(days=366))

    shop.pay("o-4", line(last))

    assert tier(shop) == reached


def test_a_monthly_limit_asks_for_its_month_alone_however_far_tiers_look_back(db, clock):
    shop = Shop(db, TIERED.replace("earning:", MONTHLY))
    shop.enrol()
    clock.set(datetime(2026, 3, 30, 4, tzinfo=UTC))
    shop.pay("o-1", line(4_000))
    clock.set(datetime(2026, 4, 2, 4, tzinfo=UTC))
    shop.pay("o-2", line(3_000))
    clock.set(datetime(2026, 4, 5, 4, tzinfo=UTC))
    shop.pay("o-3", line(100))
    clock.set(datetime(2026, 4, 9, 4, tzinfo=UTC))

    receipt = shop.pay("o-4", line(4_000))

    [earned] = [one for one in receipt["earned"] if one["wallet"] == "points"]
    assert earned["points"] == 50 - 30 - 1


def test_a_birthday_told_early_is_not_given_again_on_its_day_for_the_one_of_last_year(db, clock):
    shop = Shop(db, BIRTHDAY + TIERS.replace("window: {months: 12}", "window: {months: 24}"))
    shop.enrol(birthday=(3, 10))
    clock.set(datetime(2027, 2, 1, 4, tzinfo=UTC))
    shop.tell("birthday")
    clock.set(datetime(2027, 2, 20, 4, tzinfo=UTC))
    shop.pay("o-1", line(100))
    clock.set(datetime(2027, 3, 11, 4, tzinfo=UTC))

    shop.pay("o-2", line(100))

    given = db.fetch("SELECT count(*)::int FROM entry WHERE reason = 'event'")
    assert given == [(2,)]


@pytest.mark.parametrize(
    ("apart", "later"),
    [
        pytest.param(10, 2, id="what-is-alive-lies-before"),
        pytest.param(5, 0, id="what-is-alive-has-come-today"),
    ],
)
def test_what_comes_alive_later_does_not_count_with_what_is_alive(db, clock, apart, later):
    shop = Shop(db, WAITS)
    shop.enrol()
    shop.pay("o-1", line(30_000))
    clock.advance(timedelta(days=apart))
    shop.pay("o-2", line(30_000))
    clock.advance(timedelta(days=later))

    quoted = shop.quote(line(100))
    shop.pay("o-3", line(100))

    assert quoted["tier_after"] == "regular"
    assert tier(shop) is None
    clock.advance(timedelta(days=WAIT_DAYS - later))
    shop.pay("o-4", line(100))
    assert tier(shop) == "silver"


@pytest.mark.parametrize(
    ("bounds", "cuts"),
    [
        ([], set()),
        ([(DAY, DAY)], {DAY, DAY + timedelta(days=1)}),
        ([(date.min, date.max)], {date.min}),
    ],
)
def test_a_stretch_of_days_is_cut_where_it_begins_and_behind_its_end(bounds, cuts):
    assert cuts_around(bounds) == cuts


def test_what_anybody_wants_day_by_day_is_read_day_by_day():
    whole, cut = (Wanted(frozenset(), DAY, DAY, cuts) for cuts in (None, frozenset({DAY})))

    assert (cut | cut).cuts == {DAY}
    assert (cut | whole).cuts is (whole | cut).cuts is None
    assert (cut | None).cuts == {DAY}


def stretch(amounts, metric, begins, ends):
    """How much there is from a cut to before another, and on which day it begins."""
    found = {day: amount for (name, day), amount in amounts.items() if name == metric and amount}
    inside = [day for day in found if begins <= day < ends]
    return sum(found[day] for day in inside), min(inside, default=None)
