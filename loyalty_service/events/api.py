"""The route by which a shop tells what a member did."""

from flask import Blueprint

from loyalty_service.events import service
from loyalty_service.events.rules import (
    AlreadyCounted,
    CheckInTooLate,
    EventNameTaken,
    MemberEvent,
)
from loyalty_service.events.schemas import EventSchema, RecordedSchema
from loyalty_service.kit.db import Transaction
from loyalty_service.kit.http import Call, Reply, endpoint
from loyalty_service.kit.replies import reply_once
from loyalty_service.ledger.rules.lots import PointsBeyondCount
from loyalty_service.ledger.service import Acting
from loyalty_service.members.rules import InTheFuture, MemberUnknown, parse_ref
from loyalty_service.program.rules.versions import NoProgram

blueprint = Blueprint("events", __name__)


@endpoint(
    blueprint,
    "POST",
    "/v1/members/{member_ref}/events",
    scopes=("checkout", "members"),
    body=EventSchema,
    answers={200: RecordedSchema},
    refusals=(
        EventNameTaken,
        MemberUnknown,
        InTheFuture,
        AlreadyCounted,
        CheckInTooLate,
        PointsBeyondCount,
        NoProgram,
    ),
    keyed=True,
    summary="Record what a member did",
    tags=("events",),
)
def record_event(call: Call, member_ref: str) -> Reply:
    """A sign-up counts once, a birthday once a year, a check-in once a day; others every time."""
    ref, body = parse_ref(member_ref), call.body
    told = MemberEvent(body["event"], body.get("channel"), body.get("occurred_at"))

    def work(tx: Transaction) -> bytes:
        parts = call.parts
        acting = Acting(tx, parts.programs, (call.caller.kind, call.caller.name), parts.passing)
        return service.record(acting, ref, told).encode()

    return reply_once(call, work)
