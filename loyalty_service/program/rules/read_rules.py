"""The section ``earning.rules``: what gives points, for what, and how much (R-21, R-22)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from loyalty_service.program.rules.conditions import Condition
from loyalty_service.program.rules.earning import (
    NO_EVENTS,
    ORDER,
    ByStreak,
    EarningRule,
    Fixed,
    Give,
    PerUnit,
    Rate,
    Step,
)
from loyalty_service.program.rules.read_conditions import Frame, Scope, read_condition
from loyalty_service.program.rules.read_wallets import read_activation, read_name, read_own_expiry
from loyalty_service.program.rules.reading import MAX_POINTS, Fields, Place

CHECK_IN = "check_in"
MAX_PRIORITY = 1_000
MAX_STREAK = 366
# A trigger that could not be read is a fault by itself and blames nothing else.
UNREAD = ""
ON_ORDERS = (ORDER, UNREAD)
_ONLY_ORDERS = "gives for money or units, which only an order has"


@dataclass(frozen=True, slots=True)
class Declared:
    """The ids that rules may name, those of sliding wallets, and of the rules read so far."""

    wallets: tuple[str, ...]
    groups: tuple[str, ...]
    sliding: tuple[str, ...] = ()
    rules: set[str] = field(default_factory=set)


def read_rule(place: Place, frame: Frame, declared: Declared) -> EarningRule:
    """One way to earn.

    Args:
        place: where it stands.
        frame: the program's zone and money.
        declared: the wallets and groups it may name; its own id is added.

    Rule: R-21, R-22.
    """
    fields = place.fields(*_KEYS)
    trigger = _read_trigger(fields)
    wallet = fields.need("wallet").reference(declared.wallets, "wallet")
    return EarningRule(
        id=fields.need("id").new_id(declared.rules),
        name=read_name(fields.need("name")),
        wallet=wallet,
        group=fields.need("group").reference(declared.groups, "group"),
        trigger=trigger,
        give=_read_give(fields.need("give"), frame, trigger),
        priority=_read_priority(fields),
        exclusive=fields.flag("exclusive", default=False),
        plain=fields.flag("plain", default=False),
        lines=_read_lines(fields, frame, trigger),
        when=_read_when(fields, frame, trigger),
        activation=read_activation(fields),
        expiry=read_own_expiry(fields, slides=wallet in declared.sliding),
    )


_KEYS = (
    "id",
    "name",
    "wallet",
    "group",
    "priority",
    "exclusive",
    "plain",
    "on",
    "give",
    "lines",
    "when",
    "activation",
    "expiry",
)


def _read_trigger(fields: Fields) -> str:
    place = fields.find("on")
    if place is None:
        return ORDER
    trigger = place.ident()
    if trigger in NO_EVENTS:
        place.report(f"no event is ever named {trigger}", "another name for the event")
        return UNREAD
    return trigger


def _read_priority(fields: Fields) -> int:
    place = fields.find("priority")
    return 0 if place is None else place.whole(-MAX_PRIORITY, MAX_PRIORITY)


def _read_lines(fields: Fields, frame: Frame, trigger: str) -> Condition | None:
    place = fields.find("lines")
    if place is None:
        return None
    if trigger not in ON_ORDERS:
        place.report(f"lines on {trigger}", "lines only where on is order")
    return read_condition(place, frame, Scope.LINES)


def _read_when(fields: Fields, frame: Frame, trigger: str) -> Condition | None:
    place = fields.find("when")
    if place is None:
        return None
    return read_condition(place, frame, Scope.ORDER if trigger in ON_ORDERS else Scope.EVENT)


def _read_give(place: Place, frame: Frame, trigger: str) -> Give:
    chosen = place.only_key(list(_GIVES))
    if chosen is None:
        return Fixed(1)
    kind, value = chosen
    if kind in ("rate", "step", "per_unit") and trigger not in ON_ORDERS:
        value.report(f"{kind} on {trigger} {_ONLY_ORDERS}", "fixed")
    if kind == "by_streak" and trigger not in (UNREAD, CHECK_IN):
        value.report(f"by_streak on {trigger}", f"by_streak only where on is {CHECK_IN}")
    return _GIVES[kind](value, frame)


def _read_rate(place: Place, frame: Frame) -> Rate:
    fields = place.fields("points", "per")
    return Rate(_read_points(fields.need("points")), fields.need("per").money(frame.digits))


def _read_step(place: Place, frame: Frame) -> Step:
    fields = place.fields("points", "per")
    return Step(fields.need("points").whole(1, MAX_POINTS), fields.need("per").money(frame.digits))


def _read_points(place: Place) -> Fraction:
    return place.exact(MAX_POINTS, words="points")


def _read_fixed(place: Place, _frame: Frame) -> Fixed:
    return Fixed(place.whole(1, MAX_POINTS))


def _read_per_unit(place: Place, _frame: Frame) -> PerUnit:
    return PerUnit(_read_points(place))


def _read_by_streak(place: Place, _frame: Frame) -> ByStreak:
    points = place.each(1, MAX_STREAK, lambda item: item.whole(0, MAX_POINTS))
    if points and not any(points):
        place.report("no day gives a point", "points above 0 on some day")
    return ByStreak(points)


_GIVES: dict[str, Callable[[Place, Frame], Give]] = {
    "rate": _read_rate,
    "step": _read_step,
    "fixed": _read_fixed,
    "per_unit": _read_per_unit,
    "by_streak": _read_by_streak,
}
