"""Two calls at once about the same points, in both orders: each comes to what it comes to one
after the other, also when time passes while both wait."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from tests.clients import Client
from tests.factories import Shop
from tests.integration.counter import said
from tests.integration.meetings import MEMBER, held
from tests.integration.till import ENDS, PROGRAM, Till

ENDED, LAPSED = ENDS + 1, 31

# What was called before, minutes that pass while both wait, the calls, what each is answered, and
# the points that are active, held and pending at the end.
MEETINGS = [
    # A hold lapses while its payment waits.
    ((), LAPSED, ("pay", "reserve more"), (200, "insufficient_points"), (300, 0, 193)),
    ((), LAPSED, ("reserve more", "pay"), (200, "reservation_lapsed"), (200, 700, 99)),
    ((), LAPSED, ("pay", "review"), (200, 200), (320, 0, 193)),
    ((), LAPSED, ("review", "pay"), (200, 200), (320, 0, 193)),
    ((), LAPSED, ("pay", "renew"), (200, "order_paid"), (300, 0, 193)),
    ((), LAPSED, ("renew", "pay"), (200, 200), (300, 0, 193)),
    # Payment against cancellation and release.
    ((), 0, ("pay", "cancel"), (200, 200), (1200, 0, 99)),
    ((), 0, ("cancel", "pay"), (200, 200), (600, 0, 193)),
    ((), LAPSED, ("pay", "cancel"), (200, 200), (900, 0, 99)),
    ((), LAPSED, ("cancel", "pay"), (200, 200), (300, 0, 193)),
    ((), 0, ("pay", "release"), (200, "order_paid"), (600, 0, 193)),
    ((), 0, ("release", "pay"), (200, 200), (600, 0, 193)),
    ((), 0, ("cancel", "release"), (200, "order_cancelled"), (1200, 0, 99)),
    ((), 0, ("release", "cancel"), (200, 200), (1200, 0, 99)),
    ((), LAPSED, ("cancel", "review"), (200, 200), (920, 0, 99)),
    ((), LAPSED, ("review", "cancel"), (200, 200), (920, 0, 99)),
    # Returns of one order.
    ((), 0, ("return one", "return two"), (200, 200), (675, 600, 25)),
    ((), 0, ("return two", "return one"), (200, 200), (675, 600, 25)),
    ((), 0, ("return three", "return two"), (200, "more_than_left"), (675, 600, 25)),
    ((), 0, ("return two", "return three"), (200, "more_than_left"), (650, 600, 50)),
    ((), 0, ("return one", "return one"), (200, 200), (625, 600, 75)),
    # Points end while a reservation of them waits, or is paid, or let go.
    ((), ENDED, ("reserve a", "review"), ("insufficient_points", 200), (320, 600, 99)),
    ((), ENDED, ("review", "reserve a"), (200, "insufficient_points"), (320, 600, 99)),
    (("reserve a",), ENDED, ("pay a", "review"), (200, 200), (120, 600, 194)),
    (("reserve a",), ENDED, ("review", "pay a"), (200, 200), (120, 600, 194)),
    (("reserve a",), ENDED, ("release a", "review"), (200, 200), (320, 600, 99)),
    (("reserve a",), ENDED, ("review", "release a"), (200, 200), (320, 600, 99)),
    (("reserve a",), LAPSED, ("review", "pay a"), (200, 200), (420, 0, 194)),
    (
        ("reserve a",),
        LAPSED,
        ("reserve more", "pay a"),
        (200, "reservation_lapsed"),
        (200, 700, 99),
    ),
    # Two want the same points.
    ((), 0, ("reserve a", "reserve b"), (200, "insufficient_points"), (100, 1100, 99)),
    ((), 0, ("reserve b", "reserve a"), (200, "insufficient_points"), (100, 1100, 99)),
    ((), 0, ("reserve a", "reserve a"), (200, 200), (100, 1100, 99)),
    ((), 0, ("reserve a", "spend"), (200, "insufficient_points"), (100, 1100, 99)),
    ((), 0, ("spend", "reserve a"), (200, "insufficient_points"), (100, 600, 194)),
    ((), 0, ("reserve a", "send"), (200, "insufficient_points"), (100, 1100, 99)),
    ((), 0, ("send", "reserve a"), (200, "insufficient_points"), (100, 600, 99)),
    ((), 0, ("send", "spend"), (200, "insufficient_points"), (100, 600, 99)),
    ((), 0, ("reserve b", "release"), (200, 200), (700, 500, 99)),
    ((), 0, ("reserve more", "release"), ("insufficient_points", 200), (1200, 0, 99)),
    ((), 0, ("release", "reserve more"), (200, 200), (500, 700, 99)),
]


@pytest.fixture
def till(db: Database, clock: SettableClock, tmp_path: Path) -> Iterator[Till]:
    Shop(db, PROGRAM)
    till = Till(Client(db, clock, tmp_path), db)
    for member in ("m-1", "m-2"):
        till.open_account(member)
    yield till
    till.balance()


@pytest.mark.parametrize(("before", "minutes", "calls", "answers", "left"), MEETINGS)
def test_calls_about_the_same_points_come_to_what_one_after_the_other_does(
    till, db, clock, before, minutes, calls, answers, left
):
    for member in ("m-1", "m-2"):
        assert [till.call(name, member).status_code for name in before] == [200] * len(before)

    with held(db, MEMBER, ["m-1"]) as gate:
        for name in calls:
            gate.let_in(lambda name=name: till.call(name, "m-1"))
        clock.advance(timedelta(minutes=minutes))
        met = gate.open()
    alone = [till.call(name, "m-2") for name in calls]

    assert tuple(said(answer) for answer in met) == answers
    assert [a.text.replace("m-1", "m-2") for a in met] == [a.text for a in alone]
    assert till.books_of("m-1") == till.books_of("m-2")
    assert till.worth("m-1") == (*left, 0)


@pytest.mark.parametrize("name", ["pay", "cancel", "release", "reserve a", "spend", "send"])
def test_copies_of_a_call_about_points_have_one_effect_and_the_same_bytes(till, db, name):
    with held(db, MEMBER, ["m-1"]) as gate:
        for _ in range(3):
            gate.let_in(lambda: till.call(name, key="k"))
        answers = gate.open()
    alone = till.call(name, "m-2")

    assert {(a.status_code, a.data) for a in answers} == {(200, answers[0].data)}
    assert answers[0].text.replace("m-1", "m-2") == alone.text
    assert till.points_of("m-1") == till.points_of("m-2")
    assert till.points_of("m-1-f") == till.points_of("m-2-f")
