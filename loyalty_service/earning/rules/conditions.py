"""Whether a rule applies: conditions looked at one by one, and the reason when they do not hold.

A condition stands either in ``when``, where it is a gate for the whole rule, or in ``lines``,
where it picks lines; the document's reader lets each stand only where it has a meaning.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from loyalty_service.earning.rules.facts import Line, Refused, Who
from loyalty_service.kit.frozen import frozen
from loyalty_service.kit.instants import instant_or_none, instant_text
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


@frozen
class Scene:
    """What a gate may look at besides lines; ``weekday`` and ``month`` in the program's zone."""

    at: datetime
    weekday: int
    month: int
    channel: str | None
    is_first: bool
    who: Who


@frozen
class Selection:
    """The basis lines that a rule looks at, what they cost together and how many units."""

    lines: tuple[Line, ...]
    value_minor: int
    units: int


MOST_NAMES = 20
_paid_minor, _quantity = attrgetter("paid_minor"), attrgetter("quantity")
NOTHING = Selection((), 0, 0)


def select(lines: Sequence[Line]) -> Selection:
    """Add up the lines that a rule or multiplier looks at.

    Rule: R-20.
    """
    return Selection(tuple(lines), sum(map(_paid_minor, lines)), sum(map(_quantity, lines)))


def is_selected(condition: Condition, line: Line) -> bool:
    """Whether a line is one of those that ``lines`` asks for.

    Rule: R-21.
    """
    return _PICKS[type(condition)](condition, line)


def is_met(condition: Condition, scene: Scene, selection: Selection) -> bool:
    """Whether a gate is open.

    Args:
        selection: the lines that minimum amounts and quantities look at.

    Rule: R-21.
    """
    return _GATES[type(condition)](condition, scene, selection)


def why_not_met(rule_id: str, condition: Condition, scene: Scene, selection: Selection) -> Refused:
    """Name the first leaf, in the order of the document, that keeps a rule's gate closed.

    Rule: R-21.
    """
    saw = _SEEN.get(type(condition))
    if saw is not None:
        # Most gates are a single leaf, or ask for several of them.
        return Refused(rule_id, code_of(condition), asked_by(condition), saw(scene, selection))
    if isinstance(condition, All):
        failing = next(part for part in condition.of if not is_met(part, scene, selection))
        return why_not_met(rule_id, failing, scene, selection)
    return _Inquiry(
        rule_id,
        lambda part: is_met(part, scene, selection),
        lambda leaf: _seen_by_gate(leaf, scene, selection),
    ).why_failed(condition)


def why_none_selected(rule_id: str, condition: Condition, lines: Sequence[Line]) -> Refused:
    """Name the first leaf, in the order of the document, that no line answers to for a rule.

    Args:
        lines: the basis lines, at least one.

    Rule: R-21.
    """
    if isinstance(condition, Category | Sku | Brand):
        saw = _seen_on_lines(condition, lines)
        return Refused(rule_id, code_of(condition), asked_by(condition), saw)
    return _Inquiry(
        rule_id,
        lambda part: any(is_selected(part, line) for line in lines),
        lambda leaf: _seen_on_lines(leaf, lines),
    ).why_failed(condition)


def code_of(condition: Condition) -> str:
    """The stable name of a condition, as in the program document.

    Rule: R-21.
    """
    return _CODES[type(condition)]


def asked_by(condition: Condition) -> Any:
    """What a condition asks for, JSON-ready; of very many names the first twenty.

    Rule: R-21.
    """
    return _ASKED[type(condition)](condition)


def _asked_by_parts(tree: All | AnyOf) -> list[dict[str, Any]]:
    return [{code_of(part): asked_by(part)} for part in tree.of]


def _asked_by_window(window: Window) -> dict[str, str | None]:
    ends = {"from": window.starts_at, "until": window.ends_at}
    return {end: instant_or_none(at) for end, at in ends.items()}


def _asked_names(leaf: Channel | Category | Sku | Brand | Tag | InTier) -> list[str]:
    return list(_first_names(leaf.names))


@lru_cache(maxsize=1024)
def _first_names(names: frozenset[str]) -> tuple[str, ...]:
    # A list may hold ten thousand skus; sorting it for every order would cost more than the order.
    return tuple(sorted(names)[:MOST_NAMES])


def _seen_by_gate(leaf: Condition, scene: Scene, selection: Selection) -> Any:
    return _SEEN[type(leaf)](scene, selection)


def _seen_on_lines(leaf: Condition, lines: Collection[Line]) -> list[str]:
    field = code_of(leaf)
    return sorted({getattr(line, field) for line in lines} - {None})


@frozen
class _Inquiry:
    """Walks a tree for the reason; how to ask a part and what a leaf saw are given to it."""

    rule_id: str
    holds: Callable[[Condition], bool]
    saw: Callable[[Condition], Any]

    def why_failed(self, condition: Condition) -> Refused:
        if isinstance(condition, Not):
            return self._why_denied(condition.of)
        if isinstance(condition, All):
            failing = next((part for part in condition.of if not self.holds(part)), None)
            # Each part may be answered by some line while no line answers to all of them.
            return self._whole(condition) if failing is None else self.why_failed(failing)
        return self._whole(condition)

    def _why_denied(self, condition: Condition) -> Refused:
        """The part that held though it must not."""
        if isinstance(condition, Not):
            return self.why_failed(condition.of)
        if isinstance(condition, AnyOf):
            held = next(part for part in condition.of if self.holds(part))
            return self._why_denied(held)
        asked = {code_of(condition): asked_by(condition)}
        return Refused(self.rule_id, "not", asked, self._seen(condition))

    def _whole(self, condition: Condition) -> Refused:
        saw = self._seen(condition)
        return Refused(self.rule_id, code_of(condition), asked_by(condition), saw)

    def _seen(self, condition: Condition) -> Any:
        match condition:
            case All() | AnyOf():
                return [self._seen(part) for part in condition.of]
            case Not():
                return self._seen(condition.of)
        return self.saw(condition)


def _in_window(window: Window, scene: Scene, _: Selection) -> bool:
    if window.starts_at is not None and scene.at < window.starts_at:
        return False
    return window.ends_at is None or scene.at < window.ends_at


# Looked up by type rather than tried one after another: this runs for every rule of every order.
_PICKS: dict[type, Callable[[Any, Line], bool]] = {
    All: lambda tree, line: all(_PICKS[type(part)](part, line) for part in tree.of),
    AnyOf: lambda tree, line: any(_PICKS[type(part)](part, line) for part in tree.of),
    Not: lambda tree, line: not _PICKS[type(tree.of)](tree.of, line),
    Category: lambda leaf, line: line.category in leaf.names,
    Sku: lambda leaf, line: line.sku in leaf.names,
    Brand: lambda leaf, line: line.brand in leaf.names,
}

_GATES: dict[type, Callable[[Any, Scene, Selection], bool]] = {
    All: lambda tree, scene, lines: all(is_met(part, scene, lines) for part in tree.of),
    AnyOf: lambda tree, scene, lines: any(is_met(part, scene, lines) for part in tree.of),
    Not: lambda tree, scene, lines: not is_met(tree.of, scene, lines),
    Window: _in_window,
    Weekday: lambda leaf, scene, _: scene.weekday in leaf.days,
    Channel: lambda leaf, scene, _: scene.channel in leaf.names,
    MinimumAmount: lambda leaf, _, lines: lines.value_minor >= leaf.amount_minor,
    MinimumQuantity: lambda leaf, _, lines: lines.units >= leaf.units,
    Tag: lambda leaf, scene, _: not leaf.names.isdisjoint(scene.who.tags),
    InTier: lambda leaf, scene, _: scene.who.tier in leaf.names,
    FirstOrder: lambda _, scene, __: scene.is_first,
    BirthdayMonth: lambda _, scene, __: scene.who.birth_month == scene.month,
}

_SEEN: dict[type, Callable[[Scene, Selection], Any]] = {
    Window: lambda scene, _: instant_text(scene.at),
    Weekday: lambda scene, _: scene.weekday,
    Channel: lambda scene, _: scene.channel,
    MinimumAmount: lambda _, lines: lines.value_minor,
    MinimumQuantity: lambda _, lines: lines.units,
    Tag: lambda scene, _: sorted(scene.who.tags),
    InTier: lambda scene, _: scene.who.tier,
    FirstOrder: lambda scene, _: scene.is_first,
    BirthdayMonth: lambda scene, _: {"month": scene.month, "birthday": scene.who.birth_month},
}

_ASKED: dict[type, Callable[[Any], Any]] = {
    All: _asked_by_parts,
    AnyOf: _asked_by_parts,
    Not: lambda tree: {code_of(tree.of): asked_by(tree.of)},
    Window: _asked_by_window,
    Weekday: lambda leaf: sorted(leaf.days),
    Channel: _asked_names,
    Category: _asked_names,
    Sku: _asked_names,
    Brand: _asked_names,
    MinimumAmount: lambda leaf: leaf.amount_minor,
    MinimumQuantity: lambda leaf: leaf.units,
    Tag: _asked_names,
    InTier: _asked_names,
    FirstOrder: lambda _: True,
    BirthdayMonth: lambda _: True,
}

_CODES: dict[type, str] = {
    All: "all",
    AnyOf: "any",
    Not: "not",
    Window: "window",
    Weekday: "weekday",
    Channel: "channel",
    Category: "category",
    Sku: "sku",
    Brand: "brand",
    MinimumAmount: "minimum_amount",
    MinimumQuantity: "minimum_quantity",
    Tag: "tag",
    InTier: "tier",
    FirstOrder: "first_order",
    BirthdayMonth: "birthday_month",
}
