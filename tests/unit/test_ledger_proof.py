"""What a proof finds in one account, and how it names it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.buckets import Buckets
from loyalty_service.ledger.rules.catch_up import catch_up
from loyalty_service.ledger.rules.entry import Allocation, Cause, Kind, Reason, Source
from loyalty_service.ledger.rules.lots import ALWAYS, STANDING, Lot
from loyalty_service.ledger.rules.movements import (
    Opening,
    credit,
    debit,
    give_back,
    reschedule,
    take_back,
)
from loyalty_service.ledger.rules.proof import check_buckets, prove_account
from loyalty_service.ledger.rules.stored import StoredLedger, Wrong, show
from tests.unit.ledger_rows import stored

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CAUSE = Cause(Reason.ADJUSTMENT, Source.OPERATOR, None, 1, 1, NOW, NOW)
ORDER = Cause(Reason.ORDER_PAID, Source.ORDER, 1, 1, 2, NOW, NOW, ("base",))


def later(cause: Cause, days: int) -> Cause:
    at = NOW + days * DAY
    return replace(cause, occurred_at=at, recorded_at=at)


def lived_in() -> Account:
    """Five entries: a credit of two lots, a waiting one that is fulfilled, a debit, an expiry."""
    account = Account(7, "points")
    openings = [Opening(30, 1, NOW, NOW + 9 * DAY), Opening(12, 1)]
    credit(account, ORDER, openings, explanation="why")
    reschedule(account, later(ORDER, 1), {2: (NOW + DAY, None)})
    debit(account, later(CAUSE, 2), 5, NOW + 2 * DAY, note="a word")
    second = replace(later(ORDER, 3), source_no=2)
    credit(account, second, [Opening(8, 2, NOW + 3 * DAY, NOW + 99 * DAY)])
    catch_up([account], NOW + 20 * DAY, recorded_at=NOW + 20 * DAY, actor_id=1, version_at=one)
    return account


def one(_instant: datetime) -> int:
    return 1


def test_entries_have_the_hashes_that_are_stored_of_them():
    account = lived_in()
    two_rules = replace(later(ORDER, 21), rule_ids=("base", "béta"))

    entry, _ = credit(account, two_rules, [Opening(1), Opening(2, 1, NOW)])

    assert lived_in().head.hex()[:16] == "1485e85c373af0c7"
    assert entry.hash.hex()[:16] == "25966543c01cd7c9"


def fault_of(ledger: StoredLedger) -> tuple[str, dict[str, object], str, object, object]:
    fault = prove_account(ledger, NOW + 30 * DAY).fault
    assert fault is not None
    assert (fault.member_id, fault.wallet) == (7, "points")
    return fault.table, dict(fault.key), fault.column, fault.expected, fault.found


def test_an_account_as_it_was_written_is_proved() -> None:
    account = lived_in()

    proof = prove_account(stored(account), NOW + 30 * DAY)

    assert proof.fault is None
    assert proof.standing is not None
    assert proof.standing.entries == 5
    assert proof.standing.head == account.head
    assert (proof.standing.balance, proof.standing.buckets.active) == (20, 20)


def test_what_was_recorded_by_a_past_instant_is_told_with_the_clock_of_then() -> None:
    ledger = stored(lived_in())

    proof = prove_account(ledger, NOW + DAY / 2, is_past=True)

    assert proof.standing is not None
    assert proof.standing.entries == 1
    assert (proof.standing.buckets.active, proof.standing.buckets.pending) == (30, 12)


def test_nothing_was_recorded_before_the_first_entry() -> None:
    proof = prove_account(stored(lived_in()), NOW - DAY, is_past=True)

    assert proof.standing is not None
    assert (proof.standing.entries, proof.standing.balance) == (0, 0)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("points", 43),
        ("kind", "debit"),
        ("kind", "gift"),
        ("reason", "mistake"),
        ("source", "import"),
        ("source_no", 9),
        ("source_no", None),
        ("program_version", 3),
        ("actor_id", 1),
        ("occurred_at", NOW - DAY),
        ("balance_after", 41),
        ("reverses", 1),
        ("explained", bytes(32)),
        ("noted", bytes(32)),
        ("rule_ids", ["base", "more"]),
    ],
)
def test_a_changed_column_of_an_entry_is_named_with_what_it_said(
    column: str, value: object
) -> None:
    ledger = stored(lived_in())
    was = getattr(ledger.entries[0], column)

    ledger.entries[0] = ledger.entries[0]._replace(**{column: value})

    table, key, named, expected, _ = fault_of(ledger)
    assert (table, key, named) == ("entry", {"seq": 1}, column)
    assert expected == show(was)


def test_a_changed_hash_is_told_from_a_changed_entry() -> None:
    ledger = stored(lived_in())
    was = ledger.entries[2].hash

    ledger.entries[2] = ledger.entries[2]._replace(hash=bytes(32))

    assert fault_of(ledger) == ("entry", {"seq": 3}, "hash", was.hex(), bytes(32).hex())


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("points", 29),
        ("active_at", NOW - DAY),
        ("active_at", None),
        ("expires_at", NOW + 10 * DAY),
        ("expires_at", None),
        ("expired", True),
        ("lot_seq", 3),
    ],
)
def test_a_changed_column_of_an_allocation_is_named_with_what_it_said(
    column: str, value: object
) -> None:
    ledger = stored(lived_in())
    row = ledger.allocations[0]

    ledger.allocations[0] = row._replace(**{column: value})

    table, key, named, expected, _ = fault_of(ledger)
    assert (table, key["entry_seq"], named) == ("allocation", 1, column)
    was = getattr(row, column)
    assert expected == show(was)


def test_a_missing_allocation_is_named() -> None:
    ledger = stored(lived_in())

    gone = ledger.allocations.pop(3)

    key = {"entry_seq": gone.entry_seq, "lot_seq": gone.lot_seq}
    assert fault_of(ledger)[:3] == ("allocation", key, "row")


def test_an_allocation_of_no_entry_is_named() -> None:
    ledger = stored(lived_in())

    ledger.allocations.append(ledger.allocations[0]._replace(entry_seq=99))

    assert fault_of(ledger)[:3] == ("allocation", {"entry_seq": 99, "lot_seq": 1}, "row")


@pytest.mark.parametrize("seq", [1, 3, 5])
def test_a_missing_entry_is_named(seq: int) -> None:
    ledger = stored(lived_in())

    del ledger.entries[seq - 1]
    ledger.allocations = [a for a in ledger.allocations if a.entry_seq != seq]

    assert fault_of(ledger) == ("entry", {"seq": seq}, "row", "present", "missing")


def test_an_entry_that_the_account_does_not_know_is_named() -> None:
    account = lived_in()
    ledger = stored(account)

    credit(account, later(ORDER, 21), [Opening(1, 3, NOW + 21 * DAY)])
    longer = stored(account)
    longer.account, longer.lots = ledger.account, ledger.lots

    assert fault_of(longer) == ("entry", {"seq": 6}, "row", "missing", "present")


@pytest.mark.parametrize("column", ["seq", "lot_seq", "balance", "deficit"])
def test_a_changed_column_of_the_account_is_named_with_what_it_should_be(column: str) -> None:
    ledger = stored(lived_in())
    assert ledger.account is not None
    was = getattr(ledger.account, column)

    ledger.account = ledger.account._replace(**{column: was + 1})

    assert fault_of(ledger) == ("account", {}, column, was, was + 1)


def test_a_missing_account_is_named() -> None:
    ledger = stored(lived_in())

    ledger.account = None

    assert fault_of(ledger)[:3] == ("account", {}, "row")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("order_no", 3),
        ("opened", 13),
        ("remaining", 11),
        ("active_at", NOW),
        ("expires_at", NOW + 50 * DAY),
    ],
)
def test_a_changed_column_of_a_lot_is_named(column: str, value: object) -> None:
    ledger = stored(lived_in())

    ledger.lots[0] = ledger.lots[0]._replace(**{column: value})

    assert fault_of(ledger)[:3] == ("lot", {"lot_seq": 2}, column)


def test_a_lot_that_is_missing_and_one_too_many_are_named() -> None:
    fewer, more = stored(lived_in()), stored(lived_in())

    gone = fewer.lots.pop()
    more.lots.append(gone._replace(lot_seq=1))

    assert fault_of(fewer) == ("lot", {"lot_seq": 3}, "row", "present", "missing")
    assert fault_of(more) == ("lot", {"lot_seq": 1}, "row", "missing", "present")


def test_an_explanation_stays_word_for_word() -> None:
    changed, gone, put = (stored(lived_in()) for _ in range(3))

    changed.explained[1] = bytes(32)
    del gone.explained[1]
    put.explained[3] = bytes(32)

    assert fault_of(changed)[:3] == ("explanation", {"seq": 1}, "body")
    assert fault_of(gone)[:3] == ("explanation", {"seq": 1}, "row")
    assert fault_of(put)[:3] == ("explanation", {"seq": 3}, "row")


def test_a_note_may_be_erased_but_not_changed() -> None:
    erased, changed, put, stray = (stored(lived_in()) for _ in range(4))

    del erased.noted[3]
    changed.noted[3] = bytes(32)
    put.noted[1] = bytes(32)
    stray.noted[99] = bytes(32)

    assert prove_account(erased, NOW + 30 * DAY).fault is None
    assert fault_of(changed)[:3] == ("note", {"seq": 3}, "body")
    assert fault_of(put)[:3] == ("note", {"seq": 1}, "row")
    assert fault_of(stray)[:3] == ("note", {"seq": 99}, "row")


def forged(*steps: tuple[Kind, int, list[Allocation]], **more: int) -> Account:
    """Entries that no rule would write, chained as if it had: only their meaning is wrong."""
    account = Account(7, "points")
    for i, (kind, points, allocations) in enumerate(steps):
        last = more if i == len(steps) - 1 else {}
        account.append(kind, points, later(CAUSE, i), allocations, **last)
    return account


TEN = (Kind.CREDIT, 10, [Allocation(1, 10, NOW)])
FOUR = (Kind.DEBIT, -4, [Allocation(1, -4)])


@pytest.mark.parametrize(
    ("account", "table", "column"),
    [
        (forged(TEN, (Kind.DEBIT, -11, [Allocation(1, -11)])), "allocation", "points"),
        (forged(TEN, (Kind.DEBIT, -4, [Allocation(1, -3)])), "allocation", "points"),
        (forged(TEN, (Kind.DEBIT, -4, [Allocation(1, -5)])), "allocation", "points"),
        (forged(TEN, (Kind.DEBIT, 0, [Allocation(1, 0)])), "allocation", "points"),
        (
            forged(TEN, FOUR, (Kind.REVERSE, 4, [Allocation(1, 5, NOW)]), reverses=2),
            "allocation",
            "points",
        ),
        (
            forged(TEN, FOUR, (Kind.REVERSE, 4, [Allocation(1, 4, NOW - DAY)]), reverses=2),
            "allocation",
            "active_at",
        ),
        (
            forged(TEN, FOUR, (Kind.REVERSE, 4, [Allocation(1, 4, NOW, NOW + DAY)]), reverses=2),
            "allocation",
            "expires_at",
        ),
        (
            forged(
                TEN,
                (Kind.RESCHEDULE, 0, [Allocation(1, 0, NOW)]),
                (Kind.REVERSE, 0, []),
                reverses=2,
            ),
            "entry",
            "reverses",
        ),
        (forged(TEN, (Kind.DEBIT, 4, [Allocation(1, 4, NOW)])), "entry", "points"),
        (forged(TEN, (Kind.CREDIT, -4, [Allocation(1, -4)])), "entry", "points"),
        (forged(TEN, (Kind.RESCHEDULE, 1, [Allocation(1, 0, NOW)])), "entry", "points"),
        (forged(TEN, (Kind.DEBIT, -4, [Allocation(2, -4)])), "allocation", "lot_seq"),
        (forged(TEN, (Kind.CREDIT, 4, [Allocation(3, 4, NOW)])), "allocation", "lot_seq"),
        (forged(TEN, (Kind.CREDIT, 4, [Allocation(1, 4, NOW)])), "allocation", "lot_seq"),
        (forged(TEN, (Kind.CREDIT, 4, [Allocation(0, 4, NOW)])), "allocation", "active_at"),
        (forged(TEN, (Kind.DEBIT, -4, [Allocation(1, -4, expired=True)])), "allocation", "expired"),
        (forged(TEN, (Kind.EXPIRE, -10, [Allocation(1, -10)])), "allocation", "expired"),
        (
            forged(TEN, (Kind.EXPIRE, -10, [Allocation(1, -10, expired=True)])),
            "entry",
            "occurred_at",
        ),
        (
            forged(TEN, (Kind.EXPIRE, -4, [Allocation(1, -4, expired=True)])),
            "allocation",
            "points",
        ),
        (forged(TEN, (Kind.REVERSE, -10, [Allocation(1, -10)])), "entry", "reverses"),
        (forged(TEN, (Kind.REVERSE, -10, [Allocation(1, -10)]), reverses=2), "entry", "reverses"),
        (forged(TEN, (Kind.REVERSE, -11, [Allocation(1, -10)]), reverses=1), "entry", "points"),
        (forged(TEN, (Kind.DEBIT, -10, [Allocation(1, -10)]), reverses=1), "entry", "reverses"),
    ],
)
def test_a_chain_that_holds_does_not_excuse_what_breaks_a_promise(
    account: Account, table: str, column: str
) -> None:
    found = fault_of(stored(account))

    assert (found[0], found[2]) == (table, column)


def test_a_chain_over_a_wrong_balance_is_found() -> None:
    account = forged(TEN)
    account.balance += 1
    account.append(Kind.CREDIT, 5, later(CAUSE, 1), [Allocation(2, 5, NOW)])

    assert fault_of(stored(account)) == ("entry", {"seq": 2}, "balance_after", 15, 16)


def test_a_lot_that_was_empty_may_come_back_with_other_instants() -> None:
    account = Account(7, "points")
    credit(account, CAUSE, [Opening(10)])
    taken = debit(account, CAUSE, 10, NOW, allow_negative=True)
    again = Lot(1, None, 10, 0, NOW, NOW + DAY)
    give_back(account, CAUSE, 10, [(again, 10)], reverses=taken.seq, rest=Opening(1))

    assert prove_account(stored(account), NOW).fault is None


def test_a_word_that_is_not_ours_is_named_even_where_more_was_changed() -> None:
    ledger = stored(lived_in())

    ledger.entries[0] = ledger.entries[0]._replace(reason="because", points=1)

    assert fault_of(ledger)[:3] == ("entry", {"seq": 1}, "reason")


def test_where_nothing_small_explains_it_the_hash_is_named() -> None:
    ledger = stored(lived_in())

    ledger.entries[0] = ledger.entries[0]._replace(reason="event", points=1)

    assert fault_of(ledger)[:3] == ("entry", {"seq": 1}, "hash")


@pytest.mark.parametrize(
    ("buckets", "column"),
    [
        (Buckets(5, 2, 0, 1, 0, (), 5), "balance"),
        (Buckets(5, 2, 0, 0, 0, ((NOW, 1),), 5), "active"),
    ],
)
def test_buckets_that_do_not_add_up_are_found(buckets: Buckets, column: str) -> None:
    with pytest.raises(Wrong) as found:
        check_buckets(buckets, 7)

    assert (found.value.table, found.value.column) == ("account", column)


def test_an_account_is_told_with_its_buckets() -> None:
    proof = prove_account(stored(lived_in()), NOW + 30 * DAY)

    assert proof.standing is not None
    told = proof.standing.told()
    assert (told["wallet"], told["entries"], told["balance"], told["active"]) == (
        "points",
        5,
        20,
        20,
    )
    assert told["head"] == proof.standing.head.hex()


def test_an_entry_is_reversed_once() -> None:
    account = forged(TEN, (Kind.REVERSE, -6, [Allocation(1, -6)]), reverses=1)
    account.append(Kind.REVERSE, -4, later(CAUSE, 2), [Allocation(1, -4)], reverses=1)

    assert fault_of(stored(account))[:3] == ("entry", {"seq": 3}, "reverses")


def test_nothing_is_recorded_before_what_was_recorded_before() -> None:
    account = Account(7, "points")
    account.append(Kind.CREDIT, 1, later(CAUSE, 2), [Allocation(1, 1, NOW)])
    account.append(Kind.CREDIT, 1, later(CAUSE, 1), [Allocation(2, 1, NOW)])

    assert fault_of(stored(account))[:3] == ("entry", {"seq": 2}, "recorded_at")


def test_nothing_occurs_after_it_is_recorded() -> None:
    account = Account(7, "points")
    cause = replace(CAUSE, occurred_at=NOW + DAY)
    account.append(Kind.CREDIT, 1, cause, [Allocation(1, 1, NOW)])

    assert fault_of(stored(account))[:3] == ("entry", {"seq": 1}, "occurred_at")


@pytest.mark.parametrize("rule_ids", [[None], [["a"]]])
def test_rule_ids_that_are_no_texts_are_a_fault_and_no_crash(rule_ids: list[object]) -> None:
    ledger = stored(lived_in())

    ledger.entries[0] = ledger.entries[0]._replace(rule_ids=rule_ids)

    assert fault_of(ledger)[:3] == ("entry", {"seq": 1}, "rule_ids")


acts = st.lists(
    st.tuples(
        st.sampled_from(["credit", "stand", "debit", "take back", "undo", "fulfil", "wait"]),
        st.integers(1, 40),
        st.integers(0, 5),
    ),
    max_size=25,
)


@given(acts)
def test_whatever_the_kernel_writes_is_proved(steps: list[tuple[str, int, int]]) -> None:
    player = _Player()

    for name, points, days in steps:
        player.play(name, points, days)

    proof = prove_account(stored(player.account), player.now)
    assert proof.fault is None


class _Player:
    """Plays acts on one account, as an operation would: what is due first, then the act."""

    def __init__(self) -> None:
        self.account = Account(7, "points")
        self.now = NOW
        self.debits: list[tuple[int, int, dict[int, int]]] = []
        self.credits: list[tuple[int, int, list[int]]] = []
        self.known: dict[int, Lot] = {}

    def play(self, name: str, points: int, days: int) -> None:
        self.now += days * DAY
        account, now = self.account, self.now
        cause = replace(CAUSE, occurred_at=now, recorded_at=now)
        catch_up([account], now, recorded_at=now, actor_id=1, version_at=one)
        getattr(self, f"_{name.replace(' ', '_')}")(cause, points, days)
        self.known.update(account.lots)

    def _credit(self, cause: Cause, points: int, days: int) -> None:
        waits = days == 0
        begins = None if waits else self.now + (days - 1) * DAY
        ends = None if waits or days == 1 or begins is None else begins + 7 * DAY
        openings = [Opening(points, None, begins, ends), Opening(days + 1, None, self.now)]
        entry, lots = credit(self.account, cause, openings)
        self.credits.append((entry.seq, entry.points, list(lots.values())))

    def _stand(self, cause: Cause, points: int, _days: int) -> None:
        entry, lots = credit(self.account, cause, [Opening(points, standing=True)])
        self.credits.append((entry.seq, entry.points, list(lots.values())))

    def _debit(self, cause: Cause, points: int, _days: int) -> None:
        entry = debit(self.account, cause, points, self.now, allow_negative=True)
        self.debits.append((entry.seq, points, {a.lot_seq: -a.points for a in entry.allocations}))

    def _take_back(self, cause: Cause, points: int, days: int) -> None:
        if not self.credits:
            return
        seq, given, lots = self.credits.pop(points % len(self.credits))
        take_back(
            self.account,
            cause,
            given,
            self.now,
            own_lots=lots,
            expired=0,
            may_overdraw=days % 2 == 0,
            kind=Kind.REVERSE,
            reverses=seq,
        )

    def _undo(self, cause: Cause, points: int, days: int) -> None:
        if not self.debits:
            return
        seq, taken, drawn = self.debits.pop(points % len(self.debits))
        lots = [(self._lot(lot_seq), points) for lot_seq, points in drawn.items()]
        rest = Opening(1, standing=True) if days % 2 else Opening(1, active_at=self.now)
        give_back(self.account, cause, taken, lots, reverses=seq, rest=rest)

    def _lot(self, lot_seq: int) -> Lot:
        if lot_seq == STANDING:
            return self.account.lots.get(STANDING) or Lot(STANDING, 4, 9, 0, ALWAYS, None)
        return self.account.lots.get(lot_seq) or replace(self.known[lot_seq], remaining=0)

    def _fulfil(self, cause: Cause, points: int, _days: int) -> None:
        waiting = [lot.lot_seq for lot in self.account.lots.values() if lot.active_at is None]
        instants = dict.fromkeys(waiting, (self.now, self.now + points * DAY))
        reschedule(self.account, cause, instants)

    def _wait(self, _cause: Cause, _points: int, _days: int) -> None:
        self.now += 3 * DAY
