"""Earning against a slow second reading of the rules, written without a look at the first."""

from dataclasses import replace
from fractions import Fraction
from math import ceil, floor

from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_service.program.rules.conditions import Category, Channel, MinimumAmount
from loyalty_service.program.rules.earning import (
    CapPer,
    CapUnit,
    Fixed,
    MultipliersCombine,
    OverCap,
    PerUnit,
    Rate,
    Step,
)
from loyalty_service.program.rules.program import Rounding
from tests.unit.earning_factories import (
    cap,
    earn,
    fixed,
    line,
    multiplier,
    order,
    points,
    program,
    rule,
)

RULE_IDS = ("a", "b", "c", "d", "e")
KINDS = st.sampled_from(["shoes", "hats", None])
EXACT = st.fractions(0, 20, max_denominator=8)
CATEGORIES = st.sampled_from(
    [None, Category(frozenset({"shoes"})), Category(frozenset({"shoes", "hats"}))]
)
GATES = st.one_of(st.none(), st.builds(MinimumAmount, st.integers(1, 3000)))
GIVES = st.one_of(
    st.builds(Rate, EXACT, st.integers(1, 700)),
    st.builds(Step, st.integers(0, 9), st.integers(1, 700)),
    st.builds(Fixed, st.integers(0, 60)),
    st.builds(PerUnit, EXACT),
)


@st.composite
def orders(draw):
    lines = [
        line(number, draw(st.integers(0, 4000)), draw(st.integers(1, 5)), category=draw(KINDS))
        for number in range(1, draw(st.integers(1, 5)) + 1)
    ]
    return order(*lines)


@st.composite
def programs(draw):
    rules = [
        rule(
            rule_id,
            draw(GIVES),
            wallet=draw(st.sampled_from(["points", "points", "growth"])),
            group=draw(st.sampled_from(["sum", "best", "first"])),
            priority=draw(st.integers(-1, 1)),
            exclusive=draw(st.integers(0, 9)) == 0,
            plain=draw(st.booleans()),
            lines=draw(CATEGORIES),
            when=draw(GATES),
        )
        for rule_id in RULE_IDS[: draw(st.integers(1, 5))]
    ]
    wallets = st.sampled_from([("points",), ("growth",), ("points", "growth")])
    multipliers = [
        multiplier(f"m{n}", draw(EXACT), draw(wallets), lines=draw(CATEGORIES), when=draw(GATES))
        for n in range(draw(st.integers(0, 3)))
    ]
    ids = [one.id for one in rules]
    caps = [
        cap(
            f"k{n}",
            draw(st.lists(st.sampled_from(ids), min_size=1, unique=True)),
            draw(st.integers(1, 120)),
            draw(st.sampled_from(list(CapPer))),
            over=draw(st.sampled_from(list(OverCap))),
        )
        for n in range(draw(st.integers(0, 3)))
    ]
    caps += [
        cap(
            "times",
            ids,
            draw(st.integers(1, 3)),
            CapPer.MEMBER,
            unit=CapUnit.TIMES,
            over=draw(st.sampled_from(list(OverCap))),
        )
        for _ in range(draw(st.integers(0, 1)))
    ]
    return program(
        *rules,
        rounding=draw(st.sampled_from(list(Rounding))),
        multipliers=tuple(multipliers),
        multipliers_combine=draw(st.sampled_from(list(MultipliersCombine))),
        caps=tuple(caps),
    )


USES = st.dictionaries(st.sampled_from(["k0", "k1", "k2", "times"]), st.integers(-20, 60))


# ---- the second reading -------------------------------------------------------------------


def picked_of(condition, lines):
    return [one for one in lines if condition is None or one.category in condition.names]


def gate_holds(condition, lines):
    return condition is None or sum(one.paid_minor for one in lines) >= condition.amount_minor


def factor_of(one_line, wallet, from_program, basis):
    factors = []
    for one in from_program.earning.multipliers:
        own = picked_of(one.lines, basis)
        if wallet in one.wallets and one_line in own and gate_holds(one.when, own):
            factors.append(one.factor)
    if from_program.earning.multipliers_combine is MultipliersCombine.ADD:
        return max(1 + sum((factor - 1 for factor in factors), Fraction(0)), Fraction(0))
    product = Fraction(1)
    for factor in factors:
        product *= factor
    return product


def exact_of(give, lines):
    value = Fraction(sum(one.paid_minor for one in lines))
    if isinstance(give, Rate):
        return give.points * value / give.per_minor
    if isinstance(give, Step):
        return Fraction(give.points * floor(value / give.per_minor))
    if isinstance(give, Fixed):
        return Fraction(give.points)
    return give.points * sum(one.quantity for one in lines)


def multiplied_of(one_rule, lines, from_program, basis):
    exact = exact_of(one_rule.give, lines)
    if one_rule.plain:
        return exact
    weigh = (
        (lambda one: one.quantity)
        if isinstance(one_rule.give, PerUnit)
        else (lambda one: one.paid_minor)
    )
    whole = sum(weigh(one) for one in lines)
    return sum(
        exact * weigh(one) / whole * factor_of(one, one_rule.wallet, from_program, basis)
        for one in lines
    )


def rounded_of(exact, rounding):
    return {
        Rounding.FLOOR: floor(exact),
        Rounding.CEILING: ceil(exact),
        Rounding.HALF_UP: floor(exact + Fraction(1, 2)),
        Rounding.HALF_EVEN: round(exact),
    }[rounding]


def counting(ranked, gives, from_program):
    """The rules that count, of those that apply, by R-22."""
    combine = {group.id: group.combine.value for group in from_program.earning.groups}
    counted = []
    for one in ranked:
        fellows = [other for other in ranked if other.wallet == one.wallet]
        alone = [other for other in fellows if other.exclusive]
        group = [other for other in fellows if other.group == one.group]
        if alone:
            counts = one is alone[0]
        elif combine[one.group] == "best":
            most = max(gives[other.id] for other in group)
            counts = one is next(other for other in group if gives[other.id] == most)
        else:
            counts = combine[one.group] == "sum" or one is group[0]
        if counts:
            counted.append(one)
    return counted


def cut_by(one_cap, ranked_ids, gives, used):
    ids = [rule_id for rule_id in ranked_ids if rule_id in one_cap.covers and gives[rule_id]]
    room = one_cap.limit - (max(used.get(one_cap.id, 0), 0) if one_cap.per is CapPer.MEMBER else 0)
    sizes = {i: 1 if one_cap.unit is CapUnit.TIMES else gives[i] for i in ids}
    if sum(sizes.values()) <= max(room, 0):
        return
    for rule_id in ids:
        fits = max(min(sizes[rule_id], room), 0)
        room -= fits
        if one_cap.over is OverCap.REJECT:
            fits = 0
        gives[rule_id] = gives[rule_id] * fits if one_cap.unit is CapUnit.TIMES else fits


def second_reading(from_program, an_order, used):
    basis = [one for one in an_order.lines if one.paid_minor > 0]
    places = {one.id: place for place, one in enumerate(from_program.earning.rules)}
    applying, gives = [], {}
    for one in from_program.earning.rules:
        lines = picked_of(one.lines, basis)
        if lines and gate_holds(one.when, lines):
            applying.append(one)
            exact = multiplied_of(one, lines, from_program, basis)
            gives[one.id] = rounded_of(exact, from_program.rounding)
    ranked = sorted(applying, key=lambda one: (-one.priority, places[one.id]))
    counted = [one.id for one in counting(ranked, gives, from_program)]
    gives = {rule_id: gives[rule_id] for rule_id in counted}
    for per in (CapPer.RULE, CapPer.ORDER, CapPer.MEMBER):
        for one_cap in [one for one in from_program.earning.caps if one.per is per]:
            for ids in [[i] for i in counted] if per is CapPer.RULE else [counted]:
                cut_by(one_cap, ids, gives, used)
    return {rule_id: given for rule_id, given in gives.items() if given}


# ---- what always holds --------------------------------------------------------------------


@given(programs(), orders(), USES)
def test_both_readings_of_the_rules_agree(from_program, an_order, used):
    earned = earn(from_program, an_order, used)

    assert points(earned) == second_reading(from_program, an_order, used)


@settings(max_examples=20)
@given(programs(), orders(), USES)
def test_every_rule_gives_or_is_refused_and_explanations_add_up(from_program, an_order, used):
    earned = earn(from_program, an_order, used)

    given_ids = [one.rule.id for one in earned.by_rule]
    refused_ids = [one.rule_id for one in earned.refused]
    assert sorted(given_ids + refused_ids) == sorted(r.id for r in from_program.earning.rules)
    for wallet, told in earned.explain().items():
        by_rule = [one.points for one in earned.by_rule if one.rule.wallet == wallet]
        assert told["points"] == sum(by_rule)


@settings(max_examples=20)
@given(programs(), orders(), USES)
def test_points_are_above_nothing_and_shares_sum_to_them(from_program, an_order, used):
    for one in earn(from_program, an_order, used).by_rule:
        assert one.points > 0
        assert sum(share for _, share in one.shares) == one.points
        assert all(share > 0 for _, share in one.shares)


@settings(max_examples=20)
@given(programs(), orders(), USES)
def test_no_cap_is_ever_exceeded(from_program, an_order, used):
    gave = points(earn(from_program, an_order, used))

    for one in from_program.earning.caps:
        covered = [gave[rule_id] for rule_id in one.covers if rule_id in gave]
        if one.per is CapPer.RULE:
            assert all(given <= one.limit for given in covered)
            continue
        taken = len(covered) if one.unit is CapUnit.TIMES else sum(covered)
        spent = max(used.get(one.id, 0), 0) if one.per is CapPer.MEMBER else 0
        assert taken <= max(one.limit - spent, 0)


@settings(max_examples=20)
@given(programs(), orders(), USES, st.randoms(use_true_random=False))
def test_the_order_of_lines_does_not_matter_to_totals(from_program, an_order, used, random):
    lines = list(an_order.lines)
    random.shuffle(lines)

    shuffled = replace(an_order, lines=tuple(lines))

    assert points(earn(from_program, shuffled, used)) == points(earn(from_program, an_order, used))


@settings(max_examples=20)
@given(programs(), orders(), USES, st.booleans(), st.integers(-2, 2))
def test_a_rule_that_does_not_apply_changes_nothing(
    from_program, an_order, used, exclusive, priority
):
    idle = fixed(
        "idle",
        999,
        exclusive=exclusive,
        priority=priority,
        group="first",
        when=Channel(frozenset({"nowhere"})),
    )
    earning = from_program.earning
    with_idle = replace(from_program, earning=replace(earning, rules=(idle, *earning.rules)))

    assert points(earn(with_idle, an_order, used)) == points(earn(from_program, an_order, used))
