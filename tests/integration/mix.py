"""A seeded mix of everything a shop may call, much of it sent more than once.

What is sent twice stands side by side in the plan, so that threads that take from it in turn send
it at the same time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property, partial
from random import Random
from typing import Any

Body = dict[str, Any]


class Manner(StrEnum):
    """What the client does with the answer."""

    READ = "read"
    CUT = "cut"
    """Ends the connection as soon as the request is out, and sends it again."""
    LOST = "lost"
    """Ends it when the answer arrives, without reading it, and sends the request again."""


@dataclass(eq=False)
class Intent:
    """One thing that a shop means to happen.

    Args:
        member: whom it is about; None for a batch.
        make: gives the body when it is first sent.
    """

    kind: str
    member: str | None
    method: str
    path: str
    make: Callable[[], Body]

    @cached_property
    def body(self) -> Body:
        return self.make()


@dataclass(frozen=True, slots=True, eq=False)
class Sending:
    """A request to be sent: what is meant, under which key, and how the answer is met."""

    intent: Intent
    key: str
    manner: Manner = Manner.READ


def cny(amount_minor: int) -> Body:
    return {"amount": amount_minor, "currency": "CNY"}


@dataclass
class Mix:
    """The plan of one run, from a seed.

    Args:
        given: asks the run so far for the entries that an operator has written for a member.
    """

    seed: str
    members: list[str]
    given: Callable[[str], list[tuple[str, int]]]
    chance: Random = field(init=False)
    orders: list[tuple[str, str, Body]] = field(default_factory=list)
    keys: int = 0

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)
        self.today = datetime.now(UTC).replace(microsecond=0)

    def enrolments(self) -> list[Sending]:
        """Everyone enrolled, three times at once."""
        plan = []
        for member in self.members:
            refs = [{"kind": "card", "value": member}]
            enrol = Intent("enrol", member, "PUT", f"/members/{member}", lambda r=refs: {"refs": r})
            plan += [self._send(enrol) for _ in range(3)]
        return plan

    def plan(self, intents: int) -> list[Sending]:
        """So many things that are meant, with everything that is sent more than once."""
        kinds = [name for name in SHARES for _ in range(SHARES[name])]
        plan: list[Sending] = []
        for _ in range(intents):
            name = self.chance.choice(kinds)
            intent = getattr(self, f"_{name}")()
            plan += self._spread(name, intent)
        return plan

    def _spread(self, name: str, intent: Intent) -> list[Sending]:
        first = self._send(intent)
        luck = self.chance.random()
        if luck < 0.45:
            return [first]
        if luck < 0.65:
            copies = self.chance.randint(1, 3)
            return [first, *(self._copy(first) for _ in range(copies))]
        if luck < 0.75:
            return [first, self._send(intent), self._copy(first)]
        if luck < 0.85 and name not in ("cancel", "fulfil"):
            other = getattr(self, f"_{name}")()
            make = partial(_with_charge, intent, other) if name == "pay" else other.make
            meant = Intent(other.kind, intent.member, intent.method, intent.path, make)
            return [first, Sending(meant, first.key), self._copy(first)]
        manner = self.chance.choice((Manner.CUT, Manner.LOST))
        return [Sending(intent, first.key, manner), self._copy(first)][: self.chance.randint(1, 2)]

    def _send(self, intent: Intent) -> Sending:
        self.keys += 1
        return Sending(intent, f"key-{self.keys}")

    def _copy(self, sending: Sending) -> Sending:
        return Sending(sending.intent, sending.key)

    def _intent(self, kind: str, method: str, path: str, body: Body) -> Intent:
        return self._of(self.chance.choice(self.members), kind, method, path, lambda: body)

    def _of(
        self, member: str, kind: str, method: str, path: str, make: Callable[[], Body]
    ) -> Intent:
        # By another name now and then: both must lead to the same lock.
        named = f"card:{member}" if self.chance.random() < 0.2 else member
        return Intent(kind, member, method, f"/members/{named}{path}", make)

    def _cart(self) -> Body:
        lines = [
            {
                "sku": f"S-{self.chance.randint(1, 50)}",
                "quantity": self.chance.randint(1, 6),
                "amount": cny(self.chance.randint(1, 10_000)),
            }
            for _ in range(self.chance.randint(1, 3))
        ]
        body = {
            "payment_ref": f"charge-{self.chance.randint(1, 10**9)}",
            "fulfilled": self.chance.random() < 0.5,
            "lines": lines,
        }
        if self.chance.random() < 0.2:
            earlier = self.today - timedelta(hours=self.chance.randint(1, 100))
            body["occurred_at"] = f"{earlier:%Y-%m-%dT%H:%M:%SZ}"
        return body

    def _pay(self) -> Intent:
        # Sometimes an order that is another's, or that is there with another cart.
        if self.orders and self.chance.random() < 0.08:
            _, order_ref, known = self.chance.choice(self.orders[-10:])
            # With the same charge: another one would open an order again that was cancelled.
            cart = {**self._cart(), "payment_ref": known["payment_ref"]}
            return self._intent("pay", "POST", f"/orders/{order_ref}/payment", cart)
        member, order_ref, cart = self._new_order()
        return self._of(member, "pay", "POST", f"/orders/{order_ref}/payment", lambda: cart)

    def _new_order(self) -> tuple[str, str, Body]:
        order = (self.chance.choice(self.members), f"o-{len(self.orders) + 1}", self._cart())
        self.orders.append(order)
        return order

    def _known(self) -> tuple[str, str, Body]:
        """An order that is on its way or there; a new one where there is none."""
        return self.chance.choice(self.orders[-30:]) if self.orders else self._new_order()

    def _fulfil(self) -> Intent:
        member, order_ref, _ = self._known()
        return self._of(member, "fulfil", "POST", f"/orders/{order_ref}/fulfilment", dict)

    def _cancel(self) -> Intent:
        member, order_ref, _ = self._known()
        return self._of(member, "cancel", "POST", f"/orders/{order_ref}/cancellation", dict)

    def _return(self) -> Intent:
        member, order_ref, cart = self._known()
        asked = self._asked(cart)
        ref = self.chance.randint(1, 8)
        path = f"/orders/{order_ref}/returns/r-{ref}"
        return self._of(member, "return", "PUT", path, lambda: asked)

    def _asked(self, cart: Body) -> Body:
        if self.chance.random() < 0.4:
            paid = sum(line["amount"]["amount"] for line in cart["lines"])
            return {"amount": cny(self.chance.randint(1, max(1, paid // 2)))}
        number = self.chance.randint(1, len(cart["lines"]))
        most = cart["lines"][number - 1]["quantity"]
        return {"lines": [{"line": number, "units": self.chance.randint(1, most)}]}

    def _event(self) -> Intent:
        name = self.chance.choice(["check_in", "check_in", "review", "review", "sign_up"])
        body = {"event": name}
        if name == "check_in":
            day = self.today - timedelta(days=self.chance.randint(1, 6))
            body["occurred_at"] = f"{day:%Y-%m-%d}T04:00:00Z"
        return self._intent("event", "POST", "/events", body)

    def _adjust(self) -> Intent:
        wallet = self.chance.choice(["points", "points", "growth"])
        # Mostly taken, so that some do not find enough.
        points = self.chance.choice([-1, -1, 1]) * self.chance.randint(1, 300)
        body: Body = {"wallet": wallet, "points": points}
        if points < 0 and self.chance.random() < 0.4:
            body["allow_negative"] = True
        return self._intent("adjust", "POST", "/adjustments", body)

    def _reverse(self) -> Intent:
        member, pick = self.chance.choice(self.members), self.chance.random()

        def body() -> Body:
            known = self.given(member) or [("points", 1)]
            wallet, entry = known[int(pick * len(known))]
            return {"reverses": {"wallet": wallet, "entry": entry}}

        return self._of(member, "reverse", "POST", "/adjustments", body)

    def _amend(self) -> Intent:
        tags = self.chance.sample(["gold", "staff", "tea"], self.chance.randint(0, 3))
        return self._intent("amend", "PUT", "", {"tags": tags})

    def _batch(self) -> Intent:
        items = []
        for _ in range(self.chance.randint(1, 5)):
            is_order = self.chance.random() < 0.7
            is_new = is_order and self.chance.random() < 0.8
            member, order_ref, cart = self._new_order() if is_new else self._known()
            item: Body = {"member_ref": member, "order_ref": order_ref}
            if is_order:
                item["order"] = cart
            else:
                ref = f"r-{self.chance.randint(1, 8)}"
                item["return"] = {"return_ref": ref, **self._asked(cart)}
            items.append(item)
        return Intent("batch", None, "POST", "/orders/batch", lambda: {"items": items})


def _with_charge(paid: Intent, other: Intent) -> Body:
    """Another cart with the same charge: with another one it might open an order again."""
    return {**other.make(), "payment_ref": paid.make()["payment_ref"]}


SHARES = {
    "pay": 24,
    "fulfil": 10,
    "return": 20,
    "cancel": 4,
    "event": 14,
    "adjust": 14,
    "reverse": 6,
    "amend": 4,
    "batch": 6,
}
