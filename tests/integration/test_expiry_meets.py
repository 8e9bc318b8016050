"""The nightly run and a checkout of the same points at once, in both orders: what is held wins
against the end of its lot, and once the hold has lapsed the points end (R-32, R-55)."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from loyalty_service.jobs.service import CatchUp
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.errors import Refusal
from loyalty_service.timekeeping.service import Timekeeping
from tests.factories import Shop, line
from tests.integration.meetings import MEMBER, held
from tests.job_world import PROGRAM, assert_proved

POINTS = 100
ENDS, LAPSES = timedelta(minutes=10), timedelta(minutes=30)
MINUTE = timedelta(minutes=1)

_BOOKS = {
    "entry": "seq, kind, points, reason, occurred_at, recorded_at, balance_after",
    "lot": "lot_seq, remaining, expires_at",
    "hold": "order_no, hold_no, lot_seq, points, held_at, lapses_at, ended_at",
    "order_head": "order_no, state, lapses_at, paid_minor",
    "event": "seq, kind, occurred_at",
}

# When the run is called, how long both wait after it, who comes first, what the checkout is
# answered, and the points that are active and held at the end.
MEETINGS = [
    # The lot has ended, the hold stands.
    (ENDS + MINUTE, MINUTE, ("job", "renew"), None, (0, POINTS)),
    (ENDS + MINUTE, MINUTE, ("renew", "job"), None, (0, POINTS)),
    (ENDS + MINUTE, MINUTE, ("job", "pay"), None, (0, 0)),
    (ENDS + MINUTE, MINUTE, ("pay", "job"), None, (0, 0)),
    (ENDS + MINUTE, MINUTE, ("job", "another"), "insufficient_points", (0, POINTS)),
    (ENDS + MINUTE, MINUTE, ("another", "job"), "insufficient_points", (0, POINTS)),
    (ENDS + MINUTE, MINUTE, ("job", "release"), None, (0, 0)),
    (ENDS + MINUTE, MINUTE, ("release", "job"), None, (0, 0)),
    # The hold lapses at that very instant, or while both wait.
    (LAPSES, 0 * MINUTE, ("job", "pay"), "reservation_lapsed", (0, 0)),
    (LAPSES, 0 * MINUTE, ("pay", "job"), "reservation_lapsed", (0, 0)),
    (LAPSES - MINUTE, 2 * MINUTE, ("job", "pay"), "reservation_lapsed", (0, 0)),
    (LAPSES - MINUTE, 2 * MINUTE, ("pay", "job"), "reservation_lapsed", (0, 0)),
    (LAPSES - MINUTE, 2 * MINUTE, ("job", "renew"), "insufficient_points", (0, 0)),
    (LAPSES - MINUTE, 2 * MINUTE, ("renew", "job"), "insufficient_points", (0, 0)),
]


class Meeting:
    """Members who hold the only lot they have, and what may be done to each of them."""

    def __init__(self, shop: Shop, clock: SettableClock, refs: Sequence[str]) -> None:
        self.shop, self.clock = shop, clock
        self.ids = {}
        for ref in refs:
            self.ids[ref] = self.shop.enrol(ref).member_id
            self.shop.adjust(POINTS, member=ref, expires_at=clock.now() + ENDS)
            self.reserve(ref, f"{ref}-o")

    def reserve(self, ref: str, order: str) -> None:
        self.shop.reserve(order, line(100_000), member=ref, points=POINTS)

    def call(self, name: str, ref: str) -> Callable[[], Any]:
        """A call as it is made now: the run is told the instant at which it is called."""
        at = self.clock.now()
        return {
            "job": lambda: self.run_for(ref, at),
            "renew": lambda: self.reserve(ref, f"{ref}-o"),
            "another": lambda: self.reserve(ref, f"{ref}-p"),
            "pay": lambda: self.shop.pay_reserved(f"{ref}-o", member=ref),
            "release": lambda: self.shop.release(f"{ref}-o", member=ref),
        }[name]

    def run_for(self, ref: str, at: Any) -> None:
        step = CatchUp(self.shop.programs, Timekeeping(), at)
        self.shop.db.run(lambda tx: step(tx, self.ids[ref] - 1, 1, lambda _to: None))

    def worth(self, ref: str) -> tuple[int, int, int]:
        found = self.shop.balance(member=ref)
        return found.active, found.held, found.due

    def books(self, ref: str) -> dict[str, Any]:
        return {
            table: self.shop.db.fetch(
                f"SELECT {names} FROM {table} WHERE member_id = %s ORDER BY {names}",
                (self.ids[ref],),
            )
            for table, names in _BOOKS.items()
        }


def answer(call: Callable[[], Any]) -> str | None:
    """The code of a refusal; None where there is none."""
    try:
        call()
    except Refusal as refusal:
        return refusal.code
    return None


def test_a_hold_wins_against_the_end_of_its_lot_and_after_its_lapse_the_points_end(db, clock):
    shop = Shop(db, PROGRAM)
    for number, (called, waited, order, said, left) in enumerate(MEETINGS):
        here, there = f"a-{number}", f"b-{number}"
        meeting = Meeting(shop, clock, (here, there))
        clock.advance(called)
        one_by_one = [meeting.call(name, there) for name in order]

        with held(db, MEMBER, [here]) as gate:
            for name in order:
                call = meeting.call(name, here)
                gate.let_in(lambda call=call: answer(call))
            clock.advance(waited)
            met = gate.open()
        alone = [answer(call) for call in one_by_one]

        assert met == alone
        assert met == [None if name == "job" else said for name in order]
        assert meeting.books(here) == meeting.books(there)
        assert meeting.worth(here)[:2] == left
        clock.advance(timedelta(days=1))
        meeting.run_for(here, clock.now())
        assert meeting.worth(here) == (0, 0, 0)
    assert_proved(db)
