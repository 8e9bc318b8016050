"""The shape of members on the wire."""

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validates_schema

from loyalty_service.kit.fields import Body, Code, Flag, Instant, MemberRef, Ref, Text, Whole, about
from loyalty_service.kit.naming import (
    ANY_REF_PATTERN,
    KIND_PATTERN,
    MOST_PERSONAL,
    PERSONAL_KINDS,
    PERSONAL_PATTERN,
    REF_PATTERN,
)
from loyalty_service.kit.shapes import Items, ListOf
from loyalty_service.members.rules import MAX_REFS, MAX_TAGS


class Kind(Code):
    """A sort of names, as it stands before the colon."""

    pattern = KIND_PATTERN
    message = "must be 1 to 20 of the characters a-z 0-9 _, beginning with a letter"


class AnyValue(Ref):
    """The value of a name of any kind, also of a personal one."""

    pattern = PERSONAL_PATTERN
    message = f"must be 1 to {MOST_PERSONAL} characters, none of them hidden, no space at the ends"


class AnyMemberRef(MemberRef):
    """An outside name of a member that stands in a body, where it may be personal."""

    pattern = ANY_REF_PATTERN


class RefSchema(Body):
    """An outside name of a member; of phone and mail the value may be any text."""

    kind = Kind(required=True, **about("what sort of name: card, wechat, phone ..."))
    value = AnyValue(required=True, **about("the name itself"))

    goes_together: ClassVar = {
        "anyOf": [
            {"properties": {"kind": {"enum": list(PERSONAL_KINDS)}}},
            {"properties": {"value": {"pattern": f"^{REF_PATTERN}$"}}},
        ]
    }

    @validates_schema
    def _is_safe_in_an_address(self, data: dict[str, Any], **_: Any) -> None:
        if data["kind"] not in PERSONAL_KINDS:
            try:
                _REF.read(data["value"])
            except ValidationError as fault:
                raise ValidationError({"value": fault.messages}) from None


_REF = Ref()


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

    kind = Kind(required=True, **about("phone, mail, card ..."))
    value = Text(MOST_PERSONAL, required=True, **about("as it was enrolled"))


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
