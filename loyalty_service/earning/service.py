"""Writes what calendar limits have used up."""

from loyalty_service.earning.queries import Totals
from loyalty_service.kit.db import Transaction

_ADD = "INSERT INTO member_total (member_id, metric, day, amount)"
_ADDED = """
ON CONFLICT (member_id, metric, day) DO UPDATE SET amount = member_total.amount + excluded.amount
"""


def save(tx: Transaction, totals: Totals) -> None:
    """Add to the writes what was counted; the member is locked.

    Rule: R-23.
    """
    rows = [(*total, amount) for total, amount in sorted(totals.added.items()) if amount]
    tx.add_rows(_ADD, rows, _ADDED)
