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
    about,
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

    wallet = Code(**about("this one only; left out: all"))
    at = Instant(**about("a past instant: by what was recorded by then; left out: now"))


class ExpiringSchema(Body):
    """Points that end at an instant."""

    at = Instant(required=True, **about("when they end"))
    points = Points(1, required=True, **about("so many"))


class WalletBalanceSchema(Body):
    """What an account is made of; balance = active - deficit."""

    wallet = Code(required=True, **about("id of the wallet in the program"))
    balance = Points(-LARGEST, required=True, **about("active points less the deficit"))
    active = Points(required=True, **about("can be used now"))
    pending = Points(required=True, **about("given, and not alive yet"))
    held = Points(required=True, **about("kept for orders that are reserved"))
    due = Points(
        required=True, **about("past their end, and the entry that says so is not written yet")
    )
    deficit = Points(required=True, **about("owed: taken from what comes next"))
    expiring = Items(
        ExpiringSchema,
        maximum=100_000,
        required=True,
        **about("active and held points by when they end"),
    )
    never_expiring = Points(required=True, **about("active and held points without an end"))
    worth = fields.Nested(
        "WorthSchema",
        required=True,
        allow_none=True,
        **about("what the active points would buy; null where the wallet buys nothing"),
    )


class WorthSchema(Body):
    """What the active points would buy, by the program in force."""

    amount = Whole(required=True, **about("in minor units: 6400 in CNY is 64.00 yuan"))
    currency = Currency(required=True)


class BalanceSchema(Body):
    """A member's balances at an instant."""

    at = Instant(required=True, **about("the instant that the numbers are of"))
    wallets = Items(WalletBalanceSchema, maximum=100, required=True)


class ProofQuery(Query):
    """When; left out: now."""

    at = Instant(**about("a past instant: by what was recorded by then; left out: now"))


class ProvedAccountSchema(Body):
    """An account whose rows agree: active + pending + held + due - deficit = sum of entries."""

    wallet = Code(required=True)
    entries = Whole(required=True, **about("how many entries the account has"))
    sum_of_entries = Points(-LARGEST, required=True, **about("all their points added up"))
    balance = Points(-LARGEST, required=True, **about("active points less the deficit"))
    active = Points(required=True, **about("can be used now"))
    pending = Points(required=True, **about("given, and not alive yet"))
    held = Points(required=True, **about("kept for orders that are reserved"))
    due = Points(required=True, **about("past their end, not written yet"))
    deficit = Points(required=True, **about("owed"))
    head = HexDigest(required=True, **about("hash of the last entry; it covers all before it"))


class LedgerFaultSchema(Body):
    """The first row of an account that is wrong: where, what was expected and what was found."""

    wallet = Text(
        40, minimum=0, required=True, allow_none=True, **about("null: the row of the member itself")
    )
    table = Code(required=True, **about("where the row stands"))
    key = JsonValue(required=True, **about("which row"))
    column = Text(100, required=True, **about("what is wrong in it"))
    expected = JsonValue(required=True, allow_none=True, **about("what follows from the entries"))
    found = JsonValue(required=True, allow_none=True, **about("what stands there"))


class ProofSchema(Body):
    """What was recomputed from entries and allocations alone."""

    proved = Flag(required=True, **about("whether every account agrees"))
    at = Instant(required=True, **about("the instant that was proved"))
    accounts = Items(ProvedAccountSchema, maximum=100, required=True, **about("those that agree"))
    faults = Items(
        LedgerFaultSchema, maximum=1_000, required=True, **about("empty where all agree")
    )


class TransferSchema(Body):
    """Points for another member."""

    to = MemberRef(
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
    name = Text(400, required=True, **about("the sub of the token"))


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
    note = Text(NOTE, required=True, allow_none=True, **about("why, in the words of an operator"))
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
