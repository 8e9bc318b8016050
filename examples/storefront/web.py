"""What every page needs: who is here, in which language, and the checkout behind it."""

from contextlib import suppress
from typing import Any

from flask import current_app, request, session

from . import words
from .checkout import Checkout
from .client import Conflict, Json, Loyalty, NotFound, Problem, Unavailable


def lang() -> str:
    """The language of this answer: as switched, else as the browser asks."""
    chosen: str = session.get("lang") or (
        request.accept_languages.best_match(words.LANGUAGES) or words.LANGUAGES[0]
    )
    return chosen


def say(key: str, **values: Any) -> str:
    """A sentence in the language of this answer."""
    return words.say(lang(), key, **values)


def checkout() -> Checkout:
    """The shop's side of a checkout."""
    made: Checkout = current_app.extensions["checkout"]
    return made


def loyalty() -> Loyalty:
    """The loyalty service."""
    return checkout().loyalty


def find_standing(member: str) -> Json | None:
    """Where the member stands; None where there are no tiers, or the service cannot say."""
    with suppress(Problem, Unavailable):
        return loyalty().standing(member, lang())
    return None


def find_story(ref: str) -> Json | None:
    """What the service knows of an order; None where it knows nothing, or cannot say."""
    with suppress(NotFound, Conflict, Unavailable):
        return loyalty().order(session["member"], ref)
    return None
