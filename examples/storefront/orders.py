"""What becomes of orders, and every point."""

import re
from contextlib import suppress
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as Redirect

from .client import Conflict, Invalid, Json, NotFound, Problem, Unavailable
from .store import State
from .story import reason_of, tell_lot, tell_story
from .web import checkout, find_standing, find_story, lang, loyalty, say

blueprint = Blueprint("orders", __name__)

PAGE = 20
COUNT = re.compile("[1-9][0-9]{0,4}")
Page = str | Redirect


@blueprint.get("/orders")
def list_orders() -> Page:
    """The member's orders in this shop."""
    if "member" not in session:
        return redirect(url_for("members"))
    _tell_waiting()
    return render_template("orders.html", orders=checkout().orders.list_of(session["member"]))


@blueprint.get("/orders/<ref>")
def show_order(ref: str) -> Page:
    """An order as a story, and what can be done with it."""
    if "member" not in session:
        return redirect(url_for("members"))
    _tell_waiting()
    order = checkout().orders.find(ref)
    if order is not None and order.member != session["member"]:
        abort(404)
    story = find_story(ref)
    if story is None and order is None:
        abort(404)
    state = str(order.state) if order and order.state is not State.PAID else ""
    is_to_pay = order is not None and checkout().is_to_pay(order)
    return render_template(
        "order.html",
        ref=ref,
        order=order,
        story=story,
        state=state or (story["state"] if story else "open"),
        is_to_pay=is_to_pay,
        events=tell_story(story, lang()) if story else [],
        lines=story["lines"] if story else order.cart["lines"] if order else [],
        can=_can(story) if story and not is_to_pay else set(),
    )


@blueprint.post("/orders/<ref>/fulfilment")
def fulfil(ref: str) -> Page:
    """The parcel arrived: points that wait for it begin."""
    return _act(ref, "fulfilled", lambda member: loyalty().fulfil(member, ref))


@blueprint.post("/orders/<ref>/cancellation")
def cancel(ref: str) -> Page:
    """All of it is called off."""
    if session.get("order") == ref:
        session.pop("order", None)
    return _act(ref, "cancelled", lambda member: checkout().cancel(ref, member))


@blueprint.post("/orders/<ref>/returns")
def send_back(ref: str) -> Page:
    """Some of it comes back, by line and unit."""
    asked = {key.removeprefix("line-"): count for key, count in request.form.items()}
    units = {
        int(line): int(count)
        for line, count in asked.items()
        if COUNT.fullmatch(line) and COUNT.fullmatch(count)
    }
    if not units:
        flash(say("return_none"), "alert")
        return redirect(url_for(".show_order", ref=ref, _anchor="return"))
    return_ref = f"{ref}-{request.form.get('return_ref', '')}"
    act = checkout().take_return
    return _act(ref, "returned", lambda member: act(ref, member, return_ref, units))


@blueprint.get("/points")
def show_points() -> Page:
    """What the member has, and every entry that led there."""
    if "member" not in session:
        return redirect(url_for("members"))
    _tell_waiting()
    member, wallet = session["member"], request.args.get("wallet", "points")
    asked = {"wallet": wallet, "limit": PAGE}
    if "cursor" in request.args:
        asked["cursor"] = request.args["cursor"]
    balance = loyalty().balance(member)
    page, standing = loyalty().entries(member, **asked), find_standing(member)
    return render_template(
        "points.html",
        wallets=balance["wallets"],
        chosen=wallet,
        entries=page["entries"],
        stands=standing["words"] if standing else [],
        following=page.get("next"),
        reason_of=lambda entry: reason_of(entry, lang()),
    )


@blueprint.get("/points/<wallet>/<int:number>")
def show_entry(wallet: str, number: int) -> Page:
    """Why these points: in the words of the loyalty service."""
    if "member" not in session:
        return redirect(url_for("members"))
    try:
        entry = loyalty().entry(session["member"], wallet, number, lang())
    except NotFound:
        abort(404)
    reason = reason_of(entry, lang())
    lots = [(lot["points"], tell_lot(lot, lang())) for lot in entry["lots"]]
    return render_template("entry.html", entry=entry, reason=reason, lots=lots)


def _act(ref: str, done: str, act: Any) -> Page:
    """Do something with an order and show where it stands then."""
    if "member" not in session:
        return redirect(url_for("members"))
    try:
        act(session["member"])
        flash(say(done))
    except (Conflict, Invalid):
        flash(say("moved_on"), "alert")
    except Unavailable:
        flash(say("try_again"), "alert")
    return redirect(url_for(".show_order", ref=ref))


def _can(story: Json) -> set[str]:
    """What the customer can do with a paid order."""
    can = set()
    if story["state"] in ("paid", "fulfilled", "part_returned"):
        can |= {"cancel", "return"}
        if story["fulfilled_at"] is None:
            can.add("fulfil")
    return can


def _tell_waiting() -> None:
    with suppress(Problem, Unavailable):
        checkout().tell_waiting()
