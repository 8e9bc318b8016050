"""Members, orders and programs for tests: the shortest way to something believable."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from loyalty_service.checkout import service as checkout
from loyalty_service.checkout.queries import Reader, get_story
from loyalty_service.checkout.rules.cart import Cart, CartLine, Order
from loyalty_service.checkout.rules.steps import Return
from loyalty_service.earning.rules.facts import LineKind
from loyalty_service.events import service as events
from loyalty_service.events.rules import MemberEvent
from loyalty_service.kit.db import Database
from loyalty_service.ledger import service as ledger
from loyalty_service.ledger.rules.adjusting import Adjustment, Reversal
from loyalty_service.ledger.rules.buckets import Buckets
from loyalty_service.ledger.rules.transfers import Transfer
from loyalty_service.ledger.service import Acting
from loyalty_service.members import service as members
from loyalty_service.members.queries import get_member
from loyalty_service.members.rules import Member, Ref, parse_ref
from loyalty_service.members.service import Details
from loyalty_service.program.service import Programs, apply_document
from loyalty_service.timekeeping.service import Timekeeping

STOREFRONT = ("storefront", "test-shop")

PLAIN = """
program: plain
currency: CNY
time_zone: Asia/Shanghai
rounding: floor
wallets:
  - id: points
    name: {en: Points, zh: 积分}
    spendable: true
    activation: {on: fulfilment}
    expiry: {after: {months: 12}, round_to: month}
  - id: growth
    name: {en: Growth, zh: 成长值}
    spendable: false
    activation: {on: payment}
    expiry: never
earning:
  groups: [{id: base, combine: sum}]
  rules:
    - {id: base, name: {en: Base, zh: 基础}, wallet: points, group: base, on: order,
       give: {rate: {points: 1, per: "1.00"}}}
    - {id: growing, name: {en: Growing, zh: 成长}, wallet: growth, group: base, on: order,
       give: {rate: {points: 1, per: "1.00"}}}
returns: {overdrawn: negative}
"""


def line(
    amount_minor: int = 10_000,
    *,
    sku: str = "A-1",
    quantity: int = 1,
    category: str | None = None,
    brand: str | None = None,
    discount_minor: int = 0,
    kind: LineKind = LineKind.GOODS,
) -> CartLine:
    """One line of a cart; money in minor units for the whole line."""
    return CartLine(kind, sku, category, brand, quantity, amount_minor, discount_minor)


def cart_of(lines: tuple[CartLine, ...], more: dict[str, Any]) -> Cart:
    """A cart of these lines, or of one; takes what it is told of the cart out of ``more``."""
    return Cart(
        more.pop("currency", "CNY"),
        more.pop("channel", None),
        lines or (line(),),
        more.pop("discount_minor", 0),
        more.pop("points", 0),
    )


class Shop:
    """A shop with a program, acting through the services in transactions of its own."""

    def __init__(self, db: Database, program: str = PLAIN) -> None:
        self.db = db
        self.programs = Programs()
        self.apply(program)

    def apply(self, program: str) -> int:
        """Put a program in force."""
        return self.db.run(lambda tx: apply_document(tx, program, "test"))

    def enrol(self, ref: str = "m-1", **details: Any) -> Member:
        """Enrol a member."""
        return self.db.run(lambda tx: members.enrol(tx, parse_ref(ref), Details(**details)))

    def pay(
        self,
        order_ref: str = "o-1",
        *lines: CartLine,
        member: str = "m-1",
        at: datetime | None = None,
        fulfilled: bool | None = True,
        **more: Any,
    ) -> dict[str, Any]:
        """Record a paid order and return its receipt."""
        more.setdefault("payment_ref", f"pay-{order_ref}")
        cart = cart_of(lines, more)
        order = Order(
            order_ref=order_ref,
            cart=cart,
            occurred_at=at,
            is_fulfilled=fulfilled,
            **more,
        )
        return self._act(lambda acting: checkout.pay(acting, parse_ref(member), order))

    def pay_reserved(
        self, order_ref: str = "o-1", *, member: str = "m-1", **more: Any
    ) -> dict[str, Any]:
        """Pay for what was reserved, without saying the cart again."""
        more.setdefault("payment_ref", f"pay-{order_ref}")
        order = Order(order_ref=order_ref, cart=None, **more)
        return self._act(lambda acting: checkout.pay(acting, parse_ref(member), order))

    def reserve(
        self, order_ref: str = "o-1", *lines: CartLine, member: str = "m-1", **more: Any
    ) -> dict[str, Any]:
        """Reserve an order."""
        cart, ref = cart_of(lines, more), parse_ref(member)
        return self._act(lambda acting: checkout.reserve(acting, ref, order_ref, cart))

    def release(self, order_ref: str = "o-1", *, member: str = "m-1") -> dict[str, Any]:
        """Let a reservation go."""
        ref = parse_ref(member)
        return self._act(lambda acting: checkout.release(acting, ref, order_ref))

    def quote(
        self,
        *lines: CartLine,
        member: str = "m-1",
        at: datetime | None = None,
        order_ref: str | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Price a cart."""
        cart = cart_of(lines, more)
        with self.db.reading() as tx:
            acting = Acting(tx, self.programs, STOREFRONT, Timekeeping())
            told: dict[str, Any] = checkout.quote(
                acting, parse_ref(member), cart, at=at, order_ref=order_ref
            )
        return told

    def story(self, order_ref: str = "o-1", *, lang: str = "en") -> dict[str, Any]:
        """All that is known of an order."""
        with self.db.reading() as tx:
            return get_story(tx, order_ref, None, Reader(self.programs, tx.now(), lang))

    def balance(self, wallet: str = "points", *, member: str = "m-1") -> Buckets:
        """What a member's account is made of now."""
        with self.db.reading() as tx:
            found = ledger.balances(tx, self.programs, get_member(tx, parse_ref(member)), tx.now())
        return found[wallet]

    def fulfil(
        self, order_ref: str = "o-1", *, member: str = "m-1", at: datetime | None = None
    ) -> dict[str, Any]:
        """Record that an order's goods have arrived."""
        ref = parse_ref(member)
        return self._act(lambda a: checkout.fulfil(a, ref, order_ref, occurred_at=at))

    def give_back(
        self,
        order_ref: str = "o-1",
        return_ref: str = "r-1",
        *,
        units: Sequence[tuple[int, int]] = (),
        amount_minor: int | None = None,
        member: str = "m-1",
        at: datetime | None = None,
        currency: str = "CNY",
    ) -> dict[str, Any]:
        """Record a return of units or of money."""
        of_amount = None if amount_minor is None else currency
        asked = Return(return_ref, tuple(units), amount_minor, of_amount, at)
        ref = parse_ref(member)
        return self._act(lambda a: checkout.take_return(a, ref, order_ref, asked=asked))

    def cancel(
        self, order_ref: str = "o-1", *, member: str = "m-1", at: datetime | None = None
    ) -> dict[str, Any]:
        """Cancel a paid order."""
        ref = parse_ref(member)
        return self._act(lambda a: checkout.cancel(a, ref, order_ref, occurred_at=at))

    def amend(self, ref: str = "m-1", **details: Any) -> Member:
        """Amend what is known of a member."""
        asked, overdue = Details(**details), Timekeeping().overdue(self.programs)
        return self.db.run(lambda tx: members.amend(tx, parse_ref(ref), asked, overdue))

    def tell(
        self,
        event: str,
        *,
        member: str = "m-1",
        channel: str | None = None,
        at: datetime | None = None,
    ) -> dict[str, Any]:
        """Tell the service what a member did."""
        told, ref = MemberEvent(event, channel, at), parse_ref(member)
        return self._act(lambda acting: events.record(acting, ref, told))

    def adjust(
        self, points: int, *, wallet: str = "points", member: str = "m-1", **more: Any
    ) -> dict[str, Any]:
        """Give points by hand, or take them (< 0)."""
        asked, ref = Adjustment(wallet, points, **more), parse_ref(member)
        return self._act(lambda acting: ledger.adjust(acting, ref, asked))

    def reverse(self, entry: int, *, wallet: str = "points", member: str = "m-1") -> dict[str, Any]:
        """Answer a mistaken entry by its reversal."""
        ref = parse_ref(member)
        return self._act(lambda acting: ledger.reverse(acting, ref, Reversal(wallet, entry)))

    def send(
        self, points: int, to: str, *, wallet: str = "points", member: str = "m-1"
    ) -> dict[str, Any]:
        """Transfer points to another member."""
        asked = Transfer(wallet, points)
        return self._act(lambda a: ledger.send(a, parse_ref(member), parse_ref(to), asked))

    def lock_points(self, *, is_locked: bool = True, member: str = "m-1") -> Member:
        """Keep a member's points from leaving."""
        ref, overdue = parse_ref(member), Timekeeping().overdue(self.programs)
        return self.db.run(
            lambda tx: members.lock_redemption(tx, ref, overdue, is_locked=is_locked)
        )

    def _act(self, step: Any) -> dict[str, Any]:
        receipt = self.db.run(lambda tx: step(Acting(tx, self.programs, STOREFRONT, Timekeeping())))
        answer: dict[str, Any] = orjson.loads(receipt)
        return answer

    def ref(self, text: str = "m-1") -> Ref:
        """A member's reference."""
        return parse_ref(text)
