"""Why an entry is what it is: the stored explanation, in numbers and in words."""

from typing import Any

import orjson
from flask import Blueprint

from loyalty_service.earning.rules.plain_words import debt_in_words, entry_in_words
from loyalty_service.earning.rules.words import explain_in_words
from loyalty_service.earning.schemas import LANGUAGES, ExplainedSchema, LanguageQuery
from loyalty_service.earning.service import begin_told
from loyalty_service.kit.db import Transaction
from loyalty_service.kit.http import Call, Reply, endpoint
from loyalty_service.kit.instants import instant_or_none
from loyalty_service.ledger.queries import EntryDetail, get_entry
from loyalty_service.ledger.rules.adjusting import EntryUnknown
from loyalty_service.ledger.rules.lots import COMMON
from loyalty_service.members.queries import get_member
from loyalty_service.members.rules import MemberUnknown, parse_ref
from loyalty_service.program.rules.wallets import Name

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
        name = _name_of(wallet, detail.entry.program_version, call, tx)
    explanation = None if detail.explanation is None else orjson.loads(detail.explanation)
    entry = detail.entry.told(to_member=call.caller.is_member)
    words = _words(detail, explanation, lang, getattr(name, lang))
    return Reply(_explained(detail, entry, explanation, words))


def _name_of(wallet: str, version: int, call: Call, tx: Transaction) -> Name:
    """The wallet's name by the program that decided; its id where there was none."""
    found = call.parts.programs.get(tx.fetch, version).find_wallet(wallet) if version else None
    return Name(wallet, wallet) if found is None else found.name


def _words(
    detail: EntryDetail, explanation: dict[str, Any] | None, lang: str, wallet: str
) -> list[str]:
    moved = sum(points for _, points, *_ in detail.allocations)
    # Openings and the like keep what they were made from, which is no explanation by rules.
    if explanation and "rules" in explanation:
        debt = debt_in_words(detail.entry.points, moved, wallet, lang)
        return [*explain_in_words(explanation, lang), *debt]
    return entry_in_words(detail.entry, lang, wallet=wallet, moved=moved)


def _explained(
    detail: EntryDetail,
    entry: dict[str, Any],
    explanation: dict[str, Any] | None,
    words: list[str],
) -> dict[str, Any]:
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
