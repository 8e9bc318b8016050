"""History from files: orders and returns, members and what they bring with them."""

from loyalty_service.imports.service.files import open_lines
from loyalty_service.imports.service.invoices import (
    History,
    TakenIn,
    cut,
    find_repeated,
    take_in,
)

__all__ = ["History", "TakenIn", "cut", "find_repeated", "open_lines", "take_in"]
