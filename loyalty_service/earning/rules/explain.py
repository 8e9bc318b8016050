"""The explanation kept with a credit: how its points came about, readable without the program."""

from collections.abc import Mapping, Sequence
from typing import Any

from loyalty_service.earning.rules.caps import Bite
from loyalty_service.earning.rules.conditions import Selection
from loyalty_service.earning.rules.matching import Occasion
from loyalty_service.earning.rules.plan import decimal_text, told_name
from loyalty_service.earning.rules.points import Factors, Held, Matched
from loyalty_service.earning.rules.stacking import Loss
from loyalty_service.kit.frozen import frozen
from loyalty_service.kit.instants import instant_text

FORM = 1


@frozen
class Outcome:
    """All that was decided: who matched, who does not count, and what the caps left."""

    occasion: Occasion
    matched: tuple[Matched, ...]
    losses: Mapping[str, Loss]
    left: Mapping[str, int]
    bites: tuple[Bite, ...]


def explain(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """Tell, for every wallet in which a rule applies, how its points came about.

    Each is JSON-ready: numbers that need not be whole are exact decimal text, or ``a/b``.

    Rule: R-27.
    """
    by_wallet: dict[str, list[Matched]] = {}
    for one in outcome.matched:
        by_wallet.setdefault(one.planned.wallet, []).append(one)
    told = _told_occasion(outcome.occasion)
    return {wallet: _explain(wallet, some, outcome, told) for wallet, some in by_wallet.items()}


def _told_occasion(occasion: Occasion) -> dict[str, Any]:
    """What is the same in every wallet, with room for the wallet's name in its place."""
    program = occasion.plan.program
    told: dict[str, Any] = {
        "form": FORM,
        "on": occasion.trigger,
        "judged_at": instant_text(occasion.scene.at),
        "wallet": None,
        "currency": program.currency,
        "rounding": str(program.rounding),
    }
    if occasion.basis.lines:
        told["basis"] = _told_basis(occasion.basis)
    elif occasion.streak:
        told["streak"] = occasion.streak
    return told


def _explain(
    wallet: str, matched: Sequence[Matched], outcome: Outcome, told: Mapping[str, Any]
) -> dict[str, Any]:
    plan, factors = outcome.occasion.plan, outcome.occasion.factors.get(wallet)
    told = {**told, "wallet": plan.wallets[wallet]}
    rules = [_told_rule(one, outcome) for one in matched]
    if factors is not None:
        told.update(_told_multipliers(factors, rules, outcome.occasion))
    told["rules"] = rules
    caps = [cap for bite in outcome.bites if (cap := _told_cap(bite, rules))["cuts"]]
    if caps:
        told["caps"] = caps
    told["points"] = sum([rule["points"] for rule in rules])
    return told


def _told_basis(basis: Selection) -> dict[str, Any]:
    """Line number, net value in minor units, and units of every line that can earn."""
    lines = [[line.line_no, line.paid_minor, line.quantity] for line in basis.lines]
    return {"value_minor": basis.value_minor, "lines": lines}


def _told_rule(one: Matched, outcome: Outcome) -> dict[str, Any]:
    selection, rule = one.selection, one.planned.rule
    told = dict(one.planned.told)
    if selection is not outcome.occasion.basis:
        told["lines"] = [line.line_no for line in selection.lines]
    if one.planned.weighs_value:
        told["value_minor"] = selection.value_minor
    if one.planned.weighs_units:
        told["units"] = selection.units
    told["exact"] = decimal_text(*one.exact)
    if one.factors is not None:
        told.update(_told_factors(one, one.factors))
    told["rounded"] = one.points
    loss = outcome.losses.get(rule.id)
    if loss is not None:
        told[f"{loss.reason}_by"] = loss.by
    told["points"] = outcome.left.get(rule.id, 0)
    return told


def _told_factors(one: Matched, factors: Factors) -> dict[str, Any]:
    """Which multipliers acted on the rule, and what each of its lines was multiplied by."""
    lines = [line.line_no for line in one.selection.lines]
    by = [held.multiplier.id for held in factors.held if not held.line_nos.isdisjoint(lines)]
    if not by:
        return {}
    alike: dict[int, list[int]] = {}
    for line_no in lines:
        alike.setdefault(factors.by_line[line_no], []).append(line_no)
    times = [[decimal_text(factor, factors.denominator), some] for factor, some in alike.items()]
    return {
        "by": by,
        "times": times if len(times) > 1 else times[0][0],
        "multiplied": decimal_text(*one.multiplied),
    }


def _told_multipliers(
    factors: Factors, rules: Sequence[Mapping[str, Any]], occasion: Occasion
) -> dict[str, Any]:
    """The multipliers that acted on any of these rules; nothing where none did."""
    acted = {multiplier for rule in rules for multiplier in rule.get("by", ())}
    if not acted:
        return {}
    held = [one for one in factors.held if one.multiplier.id in acted]
    return {
        "multipliers": [_told_multiplier(one, occasion.basis) for one in held],
        "combine": occasion.plan.program.earning.multipliers_combine.value,
    }


def _told_multiplier(one: Held, basis: Selection) -> dict[str, Any]:
    factor = one.multiplier.factor
    told: dict[str, Any] = {
        "id": one.multiplier.id,
        "name": told_name(one.multiplier.name),
        "factor": decimal_text(factor.numerator, factor.denominator),
    }
    if len(one.line_nos) < len(basis.lines):
        told["lines"] = sorted(one.line_nos)
    return told


def _told_cap(bite: Bite, rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A cap that was exceeded, with what it cut from these rules: id, before, after."""
    cap, here = bite.cap, {rule["id"] for rule in rules}
    return {
        "id": cap.id,
        "name": told_name(cap.name),
        "per": cap.per.value if cap.period is None else cap.period.value,
        "unit": cap.unit.value,
        "limit": cap.limit,
        "over": cap.over.value,
        "asked": bite.asked,
        "room": bite.room,
        "cuts": [[cut.rule_id, cut.before, cut.after] for cut in bite.cuts if cut.rule_id in here],
    }
