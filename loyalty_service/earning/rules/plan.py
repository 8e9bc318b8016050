"""A program's earning section, laid out once so that every order need not sort it again."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from typing import Any

from loyalty_service.earning.rules.conditions import is_selected
from loyalty_service.earning.rules.facts import Line, LineKind
from loyalty_service.program.rules.conditions import Condition, InTier
from loyalty_service.program.rules.earning import (
    Cap,
    CapPer,
    Combine,
    EarningRule,
    Fixed,
    Give,
    Multiplier,
    PerUnit,
    Rate,
    Step,
)
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.wallets import ActivateOn, Activation, Expiry, Name

_MOST_PLANS = 32
_MOST_GOODS = 4_096
_CAP_ORDER = (CapPer.RULE, CapPer.ORDER, CapPer.MEMBER)
Picks = Callable[[str, str | None, str | None], frozenset[int]]
Rivals = tuple[str, str]
"""A wallet and a group of rules of which only one counts there."""

_plans: dict[int, "Plan"] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """When points come alive and end; of one plan those that are alike are the same.

    Attributes:
        at_payment: whether their waiting starts with the payment, else with the fulfilment.
    """

    activation: Activation
    expiry: Expiry
    at_payment: bool


@dataclass(frozen=True, slots=True)
class PlannedRule:
    """A rule with what is the same whenever it is asked, and in every explanation of it.

    Attributes:
        rivals: whom it stands against; None where all of its group count.
    """

    rule: EarningRule
    id: str
    wallet: str
    combine: Combine
    rivals: Rivals | None
    weighs_value: bool
    weighs_units: bool
    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """A program's earning, laid out.

    Attributes:
        rules: by trigger, the first to count first.
        caps: by trigger, in the order they apply.
        calendar: the caps per member and calendar period, by trigger.
        by_id: every rule; ``terms``: when its points come alive and end, by its own terms or else
            its wallet's.
        counted: the rules that some calendar cap covers; only these are counted.
        picks: from a sku, category and brand to the conditions on lines (by ``id``) that such a
            line answers to; of goods seen lately it is known.
    """

    program: Program
    kinds: tuple[LineKind, ...]
    rules: Mapping[str, tuple[PlannedRule, ...]]
    wallets: Mapping[str, Mapping[str, Any]]
    multipliers: tuple[Multiplier, ...]
    caps: Mapping[str, tuple[Cap, ...]]
    calendar: Mapping[str, tuple[Cap, ...]]
    by_id: Mapping[str, EarningRule]
    terms: Mapping[str, Terms]
    counted: frozenset[str]
    picks: Picks


def plan_for(program: Program) -> Plan:
    """Lay out a program's earning section, or find it laid out already.

    Rule: R-22, R-23.
    """
    # By identity: hashing a whole document costs more than pricing an order. The plan keeps its
    # program alive, so the id cannot come to mean another one.
    plan = _plans.get(id(program))
    if plan is None:
        plan = _lay_out(program)
        if len(_plans) >= _MOST_PLANS:
            _plans.clear()
        _plans[id(program)] = plan
    return plan


def told_name(name: Name) -> dict[str, str]:
    """A name in both languages, as explanations keep it.

    Rule: R-27.
    """
    return {"en": name.en, "zh": name.zh}


def decimal_text(numerator: int, denominator: int) -> str:
    """An exact number, at least 0, as decimal text, or as a fraction where decimals do not end.

    Rule: R-27.
    """
    shared = gcd(numerator, denominator)
    numerator, denominator = numerator // shared, denominator // shared
    if denominator == 1:
        return str(numerator)
    for places in range(1, 13):
        scale = 10**places
        if scale % denominator == 0:
            whole, rest = divmod(numerator * (scale // denominator), scale)
            return f"{whole}.{rest:0{places}d}"
    return f"{numerator}/{denominator}"


def _lay_out(program: Program) -> Plan:
    earning = program.earning
    combine = {group.id: group.combine for group in earning.groups}
    # sorted() is stable: of equal priorities the earlier in the document stays first.
    ordered = sorted(earning.rules, key=lambda rule: -rule.priority)
    rules: dict[str, list[PlannedRule]] = {}
    for rule in ordered:
        rules.setdefault(rule.trigger, []).append(_planned(rule, combine[rule.group]))
    caps = sorted(earning.caps, key=lambda cap: _CAP_ORDER.index(cap.per))
    by_trigger = {
        trigger: tuple(cap for cap in caps if any(p.id in cap.covers for p in planned))
        for trigger, planned in rules.items()
    }
    calendar = {trigger: _calendar(some) for trigger, some in by_trigger.items()}
    kinds = {LineKind.GOODS: True, LineKind.SHIPPING: earning.shipping, LineKind.TAX: earning.tax}
    return Plan(
        program=program,
        kinds=tuple(kind for kind, counts in kinds.items() if counts),
        rules={trigger: tuple(planned) for trigger, planned in rules.items()},
        wallets={wallet.id: told_name(wallet.name) for wallet in program.wallets},
        multipliers=(*earning.multipliers, *_of_tiers(program)),
        caps=by_trigger,
        calendar=calendar,
        by_id={rule.id: rule for rule in earning.rules},
        terms=_terms(program),
        counted=frozenset(rule_id for cap in _calendar(caps) for rule_id in cap.covers),
        picks=_picks_of([*(r.lines for r in ordered), *(m.lines for m in earning.multipliers)]),
    )


def _terms(program: Program) -> dict[str, Terms]:
    wallets = {wallet.id: wallet for wallet in program.wallets}
    alike: dict[tuple[Activation, Expiry], Terms] = {}
    terms = {}
    for rule in program.earning.rules:
        wallet = wallets[rule.wallet]
        pair = rule.activation or wallet.activation, rule.expiry or wallet.expiry
        at_payment = pair[0].on is ActivateOn.PAYMENT
        terms[rule.id] = alike.setdefault(pair, Terms(*pair, at_payment))
    return terms


def _of_tiers(program: Program) -> tuple[Multiplier, ...]:
    """The tiers' factors, each a multiplier for the members who stand there (R-22, R-24)."""
    if program.tiers is None or not program.tiers.multiplies:
        return ()
    return tuple(
        Multiplier(
            id=f"tier:{level.id}",
            name=level.name,
            factor=level.factor,
            wallets=program.tiers.multiplies,
            when=InTier(frozenset({level.id})),
        )
        for level in program.tiers.levels
        if level.factor != 1
    )


def _picks_of(conditions: Iterable[Condition | None]) -> Picks:
    asked = [condition for condition in conditions if condition is not None]

    # The same goods come again and again, and nothing else of a line is asked for.
    @lru_cache(maxsize=_MOST_GOODS)
    def picks(sku: str, category: str | None, brand: str | None) -> frozenset[int]:
        line = Line(0, LineKind.GOODS, sku, category, brand, 1, 0)
        return frozenset(id(condition) for condition in asked if is_selected(condition, line))

    return picks


def _calendar(caps: Iterable[Cap]) -> tuple[Cap, ...]:
    return tuple(cap for cap in caps if cap.per is CapPer.MEMBER)


def _planned(rule: EarningRule, combine: Combine) -> PlannedRule:
    return PlannedRule(
        rule=rule,
        id=rule.id,
        wallet=rule.wallet,
        combine=combine,
        rivals=None if combine is Combine.SUM else (rule.wallet, rule.group),
        weighs_value=isinstance(rule.give, Rate | Step),
        weighs_units=isinstance(rule.give, PerUnit),
        told={"id": rule.id, "name": told_name(rule.name), "give": _told_give(rule.give)},
    )


def _told_give(give: Give) -> dict[str, Any]:
    match give:
        case Rate():
            points = decimal_text(give.points.numerator, give.points.denominator)
            return {"rate": points, "per_minor": give.per_minor}
        case Step():
            return {"step": give.points, "per_minor": give.per_minor}
        case Fixed():
            return {"fixed": give.points}
        case PerUnit():
            return {"per_unit": decimal_text(give.points.numerator, give.points.denominator)}
    return {"by_streak": True}
