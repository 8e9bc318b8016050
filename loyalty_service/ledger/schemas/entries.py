"""Entries, adjustments and transfers on the wire."""

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validates_schema

from loyalty_service.kit.fields import (
    LARGEST,
    Body,
    Choice,
    Code,
    Count,
    Cursor,
    Flag,
    Instant,
    Points,
    Query,
    Ref,
    Text,
    Whole,
    about,
)
from loyalty_service.kit.shapes import Items, ListOf
from loyalty_service.ledger.rules.entry import Kind, Reason, Source
from loyalty_service.ledger.schemas.balances import HexDigest
from loyalty_service.members.schemas import AnyMemberRef

MOST = 10**12
NOTE = 500


class TransferSchema(Body):
    """Points for another member."""

    to = AnyMemberRef(
        required=True, **about("the member who gets them: kind:value, or the bare customer id")
    )
    wallet = Code(required=True, **about("one whose points can be spent"))
    points = Points(1, MOST, required=True, **about("how many; active and not held"))
    note = Text(NOTE, **about("why, for people; kept with the entry"))


class TransferSideSchema(Body):
    """One member's side of a transfer."""

    entry = Whole(1, required=True, **about("number of the entry in the wallet"))
    balance_after = Points(
        -LARGEST,
        required=True,
        **about("all points of the wallet after it, less the deficit"),
    )


class TransferredSchema(Body):
    """What was transferred, and the entry on each side."""

    wallet = Code(required=True)
    points = Points(1, required=True)
    sent = fields.Nested(
        TransferSideSchema, required=True, **about("the entry of the member who gave")
    )
    received = fields.Nested(
        TransferSideSchema, required=True, **about("the entry of the member who got")
    )


class EntriesQuery(Query):
    """A page of entries, newest first."""

    wallet = Code(**about("this one only; left out: all"))
    cursor = Cursor(**about("next of the page before"))
    limit = Count(1, 200, **about("most entries on the page; left out: 50"))


class ActorSchema(Body):
    """Who did it."""

    kind = Code(required=True, **about("storefront, operator, member, import or clock"))
    name = Text(400, required=True, **about("the sub of the token; to the member only the kind"))


class EntrySchema(Body):
    """One line of the ledger."""

    wallet = Code(required=True, **about("id of the wallet in the program"))
    entry = Whole(1, required=True, **about("its number: 1, 2, 3 ... in each wallet of a member"))
    kind = Choice(Kind, required=True, **about("what it does to the account"))
    points = Points(-LARGEST, required=True, **about("given (> 0) or taken (< 0)"))
    reason = Choice(Reason, required=True, **about("why it was written"))
    source = Choice(Source, required=True, **about("what it came of"))
    order_ref = Ref(required=True, allow_none=True, **about("the order it came of; null: none"))
    event_no = Whole(1, required=True, allow_none=True, **about("the event it came of; null: none"))
    program_version = Whole(0, required=True, **about("the version that decided; 0: none"))
    rules = ListOf(Code(), maximum=500, required=True, **about("ids of the rules that gave points"))
    actor = fields.Nested(ActorSchema, required=True, **about("who called"))
    occurred_at = Instant(required=True, **about("when it counts"))
    recorded_at = Instant(required=True, **about("when it was written"))
    balance_after = Points(
        -LARGEST, required=True, **about("all points of the wallet after it, less the deficit")
    )
    reverses = Whole(1, required=True, allow_none=True, **about("the entry that it reverses"))
    note = Text(
        NOTE,
        required=True,
        allow_none=True,
        **about("why, in the words of an operator; not shown to the member"),
    )
    hash = HexDigest(required=True, **about("SHA-256 over the entry and the hash before it"))


class EntriesSchema(Body):
    """A page of entries."""

    entries = Items(EntrySchema, maximum=200, required=True)
    next = Cursor(**about("the cursor of the next page; left out on the last one"))


class ReversesSchema(Body):
    """The entry that should not have been written."""

    wallet = Code(required=True)
    entry = Whole(1, required=True)


class AdjustmentSchema(Body):
    """Points to give (> 0) or take (< 0), or an entry to reverse; not both."""

    wallet = Code(**about("id of the wallet; goes with points"))
    points = Points(-MOST, MOST, **about("to give (> 0) or to take (< 0)"))
    expires_at = Instant(**about("the end of points given; left out: as the wallet's expiry says"))
    allow_negative = Flag(**about("for points taken: go below what is there; the rest is owed"))
    earned = Flag(**about("for points given: tiers count them as earned today; left out: false"))
    reverses = fields.Nested(
        ReversesSchema, **about("instead of wallet and points: an entry that was a mistake")
    )
    note = Text(NOTE, **about("why, for people; kept with the entry"))

    goes_together: ClassVar = {
        "oneOf": [
            {"required": ["wallet", "points"], "properties": {"reverses": False}},
            {
                "required": ["reverses"],
                "properties": dict.fromkeys(
                    ["wallet", "points", "expires_at", "allow_negative", "earned"], False
                ),
            },
        ]
    }

    @validates_schema
    def _one_or_the_other(self, data: dict[str, Any], **_: Any) -> None:
        if "reverses" in data:
            mixed = data.keys() - {"reverses", "note"}
            if mixed:
                raise ValidationError(dict.fromkeys(mixed, "does not go with reverses"))
            return
        missing = {"wallet", "points"} - data.keys()
        if missing:
            raise ValidationError(dict.fromkeys(missing, "is required, or reverses"))
        if data["points"] == 0:
            raise ValidationError({"points": "must not be 0"})
        wrong = {"allow_negative"} if data["points"] > 0 else {"expires_at", "earned"}
        if mixed := wrong & data.keys():
            raise ValidationError(dict.fromkeys(mixed, "does not go with points of this sign"))


class TakenSchema(Body):
    """Where points that were taken back came from."""

    own = Points(required=True, **about("from points that the same order or entry had given"))
    expired = Points(
        required=True, **about("they had ended already, so nothing was taken for them")
    )
    other = Points(required=True, **about("from the member's other points"))
    deficit = Points(required=True, **about("owed now, taken from what comes next"))
    uncollected = Points(required=True, **about("let go, where the program says clamp"))


class AdjustedSchema(Body):
    """The entry that was written."""

    wallet = Code(required=True)
    points = Points(-LARGEST, required=True)
    entry = Whole(1, required=True, **about("number of the entry in the wallet"))
    balance_after = Points(
        -LARGEST, required=True, **about("all points of the wallet after it, less the deficit")
    )
    kind = Choice(Kind, required=True)
    reverses = Whole(1, required=True, allow_none=True, **about("the entry that it reversed"))
    deficit = Points(required=True, **about("what is owed in the wallet after it"))
    from_ = fields.Nested(
        TakenSchema,
        required=True,
        allow_none=True,
        data_key="from",
        **about("where reversed points were taken from; null: not a reversal of points given"),
    )
