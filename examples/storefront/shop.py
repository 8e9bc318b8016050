"""The shop: shelf, basket and members. Points are in checkout.py, buying.py and orders.py."""

import re
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from flask import (
    Flask,
    Response,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from werkzeug.wrappers import Response as Redirect

from . import buying, orders, words
from .checkout import Checkout
from .client import Loyalty, Problem, Unavailable
from .goods import (
    BY_SKU,
    MOST_OF_ONE,
    SHELF,
    SHIPPING_FREE_FROM_MINOR,
    cart_of,
    name_of,
    price_of,
)
from .store import Orders
from .till import Till
from .web import lang, loyalty, say

MEMBERS = ("mei", "su", "lin", "hua", "chen", "bo", "qiang")
NAME = re.compile(r"[a-z0-9-]{1,20}")
NO_SCRIPTS = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'"
)


def create_shop(service: Loyalty, folder: Path) -> Flask:
    """Build the shop.

    Args:
        folder: where it keeps its orders and the key of its cookies.
    """
    folder.mkdir(parents=True, exist_ok=True)
    app = Flask(__name__)
    app.secret_key = _cookie_key(folder / "cookie-key")
    # Lax: another site cannot send our forms with the customer's basket.
    app.config.update(SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_HTTPONLY=True)
    kept, till = Orders(folder / "shop.db"), Till(folder / "till.db")
    app.extensions["checkout"] = Checkout(service, kept, till)
    for part in (buying, orders):
        app.register_blueprint(part.blueprint)
    for rule, view in (("/", shelf), ("/basket", basket), ("/members", members)):
        app.add_url_rule(rule, view_func=view)
    for rule, act in (("/basket", change_basket), ("/members", choose_member), ("/join", join)):
        app.add_url_rule(rule, view_func=act, methods=["POST"])
    app.before_request(_switch_language)
    app.after_request(_no_scripts)
    app.context_processor(_words)
    app.register_error_handler(404, _no_page)
    app.register_error_handler(Unavailable, _away)
    app.register_error_handler(Problem, _refused)
    return app


def shelf() -> str:
    """What there is to buy, and what the member could pay with."""
    has = None
    if "member" in session:
        try:
            wallets = loyalty().balance(session["member"])["wallets"]
            has = next((wallet for wallet in wallets if wallet["worth"]), None)
        except (Problem, Unavailable):
            pass  # the shelf does not wait for points
    return render_template("shelf.html", articles=SHELF, has=has)


def basket() -> str:
    """What is in the basket and what it costs without points."""
    lines = cart_of(session.get("basket", {}), 0)["lines"]
    return render_template(
        "basket.html", lines=lines, total=price_of(lines), free_from=SHIPPING_FREE_FROM_MINOR
    )


def change_basket() -> Redirect:
    """Put something in, or change how many of it there are."""
    sku, asked = request.form.get("sku", ""), request.form.get("quantity", "")
    if sku in BY_SKU:
        has = session.setdefault("basket", {})
        count = int(asked) if asked.isdecimal() and len(asked) < 4 else has.get(sku, 0) + 1
        has[sku] = min(count, MOST_OF_ONE)
        session["basket"] = {sku: count for sku, count in has.items() if count}
        if not asked:
            return redirect(url_for("shelf", _anchor=sku))
    return redirect(url_for("basket"))


def members() -> str:
    """Members with a past, and the way to join."""
    return render_template("members.html", members=MEMBERS)


def choose_member() -> Redirect:
    """Be somebody; the basket stays, an order half placed does not."""
    ref = request.form.get("member", "")
    if NAME.fullmatch(ref):
        session["member"] = ref
        session.pop("order", None)
        flash(say("chosen", name=ref))
    return redirect(url_for("shelf"))


def join() -> Redirect:
    """A customer joins: said again, it changes nothing."""
    ref = request.form.get("member", "").strip().lower()
    if not NAME.fullmatch(ref):
        flash(say("join_wrong"), "alert")
        return redirect(url_for("members"))
    loyalty().enrol(ref)
    session["member"] = ref
    session.pop("order", None)
    flash(say("joined", name=ref))
    return redirect(url_for("shelf"))


def _switch_language() -> Redirect | None:
    chosen = request.args.get("lang")
    if chosen is None:
        return None
    if chosen in words.LANGUAGES:
        session["lang"] = chosen
    rest = urlencode([(k, v) for k, v in request.args.items(multi=True) if k != "lang"])
    return redirect(f"{request.path}?{rest}" if rest else request.path)


def _words() -> dict[str, Any]:
    other = words.LANGUAGES[lang() == "en"]
    rest = {key: value for key, value in request.args.items() if key != "lang"}
    return {
        "say": say,
        "lang": lang(),
        "price": words.price,
        "moment": lambda at: words.moment(lang(), at),
        "day": lambda at: words.day(lang(), at),
        "last_day": lambda at: words.last_day(lang(), at),
        "clock": words.clock,
        "name_of": lambda sku: name_of(sku, lang()),
        "picture_of": lambda sku: BY_SKU[sku].picture if sku in BY_SKU else "box",
        "in_basket": session.get("basket", {}),
        "member": session.get("member"),
        "other_language": "?" + urlencode({**rest, "lang": other}),
        "new_ref": lambda: uuid4().hex[:12],
    }


def _no_scripts(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = NO_SCRIPTS
    response.headers["X-Content-Type-Options"] = "nosniff"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response


def _no_page(_error: Exception) -> tuple[str, int]:
    return render_template("trouble.html", text=say("trouble_page")), 404


def _away(_error: Unavailable) -> tuple[str, int]:
    return render_template("trouble.html", text=say("trouble_away")), 503


def _refused(problem: Problem) -> tuple[str, int]:
    text = say("trouble_refused", code=problem.code)
    return render_template("trouble.html", text=text), 502


def _cookie_key(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32), encoding="ascii")
    return path.read_text(encoding="ascii")
