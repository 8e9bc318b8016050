"""What the loyalty service tells, as sentences: the story of an order, offers and entries."""

from typing import Any, NamedTuple

from .client import Json
from .goods import name_of
from .words import WORDS, clock, day, instant, last_day, price, say

# What comes first of things that happened at one instant.
_RANKS = {"reservation": 0, "release": 0, "payment": 1}


class Event(NamedTuple):
    """Something that happened to an order: when, what, and what it came to."""

    at: str
    title: str
    sentences: list[str]


def tell_story(story: Json, lang: str) -> list[Event]:
    """An order's story, from the beginning."""
    happened = list(story["steps"])
    paid = story["receipt"]
    if paid and paid.get("payment_ref"):
        at = paid.get("paid_at") or paid["placed_at"]
        happened.append({"step": "payment", "occurred_at": at, "receipt": paid})
    happened.sort(key=lambda step: (instant(step["occurred_at"]), _RANKS.get(step["step"], 2)))
    events: list[Event] = []
    for step, following in zip(happened, [*happened[1:], None], strict=True):
        is_renewed = following and following["step"] == step["step"] == "reservation"
        if not is_renewed:
            sentences = _SENTENCES[step["step"]](step["receipt"], story, lang)
            again = step["step"] == "reservation" and bool(events)
            title = say(lang, "story_again" if again else f"story_{step['step']}")
            events.append(Event(step["occurred_at"], title, sentences))
    return events


def _of_reservation(receipt: Json, _story: Json, lang: str) -> list[str]:
    points, until = receipt["points"]["points"], clock(receipt["lapses_at"])
    return [say(lang, "story_reservation_text", n=points, time=until)] if points else []


def _of_release(receipt: Json, _story: Json, lang: str) -> list[str]:
    return [say(lang, "story_release_text", n=receipt["points"])] if receipt["points"] else []


def _of_payment(receipt: Json, _story: Json, lang: str) -> list[str]:
    sentences = [say(lang, "story_paid_text", amount=price(receipt["paid"]["amount"]))]
    spent = receipt.get("spent")
    if spent:
        worth = price(spent["worth"]["amount"])
        sentences.append(say(lang, "story_spent_text", n=spent["points"], worth=worth))
    if receipt["earned"]:
        sentences.append(say(lang, "story_earned_text", what=amounts(receipt["earned"], lang)))
    return sentences


def _of_fulfilment(receipt: Json, _story: Json, lang: str) -> list[str]:
    lots = [lot for activated in receipt["activated"] for lot in activated["lots"]]
    sentences = []
    for begins in sorted({lot["active_at"] for lot in lots}):
        if instant(begins) <= instant(receipt["fulfilled_at"]):
            sentences.append(say(lang, "story_alive_text"))
        else:
            sentences.append(say(lang, "story_starts_text", day=day(lang, begins)))
    return sentences


def _of_return(receipt: Json, story: Json, lang: str) -> list[str]:
    names = {line["line"]: name_of(line["sku"], lang) for line in story["lines"]}
    sentences = [
        say(lang, "story_line_text", name=names[line["line"]], units=line["units"])
        for line in receipt.get("lines", ())
        if line["units"]
    ]
    returned = receipt.get("returned", {}).get("amount")
    if returned:
        sentences.append(say(lang, "story_money_text", amount=price(returned)))
    if receipt.get("released"):
        sentences.append(say(lang, "story_release_text", n=receipt["released"]))
    given_back = receipt.get("given_back", ())
    sentences += [say(lang, "story_given_text", n=given["points"]) for given in given_back]
    if receipt.get("taken"):
        sentences.append(say(lang, "story_taken_text", what=amounts(receipt["taken"], lang)))
    return sentences


_SENTENCES = {
    "reservation": _of_reservation,
    "release": _of_release,
    "payment": _of_payment,
    "fulfilment": _of_fulfilment,
    "return": _of_return,
    "cancellation": _of_return,
}


def amount(wallet: str, points: int, lang: str) -> str:
    """So many of a wallet."""
    return say(lang, f"n_{wallet}" if f"n_{wallet}" in WORDS else "n_points", n=points)


def amounts(moved: list[Json], lang: str) -> str:
    """What was moved in each wallet, in one phrase."""
    joint = "、" if lang == "zh" else ", "
    return joint.join(amount(each["wallet"], each["points"], lang) for each in moved)


def tell_limits(quote: Json, most: int, lang: str) -> list[str]:
    """What a customer should know of points on this order before choosing."""
    limits = quote["points"]["limits"]
    if not limits:
        return []
    sentences = [say(lang, "have", n=limits["available"])]
    if limits["max_share"] < limits["available"]:
        sentences.append(say(lang, "limit_share", n=limits["max_share"]))
    key = "limit_steps" if most else "limit_minimum"
    sentences.append(say(lang, key, step=limits["step"], minimum=limits["minimum"]))
    return sentences


def tell_bound(quote: Json, lang: str) -> str | None:
    """Why fewer points are used than the customer asked for; None where they are not."""
    points = quote["points"]
    if points["bound_by"] is None:
        return None
    asked = {"asked": points["asked"], "used": points["used"]}
    return say(lang, f"bound_{points['bound_by']}", **points["limits"], **asked)


def tell_earned(told: Json, now: str, lang: str) -> list[str]:
    """What an order would earn, or did, and when it begins: a sentence for every lot."""
    sentences = []
    for earned in told["earned"]:
        for lot in earned["lots"]:
            n = amount(earned["wallet"], lot["points"], lang)
            sentences.append(_begins(lot, n, now, lang) + _ends(lot, lang))
    return sentences


def tell_tier(quote: Json, standing: Json | None, lang: str) -> list[str]:
    """Where the member stands, and what the order would change; nothing without tiers."""
    if standing is None or quote["tier_after"] is None:
        return []
    words = [change["words"][lang] for change in quote["tier_changes"]]
    changes = [say(lang, "tier_then", change=each) for each in words]
    now = say(lang, "tier_now", tier=standing["tier"]["name"])
    return [now, *(changes or [say(lang, "tier_stays")])]


def _begins(lot: Json, n: str, now: str, lang: str) -> str:
    if lot["active_at"] is None:
        return say(lang, "lot_waits", n=n)
    if instant(lot["active_at"]) <= instant(now):
        return say(lang, "lot_now", n=n)
    return say(lang, "lot_from", n=n, day=day(lang, lot["active_at"]))


def _ends(lot: Json, lang: str) -> str:
    if lot["expires_at"] is None:
        return ""
    return say(lang, "lot_until", day=last_day(lang, lot["expires_at"]))


def tell_lot(lot: Json, lang: str) -> str:
    """What an entry moved of one lot, with the lot's days."""
    if lot["active_at"] is None:
        return say(lang, "entry_waiting")
    begins = say(lang, "entry_from", day=day(lang, lot["active_at"]))
    if lot["expires_at"] is None:
        ends = say(lang, "entry_ever")
    else:
        ends = say(lang, "entry_until", day=last_day(lang, lot["expires_at"]))
    return f"{begins}{'，' if lang == 'zh' else ', '}{ends}"


def reason_of(entry: dict[str, Any], lang: str) -> str:
    """Why an entry was written, in the customer's words."""
    key = f"reason_{entry['reason']}"
    return say(lang, key) if key in WORDS else entry["reason"].replace("_", " ")
