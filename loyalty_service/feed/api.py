"""Routes of the feed: what happened, for other systems."""

from typing import Any

import orjson
from flask import Blueprint

from loyalty_service.feed.queries import Published, list_events
from loyalty_service.feed.rules import EventKindUnknown, check_kinds, next_after
from loyalty_service.feed.schemas import EventsPageSchema, EventsQuery
from loyalty_service.kit.http import Call, Reply, endpoint
from loyalty_service.kit.instants import instant_text

blueprint = Blueprint("feed", __name__)

PAGE = 100


@endpoint(
    blueprint,
    "GET",
    "/v1/events",
    scopes=("operator",),
    query=EventsQuery,
    answers={200: EventsPageSchema},
    refusals=(EventKindUnknown,),
    summary="Read what happened, in order",
    tags=("feed",),
)
def read_events(call: Call) -> Reply:
    """Everything that happened to all members, each event once, a member's in their order.

    Keep `next` and ask for what is after it. An event is there seconds after the call that it tells
    of. Nothing ever comes in before a position that was read.
    """
    after, kinds = call.query.get("after", 0), call.query.get("kinds", [])
    limit = call.query.get("limit", PAGE)
    check_kinds(kinds)
    events, end = list_events(call.parts.db.fetch, after, kinds, limit)
    found = [event.position for event in events]
    return Reply(
        {
            "events": [_told(event) for event in events],
            "next": next_after(after, end, found, limit),
            "end": end,
        }
    )


def _told(event: Published) -> dict[str, Any]:
    return {
        "position": event.position,
        "member": event.member_id,
        "member_ref": event.member_ref,
        "seq": event.seq,
        "kind": event.kind,
        "occurred_at": instant_text(event.occurred_at),
        "recorded_at": instant_text(event.recorded_at),
        "payload": orjson.loads(event.payload),
    }
