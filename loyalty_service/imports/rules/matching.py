"""Which earlier purchases a return undoes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Bought:
    """Units of a product on one line of an order.

    Args:
        place: orders of one customer counted as they were imported; breaks ties of ``placed_at``.
        left: units that have not been returned.
    """

    order_ref: str
    placed_at: datetime
    place: int
    line_no: int
    left: int


@dataclass(frozen=True, slots=True)
class Matched:
    """What a return undoes: order by order, most recently placed first, units by line number.

    Args:
        lines: what became of the return's lines, counted.
        units: how many units were matched, and how many asked for.
    """

    orders: tuple[tuple[str, tuple[tuple[int, int], ...]], ...]
    lines: Counter[str]
    matched: int
    asked: int


@dataclass(slots=True)
class Shelf:
    """What one customer bought and may bring back, by product."""

    by_sku: dict[str, list[Bought]] = field(default_factory=dict)
    orders: int = 0

    def add(
        self, order_ref: str, placed_at: datetime, lines: Sequence[tuple[int, str, int]]
    ) -> None:
        """Put an order's lines (number, product, units left) on the shelf, in import order."""
        self.orders += 1
        for line_no, sku, left in lines:
            bought = Bought(order_ref, placed_at, self.orders, line_no, left)
            self.by_sku.setdefault(sku, []).append(bought)

    def take(self, asked: Sequence[tuple[str, int]], at: datetime) -> Matched:
        """Match a return's lines, and take what they matched from the shelf.

        Args:
            asked: product and units of each line, in file order.
            at: the return's instant; what was bought later is not undone by it.
        """
        taken: dict[tuple[datetime, int, str], Counter[int]] = {}
        lines = Counter[str]()
        matched = 0
        for sku, units in asked:
            left = units
            for bought in self._recent_first(sku, at):
                part = min(left, bought.left)
                if part:
                    bought.left -= part
                    left -= part
                    order = (bought.placed_at, bought.place, bought.order_ref)
                    taken.setdefault(order, Counter())[bought.line_no] += part
            matched += units - left
            lines[_outcome(units, left)] += 1
        orders = tuple(
            (order_ref, tuple(sorted(of_order.items())))
            for (_, _, order_ref), of_order in sorted(taken.items(), reverse=True, key=_recency)
        )
        return Matched(orders, lines, matched, sum(units for _, units in asked))

    def _recent_first(self, sku: str, at: datetime) -> list[Bought]:
        early_enough = [one for one in self.by_sku.get(sku, ()) if one.placed_at <= at]
        # sorted() is stable, so inside one order the lines keep their order.
        return sorted(early_enough, key=lambda one: (one.placed_at, one.place), reverse=True)


def _recency(
    taken: tuple[tuple[datetime, int, str], Counter[int]],
) -> tuple[datetime, int, str]:
    return taken[0]


def _outcome(units: int, left: int) -> str:
    if left == 0:
        return "returned"
    return "partly_returned" if left < units else "not_bought_before"
