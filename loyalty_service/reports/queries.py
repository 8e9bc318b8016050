"""Reads what is summed, and the entries that are not yet.

An account's entries have numbers without gaps, and whoever writes one holds the member's lock until
it is committed: what is seen of an account is all up to some number. Whatever is written of
points is told by an event in the same transaction. So all entries that are not summed belong to
members of whom something happened after the last position that was, or is not published yet; no
clock is asked.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

import orjson

from loyalty_service.kit.db import Transaction
from loyalty_service.ledger.queries.ends import IS_COMMON
from loyalty_service.program.rules.periods import local_date
from loyalty_service.program.rules.program import Program
from loyalty_service.reports.rules.liability import Held
from loyalty_service.reports.rules.sums import (
    NEVER,
    Change,
    Moved,
    Opened,
    OpenLot,
    Sums,
    last_month_end,
)

_TOUCHED = """
SELECT member_id FROM event_published WHERE position > (SELECT position FROM report_head)
UNION SELECT member_id FROM event_waiting
"""
_TOUCHED_BETWEEN = """
SELECT DISTINCT member_id FROM event_published
 WHERE position > %(after)s AND position <= %(until)s
"""
_MARKS = """
WITH marks AS (
    SELECT a.member_id, a.wallet, coalesce(r.seq, 0) AS seq, r.lots, r.ends_on
      FROM ({touched}) t
      JOIN account a ON a.member_id = t.member_id
      LEFT JOIN report_account r ON r.member_id = a.member_id AND r.wallet = a.wallet
     WHERE a.seq > coalesce(r.seq, 0)
)
"""
# The lots come with the first entry only.
_FRESH = (
    _MARKS
    + """
SELECT m.member_id, m.wallet, CASE WHEN e.seq = m.seq + 1 THEN m.lots END, m.ends_on,
       e.seq, e.points, e.reason, e.recorded_at, al.lot_seq, al.points, al.active_at, al.expires_at
  FROM marks m
  JOIN entry e ON e.member_id = m.member_id AND e.wallet = m.wallet AND e.seq > m.seq
  LEFT JOIN allocation al
    ON al.member_id = e.member_id AND al.wallet = e.wallet AND al.entry_seq = e.seq
 ORDER BY m.member_id, m.wallet, e.seq, al.lot_seq
"""
)
_LIVE = _FRESH.format(touched=_TOUCHED)
_BETWEEN = _FRESH.format(touched=_TOUCHED_BETWEEN)
# By the minute: in every zone days begin with one, and which day it is, is decided in rules.
_LIVE_TOTALS = (
    _MARKS.format(touched=_TOUCHED)
    + """
SELECT date_bin('1 minute', e.recorded_at, '2000-01-01 00:00:00+00'), m.wallet, e.reason,
       coalesce(sum(e.points) FILTER (WHERE e.points > 0), 0)::bigint,
       coalesce(-sum(e.points) FILTER (WHERE e.points < 0), 0)::bigint, count(*)
  FROM marks m
  JOIN entry e ON e.member_id = m.member_id AND e.wallet = m.wallet AND e.seq > m.seq
 GROUP BY 1, 2, 3
"""
)
_TOTALS = """
SELECT day, wallet, reason, given, taken, entries FROM report_day WHERE day BETWEEN %s AND %s
"""
_OPEN = """
SELECT bool_and(is_month), max(day), wallet, begins_on, ends_on, sum(points)::bigint
  FROM report_open
 WHERE ends_on > %(day)s
   AND (is_month AND day <= %(month_end)s
        OR NOT is_month AND day > %(month_end)s AND day <= %(day)s)
 GROUP BY wallet, begins_on, ends_on
"""
_HELD = """
SELECT h.wallet, h.points, coalesce(l.expires_at, c.expires_at), h.lapses_at
  FROM hold h
  CROSS JOIN LATERAL (
       SELECT a.expires_at FROM allocation a
         JOIN entry e ON e.member_id = a.member_id AND e.wallet = a.wallet AND e.seq = a.entry_seq
        WHERE a.member_id = h.member_id AND a.wallet = h.wallet AND a.lot_seq = h.lot_seq
          AND a.points >= 0 AND NOT <common> AND e.recorded_at <= %(at)s
        ORDER BY a.entry_seq DESC LIMIT 1) l
  LEFT JOIN LATERAL (
       SELECT a.expires_at FROM allocation a
         JOIN entry e ON e.member_id = a.member_id AND e.wallet = a.wallet AND e.seq = a.entry_seq
        WHERE a.member_id = h.member_id AND a.wallet = h.wallet AND <common>
          AND e.recorded_at <= %(at)s
        ORDER BY a.entry_seq DESC LIMIT 1) c ON true
 WHERE h.held_at > %(since)s AND h.held_at <= %(at)s AND h.lapses_at > %(at)s
   AND (h.ended_at IS NULL OR h.ended_at > %(at)s)
""".replace("<common>", IS_COMMON.format("a"))


def stream_unsummed(
    tx: Transaction, between: tuple[int, int] | None = None
) -> Iterator[tuple[int, str, Opened, Iterator[Moved]]]:
    """Entries that are not summed, account by account, each with what was open as it was summed.

    Args:
        between: only of members of whom something happened after the one position and up to the
            other; None: all there are.
    """
    if between is None:
        rows = tx.stream(_LIVE)
    else:
        rows = tx.stream(_BETWEEN, {"after": between[0], "until": between[1]})
    for (member_id, wallet), of_account in groupby(rows, itemgetter(0, 1)):
        ahead = iter(of_account)
        first = next(ahead)
        written = (Moved._make(row[4:]) for row in chain([first], ahead))
        yield member_id, wallet, _read_opened(first[2], first[3]), written


def _read_opened(text: str | None, ends_on: date | None) -> Opened:
    if text is None:
        return Opened()
    lots = {
        lot_seq: OpenLot(remaining, date.fromordinal(begins), date.fromordinal(ends))
        for lot_seq, remaining, begins, ends in orjson.loads(text)
    }
    return Opened(lots, ends_on or NEVER)


def lots_text(opened: Opened) -> str:
    """The lots of an account as they are kept."""
    kept = [
        (lot_seq, lot.remaining, lot.begins_on.toordinal(), lot.ends_on.toordinal())
        for lot_seq, lot in sorted(opened.lots.items())
    ]
    return orjson.dumps(kept).decode()


def read_totals(
    tx: Transaction, first: date, last: date, program: Program
) -> list[tuple[date, str, str, int, int, int]]:
    """Totals by day, wallet and reason: what is summed of these days, and all that is not yet.

    ``tx`` sees one snapshot (``Database.reading``).

    Rule: R-91.
    """
    live = tx.fetch(_LIVE_TOTALS)
    fresh: list[Any] = [(local_date(minute, program.zone), *rest) for minute, *rest in live]
    return [*tx.fetch(_TOTALS, (first, last)), *fresh]


def read_open(tx: Transaction, day: date, program: Program) -> list[tuple[Change, int]]:
    """What was recorded by the end of a day and is open there: summed, and not summed yet.

    ``tx`` sees one snapshot (``Database.reading``).

    Rule: R-92.
    """
    month_end = last_month_end(day)
    kept = tx.fetch(_OPEN, {"day": day, "month_end": month_end})
    fresh = Sums(program.zone)
    for _, wallet, opened, written in stream_unsummed(tx):
        fresh.add(wallet, opened, written)
    live = [(c, p) for c, p in fresh.changed() if not c.is_month and c.day <= day]
    return [*((Change(*row[:5]), row[5]) for row in kept), *live]


def read_held(tx: Transaction, at: datetime, longest: timedelta, program: Program) -> list[Held]:
    """What was held at an instant, by lots that may have ended.

    Args:
        longest: no hold stands longer.

    Rule: R-32, R-92.
    """
    rows = tx.fetch(_HELD, {"at": at, "since": at - longest})
    return [
        Held(
            wallet,
            points,
            NEVER if expires_at is None else local_date(expires_at, program.zone),
            local_date(lapses_at, program.zone),
        )
        for wallet, points, expires_at, lapses_at in rows
    ]
