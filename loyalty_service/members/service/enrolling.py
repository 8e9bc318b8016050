"""Enrol members, and amend what is known of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from loyalty_service.kit.db import Transaction
from loyalty_service.members import queries
from loyalty_service.members.rules import (
    Member,
    Ref,
    RefTaken,
    check_birthday,
    check_past,
    tidy_tags,
)
from loyalty_service.members.service.locking import lock
from loyalty_service.members.service.saving import (
    INSERT_REFS,
    add_new,
    new_ids,
    new_member,
)

SECRET_BYTES = 32

Overdue = Callable[[Transaction, Member], Callable[[], None]]
"""Does what is overdue for a locked member; what it returns adds the member to the writes."""

_DELETE_REFS = "DELETE FROM member_ref WHERE member_id = %s AND (kind, value) IN %s"
# A birthday may begin with this very instant: what time brings is asked anew from it on.
_AMEND = """
UPDATE member SET refs_version = %s, birth_month = %s, birth_day = %s, tags = %s,
       due_at = least(due_at, %s)
 WHERE member_id = %s
"""


@dataclass(frozen=True, slots=True)
class Details:
    """What may be said of a member; None leaves it as it is.

    Args:
        refs: all references besides the one in the address.
        birthday: (month, day); (0, 0) removes it.
        tags: all segments the member is in.
        enrolled_at: only for a new member, UTC, not in the future; None is now.
    """

    refs: tuple[Ref, ...] | None = None
    birthday: tuple[int, int] | None = None
    tags: tuple[str, ...] | None = None
    enrolled_at: datetime | None = None


def enrol_or_amend(
    tx: Transaction, ref: Ref, details: Details, overdue: Overdue
) -> tuple[Member, list[Ref]]:
    """Enrol the member of this reference, or change what is given of the one who has it.

    Two calls that enrol the same reference at once both find nobody; the database lets one of
    them through and the other is run again (``Database.run``), and then amends. One look finds
    all the references: with two, a copy that came between them would make its own member a
    stranger who has taken them.

    Returns:
        the member, and all their references.

    Raises:
        RefTaken, BirthdayImpossible, InTheFuture: nothing is written.

    Rule: R-80.
    """
    owners = queries.find_member_ids(tx, {ref, *(details.refs or ())})
    if ref not in owners:
        member = _enrol(tx, ref, details, owners)
        return member, sorted({ref, *(details.refs or ())})
    member = amend(tx, ref, details, overdue)
    if details.refs is not None:
        return member, sorted({ref, *details.refs})
    return member, queries.list_refs(tx, member.member_id)


def read_secret(file: Path | None) -> bytes | None:
    """The secret that personal references are hashed with; None where none is set.

    Raises:
        ValueError: the file is shorter than 32 bytes.
    """
    return None if file is None else _secret_in(file)


@cache
def _secret_in(file: Path) -> bytes:
    secret = file.read_bytes().strip()
    if len(secret) < SECRET_BYTES:
        raise ValueError(f"LOYALTY_REF_SECRET_FILE: {file} holds fewer than {SECRET_BYTES} bytes")
    return secret


def enrol(tx: Transaction, ref: Ref, details: Details) -> Member:
    """Enrol a member under this reference.

    Raises:
        RefTaken: another member has one of the other references.
        BirthdayImpossible, InTheFuture: nothing is written.

    Rule: R-80.
    """
    owners = queries.find_member_ids(tx, {ref, *(details.refs or ())})
    return _enrol(tx, ref, details, owners)


def _enrol(tx: Transaction, ref: Ref, details: Details, owners: Mapping[Ref, int]) -> Member:
    now = tx.now()
    enrolled_at = details.enrolled_at or now
    check_past(enrolled_at, now, "enrolled_at")
    month, day = _birthday(details)
    _refuse_taken(owners, None)
    (member_id,) = new_ids(tx, 1)
    member = new_member(member_id, enrolled_at, now, details.tags or ())
    member.birth_month, member.birth_day = month, day
    member.tell("member.enrolled", enrolled_at, {})
    add_new(tx, [(member, {ref, *(details.refs or ())})])
    return member


def amend(tx: Transaction, ref: Ref, details: Details, overdue: Overdue) -> Member:
    """Change what is known of a member; saying the same again changes nothing.

    Args:
        overdue: does what time has brought the member by now, before anything changes.

    Raises:
        MemberUnknown, RefTaken, BirthdayImpossible: nothing is written.

    Rule: R-80.
    """
    member = lock(tx, ref)
    before = (member.birth_month, member.birth_day, member.tags, member.refs_version)
    birthday = before[:2] if details.birthday is None else _birthday(details)
    tags = member.tags if details.tags is None else tidy_tags(details.tags)
    if details.refs is not None:
        _replace_refs(tx, member, {ref, *details.refs})
    after = (*birthday, tags, member.refs_version)
    if after != before:
        # By what was known of the member until now.
        write = overdue(tx, member)
        now = tx.now()
        member.meet(now, now)
        member.birth_month, member.birth_day, member.tags, refs_version = after
        member.tell("member.amended", now, {})
        write()
        tx.add(_AMEND, (refs_version, *birthday, list(tags), now, member.member_id))
    return member


def lock_redemption(tx: Transaction, ref: Ref, overdue: Overdue, *, is_locked: bool) -> Member:
    """Keep a member's points from leaving, or let them leave again; earning goes on.

    What was reserved before may still be paid.

    Args:
        overdue: does what time has brought the member by now, before anything changes.

    Raises:
        MemberUnknown: nothing is written.

    Rule: R-82.
    """
    member = lock(tx, ref)
    if is_locked != (member.redemption_locked_since is not None):
        write = overdue(tx, member)
        now = tx.now()
        member.meet(now, now)
        member.redemption_locked_since = now if is_locked else None
        word = "locked" if is_locked else "unlocked"
        member.tell(f"member.redemption_{word}", now, {})
        write()
    return member


def _replace_refs(tx: Transaction, member: Member, wanted: set[Ref]) -> None:
    present = set(queries.list_refs(tx, member.member_id))
    if wanted == present:
        return
    _refuse_taken(queries.find_member_ids(tx, wanted - present), member.member_id)
    member.refs_version += 1
    gone = tuple((ref.kind, ref.value) for ref in sorted(present - wanted))
    if gone:
        tx.add(_DELETE_REFS, (member.member_id, gone))
    tx.add_rows(
        INSERT_REFS,
        [(ref.kind, ref.value, member.member_id) for ref in sorted(wanted - present)],
    )


def _refuse_taken(owners: Mapping[Ref, int], member_id: int | None) -> None:
    for ref, owner_id in owners.items():
        if owner_id != member_id:
            raise RefTaken(
                f"The {ref.kind} reference belongs to another member already.",
                path="refs",
                kind=ref.kind,
            )


def _birthday(details: Details) -> tuple[int | None, int | None]:
    if details.birthday in (None, (0, 0)):
        return None, None
    assert details.birthday is not None
    check_birthday(*details.birthday)
    return details.birthday
