"""Spent points come back: to their lots, in the reverse order of drawing, exact over any split."""

import itertools
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_service.checkout.rules.returns import (
    WHOLE,
    OrderLine,
    is_fully_returned,
    points_back,
    return_all,
    return_units,
    slice_of_draws,
    so_far,
)
from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.entry import Cause, Kind, Reason, Source
from loyalty_service.ledger.rules.lots import Lot
from loyalty_service.ledger.rules.movements import Opening, credit, take_back
from loyalty_service.ledger.rules.spending import give_back_spent, spend
from loyalty_service.program.rules.program import GiveBack

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CAUSE = Cause(Reason.ORDER_GIVEN_BACK, Source.ORDER, 1, 1, 1, NOW, NOW)
GRACE = NOW + 30 * DAY

DRAWS = [(3, 100), (1, 50), (2, 30)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (0, 180, [(2, 30), (1, 50), (3, 100)]),
        (0, 10, [(2, 10)]),
        (10, 60, [(2, 20), (1, 30)]),
        (60, 180, [(1, 20), (3, 100)]),
        (60, 60, []),
    ],
)
def test_the_last_drawn_comes_back_first(before, after, expected):
    assert slice_of_draws(DRAWS, before, after) == expected


@given(st.lists(st.integers(0, 180), max_size=8))
def test_any_split_gives_every_lot_back_what_it_gave(cuts):
    marks = sorted({0, 180, *cuts})
    back = {}
    for before, after in itertools.pairwise(marks):
        for lot, points in slice_of_draws(DRAWS, before, after):
            back[lot] = back.get(lot, 0) + points

    assert back == dict(DRAWS)


def lines(points=23, quantity=4):
    return [OrderLine(1, quantity, 1_000, {}, points), OrderLine(2, 1, 0, {}, 7)]


def test_points_come_back_by_the_returned_fraction_rounded_down_so_far():
    order, back = lines(), [0]
    for _ in range(4):
        order = return_units(order, [(1, 1)])
        back.append(points_back(order, GiveBack.PRO_RATA))

    assert [after - before for before, after in itertools.pairwise(back)] == [5, 6, 6, 6]


def test_by_setting_they_come_back_only_with_the_last():
    order = return_units(lines(), [(1, 4)])

    assert points_back(order, GiveBack.ONLY_WHEN_FULL) == 0
    assert points_back(return_all(order), GiveBack.ONLY_WHEN_FULL) == 30


def test_a_line_that_only_points_paid_has_to_come_back_too():
    assert OrderLine(2, 1, 0, {}, 7).carries_something
    assert not OrderLine(2, 1, 0, {}, 0).carries_something
    assert OrderLine(2, 1, 0, {}, 7, 1, WHOLE).returned == Fraction(1)


@pytest.mark.parametrize("carried", [0, 7])
def test_an_order_is_back_with_every_line_that_carries_something_or_without_any_with_all(carried):
    back, there = OrderLine(1, 1, 0, {}, carried, 1, WHOLE), OrderLine(2, 1, 0, {}, 0)

    assert is_fully_returned([back, there]) is bool(carried)
    assert is_fully_returned([back])
    assert is_fully_returned([back, OrderLine(2, 1, 0, {}, 0, 1, WHOLE)])
    assert not is_fully_returned([back, OrderLine(2, 1, 0, {}, 7)])
    assert not is_fully_returned([there])


def spent_account(*ends):
    """An account whose lots of 100 each, ending so many days from now, were all spent."""
    account = Account(7, "points")
    for days in ends:
        credit(account, CAUSE, [Opening(100, None, NOW - DAY, NOW + days * DAY)])
    _, draws = spend(account, CAUSE, 100 * len(ends), NOW)
    return account, draws


def closed(lot_seq, ends):
    return Lot(lot_seq, None, 100, 0, NOW - DAY, ends)


def test_points_go_to_their_lots_with_the_ends_these_had():
    account, _ = spent_account(10, 20)

    entry, expired = give_back_spent(
        account,
        CAUSE,
        [(closed(2, NOW + 20 * DAY), 70), (closed(1, NOW + 10 * DAY), 30)],
        NOW,
        GRACE,
    )

    assert (entry.kind, entry.points, expired) == (Kind.GIVE_BACK, 100, 0)
    assert {lot.lot_seq: lot.remaining for lot in account.lots.values()} == {1: 30, 2: 70}
    assert account.lots[1].expires_at == NOW + 10 * DAY


def test_points_of_a_lot_that_ended_meanwhile_last_for_the_grace():
    account, _ = spent_account(10, 20)
    at = NOW + 15 * DAY

    entry, expired = give_back_spent(
        account,
        CAUSE,
        [(closed(2, NOW + 20 * DAY), 60), (closed(1, NOW + 10 * DAY), 40)],
        at,
        at + 30 * DAY,
    )

    assert (entry.points, expired) == (100, 40)
    grace = account.lots[3]
    assert (grace.remaining, grace.active_at, grace.expires_at) == (40, at, at + 30 * DAY)


def test_without_grace_they_go_back_into_their_lot_and_are_due():
    account, _ = spent_account(10)
    at = NOW + 15 * DAY

    _, expired = give_back_spent(account, CAUSE, [(closed(1, NOW + 10 * DAY), 40)], at, None)

    assert expired == 40
    assert account.lots[1].is_due(at)


def test_a_deficit_is_absorbed_first():
    account, _ = spent_account(10, 20)
    take_back(account, CAUSE, 80, NOW, own_lots=[], expired=0, may_overdraw=True)

    entry, _ = give_back_spent(
        account,
        CAUSE,
        [(closed(2, NOW + 20 * DAY), 50), (closed(1, NOW + 10 * DAY), 50)],
        NOW,
        GRACE,
    )

    assert (entry.points, account.deficit, account.available(NOW)) == (100, 0, 20)
    assert list(account.lots) == [2]


@pytest.mark.parametrize(
    ("share", "returned", "back"),
    [
        (3, Fraction(1, 3), 1),
        (10**12, Fraction(1, 3), 333_333_333_333),
        (7, Fraction(6, 7), 6),
        (10**12, Fraction(10**12 - 1, 10**12), 10**12 - 1),
        (1, Fraction(999, 1_000), 0),
    ],
)
def test_a_share_comes_back_by_its_exact_fraction_rounded_once(share, returned, back):
    assert so_far(share, returned) == back
