import pytest

from loyalty_service.program.rules.conditions import Category
from loyalty_service.program.rules.earning import CapPer, CapUnit, OverCap
from tests.unit.earning_factories import (
    cap,
    earn,
    event,
    fixed,
    line,
    multiplier,
    order,
    points,
    program,
    refusal,
    rule,
)

RULE, ORDER, MEMBER = CapPer.RULE, CapPer.ORDER, CapPer.MEMBER
REJECT, TIMES = OverCap.REJECT, CapUnit.TIMES
PAIR = (fixed("a", 60), fixed("b", 50))


def capped(*caps, used=None, rules=PAIR):
    return earn(program(*rules, caps=caps), used=used)


def test_what_fits_under_a_cap_is_left_alone():
    assert points(capped(cap("c", "ab", 110))) == {"a": 60, "b": 50}


def test_a_cap_cuts_from_the_later_rule_first():
    assert points(capped(cap("c", "ab", 109))) == {"a": 60, "b": 49}
    assert points(capped(cap("c", "ab", 40))) == {"a": 40}


def test_a_cap_cuts_from_the_lowest_priority_first():
    rules = (fixed("a", 60), fixed("b", 50, priority=1))

    assert points(capped(cap("c", "ab", 70), rules=rules)) == {"a": 20, "b": 50}


def test_a_rule_cut_to_nothing_is_refused_with_the_cap_and_its_room():
    refused = refusal(capped(cap("c", "ab", 60, MEMBER), used={"c": 10}), "b")

    assert (refused.condition, refused.saw) == ("over_cap", 50)
    assert refused.asked == {"cap": "c", "limit": 60, "room": 50}


def test_the_refusal_names_the_cap_that_took_the_last_point():
    earned = capped(cap("first", "ab", 70), cap("second", "ab", 60))

    assert refusal(earned, "b").asked["cap"] == "second"
    assert refusal(earned, "b").saw == 10


def test_a_cap_leaves_rules_alone_that_it_does_not_cover():
    assert points(capped(cap("c", "b", 5))) == {"a": 60, "b": 5}


def test_a_cap_per_rule_limits_each_rule_by_itself():
    assert points(capped(cap("c", "ab", 55, RULE))) == {"a": 55, "b": 50}


def test_a_cap_per_order_ignores_what_was_earned_before():
    assert points(capped(cap("c", "ab", 100), used={"c": 90})) == {"a": 60, "b": 40}


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        ({}, {"a": 60, "b": 40}),
        ({"c": 45}, {"a": 55}),
        ({"c": 100}, {}),
        ({"c": 200}, {}),
        ({"c": -5}, {"a": 60, "b": 40}),
    ],
)
def test_a_cap_per_member_counts_what_its_period_has_used(used, expected):
    assert points(capped(cap("c", "ab", 100, MEMBER), used=used)) == expected


def test_caps_apply_per_rule_then_per_order_then_per_member():
    member = cap("member", "ab", 70, MEMBER, over=REJECT)
    per_order = cap("order", "ab", 75)
    per_rule = cap("rule", "ab", 20, RULE)

    # Per rule 20 and 20; together 40, which neither of the others minds.
    assert points(capped(member, per_order, per_rule)) == {"a": 20, "b": 20}
    # Without it the order's cap leaves 75, which the member's rejects.
    assert points(capped(member, per_order)) == {}


def test_caps_of_one_kind_apply_in_the_order_of_the_document():
    cut, reject = cap("cut", "ab", 80), cap("reject", "ab", 100, over=REJECT)

    assert points(capped(cut, reject)) == {"a": 60, "b": 20}
    assert points(capped(reject, cut)) == {}


def test_a_cap_that_rejects_takes_everything_it_covers_and_nothing_else():
    rules = (*PAIR, fixed("c", 7))

    earned = capped(cap("no", "ab", 109, over=REJECT), rules=rules)

    assert points(earned) == {"c": 7}
    assert refusal(earned, "a").condition == refusal(earned, "b").condition == "over_cap"


def test_a_rejecting_cap_per_rule_rejects_the_rule_that_exceeds_it():
    assert points(capped(cap("no", "ab", 55, RULE, over=REJECT))) == {"b": 50}


def test_times_keep_the_rules_that_go_first():
    rules = (fixed("a", 1), fixed("b", 2, priority=1), fixed("c", 3))
    twice = cap("twice", "abc", 2, MEMBER, unit=TIMES)

    assert points(capped(twice, rules=rules)) == {"a": 1, "b": 2}
    assert points(capped(twice, rules=rules, used={"twice": 1})) == {"b": 2}
    assert points(capped(twice, rules=rules, used={"twice": 2})) == {}


def test_times_may_reject_too():
    assert points(capped(cap("once", "ab", 1, MEMBER, unit=TIMES, over=REJECT))) == {}
    assert points(capped(cap("twice", "ab", 2, MEMBER, unit=TIMES, over=REJECT))) == {
        "a": 60,
        "b": 50,
    }


def test_a_rule_that_gives_nothing_counts_no_time():
    rules = (fixed("a", 0), fixed("b", 2))

    assert points(capped(cap("once", "ab", 1, MEMBER, unit=TIMES), rules=rules)) == {"b": 2}


def test_a_rule_beaten_in_its_group_takes_no_room():
    rules = (fixed("a", 60, group="best"), fixed("b", 50, group="best"), fixed("c", 40))

    assert points(capped(cap("c", "abc", 100), rules=rules)) == {"a": 60, "c": 40}


def test_a_cap_counts_points_already_multiplied_and_rounded():
    doubled = program(
        fixed("a", 60), multipliers=(multiplier("m", "1.999"),), caps=(cap("c", "a", 118),)
    )

    earned = earn(doubled)

    assert points(earned) == {"a": 118}
    assert earned.explain()["points"]["caps"][0]["asked"] == 119


def test_a_cap_spans_wallets():
    rules = (fixed("a", 60), fixed("b", 50, wallet="growth"))

    earned = capped(cap("c", "ab", 70), rules=rules)

    assert points(earned) == {"a": 60, "b": 10}
    assert "caps" not in earned.explain()["points"]
    assert earned.explain()["growth"]["caps"][0]["cuts"] == [["b", 50, 10]]


def test_a_capped_rule_shares_what_is_left_of_it():
    earned = earn(
        program(rule(), caps=(cap("c", ["base"], 5),)), order(line(1, 1000), line(2, 3000))
    )

    assert earned.by_rule[0].shares == ((1, 1), (2, 4))


def test_a_cap_may_cover_orders_and_events_together():
    shared = program(
        fixed("a", 60),
        fixed("review", 30, trigger="review"),
        caps=(cap("day", ["a", "review"], 70, MEMBER),),
    )

    assert points(earn(shared)) == {"a": 60}
    assert points(earn(shared, event("review"), used={"day": 60})) == {"review": 10}
    assert refusal(earn(shared, event("review"), used={"day": 70}), "review").saw == 30


def test_a_cap_never_touches_a_rule_that_does_not_apply():
    shoes = Category(frozenset({"shoes"}))

    earned = capped(cap("c", "ab", 5), rules=(fixed("a", 60, lines=shoes), fixed("b", 5)))

    assert points(earned) == {"b": 5}
