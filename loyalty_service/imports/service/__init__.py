"""History from files: orders and returns, members and what they bring with them."""

from loyalty_service.imports.service.files import open_lines
from loyalty_service.imports.service.invoices import (
    History,
    TakenIn,
    cut,
    find_repeated,
    take_in,
)
from loyalty_service.imports.service.members import Arrival, bring_in, cut_members, look_at

__all__ = [
    "Arrival",
    "History",
    "TakenIn",
    "bring_in",
    "cut",
    "cut_members",
    "find_repeated",
    "look_at",
    "open_lines",
    "take_in",
]
