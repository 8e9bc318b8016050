from dataclasses import replace
from fractions import Fraction

import pytest

from loyalty_service.earning.rules.facts import LineKind
from loyalty_service.program.rules.conditions import (
    Category,
    Channel,
    MinimumAmount,
    MinimumQuantity,
    Sku,
)
from loyalty_service.program.rules.earning import ByStreak, Fixed
from loyalty_service.program.rules.program import Rounding
from tests.unit.earning_factories import (
    GROUPS,
    earn,
    event,
    fixed,
    line,
    order,
    per_unit,
    points,
    program,
    rate,
    refusal,
    rule,
    step,
)

SHOES = Category(frozenset({"shoes"}))
SHIPPING, TAX = LineKind.SHIPPING, LineKind.TAX


def test_a_rate_gives_in_proportion():
    two_per_yuan = program(rule(give=rate("2")), rounding=Rounding.CEILING)

    assert points(earn(two_per_yuan, order(line(1, 345)))) == {"base": 7}
    assert points(earn(replace(two_per_yuan, rounding=Rounding.FLOOR), order(line(1, 345)))) == {
        "base": 6
    }


def test_a_rate_may_be_any_exact_decimal():
    tenth = program(rule(give=rate("0.1", 100)))

    assert points(earn(tenth, order(line(1, 3000)))) == {"base": 3}
    assert refusal(earn(tenth, order(line(1, 999))), "base").saw == "0.999"


def test_a_step_gives_for_full_steps_only():
    seven_per_four = program(rule(give=step(7, 400)))

    assert points(earn(seven_per_four, order(line(1, 1199)))) == {"base": 14}
    assert points(earn(seven_per_four, order(line(1, 1200)))) == {"base": 21}


def test_steps_are_counted_over_all_lines_together():
    seven_per_four = program(rule(give=step(7, 400)))

    assert points(earn(seven_per_four, order(line(1, 300), line(2, 300)))) == {"base": 7}


def test_fixed_points_come_once_per_order():
    assert points(earn(program(fixed("once", 50)), order(line(1, 1, 9), line(2, 1)))) == {
        "once": 50
    }


def test_points_per_unit_count_units_of_the_picked_lines():
    five_a_unit = program(rule(give=per_unit("2.5"), lines=Sku(frozenset({"S1", "S3"}))))

    earned = earn(five_a_unit, order(line(1, 100, 2), line(2, 100, 7), line(3, 100, 1)))

    assert points(earned) == {"base": 7}


@pytest.mark.parametrize(("day", "expected"), [(1, 5), (2, 6), (3, 10), (4, 10), (400, 10)])
def test_a_streak_gives_by_its_day_and_repeats_the_last(day, expected):
    check_in = program(rule("daily", ByStreak((5, 6, 10)), trigger="check_in"))

    assert points(earn(check_in, event("check_in", streak=day))) == {"daily": expected}


def test_without_a_streak_there_is_nothing_to_give_by_its_day():
    check_in = program(rule("daily", ByStreak((5, 6)), trigger="check_in"))

    assert refusal(earn(check_in, event("check_in")), "daily").condition == "rounded_to_zero"


def test_an_event_gives_by_the_rules_of_its_name_only():
    both = program(
        fixed("review", 20, trigger="review"),
        fixed("sign_up", 100, trigger="sign_up"),
        rule("base"),
    )

    earned = earn(both, event("review"))

    assert points(earned) == {"review": 20}
    assert earned.refused == ()
    assert earned.by_rule[0].shares == ()
    assert points(earn(both)) == {"base": 100}


def test_an_event_nobody_rewards_gives_nothing():
    earned = earn(program(rule()), event("walked_past"))

    assert (earned.by_rule, earned.refused, dict(earned.explain())) == ((), (), {})


def test_an_events_conditions_are_asked_of_the_event():
    in_app = program(fixed("review", 20, trigger="review", when=Channel(frozenset({"app"}))))

    assert points(earn(in_app, event("review", channel="app"))) == {"review": 20}
    refused = refusal(earn(in_app, event("review", channel="web")), "review")
    assert (refused.condition, refused.asked, refused.saw) == ("channel", ["app"], "web")


def test_a_line_that_costs_nothing_earns_by_no_rule():
    every_unit = program(rule("unit", per_unit(5)), fixed("gift", 9, lines=SHOES), rule("base"))

    earned = earn(every_unit, order(line(1, 1000, 2), line(2, 0, 3, category="shoes")))

    assert points(earned) == {"unit": 10, "base": 10}
    assert refusal(earned, "gift").condition == "category"


def test_a_line_that_costs_nothing_counts_in_no_minimum():
    two_units = program(fixed("pair", 9, when=MinimumQuantity(2)))

    earned = earn(two_units, order(line(1, 1000), line(2, 0)))

    assert refusal(earned, "pair").saw == 1


def test_an_order_without_a_line_that_costs_anything_earns_nothing():
    earned = earn(program(rule(), fixed("shoes", 5, lines=SHOES)), order(line(1, 0)))

    assert earned.by_rule == ()
    assert [(one.rule_id, one.condition, one.asked, one.saw) for one in earned.refused] == [
        ("base", "no_basis", 1, 0),
        ("shoes", "no_basis", 1, 0),
    ]
    assert dict(earned.explain()) == {}


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({}, 10),
        ({"shipping": True}, 12),
        ({"tax": True}, 13),
        ({"shipping": True, "tax": True}, 15),
    ],
)
def test_shipping_and_tax_are_a_basis_only_where_the_program_says_so(sections, expected):
    cart = order(line(1, 1000), line(2, 200, kind=SHIPPING), line(3, 300, kind=TAX))

    assert points(earn(program(rule(), **sections), cart)) == {"base": expected}


def test_a_minimum_amount_looks_at_the_rules_own_lines():
    shoes_for_fifty = program(fixed("shoes", 9, lines=SHOES, when=MinimumAmount(5000)))
    cart = order(line(1, 4999, category="shoes"), line(2, 9000, category="hats"))

    assert refusal(earn(shoes_for_fifty, cart), "shoes").saw == 4999


def test_a_minimum_amount_does_not_look_at_shipping():
    for_ten = program(fixed("ten", 9, when=MinimumAmount(1000)))

    earned = earn(for_ten, order(line(1, 999), line(2, 500, kind=SHIPPING)))

    assert refusal(earned, "ten").saw == 999


def test_a_rule_that_rounds_to_nothing_is_refused_with_its_exact_points():
    earned = earn(program(rule(give=rate("0.35"))), order(line(1, 100)))

    refused = refusal(earned, "base")
    assert (refused.condition, refused.asked, refused.saw) == ("rounded_to_zero", "floor", "0.35")


def test_every_rule_of_the_trigger_either_gives_or_says_why_not():
    rules = [rule("a"), fixed("b", 3, lines=SHOES), fixed("c", 4, when=MinimumAmount(10**9))]

    earned = earn(program(*rules))

    assert points(earned) == {"a": 100}
    assert [one.rule_id for one in earned.refused] == ["b", "c"]


def test_shares_follow_value_and_go_to_the_picked_lines_only():
    shoes = program(rule(give=Fixed(10), lines=SHOES))
    cart = order(line(1, 100, category="shoes"), line(2, 900), line(3, 200, 9, category="shoes"))

    assert earn(shoes, cart).by_rule[0].shares == ((1, 3), (3, 7))


def test_shares_of_points_per_unit_follow_units():
    cart = order(line(1, 10_000, 1), line(2, 10, 3))

    assert earn(program(rule(give=per_unit(5))), cart).by_rule[0].shares == ((1, 5), (2, 15))


def test_a_share_of_nothing_is_left_out():
    assert earn(program(rule(give=Fixed(1))), order(line(1, 5), line(2, 6))).by_rule[0].shares == (
        (2, 1),
    )


def test_a_program_laid_out_long_ago_is_laid_out_again():
    many = [program(fixed("only", number)) for number in range(1, 80)]

    for _ in range(2):
        assert [points(earn(one))["only"] for one in many] == list(range(1, 80))


def test_rules_need_not_be_whole_to_be_exact():
    third = program(rule(give=rate(Fraction(1, 3), 100)), groups=GROUPS)

    assert points(earn(third, order(line(1, 900)))) == {"base": 3}
    assert refusal(earn(third, order(line(1, 100))), "base").saw == "1/3"
