"""Messages to the database per operation, BEGIN and COMMIT included, counted at the driver."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from common import Stand, cart, stand, title
from flask.testing import FlaskClient

MOST = 10
"""What any call that touches one member may take."""


@dataclass(slots=True)
class Counted:
    """The operations of one member, and the messages that each of them sent."""

    client: FlaskClient
    token: str
    sent: list[bytes]
    keys: int = 0

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Make one call; anything but a good answer stops the measurement."""
        self.sent.clear()
        self.keys += 1
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": f"k-{self.keys}"}
        if method == "POST" and path.endswith("/lookup"):
            del headers["Idempotency-Key"]
        answer = self.client.open(path, method=method, json=body, headers=headers)
        if answer.status_code >= 300:
            raise RuntimeError(f"{method} {path}: {answer.get_data(as_text=True)}")
        return answer.get_json(silent=True)


def order(number: int, **more: Any) -> dict[str, Any]:
    """A paid order."""
    return {**cart(), "payment_ref": f"pay-{number}", **more}


def offered(points: int) -> dict[str, Any]:
    """A cart that points are to pay in part."""
    return {key: value for key, value in cart().items() if key != "payment_ref"} | {
        "points": points
    }


def operations(counted: Counted, ref: str) -> dict[str, Callable[[], Any]]:
    """Every operation on one member, in an order in which each can be done."""
    at, call = f"/v1/members/{ref}", counted.call
    of = f"{at}/orders/{ref}"
    given = {"wallet": "points", "points": 50, "note": "for the delay"}
    return {
        "enrol": lambda: call("PUT", at, {}),
        "amend": lambda: call("PUT", at, {"tags": ["gold"], "birthday": {"month": 2, "day": 29}}),
        "look up": lambda: call("POST", "/v1/members/lookup", {"kind": "shop", "value": ref}),
        "read member": lambda: call("GET", at),
        "paid order": lambda: call("POST", f"{of}-1/payment", order(1)),
        "paid order, repeated": lambda: call("POST", f"{of}-1/payment", order(1)),
        "paid order, not sent yet": lambda: call(
            "POST", f"{of}-2/payment", order(2, fulfilled=False)
        ),
        "fulfilment": lambda: call("POST", f"{of}-2/fulfilment", {}),
        "return": lambda: call(
            "PUT", f"{of}-1/returns/{ref}-r", {"lines": [{"line": 2, "units": 1}]}
        ),
        "cancellation": lambda: call("POST", f"{of}-2/cancellation", {}),
        "event": lambda: call("POST", f"{at}/events", {"event": "review"}),
        "check-in": lambda: call("POST", f"{at}/events", {"event": "check_in"}),
        "adjustment": lambda: call("POST", f"{at}/adjustments", given),
        "reversal": lambda: call("POST", f"{at}/adjustments", {"reverses": _last(counted, at)}),
        "many points": lambda: call("POST", f"{at}/adjustments", {**given, "points": 20_000}),
        "quote": lambda: call("POST", f"{at}/quotes", offered(1_000)),
        "reservation": lambda: call("PUT", f"{of}-3/reservation", offered(1_000)),
        "reservation, renewed": lambda: call("PUT", f"{of}-3/reservation", offered(1_000)),
        "reservation, other cart": lambda: call("PUT", f"{of}-3/reservation", offered(2_000)),
        "payment of a reservation": lambda: call("POST", f"{of}-3/payment", {"payment_ref": "p"}),
        "return with points": lambda: call(
            "PUT", f"{of}-3/returns/{ref}-s", {"lines": [{"line": 2, "units": 1}]}
        ),
        "cancellation with points": lambda: call("POST", f"{of}-3/cancellation", {}),
        "payment, opened again": lambda: call("POST", f"{of}-3/payment", {"payment_ref": "q"}),
        "reservation of another": lambda: call("PUT", f"{of}-4/reservation", offered(1_000)),
        "release": lambda: call("POST", f"{of}-4/reservation/release"),
        "payment with points": lambda: call(
            "POST", f"{of}-5/payment", {**order(5), "points": 1_000}
        ),
        "lock points": lambda: call("PUT", f"{at}/redemption-lock", {"locked": True}),
        "balance": lambda: call("GET", f"{at}/balance"),
        "entries": lambda: call("GET", f"{at}/entries?wallet=points"),
        "one entry": lambda: call("GET", f"{at}/entries/points/1"),
        "order": lambda: call("GET", f"{of}-1"),
        "order by reference": lambda: call("GET", f"/v1/orders/{ref}-1"),
        "program": lambda: call("GET", "/v1/program"),
    }


def _last(counted: Counted, at: str) -> dict[str, Any]:
    """The newest entry: the adjustment that was just made."""
    newest = counted.call("GET", f"{at}/entries?wallet=points")["entries"][0]
    return {"wallet": newest["wallet"], "entry": newest["entry"]}


def measure(made: Stand) -> dict[str, tuple[int, int]]:
    """Messages of each operation: of a process that has just started, and of a warm one."""
    sent: list[bytes] = []
    db = made.database(pool_size=1, on_message=sent.append)
    counted = Counted(made.app(db).test_client(), made.token(), sent)
    found: dict[str, list[int]] = {}
    for ref in ("first", "second", "third"):
        for name, operation in operations(counted, ref).items():
            if ref == "first":
                # As a process that knows neither member nor program, nor who calls.
                db.cache.clear()
            operation()
            found.setdefault(name, []).append(len(sent))
    # Of the second pass nothing is told: who acts is remembered once it was found.
    db.close()
    return {name: (cold, warm) for name, (cold, _, warm) in found.items()}


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    title("Messages to the database per operation")
    with stand() as made:
        found = measure(made)
    print(f"{'':<28}{'cold':>6}{'warm':>6}")
    for name, (cold, warm) in found.items():
        print(f"{name:<28}{cold:6}{warm:6}")
    most = max(max(pair) for pair in found.values())
    print(f"\nmost: {most} (aim: at most {MOST})")


if __name__ == "__main__":
    main()
