import json

import pytest

from loyalty_service.earning.rules.plan import decimal_text
from loyalty_service.earning.rules.room import fit
from loyalty_service.earning.rules.words import explain_in_words
from loyalty_service.earning.schemas import ExplainedSchema
from loyalty_service.program.rules.conditions import Category, Channel, Sku
from loyalty_service.program.rules.earning import (
    ByStreak,
    CapPer,
    CapPeriod,
    CapUnit,
    MultipliersCombine,
    OverCap,
)
from loyalty_service.program.rules.program import Rounding
from tests.unit.earning_factories import (
    cap,
    earn,
    event,
    fixed,
    line,
    multiplier,
    order,
    per_unit,
    program,
    rate,
    rule,
    step,
)

SHOES = Category(frozenset({"shoes"}))
NEVER = Channel(frozenset({"nowhere"}))
CART = order(line(1, 3350, category="shoes"), line(2, 1000, 2))


def stored(earned, wallet="points"):
    """The explanation as it comes back years later."""
    return json.loads(json.dumps(earned.explain()[wallet]))


def worded(earned, lang="en", wallet="points"):
    return explain_in_words(stored(earned, wallet), lang)


def test_an_explanation_keeps_everything_that_decided():
    shoes_day = multiplier("day", "1.5", lines=SHOES)
    rules = (rule(), fixed("second", 30, priority=-1))
    earned = earn(program(*rules, multipliers=(shoes_day,), caps=(cap("c", ["second"], 20),)), CART)

    assert stored(earned) == {
        "form": 1,
        "on": "order",
        "judged_at": "2024-11-11T04:00:00Z",
        "wallet": {"en": "Points", "zh": "积分"},
        "currency": "CNY",
        "rounding": "floor",
        "basis": {"value_minor": 4350, "lines": [[1, 3350, 1], [2, 1000, 2]]},
        "multipliers": [
            {
                "id": "day",
                "name": {"en": "day times", "zh": "day倍"},
                "factor": "1.5",
                "lines": [1],
            }
        ],
        "combine": "multiply",
        "rules": [
            {
                "id": "base",
                "name": {"en": "base rule", "zh": "base规则"},
                "give": {"rate": "1", "per_minor": 100},
                "value_minor": 4350,
                "exact": "43.5",
                "by": ["day"],
                "times": [["1.5", [1]], ["1", [2]]],
                "multiplied": "60.25",
                "rounded": 60,
                "points": 60,
            },
            {
                "id": "second",
                "name": {"en": "second rule", "zh": "second规则"},
                "give": {"fixed": 30},
                "exact": "30",
                "by": ["day"],
                "times": [["1.5", [1]], ["1", [2]]],
                "multiplied": "1205/29",
                "rounded": 41,
                "points": 20,
            },
        ],
        "caps": [
            {
                "id": "c",
                "name": {"en": "c cap", "zh": "c上限"},
                "per": "order",
                "unit": "points",
                "limit": 20,
                "over": "cut",
                "asked": 41,
                "room": 20,
                "cuts": [["second", 41, 20]],
            }
        ],
        "points": 80,
    }


def test_every_wallet_is_explained_by_itself():
    earned = earn(program(rule(), rule("g", rate("2"), wallet="growth")), CART)

    assert stored(earned)["points"] == 43
    assert stored(earned, "growth")["points"] == 87
    assert [one["id"] for one in stored(earned, "growth")["rules"]] == ["g"]


def test_a_usual_explanation_is_short():
    cart = order(*[line(number, 19_990, number, category="shoes") for number in range(1, 6)])
    usual = program(
        rule(),
        rule("shoes", step(7, 400), lines=SHOES),
        fixed("app", 50, plain=True),
        multipliers=(multiplier("singles_day", 2),),
    )

    text = json.dumps(stored(earn(usual, cart)), ensure_ascii=False, separators=(",", ":"))

    assert len(text.encode()) < 1000


def test_a_multiplier_that_touched_nothing_is_not_told():
    on_shoes = multiplier("m", 2, lines=SHOES)
    only_line_two = rule(lines=Category(frozenset({"hats"})))
    cart = order(line(1, 3350, category="shoes"), line(2, 1000, category="hats"))

    earned = earn(program(only_line_two, multipliers=(on_shoes,)), cart)

    assert "multipliers" not in stored(earned)
    assert worded(earned)[1] == "base rule: 1 point per CNY 1.00 of CNY 10.00 (line 2) = 10."


def test_words_show_the_product_and_the_one_rounding():
    earned = earn(program(rule(), multipliers=(multiplier("day", "1.5"),)), order(line(1, 3350)))

    assert worded(earned) == [
        "Basis: CNY 33.50 (line 1 CNY 33.50).",
        (
            "base rule: 1 point per CNY 1.00 of CNY 33.50 = 33.5; "
            "33.5 x 1.5 (day times) = 50.25, rounded down to 50."
        ),
        "Total in Points: 50.",
    ]
    assert worded(earned, "zh") == [
        "计分金额：33.50 元（第 1 行 33.50 元）。",
        (
            "base规则：每 1.00 元得 1 分，按 33.50 元计，得 33.5；"
            "33.5 × 1.5（day倍）= 50.25，向下取整为 50。"
        ),
        "积分合计：50。",
    ]


def test_words_show_the_factor_of_every_line_where_they_differ():
    on_shoes = multiplier("day", "1.5", lines=SHOES)

    earned = earn(program(rule(), multipliers=(on_shoes,)), CART)

    assert worded(earned)[1].endswith(
        "43.5 shared over the lines: line 1 x 1.5, line 2 x 1 (day times) = 60.25, "
        "rounded down to 60."
    )
    assert worded(earned, "zh")[1].endswith(
        "43.5 分摊到各行：第 1 行 × 1.5，第 2 行 × 1（day倍）= 60.25，向下取整为 60。"
    )


@pytest.mark.parametrize(
    ("combine", "english", "chinese"),
    [
        (
            MultipliersCombine.MULTIPLY,
            "10 x 3 (a times 2 x b times 1.5) = 30.",
            "10 × 3（a倍 2 × b倍 1.5）= 30。",
        ),
        (
            MultipliersCombine.ADD,
            "10 x 2.5 (a times 2 + b times 1.5, added) = 25.",
            "10 × 2.5（a倍 2 + b倍 1.5，相加）= 25。",
        ),
    ],
)
def test_words_say_how_several_multipliers_combine(combine, english, chinese):
    both = (multiplier("a", 2), multiplier("b", "1.5"))

    earned = earn(program(fixed("ten", 10), multipliers=both, multipliers_combine=combine))

    assert worded(earned)[1] == f"ten rule: 10 points; {english}"
    assert worded(earned, "zh")[1] == f"ten规则：固定 10 分；{chinese}"


@pytest.mark.parametrize(
    ("give", "english", "chinese"),
    [
        (
            step(7, 400),
            "7 points per full CNY 4.00 of CNY 43.50 = 70",
            "每满 4.00 元得 7 分，按 43.50 元计，得 70",
        ),
        (per_unit("2"), "2 points per unit, 3 bought = 6", "每件得 2 分，共 3 件，得 6"),
    ],
)
def test_words_say_how_a_rule_gives(give, english, chinese):
    earned = earn(program(rule(give=give)), CART)

    assert worded(earned)[1] == f"base rule: {english}."
    assert worded(earned, "zh")[1] == f"base规则：{chinese}。"


def test_words_show_the_first_decimals_of_a_fraction_and_separate_thousands():
    on_shoes = multiplier("day", "1.5", lines=SHOES)
    cart = order(line(1, 300_000, category="shoes"), line(2, 400_000))

    earned = earn(program(fixed("gift", 2_000), multipliers=(on_shoes,)), cart)

    assert stored(earned)["rules"][0]["multiplied"] == "17000/7"
    assert worded(earned)[1:] == [
        (
            "gift rule: 2,000 points; 2,000 shared over the lines: line 1 x 1.5, line 2 x 1 "
            "(day times) = 2,428.5714…, rounded down to 2,428."
        ),
        "Total in Points: 2,428.",
    ]


@pytest.mark.parametrize("currency", ["CNY", "USD"])
def test_words_tell_money_as_the_language_writes_it(currency):
    earned = earn(program(rule()), order(line(1, 3350)))
    explanation = {**stored(earned), "currency": currency}

    money = "33.50 元" if currency == "CNY" else "USD 33.50 "
    assert f"按 {money}计" in explain_in_words(explanation, "zh")[1]
    assert f"of {currency} 33.50 =" in explain_in_words(explanation, "en")[1]


def test_words_name_several_lines():
    shoes = rule(give=step(7, 400), lines=SHOES)
    cart = order(*[line(number, 400, category="shoes") for number in (1, 2)], line(3, 400))

    earned = earn(program(shoes), cart)

    assert worded(earned)[1] == (
        "base rule: 7 points per full CNY 4.00 of CNY 8.00 (lines 1, 2) = 14."
    )
    assert "（第 1、2 行）" in worded(earned, "zh")[1]


def test_words_of_very_many_lines_are_as_long_as_the_contract_allows():
    names = [f"{n:03}{'n' * 80}" for n in range(200)]
    lines = [line(n, 10**12 + n, category="shoes") for n in range(1, 500)]
    factors = [multiplier(name, "1.01") for name in names[:30]]
    on_one = [
        multiplier(f"s{n}", f"1.{n:03}", lines=Sku(frozenset({f"S{n}"}))) for n in range(1, 400)
    ]
    rules = [rule("shoes", lines=SHOES), *(fixed(name, 9) for name in names)]
    greedy = program(*rules, multipliers=(*factors, *on_one), caps=(cap("c", names, 9),))

    earned = earn(greedy, order(*lines, line(500, 1)))

    longest = ExplainedSchema().fields["words"].inner.maximum
    for lang in ("en", "zh"):
        assert max(map(len, worded(earned, lang))) <= longest
    basis, shoes, *_ = worded(earned)
    assert basis.endswith("line 20 CNY 10,000,000,000.20, and 480 more).")
    assert "(lines 1, 2, " in shoes
    assert "18, 19, 20, and 479 more) = " in shoes
    assert worded(earned, "zh")[0].endswith("第 20 行 10,000,000,000.20 元，另有 480 行）。")
    assert "19、20 行，另有 479 行）" in worded(earned, "zh")[1]


def test_words_tell_a_check_in_by_its_day():
    check_in = program(rule("daily", ByStreak((5, 6, 10)), trigger="check_in"))

    earned = earn(check_in, event("check_in", streak=3))

    assert worded(earned) == [
        "Event: check_in, day 3 in a row.",
        "daily rule: day 3 in a row gives 10 points.",
        "Total in Points: 10.",
    ]
    assert worded(earned, "zh")[:2] == [
        "事件：check_in，连续第 3 天。",
        "daily规则：连续第 3 天得 10 分。",
    ]


def test_words_name_any_other_event():
    earned = earn(program(fixed("review", 20, trigger="review")), event("review"))

    assert worded(earned)[:2] == ["Event: review.", "review rule: 20 points."]
    assert worded(earned, "zh")[0] == "事件：review。"


def test_words_name_the_rule_that_counts_instead():
    best = [fixed("a", 1, group="best"), fixed("b", 2, group="best")]
    alone = [fixed("a", 1), fixed("b", 2, exclusive=True)]

    beaten, excluded = earn(program(*best)), earn(program(*alone))

    assert worded(beaten)[1] == "a rule: 1 point; not counted, b rule counts in its place."
    assert worded(beaten, "zh")[1] == "a规则：固定 1 分；未计入，以「b规则」为准。"
    assert worded(excluded)[1] == "a rule: 1 point; not counted, b rule stands alone."
    assert worded(excluded, "zh")[1] == "a规则：固定 1 分；未计入，「b规则」不与其他规则叠加。"


def test_words_say_what_a_cap_cut():
    daily = cap("daily", "ab", 50, CapPer.MEMBER)

    earned = earn(program(fixed("a", 40), fixed("b", 30), caps=(daily,)), used={"daily": 5})

    assert worded(earned)[3] == (
        "daily cap: at most 50 points per day, room for 45, asked for 70, "
        "cut to fit: b rule gives 5 instead of 30."
    )
    assert worded(earned, "zh")[3] == (
        "daily上限：每天最多 50 分，剩余额度 45，本次共 70，超出部分不计：「b规则」由 30 减为 5。"
    )


@pytest.mark.parametrize(("limit", "limited"), [(1, "1 time"), (2, "2 times")])
def test_words_say_what_a_cap_rejected(limit, limited):
    rules = [fixed(name, 5, trigger="review") for name in "abc"]
    monthly = cap(
        "monthly",
        "abc",
        limit,
        CapPer.MEMBER,
        period=CapPeriod.MONTH,
        unit=CapUnit.TIMES,
        over=OverCap.REJECT,
    )

    earned = earn(program(*rules, caps=(monthly,)), event("review"))

    assert worded(earned)[4] == (
        f"monthly cap: at most {limited} per month, room for {limit}, asked for 3, "
        "so nothing is given: a rule gives 0 instead of 5, b rule gives 0 instead of 5, "
        "c rule gives 0 instead of 5."
    )
    assert worded(earned, "zh")[4].startswith(f"monthly上限：每月最多 {limit} 次，")


@pytest.mark.parametrize(
    ("rounding", "english", "chinese"),
    [
        (Rounding.FLOOR, "rounded down to 33", "向下取整为 33"),
        (Rounding.CEILING, "rounded up to 34", "向上取整为 34"),
        (Rounding.HALF_UP, "rounded half up to 34", "四舍五入为 34"),
        (Rounding.HALF_EVEN, "rounded half to even to 34", "四舍六入五成双，取整为 34"),
    ],
)
def test_words_name_the_rounding(rounding, english, chinese):
    earned = earn(program(rule(), rounding=rounding), order(line(1, 3350)))

    assert worded(earned)[1].endswith(f"= 33.5, {english}.")
    assert worded(earned, "zh")[1].endswith(f"得 33.5，{chinese}。")


def test_exact_points_without_end_are_told_by_their_first_decimals():
    earned = earn(program(rule(give=rate("1", 300))), order(line(1, 1000)))

    assert worded(earned)[1] == (
        "base rule: 1 point per CNY 3.00 of CNY 10.00 = 3.3333…, rounded down to 3."
    )


def test_money_is_told_with_the_decimals_of_its_currency():
    earned = earn(program(rule(give=rate("1", 100)), currency="JPY"), order(line(1, 12_000)))

    assert worded(earned)[0] == "Basis: JPY 12,000 (line 1 JPY 12,000)."


def test_what_did_not_apply_is_no_part_of_an_explanation():
    earned = earn(program(rule(), fixed("never", 5, when=NEVER)))

    assert [one["id"] for one in stored(earned)["rules"]] == ["base"]


def test_a_multiplier_names_its_lines_only_where_it_acts_on_some():
    everywhere = multiplier("all", 2)

    earned = earn(program(rule(), multipliers=(everywhere,)), CART)

    assert "lines" not in stored(earned)["multipliers"][0]


def test_a_rule_that_does_not_count_is_told_with_no_points():
    earned = earn(program(fixed("a", 1, group="best"), fixed("b", 2, group="best")))

    assert [(one["rounded"], one["points"]) for one in stored(earned)["rules"]] == [(1, 0), (2, 2)]


@pytest.mark.parametrize(
    ("numerator", "denominator", "text"),
    [
        (0, 7, "0"),
        (14, 7, "2"),
        (3, 8, "0.375"),
        (10**12 + 1, 10**12, "1.000000000001"),
        (10**13 + 1, 10**13, "10000000000001/10000000000000"),
        (4, 6, "2/3"),
    ],
)
def test_exact_numbers_are_decimals_where_those_end_soon(numerator, denominator, text):
    assert decimal_text(numerator, denominator) == text


def test_a_rule_names_its_lines_only_where_it_picks_some():
    cart = order(line(1, 400, category="shoes"), line(2, 400, category="shoes"))

    earned = earn(program(rule(lines=SHOES)), cart)

    assert "lines" not in stored(earned)["rules"][0]


def test_what_an_account_has_no_room_for_is_cut_from_the_last_rule_on():
    rules = (fixed(name, 40, trigger="birthday", priority=-n) for n, name in enumerate("abc"))
    earned = earn(program(*rules), event("birthday"))

    cut = fit(earned, {"points": 50})

    assert [(given.rule.id, given.points) for given in cut.by_rule] == [("a", 40), ("b", 10)]
    told = stored(cut)
    assert told["account"] == {"room": 50, "cuts": [["b", 40, 10], ["c", 40, 0]]}
    assert ([rule["points"] for rule in told["rules"]], told["points"]) == ([40, 10, 0], 50)
    assert worded(cut)[-2:] == [
        (
            "The account can take 50 points more, cut to fit: b rule gives 10 instead of 40, "
            "c rule gives 0 instead of 40."
        ),
        "Total in Points: 50.",
    ]


@pytest.mark.parametrize("room", [120, 121])
def test_what_an_account_has_room_for_is_left_as_it_is(room):
    rules = (fixed(name, 40, trigger="birthday") for name in "abc")
    earned = earn(program(*rules), event("birthday"))

    assert fit(earned, {"points": room}) is earned
