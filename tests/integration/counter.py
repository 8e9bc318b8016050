"""A shop's counter: one of each call, about a member who has a little of everything behind them."""

from typing import Any

from werkzeug.test import TestResponse

from loyalty_service.checkout.service.proving import find_order_faults
from loyalty_service.kit.db import Database
from loyalty_service.ledger.service.proving import prove_all
from tests.clients import Client
from tests.factories import PLAIN

REVIEW = 20
"""Points for a review; one of each member's counts."""

PROGRAM = PLAIN.replace(
    "returns:",
    """\
    - {id: joining, name: {en: Joining, zh: 注册}, wallet: points, group: base, on: sign_up,
       give: {fixed: 100}, activation: {on: payment}}
    - {id: checking, name: {en: Check-in, zh: 签到}, wallet: points, group: base, on: check_in,
       give: {by_streak: [5, 6, 7]}, activation: {on: payment}}
    - {id: reviewing, name: {en: Review, zh: 评价}, wallet: points, group: base, on: review,
       give: {fixed: 20}, activation: {on: payment}}
  caps:
    - {id: reviews, name: {en: Reviews, zh: 评价}, covers: [reviewing], per: member, period: ever,
       times: 1, over: reject}
returns:""",
)


def cart(amount_minor: int = 2_300) -> dict[str, Any]:
    """Four units that earn a point per yuan; they have not gone out yet."""
    money = {"amount": amount_minor, "currency": "CNY"}
    line = {"sku": "A-1", "quantity": 4, "amount": money}
    return {"payment_ref": "charge", "fulfilled": False, "lines": [line]}


def units(count: int) -> dict[str, Any]:
    return {"lines": [{"line": 1, "units": count}]}


def points(count: int, **more: Any) -> dict[str, Any]:
    return {"wallet": "points", "points": count, **more}


# What may be called of a member who has order M-o (23 points, not alive yet), was given 100
# points by hand (entry 2 of the wallet) and lost 30 of them (entry 3). M stands for the member.
CALLS: dict[str, tuple[str, str, Any]] = {
    "pay": ("POST", "/members/M/orders/M-n/payment", cart()),
    "pay otherwise": ("POST", "/members/M/orders/M-n/payment", cart(2_400)),
    "fulfil": ("POST", "/members/M/orders/M-o/fulfilment", {}),
    "cancel": ("POST", "/members/M/orders/M-o/cancellation", {}),
    "return one": ("PUT", "/members/M/orders/M-o/returns/r-1", units(1)),
    "return otherwise": ("PUT", "/members/M/orders/M-o/returns/r-1", units(2)),
    "return all": ("PUT", "/members/M/orders/M-o/returns/r-2", units(4)),
    "refund": (
        "PUT",
        "/members/M/orders/M-o/returns/r-3",
        {"amount": {"amount": 1_100, "currency": "CNY"}},
    ),
    "give": ("POST", "/members/M/adjustments", points(10)),
    "take": ("POST", "/members/M/adjustments", points(-60)),
    "overdraw": ("POST", "/members/M/adjustments", points(-90, allow_negative=True)),
    "undo gift": ("POST", "/members/M/adjustments", {"reverses": {"wallet": "points", "entry": 2}}),
    "undo loss": ("POST", "/members/M/adjustments", {"reverses": {"wallet": "points", "entry": 3}}),
    "sign up": ("POST", "/members/M/events", {"event": "sign_up"}),
    "check in": ("POST", "/members/M/events", {"event": "check_in"}),
    "review": ("POST", "/members/M/events", {"event": "review"}),
    "amend": ("PUT", "/members/M", {"tags": ["seen"]}),
    "batch": (
        "POST",
        "/orders/batch",
        {
            "items": [
                {"member_ref": "M", "order_ref": "M-n", "order": cart()},
                {
                    "member_ref": "M",
                    "order_ref": "M-o",
                    "return": {"return_ref": "r-1", **units(1)},
                },
            ]
        },
    ),
}


class Counter:
    """A shop's counter, whose calls may be made from many threads."""

    calls = CALLS

    def __init__(self, client: Client, db: Database) -> None:
        self.client, self.db = client, db

    def call(self, name: str, member: str = "m-1", **more: Any) -> TestResponse:
        method, path, body = self.calls[name]
        return self.client.call(method, path.replace("M", member), named(body, member), **more)

    def open_account(self, member: str) -> None:
        """Enrol a member and bring them to where ``CALLS`` begin."""
        path = f"/members/{member}"
        for method, where, body in [
            ("PUT", path, {}),
            ("POST", f"{path}/orders/{member}-o/payment", cart()),
            ("POST", f"{path}/adjustments", points(100)),
            ("POST", f"{path}/adjustments", points(-30)),
        ]:
            assert self.client.call(method, where, body).status_code == 200

    def balance(self, member: str = "m-1") -> int:
        """The sum of a member's entries, from a proof of everything."""
        with self.db.reading() as tx:
            *_, report = prove_all(tx, None)
            assert report.faults == []
            assert find_order_faults(tx, None) == []
        proof = self.client.call("GET", f"/members/{member}/proof").json
        assert proof["proved"], proof["faults"]
        sums = {account["wallet"]: account["sum_of_entries"] for account in proof["accounts"]}
        return sums.get("points", 0)


def named(body: Any, member: str) -> Any:
    """A body that speaks of M, about this member."""
    if isinstance(body, dict):
        return {name: named(value, member) for name, value in body.items()}
    if isinstance(body, list):
        return [named(value, member) for value in body]
    return body.replace("M", member) if isinstance(body, str) and body[:1] == "M" else body


def said(answer: TestResponse) -> Any:
    """The code of a refusal, the status of anything else."""
    return answer.json["code"] if answer.status_code >= 400 else answer.status_code
