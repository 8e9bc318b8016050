"""The shape of members on the wire."""

from marshmallow import fields

from loyalty_service.kit.fields import Body, Code, Flag, Instant, MemberRef, Ref, Text, Whole, about
from loyalty_service.kit.shapes import Items, ListOf
from loyalty_service.members.rules import MAX_REFS, MAX_TAGS


class RefSchema(Body):
    """An outside name of a member."""

    kind = Code(required=True, **about("what sort of name: card, wechat, phone ..."))
    value = Ref(required=True, **about("the name itself"))


class BirthdaySchema(Body):
    """Month and day; the year is nobody's business."""

    month = Whole(1, 12, required=True)
    day = Whole(1, 31, required=True)


class DetailsSchema(Body):
    """What may be said of a member; what is left out stays as it is."""

    refs = Items(
        RefSchema, maximum=MAX_REFS, **about("all references besides the one in the address")
    )
    birthday = fields.Nested(BirthdaySchema, allow_none=True, **about("null takes it away"))
    tags = ListOf(
        Code(),
        maximum=MAX_TAGS,
        **about("all segments the member is in; rules of the program may ask for them"),
    )
    enrolled_at = Instant(
        **about(
            "when the member joined, in the past; only counts when the member is new; left out: now"
        )
    )


class RedemptionLockSchema(Body):
    """Whether the member's points may leave."""

    locked = Flag(
        required=True,
        **about(
            "true: points can be earned, not spent or transferred; false: they can be spent again"
        ),
    )


class LookupSchema(Body):
    """A reference of any kind, also a personal one."""

    kind = Code(required=True, **about("phone, mail, card ..."))
    value = Text(64, required=True, **about("as it was enrolled"))


class ShownRefSchema(Body):
    """An outside name; the value of a personal one is kept as a keyed hash and not shown."""

    kind = Code(required=True)
    value = Ref(
        required=True, allow_none=True, **about("null for phone and mail, which are kept as a hash")
    )


class MemberSchema(Body):
    """A member."""

    member_ref = MemberRef(required=True, **about("the name asked for, with its kind"))
    refs = Items(
        ShownRefSchema,
        maximum=MAX_REFS + 1,
        required=True,
        **about("every outside name of the member"),
    )
    enrolled_at = Instant(required=True, **about("when the member joined"))
    birthday = fields.Nested(BirthdaySchema, required=True, allow_none=True)
    tags = ListOf(Code(), maximum=MAX_TAGS, required=True, **about("all segments the member is in"))
    redemption_locked_since = Instant(
        required=True, allow_none=True, **about("since when points may not leave; null: they may")
    )
