"""The night of ``catch_up.py`` written by hand: SQL that does for ``night.yaml`` what the job does.

It knows that there is one wallet, one instant, one tier to lose and one measure to look at, and
decides in the database; it is chunked, locks, hashes and tells events as the job does. Its rows are
the job's but for when they were recorded, which ``differences`` looks at.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg2
from sqlalchemy import URL, make_url

CHUNK = 5_000

_LOCK = """
SELECT count(*) FROM (
    SELECT member_id FROM member m
     WHERE member_id > %(after)s AND member_id <= %(to)s
       AND (due_at <= %(at)s OR EXISTS (
            SELECT 1 FROM lot l WHERE l.member_id = m.member_id AND l.expires_at <= %(at)s))
     ORDER BY member_id FOR NO KEY UPDATE) locked
"""
_EXPIRE = """
WITH due AS (
    SELECT member_id, wallet, sum(remaining)::bigint AS points, count(*) AS allocations,
           string_agg(bench.allocation_bytes(lot_seq, -remaining, NULL, NULL, true), ''::bytea
                      ORDER BY lot_seq) AS bytes
      FROM lot
     WHERE member_id > %(after)s AND member_id <= %(to)s AND expires_at <= %(at)s
     GROUP BY member_id, wallet
), gone AS (
    DELETE FROM lot
     WHERE member_id > %(after)s AND member_id <= %(to)s AND expires_at <= %(at)s
    RETURNING member_id, wallet, lot_seq, remaining
), drafted AS (
    SELECT ROW(d.member_id, d.wallet, a.seq + 1, 'expire', -d.points, 'expired', 'job', NULL, 1,
               '{}', 1, %(turn)s, %(now)s, a.balance - d.points, NULL, NULL, NULL, NULL
               )::entry AS e,
           a.head, d.allocations, d.bytes
      FROM due d JOIN account a USING (member_id, wallet)
), hashed AS MATERIALIZED (
    SELECT (e).*, bench.entry_hash(head, e, allocations, bytes) AS new_head FROM drafted
), entered AS (
    INSERT INTO entry (member_id, wallet, seq, kind, points, reason, source, source_no,
                       program_version, rule_ids, actor_id, occurred_at, recorded_at, balance_after,
                       reverses, explained, noted, hash)
    SELECT member_id, wallet, seq, kind, points, reason, source, source_no, program_version,
           rule_ids, actor_id, occurred_at, recorded_at, balance_after, reverses, explained, noted,
           new_head FROM hashed
), allocated AS (
    INSERT INTO allocation (member_id, wallet, entry_seq, lot_seq, points, expired)
    SELECT g.member_id, g.wallet, h.seq, g.lot_seq, -g.remaining, true
      FROM gone g JOIN hashed h USING (member_id, wallet)
), moved AS (
    UPDATE account a SET seq = h.seq, balance = h.balance_after, head = h.new_head
      FROM hashed h WHERE a.member_id = h.member_id AND a.wallet = h.wallet
), told AS (
    INSERT INTO event_waiting (member_id, seq, kind, occurred_at, recorded_at, payload)
    SELECT h.member_id, m.event_seq + 1, 'points.expired', %(turn)s, %(now)s,
           json_build_object('wallet', h.wallet, 'points', h.points, 'entry', h.seq,
                             'balance_after', h.balance_after)::text
      FROM hashed h JOIN member m USING (member_id)
)
UPDATE member m SET event_seq = event_seq + 1, caught_up_to = %(at)s, recorded_at = %(now)s
  FROM hashed h WHERE m.member_id = h.member_id
"""
_REVIEW = """
WITH looked AS (
    SELECT m.member_id, m.event_seq + 1 AS seq, m.tier_until AS turn,
           coalesce(sum(t.amount) FILTER (WHERE t.day >= %(first)s AND t.day < %(last)s), 0)::bigint
               AS spend
      FROM member m LEFT JOIN member_total t ON t.member_id = m.member_id AND t.metric = 'spend'
     WHERE m.member_id > %(after)s AND m.member_id <= %(to)s AND m.due_at <= %(at)s
     GROUP BY m.member_id
), judged AS MATERIALIZED (
    SELECT member_id, seq, turn, spend, spend >= 50000 AS keeps,
           CASE WHEN spend >= 50000 THEN 'kept' ELSE 'demoted' END AS cause,
           CASE WHEN spend >= 50000 THEN 'silver' ELSE 'regular' END AS tier,
           CASE WHEN spend >= 50000 THEN (turn AT TIME ZONE 'Asia/Shanghai' + interval '12 months')
                     AT TIME ZONE 'Asia/Shanghai' END AS until
      FROM looked
), changed AS (
    INSERT INTO tier_change (member_id, change_no, cause, from_tier, to_tier, tier_until,
                             program_version, occurred_at, recorded_at, counted)
    SELECT member_id, seq, cause, 'silver', tier, until, 1, turn, %(now)s,
           json_build_array(json_build_object('measure', 'spend', 'wallet', NULL, 'counted', spend,
                                              'asked', 50000))
      FROM judged
), told AS (
    INSERT INTO event_waiting (member_id, seq, kind, occurred_at, recorded_at, payload)
    SELECT member_id, seq, 'tier.' || cause, turn, %(now)s,
           json_build_object(
               'cause', cause, 'from', 'silver', 'to', tier,
               'until', to_char(until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
               'grace_until', NULL, 'in_grace', false, 'match', 'all',
               'window', json_build_object('from', %(first)s::date, 'until', %(last)s::date - 1),
               'counted', json_build_array(json_build_object(
                   'measure', 'spend', 'wallet', NULL, 'counted', spend, 'asked', 50000)),
               'order_ref', NULL, 'gift', NULL)::text
      FROM judged
)
UPDATE member m SET event_seq = j.seq, caught_up_to = %(at)s, recorded_at = %(now)s,
       tier = j.tier, tier_since = CASE WHEN j.keeps THEN tier_since ELSE j.turn END,
       tier_until = j.until, due_at = j.until
  FROM judged j WHERE m.member_id = j.member_id
"""
# What the two nights leave behind, but for when it was recorded and what is hashed of that.
_LEFT = {
    "entry": "member_id, wallet, seq, kind, points, reason, source, occurred_at, balance_after",
    "allocation": "member_id, wallet, entry_seq, lot_seq, points, expired",
    "lot": "member_id, wallet, lot_seq, remaining, expires_at",
    "account": "member_id, wallet, seq, balance",
    "member": "member_id, event_seq, caught_up_to, tier, tier_since, tier_until, due_at, due_by",
    "tier_change": "member_id, change_no, cause, from_tier, to_tier, tier_until, counted",
    "event": "member_id, seq, kind, occurred_at, payload::jsonb",
}


@contextmanager
def connected(url: str | URL) -> Iterator[Any]:
    """A connection to a database of this URL, as its owner."""
    made = make_url(url)
    connection = psycopg2.connect(
        host=made.query["host"], port=made.port, user=made.username, dbname=made.database
    )
    try:
        yield connection
    finally:
        connection.close()


def run_by_hand(url: str, turn: datetime, at: datetime) -> float:
    """Bring every member to an instant; returns the seconds.

    Args:
        turn: the instant at which lots and terms end.
    """
    with connected(url) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT (%s AT TIME ZONE 'Asia/Shanghai')::date", (turn,))
        (last,) = cursor.fetchone()
        cursor.execute("SELECT max(member_id) FROM member")
        (until,) = cursor.fetchone()
        connection.commit()
        begin = time.perf_counter()
        for after in range(0, until, CHUNK):
            cursor.execute("SELECT clock_timestamp()")
            named = {
                "after": after,
                "to": after + CHUNK,
                "at": at,
                "turn": turn,
                "now": cursor.fetchone()[0],
                "first": last.replace(year=last.year - 1),
                "last": last,
            }
            for statement in (_LOCK, _EXPIRE, _REVIEW):
                cursor.execute(statement, named)
            connection.commit()
        return time.perf_counter() - begin


def differences(one: str, other: str) -> list[str]:
    """The tables in which two databases differ after their nights."""
    return [table for table in _LEFT if _sum(one, table) != _sum(other, table)]


def _sum(url: str, table: str) -> Any:
    with connected(url) as connection:
        cursor = connection.cursor()
        row = f"ROW({_LEFT[table]})::text"
        cursor.execute(f"SELECT count(*), sum(hashtextextended({row}, 0)::numeric) FROM {table}")
        return cursor.fetchone()
