"""Reads of the ledger."""

from loyalty_service.ledger.queries.accounts import (
    Accounts,
    get_written,
    read_accounts,
    read_due,
    read_expired,
    read_for_spending,
    read_given,
)
from loyalty_service.ledger.queries.reading import (
    EntryDetail,
    EntryRow,
    balances_now,
    balances_then,
    find_explanation,
    get_entry,
    list_entries,
    list_entries_of_order,
    list_wallets,
)

__all__ = [
    "Accounts",
    "EntryDetail",
    "EntryRow",
    "balances_now",
    "balances_then",
    "find_explanation",
    "get_entry",
    "get_written",
    "list_entries",
    "list_entries_of_order",
    "list_wallets",
    "read_accounts",
    "read_due",
    "read_expired",
    "read_for_spending",
    "read_given",
]
