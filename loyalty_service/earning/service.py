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
    rows = [
        (member_id, name, day, amount)
        for member_id, added in totals.added.items()
        for (name, day), amount in added.items()
        if amount
    ]
    tx.add_rows(_ADD, rows, _ADDED)
