"""The shape of member events on the wire."""

from loyalty_service.earning.schemas import MAX_RULES, EarnedSchema, NotEarnedSchema
from loyalty_service.kit.fields import Body, Code, Instant, Whole
from loyalty_service.kit.shapes import Items


class EventSchema(Body):
    """Something a member did."""

    event = Code(
        required=True,
        metadata={
            "example": "check_in",
            "description": "sign_up, birthday, check_in, review, or any other name: recorded, and earning where a rule of the program is about it",
        },
    )
    channel = Code(metadata={"example": "app"})
    occurred_at = Instant(metadata={"description": "left out: now"})


class RecordedSchema(Body):
    """What an event came to; ``streak`` is the day of a check-in streak."""

    event = Code(required=True)
    event_no = Whole(1, required=True)
    occurred_at = Instant(required=True)
    streak = Whole(1, required=True, allow_none=True)
    program_version = Whole(1, required=True)
    earned = Items(EarnedSchema, maximum=100, required=True)
    not_earned = Items(NotEarnedSchema, maximum=MAX_RULES, required=True)
