"""Tell what became of a member's tier, as receipts do."""

from collections.abc import Sequence
from typing import Any

from loyalty_service.members.rules import Member
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.words import LANGUAGES
from loyalty_service.tiers.rules.change_words import change_in_words

_KIND = "tier."


def tell_changes(member: Member, seen: int, program: Program) -> Sequence[dict[str, Any]]:
    """The changes of a member's tier among what happened since, in its order.

    Args:
        seen: how much had happened before (``Member.happened``).
        program: the version by which they were decided.

    Returns:
        JSON-ready, with the words of every language: a receipt is kept and sent again as it is.

    Rule: R-54.
    """
    return [
        _told(kind.removeprefix(_KIND), payload, program)
        for _, kind, _, payload in member.happened[seen:]
        if kind.startswith(_KIND)
    ]


def _told(cause: str, payload: dict[str, Any], program: Program) -> dict[str, Any]:
    told: dict[str, Any] = {
        "cause": cause,
        "from": payload["before"],
        "to": payload["tier"],
        "until": payload["until"],
        "grace_until": payload["grace_until"],
        "gift": _gift(payload.get("gift")),
    }
    words = {lang: change_in_words(told, program, lang) for lang in LANGUAGES}
    return {**told, "words": words}


def _gift(gift: dict[str, Any] | None) -> dict[str, Any] | None:
    """Points that were given, or taken back (< 0); None where none moved."""
    if gift is None or gift.get("kept") or not gift["points"]:
        return None
    return {name: gift[name] for name in ("wallet", "points", "entry")}
