"""History from files: orders and returns, members and what they bring with them."""

from loyalty_service.imports.service.invoices import History, cut, find_repeated, take_in

__all__ = ["History", "cut", "find_repeated", "take_in"]
