import pytest

from loyalty_service.program.rules.conditions import Category, Channel, MinimumAmount
from loyalty_service.program.rules.earning import MultipliersCombine
from loyalty_service.program.rules.program import Rounding
from tests.unit.earning_factories import (
    earn,
    event,
    fixed,
    line,
    multiplier,
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
NEVER = Channel(frozenset({"nowhere"}))
ADD = MultipliersCombine.ADD


def test_rules_of_a_summing_group_all_count():
    assert points(earn(program(fixed("a", 3), fixed("b", 4)))) == {"a": 3, "b": 4}


def test_of_a_best_group_the_most_points_count():
    gives = {"a": 3, "b": 9, "c": 4}
    earned = earn(program(*[fixed(name, n, group="best") for name, n in gives.items()]))

    assert points(earned) == {"b": 9}
    assert refusal(earned, "a").condition == "beaten"
    assert refusal(earned, "a").asked == {"by": "b", "group": "best", "combine": "best"}
    assert refusal(earned, "c").saw == 4


def test_best_is_judged_after_multiplying_and_rounding():
    doubled = multiplier("x", 2)
    earned = earn(
        program(
            fixed("plain", 15, group="best", plain=True),
            fixed("ten", 10, group="best"),
            multipliers=(doubled,),
        )
    )

    assert points(earned) == {"ten": 20}


def test_equally_good_rules_are_told_apart_by_priority_then_by_place():
    first = [fixed("a", 5, group="best"), fixed("b", 5, group="best")]
    raised = [fixed("a", 5, group="best"), fixed("b", 5, group="best", priority=1)]

    assert points(earn(program(*first))) == {"a": 5}
    assert points(earn(program(*raised))) == {"b": 5}


def test_of_a_first_group_the_first_that_applies_counts_however_little_it_gives():
    rules = [
        fixed("never", 100, group="first", when=NEVER),
        fixed("little", 1, group="first"),
        fixed("much", 99, group="first"),
    ]

    earned = earn(program(*rules))

    assert points(earned) == {"little": 1}
    assert refusal(earned, "much").asked["by"] == "little"
    assert refusal(earned, "never").condition == "channel"


def test_in_a_first_group_priority_goes_before_place():
    rules = [fixed("a", 1, group="first"), fixed("b", 2, group="first", priority=3)]

    assert points(earn(program(*rules))) == {"b": 2}


def test_a_first_rule_that_rounds_to_nothing_still_stands_in_front():
    rules = [rule("tiny", rate("0.001"), group="first"), fixed("b", 2, group="first")]

    earned = earn(program(*rules))

    assert points(earned) == {}
    assert refusal(earned, "tiny").condition == "rounded_to_zero"
    assert refusal(earned, "b").condition == "beaten"


def test_groups_add_up():
    rules = [fixed("a", 1), fixed("b", 2, group="best"), fixed("c", 4, group="first")]

    assert sum(points(earn(program(*rules))).values()) == 7


def test_a_group_is_counted_in_each_wallet_by_itself():
    rules = [fixed("a", 9, group="best"), fixed("b", 2, group="best", wallet="growth")]

    assert points(earn(program(*rules))) == {"a": 9, "b": 2}


def test_an_exclusive_rule_stands_alone_in_its_wallet():
    rules = [
        fixed("a", 9),
        fixed("alone", 2, exclusive=True),
        fixed("b", 9, group="best", priority=9),
        fixed("growth", 5, wallet="growth"),
    ]

    earned = earn(program(*rules))

    assert points(earned) == {"alone": 2, "growth": 5}
    assert refusal(earned, "a").condition == "excluded"
    assert refusal(earned, "b").asked["by"] == "alone"


def test_an_exclusive_rule_that_does_not_apply_excludes_nothing():
    rules = [fixed("a", 9), fixed("alone", 2, exclusive=True, when=NEVER)]

    assert points(earn(program(*rules))) == {"a": 9}


def test_of_several_exclusive_rules_only_the_first_counts():
    by_place = [fixed("a", 1, exclusive=True), fixed("b", 2, exclusive=True)]
    by_priority = [fixed("a", 1, exclusive=True), fixed("b", 2, exclusive=True, priority=1)]

    assert points(earn(program(*by_place))) == {"a": 1}
    assert points(earn(program(*by_priority))) == {"b": 2}


def test_points_are_rounded_once_after_all_factors():
    halves = program(rule(), multipliers=(multiplier("m", "1.5"),))

    assert points(earn(halves, order(line(1, 3350)))) == {"base": 50}
    assert points(earn(halves, order(line(1, 3367)))) == {"base": 50}
    assert points(earn(halves, order(line(1, 3400)))) == {"base": 51}


@pytest.mark.parametrize(("combine", "expected"), [(MultipliersCombine.MULTIPLY, 300), (ADD, 250)])
def test_multipliers_multiply_or_add(combine, expected):
    both = (multiplier("double", 2), multiplier("half_more", "1.5"))

    earned = earn(program(rule(), multipliers=both, multipliers_combine=combine))

    assert points(earned) == {"base": expected}


@pytest.mark.parametrize(("combine", "expected"), [(MultipliersCombine.MULTIPLY, 25), (ADD, 0)])
def test_factors_below_one_never_make_points_negative(combine, expected):
    both = (multiplier("a", "0.5"), multiplier("b", "0.5"))

    earned = earn(program(rule(), multipliers=both, multipliers_combine=combine))

    assert points(earned) == ({"base": expected} if expected else {})


def test_added_factors_that_fall_below_nothing_give_nothing():
    both = (multiplier("a", "0.2"), multiplier("b", "0.2"))

    earned = earn(program(rule(), multipliers=both, multipliers_combine=ADD))

    assert points(earned) == {}


@pytest.mark.parametrize("combine", list(MultipliersCombine))
def test_a_multiplier_acts_on_its_lines_only(combine):
    on_shoes = multiplier("m", "1.5", lines=SHOES)
    cart = order(line(1, 1000, category="shoes"), line(2, 500))

    earned = earn(program(rule(), multipliers=(on_shoes,), multipliers_combine=combine), cart)

    assert points(earned) == {"base": 20}


def test_fixed_points_are_multiplied_on_the_part_that_the_lines_brought():
    on_shoes = multiplier("m", 3, lines=SHOES)
    cart = order(line(1, 1000, category="shoes"), line(2, 3000))

    earned = earn(program(fixed("a", 8), rule("s", step(4, 2000)), multipliers=(on_shoes,)), cart)

    assert points(earned) == {"a": 12, "s": 12}


def test_points_per_unit_are_multiplied_by_units_not_by_value():
    on_shoes = multiplier("m", 2, lines=SHOES)
    cart = order(line(1, 9000, 1, category="shoes"), line(2, 10, 3))

    assert points(earn(program(rule(give=per_unit(1)), multipliers=(on_shoes,)), cart)) == {
        "base": 5
    }


def test_shares_of_multiplied_points_still_follow_value_alone():
    on_shoes = multiplier("m", 3, lines=SHOES)
    cart = order(line(1, 1000, category="shoes"), line(2, 1000))

    earned = earn(program(rule(), multipliers=(on_shoes,)), cart)

    assert earned.by_rule[0].shares == ((1, 20), (2, 20))


def test_a_multiplier_acts_on_the_wallets_it_names():
    rules = [fixed("p", 10), fixed("g", 10, wallet="growth")]

    assert points(earn(program(*rules, multipliers=(multiplier("m", 2),)))) == {"p": 20, "g": 10}
    both = multiplier("m", 2, wallets=("points", "growth"))
    assert points(earn(program(*rules, multipliers=(both,)))) == {"p": 20, "g": 20}


def test_plain_rules_are_not_multiplied():
    assert points(earn(program(fixed("p", 10, plain=True), multipliers=(multiplier("m", 2),)))) == {
        "p": 10
    }


def test_event_points_are_not_multiplied():
    with_double = program(fixed("review", 10, trigger="review"), multipliers=(multiplier("m", 2),))

    assert points(earn(with_double, event("review"))) == {"review": 10}


def test_a_multiplier_whose_gate_is_shut_does_nothing():
    shut = multiplier("m", 2, when=NEVER)

    assert points(earn(program(rule(), multipliers=(shut,)))) == {"base": 100}


def test_a_multipliers_minimum_looks_at_its_own_lines():
    for_fifty_of_shoes = multiplier("m", 2, lines=SHOES, when=MinimumAmount(5000))

    def earned(shoes_minor):
        cart = order(line(1, shoes_minor, category="shoes"), line(2, 9000))
        return points(earn(program(rule(), multipliers=(for_fifty_of_shoes,)), cart))

    assert earned(4900) == {"base": 139}
    assert earned(5000) == {"base": 190}


def test_a_multiplier_with_no_line_to_act_on_does_nothing():
    assert points(earn(program(rule(), multipliers=(multiplier("m", 2, lines=SHOES),)))) == {
        "base": 100
    }


def test_nothing_multiplied_is_nothing():
    earned = earn(program(rule(give=step(5, 10**6)), multipliers=(multiplier("m", 2),)))

    assert refusal(earned, "base").saw == "0"


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        (Rounding.FLOOR, 50),
        (Rounding.HALF_UP, 51),
        (Rounding.HALF_EVEN, 50),
        (Rounding.CEILING, 51),
    ],
)
def test_the_programs_rounding_is_the_one_used(rounding, expected):
    earned = earn(program(rule(), rounding=rounding), order(line(1, 5050)))

    assert points(earned) == {"base": expected}
