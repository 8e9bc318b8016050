"""The shape of balances and entries on the wire."""

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validates_schema

from loyalty_service.kit.fields import (
    LARGEST,
    Body,
    Choice,
    Code,
    Count,
    Currency,
    Cursor,
    Flag,
    Instant,
    MemberRef,
    Patterned,
    Points,
    Query,
    Ref,
    Text,
    Whole,
)
from loyalty_service.kit.shapes import Items, JsonValue, ListOf
from loyalty_service.ledger.rules.entry import Kind, Reason, Source

MOST = 10**12
NOTE = 500


class HexDigest(Patterned):
    """A SHA-256 in hexadecimal."""

    pattern = "[0-9a-f]{64}"
    message = "must be 64 hexadecimal digits"


class BalanceQuery(Query):
    """Which wallet, and when; left out: all of them, now."""

    wallet = Code()
    at = Instant(metadata={"description": "a past instant: by what was recorded by then"})


class ExpiringSchema(Body):
    """Points that end at an instant."""

    at = Instant(required=True)
    points = Points(1, required=True)


class WalletBalanceSchema(Body):
    """What an account is made of; balance = active - deficit."""

    wallet = Code(required=True)
    balance = Points(-LARGEST, required=True)
    active = Points(required=True)
    pending = Points(required=True)
    held = Points(required=True)
    due = Points(required=True)
    deficit = Points(required=True)
    expiring = Items(ExpiringSchema, maximum=100_000, required=True)
    never_expiring = Points(required=True)
    worth = fields.Nested("WorthSchema", required=True, allow_none=True)


class WorthSchema(Body):
    """What the active points would buy, by the program in force."""

    amount = Whole(required=True)
    currency = Currency(required=True)


class BalanceSchema(Body):
    """A member's balances at an instant."""

    at = Instant(required=True)
    wallets = Items(WalletBalanceSchema, maximum=100, required=True)


class ProofQuery(Query):
    """When; left out: now."""

    at = Instant(metadata={"description": "a past instant: what was recorded by then"})


class ProvedAccountSchema(Body):
    """An account whose rows agree: active + pending + held + due - deficit = sum of entries."""

    wallet = Code(required=True)
    entries = Whole(required=True)
    sum_of_entries = Points(-LARGEST, required=True)
    balance = Points(-LARGEST, required=True)
    active = Points(required=True)
    pending = Points(required=True)
    held = Points(required=True)
    due = Points(required=True)
    deficit = Points(required=True)
    head = HexDigest(required=True, metadata={"example": "9f86d081884c7d65" * 4})


class LedgerFaultSchema(Body):
    """The first row of an account that is wrong: where, what was expected and what was found."""

    wallet = Text(40, minimum=0, required=True, allow_none=True)
    table = Code(required=True)
    key = JsonValue(required=True, metadata={"example": {"seq": 3}})
    column = Text(100, required=True)
    expected = JsonValue(required=True, allow_none=True)
    found = JsonValue(required=True, allow_none=True)


class ProofSchema(Body):
    """What was recomputed from entries and allocations alone."""

    proved = Flag(required=True)
    at = Instant(required=True)
    accounts = Items(ProvedAccountSchema, maximum=100, required=True)
    faults = Items(LedgerFaultSchema, maximum=1_000, required=True, metadata={"example": []})


class TransferSchema(Body):
    """Points for another member."""

    to = MemberRef(required=True)
    wallet = Code(required=True)
    points = Points(1, MOST, required=True)
    note = Text(NOTE, metadata={"example": None})


class TransferSideSchema(Body):
    """One member's side of a transfer."""

    entry = Whole(1, required=True)
    balance_after = Points(-LARGEST, required=True)


class TransferredSchema(Body):
    """What was transferred, and the entry on each side."""

    wallet = Code(required=True)
    points = Points(1, required=True)
    sent = fields.Nested(TransferSideSchema, required=True)
    received = fields.Nested(TransferSideSchema, required=True)


class EntriesQuery(Query):
    """A page of entries, newest first."""

    wallet = Code()
    cursor = Cursor()
    limit = Count(1, 200)


class ActorSchema(Body):
    """Who did it."""

    kind = Code(required=True)
    name = Text(400, required=True)


class EntrySchema(Body):
    """One line of the ledger."""

    wallet = Code(required=True)
    entry = Whole(1, required=True)
    kind = Choice(Kind, required=True)
    points = Points(-LARGEST, required=True)
    reason = Choice(Reason, required=True)
    source = Choice(Source, required=True)
    order_ref = Ref(required=True, allow_none=True)
    event_no = Whole(1, required=True, allow_none=True)
    program_version = Whole(0, required=True)
    rules = ListOf(Code(), maximum=500, required=True)
    actor = fields.Nested(ActorSchema, required=True)
    occurred_at = Instant(required=True)
    recorded_at = Instant(required=True)
    balance_after = Points(-LARGEST, required=True)
    reverses = Whole(1, required=True, allow_none=True)
    note = Text(NOTE, required=True, allow_none=True)
    hash = HexDigest(required=True, metadata={"example": "9f86d081884c7d65" * 4})


class EntriesSchema(Body):
    """A page of entries."""

    entries = Items(EntrySchema, maximum=200, required=True)
    next = Cursor(metadata={"description": "Present where there are more."})


class ReversesSchema(Body):
    """The entry that should not have been written."""

    wallet = Code(required=True)
    entry = Whole(1, required=True)


class AdjustmentSchema(Body):
    """Points to give (> 0) or take (< 0), or an entry to reverse; not both."""

    wallet = Code()
    points = Points(-MOST, MOST, metadata={"example": 100})
    expires_at = Instant(metadata={"description": "for points given; else the wallet's expiry"})
    allow_negative = Flag(
        metadata={"description": "let a debit go below what is there", "example": None}
    )
    reverses = fields.Nested(ReversesSchema, metadata={"example": None})
    note = Text(NOTE)

    goes_together: ClassVar = {
        "oneOf": [
            {"required": ["wallet", "points"], "properties": {"reverses": False}},
            {
                "required": ["reverses"],
                "properties": dict.fromkeys(
                    ["wallet", "points", "expires_at", "allow_negative"], False
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
        wrong = "allow_negative" if data["points"] > 0 else "expires_at"
        if wrong in data:
            raise ValidationError({wrong: "does not go with points of this sign"})


class TakenSchema(Body):
    """Where points that were taken back came from."""

    own = Points(required=True)
    expired = Points(required=True)
    other = Points(required=True)
    deficit = Points(required=True)
    uncollected = Points(required=True)


class AdjustedSchema(Body):
    """The entry that was written."""

    wallet = Code(required=True)
    points = Points(-LARGEST, required=True)
    entry = Whole(1, required=True)
    balance_after = Points(-LARGEST, required=True)
    kind = Choice(Kind, required=True)
    reverses = Whole(1, required=True, allow_none=True)
    deficit = Points(required=True)
    from_ = fields.Nested(TakenSchema, required=True, allow_none=True, data_key="from")
