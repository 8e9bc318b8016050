"""What changes a member's tier takes no more messages to the database than other calls."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from tests.clients import Client
from tests.factories import Shop
from tests.integration.test_tiers import TIERED

MOST = 10
PROGRAM = TIERED.replace(
    "tiers:", "tiers:\n  on_return: at_once\n  gifts_on_return: taken_back\n  tier_rate: reached"
).replace("returns:", "redemption: {block_points: 1, block_value: '0.01'}\nreturns:")
BALANCE = PROGRAM.replace("{orders: 10}", "{balance: {wallet: points, at_least: 5000}}")


class Counted:
    """A caller of whose calls the messages to the database are counted."""

    def __init__(self, client: Client, db: Database, sent: list[bytes]) -> None:
        self.client, self.db, self.sent = client, db, sent

    def call(self, method: str, path: str, body: Any, *, is_cold: bool) -> tuple[int, Any]:
        if is_cold:
            # As a process that knows neither member nor program, nor who calls.
            self.db.cache.clear()
        self.sent.clear()
        answer = self.client.call(method, path, body)
        assert answer.status_code == 200, answer.text
        return len(self.sent), answer.json


@pytest.fixture
def counted(database_url: str, clock: SettableClock, tmp_path: Path) -> Iterator[Counted]:
    sent: list[bytes] = []
    db = Database(database_url, clock=clock, pool_size=1, on_message=sent.append)
    yield Counted(Client(db, clock, tmp_path), db, sent)
    db.close()


def cart(fen: int) -> dict[str, Any]:
    money = {"amount": fen, "currency": "CNY"}
    return {"lines": [{"sku": "A-1", "quantity": 2, "amount": money}]}


def paid(order: str, fen: int, **more: Any) -> dict[str, Any]:
    return {**cart(fen), "payment_ref": f"pay-{order}", **more}


@pytest.mark.parametrize("program", [PROGRAM, BALANCE], ids=["sums", "balance"])
@pytest.mark.parametrize("is_cold", [True, False], ids=["cold", "warm"])
def test_calls_that_change_a_tier_take_ten_messages_at_most(
    counted: Counted, program: str, is_cold: bool
) -> None:
    shop = Shop(counted.db, program)
    shop.enrol("m-1")
    at = "/members/m-1"
    back = {"lines": [{"line": 1, "units": 1}]}
    calls = [
        ("POST", f"{at}/quotes", cart(60_000), "promoted"),
        ("POST", f"{at}/orders/o-1/payment", paid("o-1", 60_000, fulfilled=False), "promoted"),
        ("POST", f"{at}/orders/o-1/fulfilment", {}, None),
        ("PUT", f"{at}/orders/o-1/returns/r-1", back, "undone"),
        ("POST", f"{at}/orders/o-2/payment", paid("o-2", 60_000), "promoted"),
        ("POST", f"{at}/orders/o-2/cancellation", {}, "undone"),
        ("PUT", f"{at}/orders/o-3/reservation", {**cart(90_000), "points": 20}, None),
        ("POST", f"{at}/orders/o-3/payment", {"payment_ref": "p-3"}, "promoted"),
        ("POST", f"{at}/events", {"event": "visit"}, None),
    ]
    took = {}
    for method, path, body, cause in calls:
        number, answer = counted.call(method, path, body, is_cold=is_cold)
        took[path] = number
        changes = [change["cause"] for change in answer.get("tier_changes", [])]
        assert changes == ([cause] if cause else []), path

    for path in (f"{at}/standing", f"{at}/tier-changes"):
        took[path], _ = counted.call("GET", path, None, is_cold=is_cold)

    assert max(took.values()) <= MOST, took


def test_a_member_who_is_known_is_not_looked_up_again(counted: Counted) -> None:
    Shop(counted.db, PROGRAM).enrol("m-1")
    looked_up = []

    for order in ("o-1", "o-2"):
        path = f"/members/m-1/orders/{order}/payment"
        counted.call("POST", path, paid(order, 1_000), is_cold=order == "o-1")
        looked_up.append(any(b"member_ref" in message for message in counted.sent))

    assert looked_up == [True, False]
