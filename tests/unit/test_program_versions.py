"""Which version is in force, what a new one may not change; money as people write it."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from loyalty_service.program.rules.currencies import CODES, minor_digits, money_text
from loyalty_service.program.rules.document import read_document
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.versions import (
    ProgramFixed,
    faulty,
    find_in_force,
    list_dropped_wallets,
    require_continues,
)
from tests.unit.program_documents import DOCUMENT, changed

DAYS = [datetime(2026, 11, day, tzinfo=UTC) for day in (1, 5, 9)]


def running() -> Program:
    program = read_document(DOCUMENT).program
    assert program is not None
    return program


@pytest.mark.parametrize(
    ("day", "hour", "place"), [(1, 0, 0), (4, 23, 0), (5, 0, 1), (8, 0, 1), (9, 0, 2), (30, 0, 2)]
)
def test_a_version_is_in_force_until_the_next_begins(day: int, hour: int, place: int) -> None:
    assert find_in_force(DAYS, datetime(2026, 11, day, hour, tzinfo=UTC)) == place


def test_before_the_first_version_the_first_counts() -> None:
    assert find_in_force(DAYS, datetime(2020, 1, 1, tzinfo=UTC)) == 0


def test_of_versions_that_begin_together_the_last_counts() -> None:
    assert find_in_force([DAYS[0], DAYS[0]], DAYS[0]) == 1


def test_everything_that_stays_is_told_at_once() -> None:
    other = replace(running(), currency="USD", zone=ZoneInfo("Europe/London"))

    with pytest.raises(ProgramFixed) as refusal:
        require_continues(running(), other, ["points", "growth"])

    assert str(refusal.value) == (
        "A running program keeps its currency CNY, not USD; its time zone Asia/Shanghai, not "
        "Europe/London; the wallets that hold entries: growth, points."
    )
    assert [kept["path"] for kept in refusal.value.values["kept"]] == [
        "document.currency",
        "document.time_zone",
        "document.wallets",
    ]


def test_rules_names_and_new_wallets_may_change() -> None:
    new = read_document(changed(("sum}", "best}"), ("corner_shop", "big_shop"))).program
    assert new is not None

    require_continues(running(), new, [])


def test_the_currency_of_a_running_program_stays() -> None:
    with pytest.raises(ProgramFixed, match="keeps its currency CNY") as refusal:
        require_continues(running(), replace(running(), currency="USD"), [])

    assert refusal.value.path == "document.currency"
    assert refusal.value.values == {
        "kept": [{"path": "document.currency", "running": "CNY", "asked": "USD"}]
    }


def test_the_zone_of_a_running_program_stays() -> None:
    moved = replace(running(), zone=ZoneInfo("Europe/London"))

    with pytest.raises(ProgramFixed, match="keeps its time zone Asia/Shanghai"):
        require_continues(running(), moved, [])


def test_a_wallet_that_holds_entries_stays() -> None:
    fewer = replace(running(), wallets=running().wallets[:1])

    assert list_dropped_wallets(running(), fewer) == ["growth"]
    assert list_dropped_wallets(fewer, running()) == []
    with pytest.raises(ProgramFixed, match="growth"):
        require_continues(running(), fewer, ["growth"])


@pytest.mark.parametrize(
    ("changes", "count"), [(("CNY",), "1 fault"), (("CNY", "sum"), "2 faults")]
)
def test_a_faulty_document_is_refused_with_every_fault(
    changes: tuple[str, ...], count: str
) -> None:
    text = changed(*((word, "XYZ") for word in changes))

    refusal = faulty(read_document(text).faults)

    assert refusal.code == "program_faulty"
    assert count in refusal.detail
    assert len(refusal.values["faults"]) == len(changes)
    assert refusal.values["faults"][0] == {
        "line": 2,
        "path": "currency",
        "message": 'found "XYZ"',
        "expected": "an ISO 4217 code as CNY",
    }


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (0, "CNY", "CNY 0.00"),
        (123456, "CNY", "CNY 1,234.56"),
        (7, "USD", "USD 0.07"),
        (1500, "JPY", "JPY 1,500"),
        (1001, "KWD", "KWD 1.001"),
    ],
)
def test_money_is_written_with_the_decimals_of_its_currency(
    minor: int, currency: str, text: str
) -> None:
    assert money_text(minor, currency) == text


def test_every_currency_is_named_once_by_three_letters() -> None:
    assert all(len(code) == 3 and code.isupper() for code in CODES)
    assert {minor_digits(code) for code in CODES} == {0, 2, 3}
