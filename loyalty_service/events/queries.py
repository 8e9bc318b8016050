"""Whether an event that counts once has been counted."""

from datetime import date

from loyalty_service.kit.db import Transaction

_COUNTED = """
SELECT EXISTS (SELECT FROM member_total
                WHERE member_id = %s AND metric = %s AND day BETWEEN %s AND %s AND amount > 0)
"""


def metric(name: str) -> str:
    """The name under which an event's days are counted."""
    return f"event:{name}"


def has_counted(tx: Transaction, member_id: int, name: str, first: date, last: date) -> bool:
    """Whether the member has this event between two local days, both included."""
    return bool(tx.fetch(_COUNTED, (member_id, metric(name), first, last))[0][0])
