"""Buying with points: which call is made when, and what is done when it fails.

The order of things is what matters here: reserve, charge, pay. What is not certain is written down
first and asked again under the same reference; what is held is let go as soon as it is not needed.
"""

from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any, NamedTuple

from .client import Conflict, Invalid, Json, Loyalty, NotFound, Problem, Unavailable
from .goods import cart_of, money, price_of
from .store import Order, Orders, State, new_payment_ref
from .till import Till

# More than anybody has: the quote answers with the most that may be used.
EVERYTHING = 1_000_000_000


class Outcome(StrEnum):
    """What became of a payment."""

    PAID = "paid"
    TOLD_LATER = "told_later"  # charged; the loyalty service could not be told yet
    DECLINED = "declined"  # not charged; the points are free again
    CHANGED = "changed"  # not charged; the customer must see the new price first
    REFUNDED = "refunded"  # charged and given back: the points were lost meanwhile


class Offer(NamedTuple):
    """What a checkout page shows: the quote as chosen, and the most points that may be used."""

    quote: Json
    most: int


class Checkout:
    """The shop's side of a checkout; may be shared by threads."""

    def __init__(self, loyalty: Loyalty, orders: Orders, till: Till) -> None:
        self.loyalty, self.orders, self.till = loyalty, orders, till

    def offer(
        self, member: str, basket: Mapping[str, int], points: int | None, order_ref: str
    ) -> Offer:
        """Price a basket whenever the checkout page is shown.

        Args:
            points: what the customer chose; None for as many as possible.
            order_ref: what an earlier visit holds for this order counts as free for it.

        Raises:
            Unavailable: go on without points.
        """
        best = self.loyalty.quote(member, cart_of(basket, EVERYTHING), order_ref)
        most = best["points"]["used"]
        if points is None:
            points = most
        return Offer(self.loyalty.quote(member, cart_of(basket, points), order_ref), most)

    def place(self, ref: str, member: str, cart: Json) -> None:
        """The customer goes on to pay: hold the points, get the price promised.

        Raises:
            Conflict: the points are not to be had as chosen. Nothing is held; show a new offer.
            Unavailable: points were chosen and cannot be held now.
        """
        order = self.orders.find(ref)
        if order is None or order.state is State.OPEN:
            self.orders.place(self._reserve(ref, member, cart))

    def settle(self, order: Order, *, works: bool) -> Outcome:
        """The customer pays: hold on, charge, tell. Safe to call again after a crash anywhere.

        Args:
            works: whether the till takes the money; yours decides that by itself.

        Raises:
            Conflict: the points are not free any more. Nothing was charged.
            Unavailable: points were chosen and cannot be held now. Nothing was charged.
        """
        if order.state is State.OPEN:
            # Again, so that the hold does not lapse while the customer types a code.
            renewed = self._reserve(order.ref, order.member, order.cart)
            if renewed.payable_minor != order.payable_minor:
                self.orders.place(renewed)
                return Outcome.CHANGED
            # Before the charge: after a crash this says which charge to ask the till about.
            self.orders.move(order, State.CHARGING)
        if not self.till.charge(order.payment_ref, order.payable_minor, works=works):
            self.let_go(order)
            self.orders.reopen(order)
            return Outcome.DECLINED
        return self.tell(order)

    def tell(self, order: Order) -> Outcome:
        """After the charge: the points are spent, what is earned is given.

        Told again and again under the same payment_ref and with the same body, until there is an
        answer; the customer need not wait for that. The cart comes along for the case that it was
        never reserved.
        """
        try:
            self.loyalty.pay(
                order.member,
                order.ref,
                order.payment_ref,
                paid=money(order.payable_minor),
                fulfilled=False,
                **order.cart,
            )
        except Unavailable:
            return Outcome.TOLD_LATER
        except (Conflict, Invalid):
            # It lapsed before it could be told, and the points are gone. A shop may also let the
            # customer have it for this money: the same call with accept_repricing=True.
            self.till.refund(f"{order.ref}-lost", order.payment_ref, order.payable_minor)
            with suppress(Problem, Unavailable):
                self.loyalty.cancel(order.member, order.ref)
            self._move(order, State.CALLED_OFF)
            return Outcome.REFUNDED
        self._move(order, State.PAID)
        return Outcome.PAID

    def tell_waiting(self) -> None:
        """Tell what could not be told before. Yours runs every minute, in a process of its own."""
        for order in self.orders.list_charging():
            if self.till.has_taken(order.payment_ref) and self.tell(order) is Outcome.TOLD_LATER:
                return

    def is_to_pay(self, order: Order) -> bool:
        """Not charged yet; also where a crash came between writing a charge down and making it."""
        begun = order.state is State.CHARGING and not self.till.has_taken(order.payment_ref)
        return order.state is State.OPEN or begun

    def let_go(self, order: Order) -> None:
        """The charge failed, or the customer walked away: the points are free at once."""
        # Where this does not get through they are free when the reservation lapses.
        with suppress(Problem, Unavailable):
            self.loyalty.release(order.member, order.ref)

    def cancel(self, ref: str, member: str) -> None:
        """All of it is called off, paid or not; what was paid goes back in money and in points.

        Raises:
            Conflict: nothing is left to cancel.
            Unavailable: nothing was done that counts; the customer may try again.
        """
        order = self.orders.find(ref)
        if order is not None and order.state is State.OPEN:
            self.orders.move(order, State.CALLED_OFF)
            # Where this does not get through, what is held lapses by itself.
            with suppress(NotFound, Unavailable):
                self.loyalty.cancel(member, ref)
            return
        waits = order is not None and order.state is State.CHARGING
        # What was never told cannot be called off.
        if order is not None and waits and self.tell(order) is Outcome.TOLD_LATER:
            raise Unavailable("the payment is not told yet")
        told = self.loyalty.cancel(member, ref)
        self._refund(f"{ref}-cancelled", order, told)

    def take_return(self, ref: str, member: str, return_ref: str, units: dict[int, int]) -> None:
        """Goods came back: the service says how much money and how many points go back for them.

        Args:
            return_ref: made up when the form is shown, so that a second click is the same return.
            units: how many of which line.

        Raises:
            Conflict, Invalid: it is not possible so. Nothing is given back.
            Unavailable: the customer may try again with the same form.
        """
        told = self.loyalty.take_return(member, ref, return_ref, units)
        self._refund(return_ref, self.orders.find(ref), told)

    def _reserve(self, ref: str, member: str, cart: Json) -> Order:
        """The order as it is promised now, its points being held."""
        try:
            promise = self.loyalty.reserve(member, ref, cart)
        except Unavailable:
            if cart["points"]:
                raise
            # A sale does not wait for loyalty; the payment will bring the cart along.
            promise = {"payable": money(price_of(cart["lines"])), "lapses_at": None}
        payable_minor, until = promise["payable"]["amount"], promise["lapses_at"]
        return Order(ref, member, cart, payable_minor, until, new_payment_ref(), State.OPEN)

    def _move(self, order: Order, to: State) -> None:
        current = self.orders.find(order.ref)
        if current is not None:
            self.orders.move(current, to)

    def _refund(self, refund_ref: str, order: Order | None, told: Json) -> None:
        # An order of before this shop was paid into another till.
        if order is not None:
            amount: dict[str, Any] = told["returned"]
            self.till.refund(refund_ref, order.payment_ref, amount["amount"])
