"""Where chains ended, kept outside and held against what is there now."""

from datetime import UTC, datetime

import pytest

from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.entry import Cause, Reason, Source
from loyalty_service.ledger.rules.heads import (
    Earlier,
    Head,
    HeadsDigest,
    HeadsMalformed,
    read_heads,
)
from loyalty_service.ledger.rules.movements import Opening, credit
from loyalty_service.ledger.rules.proof import prove_account
from loyalty_service.ledger.rules.report import FAULTS_KEPT, Report
from loyalty_service.ledger.rules.stored import Fault, StoredLedger, show
from tests.unit.ledger_rows import stored

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
CAUSE = Cause(Reason.ADJUSTMENT, Source.OPERATOR, None, 1, 1, NOW, NOW)


def account(member_id: int, wallet: str = "points", entries: int = 2) -> StoredLedger:
    one = Account(member_id, wallet)
    for _ in range(entries):
        credit(one, CAUSE, [Opening(10, active_at=NOW)])
    return stored(one)


def head(ledger: StoredLedger, seq: int | None = None) -> Head:
    last = ledger.entries[(seq or len(ledger.entries)) - 1]
    return Head(ledger.member_id, ledger.wallet, last.seq, last.hash)


def written(*heads: Head) -> list[str]:
    digest = HeadsDigest()
    for one in heads:
        digest.add(one)
    return [f"{line}\n" for line in (*(one.line for one in heads), digest.last_line)]


def test_what_is_written_is_read_again() -> None:
    heads = [head(account(1, "growth")), head(account(1)), head(account(12))]

    assert list(read_heads(written(*heads))) == heads


def test_no_accounts_are_a_file_too() -> None:
    assert list(read_heads(written())) == []


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (written(head(account(1)))[:-1], "missing"),
        ([*written(head(account(1))), "more\n"], "after the digest"),
        (written(head(account(2)), head(account(1))), "out of order"),
        (written(head(account(1)), head(account(1))), "out of order"),
        (["1 points 1 00\n"], "Line 1 is not"),
        (written(head(account(1)))[:1] + written(head(account(2)))[1:], "digest"),
    ],
)
def test_a_file_that_was_touched_is_refused(lines: list[str], words: str) -> None:
    with pytest.raises(HeadsMalformed, match=words):
        list(read_heads(lines))


def test_an_account_that_went_on_still_has_its_earlier_head() -> None:
    ledger = account(1, entries=3)

    earlier = Earlier([head(ledger, 2)])

    assert earlier.compare(1, {"points": ledger}) == []
    assert earlier.finish() == []


def test_a_cut_tail_another_history_and_a_lost_account_are_named() -> None:
    long, other = account(1, entries=3), account(2)
    kept = [head(long), Head(2, "points", 2, bytes(32)), head(account(3))]

    earlier = Earlier(kept)
    cut = earlier.compare(1, {"points": account(1)})
    changed = earlier.compare(2, {"points": other})
    lost = earlier.compare(3, {"growth": account(3, "growth")})

    assert [(f.table, dict(f.key), f.column) for f in cut] == [("entry", {"seq": 3}, "row")]
    assert [(f.table, dict(f.key), f.column) for f in changed] == [("entry", {"seq": 2}, "hash")]
    assert [(f.table, f.wallet, f.found) for f in lost] == [("account", "points", "missing")]


def test_members_that_are_gone_are_named_between_and_behind_the_others() -> None:
    kept = [head(account(member)) for member in (1, 2, 3, 4)]

    earlier = Earlier(kept)
    between = earlier.compare(3, {"points": account(3)})
    new = earlier.compare(3, {})
    behind = earlier.finish()

    assert [fault.member_id for fault in between] == [1, 2]
    assert new == []
    assert [fault.member_id for fault in behind] == [4]


def test_a_report_sums_up_what_was_proved_and_keeps_the_first_faults() -> None:
    sound, broken = account(1), account(2)
    broken.account = None
    report = Report()

    heads = report.take([prove_account(sound, NOW), prove_account(broken, NOW)])
    none = report.take([prove_account(StoredLedger(3, "points"), NOW)])

    assert heads == [head(sound)]
    assert none == []
    assert (report.members, report.entries, report.wallets["points"].active) == (1, 2, 20)
    assert report.fault_count == 2


def test_only_the_first_faults_are_kept_but_all_are_counted() -> None:
    report = Report()

    report.find([Fault(1, None, "event", {"seq": 1}, "row", "present", "missing")] * 150)

    assert (len(report.faults), report.fault_count) == (FAULTS_KEPT, 150)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (5, 5),
        (b"\x01\xff", "01ff"),
        (NOW, "2026-03-02T04:00:00Z"),
        (["a", "b"], "a, b"),
        (1.5, "1.5"),
    ],
)
def test_values_are_shown_as_people_read_them(value: object, shown: object) -> None:
    assert show(value) == shown
