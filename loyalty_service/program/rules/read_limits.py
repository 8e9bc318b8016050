"""The sections ``earning.multipliers`` and ``earning.caps`` (R-22, R-23)."""

from collections.abc import Mapping

from loyalty_service.program.rules.earning import (
    Cap,
    CapPer,
    CapPeriod,
    CapUnit,
    EarningRule,
    Multiplier,
    MultipliersCombine,
    OverCap,
)
from loyalty_service.program.rules.read_conditions import Frame, Scope, read_condition
from loyalty_service.program.rules.read_rules import ON_ORDERS, Declared
from loyalty_service.program.rules.read_wallets import read_name
from loyalty_service.program.rules.reading import MAX_POINTS, Fields, Place

MAX_FACTOR = 1_000
MAX_COVERED = 500
# What a campaign multiplies unless it names wallets.
USUAL_WALLET = "points"


def read_multipliers(
    place: Place, frame: Frame, declared: Declared, combine: MultipliersCombine
) -> tuple[Multiplier, ...]:
    """The multipliers of a program.

    Args:
        place: the list of them.
        frame: the program's zone and money.
        declared: the wallets that they may name.
        combine: how they combine; factors that add may not lessen, for three halves would give
            less than nothing.

    Rule: R-22.
    """
    taken: set[str] = set()
    low = 1 if combine is MultipliersCombine.ADD else 0

    def read(item: Place) -> Multiplier:
        fields = item.fields("id", "name", "factor", "wallets", "lines", "when")
        lines, when = fields.find("lines"), fields.find("when")
        return Multiplier(
            id=fields.need("id").new_id(taken),
            name=read_name(fields.need("name")),
            factor=fields.need("factor").exact(MAX_FACTOR, low=low, words="a factor"),
            wallets=_read_multiplied(fields, declared.wallets),
            lines=None if lines is None else read_condition(lines, frame, Scope.LINES),
            when=None if when is None else read_condition(when, frame, Scope.ORDER),
        )

    return place.each(0, 200, read)


def _read_multiplied(fields: Fields, wallets: tuple[str, ...]) -> frozenset[str]:
    place = fields.find("wallets")
    if place is None and USUAL_WALLET in wallets:
        return frozenset({USUAL_WALLET})
    named = place or fields.need("wallets")
    return frozenset(named.distinct(len(wallets), lambda item: item.reference(wallets, "wallet")))


def read_caps(place: Place, rules: tuple[EarningRule, ...]) -> tuple[Cap, ...]:
    """The caps of a program, each over rules of it.

    Rule: R-23.
    """
    taken: set[str] = set()
    by_id = {rule.id: rule for rule in rules if rule.id}
    return place.each(0, 200, lambda item: _read_cap(item, taken, by_id))


def _read_cap(place: Place, taken: set[str], rules: Mapping[str, EarningRule]) -> Cap:
    fields = place.fields("id", "name", "covers", "per", "period", "points", "times", "over")
    per = fields.need("per").choice(CapPer)
    limit = fields.either("points", "times")
    unit = CapUnit.TIMES if "times" in fields.found else CapUnit.POINTS
    if unit is CapUnit.TIMES and per is not CapPer.MEMBER:
        limit.report(f"times per {per}", "times only where per is member")
    return Cap(
        id=fields.need("id").new_id(taken),
        name=read_name(fields.need("name")),
        covers=_read_covered(fields.need("covers"), per, unit, rules),
        per=per,
        unit=unit,
        limit=1 if limit.is_silent else limit.whole(1, MAX_POINTS),
        over=fields.choice("over", OverCap.CUT),
        period=_read_period(fields, per),
    )


def _read_period(fields: Fields, per: CapPer) -> CapPeriod | None:
    place = fields.find("period")
    if per is CapPer.MEMBER:
        return fields.need("period").choice(CapPeriod)
    if place is not None:
        place.report(f"a period per {per}", "a period only where per is member")
    return None


def _read_covered(
    place: Place, per: CapPer, unit: CapUnit, rules: Mapping[str, EarningRule]
) -> tuple[str, ...]:
    ids = place.distinct(MAX_COVERED, lambda item: item.reference(rules, "rule"))
    covered = [rules[ident] for ident in ids if ident in rules]
    if unit is CapUnit.POINTS and len({rule.wallet for rule in covered} - {""}) > 1:
        place.report("rules of several wallets", "rules of one wallet, whose points add up")
    for rule in covered:
        if per is CapPer.ORDER and rule.trigger not in ON_ORDERS:
            place.report(f"{rule.id} gives on {rule.trigger}", "rules on orders, for per is order")
    return ids
