"""Programs that change when points end, again and again, and what keeps an end of its own."""

from datetime import timedelta

import pytest

from loyalty_service.cli.newcomers import import_members
from loyalty_service.program.rules.versions import ProgramFixed
from tests.factories import Shop, line
from tests.integration.test_sliding import (
    BEGIN,
    ENDLESS,
    GROWTH,
    SLIDING,
    SPENDABLE,
    YEARLY,
    day,
    ends,
)
from tests.job_world import catch_up

DAY = timedelta(days=1)
YEAR = "activation: {on: payment}\n    " + YEARLY


def standing_ends(text: str) -> str:
    """The program whose growth ends a year after it is given."""
    assert text.count(GROWTH) == 1
    return text.replace(GROWTH, YEAR)


def test_a_standing_lot_survives_expiry_turned_on_and_off_and_on_again(db, clock):
    clock.set(BEGIN)
    shop = Shop(db, ENDLESS)
    shop.enrol()
    shop.pay("o-0", line(1_000))
    for i, text in enumerate([standing_ends(ENDLESS), ENDLESS] * 3):
        clock.advance(timedelta(days=20))
        shop.apply(text)
        clock.advance(timedelta(days=1))
        shop.pay(f"o-{i + 1}", line(1_000))
        ends(shop, "growth")

    assert shop.balance("growth").active == 70


def for_ever(text: str) -> str:
    """The program whose order points never end, whatever the wallet says."""
    of_order = "wallet: points, group: base, on: order,"
    assert text.count(of_order) == 1
    return text.replace(of_order, f"{of_order} expiry: never,")


def test_nothing_is_given_for_ever_where_all_points_were_given_an_end(db):
    shop = Shop(db, ENDLESS)

    with pytest.raises(ProgramFixed) as refused:
        shop.apply(for_ever(SPENDABLE))

    assert refused.value.values["endless"] == ["base"]
    shop.apply(SPENDABLE)
    with pytest.raises(ProgramFixed):
        shop.apply(for_ever(SPENDABLE))


def test_where_points_ended_from_the_first_day_some_may_be_given_for_ever(db, clock):
    shop = Shop(db, for_ever(SPENDABLE))
    shop.enrol()
    shop.adjust(10)

    shop.pay("o-1", line(10_000))

    (_, points), *_ = ends(shop)
    assert points == 10
    clock.advance(timedelta(days=800))
    shop.pay("o-2", line(100))
    assert shop.balance().active == 101


@pytest.mark.parametrize("is_past", [False, True])
def test_an_order_of_sliding_days_that_is_told_later_ends_with_all_others(db, clock, is_past):
    clock.set(BEGIN)
    shop = Shop(db, SLIDING)
    shop.enrol()
    clock.advance(20 * DAY)
    shop.pay("o-1", line(10_000))
    clock.advance(DAY)
    shop.apply(SPENDABLE)
    clock.advance(2 * DAY)
    if is_past:
        # The member's clock goes past the version that ends the sliding.
        shop.adjust(1, wallet="growth")

    shop.pay("late", line(5_000), at=BEGIN + 5 * DAY)

    assert ends(shop) == [(day("2026-06-23"), 150)]


def test_an_order_told_after_sliding_ended_moves_the_end_of_nothing_else(db, clock):
    clock.set(BEGIN)
    shop = Shop(db, SLIDING)
    shop.enrol()
    shop.pay("o-1", line(10_000))
    clock.advance(21 * DAY)
    shop.apply(SPENDABLE)
    clock.advance(2 * DAY)
    shop.pay("o-2", line(2_000))

    shop.pay("late", line(5_000), at=BEGIN + 20 * DAY)

    assert ends(shop) == [
        (day("2026-06-03"), 100),
        (day("2026-06-23"), 50),
        (day("2027-04-01"), 20),
    ]


SLIDES = "expiry: {sliding: {months: 3}}"
LATER_WALLET = SPENDABLE.replace(
    "  - id: growth",
    "  - id: extra\n    name: {en: Extra, zh: 额外}\n    spendable: false\n"
    f"    activation: {{on: payment}}\n    {SLIDES}\n  - id: growth",
)


def growth_slides(text: str) -> str:
    """The program whose growth ends three months after the last earning."""
    return standing_ends(text).replace(YEAR, "activation: {on: payment}\n    " + SLIDES)


def turn(shop, clock, after, program, *, gone_past_by=None):
    """Apply a program some time after the beginning; a member's act may take them past it."""
    if gone_past_by:
        shop.enrol()
    clock.advance(after)
    shop.apply(program)
    if gone_past_by:
        shop.adjust(1, wallet=gone_past_by)
    clock.advance(2 * DAY)


def other(wallet):
    return "growth" if wallet == "points" else "points"


@pytest.fixture
def bring(db, tmp_path):
    """Import 100 points of a member that stood at the beginning, with no end of their own."""

    def one(wallet):
        file = tmp_path / "members.csv"
        row = f"m-1,2026-03-01T02:00:00Z,{wallet},100"
        file.write_text(f"member_ref,enrolled_at,wallet,points\n{row}\n", encoding="utf-8")
        looked, done = (
            import_members(db, file, as_of=BEGIN, secret=None, only_check=only_check)
            for only_check in (True, False)
        )
        assert (looked.faults, looked.points) == (done.faults, done.points) == ([], {wallet: 100})

    return one


@pytest.mark.parametrize("is_past", [False, True])
@pytest.mark.parametrize(
    ("before", "after", "wallet"),
    [
        (SPENDABLE, SLIDING, "points"),
        (ENDLESS, SLIDING, "points"),
        (SPENDABLE, growth_slides(SPENDABLE), "growth"),
        (SPENDABLE, LATER_WALLET, "extra"),
    ],
    ids=["ending", "endless", "standing", "new"],
)
def test_what_is_brought_of_before_a_wallet_slid_has_the_whole_period_from_then(
    db, clock, bring, before, after, wallet, is_past
):
    clock.set(BEGIN)
    shop = Shop(db, before)
    turn(shop, clock, 120 * DAY, after, gone_past_by=other(wallet) if is_past else None)

    bring(wallet)
    catch_up(db)

    assert ends(shop, wallet) == [(day("2026-10-01"), 100)]


@pytest.mark.parametrize("is_past", [False, True])
@pytest.mark.parametrize(
    ("before", "wallet"), [(SLIDING, "points"), (growth_slides(ENDLESS), "growth")]
)
@pytest.mark.parametrize(("days", "left"), [(120, []), (60, [(day("2026-06-03"), 100)])])
def test_what_is_brought_of_sliding_days_ends_as_it_would_have_then(
    db, clock, bring, before, wallet, is_past, days, left
):
    clock.set(BEGIN)
    shop = Shop(db, before)
    turn(shop, clock, days * DAY, ENDLESS, gone_past_by=other(wallet) if is_past else None)

    bring(wallet)
    catch_up(db)

    assert ends(shop, wallet) == left
    assert shop.balance(wallet).active == sum(points for _, points in left)


@pytest.mark.parametrize("is_past", [False, True])
def test_what_is_brought_keeps_an_end_that_is_later_than_a_new_period(db, clock, bring, is_past):
    clock.set(BEGIN)
    shop = Shop(db, SLIDING)
    turn(shop, clock, DAY, SPENDABLE)
    soon = SPENDABLE.replace(YEARLY, "expiry: {sliding: {days: 10}}")
    turn(shop, clock, DAY, soon, gone_past_by="growth" if is_past else None)

    bring("points")
    catch_up(db)

    assert ends(shop) == [(day("2026-06-03"), 100)]
