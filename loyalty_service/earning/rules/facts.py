"""What earning is decided from, and what comes out."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from loyalty_service.earning.rules.spread import spread
from loyalty_service.kit.frozen import frozen
from loyalty_service.program.rules.earning import EarningRule, Give, PerUnit


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


def weights_of(give: Give, lines: Sequence[Line]) -> list[int]:
    """What each line brought to a rule that gives so: its units for ``per_unit``, else its value.

    Rule: R-03, R-40.
    """
    if isinstance(give, PerUnit):
        return [line.quantity for line in lines]
    return [line.paid_minor for line in lines]


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
    """What one rule gave: whole points > 0, and the lines it looked at (none for events)."""

    rule: EarningRule
    points: int
    lines: tuple[Line, ...]

    @property
    def shares(self) -> tuple[tuple[int, int], ...]:
        """The numbers of the lines that brought points, each with its share of them.

        Only orders that are paid keep it.

        Rule: R-03.
        """
        if not self.lines:
            return ()
        shares = spread(self.points, weights_of(self.rule.give, self.lines))
        pairs = zip(self.lines, shares, strict=True)
        return tuple([(line.line_no, share) for line, share in pairs if share])


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
