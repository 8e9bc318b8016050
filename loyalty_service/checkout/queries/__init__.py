"""Reads of orders."""

from loyalty_service.checkout.queries.records import (
    OrderRecord,
    OrderUnknown,
    blank_order,
    find_likely_order,
    find_order,
    find_orders,
    read_steps,
)
from loyalty_service.checkout.queries.stories import Reader, get_story

__all__ = [
    "OrderRecord",
    "OrderUnknown",
    "Reader",
    "blank_order",
    "find_likely_order",
    "find_order",
    "find_orders",
    "get_story",
    "read_steps",
]
