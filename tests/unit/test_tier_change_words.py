"""What became of a tier is told in words, in both languages (R-54)."""

from typing import Any

import pytest

from loyalty_service.program.rules.document import read_document
from loyalty_service.program.rules.program import Program
from loyalty_service.tiers.rules.change_words import change_in_words
from loyalty_service.tiers.rules.moves import Move
from tests.unit.program_documents import TIERED

# 2027-06-01 00:00 in Shanghai: the last day is 31 May.
ENDS = "2027-05-31T16:00:00Z"


def program() -> Program:
    found = read_document(TIERED).program
    assert found is not None
    return found


def words(cause: str, **more: Any) -> tuple[str, str]:
    told = {"cause": cause, "from": "silver", "to": "gold", "until": None, "grace_until": None}
    told |= {"gift": None, "window": None, "in_grace": False, **more}
    return change_in_words(told, program(), "en"), change_in_words(told, program(), "zh")


@pytest.mark.parametrize(
    ("cause", "en", "zh"),
    [
        ("promoted", "Promoted to Gold.", "升级为金卡。"),
        ("kept", "Gold is kept.", "金卡保级成功。"),
        ("grace_began", "Gold is no longer earned.", "金卡已不达标。"),
        ("demoted", "Silver is lost: Gold from now on.", "银卡未能保级，降为金卡。"),
        (
            "undone",
            "The promotion to Silver is undone: Gold again.",
            "升级为银卡已撤销，恢复金卡。",
        ),
        ("term_began", "Gold lasts.", "金卡开始计有效期。"),
        (
            "replaced",
            "The tier held is there no more: Gold from now on.",
            "原等级已取消，现为金卡。",
        ),
    ],
)
def test_every_cause_has_its_words(cause: str, en: str, zh: str) -> None:
    assert words(cause) == (en, zh)
    assert words(cause, until=ENDS) == (
        f"{en[:-1]}, through 2027-05-31.",
        f"{zh[:-1]}，有效期至 2027-05-31。",
    )


def test_no_cause_is_without_words() -> None:
    for move in Move:
        assert all(words(move.value))


def test_a_grace_is_told_by_its_own_end_and_by_what_ends_it() -> None:
    assert words("grace_began", grace_until=ENDS) == (
        "Gold is no longer earned and is lost after 2027-05-31 unless it is earned again by then.",
        "金卡已不达标，宽限至 2027-05-31，届时仍未重新达标则失去该等级。",
    )


def test_a_tier_that_is_earned_again_in_its_grace_is_told_so() -> None:
    assert words("kept", until=ENDS, in_grace=True) == (
        "Gold is earned again and kept, through 2027-05-31.",
        "金卡重新达标，保级成功，有效期至 2027-05-31。",
    )


@pytest.mark.parametrize(
    ("first", "en", "zh"),
    [
        (
            "2026-06-01",
            "Promoted to Gold. Counted from 2026-06-01 through 2027-05-31.",
            "升级为金卡。统计周期 2026-06-01 至 2027-05-31。",
        ),
        (
            None,
            "Promoted to Gold. Counted through 2027-05-31.",
            "升级为金卡。统计截至 2027-05-31。",
        ),
    ],
)
def test_the_days_that_were_counted_are_told(first: str | None, en: str, zh: str) -> None:
    assert words("promoted", window={"from": first, "until": "2027-05-31"}) == (en, zh)


def test_a_gift_is_told_whether_it_comes_or_goes() -> None:
    given = {"wallet": "points", "points": 1_300, "entry": 7}

    assert words("promoted", gift=given) == (
        "Promoted to Gold. 1,300 points in Points as a gift.",
        "升级为金卡。赠积分 1,300。",
    )
    assert words("undone", gift={**given, "points": -1_300}) == (
        (
            "The promotion to Silver is undone: Gold again. "
            "The gift of 1,300 points in Points is taken back."
        ),
        "升级为银卡已撤销，恢复金卡。升级礼积分 1,300 已收回。",
    )


def test_a_gift_of_a_wallet_that_is_gone_is_told_by_its_id() -> None:
    en, _ = words("undone", gift={"wallet": "stars", "points": -5, "entry": 7})

    assert en.endswith("The gift of 5 points in stars is taken back.")
