"""The shape of events on the wire."""

import re
from typing import Any

from marshmallow import ValidationError

from loyalty_service.feed.rules import KINDS, OF_MEMBER, OF_MEMBER_PATTERN
from loyalty_service.kit.fields import (
    LARGEST,
    Body,
    Count,
    Instant,
    MemberRef,
    Query,
    Strict,
    Text,
    Whole,
    about,
)
from loyalty_service.kit.shapes import Items

MOST_EVENTS = 500
MOST_KINDS = 20
_KIND_PATTERN = "(?:" + "|".join([*map(re.escape, KINDS), OF_MEMBER_PATTERN]) + ")"
_KINDS_PATTERN = f"^{_KIND_PATTERN}(?:,{_KIND_PATTERN}){{0,{MOST_KINDS - 1}}}$"
_KINDS_ABOUT = (
    f"only these kinds, 1 to {MOST_KINDS} with commas between, as order.paid,points.expired; left "
    f"out: all. There are: {', '.join(KINDS)}, and {OF_MEMBER} for what the shop tells of members, "
    "as member.check_in. docs/events.md says when each is written and what its payload tells"
)


class Kinds(Strict):
    """Kinds of events with commas between, as ``order.paid,points.expired``."""

    def read(self, value: Any) -> list[str]:
        kinds = value.split(",") if type(value) is str else []
        if not 1 <= len(kinds) <= MOST_KINDS or not all(kinds):
            raise ValidationError(f"must be 1 to {MOST_KINDS} kinds with commas between")
        return kinds

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": _KINDS_PATTERN}


class Payload(Strict):
    """What an event says beside its kind."""

    def read(self, value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise ValidationError("must be an object")
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "object"}


class EventsQuery(Query):
    """A page of events, in the order of their positions."""

    after = Whole(**about("next of the page before; left out: from the first event on"))
    kinds = Kinds(**about(_KINDS_ABOUT))
    limit = Count(1, MOST_EVENTS, **about("most events on the page; left out: 100"))


class HappenedSchema(Body):
    """Something that happened."""

    position = Whole(1, required=True, **about("its place among all events; without gaps"))
    member = Whole(
        1, required=True, **about("our number of the member; it means nothing and stays the same")
    )
    member_ref = MemberRef(
        required=True,
        allow_none=True,
        **about("what the member is called now, by nothing personal; null: nothing"),
    )
    seq = Whole(1, required=True, **about("its number among the member's events; without gaps"))
    kind = Text(60, required=True, **about("what happened: order.paid, points.expired ..."))
    occurred_at = Instant(required=True, **about("when it happened"))
    recorded_at = Instant(required=True, **about("when the service wrote it down"))
    payload = Payload(
        required=True, **about("what else is to be said; its fields by kind are in docs/events.md")
    )


class EventsPageSchema(Body):
    """A page of events."""

    events = Items(HappenedSchema, maximum=MOST_EVENTS, required=True)
    next = Whole(
        0,
        LARGEST,
        required=True,
        **about(
            "ask for what is after this next; while it is below end, there may be more at once"
        ),
    )
    end = Whole(0, LARGEST, required=True, **about("the last position there is"))
