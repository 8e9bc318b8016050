"""Balances and their proof on the wire."""

from marshmallow import fields

from loyalty_service.kit.fields import (
    LARGEST,
    Body,
    Code,
    Currency,
    Flag,
    Instant,
    Patterned,
    Points,
    Query,
    Text,
    Whole,
    about,
)
from loyalty_service.kit.shapes import Items, JsonValue

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
