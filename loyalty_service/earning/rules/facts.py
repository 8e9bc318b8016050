"""What earning is decided from, and what comes out."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from loyalty_service.kit.frozen import frozen
from loyalty_service.program.rules.earning import EarningRule


class LineKind(StrEnum):
    """What a line of a cart is."""

    GOODS = "goods"
    SHIPPING = "shipping"
    TAX = "tax"


@frozen
class Line:
    """One line of an order; ``paid_minor`` is its cost net of every discount."""

    line_no: int
    kind: LineKind
    sku: str
    category: str | None
    brand: str | None
    quantity: int
    paid_minor: int


@frozen
class Who:
    """What conditions may ask of a member; ``tier`` by id, None where the program has none."""

    tags: frozenset[str]
    birth_month: int | None
    tier: str | None = None


@frozen
class OrderFacts:
    """An order as earning sees it, judged at ``placed_at`` (R-06)."""

    placed_at: datetime
    channel: str | None
    lines: tuple[Line, ...]
    is_first: bool
    who: Who


@frozen
class EventFacts:
    """Something a member did; ``streak`` is the day of a check-in streak, else 0."""

    name: str
    occurred_at: datetime
    channel: str | None
    streak: int
    who: Who


@frozen
class RuleEarned:
    """What one rule gave: whole points > 0, and each line's share of them (empty for events)."""

    rule: EarningRule
    points: int
    shares: tuple[tuple[int, int], ...]


@frozen
class Refused:
    """A rule that gave nothing, the condition that failed, what it asked and what it saw."""

    rule_id: str
    condition: str
    asked: Any
    saw: Any


@frozen
class Earned:
    """Everything an order or event earned.

    Args:
        explain: tells by wallet, JSON-ready, how its points came about (R-27). Asked only where
            something is given: who is quoted a price, or keeps one, is told points and rules.
    """

    by_rule: tuple[RuleEarned, ...]
    refused: tuple[Refused, ...]
    explain: Callable[[], Mapping[str, dict[str, Any]]]
