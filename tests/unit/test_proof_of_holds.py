"""What the proof says of held points, without a database that refuses half of it."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.catch_up import catch_up
from loyalty_service.ledger.rules.entry import Cause, Reason, Source
from loyalty_service.ledger.rules.holding import hold, release
from loyalty_service.ledger.rules.movements import Opening, credit, debit
from loyalty_service.ledger.rules.proof import prove_account
from loyalty_service.ledger.rules.spending import capture
from tests.unit.ledger_rows import stored

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def cause(at=NOW, reason=Reason.ADJUSTMENT):
    return Cause(reason, Source.OPERATOR, None, 1, 1, at, at)


def account_with(*lots):
    """An account with lots of (points, end in minutes from now or None), given a minute ago."""
    account = Account(7, "points")
    for points, minutes in lots:
        ends = None if minutes is None else NOW + minutes * MINUTE
        opening = Opening(points, None, NOW - MINUTE, ends)
        credit(account, cause(NOW - MINUTE), [opening])
    return account


def held(*lots, points=150, at=NOW):
    account = account_with(*lots)
    hold(account, (1, 1), points, at, NOW + 30 * MINUTE)
    return account


def fault_of(ledger, at=NOW + MINUTE):
    return prove_account(ledger, at).fault


def named(fault):
    return fault.table, fault.key.get("lot_seq"), fault.column


def changed(ledger, number, **values):
    """The ledger with one of its holds changed."""
    ledger.holds = [
        row._replace(**values) if row.lot_seq == number else row for row in ledger.holds
    ]
    return ledger


TWO = ((100, 90), (100, 95), (100, 99))


@pytest.mark.parametrize(
    ("lot_seq", "values", "expected"),
    [
        (1, {"lot_seq": 3}, ("hold", 1, "row")),
        (2, {"lot_seq": 3}, ("hold", 2, "row")),
        (2, {"lot_seq": 9}, ("hold", 9, "row")),
        (1, {"points": 90}, ("hold", 1, "points")),
        (1, {"points": 101}, ("hold", 1, "points")),
        (2, {"points": 0}, ("hold", 2, "points")),
        (2, {"points": -5}, ("hold", 2, "points")),
        (2, {"lapses_at": NOW}, ("hold", 2, "lapses_at")),
        (2, {"ended_at": NOW - MINUTE}, ("hold", 2, "ended_at")),
        (2, {"ended_at": NOW + 31 * MINUTE}, ("hold", 2, "ended_at")),
    ],
)
def test_a_hold_that_was_changed_is_named(lot_seq, values, expected):
    ledger = stored(held(*TWO))
    assert fault_of(ledger) is None

    fault = fault_of(changed(ledger, lot_seq, **values))

    assert fault is not None
    assert named(fault) == expected


def test_points_that_others_hold_cannot_have_been_held():
    account = held(*TWO)
    hold(account, (2, 1), 100, NOW + MINUTE, NOW + 31 * MINUTE)
    ledger = stored(account)
    assert fault_of(ledger) is None
    assert [row.lot_seq for row in ledger.holds if row.order_no == 2] == [2, 3]

    ledger.holds = [r._replace(lot_seq=1) if r[2:5] == (2, 1, 2) else r for r in ledger.holds]

    assert named(fault_of(ledger)) == ("hold", 1, "row")


def test_a_hold_is_followed_among_all_that_happened_before_and_after():
    account = held((100, 90), (100, 80), (100, None), points=50)
    debit(account, cause(NOW + MINUTE), 40, NOW + MINUTE)
    hold(account, (2, 1), 120, NOW + 2 * MINUTE, NOW + 40 * MINUTE)
    release(account, 1, NOW + 3 * MINUTE, lambda reason: cause(NOW + 3 * MINUTE, reason))
    hold(account, (3, 1), 60, NOW + 4 * MINUTE, NOW + 34 * MINUTE)
    capture(account, 2, cause(NOW + 5 * MINUTE), NOW + 5 * MINUTE)
    catch_up([account], NOW + 50 * MINUTE, recorded_at=NOW + 50 * MINUTE, actor_id=1,
             version_at=lambda _: 1)  # fmt: skip
    credit(account, cause(NOW + 51 * MINUTE), [Opening(10, None, NOW, None)])

    assert fault_of(stored(account), NOW + 52 * MINUTE) is None


@pytest.mark.parametrize("order", list(permutations(["hold", "debit", "credit"])))
def test_what_was_recorded_in_the_same_microsecond_is_believed_in_any_order(order):
    account = account_with(*TWO)
    sooner = Opening(70, None, NOW - MINUTE, NOW + 85 * MINUTE)
    steps = {
        "hold": lambda: hold(account, (1, 1), 50, NOW, NOW + 30 * MINUTE),
        "debit": lambda: debit(account, cause(), 100, NOW),
        "credit": lambda: credit(account, cause(), [sooner]),
    }
    for name in order:
        steps[name]()

    assert fault_of(stored(account)) is None


@pytest.mark.parametrize("number", [1, 2])
def test_holds_made_in_the_same_microsecond_are_believed_in_any_order(number):
    account = account_with(*TWO)
    for order_no in (number, 3 - number):
        hold(account, (order_no, 1), 100, NOW, NOW + 30 * MINUTE)

    assert fault_of(stored(account)) is None


def test_what_was_let_go_in_the_same_microsecond_may_be_held_again():
    account = held(*TWO, points=150, at=NOW - MINUTE)
    release(account, 1, NOW, lambda reason: cause(NOW, reason))
    hold(account, (1, 2), 180, NOW, NOW + 30 * MINUTE)

    assert fault_of(stored(account)) is None


def test_a_deficit_beside_points_that_nobody_holds_is_named():
    account = held((100, None), points=100)
    debit(account, cause(), 30, NOW, allow_negative=True)
    ledger = stored(account)
    assert fault_of(ledger) is None

    fault = fault_of(changed(ledger, 1, ended_at=NOW + MINUTE))

    assert (fault.table, fault.column, fault.expected) == ("account", "deficit", 0)


def test_a_hold_whose_end_was_forgotten_lies_outside_its_lot():
    account = held(*TWO, points=100)
    capture(account, 1, cause(), NOW)
    ledger = stored(account)
    assert fault_of(ledger) is None

    fault = fault_of(changed(ledger, 1, ended_at=None))

    assert (named(fault), fault.expected) == (("hold", 1, "points"), "0 or less")
