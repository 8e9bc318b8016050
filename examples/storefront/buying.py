"""Checkout, payment and receipt."""

from collections.abc import Mapping
from uuid import uuid4

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as Redirect

from .checkout import EVERYTHING, Offer, Outcome
from .client import Conflict, Unavailable
from .goods import cart_of, price_of
from .store import Order, State
from .story import tell_bound, tell_earned, tell_limits, tell_tier
from .web import checkout, find_standing, find_story, lang, say

blueprint = Blueprint("buying", __name__)

Page = str | Redirect


@blueprint.get("/checkout")
def show_checkout() -> Page:
    """How many points to use, what they are worth, what will be earned."""
    basket = session.get("basket")
    if not basket:
        return redirect(url_for("basket"))
    if "member" not in session:
        return redirect(url_for("members"))
    try:
        asked = _points_in(request.args)
    except ValueError:
        flash(say("points_unread"), "alert")
        asked = 0
    try:
        offer = checkout().offer(session["member"], basket, asked, _order_ref())
    except Unavailable:
        return _page_without_points(basket)
    return _checkout_page(offer)


@blueprint.post("/checkout")
def place() -> Page:
    """Go on to pay: the points are held, the price is promised."""
    basket = session.get("basket")
    if not basket or "member" not in session:
        return redirect(url_for("basket"))
    try:
        asked = _points_in(request.form)
    except ValueError:
        flash(say("points_unread"), "alert")
        return redirect(url_for(".show_checkout"))
    if asked is None:
        return redirect(url_for(".show_checkout", points="most"))
    try:
        checkout().place(_order_ref(), session["member"], cart_of(basket, asked))
    except Conflict:
        # Shown again with what is possible now, and why.
        return redirect(url_for(".show_checkout", points=asked))
    except Unavailable:
        flash(say("points_away"), "alert")
        return redirect(url_for(".show_checkout"))
    return redirect(url_for(".show_payment", ref=_order_ref()))


@blueprint.get("/orders/<ref>/payment")
def show_payment(ref: str) -> Page:
    """Where the payment provider's page would be."""
    order = _own_order(ref)
    if not checkout().is_to_pay(order):
        return redirect(url_for("orders.show_order", ref=ref))
    story = find_story(ref)
    is_held = story is not None and story["state"] == "reserved"
    return render_template(
        "payment.html", order=order, points=order.cart["points"], is_held=is_held
    )


@blueprint.post("/orders/<ref>/payment")
def pay(ref: str) -> Page:
    """The customer pays, or the payment fails."""
    order = _own_order(ref)
    if not checkout().is_to_pay(order):
        return redirect(url_for("orders.show_order", ref=ref))
    try:
        outcome = checkout().settle(order, works=request.form.get("outcome") == "pays")
    except Conflict:
        flash(say("points_gone"), "alert")
        return redirect(url_for(".show_checkout", points=order.cart["points"]))
    except Unavailable:
        flash(say("points_away"), "alert")
        return redirect(url_for(".show_payment", ref=ref))
    if outcome in (Outcome.PAID, Outcome.TOLD_LATER):
        _clear_basket()
        return redirect(url_for(".show_receipt", ref=ref))
    if outcome is Outcome.REFUNDED:
        session.pop("order", None)
        flash(say("refunded"), "alert")
        return redirect(url_for("basket"))
    plain = outcome is Outcome.DECLINED and not order.cart["points"]
    flash(say("declined_plain" if plain else str(outcome)), "alert")
    return redirect(url_for(".show_payment", ref=ref))


@blueprint.post("/orders/<ref>/release")
def walk_away(ref: str) -> Page:
    """Back to the basket: the points are let go."""
    order = _own_order(ref)
    if order.state is State.OPEN:
        checkout().let_go(order)
    return redirect(url_for("basket"))


@blueprint.get("/orders/<ref>/receipt")
def show_receipt(ref: str) -> Page:
    """What was paid, in money and in points, and what it earned."""
    order = _own_order(ref)
    story = find_story(ref)
    if story is None or order.state is State.CHARGING:
        return render_template("receipt.html", order=order, receipt=None, earned=[], changes=[])
    receipt = story["receipt"]
    earned = tell_earned(receipt, receipt.get("paid_at") or receipt["placed_at"], lang())
    changes = [change["words"][lang()] for change in receipt["tier_changes"]]
    return render_template(
        "receipt.html", order=order, receipt=receipt, earned=earned, changes=changes
    )


def _checkout_page(offer: Offer) -> str:
    quote = offer.quote
    standing = None if quote["tier_after"] is None else find_standing(session["member"])
    return render_template(
        "checkout.html",
        quote=quote,
        most=offer.most,
        points=quote["points"]["used"],
        bound=tell_bound(quote, lang()),
        limits=tell_limits(quote, offer.most, lang()),
        earned=tell_earned(quote, quote["at"], lang()),
        tier=tell_tier(quote, standing, lang()),
        cart=cart_of(session["basket"], 0),
    )


def _page_without_points(basket: dict[str, int]) -> str:
    """Selling goes on while points cannot be reached."""
    cart = cart_of(basket, 0)
    return render_template(
        "checkout.html", quote=None, cart=cart, points=0, total=price_of(cart["lines"])
    )


def _points_in(sent: Mapping[str, str]) -> int | None:
    """How many points the customer wants to use; None for as many as possible.

    Raises:
        ValueError: it is not a whole number from 0.
    """
    asked = sent.get("points", "0").strip()
    if asked == "most":
        return None
    if not asked.isdecimal():
        raise ValueError(asked)
    return int(asked) if len(asked) < 10 else EVERYTHING


def _order_ref() -> str:
    """The reference of the order that the basket will be: one, however often it is placed."""
    ref: str = session.setdefault("order", f"Q-{uuid4().hex[:8].upper()}")
    return ref


def _own_order(ref: str) -> Order:
    order = checkout().orders.find(ref)
    if order is None or order.member != session.get("member"):
        abort(404)
    return order


def _clear_basket() -> None:
    session.pop("basket", None)
    session.pop("order", None)
