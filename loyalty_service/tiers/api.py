"""Where a member stands among the tiers."""

from flask import Blueprint

from loyalty_service.earning.schemas import LANGUAGES, LanguageQuery
from loyalty_service.kit.http import Call, Reply, endpoint
from loyalty_service.ledger.service import Acting
from loyalty_service.members.rules import MemberUnknown, parse_ref
from loyalty_service.program.rules.versions import NoProgram
from loyalty_service.tiers.rules.standing import NoTiers
from loyalty_service.tiers.schemas import StandingSchema
from loyalty_service.tiers.service import tell_standing

blueprint = Blueprint("tiers", __name__)


@endpoint(
    blueprint,
    "GET",
    "/v1/members/{member_ref}/standing",
    scopes=("checkout", "members", "operator", "self"),
    query=LanguageQuery,
    answers={200: StandingSchema},
    refusals=(MemberUnknown, NoTiers, NoProgram),
    summary="Read a member's standing",
    tags=("tiers",),
)
def read_standing(call: Call, member_ref: str) -> Reply:
    """The tier, until when, what the next one asks for, and what the next review will do."""
    lang = call.query.get("lang") or call.prefers(LANGUAGES)
    parts = call.parts
    with parts.db.reading() as tx:
        actor = (call.caller.kind, call.caller.name)
        acting = Acting(tx, parts.programs, actor, parts.passing)
        return Reply(tell_standing(acting, parse_ref(member_ref), lang))
