"""Where a member stands among the tiers, and how they came there."""

from typing import Any

from flask import Blueprint

from loyalty_service.earning.schemas import LANGUAGES, LanguageQuery
from loyalty_service.kit.db import Transaction
from loyalty_service.kit.fields import LARGEST, Whole
from loyalty_service.kit.http import Call, Reply, endpoint
from loyalty_service.kit.paths import decode_cursor, encode_cursor
from loyalty_service.ledger.service import Acting
from loyalty_service.members.rules import MemberUnknown, parse_ref
from loyalty_service.program.rules.versions import NoProgram
from loyalty_service.tiers.rules.standing import NoTiers
from loyalty_service.tiers.schemas import StandingSchema, TierChangesQuery, TierChangesSchema
from loyalty_service.tiers.service import tell_history, tell_standing

blueprint = Blueprint("tiers", __name__)

READERS = ("checkout", "members", "operator", "self")
PAGE = 50


@endpoint(
    blueprint,
    "GET",
    "/v1/members/{member_ref}/standing",
    scopes=READERS,
    query=LanguageQuery,
    answers={200: StandingSchema},
    refusals=(MemberUnknown, NoTiers, NoProgram),
    summary="Read a member's standing",
    tags=("tiers",),
)
def read_standing(call: Call, member_ref: str) -> Reply:
    """The tier, until when, what the next one asks for, and what the next review will do."""
    lang = call.query.get("lang") or call.prefers(LANGUAGES)
    with call.parts.db.reading() as tx:
        return Reply(tell_standing(_acting(call, tx), parse_ref(member_ref), lang))


@endpoint(
    blueprint,
    "GET",
    "/v1/members/{member_ref}/tier-changes",
    scopes=READERS,
    query=TierChangesQuery,
    answers={200: TierChangesSchema},
    refusals=(MemberUnknown,),
    summary="List changes of tier, newest first",
    tags=("tiers",),
)
def list_tier_changes(call: Call, member_ref: str) -> Reply:
    """How the member rose, was reviewed and fell, and what was counted, as it was written.

    What time has brought since is written by the member's next call, or by night; the standing has
    it already.
    """
    limit, before = call.query.get("limit", PAGE), LARGEST
    if "cursor" in call.query:
        before = decode_cursor("tier_changes", call.query["cursor"], _read_place)
    with call.parts.db.reading() as tx:
        found = tell_history(_acting(call, tx), parse_ref(member_ref), before, limit + 1)
    page: dict[str, Any] = {"tier_changes": found[:limit]}
    if len(found) > limit:
        page["next"] = encode_cursor("tier_changes", [found[limit - 1]["event_no"]])
    return Reply(page)


def _acting(call: Call, tx: Transaction) -> Acting:
    actor = (call.caller.kind, call.caller.name)
    return Acting(tx, call.parts.programs, actor, call.parts.passing)


def _read_place(place: Any) -> int:
    """Of a cursor: the number of the change the page before ended at."""
    if type(place) is not list or len(place) != 1:
        raise ValueError("no place in this list")
    return Whole(1).read(place[0])
