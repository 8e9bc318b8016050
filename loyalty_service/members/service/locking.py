"""Lock members; the facts are read after the lock, never with it."""

from collections.abc import Collection

from loyalty_service.kit.db import Transaction
from loyalty_service.members import queries
from loyalty_service.members.rules import Member, Ref

HINTS = 50_000

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


def lock(tx: Transaction, ref: Ref) -> Member:
    """Lock one member and read their facts after the lock; answer a repeated key at once.

    Raises:
        MemberUnknown: no member has this reference.
        AlreadyAnswered, KeyReused: the operation's key was used before.

    Rule: R-05 (the clock is read after this).
    """
    known = _hints(tx).get(ref)
    hint = known or _look_up(tx, ref)
    member = _lock_by_id(tx, hint[0])
    # The reference may have moved since, also while we waited for the lock.
    while hint != (member.member_id, member.refs_version):
        hint = _look_up(tx, ref)
        if hint[0] != member.member_id:
            member = _lock_by_id(tx, hint[0])
    if hint != known:
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
    """The member a reference named when last seen, and the version of their references then.

    Whether it still does is checked by that version, under the lock.
    """
    hints: dict[Ref, tuple[int, int]] = tx.cache.setdefault("member_hints", {})
    return hints


def _look_up(tx: Transaction, ref: Ref) -> tuple[int, int]:
    found = queries.find_named(tx, ref)
    if found is None:
        _hints(tx).pop(ref, None)
        raise queries.member_unknown(ref)
    return found


def _remember(tx: Transaction, ref: Ref, member: Member) -> None:
    hints = _hints(tx)
    if len(hints) >= HINTS:
        hints.clear()
    hints[ref] = (member.member_id, member.refs_version)
