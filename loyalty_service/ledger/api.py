"""Routes of the ledger: balances, entries, adjustments."""

from datetime import datetime
from functools import partial
from typing import Any

from flask import Blueprint

from loyalty_service.kit.db import Transaction
from loyalty_service.kit.fields import LARGEST, Code, Whole
from loyalty_service.kit.http import Call, Reply, endpoint
from loyalty_service.kit.instants import instant_text
from loyalty_service.kit.paths import decode_cursor, encode_cursor
from loyalty_service.kit.replies import reply_once
from loyalty_service.ledger import queries, service
from loyalty_service.ledger.queries import EntryRow
from loyalty_service.ledger.rules.adjusting import (
    Adjustment,
    EntryUnknown,
    ExpiryPast,
    NotReversible,
    Reversal,
    WalletUnknown,
)
from loyalty_service.ledger.rules.buckets import Buckets
from loyalty_service.ledger.rules.lots import InsufficientPoints, PointsBeyondCount
from loyalty_service.ledger.rules.transfers import SameMember, Transfer, WalletNotSpendable
from loyalty_service.ledger.schemas import (
    AdjustedSchema,
    AdjustmentSchema,
    BalanceQuery,
    BalanceSchema,
    EntriesQuery,
    EntriesSchema,
    ProofQuery,
    ProofSchema,
    TransferredSchema,
    TransferSchema,
)
from loyalty_service.ledger.service import Acting
from loyalty_service.members.queries import get_member
from loyalty_service.members.rules import (
    InTheFuture,
    MemberUnknown,
    PersonalRefsOff,
    RedemptionLocked,
    check_past,
    hashed,
    parse_ref,
)
from loyalty_service.members.service import read_secret
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.versions import NoProgram

blueprint = Blueprint("ledger", __name__)

READERS = ("checkout", "members", "operator", "self")
PAGE = 50


@endpoint(
    blueprint,
    "GET",
    "/v1/members/{member_ref}/balance",
    scopes=READERS,
    query=BalanceQuery,
    answers={200: BalanceSchema},
    refusals=(MemberUnknown, WalletUnknown, InTheFuture, NoProgram),
    summary="Read balances",
    tags=("ledger",),
)
def read_balance(call: Call, member_ref: str) -> Reply:
    """What the member has, right to the second; with ``at``, as it was recorded by then."""
    db, asked = call.parts.db, call.query.get("at")
    now = call.parts.clock.now()
    if asked is not None:
        check_past(asked, now, "at")
    at = asked or now
    with db.reading() as tx:
        member = get_member(tx, parse_ref(member_ref))
        _, program = call.parts.programs.in_force(tx.fetch, member.program_version, now)
        found = (
            queries.balances_then(tx, member, at)
            if asked
            else service.balances(tx, call.parts.programs, member, at)
        )
    wallets = service.chosen_wallets(program, call.query.get("wallet"), found)
    told = [_told(wallet, found.get(wallet), program) for wallet in wallets]
    return Reply({"at": instant_text(at), "wallets": told})


NOTHING = Buckets(0, 0, 0, 0, 0, (), 0)


def _told(wallet: str, buckets: Buckets | None, program: Program) -> dict[str, Any]:
    has = buckets or NOTHING
    return {
        "wallet": wallet,
        "balance": has.balance,
        "active": has.active,
        "pending": has.pending,
        "held": has.held,
        "due": has.due,
        "deficit": has.deficit,
        "expiring": [{"at": instant_text(at), "points": points} for at, points in has.expiring],
        "never_expiring": has.never_expiring,
        "worth": _worth(wallet, has.active, program),
    }


def _worth(wallet_id: str, active: int, program: Program) -> dict[str, Any] | None:
    wallet, redemption = program.find_wallet(wallet_id), program.redemption
    if wallet is None or not wallet.spendable or redemption is None:
        return None
    return {"amount": redemption.worth_minor(active), "currency": program.currency}


@endpoint(
    blueprint,
    "GET",
    "/v1/members/{member_ref}/proof",
    scopes=READERS,
    query=ProofQuery,
    answers={200: ProofSchema},
    refusals=(MemberUnknown, InTheFuture),
    summary="Prove a member's points",
    tags=("ledger",),
)
def prove(call: Call, member_ref: str) -> Reply:
    """Recompute the member's accounts from their entries; name the first row that is wrong."""
    with call.parts.db.reading() as tx:
        member = get_member(tx, parse_ref(member_ref))
        return Reply(service.prove(tx, member, call.query.get("at"), call.parts.programs))


@endpoint(
    blueprint,
    "GET",
    "/v1/members/{member_ref}/entries",
    scopes=READERS,
    query=EntriesQuery,
    answers={200: EntriesSchema},
    refusals=(MemberUnknown,),
    summary="List entries, newest first",
    tags=("ledger",),
)
def list_entries(call: Call, member_ref: str) -> Reply:
    """The member's ledger, of one wallet or of all, in the order it was recorded."""
    limit = call.query.get("limit", PAGE)
    with call.parts.db.reading() as tx:
        member_id = get_member(tx, parse_ref(member_ref)).member_id
        places = _places(call, tx, member_id)
        rows = [
            row
            for wallet, before in places.items()
            for row in queries.list_entries(tx, member_id, wallet, before, limit + 1)
        ]
    rows.sort(key=_newest_last, reverse=True)
    page = rows[:limit]
    answer: dict[str, Any] = {
        "entries": [row.told(to_member=call.caller.is_member) for row in page]
    }
    if len(rows) > limit:
        places |= {row.wallet: row.seq for row in page}
        answer["next"] = encode_cursor("entries", [list(places.items()), call.query.get("wallet")])
    return Reply(answer)


def _read_place(place: Any, chosen: str | None) -> dict[str, int]:
    """Of a cursor: the entries the page before ended at, by wallet.

    The page before was of one wallet too, or of all too: the list is another else.
    """
    pairs, wallet = place if type(place) is list and len(place) == 2 else (None, None)
    if type(pairs) is not list or not all(type(p) is list and len(p) == 2 for p in pairs):
        raise ValueError("no place in this list")
    if wallet != chosen:
        raise ValueError("a place in the list of another wallet")
    code, number = Code(), Whole(1)
    return {code.read(name): number.read(seq) for name, seq in pairs}


def _newest_last(row: EntryRow) -> tuple[datetime, str, int]:
    return row.recorded_at, row.wallet, row.seq


def _places(call: Call, tx: Transaction, member_id: int) -> dict[str, int]:
    """The wallets to list, each with the number of the entry the page before ended at."""
    chosen = call.query.get("wallet")
    if "cursor" in call.query:
        read = partial(_read_place, chosen=chosen)
        return decode_cursor("entries", call.query["cursor"], read)
    wallets = [chosen] if chosen else queries.list_wallets(tx, member_id)
    return dict.fromkeys(wallets, LARGEST)


@endpoint(
    blueprint,
    "POST",
    "/v1/members/{member_ref}/adjustments",
    scopes=("operator",),
    body=AdjustmentSchema,
    answers={200: AdjustedSchema},
    refusals=(
        MemberUnknown,
        WalletUnknown,
        ExpiryPast,
        InsufficientPoints,
        PointsBeyondCount,
        EntryUnknown,
        NotReversible,
        NoProgram,
    ),
    keyed=True,
    summary="Adjust points, or reverse an entry",
    tags=("ledger",),
)
def adjust(call: Call, member_ref: str) -> Reply:
    """Give or take points by hand with ``wallet`` and ``points``, or answer a mistaken entry.

    A debit above what is there is refused unless it says ``allow_negative``.
    """
    ref, body, actor = parse_ref(member_ref), call.body, (call.caller.kind, call.caller.name)
    parts = call.parts

    def work(tx: Transaction) -> bytes:
        acting = Acting(tx, parts.programs, actor, parts.passing)
        if "reverses" in body:
            named = body["reverses"]
            reversal = Reversal(named["wallet"], named["entry"], body.get("note"))
            return service.reverse(acting, ref, reversal).encode()
        asked = Adjustment(
            body["wallet"],
            body["points"],
            body.get("note"),
            body.get("expires_at"),
            body.get("allow_negative", False),
            body.get("earned", False),
        )
        return service.adjust(acting, ref, asked).encode()

    return reply_once(call, work)


@endpoint(
    blueprint,
    "POST",
    "/v1/members/{member_ref}/transfers",
    scopes=("operator",),
    body=TransferSchema,
    answers={200: TransferredSchema},
    refusals=(
        MemberUnknown,
        SameMember,
        WalletUnknown,
        WalletNotSpendable,
        RedemptionLocked,
        InsufficientPoints,
        PointsBeyondCount,
        PersonalRefsOff,
        NoProgram,
    ),
    keyed=True,
    summary="Transfer points to another member",
    tags=("ledger",),
)
def transfer(call: Call, member_ref: str) -> Reply:
    """Give active points that are not held to another member; they keep their ends."""
    body, actor, parts = call.body, (call.caller.kind, call.caller.name), call.parts
    ref = parse_ref(member_ref)
    to = hashed(parse_ref(body["to"]), read_secret(call.parts.config.ref_secret_file), "to")
    asked = Transfer(body["wallet"], body["points"], body.get("note"))

    def work(tx: Transaction) -> bytes:
        return service.send(
            Acting(tx, parts.programs, actor, parts.passing), ref, to, asked
        ).encode()

    return reply_once(call, work)
