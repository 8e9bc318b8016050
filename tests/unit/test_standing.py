"""Where a member stands is told so that they know what to do (R-53)."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from loyalty_service.members.rules import NOWHERE, Standing, earned_metric
from loyalty_service.program.rules.document import read_document
from loyalty_service.program.rules.program import Program
from loyalty_service.tiers.rules.moving import Judge
from loyalty_service.tiers.rules.qualifying import Record, asks_for_balance, metrics_of
from loyalty_service.tiers.rules.standing import progress_to_keep, progress_to_next
from loyalty_service.tiers.rules.standing_words import standing_in_words
from tests.unit.program_documents import TIERED, changed

AT = datetime(2026, 5, 3, 4, tzinfo=UTC)
DAY = date(2026, 5, 3)
GROWTH = earned_metric("growth")
SILVER = Standing("silver", AT, datetime(2027, 5, 31, 16, tzinfo=UTC))


def read(*changes: tuple[str, str]) -> Program:
    program = read_document(changed(*changes, text=TIERED)).program
    assert program is not None
    return program


def judge(sums: dict, balances: dict | None = None, program: Program | None = None) -> Judge:
    found = program or read()
    assert found.tiers is not None
    return Judge(found, found.tiers, Record(sums, balances or {}, date(2024, 2, 29)))


def missing(progress: Any) -> list[tuple[str, int, int]]:
    return [(one["measure"], one["counted"], one["missing"]) for one in progress.told()]


def test_what_the_next_tier_asks_for_is_told_with_what_is_missing():
    progress = progress_to_next(judge({(GROWTH, DAY): 120, ("orders", DAY): 11}), NOWHERE, AT)

    assert progress.index == 1
    assert missing(progress) == [("earned", 120, 380), ("orders", 11, 0)]


def test_a_balance_is_what_it_is_now():
    progress = progress_to_next(judge({}, {"points": 40}), Standing("gold", AT), AT)

    assert missing(progress) == [("spend", 0, 900_000), ("orders", 0, 20), ("balance", 40, 60)]


def test_in_the_highest_tier_there_is_no_next_and_a_tier_for_ever_needs_nothing():
    diamond = Standing("diamond", AT)

    assert progress_to_next(judge({}), diamond, AT) is None
    assert progress_to_keep(judge({}), diamond, AT) is None
    assert progress_to_keep(judge({}), NOWHERE, AT) is None


def test_keeping_asks_what_keep_says_or_else_what_entry_says():
    done = {(GROWTH, DAY): 120, ("orders", DAY): 9}

    assert missing(progress_to_keep(judge(done), SILVER, AT)) == [("earned", 120, 180)]
    gold = Standing("gold", AT)
    assert missing(progress_to_keep(judge(done), gold, AT)) == [
        ("spend", 0, 200_000),
        ("orders", 9, 11),
    ]


def test_who_still_meets_the_entry_needs_nothing_to_keep_the_tier():
    progress = progress_to_keep(judge({(GROWTH, DAY): 120, ("orders", DAY): 10}), SILVER, AT)

    assert missing(progress) == [("earned", 120, 380), ("orders", 10, 0)]


def test_what_tiers_look_at_is_known_beforehand():
    tiers = read().tiers

    assert metrics_of(tiers) == {GROWTH, "orders", "spend"}
    assert asks_for_balance(tiers)
    assert not asks_for_balance(replace(tiers, levels=tiers.levels[:3]))


def criterion(measure: str, lacking: int, words: str) -> dict[str, Any]:
    return {"measure": measure, "missing": lacking, "words": words}


def asked(tier: str, match: str, *criteria: dict[str, Any]) -> dict[str, Any]:
    return {"tier": {"id": tier, "name": tier}, "match": match, "criteria": list(criteria)}


GROWN = criterion("earned", 1_380, "1,500 earned in Growth")
ENOUGH = criterion("orders", 0, "10 orders")
ORDERED = criterion("orders", 1, "10 orders")
SPENT = criterion("spend", 150_050, "CNY 2,000.00 spent")


def told(**changed: Any) -> dict[str, Any]:
    """An answer about a member, without its words."""
    plain = {"tier": {"name": "Silver"}, "until": None, "grace_until": None}
    return {**plain, "next": None, "keep": None, "review": None, **changed}


def words(lang: str = "en", **changed: Any) -> list[str]:
    return standing_in_words(told(**changed), read(), lang)


# 2027-06-01 00:00 in Shanghai: the last day is 31 May.
ENDS = "2027-05-31T16:00:00Z"


@pytest.mark.parametrize(
    ("changed", "en", "zh"),
    [
        ({}, "Silver.", "当前等级：Silver。"),
        (
            {"until": ENDS},
            "Silver, through 2027-05-31.",
            "当前等级：Silver，有效期至 2027-05-31。",
        ),
        (
            {"until": None, "grace_until": ENDS},
            "Silver is left through 2027-05-31, though it is no longer earned.",
            "Silver 已不达标，宽限至 2027-05-31。",
        ),
    ],
)
def test_the_tier_is_told_with_its_last_day(changed, en, zh):
    assert words(**changed) == [en]
    assert words("zh", **changed) == [zh]


@pytest.mark.parametrize(
    ("match", "criteria", "en"),
    [
        ("all", (GROWN,), "For Gold: 1,380 of 1,500 earned in Growth still missing."),
        ("all", (SPENT,), "For Gold: CNY 1,500.50 of CNY 2,000.00 spent still missing."),
        (
            "all",
            (GROWN, ENOUGH, ORDERED),
            "For Gold: 1,380 of 1,500 earned in Growth; 1 of 10 orders still missing.",
        ),
        (
            "any",
            (GROWN, ORDERED),
            "For Gold, any of: 1,380 of 1,500 earned in Growth; 1 of 10 orders still missing.",
        ),
        ("any", (ORDERED,), "For Gold: 1 of 10 orders still missing."),
    ],
)
def test_what_is_missing_is_told_as_people_write_it(match, criteria, en):
    assert words(next=asked("Gold", match, *criteria)) == ["Silver.", en]


def test_nothing_is_told_of_a_next_tier_that_is_reached_at_the_next_review():
    assert words(next=asked("Gold", "any", GROWN, ENOUGH)) == ["Silver."]
    assert words(next=asked("Gold", "all", ENOUGH)) == ["Silver."]


def test_what_is_missing_is_told_in_chinese():
    spent = criterion("spend", 150_050, "消费满 2,000.00 元")
    ordered = criterion("orders", 1, "满 10 单")

    assert words("zh", next=asked("金卡", "all", spent, ordered))[1:] == [
        "升至金卡：消费满 2,000.00 元，还差 1,500.50 元；满 10 单，还差 1。"
    ]
    assert words("zh", next=asked("金卡", "any", spent, ordered))[1:] == [
        "升至金卡，满足其一即可：消费满 2,000.00 元，还差 1,500.50 元；满 10 单，还差 1。"
    ]


@pytest.mark.parametrize(
    ("match", "criteria", "en", "zh"),
    [
        (
            "all",
            (ORDERED,),
            "To keep Silver: 1 of 10 orders still missing.",
            "保持 Silver：10 orders，还差 1。",
        ),
        (
            "any",
            (ORDERED, GROWN),
            (
                "To keep Silver, any of: 1 of 10 orders; "
                "1,380 of 1,500 earned in Growth still missing."
            ),
            "保持 Silver，满足其一即可：10 orders，还差 1；1,500 earned in Growth，还差 1,380。",
        ),
        ("any", (GROWN, ENOUGH), "Silver is earned again already.", "Silver 保级条件已满足。"),
        ("all", (ENOUGH,), "Silver is earned again already.", "Silver 保级条件已满足。"),
    ],
)
def test_keeping_is_told_too(match, criteria, en, zh):
    keep = asked("Silver", match, *criteria)

    assert words(keep=keep) == ["Silver.", en]
    assert words("zh", keep=keep) == ["当前等级：Silver。", zh]


def test_the_review_is_told_with_its_day():
    review = {"at": ENDS, "tier": {"name": "Regular"}}

    assert words(review=review)[1:] == ["If nothing more happens, on 2027-06-01: Regular."]
    assert words("zh", review=review)[1:] == ["若无其他变化，2027-06-01 起：Regular。"]
