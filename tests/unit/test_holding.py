"""Holds: what they keep from whom, how they end, and what time does meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.buckets import sort_into_buckets
from loyalty_service.ledger.rules.catch_up import catch_up
from loyalty_service.ledger.rules.entry import Cause, Kind, Reason, Source
from loyalty_service.ledger.rules.holding import hold, release, renew
from loyalty_service.ledger.rules.lots import InsufficientPoints
from loyalty_service.ledger.rules.movements import Opening, credit, debit, take_back
from loyalty_service.ledger.rules.spending import capture, spend

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
LAPSE = NOW + 30 * MINUTE


def cause(reason=Reason.ADJUSTMENT, at=NOW):
    return Cause(reason, Source.OPERATOR, None, 1, 1, at, at)


def account_with(*lots):
    """An account with lots of (points, end in minutes from now or None)."""
    account = Account(7, "points")
    for points, minutes in lots:
        ends = None if minutes is None else NOW + minutes * MINUTE
        credit(account, cause(), [Opening(points, None, NOW - DAY, ends)])
    return account


def until(account, instant):
    return catch_up([account], instant, recorded_at=instant, actor_id=1, version_at=lambda _: 1)


def told(entries):
    return [(entry.kind, entry.points, entry.cause.occurred_at) for entry in entries]


def test_held_points_are_taken_of_the_lots_a_debit_would_draw_from():
    account = account_with((100, None), (100, 60), (100, 50))

    hold(account, (1, 1), 150, NOW, LAPSE)

    assert [(one.lot_seq, one.points) for one in account.holds] == [(3, 100), (2, 50)]
    assert account.available(NOW) == 150


def test_held_points_are_not_there_for_others_to_hold_spend_or_debit():
    account = account_with((100, None))
    hold(account, (1, 1), 70, NOW, LAPSE)

    for takes in (
        lambda: hold(account, (2, 1), 31, NOW, LAPSE),
        lambda: spend(account, cause(), 31, NOW),
        lambda: debit(account, cause(), 31, NOW),
    ):
        with pytest.raises(InsufficientPoints) as refused:
            takes()
        assert refused.value.values == {"asked": 31, "available": 30}


def test_a_hold_counts_up_to_and_not_including_its_lapse():
    account = account_with((100, None))
    hold(account, (1, 1), 70, NOW, LAPSE)

    assert account.available(LAPSE - timedelta(microseconds=1)) == 30
    assert account.available(LAPSE) == 100


def test_a_renewed_hold_lasts_longer():
    account = account_with((100, None))
    hold(account, (1, 1), 70, NOW, LAPSE)
    hold(account, (2, 1), 10, NOW, LAPSE)

    renew(account, 1, LAPSE + 30 * MINUTE)

    assert account.available(LAPSE) == 30
    assert [one.order_no for one in account.renewed] == [1]


def test_what_is_captured_is_exactly_what_was_held_also_of_a_lot_that_ended():
    account = account_with((100, 10), (100, None))
    hold(account, (1, 1), 130, NOW, LAPSE)
    at = NOW + 20 * MINUTE
    until(account, at)

    entry, draws = capture(account, 1, cause(Reason.ORDER_SPENT, at), at)

    assert (entry.kind, entry.points, draws) == (Kind.DEBIT, -130, ((1, 100), (2, 30)))
    assert (account.balance, account.holds) == (70, [])


def test_held_points_do_not_end_with_their_lot_but_when_the_hold_lapses():
    account = account_with((100, 10))
    hold(account, (1, 1), 60, NOW, LAPSE)

    entries = until(account, LAPSE)

    assert told(entries) == [
        (Kind.EXPIRE, -40, NOW + 10 * MINUTE),
        (Kind.EXPIRE, -60, LAPSE),
    ]
    assert (account.balance, account.lots) == (0, {})


def test_points_let_go_after_their_lot_ended_expire_at_once():
    account = account_with((100, 10))
    hold(account, (1, 1), 60, NOW, LAPSE)
    at = NOW + 20 * MINUTE
    until(account, at)

    freed = release(account, 1, at, lambda reason: cause(reason, at))

    assert freed == 60
    assert told([entry for entry, _, _ in account.entries][-1:]) == [(Kind.EXPIRE, -60, at)]


def test_a_lapse_and_an_end_at_one_instant_come_in_this_order():
    account = account_with((100, 30))
    hold(account, (1, 1), 100, NOW, LAPSE)

    assert told(until(account, LAPSE)) == [(Kind.EXPIRE, -100, LAPSE)]


def test_a_return_never_takes_held_points_and_owes_instead():
    account = account_with((100, None))
    hold(account, (1, 1), 80, NOW, LAPSE)

    taken, entry = take_back(account, cause(), 50, NOW, own_lots=[1], expired=0, may_overdraw=True)

    assert (taken.own, taken.deficit, entry.points) == (20, 30, -50)
    assert sort_into_buckets(account.lots.values(), account.deficit, NOW, account.holds).held == 80


@pytest.mark.parametrize("owed", [30, 80, 200])
def test_a_deficit_absorbs_what_a_hold_lets_go(owed):
    account = account_with((100, None))
    hold(account, (1, 1), 100, NOW, LAPSE)
    take_back(account, cause(), owed, NOW, own_lots=[], expired=0, may_overdraw=True)

    entries = until(account, LAPSE)

    settled = min(owed, 100)
    assert told(entries) == [(Kind.SETTLE, 0, LAPSE)]
    assert entries[0].cause.reason is Reason.DEFICIT_SETTLED
    assert account.deficit == owed - settled
    assert account.available(LAPSE) == 100 - settled


def test_a_deficit_absorbs_a_released_hold_before_anybody_uses_it():
    account = account_with((100, None))
    hold(account, (1, 1), 100, NOW, LAPSE)
    take_back(account, cause(), 40, NOW, own_lots=[], expired=0, may_overdraw=True)

    release(account, 1, NOW, cause)

    assert (account.deficit, account.available(NOW)) == (0, 60)


def test_only_usable_points_settle_a_deficit():
    account = account_with((100, 10))
    hold(account, (1, 1), 100, NOW, LAPSE)
    take_back(account, cause(), 40, NOW, own_lots=[], expired=0, may_overdraw=True)

    entries = until(account, LAPSE)

    assert told(entries) == [(Kind.EXPIRE, -100, LAPSE)]
    assert account.deficit == 40


def test_a_lapsed_hold_is_not_released_and_not_captured_again():
    account = account_with((100, None))
    hold(account, (1, 1), 100, NOW, LAPSE)

    assert release(account, 1, LAPSE, cause) == 0
    assert account.held_by(1, LAPSE) == 0


def test_the_buckets_show_when_held_points_end():
    account = account_with((100, 10), (50, 60), (20, None))
    hold(account, (1, 1), 160, NOW, LAPSE)
    later = NOW + 20 * MINUTE

    buckets = sort_into_buckets(account.lots.values(), 0, later, account.holds)

    assert (buckets.active, buckets.held, buckets.due) == (10, 160, 0)
    assert buckets.expiring == ((LAPSE, 100), (NOW + 60 * MINUTE, 50))
    assert buckets.never_expiring == 20


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["hold", "release", "capture", "spend", "wait", "return"]),
        st.integers(1, 3),
        st.integers(1, 120),
    ),
    max_size=25,
)


@given(STEPS)
def test_whatever_is_done_holds_lie_inside_lots_and_the_sums_agree(steps):
    account = account_with((100, 40), (100, 90), (100, None))
    now = NOW
    for what, order, number in steps:
        until(account, now)
        _do(account, what, order, number, now)
        now += number * MINUTE if what == "wait" else MINUTE
        until(account, now)
        held = {}
        for one in account.holds:
            held[one.lot_seq] = held.get(one.lot_seq, 0) + one.points
        assert all(account.lots[lot].remaining >= points for lot, points in held.items())
        buckets = sort_into_buckets(account.lots.values(), account.deficit, now, account.holds)
        parts = buckets.active + buckets.pending + buckets.held + buckets.due
        assert parts - buckets.deficit == account.balance
        assert sum(p for _, p in buckets.expiring) + buckets.never_expiring == (
            buckets.active + buckets.held
        )
        assert not (buckets.deficit and buckets.active)


def _do(account, what, order, number, now):
    is_holding = account.held_by(order, now) > 0 or any(
        one.order_no == order and one.lapses_at > now for one in account.holds
    )
    try:
        if what == "hold" and not is_holding:
            hold(account, (order, 1), number, now, now + 30 * MINUTE)
        elif what == "release":
            release(account, order, now, lambda reason: cause(reason, now))
        elif what == "capture" and is_holding:
            capture(account, order, cause(Reason.ORDER_SPENT, now), now)
        elif what == "spend":
            spend(account, cause(Reason.ORDER_SPENT, now), number, now)
        elif what == "return":
            take_back(
                account, cause(at=now), number, now, own_lots=[], expired=0, may_overdraw=True
            )
    except InsufficientPoints:
        pass
