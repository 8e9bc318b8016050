"""A till that takes points: what may be called of a member who has some of them held."""

from typing import Any

from tests.integration.counter import PROGRAM as COUNTED
from tests.integration.counter import Counter, points, units

PROGRAM = COUNTED.replace(
    "returns:", "redemption: {block_points: 100, block_value: '1.00'}\nreturns:"
)
ENDS = 20
"""Minutes until 300 of the free points end; a reservation lapses after 30."""


def paying_with(points: int, payment_ref: str | None = None) -> dict[str, Any]:
    """Four units of 100.00, some of it paid with points."""
    money = {"amount": 10_000, "currency": "CNY"}
    cart = {"points": points, "lines": [{"sku": "A-1", "quantity": 4, "amount": money}]}
    return cart | ({"payment_ref": payment_ref, "fulfilled": False} if payment_ref else {})


CHARGED = {"payment_ref": "charge"}

# What may be called of a member who paid 100 points of 1,000 for order M-p, has 600 held for
# order M-r, and got 300 more that end soon; 600 are free. M stands for the member.
CALLS: dict[str, tuple[str, str, Any]] = {
    "pay": ("POST", "/members/M/orders/M-r/payment", CHARGED),
    "cancel": ("POST", "/members/M/orders/M-r/cancellation", {}),
    "release": ("POST", "/members/M/orders/M-r/reservation/release", None),
    "renew": ("PUT", "/members/M/orders/M-r/reservation", paying_with(600)),
    "reserve a": ("PUT", "/members/M/orders/M-a/reservation", paying_with(500)),
    "reserve b": ("PUT", "/members/M/orders/M-b/reservation", paying_with(500)),
    "reserve more": ("PUT", "/members/M/orders/M-m/reservation", paying_with(700)),
    "pay a": ("POST", "/members/M/orders/M-a/payment", CHARGED),
    "release a": ("POST", "/members/M/orders/M-a/reservation/release", None),
    "spend": ("POST", "/members/M/orders/M-s/payment", paying_with(500, "charge")),
    "send": ("POST", "/members/M/transfers", points(500, to="M-f")),
    "return one": ("PUT", "/members/M/orders/M-p/returns/r-1", units(1)),
    "return two": ("PUT", "/members/M/orders/M-p/returns/r-2", units(2)),
    "return three": ("PUT", "/members/M/orders/M-p/returns/r-3", units(3)),
    "review": ("POST", "/members/M/events", {"event": "review"}),
}
_POINTS = {
    "account": "wallet, seq, lot_seq, balance, deficit",
    "entry": "wallet, seq, kind, points, reason, source_no, occurred_at, balance_after",
    "allocation": "wallet, entry_seq, lot_seq, points, expires_at, expired",
    "lot": "wallet, lot_seq, order_no, opened, remaining, active_at, expires_at",
    "hold": "wallet, order_no, hold_no, lot_seq, points, held_at, lapses_at, ended_at",
}
_ORDERS = {
    "member": "caught_up_to, event_seq, order_seq, live_orders, holds_lapse_at",
    "order_head": "order_no, state, price_minor, paid_minor, returned_minor, lapses_at, hold_no",
}


class Till(Counter):
    """A till, whose calls may be made from many threads."""

    calls = CALLS

    def open_account(self, member: str) -> None:
        """Enrol a member, and a friend, and bring them to where ``CALLS`` begin."""
        path = f"/members/{member}"
        for method, where, body in [
            ("PUT", f"{path}-f", {}),
            ("PUT", path, {}),
            ("POST", f"{path}/adjustments", points(1_000)),
            ("POST", f"{path}/orders/{member}-p/payment", paying_with(100, "charge")),
            ("PUT", f"{path}/orders/{member}-r/reservation", paying_with(600)),
            ("POST", f"{path}/adjustments", points(300, expires_at=f"2026-03-02T04:{ENDS}:00Z")),
        ]:
            answer = self.client.call(method, where, body)
            assert answer.status_code == 200, answer.text

    def worth(self, member: str) -> tuple[int, ...]:
        """What a member's points are now: active, held, pending, due."""
        answer = self.client.call("GET", f"/members/{member}/proof").json
        (told,) = [one for one in answer["accounts"] if one["wallet"] == "points"]
        return tuple(told[name] for name in ("active", "held", "pending", "due"))

    def points_of(self, member: str) -> dict[str, list[Any]]:
        """Every row of a member's points, as it would be for anybody."""
        return self._rows(_POINTS, member)

    def books_of(self, member: str) -> dict[str, list[Any]]:
        """Every row of a member's points and orders, as it would be for anybody."""
        return self._rows(_POINTS | _ORDERS, member)

    def _rows(self, tables: dict[str, str], member: str) -> dict[str, list[Any]]:
        of_member = "member_id = (SELECT r.member_id FROM member_ref r WHERE r.value = %s)"
        return {
            table: self.db.fetch(
                f"SELECT {names} FROM {table} WHERE {of_member} ORDER BY {names}", (member,)
            )
            for table, names in tables.items()
        }
