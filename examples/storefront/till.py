"""Stands for your payment provider: charges once per payment_ref, and gives money back."""

import sqlite3
from contextlib import closing
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS charge (
    payment_ref TEXT PRIMARY KEY, amount_minor INTEGER NOT NULL, taken INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS refund (
    refund_ref TEXT PRIMARY KEY, payment_ref TEXT NOT NULL, amount_minor INTEGER NOT NULL
)
"""


class Till:
    """A provider that does as the customer's button says; may be shared by threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with closing(sqlite3.connect(path)) as db:
            db.executescript(SCHEMA)

    def charge(self, payment_ref: str, amount_minor: int, *, works: bool) -> bool:
        """Take the money, or not; asked again for the same ``payment_ref``, the same answer."""
        row = (payment_ref, amount_minor, works)
        with closing(sqlite3.connect(self._path, timeout=10.0)) as db, db:
            db.execute("INSERT INTO charge VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row)
        return self.has_taken(payment_ref)

    def has_taken(self, payment_ref: str) -> bool:
        """Whether this charge was made and worked."""
        with closing(sqlite3.connect(self._path, timeout=10.0)) as db:
            found = db.execute("SELECT taken FROM charge WHERE payment_ref = ?", (payment_ref,))
            return bool(found.fetchone() == (1,))

    def refund(self, refund_ref: str, payment_ref: str, amount_minor: int) -> None:
        """Give money back, once per ``refund_ref``."""
        row = (refund_ref, payment_ref, amount_minor)
        with closing(sqlite3.connect(self._path, timeout=10.0)) as db, db:
            db.execute("INSERT INTO refund VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row)

    def taken_minor(self) -> int:
        """What the till holds: charged and not given back."""
        with closing(sqlite3.connect(self._path, timeout=10.0)) as db:
            charged = "SELECT coalesce(sum(amount_minor), 0) FROM charge WHERE taken"
            returned = "SELECT coalesce(sum(amount_minor), 0) FROM refund"
            found = db.execute(f"SELECT ({charged}) - ({returned})").fetchone()
            return int(found[0])
