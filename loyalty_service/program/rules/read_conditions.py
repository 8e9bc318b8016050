"""Conditions (R-21): what a rule selects under ``lines`` and asks under ``when``."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from loyalty_service.program.rules.conditions import (
    All,
    AnyOf,
    BirthdayMonth,
    Brand,
    Category,
    Channel,
    Condition,
    FirstOrder,
    InTier,
    MinimumAmount,
    MinimumQuantity,
    Not,
    Sku,
    Tag,
    Weekday,
    Window,
)
from loyalty_service.program.rules.nodes import Kind
from loyalty_service.program.rules.periods import local_instant
from loyalty_service.program.rules.reading import Place
from loyalty_service.program.rules.showing import listed
from loyalty_service.program.rules.tiers import MAX_LEVELS

MAX_NAMES = 5_000
MAX_BRANCHES = 50
MAX_UNITS = 1_000_000
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_NUMBERS = ("1", "2", "3", "4", "5", "6", "7")

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_MOMENT_WORDS = 'a day as "2026-11-11" or a moment as "2026-11-11 20:00"'


class Scope(Enum):
    """What a condition is asked of."""

    LINES = "lines"
    ORDER = "order"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Frame:
    """What a document settles for all its conditions: zone, decimals of money, tiers by id.

    Args:
        tiers: None where the program has none.
    """

    zone: ZoneInfo
    digits: int
    tiers: tuple[str, ...] | None


_Reader = Callable[[Place, Frame, Scope], Condition]


def read_condition(place: Place, frame: Frame, scope: Scope) -> Condition:
    """A condition, which is a mapping with the one key that says what it asks.

    Args:
        place: where it stands.
        frame: the program's zone and money.
        scope: whether it selects lines, or is asked of an order or of an event.

    Rule: R-21.
    """
    known = [*_OF_SCOPE[scope], *_COMBINED]
    for at_key, _ in place.node.pairs:
        if at_key.value in _ANYWHERE and at_key.value not in known:
            place.report(f"{at_key.value} {_NOT_ASKED[scope]}", listed(known))
            return FirstOrder()
    chosen = place.only_key(known)
    if chosen is None:
        return FirstOrder()
    key, value = chosen
    read = _COMBINED.get(key) or _OF_SCOPE[scope][key]
    return read(value, frame, scope)


def _read_branches(place: Place, frame: Frame, scope: Scope) -> tuple[Condition, ...]:
    return place.each(1, MAX_BRANCHES, lambda item: read_condition(item, frame, scope))


def _read_all(place: Place, frame: Frame, scope: Scope) -> Condition:
    return All(_read_branches(place, frame, scope))


def _read_any(place: Place, frame: Frame, scope: Scope) -> Condition:
    return AnyOf(_read_branches(place, frame, scope))


def _read_not(place: Place, frame: Frame, scope: Scope) -> Condition:
    return Not(read_condition(place, frame, scope))


def _read_window(place: Place, frame: Frame, _scope: Scope) -> Condition:
    fields = place.fields("from", "until")
    start, end = fields.find("from"), fields.find("until")
    if not fields.found:
        place.report("neither from nor until", "from, until or both")
    starts_at = None if start is None else _read_moment(start, frame.zone, timedelta(0))
    # A day named as the end belongs to the window: "until 11 November" is through that day.
    ends_at = None if end is None else _read_moment(end, frame.zone, timedelta(days=1))
    if end is not None and starts_at and ends_at and starts_at >= ends_at:
        end.report("the window ends before it begins", "until later than from")
    return Window(starts_at, ends_at)


def _read_moment(place: Place, zone: ZoneInfo, after_day: timedelta) -> datetime | None:
    """A moment in UTC; of a day its start, moved by ``after_day``."""
    value = place.node.value
    if not (_DAY.fullmatch(value) or _MOMENT.fullmatch(value)):
        place.report_found(_MOMENT_WORDS)
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        place.report_found(_MOMENT_WORDS + " that the calendar has")
        return None
    if not 1971 <= moment.year <= 9000:
        place.report_found("a year from 1971 to 9000")
        return None
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    return local_instant(moment + (after_day if _DAY.fullmatch(value) else timedelta(0)), zone)


def _read_weekday(place: Place, _frame: Frame, _scope: Scope) -> Condition:
    return Weekday(frozenset(place.distinct(7, _read_day)))


def _read_day(place: Place) -> int:
    """An ISO weekday, by its name or its number."""
    value = place.node.value
    if place.node.kind is Kind.NUMBER and value in _DAY_NUMBERS:
        return int(value)
    if place.node.kind is Kind.TEXT and value in WEEKDAYS:
        return WEEKDAYS.index(value) + 1
    place.report_found("mon, tue, wed, thu, fri, sat or sun, or 1 for Monday to 7 for Sunday")
    return 1


def _read_minimum_amount(place: Place, frame: Frame, _scope: Scope) -> Condition:
    return MinimumAmount(place.money(frame.digits))


def _read_minimum_quantity(place: Place, _frame: Frame, _scope: Scope) -> Condition:
    return MinimumQuantity(place.whole(1, MAX_UNITS))


def _named(kind: Callable[[frozenset[str]], Condition]) -> _Reader:
    return lambda place, _frame, _scope: kind(place.names(MAX_NAMES))


def _read_in_tier(place: Place, frame: Frame, _scope: Scope) -> Condition:
    known = frame.tiers
    if known is None:
        place.report("a tier where the program has none", "a section tiers with its levels")
    if not known:
        # Where they cannot be read, that is the fault.
        return InTier(frozenset())
    return InTier(frozenset(place.distinct(MAX_LEVELS, lambda item: item.reference(known, "tier"))))


def _asked(condition: Condition) -> _Reader:
    def read(place: Place, _frame: Frame, _scope: Scope) -> Condition:
        if place.node.kind is not Kind.FLAG or place.node.value != "true":
            place.report_found("true; for the contrary put it under not")
        return condition

    return read


_COMBINED: dict[str, _Reader] = {"all": _read_all, "any": _read_any, "not": _read_not}
_OF_EVENT: dict[str, _Reader] = {
    "window": _read_window,
    "weekday": _read_weekday,
    "channel": _named(Channel),
    "tag": _named(Tag),
    "tier": _read_in_tier,
    "birthday_month": _asked(BirthdayMonth()),
}
_OF_SCOPE: dict[Scope, dict[str, _Reader]] = {
    Scope.LINES: {"category": _named(Category), "sku": _named(Sku), "brand": _named(Brand)},
    Scope.EVENT: _OF_EVENT,
    Scope.ORDER: {
        **_OF_EVENT,
        "minimum_amount": _read_minimum_amount,
        "minimum_quantity": _read_minimum_quantity,
        "first_order": _asked(FirstOrder()),
    },
}
_ANYWHERE = frozenset(key for readers in _OF_SCOPE.values() for key in readers)
_NOT_ASKED = {
    Scope.LINES: "does not select lines; it stands under when",
    Scope.ORDER: "is not asked of an order; it stands under lines",
    Scope.EVENT: "is not asked of an event",
}
