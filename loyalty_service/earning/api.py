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
    wallet_name, moved = getattr(name, lang), sum(points for _, points, *_ in detail.allocations)
    # Openings and the like keep what they were made from, which is no explanation by rules.
    if explanation and "rules" in explanation:
        words = explain_in_words(explanation, lang)
        words += debt_in_words(entry["points"], moved, wallet_name, lang)
    else:
        words = entry_in_words(entry, lang, wallet=wallet_name, moved=moved)
    told = {"lots": _told_lots(detail), "explanation": explanation, "words": words}
    return Reply({**entry, **told, "reversed_by": detail.reversed_by})


def _name_of(wallet: str, version: int, call: Call, tx: Transaction) -> Name:
    """The wallet's name by the program that decided; its id where there was none."""
    found = call.parts.programs.get(tx.fetch, version).find_wallet(wallet) if version else None
    return Name(wallet, wallet) if found is None else found.name


def _told_lots(detail: EntryDetail) -> list[dict[str, Any]]:
    return [
        {
            "lot": None if lot == COMMON else lot,
            "points": points,
            "active_at": instant_or_none(begin_told(lot, begins, detail.entry.occurred_at)),
            "expires_at": instant_or_none(ends),
            "expired": expired,
        }
        for lot, points, begins, ends, expired in detail.allocations
    ]
