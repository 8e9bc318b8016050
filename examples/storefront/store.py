"""What the shop itself remembers: its orders, in a file of SQLite."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4

SCHEMA = """
CREATE TABLE IF NOT EXISTS shop_order (
    order_ref TEXT PRIMARY KEY, member_ref TEXT NOT NULL, cart TEXT NOT NULL,
    payable_minor INTEGER NOT NULL, held_until TEXT, payment_ref TEXT NOT NULL, state TEXT NOT NULL
)
"""


class State(StrEnum):
    """Where an order stands, as far as the shop alone can know."""

    OPEN = "open"  # placed, not paid
    CHARGING = "charging"  # a charge was begun, and the loyalty service has not answered yet
    PAID = "paid"  # charged, and the loyalty service knows; from here on it tells the story
    CALLED_OFF = "called_off"  # not paid, or the money went back


@dataclass(frozen=True, slots=True)
class Order:
    """An order of the shop.

    Args:
        cart: as it goes to the loyalty service, with the points to pay with.
        payable_minor: what the customer was told to pay in money.
        held_until: the instant until which this is promised; None where nothing is.
        payment_ref: of the one charge that pays it; written down before the charge is made.
    """

    ref: str
    member: str
    cart: dict[str, Any]
    payable_minor: int
    held_until: str | None
    payment_ref: str
    state: State


class Orders:
    """The shop's orders; may be shared by threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as db:
            db.execute(SCHEMA)

    def find(self, ref: str) -> Order | None:
        """An order, or None."""
        return next(self._read("order_ref = ?", ref), None)

    def list_of(self, member: str) -> list[Order]:
        """A member's orders, newest first."""
        return list(self._read("member_ref = ? ORDER BY rowid DESC", member))

    def list_charging(self) -> list[Order]:
        """The orders whose payment the loyalty service does not know yet, oldest first."""
        return list(self._read("state = ? ORDER BY rowid", State.CHARGING))

    def place(self, order: Order) -> None:
        """Write an order down, or what has changed of it; one that is not open stays as it is."""
        with self._open() as db:
            db.execute(
                "INSERT INTO shop_order VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " cart = excluded.cart, payable_minor = excluded.payable_minor,"
                " held_until = excluded.held_until, payment_ref = excluded.payment_ref"
                " WHERE state = 'open'",
                (
                    order.ref,
                    order.member,
                    json.dumps(order.cart),
                    order.payable_minor,
                    order.held_until,
                    order.payment_ref,
                    order.state,
                ),
            )

    def reopen(self, order: Order) -> None:
        """After a failed charge: the next one is another and gets a reference of its own."""
        with self._open() as db:
            db.execute(
                "UPDATE shop_order SET state = 'open', payment_ref = ?"
                " WHERE order_ref = ? AND payment_ref = ? AND state = 'charging'",
                (new_payment_ref(), order.ref, order.payment_ref),
            )

    def move(self, order: Order, to: State) -> None:
        """Bring an order into another state, unless somebody else moved it meanwhile."""
        with self._open() as db:
            db.execute(
                "UPDATE shop_order SET state = ? WHERE order_ref = ? AND state = ?",
                (to, order.ref, order.state),
            )

    def _read(self, where: str, value: str) -> Iterator[Order]:
        with self._open() as db:
            rows = db.execute(f"SELECT * FROM shop_order WHERE {where}", (value,)).fetchall()  # noqa: S608
        for ref, member, cart, payable_minor, until, payment_ref, state in rows:
            wanted = json.loads(cart)
            yield Order(ref, member, wanted, payable_minor, until, payment_ref, State(state))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self._path, timeout=10.0)
        try:
            with db:
                yield db
        finally:
            db.close()


def new_payment_ref() -> str:
    """For a charge that has not been tried yet."""
    return f"ch-{uuid4().hex}"
