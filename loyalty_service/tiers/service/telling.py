"""Tell what became of a member's tier: in events, in receipts, and in the list of all changes."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from loyalty_service.kit.instants import instant_or_none, instant_text
from loyalty_service.ledger.service import Acting
from loyalty_service.members.queries import get_member
from loyalty_service.members.rules import Member, Ref, Standing
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.words import LANGUAGES
from loyalty_service.tiers.queries import list_changes
from loyalty_service.tiers.rules.change_words import change_in_words
from loyalty_service.tiers.rules.changes import TierChange
from loyalty_service.tiers.rules.moves import Change
from loyalty_service.tiers.rules.qualifying import NOTHING_ASKED

_KIND = "tier."
_SHOWN = ("wallet", "points", "entry", "kept")


def tell_change(
    program: Program,
    before: Standing,
    change: Change,
    gift: Mapping[str, Any] | None,
    order_ref: str | None,
) -> dict[str, Any]:
    """A change of tier as its event tells it.

    Args:
        program: the version by which it was decided, with ``tiers``.
        gift: what came or went with it; None: nothing.
        order_ref: the order that brought it; None: none did.

    Returns:
        JSON-ready; without words, which a night would have to find for everybody.

    Rule: R-54.
    """
    tiers, standing = program.tiers, change.standing
    assert tiers is not None
    return {
        "cause": str(change.move),
        "from": before.tier or tiers.levels[0].id,
        "to": tiers.levels[change.index].id,
        "until": instant_or_none(standing.until),
        "grace_until": instant_or_none(standing.grace_until),
        "in_grace": before.grace_until is not None,
        **(NOTHING_ASKED if change.tally is None else change.tally.told()),
        "order_ref": order_ref,
        "gift": None if gift is None else {name: gift[name] for name in _SHOWN if name in gift},
    }


def changes_since(member: Member, seen: int) -> list[dict[str, Any]]:
    """The changes of a member's tier among what happened since, in its order, as events.

    Args:
        seen: how much had happened before (``Member.happened``).
    """
    return [payload for _, kind, _, payload in member.happened[seen:] if kind.startswith(_KIND)]


def tell_changes(member: Member, seen: int, program: Program) -> Sequence[dict[str, Any]]:
    """The same as receipts tell them.

    Args:
        program: the version by which they were decided.

    Returns:
        JSON-ready, with the words of every language: a receipt is kept and sent again as it is.

    Rule: R-54.
    """
    return [_worded(payload, program) for payload in changes_since(member, seen)]


def tell_history(acting: Acting, ref: Ref, before: int, limit: int) -> Sequence[dict[str, Any]]:
    """What became of a member's tier so far, newest first, as it was written.

    Args:
        before: only what has a lower number.
        limit: how many at the most.

    Returns:
        JSON-ready.

    Raises:
        MemberUnknown: as said.

    Rule: R-54.
    """
    member_id = get_member(acting.tx, ref).member_id
    found = list_changes(acting.tx, member_id, before, limit)
    return [_told(acting, change, payload) for change, payload in found]


def _told(acting: Acting, row: TierChange, event: str | None) -> dict[str, Any]:
    program = acting.programs.get(acting.tx.fetch, row.program_version)
    assert program.tiers is not None
    told: dict[str, Any] = {
        "cause": row.cause,
        "from": row.from_tier or program.tiers.levels[0].id,
        "to": row.to_tier,
        "until": instant_or_none(row.tier_until),
        "grace_until": instant_or_none(row.grace_until),
        "in_grace": False,
        **NOTHING_ASKED,
        "counted": orjson.loads(row.counted),
        "order_ref": None,
        "gift": None,
    }
    # An event that was written before events told all of it lacks some.
    payload = {} if event is None else orjson.loads(event)
    told |= {name: payload[name] for name in told if name in payload}
    return {
        "event_no": row.change_no,
        "occurred_at": instant_text(row.occurred_at),
        "recorded_at": instant_text(row.recorded_at),
        "program_version": row.program_version,
        **_worded(told, program),
    }


def _worded(told: Mapping[str, Any], program: Program) -> dict[str, Any]:
    told = {**told, "gift": _gift(told["gift"])}
    return {**told, "words": {lang: change_in_words(told, program, lang) for lang in LANGUAGES}}


def _gift(gift: dict[str, Any] | None) -> dict[str, Any] | None:
    """Points that were given, or taken back (< 0); None where none moved."""
    if gift is None or gift.get("kept") or not gift["points"]:
        return None
    return {name: gift[name] for name in ("wallet", "points", "entry")}
