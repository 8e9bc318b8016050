"""What an operation counts for members."""

from datetime import date

from loyalty_service.members.rules import Totals

DAY = date(2026, 3, 2)


def test_what_is_counted_is_there_at_once_to_be_written_and_not_settled_yet():
    totals = Totals(amounts={1: {("spend", DAY): 100}})

    totals.add(1, {("spend", DAY): 20, ("orders", DAY): 1})
    totals.add(1, {("spend", DAY): -5})

    assert totals.amounts == {1: {("spend", DAY): 115, ("orders", DAY): 1}}
    assert totals.added == totals.unsettled == {1: {("spend", DAY): 15, ("orders", DAY): 1}}
    assert totals.settle(1) == {("spend", DAY): 15, ("orders", DAY): 1}
    assert totals.settle(1) == {}


def test_nothing_counted_leaves_nothing_to_be_written():
    totals = Totals()

    totals.add(1, {})

    assert totals == Totals()
