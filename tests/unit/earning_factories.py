"""Small programs, orders and events, where a test says only what it is about."""

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from loyalty_service.earning.rules.earn import earn_on_event, earn_on_order
from loyalty_service.earning.rules.facts import (
    Earned,
    EventFacts,
    Line,
    LineKind,
    OrderFacts,
    Refused,
    Who,
)
from loyalty_service.program.rules.earning import (
    Cap,
    CapPer,
    CapPeriod,
    CapUnit,
    Combine,
    Earning,
    EarningRule,
    Fixed,
    Give,
    Group,
    Multiplier,
    MultipliersCombine,
    OverCap,
    PerUnit,
    Rate,
    Step,
    Streak,
)
from loyalty_service.program.rules.program import Overdrawn, Program, Returns, Rounding
from loyalty_service.program.rules.spans import PeriodClock
from loyalty_service.program.rules.wallets import ActivateOn, Activation, Name, Never, Wallet

# Noon of a Monday in Shanghai.
NOON = datetime(2024, 11, 11, 4, 0, tzinfo=UTC)
NOBODY = Who(tags=frozenset(), birth_month=None)
GROUPS = tuple(Group(combine.value, combine) for combine in Combine)


def rate(points="1", per_minor=100) -> Rate:
    return Rate(Fraction(points), per_minor)


def step(points, per_minor) -> Step:
    return Step(points, per_minor)


def per_unit(points) -> PerUnit:
    return PerUnit(Fraction(points))


def rule(rule_id="base", give: Give | None = None, **changes) -> EarningRule:
    """A rule of the wallet points, in the group that sums, for every order."""
    plain = EarningRule(
        id=rule_id,
        name=Name(en=f"{rule_id} rule", zh=f"{rule_id}规则"),
        wallet="points",
        group="sum",
        trigger="order",
        give=rate() if give is None else give,
    )
    return replace(plain, **changes)


def fixed(rule_id, points, **changes) -> EarningRule:
    return rule(rule_id, Fixed(points), **changes)


def multiplier(multiplier_id, factor, wallets=("points",), **changes) -> Multiplier:
    name = Name(en=f"{multiplier_id} times", zh=f"{multiplier_id}倍")
    return replace(Multiplier(multiplier_id, name, Fraction(factor), frozenset(wallets)), **changes)


def cap(cap_id, covers, limit, per=CapPer.ORDER, **changes) -> Cap:
    """A cap that cuts points; a cap per member counts by day."""
    name = Name(en=f"{cap_id} cap", zh=f"{cap_id}上限")
    period = CapPeriod.DAY if per is CapPer.MEMBER else None
    plain = Cap(cap_id, name, tuple(covers), per, CapUnit.POINTS, limit, OverCap.CUT, period)
    return replace(plain, **changes)


def program(*rules, rounding=Rounding.FLOOR, currency="CNY", **earning) -> Program:
    sections = {
        "shipping": False,
        "tax": False,
        "multipliers_combine": MultipliersCombine.MULTIPLY,
        "streak": Streak.OPEN,
        "groups": GROUPS,
        "rules": rules,
        "multipliers": (),
        "caps": (),
    } | earning
    at_once = Activation(ActivateOn.PAYMENT)
    return Program(
        name="test",
        currency=currency,
        zone=ZoneInfo("Asia/Shanghai"),
        rounding=rounding,
        clock=PeriodClock.DAYS,
        wallets=(
            Wallet("points", Name("Points", "积分"), True, at_once, Never()),
            Wallet("growth", Name("Growth", "成长值"), False, at_once, Never()),
        ),
        earning=Earning(**sections),
        redemption=None,
        returns=Returns(Overdrawn.NEGATIVE),
    )


def line(line_no, paid_minor, quantity=1, **changes) -> Line:
    plain = Line(line_no, LineKind.GOODS, f"S{line_no}", None, None, quantity, paid_minor)
    return replace(plain, **changes)


def order(*lines, **changes) -> OrderFacts:
    """An order of one line for 100.00, unless lines are given."""
    plain = OrderFacts(NOON, None, lines or (line(1, 10_000),), False, NOBODY)
    return replace(plain, **changes)


def event(name="review", **changes) -> EventFacts:
    return replace(EventFacts(name, NOON, None, 0, NOBODY), **changes)


def earn(from_program: Program, occasion: OrderFacts | EventFacts | None = None, used=None):
    if isinstance(occasion, EventFacts):
        return earn_on_event(from_program, occasion, used or {})
    return earn_on_order(from_program, occasion or order(), used or {})


def points(earned: Earned) -> dict[str, int]:
    """Points by rule, of the rules that gave."""
    return {one.rule.id: one.points for one in earned.by_rule}


def refusal(earned: Earned, rule_id: str) -> Refused:
    (found,) = [one for one in earned.refused if one.rule_id == rule_id]
    return found
