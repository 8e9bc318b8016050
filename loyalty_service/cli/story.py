"""The demo member's story: forty days of buying, sending back and looking in."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

MEMBER = "mei"
DAYS = 40
LAST_ORDER = "D-1003"


@dataclass(frozen=True, slots=True)
class Telling:
    """One call of the story."""

    method: str
    path: str
    body: dict[str, Any]


def tell_story(enrolled_at: datetime) -> Iterator[Telling]:
    """The calls in their order.

    Args:
        enrolled_at: when the story begins (UTC); the same beginning gives the same calls, so that
            they may be sent again.
    """

    def after(days: float) -> str:
        instant = enrolled_at + timedelta(days=days)
        return instant.replace(microsecond=0).isoformat().replace("+00:00", "Z")

    member = f"/v1/members/{MEMBER}"
    yield Telling("POST", f"{member}/events", {"event": "sign_up", "occurred_at": after(0)})
    shoes, tea = _line("SHOE-42", "shoes", 1, 46_800), _line("TEA-LJ-250", "tea", 3, 20_400)
    yield from _order(f"{member}/orders/D-1001", [shoes, tea], after(1), after(4))
    for day in (5, 6, 7):
        yield Telling("POST", f"{member}/events", {"event": "check_in", "occurred_at": after(day)})
    shirt = _line("SHIRT-M", "clothes", 2, 39_800)
    yield from _order(f"{member}/orders/D-1002", [shirt], after(12), after(14))
    yield Telling(
        "PUT",
        f"{member}/orders/D-1002/returns/R-1",
        {"lines": [{"line": 1, "units": 1}], "occurred_at": after(20)},
    )
    yield Telling("POST", f"{member}/events", {"event": "review", "occurred_at": after(21)})
    # Paid yesterday and not delivered: its points are still waiting.
    yield from _order(f"{member}/orders/{LAST_ORDER}", [tea], after(DAYS - 1), None)


def _order(
    path: str, lines: list[dict[str, Any]], paid_at: str, fulfilled_at: str | None
) -> Iterator[Telling]:
    body = {
        "payment_ref": f"pay-{path.rpartition('/')[2]}",
        "lines": lines,
        "channel": "app",
        "occurred_at": paid_at,
        "fulfilled": False,
    }
    yield Telling("POST", f"{path}/payment", body)
    if fulfilled_at is not None:
        yield Telling("POST", f"{path}/fulfilment", {"occurred_at": fulfilled_at})


def _line(sku: str, category: str, quantity: int, amount_minor: int) -> dict[str, Any]:
    return {
        "sku": sku,
        "category": category,
        "quantity": quantity,
        "amount": {"amount": amount_minor, "currency": "CNY"},
    }
