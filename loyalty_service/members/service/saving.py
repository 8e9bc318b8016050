"""Write new members, and what moved on those that are locked."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import orjson

from loyalty_service.kit import outbox
from loyalty_service.kit.db import Row, Transaction
from loyalty_service.members.rules import Member, Ref, Standing, Total, Totals, tidy_tags

_NEW_IDS = "SELECT nextval('member_id_seq') FROM generate_series(1, %s)"
_INSERT = """
INSERT INTO member (member_id, refs_version, enrolled_at, birth_month, birth_day, tags,
                    caught_up_to, recorded_at, event_seq, order_seq, live_orders, check_in_on,
                    check_in_streak, due_at)
"""
INSERT_REFS = "INSERT INTO member_ref (kind, value, member_id)"
_SAVE = """
UPDATE member SET caught_up_to = %s, recorded_at = %s, event_seq = %s, order_seq = %s,
       live_orders = %s, check_in_on = %s, check_in_streak = %s, holds_lapse_at = %s,
       redemption_locked_since = %s
 WHERE member_id = %s
"""
_SAVE_MANY = """
UPDATE member SET caught_up_to = v.caught_up_to, recorded_at = v.recorded_at,
       event_seq = v.event_seq, order_seq = v.order_seq, live_orders = v.live_orders,
       check_in_on = v.check_in_on::date, check_in_streak = v.check_in_streak,
       holds_lapse_at = v.holds_lapse_at::timestamptz,
       redemption_locked_since = v.redemption_locked_since::timestamptz,
       tier = v.tier, tier_since = v.tier_since::timestamptz,
       tier_until = v.tier_until::timestamptz, grace_until = v.grace_until::timestamptz,
       tier_memo = v.tier_memo::jsonb, due_at = v.due_at::timestamptz, due_by = v.due_by
  FROM ("""
_SAVED = """) AS v (member_id, caught_up_to, recorded_at, event_seq, order_seq, live_orders,
                    check_in_on, check_in_streak, holds_lapse_at, redemption_locked_since,
                    tier, tier_since, tier_until, grace_until, tier_memo, due_at, due_by)
 WHERE member.member_id = v.member_id
"""

_TOTAL = "INSERT INTO member_total (member_id, metric, day, amount)"
_TOTAL_ADDED = """
ON CONFLICT (member_id, metric, day) DO UPDATE SET amount = member_total.amount + excluded.amount
"""
_TOTAL_REPLACED = """
ON CONFLICT (member_id, metric, day) DO UPDATE SET amount = excluded.amount
"""
_LOOK_AGAIN = """
UPDATE member SET due_at = greatest(caught_up_to, %s), due_by = 0 WHERE member_id = %s
"""


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
        holds_lapse_at=None,
        redemption_locked_since=None,
        program_version=0,
        standing=Standing(due_at=now),
    )


def new_ids(tx: Transaction, count: int) -> list[int]:
    """Numbers for ``count`` new members."""
    return [row[0] for row in tx.fetch(_NEW_IDS, (count,))]


def add_new(tx: Transaction, members: Sequence[tuple[Member, Collection[Ref]]]) -> None:
    """Add new members with their references to the writes of the transaction."""
    tx.add_rows(_INSERT, [_row(member) for member, _ in members])
    tx.add_rows(
        INSERT_REFS,
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
        member.standing.due_at,
    )


def save(tx: Transaction, members: Iterable[Member]) -> None:
    """Add to the writes what moved on these members, and what happened to them."""
    members = list(members)
    if len(members) == 1 and members[0].standing == members[0].stored:
        # A join with a list of one costs the server half as much again.
        tx.add(_SAVE, (*_moving(members[0]), members[0].member_id))
    else:
        rows = [(m.member_id, *_moving(m), *_stands(m.standing)) for m in members]
        tx.add_rows(_SAVE_MANY, rows, _SAVED)
    _publish(tx, members)


def save_totals(tx: Transaction, totals: Totals) -> None:
    """Add to the writes what was counted for members, who are locked."""
    rows = [
        (member_id, name, day, amount)
        for member_id, added in totals.added.items()
        for (name, day), amount in added.items()
        if amount
    ]
    tx.add_rows(_TOTAL, rows, _TOTAL_ADDED)


def replace_totals(tx: Transaction, member_id: int, sums: Mapping[Total, int]) -> None:
    """Add to the writes what sums of a locked member come to, whatever they said before.

    What tiers follow from them is reckoned by whoever meets the member next.
    """
    if sums:
        tx.add_rows(_TOTAL, [(member_id, *key, sums[key]) for key in sums], _TOTAL_REPLACED)
        tx.add(_LOOK_AGAIN, (tx.now(), member_id))


def _moving(member: Member) -> Row:
    return (
        member.caught_up_to,
        member.recorded_at,
        member.event_seq,
        member.order_seq,
        member.live_orders,
        member.check_in_on,
        member.check_in_streak,
        member.holds_lapse_at,
        member.redemption_locked_since,
    )


def _stands(standing: Standing) -> Row:
    memo = None if standing.memo is None else orjson.dumps(standing.memo).decode()
    return (
        standing.tier,
        standing.since,
        standing.until,
        standing.grace_until,
        memo,
        standing.due_at,
        standing.due_by,
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
