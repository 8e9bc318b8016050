"""Enrol, amend and lock members; the member row is the lock of everything a member owns."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from loyalty_service.kit import outbox
from loyalty_service.kit.db import Row, Transaction
from loyalty_service.members import queries
from loyalty_service.members.rules import (
    Member,
    Ref,
    RefTaken,
    check_birthday,
    check_past,
    tidy_tags,
)

HINTS = 50_000
SECRET_BYTES = 32

_LOCK = "SELECT 1 FROM member WHERE member_id = %s FOR NO KEY UPDATE"
_LOCK_MANY = "SELECT 1 FROM member WHERE member_id = ANY(%s) ORDER BY member_id FOR NO KEY UPDATE"
_READ_MANY = queries.FACTS + "FROM member m WHERE member_id = ANY(%s) ORDER BY member_id"
_READ = (
    queries.FACTS
    + """, i.fingerprint, i.status, i.answer
  FROM member m
  LEFT JOIN idempotency i ON i.member_id = %s AND i.key = %s
 WHERE m.member_id = %s
"""
)
_NEW_IDS = "SELECT nextval('member_id_seq') FROM generate_series(1, %s)"
_INSERT = """
INSERT INTO member (member_id, refs_version, enrolled_at, birth_month, birth_day, tags,
                    caught_up_to, recorded_at, event_seq, order_seq, live_orders, check_in_on,
                    check_in_streak)
"""
_INSERT_REFS = "INSERT INTO member_ref (kind, value, member_id)"
_DELETE_REFS = "DELETE FROM member_ref WHERE member_id = %s AND (kind, value) IN %s"
_AMEND = """
UPDATE member SET refs_version = %s, birth_month = %s, birth_day = %s, tags = %s
 WHERE member_id = %s
"""
_SAVE = """
UPDATE member SET caught_up_to = %s, recorded_at = %s, event_seq = %s, order_seq = %s,
       live_orders = %s, check_in_on = %s, check_in_streak = %s
 WHERE member_id = %s
"""
_SAVE_MANY = """
UPDATE member SET caught_up_to = v.caught_up_to, recorded_at = v.recorded_at,
       event_seq = v.event_seq, order_seq = v.order_seq, live_orders = v.live_orders,
       check_in_on = v.check_in_on::date, check_in_streak = v.check_in_streak
  FROM ("""
_SAVED = """) AS v (member_id, caught_up_to, recorded_at, event_seq, order_seq, live_orders,
                    check_in_on, check_in_streak)
 WHERE member.member_id = v.member_id
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


def lock(tx: Transaction, ref: Ref) -> Member:
    """Lock one member and read their facts after the lock; answer a repeated key at once.

    Raises:
        MemberUnknown: no member has this reference.
        AlreadyAnswered, KeyReused: the operation's key was used before.

    Rule: R-05 (the clock is read after this).
    """
    member_id, refs_version = _hint(tx, ref)
    member = _lock_by_id(tx, member_id)
    if refs_version not in (None, member.refs_version):
        found = queries.find_member_id(tx, ref)
        if found is None:
            _hints(tx).pop(ref, None)
            raise queries.member_unknown(ref)
        if found != member_id:
            member = _lock_by_id(tx, found)
    _remember(tx, ref, member)
    return member


def _lock_by_id(tx: Transaction, member_id: int) -> Member:
    """The facts come from a later statement than the lock: a snapshot older than the lock lies."""
    key = None if tx.claim is None else tx.claim.key
    rows = tx.fetch_after([(_LOCK, (member_id,))], _READ, (member_id, key, member_id))
    *facts, fingerprint, status, answer = rows[0]
    if tx.claim is not None:
        tx.claim.owner_id = member_id
        tx.claim.check((fingerprint, status, answer))
    return queries.to_member(facts)


def lock_many(tx: Transaction, member_ids: Collection[int]) -> dict[int, Member]:
    """Lock these members, lowest number first, and read their facts after the lock."""
    ids = sorted(member_ids)
    if not ids:
        return {}
    rows = tx.fetch_after([(_LOCK_MANY, (ids,))], _READ_MANY, (ids,))
    return {row[0]: queries.to_member(row) for row in rows}


def _hints(tx: Transaction) -> dict[Ref, tuple[int, int]]:
    hints: dict[Ref, tuple[int, int]] = tx.cache.setdefault("member_hints", {})
    return hints


def _hint(tx: Transaction, ref: Ref) -> tuple[int, int | None]:
    """The member a reference named when last seen; whether it still does is checked by the lock."""
    hint = _hints(tx).get(ref)
    if hint is not None:
        return hint
    member_id = queries.find_member_id(tx, ref)
    if member_id is None:
        raise queries.member_unknown(ref)
    return member_id, None


def _remember(tx: Transaction, ref: Ref, member: Member) -> None:
    hints = _hints(tx)
    if len(hints) >= HINTS:
        hints.clear()
    hints[ref] = (member.member_id, member.refs_version)


def enrol_or_amend(tx: Transaction, ref: Ref, details: Details) -> tuple[Member, list[Ref]]:
    """Enrol the member of this reference, or change what is given of the one who has it.

    Two calls that enrol the same reference at once both find nobody; the database lets one of
    them through and the other is run again (``Database.run``), and then amends.

    Returns:
        the member, and all their references.

    Raises:
        RefTaken, BirthdayImpossible, InTheFuture: nothing is written.

    Rule: R-80.
    """
    if queries.find_member_id(tx, ref) is None:
        member = enrol(tx, ref, details)
        return member, sorted({ref, *(details.refs or ())})
    member = amend(tx, ref, details)
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
    now = tx.now()
    enrolled_at = details.enrolled_at or now
    check_past(enrolled_at, now, "enrolled_at")
    month, day = _birthday(details)
    refs = {ref, *(details.refs or ())}
    _refuse_taken(tx, refs, None)
    (member_id,) = tx.fetch(_NEW_IDS, (1,))[0]
    member = new_member(member_id, enrolled_at, now, details.tags or ())
    member.birth_month, member.birth_day = month, day
    member.tell("member.enrolled", enrolled_at, {})
    add_new(tx, [(member, tuple(refs))])
    return member


def new_member(
    member_id: int, enrolled_at: datetime, now: datetime, tags: Sequence[str] = ()
) -> Member:
    """The facts of a member who has just been enrolled; nothing is written."""
    return Member(
        member_id=member_id,
        refs_version=1,
        enrolled_at=enrolled_at,
        birth_month=None,
        birth_day=None,
        tags=tidy_tags(tags),
        caught_up_to=enrolled_at,
        recorded_at=now,
        event_seq=0,
        order_seq=0,
        live_orders=0,
        check_in_on=None,
        check_in_streak=0,
        program_version=0,
    )


def new_ids(tx: Transaction, count: int) -> list[int]:
    """Numbers for ``count`` new members."""
    return [row[0] for row in tx.fetch(_NEW_IDS, (count,))]


def add_new(tx: Transaction, members: Sequence[tuple[Member, Collection[Ref]]]) -> None:
    """Add new members with their references to the writes of the transaction."""
    tx.add_rows(_INSERT, [_row(member) for member, _ in members])
    tx.add_rows(
        _INSERT_REFS,
        [
            (ref.kind, ref.value, member.member_id)
            for member, refs in members
            for ref in sorted(refs)
        ],
    )
    _publish(tx, [member for member, _ in members])


def _row(member: Member) -> Row:
    return (
        member.member_id,
        member.refs_version,
        member.enrolled_at,
        member.birth_month,
        member.birth_day,
        list(member.tags),
        member.caught_up_to,
        member.recorded_at,
        member.event_seq,
        member.order_seq,
        member.live_orders,
        member.check_in_on,
        member.check_in_streak,
    )


def amend(tx: Transaction, ref: Ref, details: Details) -> Member:
    """Change what is known of a member; saying the same again changes nothing.

    Raises:
        MemberUnknown, RefTaken, BirthdayImpossible: nothing is written.

    Rule: R-80.
    """
    member = lock(tx, ref)
    before = (member.birth_month, member.birth_day, member.tags, member.refs_version)
    if details.birthday is not None:
        member.birth_month, member.birth_day = _birthday(details)
    if details.tags is not None:
        member.tags = tidy_tags(details.tags)
    if details.refs is not None:
        _replace_refs(tx, member, {ref, *details.refs})
    after = (member.birth_month, member.birth_day, member.tags, member.refs_version)
    if after != before:
        now = tx.now()
        member.meet(now, now)
        member.tell("member.amended", now, {})
        month, day, tags, refs_version = after
        tx.add(_AMEND, (refs_version, month, day, list(tags), member.member_id))
        save(tx, [member])
    return member


def _replace_refs(tx: Transaction, member: Member, wanted: set[Ref]) -> None:
    present = set(queries.list_refs(tx, member.member_id))
    if wanted == present:
        return
    _refuse_taken(tx, wanted - present, member.member_id)
    member.refs_version += 1
    gone = tuple((ref.kind, ref.value) for ref in sorted(present - wanted))
    if gone:
        tx.add(_DELETE_REFS, (member.member_id, gone))
    tx.add_rows(
        _INSERT_REFS,
        [(ref.kind, ref.value, member.member_id) for ref in sorted(wanted - present)],
    )


def _refuse_taken(tx: Transaction, refs: Collection[Ref], member_id: int | None) -> None:
    for ref, owner_id in queries.find_member_ids(tx, refs).items():
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


def save(tx: Transaction, members: Iterable[Member]) -> None:
    """Add to the writes what moved on these members, and what happened to them."""
    members = list(members)
    if len(members) == 1:
        # A join with a list of one costs the server half as much again.
        tx.add(_SAVE, (*_moving(members[0]), members[0].member_id))
    else:
        tx.add_rows(_SAVE_MANY, [(m.member_id, *_moving(m)) for m in members], _SAVED)
    _publish(tx, members)


def _moving(member: Member) -> Row:
    return (
        member.caught_up_to,
        member.recorded_at,
        member.event_seq,
        member.order_seq,
        member.live_orders,
        member.check_in_on,
        member.check_in_streak,
    )


def _publish(tx: Transaction, members: Iterable[Member]) -> None:
    outbox.publish(
        tx,
        [
            outbox.Happened(member.member_id, seq, kind, occurred_at, member.recorded_at, payload)
            for member in members
            for seq, kind, occurred_at, payload in member.happened
        ],
    )
