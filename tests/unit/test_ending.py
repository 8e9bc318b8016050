"""The common end of an account: who follows it, who joins it, and who stays ended."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.catch_up import catch_up
from loyalty_service.ledger.rules.ending import (
    Extension,
    end_through,
    follow,
    joined,
    slide,
    turn,
)
from loyalty_service.ledger.rules.entry import Cause, Kind, Reason, Source
from loyalty_service.ledger.rules.holding import hold
from loyalty_service.ledger.rules.lots import ALWAYS, COMMON, STANDING, draw_from_lots
from loyalty_service.ledger.rules.movements import Opening, credit, debit
from loyalty_service.ledger.rules.proof import prove_account
from loyalty_service.ledger.rules.stored import StoredLedger
from loyalty_service.program.rules.document import read_document
from loyalty_service.program.rules.periods import expires_at
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.spans import Period, Unit
from loyalty_service.program.rules.turns import Turn, list_turned
from loyalty_service.program.rules.wallets import Sliding
from tests.unit.ledger_rows import stored
from tests.unit.program_documents import changed

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def program(expiry: str, wallet: str = "growth", zone: str = "Asia/Shanghai") -> Program:
    """A program whose wallet ends so."""
    text = changed(("expiry: never", f"expiry: {expiry}")).replace("Asia/Shanghai", zone)
    read = read_document(text).program
    assert read is not None
    assert read.find_wallet(wallet) is not None
    return read


def act(days: float, reason: Reason = Reason.ORDER_PAID, order_no: int | None = 1) -> Cause:
    at = NOW + days * DAY
    return Cause(reason, Source.ORDER, order_no, 1, 2, at, at)


def moving(days: float) -> Cause:
    return act(days, Reason.ACTIVITY)


def turning(days: float, version: int = 2) -> Cause:
    at = NOW + days * DAY
    return Cause(Reason.EXPIRY_CHANGED, Source.JOB, None, version, 1, at, at)


def after(days: float) -> Callable[[datetime], datetime]:
    return lambda begin: begin + days * DAY


def ends(account: Account) -> dict[int, float | None]:
    """Lot number -> days from the beginning to its end."""
    return {
        lot_seq: None if lot.expires_at is None else (lot.expires_at - NOW) / DAY
        for lot_seq, lot in sorted(account.lots.items())
    }


def sound(account: Account) -> StoredLedger:
    ledger = stored(account)
    assert prove_account(ledger, NOW + 1_000 * DAY).fault is None
    return ledger


def opened(*lots: tuple[float, float | None, float | None]) -> Account:
    """An account with lots of 10 points: when it was given, begins and ends, in days."""
    account = Account(7, "points")
    for given_on, begins, end in lots:
        ends_at = None if end is None else NOW + end * DAY
        begin = None if begins is None else NOW + begins * DAY
        credit(account, act(given_on), [Opening(10, 1, begin, ends_at)])
    return account


def test_lots_without_an_end_follow_and_those_that_end_before_join() -> None:
    account = opened((0, 0, None), (0, 0, 5), (0, 0, 50), (0, None, None), (0, 3, None))

    slide(account, moving(1), NOW + 30 * DAY)

    assert ends(account) == {1: 30, 2: 30, 3: 50, 4: None, 5: 30}
    (moved, _, _) = account.entries[-1]
    assert (moved.kind, moved.points) == (Kind.RESCHEDULE, 0)
    assert [(a.lot_seq, a.active_at, a.expires_at) for a in moved.allocations] == [
        (COMMON, None, NOW + 30 * DAY),
        (2, NOW, None),
    ]
    assert [lot.expires_at for lot in sound(account).lots] == [
        None,
        None,
        NOW + 50 * DAY,
        *[None] * 2,
    ]


def test_a_move_writes_one_row_however_many_lots_follow() -> None:
    account = opened(*[(0, 0, None)] * 300)
    account.moved.clear()

    slide(account, moving(1), NOW + 30 * DAY)
    (entry,) = slide(account, moving(2), NOW + 31 * DAY)

    assert len(entry.allocations) == 1
    assert account.moved == set()
    assert set(ends(account).values()) == {31}


@pytest.mark.parametrize("days", [30, 29])
def test_an_end_that_is_not_later_is_not_written(days: int) -> None:
    account = opened((0, 0, None))
    slide(account, moving(1), NOW + 30 * DAY)

    assert slide(account, moving(2), NOW + days * DAY) == []
    assert ends(account) == {1: 30}


def test_an_activity_of_the_same_day_lets_join_what_came_since() -> None:
    account = opened((0, 0, None))
    slide(account, moving(1), NOW + 30 * DAY)
    credit(account, act(1), [Opening(10, 1, NOW + DAY, NOW + 9 * DAY)])

    slide(account, moving(1), NOW + 30 * DAY)

    assert ends(account) == {1: 30, 2: 30}
    sound(account)


def test_an_end_that_has_passed_when_it_is_told_moves_nothing() -> None:
    account = opened((0, 0, 3))

    assert slide(account, moving(2), NOW + 2 * DAY) == []
    assert (account.ends_at, ends(account)) == (None, {1: 3})


def test_what_is_held_of_ended_lots_gets_their_end_for_its_own() -> None:
    account = opened((0, 0, None), (0, 0, None))
    slide(account, moving(0), NOW + 10 * DAY)
    hold(account, (9, 1), 14, NOW + 9.9 * DAY, NOW + 10.1 * DAY)
    catch_up([account], NOW + 10 * DAY, recorded_at=NOW + 10 * DAY, actor_id=1, version_at=first)
    credit(account, act(10.05), [Opening(5, 1, NOW + 10.05 * DAY, NOW + 40 * DAY)])

    fixed, moved = slide(account, moving(10.05), NOW + 40 * DAY)

    assert [(a.lot_seq, a.expires_at) for a in fixed.allocations] == [
        (1, NOW + 10 * DAY),
        (2, NOW + 10 * DAY),
    ]
    assert [a.lot_seq for a in moved.allocations] == [COMMON, 3]
    assert ends(account) == {1: 10, 2: 10, 3: 40}
    sound(account)
    catch_up([account], NOW + 11 * DAY, recorded_at=NOW + 11 * DAY, actor_id=1, version_at=first)
    assert ends(account) == {3: 40}
    sound(account)


def first(_instant: datetime) -> int:
    return 1


def test_the_standing_lot_follows_like_any_other() -> None:
    account = Account(7, "growth")
    credit(account, act(0), [Opening(10, standing=True)])

    turn(account, turning(1), after(20))
    credit(account, act(2), [Opening(5, standing=True)])

    assert ends(account) == {STANDING: 21}
    sound(account)
    catch_up([account], NOW + 30 * DAY, recorded_at=NOW + 30 * DAY, actor_id=1, version_at=first)
    assert (account.lots, account.balance) == ({}, 0)
    credit(account, act(31), [Opening(5, standing=True)])
    sound(account)


def test_where_expiry_is_turned_off_what_had_an_end_keeps_it() -> None:
    account = Account(7, "growth")
    credit(account, act(0), [Opening(10, standing=True)])
    turn(account, turning(1), after(20))
    credit(account, act(2), [Opening(5, 1, NOW + 2 * DAY)])

    turn(account, turning(3, 3), lambda _: None)
    credit(account, act(4), [Opening(3, 1, standing=True)])

    assert account.ends_at is None
    assert ends(account) == {STANDING: 21, 1: 21, 2: None}
    assert account.lots[2].active_at == ALWAYS
    sound(account)


def test_where_nothing_ends_with_the_account_turning_off_has_nothing_to_say() -> None:
    account = opened((0, 0, None), (0, 0, 5))

    assert turn(account, turning(1), lambda _: None) == []
    assert ends(account) == {1: None, 2: 5}


def test_a_lot_that_begins_later_gets_a_period_from_its_beginning() -> None:
    account = opened((0, 40, None), (0, 5, None), (0, 5, 15), (0, 5, 90))

    turn(account, turning(1), after(20))

    assert ends(account) == {1: 60, 2: 25, 3: 25, 4: 90}
    sound(account)


def test_a_turn_takes_nothing_of_an_end_that_lies_later() -> None:
    account = opened((0, 0, None))
    slide(account, moving(1), NOW + 90 * DAY)

    turn(account, turning(2), after(20))

    assert ends(account) == {1: 90}
    sound(account)


def test_every_turn_of_its_wallet_is_followed_and_no_other() -> None:
    account, empty = opened((0, 0, None)), Account(7, "points")
    on, off = program("{after: {days: 20}}"), program("never")
    turns = [
        Turn(version, NOW + days * DAY, wallet, ends_as(each))
        for version, days, wallet, each in (
            (2, 1, "points", on),
            (3, 1, "points", off),
            (4, 2, "growth", on),
            (5, 3, "points", on),
        )
    ]

    entries = follow(account, turns)

    assert [(entry.cause.program_version, entry.cause.occurred_at) for entry in entries] == [
        (2, NOW + DAY),
        (3, NOW + DAY),
        (3, NOW + DAY),
        (5, NOW + 3 * DAY),
    ]
    assert account.ends_at == datetime(2026, 3, 25, 16, tzinfo=UTC)
    sound(account)
    assert follow(empty, turns) == []


def ends_as(each: Program) -> Program:
    """The program with the end of ``growth`` for all of its wallets."""
    expiry = each.wallets[1].expiry
    return replace(each, wallets=tuple(replace(w, expiry=expiry) for w in each.wallets))


def test_only_turning_on_off_or_to_sliding_is_a_turn() -> None:
    documents = [
        "never",
        "{after: {months: 1}}",
        "{after: {months: 2}}",
        "{sliding: {months: 2}}",
        "{sliding: {months: 3}}",
        "{fixed: ['06-30']}",
        "{sliding: {months: 3}}",
        "never",
        "never",
    ]
    programs = [program(expiry) for expiry in documents]
    fewer = replace(programs[0], wallets=programs[0].wallets[:1])

    turned = [list_turned(*pair) for pair in pairwise([*programs, fewer, programs[1]])]

    on = ["growth"]
    assert turned == [on, [], on, [], [], on, on, [], [], []]


@pytest.mark.parametrize(
    ("own", "common", "moves", "end"),
    [
        (None, None, [], None),
        (None, None, [(1, 9)], 9),
        (None, 5, [(1, 9)], 9),
        (None, 5, [(5, 9)], 5),
        (None, 5, [(1, 7), (7, 12)], 7),
        (6, 5, [(1, 9)], 9),
        (60, 5, [(1, 9)], 60),
        (6, 5, [(6, 9)], 6),
        (None, 5, [(1, None), (2, 9)], 9),
        (None, 15, [(1, None), (2, 9)], 15),
    ],
)
def test_a_closed_lot_ends_where_it_would_have_ended(
    own: int | None, common: int | None, moves: list[tuple[int, int | None]], end: int | None
) -> None:
    def on(days: int | None) -> datetime | None:
        return None if days is None else NOW + days * DAY

    extensions = [Extension(NOW + at * DAY, on(to)) for at, to in moves]

    assert end_through(on(own), on(common), extensions) == on(end)


CORRUPT = [
    ("ends_at", NOW + 99 * DAY),
    ("ends_at", None),
]


@pytest.mark.parametrize(("column", "value"), CORRUPT)
def test_a_changed_end_of_an_account_is_named(column: str, value: object) -> None:
    account = opened((0, 0, None), (0, 0, 5))
    slide(account, moving(1), NOW + 30 * DAY)
    ledger = sound(account)
    assert ledger.account is not None

    ledger.account = ledger.account._replace(**{column: value})

    fault = prove_account(ledger, NOW).fault
    assert fault is not None
    assert (fault.table, fault.column) == ("account", column)


def test_an_end_of_a_lots_own_is_told_from_the_common_one() -> None:
    account = opened((0, 0, None))
    slide(account, moving(1), NOW + 30 * DAY)
    ledger = sound(account)

    ledger.lots[0] = ledger.lots[0]._replace(expires_at=NOW + 30 * DAY)

    fault = prove_account(ledger, NOW).fault
    assert fault is not None
    assert (fault.table, fault.column, fault.expected) == ("lot", "expires_at", None)


def written_wrong(account: Account, *allocations: object, days: float = 12) -> tuple[str, str]:
    """What the proof says of an entry that no rule would have written."""
    account.append(Kind.RESCHEDULE, 0, moving(days), allocations)  # type: ignore[arg-type]
    fault = prove_account(stored(account), NOW).fault
    assert fault is not None
    return fault.table, fault.column


def test_a_move_that_no_rule_would_have_made_is_found() -> None:
    def common(days: float, points: int = 0) -> object:
        slid = opened((0, 0, None))
        (entry,) = slide(slid, moving(0), NOW + days * DAY)
        return replace_points(entry.allocations[0], points)

    def ready() -> Account:
        account = opened((0, 0, None), (0, 0, 20))
        slide(account, moving(0), NOW + 10 * DAY)
        return account

    # It revives what has ended, leaves out what ends before, goes back, lies in the past.
    assert written_wrong(ready(), common(15)) == ("allocation", "row")
    assert written_wrong(ready(), common(25), days=5) == ("allocation", "row")
    assert written_wrong(ready(), common(9), days=5) == ("allocation", "expires_at")
    assert written_wrong(ready(), common(11)) == ("allocation", "expires_at")
    assert written_wrong(ready(), common(15, 1), days=5) == ("allocation", "points")


def replace_points(allocation: object, points: int) -> object:
    return replace(allocation, points=points)  # type: ignore[type-var]


@dataclass
class Plain:
    """A lot as a child would keep it."""

    begins: datetime
    ends: datetime
    points: int
    is_own: bool = False


ZONES = ["Asia/Shanghai", "America/New_York", "Europe/Berlin", "America/Sao_Paulo"]
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["earn", "earn", "wait", "spend", "given", "look"]),
        st.integers(0, 70 * 24),
        st.integers(1, 30),
    ),
    min_size=1,
    max_size=14,
)


class Played:
    """An account of a sliding wallet beside the same lots kept by a child."""

    def __init__(self, zone: str, months: int) -> None:
        self.zone = ZoneInfo(zone)
        self.terms = replace(program("never"), zone=self.zone)
        self.expiry = Sliding(Period(months, Unit.MONTHS))
        self.account = Account(7, "points")
        self.lots: dict[int, Plain] = {}

    def end_from(self, moment: datetime) -> datetime:
        found = expires_at(self.expiry, moment, self.terms)
        assert found is not None
        # Through the end of a day of the zone, whatever its clocks do meanwhile.
        before = (found - timedelta(microseconds=1)).astimezone(self.zone)
        assert (before.hour, before.minute) in ((23, 59), (22, 59))
        return found

    def slide(self, cause: Cause, end: datetime) -> None:
        slide(self.account, replace(cause, reason=Reason.ACTIVITY), end)
        others = [lot.ends for lot in self.lots.values() if not lot.is_own]
        together = max([end, *others])
        for lot in self.lots.values():
            if lot.ends <= together:
                lot.ends, lot.is_own = together, False

    def earn(self, cause: Cause, points: int, wait: timedelta) -> None:
        at = cause.occurred_at
        ends = [self.end_from(at), self.end_from(at + wait)]
        others = [lot.ends for lot in self.lots.values() if not lot.is_own]
        together = max(ends + others)
        self.slide(cause, max(ends))
        end = joined(self.account.ends_at, ends[1], at)
        credit(self.account, cause, [Opening(points, 1, at + wait, end)])
        self.lots[self.account.lot_seq] = Plain(at + wait, together, points)

    def give(self, cause: Cause, points: int, end: datetime) -> None:
        credit(self.account, cause, [Opening(points, 1, cause.occurred_at, end)])
        self.lots[self.account.lot_seq] = Plain(cause.occurred_at, end, points, is_own=True)

    def spend(self, cause: Cause, points: int) -> None:
        at = cause.occurred_at
        points = min(points, self.account.available(at))
        if not points:
            return
        for draw in draw_from_lots(self.account.lots.values(), points, at):
            self.lots[draw.lot_seq].points -= draw.points
        debit(self.account, cause, points, at)
        self.lots = {seq: lot for seq, lot in self.lots.items() if lot.points}
        self.slide(cause, self.end_from(at))

    def act(self, kind: str, at: datetime, number: int) -> None:
        cause = Cause(Reason.ORDER_PAID, Source.ORDER, 1, 1, 2, at, at)
        catch_up([self.account], at, recorded_at=at, actor_id=1, version_at=first)
        self.lots = {seq: lot for seq, lot in self.lots.items() if lot.ends > at}
        if kind == "earn":
            self.earn(cause, number, timedelta())
        elif kind == "wait":
            self.earn(cause, number, number * DAY)
        elif kind == "given":
            self.give(cause, number, at + number * DAY)
        elif kind == "spend":
            self.spend(cause, number)

    def check(self, at: datetime) -> None:
        plain = {seq: (lot.begins, lot.ends, lot.points) for seq, lot in self.lots.items()}
        lots = self.account.lots.values()
        assert {lot.lot_seq: (lot.active_at, lot.expires_at, lot.remaining) for lot in lots} == (
            plain
        )
        ledger = stored(self.account)
        assert prove_account(ledger, at).fault is None
        for row in ledger.lots:
            read = self.account.end_of(row.active_at, row.expires_at)
            assert read == self.lots[row.lot_seq].ends


@given(st.sampled_from(ZONES), st.integers(1, 3), ACTS, st.integers(0, 700))
def test_all_points_end_together_a_period_after_the_last_activity(
    zone: str, months: int, acts: list[tuple[str, int, int]], begin: int
) -> None:
    played, at = Played(zone, months), NOW + begin * DAY

    for kind, hours, number in acts:
        at += timedelta(hours=hours)
        played.act(kind, at, number)
        played.check(at)


@pytest.mark.parametrize(
    ("zone", "moment", "end"),
    [
        # The 31st becomes the last day of a shorter month; clocks change on the way.
        ("Europe/Berlin", "2026-01-31T12:00:00+01:00", "2026-03-01T00:00:00+01:00"),
        ("Europe/Berlin", "2026-03-10T23:59:59+01:00", "2026-04-11T00:00:00+02:00"),
        ("America/New_York", "2026-10-20T00:00:00-04:00", "2026-11-21T00:00:00-05:00"),
        # Where clocks skip midnight a day starts at its first instant.
        ("America/Santiago", "2026-08-05T12:00:00-04:00", "2026-09-06T01:00:00-03:00"),
        ("Asia/Shanghai", "2027-12-29T12:00:00+08:00", "2028-01-30T00:00:00+08:00"),
    ],
)
def test_the_end_is_a_period_after_the_activity_in_the_programs_zone(
    zone: str, moment: str, end: str
) -> None:
    expiry = Sliding(Period(1, Unit.MONTHS))
    terms = replace(program("never"), zone=ZoneInfo(zone))

    found = expires_at(expiry, datetime.fromisoformat(moment), terms)

    assert found == datetime.fromisoformat(end)


def test_a_rule_has_no_end_of_its_own_where_all_points_end_together() -> None:
    slides = ("{after: {months: 12}, round_to: month}", "{sliding: {months: 12}}")
    rule = "      wallet: points\n"
    own = changed(slides, (rule, rule + "      expiry: never\n"))
    in_rule = changed((rule, rule + "      expiry: {sliding: {months: 1}}\n"))

    assert read_document(changed(slides)).faults == ()
    assert [(f.path, f.message) for f in read_document(own).faults] == [
        ("earning.rules[0].expiry", "an expiry of its own in a sliding wallet")
    ]
    assert [(f.path, f.message) for f in read_document(in_rule).faults] == [
        ("earning.rules[0].expiry", "sliding outside a wallet")
    ]


def test_a_gift_has_no_end_of_its_own_where_all_points_end_together() -> None:
    tiers = """
tiers:
  window: lifetime
  levels:
    - {id: low, name: {en: Low, zh: 低}}
    - id: high
      name: {en: High, zh: 高}
      entry: {all: [{orders: 1}]}
      gift: {wallet: points, points: 5, expiry: {after: {days: 1}}}
"""
    slides = ("{after: {months: 12}, round_to: month}", "{sliding: {months: 12}}")

    assert read_document(changed() + tiers).faults == ()
    assert [(f.path, f.message) for f in read_document(changed(slides) + tiers).faults] == [
        ("tiers.levels[1].gift.expiry", "an expiry of its own in a sliding wallet")
    ]
