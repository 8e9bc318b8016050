"""The shape of member events on the wire."""

from loyalty_service.earning.schemas import MAX_RULES, EarnedSchema, NotEarnedSchema
from loyalty_service.kit.fields import Body, Code, Instant, Whole, about
from loyalty_service.kit.shapes import Items
from loyalty_service.tiers.schemas import tier_changes


class EventSchema(Body):
    """Something a member did."""

    event = Code(
        required=True,
        **about(
            "sign_up, birthday, check_in, review or any other name. Every name is "
            "recorded, but those under which the service tells something itself; it earns if a "
            "rule of the program is about it"
        ),
    )
    channel = Code(**about("where it happened, as the program names channels"))
    occurred_at = Instant(**about("when it happened; left out: now"))


class RecordedSchema(Body):
    """What an event came to; ``streak`` is the day of a check-in streak."""

    event = Code(required=True)
    event_no = Whole(1, required=True, **about("its number among all that is noted of the member"))
    occurred_at = Instant(required=True)
    streak = Whole(
        1,
        required=True,
        allow_none=True,
        **about("which day of check-ins in a row it is; null for other events"),
    )
    program_version = Whole(1, required=True, **about("the version that decided"))
    earned = Items(
        EarnedSchema,
        maximum=100,
        required=True,
        **about("what it gave, by wallet; empty where no rule is about it"),
    )
    not_earned = Items(
        NotEarnedSchema,
        maximum=MAX_RULES,
        required=True,
        **about("rules about it that gave nothing, and why"),
    )
    tier_changes = tier_changes()
