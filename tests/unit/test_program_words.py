"""A program reads well in English and in Chinese."""

from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loyalty_service.program.rules.conditions import Condition, FirstOrder, Window
from loyalty_service.program.rules.document import read_document
from loyalty_service.program.rules.english import English
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.words import (
    activation_words,
    cap_words,
    condition_words,
    expiry_words,
    multiplier_words,
    program_words,
    rule_words,
)
from tests.unit.program_documents import DOCUMENT, changed, with_give, with_lines, with_when

SAMPLE = Path(__file__).parents[2] / "programs" / "sample.yaml"


def read(text: str) -> Program:
    checked = read_document(text)
    assert checked.faults == ()
    assert checked.program is not None
    return checked.program


def both(text: str) -> tuple[str, str]:
    """The first rule of a document in both languages."""
    program = read(text)
    rule = program.earning.rules[0]
    return rule_words(rule, program, "en"), rule_words(rule, program, "zh")


def asked(when: str) -> tuple[str, str]:
    program = read(with_when(when))
    condition = program.earning.rules[0].when
    assert condition is not None
    return condition_words(condition, program, "en"), condition_words(condition, program, "zh")


def selected(lines: str) -> tuple[str, str]:
    """How the first rule words the lines it selects."""
    text = with_lines(lines).replace('      when: {minimum_amount: "10.00"}\n', "")
    en, zh = both(text)
    return en.removeprefix("1 point per CNY 1.00 "), zh.removesuffix("，每 1.00 元得 1 分")


def test_a_rule_is_told_in_one_sentence() -> None:
    text = changed(
        ("{points: 1,", "{points: 2,"),
        (
            '{minimum_amount: "10.00"}',
            "{all: [{weekday: [sat, sun]}, {window: {from: 2026-11-01, until: 2026-11-11}}]}",
        ),
    )

    assert both(text) == (
        (
            "2 points per CNY 1.00 on shoes, at weekends, "
            "from 1 November 2026 through 11 November 2026"
        ),
        "周末，2026 年 11 月 1 日至 2026 年 11 月 11 日，限 shoes 类商品，每 1.00 元得 2 分",
    )


@pytest.mark.parametrize(
    ("give", "en", "zh"),
    [
        ('{rate: {points: "0.5", per: 10}}', "0.5 points per CNY 10.00", "每 10.00 元得 0.5 分"),
        (
            "{step: {points: 1, per: 100}}",
            "1 point for every full CNY 100.00",
            "每满 100.00 元得 1 分",
        ),
        ("{fixed: 2000}", "2,000 points", "得 2,000 分"),
        ("{per_unit: 1}", "1 point per unit", "每件得 1 分"),
        ("{per_unit: 1234.5}", "1,234.5 points per unit", "每件得 1,234.5 分"),
    ],
)
def test_what_is_given_is_told_exactly(give: str, en: str, zh: str) -> None:
    told = both(with_give(give))

    assert told[0].startswith(en + " on shoes")
    assert told[1].endswith("，" + zh)


@pytest.mark.parametrize(
    ("lines", "en", "zh"),
    [
        ("{category: [b, a]}", "on a or b", "限 a、b 类商品"),
        ("{brand: [云山]}", "on brand 云山", "限云山品牌商品"),
        ("{sku: [A1]}", "on article A1", "限货号 A1 的商品"),
        ("{not: {category: [gift_card]}}", "except on gift_card", "gift_card 类商品除外"),
        (
            "{all: [{category: [a]}, {not: {brand: [B]}}]}",
            "on items in category a and not of brand B",
            "限 a 类商品且非 B 品牌商品",
        ),
        (
            "{all: [{any: [{category: [a]}, {sku: [S]}]}, {brand: [B]}]}",
            "on items (in category a or of article S) and of brand B",
            "限（a 类商品或货号 S 的商品）且 B 品牌商品",
        ),
        (
            "{not: {any: [{category: [a]}, {sku: [S]}]}}",
            "on items not (in category a or of article S)",
            "限非（a 类商品或货号 S 的商品）",
        ),
        ("{any: [{not: {not: {category: [a]}}}]}", "on items in category a", "限 a 类商品"),
        (
            "{sku: [a, b, c, d, e, f, g, h]}",
            "on article a, b, c, d, e, f or 2 more",
            "限货号 a、b、c、d、e、f 等 8 个的商品",
        ),
    ],
)
def test_lines_are_told_by_what_they_are(lines: str, en: str, zh: str) -> None:
    assert selected(lines) == (en, zh)


@pytest.mark.parametrize(
    ("when", "en", "zh"),
    [
        ("{channel: [app]}", "through app", "通过 app 渠道"),
        ("{not: {channel: [app]}}", "not through app", "不通过 app 渠道"),
        ("{tag: [vip]}", "for members tagged vip", "带有 vip 标签的会员"),
        ("{not: {tag: [vip]}}", "for members not tagged vip", "不带 vip 标签的会员"),
        ("{weekday: [mon, 2, 3, 4, 5]}", "on working days", "周一至周五"),
        ("{weekday: [thu, mon]}", "on Mondays, Thursdays", "周一、周四"),
        ("{not: {weekday: [sat, sun]}}", "not at weekends", "除周末外"),
        ("{minimum_amount: 200}", "for CNY 200.00 or more", "满 200.00 元"),
        ("{not: {minimum_amount: 200}}", "for less than CNY 200.00", "不满 200.00 元"),
        ("{minimum_quantity: 3}", "for 3 units or more", "满 3 件"),
        ("{not: {minimum_quantity: 3}}", "for fewer than 3 units", "不满 3 件"),
        ("{first_order: true}", "on the first order", "首单"),
        ("{not: {first_order: true}}", "on any order but the first", "非首单"),
        ("{birthday_month: true}", "in the birthday month", "生日当月"),
        ("{not: {birthday_month: true}}", "outside the birthday month", "非生日当月"),
        ("{window: {from: 2026-11-01}}", "from 1 November 2026", "2026 年 11 月 1 日起"),
        ("{window: {until: 2026-11-01}}", "through 1 November 2026", "2026 年 11 月 1 日及以前"),
        (
            '{window: {until: "2026-11-01 20:00"}}',
            "until 1 November 2026 20:00",
            "2026 年 11 月 1 日 20:00 前",
        ),
        (
            '{not: {window: {from: "2026-11-01 08:00:05", until: "2026-11-01 20:00"}}}',
            "not from 1 November 2026 08:00:05 until 1 November 2026 20:00",
            "除 2026 年 11 月 1 日 08:00:05 至 2026 年 11 月 1 日 20:00 外",
        ),
        (
            "{any: [{first_order: true}, {all: [{tag: [a]}, {tag: [b]}]}]}",
            "on the first order or (for members tagged a and for members tagged b)",
            "首单或（带有 a 标签的会员且带有 b 标签的会员）",
        ),
        (
            "{not: {all: [{first_order: true}, {tag: [a]}]}}",
            "not (on the first order and for members tagged a)",
            "非（首单且带有 a 标签的会员）",
        ),
    ],
)
def test_conditions_are_told_with_their_contrary(when: str, en: str, zh: str) -> None:
    assert asked(when) == (en, zh)


def test_conditions_side_by_side_are_kept_apart() -> None:
    when = "{all: [{first_order: true}, {all: [{tag: [a]}, {tag: [b]}]}, {channel: [app]}]}"

    en, _ = both(with_when(when))

    assert en.endswith(
        ", on the first order, (for members tagged a and for members tagged b), through app"
    )


def test_a_day_without_midnight_is_still_told_as_a_day() -> None:
    text = with_when("{window: {from: 2018-11-04, until: 2018-11-03}}".replace("-03", "-04"))
    program = read(text.replace("Asia/Shanghai", "America/Sao_Paulo"))
    window = program.earning.rules[0].when

    assert isinstance(window, Window)
    assert condition_words(window, program, "en") == "from 4 November 2018 through 4 November 2018"


def test_what_a_rule_has_of_its_own_is_told_in_brackets() -> None:
    own = (
        "exclusive: true\n      plain: true\n      activation: {on: fulfilment, wait_days: 1}\n"
        "      expiry: {fixed: [06-30, 12-31]}\n      group: base\n"
    )

    en, zh = both(changed(("group: base\n", own)))

    assert en.endswith(
        " (alone in its wallet; never multiplied; usable 1 day after fulfilment; "
        "ends with the next 30 June or 31 December)"
    )
    assert zh.endswith(
        "（与同钱包其他规则互斥；不参与翻倍；商品送达 1 天后生效；"
        "有效至最近的 6 月 30 日或 12 月 31 日）"
    )


def test_events_are_told_by_what_the_member_does() -> None:
    program = read(
        changed(
            ("on: check_in", "on: questionnaire\n      activation: {on: payment}"),
            ("{by_streak: [1, 2, 3]}", "{fixed: 5}"),
        )
    )
    rule = program.earning.rules[1]

    assert rule_words(rule, program, "en") == (
        "5 points for the event questionnaire (usable at once)"
    )
    assert rule_words(rule, program, "zh") == "事件 questionnaire，得 5 分（立即生效）"


def test_a_streak_is_told_day_by_day() -> None:
    program = read(DOCUMENT)
    rule = program.earning.rules[1]

    assert rule_words(rule, program, "en") == (
        "1, 2, 3 points by day of the streak (the last for every further day) "
        "for the daily check-in"
    )
    assert rule_words(rule, program, "zh") == (
        "每日签到，连续第 1 至 3 天分别得 1、2、3 分，之后每天同最后一天"
    )


def test_a_multiplier_says_what_it_multiplies() -> None:
    program = read(
        changed(
            ('factor: "2"', "factor: 1.5\n      wallets: [points, growth]\n      lines: {sku: [A]}")
        )
    )
    multiplier = program.earning.multipliers[0]

    assert multiplier_words(multiplier, program, "en") == (
        "1.5 times Points and Growth on article A"
    )
    assert multiplier_words(multiplier, program, "zh") == "限货号 A 的商品，积分、成长值 1.5 倍"


@pytest.mark.parametrize(
    ("old", "new", "en", "zh"),
    [
        (
            "points: 500",
            "points: 500",
            (
                "at most 500 points per member and day by Shopping and Check-in together; "
                "what exceeds it is cut"
            ),
            "“购物”“签到”合计每位会员每天最多 500 分，超出部分不发放",
        ),
        (
            "period: day\n      points: 500",
            "period: ever\n      times: 1\n      over: reject",
            (
                "at most 1 time per member ever by Shopping and Check-in together; "
                "what would exceed it gives nothing"
            ),
            "“购物”“签到”合计每位会员累计最多 1 次，如会超出，则该次不发放",
        ),
        (
            "per: member\n      period: day",
            "per: rule",
            (
                "at most 500 points per order or event by each of Shopping and Check-in; "
                "what exceeds it is cut"
            ),
            "“购物”“签到”各自单次最多 500 分，超出部分不发放",
        ),
        (
            "[base, check_in]\n      per: member\n      period: day",
            "[base]\n      per: rule",
            "at most 500 points per order or event by Shopping; what exceeds it is cut",
            "“购物”单次最多 500 分，超出部分不发放",
        ),
        (
            "[base, check_in]\n      per: member\n      period: day",
            "[base]\n      per: order",
            "at most 500 points per order by Shopping; what exceeds it is cut",
            "“购物”每单最多 500 分，超出部分不发放",
        ),
    ],
)
def test_a_cap_says_what_it_limits_and_what_becomes_of_the_rest(
    old: str, new: str, en: str, zh: str
) -> None:
    program = read(changed((old, new)))
    cap = program.earning.caps[0]

    assert cap_words(cap, program, "en") == en
    assert cap_words(cap, program, "zh") == zh


@pytest.mark.parametrize(
    ("expiry", "en", "zh"),
    [
        ("never", "never ends", "永久有效"),
        ("{after: {days: 1}}", "ends 1 day later", "生效后 1 天内有效"),
        ("{after: {years: 2}, round_to: day}", "ends 2 years later", "生效后 2 年内有效"),
        (
            "{after: {months: 6}, round_to: year}",
            "ends 6 months later, at the end of that year",
            "生效后 6 个月内有效，并顺延至当年年底",
        ),
        (
            "{sliding: {months: 12}}",
            "all end together 12 months after the last earning or spending",
            "最近一次获得或使用积分后 12 个月内全部有效，到期一并失效",
        ),
        ("{fixed: [03-31]}", "ends with the next 31 March", "有效至最近的 3 月 31 日"),
    ],
)
def test_the_end_of_points_is_told(expiry: str, en: str, zh: str) -> None:
    wallet = read(changed(("expiry: never", f"expiry: {expiry}"))).wallets[1]

    assert expiry_words(wallet.expiry, "en") == en
    assert expiry_words(wallet.expiry, "zh") == zh


def test_the_beginning_of_points_is_told() -> None:
    points, growth = read(DOCUMENT).wallets

    assert activation_words(points.activation, "en") == "usable from fulfilment on"
    assert activation_words(points.activation, "zh") == "商品送达后立即生效"
    assert activation_words(growth.activation, "en") == "usable 3 days after payment"
    assert activation_words(growth.activation, "zh") == "支付 3 天后生效"


def test_what_holds_for_all_is_told_first() -> None:
    text = changed(("wallets:", "rounding: half_up\nreturns: {overdrawn: clamp}\nwallets:"))
    text = text.replace("  groups:", "  shipping: true\n  tax: true\n  groups:", 1)
    text = text.replace("block_points:", "shipping: true\n  block_points:")
    program = read(text.replace("CNY", "EUR"))

    assert program_words(program, "en").general == (
        "Days are those of Asia/Shanghai, and periods count whole days",
        "Points are rounded to the nearest, halves up, once per rule",
        "Points are earned on goods and shipping and tax",
        (
            "100 points are worth EUR 1.00; spent from 100 in steps of 100, "
            "for at most 100% of the goods and shipping of an order"
        ),
        "A reservation holds points for 30 minutes, renewed for 120 minutes at most",
        (
            "Points spent on an order come back with each return; "
            "those that ended meanwhile last another 30 days"
        ),
        "Points that a return cannot take back are let go",
    )
    assert program_words(program, "zh").general == (
        "日期按 Asia/Shanghai 时区，期限按整天计",
        "积分按每条规则四舍五入取整一次",
        "商品、运费、税费实付金额计积分",
        "100 积分抵 EUR 1.00；100 积分起用，每次为 100 的倍数，最多抵商品、运费金额的 100%",
        "下单锁定积分 30 分钟，续期后最长 120 分钟",
        "订单所用积分随每次退货按比例退回，其间已到期的再有效 30 天",
        "退货时不足扣回的积分不再追回",
    )


def test_other_ways_of_giving_back_are_told() -> None:
    text = changed(
        (
            "wallets:",
            "returns: {give_back: only_when_full, expired_meanwhile: expire}\nwallets:",
        ),
        ("  groups:", "  earn_on_points_paid: true\n  groups:"),
    )
    program = read(text)

    english, chinese = program_words(program, "en").general, program_words(program, "zh").general

    assert english[2] == "Points are earned on goods, paid with points too"
    assert english[5] == (
        "Points spent on an order come back once all is returned; "
        "those that ended meanwhile expire at once"
    )
    assert chinese[2] == "商品实付金额（含积分抵扣部分）计积分"
    assert chinese[5] == "订单所用积分全部退货后退回，其间已到期的退回即过期"


def test_other_clocks_and_streaks_are_told() -> None:
    text = changed(
        ("wallets:", "clock: exact\nwallets:"), ("  groups:", "  streak: weekly\n  groups:")
    )
    weekly, monthly = read(text), read(text.replace("weekly", "monthly"))

    assert program_words(weekly, "en").general[:2] == (
        "Days are those of Asia/Shanghai, and periods count to the instant",
        "A check-in streak starts again every Monday",
    )
    assert program_words(weekly, "zh").general[:2] == (
        "日期按 Asia/Shanghai 时区，期限精确到时刻",
        "连续签到每周一重新计算",
    )
    assert (
        program_words(monthly, "en").general[1] == "A check-in streak starts again with every month"
    )
    assert program_words(monthly, "zh").general[1] == "连续签到每月重新计算"


def test_a_program_without_redemption_does_not_speak_of_worth() -> None:
    program = read(DOCUMENT[: DOCUMENT.index("redemption:")])

    assert len(program_words(program, "en").general) == 4
    assert len(program_words(program, "zh").general) == 4


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_part_of_the_sample_has_its_line(lang: str) -> None:
    program = read(SAMPLE.read_text("utf-8"))

    worded = program_words(program, lang)

    assert len(worded.wallets) == len(program.wallets)
    assert len(worded.rules) == len(program.earning.rules)
    assert len(worded.multipliers) == len(program.earning.multipliers)
    assert len(worded.caps) == len(program.earning.caps)
    lines = [line for field in fields(worded) for line in getattr(worded, field.name)]
    assert not any("  " in line or "None" in line for line in lines)


def test_wallets_and_rules_are_told_by_their_names() -> None:
    worded = program_words(read(DOCUMENT), "en")

    assert worded.wallets[1] == ("Growth: cannot be spent, usable 3 days after payment, never ends")
    assert worded.rules[0] == (
        "Shopping (Points): 1 point per CNY 1.00 on shoes, for CNY 10.00 or more"
    )
    assert worded.caps[0].startswith("Daily: at most")
    assert worded.multipliers == ("Double: 2 times Points",)


def test_a_window_open_at_both_ends_says_nothing() -> None:
    program = read(DOCUMENT)
    anytime: Condition = Window(None, None)

    assert English().leaf(anytime, program, holds=True) == ""
    assert condition_words(FirstOrder(), program, "en") == "on the first order"
    assert English().moment(datetime(2026, 1, 2, 3, 4, tzinfo=UTC)) == "2 January 2026 03:04"
