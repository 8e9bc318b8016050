"""Routes of members: enrol, amend, read, look up."""

from typing import Any

from flask import Blueprint

from loyalty_service.kit.db import Transaction
from loyalty_service.kit.http import Call, Reply, endpoint
from loyalty_service.kit.instants import instant_or_none, instant_text
from loyalty_service.kit.replies import reply_once
from loyalty_service.members import queries
from loyalty_service.members.rules import (
    PERSONAL,
    BirthdayImpossible,
    InTheFuture,
    Member,
    MemberUnknown,
    PersonalRefsOff,
    Ref,
    RefTaken,
    parse_ref,
    stored_ref,
)
from loyalty_service.members.schemas import (
    DetailsSchema,
    LookupSchema,
    MemberSchema,
    RedemptionLockSchema,
)
from loyalty_service.members.service import Details, enrol_or_amend, lock_redemption, read_secret

blueprint = Blueprint("members", __name__)


@endpoint(
    blueprint,
    "PUT",
    "/v1/members/{member_ref}",
    scopes=("members",),
    body=DetailsSchema,
    answers={200: MemberSchema},
    refusals=(RefTaken, PersonalRefsOff, BirthdayImpossible, InTheFuture),
    summary="Enrol or amend a member",
    tags=("members",),
)
def put_member(call: Call, member_ref: str) -> Reply:
    """Enrol the member, or change what is given; saying the same again changes nothing."""
    ref, details = parse_ref(member_ref), _details(call)
    overdue = call.parts.passing.overdue(call.parts.programs)

    def work(tx: Transaction) -> dict[str, Any]:
        member, refs = enrol_or_amend(tx, ref, details, overdue)
        return _shown(member, ref, refs)

    return reply_once(call, work)


@endpoint(
    blueprint,
    "GET",
    "/v1/members/{member_ref}",
    scopes=("members", "checkout", "operator", "self"),
    answers={200: MemberSchema},
    refusals=(MemberUnknown,),
    summary="Read a member",
    tags=("members",),
)
def get_member(call: Call, member_ref: str) -> Reply:
    """What is known of the member; balances are read for themselves."""
    return Reply(_read(call, parse_ref(member_ref)))


@endpoint(
    blueprint,
    "PUT",
    "/v1/members/{member_ref}/redemption-lock",
    scopes=("operator",),
    body=RedemptionLockSchema,
    answers={200: MemberSchema},
    refusals=(MemberUnknown,),
    summary="Lock or unlock a member's points",
    tags=("members",),
)
def put_redemption_lock(call: Call, member_ref: str) -> Reply:
    """Keep points from leaving where somebody else may have taken the account over.

    New reservations, payments without one and transfers that would spend points are refused; what
    was reserved before may be paid, and earning goes on.
    """
    ref, is_locked = parse_ref(member_ref), call.body["locked"]
    overdue = call.parts.passing.overdue(call.parts.programs)

    def work(tx: Transaction) -> dict[str, Any]:
        member = lock_redemption(tx, ref, overdue, is_locked=is_locked)
        return _shown(member, ref, queries.list_refs(tx, member.member_id))

    return reply_once(call, work)


@endpoint(
    blueprint,
    "POST",
    "/v1/members/lookup",
    scopes=("members", "checkout", "operator"),
    body=LookupSchema,
    answers={200: MemberSchema},
    refusals=(MemberUnknown, PersonalRefsOff),
    summary="Find a member by any reference",
    tags=("members",),
)
def look_up(call: Call) -> Reply:
    """Find a member by a reference that has no place in an address, as a phone number.

    It only reads, so it takes no Idempotency-Key.
    """
    secret, kind = read_secret(call.parts.config.ref_secret_file), call.body["kind"]
    try:
        return Reply(_read(call, stored_ref(kind, call.body["value"], secret)))
    except MemberUnknown:
        # What was asked may be a phone number, and what it was asked as is its hash.
        raise MemberUnknown(f"No member has this {kind}.", path="value", kind=kind) from None


def _read(call: Call, ref: Ref) -> dict[str, Any]:
    with call.parts.db.reading() as tx:
        member = queries.get_member(tx, ref)
        return _shown(member, ref, queries.list_refs(tx, member.member_id))


def _details(call: Call) -> Details:
    body = call.body
    secret = read_secret(call.parts.config.ref_secret_file)
    refs = body.get("refs")
    tags = body.get("tags")
    birthday = body.get("birthday", ...)
    return Details(
        refs=None if refs is None else _stored(refs, secret),
        birthday=None if birthday is ... else _month_and_day(birthday),
        tags=None if tags is None else tuple(tags),
        enrolled_at=body.get("enrolled_at"),
    )


def _stored(refs: list[dict[str, str]], secret: bytes | None) -> tuple[Ref, ...]:
    return tuple(
        stored_ref(ref["kind"], ref["value"], secret, f"refs[{i}].kind")
        for i, ref in enumerate(refs)
    )


def _month_and_day(birthday: dict[str, int] | None) -> tuple[int, int]:
    return (0, 0) if birthday is None else (birthday["month"], birthday["day"])


def _shown(member: Member, ref: Ref, refs: list[Ref]) -> dict[str, Any]:
    own = next((known for known in refs if known.kind not in PERSONAL), ref)
    named = own if ref.kind in PERSONAL else ref
    month, day = member.birth_month, member.birth_day
    locked_since = member.redemption_locked_since
    return {
        "member_ref": f"{named.kind}:{named.value}",
        "refs": [
            {"kind": known.kind, "value": None if known.kind in PERSONAL else known.value}
            for known in refs
        ],
        "enrolled_at": instant_text(member.enrolled_at),
        "birthday": None if month is None else {"month": month, "day": day},
        "tags": list(member.tags),
        "redemption_locked_since": instant_or_none(locked_since),
    }
