"""The shape of members on the wire."""

from marshmallow import fields

from loyalty_service.kit.fields import Body, Code, Flag, Instant, MemberRef, Ref, Text, Whole
from loyalty_service.kit.shapes import Items, ListOf
from loyalty_service.members.rules import MAX_REFS, MAX_TAGS


class RefSchema(Body):
    """An outside name of a member."""

    kind = Code(required=True, metadata={"example": "card"})
    value = Ref(required=True)


class BirthdaySchema(Body):
    """Month and day; the year is nobody's business."""

    month = Whole(1, 12, required=True)
    day = Whole(1, 31, required=True)


class DetailsSchema(Body):
    """What may be said of a member; what is left out stays as it is."""

    refs = Items(
        RefSchema,
        maximum=MAX_REFS,
        metadata={"description": "all references besides the one in the address"},
    )
    birthday = fields.Nested(BirthdaySchema, allow_none=True)
    tags = ListOf(Code(), maximum=MAX_TAGS, metadata={"example": ["student"]})
    enrolled_at = Instant(metadata={"description": "only counts when the member is new"})


class RedemptionLockSchema(Body):
    """Whether the member's points may leave."""

    locked = Flag(required=True)


class LookupSchema(Body):
    """A reference of any kind, also a personal one."""

    kind = Code(required=True, metadata={"example": "phone"})
    value = Text(64, required=True, metadata={"example": "13800138000"})


class ShownRefSchema(Body):
    """An outside name; the value of a personal one is kept as a keyed hash and not shown."""

    kind = Code(required=True)
    value = Ref(required=True, allow_none=True)


class MemberSchema(Body):
    """A member."""

    member_ref = MemberRef(required=True)
    refs = Items(ShownRefSchema, maximum=MAX_REFS + 1, required=True)
    enrolled_at = Instant(required=True)
    birthday = fields.Nested(BirthdaySchema, required=True, allow_none=True)
    tags = ListOf(Code(), maximum=MAX_TAGS, required=True)
    redemption_locked_since = Instant(required=True, allow_none=True)
