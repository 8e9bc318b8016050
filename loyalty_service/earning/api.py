"""Why an entry is what it is: the stored explanation, in numbers and in words."""

from typing import Any

import orjson
from flask import Blueprint

from loyalty_service.earning.rules.plain_words import entry_in_words
from loyalty_service.earning.rules.words import explain_in_words
from loyalty_service.earning.schemas import LANGUAGES, ExplainedSchema, LanguageQuery
from loyalty_service.earning.service import begin_told
from loyalty_service.kit.http import Call, Reply, endpoint
from loyalty_service.kit.instants import instant_or_none
from loyalty_service.ledger.queries import EntryDetail, get_entry
from loyalty_service.ledger.rules.adjusting import EntryUnknown
from loyalty_service.ledger.rules.lots import COMMON
from loyalty_service.members.queries import get_member
from loyalty_service.members.rules import MemberUnknown, parse_ref

blueprint = Blueprint("earning", __name__)


@endpoint(
    blueprint,
    "GET",
    "/v1/members/{member_ref}/entries/{wallet}/{seq}",
    scopes=("checkout", "members", "operator", "self"),
    query=LanguageQuery,
    answers={200: ExplainedSchema},
    refusals=(MemberUnknown, EntryUnknown),
    summary="Explain an entry",
    tags=("ledger",),
)
def explain_entry(call: Call, member_ref: str, wallet: str, seq: int) -> Reply:
    """What the entry did to which lots, and how its points came about, years later."""
    lang = call.query.get("lang") or call.prefers(LANGUAGES)
    with call.parts.db.reading() as tx:
        member = get_member(tx, parse_ref(member_ref))
        detail = get_entry(tx, member.member_id, wallet, seq)
    return Reply(_explained(detail, lang, to_member=call.caller.is_member))


def _explained(detail: EntryDetail, lang: str, *, to_member: bool) -> dict[str, Any]:
    explanation = None if detail.explanation is None else orjson.loads(detail.explanation)
    # Openings and the like keep what they were made from, which is no explanation by rules.
    entry = detail.entry.told(to_member=to_member)
    if explanation and "rules" in explanation:
        words = explain_in_words(explanation, lang)
    else:
        words = entry_in_words(entry, lang)
    return {
        **entry,
        "lots": [
            {
                "lot": None if lot == COMMON else lot,
                "points": points,
                "active_at": instant_or_none(begin_told(lot, begins, detail.entry.occurred_at)),
                "expires_at": instant_or_none(ends),
                "expired": expired,
            }
            for lot, points, begins, ends, expired in detail.allocations
        ],
        "explanation": explanation,
        "words": words,
        "reversed_by": detail.reversed_by,
    }
