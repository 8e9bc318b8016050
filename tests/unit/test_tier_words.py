"""Tiers of a program read well in English and in Chinese."""

import pytest

from loyalty_service.program.rules.document import read_document
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.tier_words import (
    amount_in_words,
    criterion_in_words,
    level_in_words,
    tiers_in_words,
)
from loyalty_service.program.rules.tiers import Criterion, Measure
from loyalty_service.program.rules.words import LANGUAGES, program_words
from tests.unit.program_documents import DOCUMENT, TIERED, changed

TERM = "term: {months: 12, end: month}"
GRACE = "grace: {days: 30}"
SETTINGS_EN = (
    "Tiers look at the last 12 months",
    "A tier lasts 12 months, to the end of that month",
    "Members rise as soon as they reach a tier",
    "A tier that is not kept falls by one",
    "Before it falls there is a grace of 30 days",
    "A return leaves the tier up to the review",
    "Orders earn by the tier held when they are placed",
)
SETTINGS_ZH = (
    "等级按最近 12 个月统计",
    "等级有效期 12 个月，至当月月末",
    "达标即时升级",
    "未能保级则降一级",
    "降级前有 30 天宽限期",
    "退货不影响等级，评定时再计",
    "订单按下单时的等级计分",
)


def read(*changes: tuple[str, str]) -> Program:
    checked = read_document(changed(*changes, text=TIERED))
    assert checked.faults == ()
    assert checked.program is not None
    return checked.program


def level(index: int, *changes: tuple[str, str]) -> tuple[str, str]:
    """A tier in both languages."""
    program = read(*changes)
    assert program.tiers is not None
    tier = program.tiers.levels[index]
    en, zh = (level_in_words(tier, program, LANGUAGES[lang], lang) for lang in ("en", "zh"))
    return en, zh


def settings(*changes: tuple[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """How members move, in both languages."""
    program = read(*changes)
    return tiers_in_words(program, "en"), tiers_in_words(program, "zh")


def test_how_members_move_is_told_a_line_each() -> None:
    assert settings() == (SETTINGS_EN, SETTINGS_ZH)


@pytest.mark.parametrize(
    ("old", "new", "en", "zh"),
    [
        ("window: {months: 12}", "window: {days: 1}", "the last 1 day", "最近 1 天"),
        ("window: {months: 12}", "window: {years: 2}", "the last 2 years", "最近 2 年"),
        ("window: {months: 12}", "window: month", "the calendar month", "自然月"),
        ("window: {months: 12}", "window: quarter", "the calendar quarter", "自然季度"),
        ("window: {months: 12}", "window: year", "the calendar year", "自然年"),
        (
            "window: {months: 12}",
            "window: membership_year",
            "the membership year",
            "会员年度",
        ),
        ("window: {months: 12}", "window: lifetime", "the whole membership", "入会以来全部记录"),
    ],
)
def test_every_window_has_its_words(old: str, new: str, en: str, zh: str) -> None:
    told = settings((old, new))

    assert told == (
        (f"Tiers look at {en}", *SETTINGS_EN[1:]),
        (f"等级按{zh}统计", *SETTINGS_ZH[1:]),
    )


@pytest.mark.parametrize(
    ("term", "en", "zh"),
    [
        ("{days: 90}", "A tier lasts 90 days", "等级有效期 90 天"),
        (
            "{months: 1, end: quarter}",
            "A tier lasts 1 month, to the end of that quarter",
            "等级有效期 1 个月，至当季季末",
        ),
        (
            "{years: 1, end: year}",
            "A tier lasts 1 year, to the end of that year",
            "等级有效期 1 年，至当年年末",
        ),
        (
            "this",
            "A tier lasts to the end of that window and is then earned again",
            "等级有效至该周期结束，之后重新累计",
        ),
        (
            "next",
            "A tier lasts to the end of the window after it",
            "等级有效至下一周期结束",
        ),
    ],
)
def test_every_term_has_its_words(term: str, en: str, zh: str) -> None:
    told = settings(("window: {months: 12}", "window: year"), (TERM, f"term: {term}"))

    assert (told[0][1], told[1][1]) == (en, zh)


@pytest.mark.parametrize(
    ("setting", "en", "zh"),
    [
        ("promote: next_review", "Members rise at their next review", "在下次评定时升级"),
        (
            "demote: by_standing",
            "A tier that is not kept falls to what was earned",
            "未能保级则降至所达等级",
        ),
        (
            "on_return: at_once",
            "A return undoes the promotion that rested on it; the gift is kept",
            "退货即撤销以该订单为依据的升级；升级礼保留",
        ),
        (
            "on_return: at_once\n  gifts_on_return: taken_back",
            "A return undoes the promotion that rested on it; the gift is taken back",
            "退货即撤销以该订单为依据的升级；升级礼收回",
        ),
        (
            "tier_rate: reached",
            "Orders earn by the tier that they lead to",
            "订单按本单计入后的等级计分",
        ),
        (
            "grace: {months: 1, end: month}",
            "Before it falls there is a grace of 1 month, to the end of that month",
            "降级前有 1 个月宽限期，至当月月末",
        ),
    ],
)
def test_every_setting_has_its_words(setting: str, en: str, zh: str) -> None:
    told = settings((GRACE, setting))

    assert en in told[0]
    assert zh in told[1]
    # One line in place of another: none says the contrary of it.
    is_grace = setting.startswith("grace")
    assert len(told[0]) == len(told[1]) == (7 if is_grace else 6)


def test_steps_on_the_way_to_the_next_tier_have_their_words() -> None:
    no_balance = (
        "balance: {wallet: points, at_least: 100}",
        "earned: {wallet: growth, at_least: 9000}",
    )

    en, zh = settings((GRACE, "notify_at: [50, 80]"), no_balance)

    assert en[-1] == "Members are told at 50%, 80% of what the next tier asks for"
    assert zh[-1] == "达到下一等级要求的 50%、80% 时通知会员"


def test_without_a_term_nothing_is_told_of_reviews() -> None:
    told = settings((TERM, "term: none"), (GRACE, "grace: none"))

    assert told == (
        (
            "Tiers look at the last 12 months",
            "A tier lasts as long as it is earned",
            "Members rise as soon as they reach a tier",
            "Orders earn by the tier held when they are placed",
        ),
        (
            "等级按最近 12 个月统计",
            "等级随达标情况即时升降",
            "达标即时升级",
            "订单按下单时的等级计分",
        ),
    )


def test_without_a_term_a_return_may_still_undo_and_a_review_still_wait() -> None:
    undone = settings((TERM, "term: none"), (GRACE, "on_return: at_once"))
    waiting = settings((TERM, "term: none"), (GRACE, "promote: next_review"))

    assert "A return undoes the promotion that rested on it; the gift is kept" in undone[0]
    assert "A return leaves the tier up to the review" in waiting[0]


@pytest.mark.parametrize(
    ("index", "en", "zh"),
    [
        (0, "where every member begins", "入会即享"),
        (
            1,
            (
                "for 500 earned in Growth or 10 orders; kept with 300 earned in Growth; "
                "1.5 times the points of orders"
            ),
            "获得成长值 500 或满 10 单可达；获得成长值 300 可保级；订单积分 1.5 倍",
        ),
        (
            2,
            (
                "for CNY 2,000.00 spent and 20 orders; brings A stylist; "
                "300 points in Points on promotion"
            ),
            "消费满 2,000.00 元且满 20 单可达；享搭配师；升级赠积分 300",
        ),
        (
            3,
            ("for CNY 9,000.00 spent and 20 orders and a balance of 100 in Points; kept for ever"),
            "消费满 9,000.00 元且满 20 单且积分余额达 100 可达；永久保留",
        ),
    ],
)
def test_every_tier_is_told_in_one_line(index: int, en: str, zh: str) -> None:
    assert level(index) == (en, zh)


def test_a_single_order_is_told_as_one() -> None:
    en, zh = level(1, ("orders: 10", "orders: 1"))

    assert en.startswith("for 500 earned in Growth or 1 order;")
    assert zh.startswith("获得成长值 500 或满 1 单可达")


def test_what_is_asked_is_told_by_itself_too() -> None:
    program, spend = read(), Criterion(Measure.SPEND, 123_456)

    assert criterion_in_words(spend, program, LANGUAGES["en"], "en") == "CNY 1,234.56 spent"
    assert criterion_in_words(spend, program, LANGUAGES["zh"], "zh") == "消费满 1,234.56 元"
    assert amount_in_words(Measure.SPEND, 1, program, "zh") == "0.01 元"
    assert amount_in_words(Measure.ORDERS, 1_000, program, "zh") == "1,000"


def test_perks_are_listed() -> None:
    more = "搭配师}}, {id: lounge, name: {en: A lounge, zh: 贵宾室}}"

    en, zh = level(2, ("搭配师}}", more))

    assert "brings A stylist, A lounge" in en
    assert "享搭配师、贵宾室" in zh


def test_a_gift_with_an_end_of_its_own_says_it() -> None:
    en, zh = level(2, ("gift: {points: 300}", "gift: {points: 300, expiry: {after: {days: 30}}}"))

    assert en.endswith("300 points in Points on promotion (ends 30 days later)")
    assert zh.endswith("升级赠积分 300（生效后 30 天内有效）")


def test_a_program_is_told_with_its_tiers() -> None:
    program = read()

    assert program_words(program, "en").tiers[0] == "Regular: where every member begins"
    assert program_words(program, "zh").tiers[0] == "普通：入会即享"
    assert program_words(program, "en").general[-7:] == SETTINGS_EN


def test_a_program_without_tiers_tells_nothing_of_them() -> None:
    program = read_document(DOCUMENT).program
    assert program is not None

    assert tiers_in_words(program, "en") == ()
    assert program_words(program, "zh").tiers == ()
