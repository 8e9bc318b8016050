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


def criterion(measure: str, counted: int, lacking: int, words: str) -> dict[str, Any]:
    return {"measure": measure, "counted": counted, "missing": lacking, "words": words}


def asked(tier: str, match: str, *criteria: dict[str, Any]) -> dict[str, Any]:
    return {"tier": {"id": tier, "name": tier}, "match": match, "criteria": list(criteria)}


GROWN = criterion("earned", 120, 1_380, "1,500 earned in Growth")
ENOUGH = criterion("orders", 12, 0, "10 orders")
ORDERED = criterion("orders", 9, 1, "10 orders")
SPENT = criterion("spend", 49_950, 150_050, "CNY 2,000.00 spent")
GROWN_WORDS = "1,500 earned in Growth (120 so far, 1,380 to go)"
ORDERED_WORDS = "10 orders (9 so far, 1 to go)"
WINDOW = {"from": "2025-06-01", "until": "2026-05-31"}


def told(**changed: Any) -> dict[str, Any]:
    """An answer about a member, without its words."""
    plain = {"tier": {"id": "silver", "name": "Silver"}, "until": None, "grace_until": None}
    return {**plain, "window": WINDOW, "next": None, "keep": None, "review": None, **changed}


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
            "Silver is no longer earned; a grace keeps it through 2027-05-31.",
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
        ("all", (GROWN,), f"For Gold: {GROWN_WORDS}."),
        (
            "all",
            (SPENT,),
            "For Gold: CNY 2,000.00 spent (CNY 499.50 so far, CNY 1,500.50 to go).",
        ),
        ("all", (GROWN, ENOUGH, ORDERED), f"For Gold: {GROWN_WORDS}; {ORDERED_WORDS}."),
        ("any", (GROWN, ORDERED), f"For Gold, one of these: {GROWN_WORDS}; {ORDERED_WORDS}."),
        ("any", (ORDERED,), f"For Gold: {ORDERED_WORDS}."),
    ],
)
def test_what_is_asked_what_there_is_and_what_is_missing_cannot_be_mistaken(match, criteria, en):
    assert words(next=asked("Gold", match, *criteria))[:2] == ["Silver.", en]


def test_nothing_is_told_of_a_next_tier_that_is_reached_at_the_next_review():
    counted = "Counted from 2025-06-01 through 2026-05-31."

    assert words(next=asked("Gold", "any", GROWN, ENOUGH)) == ["Silver.", counted]
    assert words(next=asked("Gold", "all", ENOUGH)) == ["Silver.", counted]


def test_what_is_missing_is_told_in_chinese():
    spent = criterion("spend", 49_950, 150_050, "消费满 2,000.00 元")
    ordered = criterion("orders", 9, 1, "满 10 单")
    both = "消费满 2,000.00 元（已有 499.50 元，还差 1,500.50 元）；满 10 单（已有 9，还差 1）。"

    assert words("zh", next=asked("金卡", "all", spent, ordered))[1] == f"升至金卡：{both}"
    assert words("zh", next=asked("金卡", "any", spent, ordered))[1] == (
        f"升至金卡，满足其一即可：{both}"
    )


@pytest.mark.parametrize(
    ("match", "criteria", "en", "zh"),
    [
        (
            "all",
            (ORDERED,),
            f"To keep Silver: {ORDERED_WORDS}.",
            "保持 Silver：10 orders（已有 9，还差 1）。",
        ),
        (
            "any",
            (ORDERED, GROWN),
            f"To keep Silver, one of these: {ORDERED_WORDS}; {GROWN_WORDS}.",
            (
                "保持 Silver，满足其一即可：10 orders（已有 9，还差 1）；"
                "1,500 earned in Growth（已有 120，还差 1,380）。"
            ),
        ),
        (
            "any",
            (GROWN, ENOUGH),
            "As counted today, there is enough to keep Silver.",
            "按今日统计，Silver 保级条件已满足。",
        ),
        (
            "all",
            (ENOUGH,),
            "As counted today, there is enough to keep Silver.",
            "按今日统计，Silver 保级条件已满足。",
        ),
    ],
)
def test_keeping_is_told_too(match, criteria, en, zh):
    keep = asked("Silver", match, *criteria)

    assert words(keep=keep)[:2] == ["Silver.", en]
    assert words("zh", keep=keep)[:2] == ["当前等级：Silver。", zh]


def test_a_tier_that_is_earned_again_in_its_grace_is_told_so():
    keep = asked("Silver", "all", ENOUGH)

    assert words(keep=keep, grace_until=ENDS)[1] == "Silver is earned again."
    assert words("zh", keep=keep, grace_until=ENDS)[1] == "Silver 已重新达标。"


def test_the_days_that_count_are_told():
    keep, ever = asked("Silver", "all", ORDERED), {"from": None, "until": "2026-05-31"}

    assert words(keep=keep)[-1] == "Counted from 2025-06-01 through 2026-05-31."
    assert words("zh", keep=keep)[-1] == "统计周期：2025-06-01 至 2026-05-31。"
    assert words(keep=keep, window=ever)[-1] == "All that was done since joining counts."
    assert words("zh", keep=keep, window=ever)[-1] == "入会以来全部计入。"


REGULAR = {"id": "regular", "name": "Regular"}
SILVERY = {"id": "silver", "name": "Silver"}
GOLDEN = {"id": "gold", "name": "Gold"}
# 2027-07-01 00:00 in Shanghai.
GRACE = "2027-06-30T16:00:00Z"


def reviewed(outcome: str | None, tier: dict[str, Any] = REGULAR, **more: Any) -> dict[str, Any]:
    plain = {"match": None, "window": None, "criteria": []}
    plain |= {"grace_until": None, "after_grace": None}
    return {"at": ENDS, "outcome": outcome, "tier": tier, **plain, **more}


@pytest.mark.parametrize(
    ("review", "in_grace", "en", "zh"),
    [
        (
            reviewed(None),
            False,
            "If nothing else happens, from 2027-06-01: Regular.",
            "若无其他变化，2027-06-01 起：Regular。",
        ),
        (
            reviewed("promoted", GOLDEN),
            False,
            "If nothing else happens, you rise to Gold on 2027-06-01.",
            "若无其他变化，2027-06-01 升为 Gold。",
        ),
        (
            reviewed("kept", SILVERY),
            False,
            "If nothing else happens, Silver is kept on 2027-06-01.",
            "若无其他变化，2027-06-01 Silver 保级成功。",
        ),
        (
            reviewed("kept", SILVERY),
            True,
            "If nothing else happens, Silver is earned again on 2027-06-01, which ends the grace.",
            "若无其他变化，2027-06-01 Silver 重新达标，宽限期结束。",
        ),
        (
            reviewed("demoted"),
            False,
            (
                "You fall to Regular on 2027-06-01 unless you earn enough to keep Silver by "
                "2027-05-31."
            ),
            "截至 2027-05-31 仍未满足 Silver 保级条件，则 2027-06-01 起降为 Regular。",
        ),
        (
            reviewed("demoted"),
            True,
            "You fall to Regular on 2027-06-01 unless you earn Silver again by 2027-05-31.",
            "截至 2027-05-31 仍未重新达到 Silver，则 2027-06-01 起降为 Regular。",
        ),
        (
            reviewed("grace_began", SILVERY, grace_until=GRACE, after_grace=REGULAR),
            False,
            (
                "Silver is no longer earned on 2027-06-01 unless you earn enough to keep it by "
                "2027-05-31. A grace then keeps it; you fall to Regular on 2027-07-01 unless you "
                "earn Silver again by 2027-06-30."
            ),
            (
                "截至 2027-05-31 仍未满足 Silver 保级条件，则 2027-06-01 起进入宽限期，至 "
                "2027-06-30；届时仍未重新达标，则 2027-07-01 起降为 Regular。"
            ),
        ),
        (
            reviewed("grace_began", SILVERY, grace_until=GRACE, after_grace=SILVERY),
            False,
            (
                "Silver is no longer earned on 2027-06-01 unless you earn enough to keep it by "
                "2027-05-31. A grace then keeps it through 2027-06-30, and Silver follows."
            ),
            (
                "截至 2027-05-31 仍未满足 Silver 保级条件，则 2027-06-01 起进入宽限期，至 "
                "2027-06-30；之后为 Silver。"
            ),
        ),
        (
            reviewed("grace_began", SILVERY, grace_until=GRACE, after_grace=GOLDEN),
            False,
            (
                "Silver is no longer earned on 2027-06-01 unless you earn enough to keep it by "
                "2027-05-31. A grace then keeps it; if nothing else happens, you rise to Gold by "
                "2027-07-01."
            ),
            (
                "截至 2027-05-31 仍未满足 Silver 保级条件，则 2027-06-01 起进入宽限期，至 "
                "2027-06-30；若无其他变化，最迟 2027-07-01 升为 Gold。"
            ),
        ),
    ],
)
def test_what_the_review_does_is_told_plainly(review, in_grace, en, zh):
    grace = ENDS if in_grace else None

    assert words(review=review, grace_until=grace)[-1] == en
    assert words("zh", review=review, grace_until=grace)[-1] == zh


@pytest.mark.parametrize(
    ("match", "criteria", "first", "en", "zh"),
    [
        (
            "all",
            (ORDERED,),
            "2026-06-01",
            f"Counted then, from 2026-06-01 through 2027-05-31: {ORDERED_WORDS}.",
            "届时统计 2026-06-01 至 2027-05-31：10 orders（已有 9，还差 1）。",
        ),
        (
            "any",
            (ORDERED, GROWN),
            "2026-06-01",
            (
                "Counted then, from 2026-06-01 through 2027-05-31: "
                f"one of these: {ORDERED_WORDS}; {GROWN_WORDS}."
            ),
            (
                "届时统计 2026-06-01 至 2027-05-31：满足其一即可：10 orders（已有 9，还差 1）；"
                "1,500 earned in Growth（已有 120，还差 1,380）。"
            ),
        ),
        (
            "any",
            (ORDERED,),
            None,
            f"Counted then: {ORDERED_WORDS}.",
            "届时统计：10 orders（已有 9，还差 1）。",
        ),
    ],
)
def test_what_the_review_counts_is_told_with_its_days(match, criteria, first, en, zh):
    window = {"from": first, "until": "2027-05-31"}
    review = reviewed("demoted", match=match, criteria=list(criteria), window=window)

    assert words(review=review)[-1].split("2027-05-31. ", maxsplit=1)[1] == en
    assert words("zh", review=review)[-1].split("Regular。", maxsplit=1)[1] == zh


# The review of ENDS looks at a window that begins with its own day.
ANEW = {"match": "all", "window": {"from": "2027-06-01", "until": "2027-06-01"}}
STANDING = criterion("balance", 40, 60, "100 points in Points")


@pytest.mark.parametrize(
    ("review", "en", "zh"),
    [
        (
            reviewed("demoted", **ANEW, criteria=[ORDERED]),
            (
                "If nothing else happens, you fall to Regular on 2027-06-01: what keeps Silver is "
                "counted anew from that day on. Counted then, "
            ),
            (
                "Silver 保级条件自 2027-06-01 起重新统计；若无其他变化，当日起降为 Regular。"
                "届时统计 "
            ),
        ),
        (
            reviewed(
                "grace_began",
                SILVERY,
                **ANEW,
                criteria=[ORDERED],
                grace_until=GRACE,
                after_grace=REGULAR,
            ),
            (
                "If nothing else happens, Silver is no longer earned on 2027-06-01: what keeps it "
                "is counted anew from that day on. A grace then keeps it; you fall to Regular on "
                "2027-07-01 unless you earn Silver again by 2027-06-30. Counted then, "
            ),
            (
                "Silver 保级条件自 2027-06-01 起重新统计；若无其他变化，当日起进入宽限期，至 "
                "2027-06-30；届时仍未重新达标，则 2027-07-01 起降为 Regular。届时统计 "
            ),
        ),
    ],
)
def test_where_a_review_counts_anew_nobody_is_told_to_earn_before_it(review, en, zh):
    for lang, said in (("en", en), ("zh", zh)):
        for one in (ENOUGH, ORDERED):
            lines = words(lang, review=review, keep=asked("Silver", "all", one))

            assert len(lines) == 2
            assert lines[1].startswith(said)


@pytest.mark.parametrize(
    ("match", "criteria", "may_keep"),
    [
        ("all", [STANDING], True),
        ("all", [STANDING, ORDERED], False),
        ("any", [STANDING, ORDERED], True),
        ("any", [GROWN, ORDERED], False),
    ],
)
def test_a_balance_keeps_a_tier_whenever_it_was_earned(match, criteria, may_keep):
    review = reviewed("demoted", **{**ANEW, "match": match}, criteria=criteria)

    said = words(review=review)[-1]

    assert ("unless you earn enough to keep Silver by 2027-05-31" in said) is may_keep


def test_in_the_grace_what_is_earned_before_its_review_keeps_the_tier():
    review = reviewed("demoted", **ANEW, criteria=[ORDERED])

    lines = words(review=review, keep=asked("Silver", "all", ORDERED), grace_until=ENDS)

    assert lines[1] == f"To keep Silver: {ORDERED_WORDS}."
    assert "unless you earn Silver again by 2027-05-31" in lines[-1]
