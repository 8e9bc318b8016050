"""Reads of members: by reference, and their facts."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from loyalty_service.kit.db import Transaction
from loyalty_service.members.rules import (
    PERSONAL,
    SHOP,
    Member,
    MemberUnknown,
    Ref,
    Standing,
    Totals,
    Wanted,
)

Fetch = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]

_FIND = "SELECT member_id FROM member_ref WHERE kind = %s AND value = %s"
_FIND_NAMED = """
SELECT member_id, refs_version FROM member_ref JOIN member USING (member_id)
 WHERE kind = %s AND value = %s
"""
_FIND_MANY = """
SELECT r.kind, r.value, r.member_id
  FROM member_ref r
  JOIN unnest(%s::text[], %s::text[]) AS o (kind, value)
    ON r.kind = o.kind AND r.value = o.value
"""
_TOTALS = """
SELECT member_id, metric, day, amount FROM member_total
 WHERE member_id = ANY(%s) AND metric = ANY(%s) AND day BETWEEN %s AND %s
"""
# A day on which taking some away has left less than nothing stays by itself; of the others
# the first on which there is anything stands for all.
_TOTALS_CUT = """
SELECT member_id, metric, coalesce(min(day) FILTER (WHERE amount <> 0), min(day)),
       sum(amount)::bigint
  FROM member_total
 WHERE member_id = ANY(%s) AND metric = ANY(%s) AND day BETWEEN %s AND %s
 GROUP BY member_id, metric, width_bucket(day, %s::date[]), CASE WHEN amount < 0 THEN day END
"""
_REFS = "SELECT kind, value FROM member_ref WHERE member_id = %s ORDER BY kind, value"

# Asking for the last row of an index is planned in half the time of asking for max().
FACTS = """
SELECT m.member_id, m.refs_version, m.enrolled_at, m.birth_month, m.birth_day, m.tags,
       m.caught_up_to, m.recorded_at, m.event_seq, m.order_seq, m.live_orders, m.check_in_on,
       m.check_in_streak, m.holds_lapse_at, m.redemption_locked_since,
       coalesce((SELECT version FROM program_version ORDER BY version DESC LIMIT 1), 0),
       m.tier, m.tier_since, m.tier_until, m.grace_until, m.tier_memo, m.due_at, m.due_by
"""
_READ_MANY = FACTS + "FROM member m WHERE member_id = ANY(%s) ORDER BY member_id"
_READ_AFTER = FACTS + "FROM member m WHERE member_id > %s ORDER BY member_id LIMIT %s"
_COUNT = "SELECT count(*) FROM member"
_NAMES = """
SELECT DISTINCT ON (member_id) member_id, kind, value FROM member_ref
 WHERE member_id = ANY(%s) AND kind <> ALL(%s)
 ORDER BY member_id, kind <> %s, kind, value
"""
_READ = FACTS + "FROM member m JOIN member_ref r USING (member_id) WHERE kind = %s AND value = %s"


def find_member_id(tx: Transaction, ref: Ref) -> int | None:
    """The member of that reference, or None."""
    rows = tx.fetch(_FIND, (ref.kind, ref.value))
    return rows[0][0] if rows else None


def find_named(tx: Transaction, ref: Ref) -> tuple[int, int] | None:
    """The member of that reference with the version of their references, or None."""
    rows = tx.fetch(_FIND_NAMED, (ref.kind, ref.value))
    return (rows[0][0], rows[0][1]) if rows else None


def find_member_ids(tx: Transaction, refs: Collection[Ref]) -> dict[Ref, int]:
    """The members of these references; unknown ones are left out."""
    if not refs:
        return {}
    rows = tx.fetch(_FIND_MANY, ([r.kind for r in refs], [r.value for r in refs]))
    return {Ref(kind, value): member_id for kind, value, member_id in rows}


def get_member(tx: Transaction, ref: Ref) -> Member:
    """The member's facts, without a lock.

    Raises:
        MemberUnknown: no member has this reference.
    """
    rows = tx.fetch(_READ, (ref.kind, ref.value))
    if not rows:
        raise member_unknown(ref)
    return to_member(rows[0])


def list_members(tx: Transaction, member_ids: Collection[int]) -> list[Member]:
    """These members' facts, lowest number first, without a lock."""
    return [to_member(row) for row in tx.fetch(_READ_MANY, (sorted(member_ids),))]


def list_after(tx: Transaction, after: int, size: int) -> list[Member]:
    """At most ``size`` members' facts with higher numbers, lowest first, without a lock."""
    return [to_member(row) for row in tx.fetch(_READ_AFTER, (after, size))]


def count_members(fetch: Fetch) -> int:
    """How many members there are; a whole scan."""
    return int(fetch(_COUNT, ())[0][0])


def list_names(tx: Transaction, member_ids: Collection[int]) -> list[tuple[int, Ref]]:
    """One reference of each of these members that is not personal: the shop's own where known."""
    rows = tx.fetch(_NAMES, (list(member_ids), sorted(PERSONAL), SHOP))
    return [(member_id, Ref(kind, value)) for member_id, kind, value in rows]


def list_refs(tx: Transaction, member_id: int) -> list[Ref]:
    """Every reference of the member, by kind and value."""
    return [Ref(kind, value) for kind, value in tx.fetch(_REFS, (member_id,))]


def read_totals(tx: Transaction, member_ids: Collection[int], wanted: Wanted | None) -> Totals:
    """The sums of these locked members; nothing is asked of the database for None.

    What is between two cuts stands on the first day of it on which there is anything, so that the
    days on which something was counted begin where they do.
    """
    totals = Totals()
    if wanted is None:
        return totals
    asked: list[Any] = [list(member_ids), sorted(wanted.metrics), wanted.first, wanted.last]
    sql = _TOTALS
    if wanted.cuts is not None:
        sql, asked = _TOTALS_CUT, [*asked, sorted(wanted.cuts)]
    amounts = totals.amounts = {member_id: {} for member_id in member_ids}
    for member_id, name, day, amount in tx.fetch(sql, asked):
        amounts[member_id][name, day] = amount
    return totals


def to_member(row: Sequence[Any]) -> Member:
    """A row of ``FACTS``."""
    member = Member(*row[:16])
    member.standing = member.stored = Standing(*row[16:])
    member.tags = tuple(member.tags)
    return member


def member_unknown(ref: Ref, path: str = "member_ref") -> MemberUnknown:
    """The refusal for a reference that nobody has; of a personal one only its kind is told.

    Args:
        path: where in the request the reference stands.
    """
    if ref.kind in PERSONAL:
        return MemberUnknown(
            f"No member has this {ref.kind}; enrol them with PUT /v1/members/{{member_ref}} "
            f"under a name of another kind, and the {ref.kind} among their refs.",
            path=path,
            asked=f"{ref.kind}:…",
        )
    return MemberUnknown(
        f"No member has the reference {ref}; enrol them with PUT /v1/members/{ref} first.",
        path=path,
        asked=str(ref),
    )
