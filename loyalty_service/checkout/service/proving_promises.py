"""Proves what orders promise: what is held for them, what they spent, which chapter follows.

Every answer to a reservation or a release is kept as a step, and every spending as an entry. Holds
and the columns of an order are what those say, or they are named.
"""

import re
from typing import Any

from loyalty_service.kit.db import Transaction
from loyalty_service.ledger.queries.ends import IS_COMMON
from loyalty_service.ledger.rules.stored import ROW, Fault

# What a receipt says is read by its shape: of one that somebody broke nothing is read. A step that
# only renews a reservation has the cart and the place of the one before.
_PROMISED = r"""
WITH said AS (
    SELECT member_id, order_no, step_no, kind, fingerprint,
           substring(receipt FROM '"points":{"wallet":"([^"]+)"') AS wallet,
           substring(receipt FROM '"points":{"wallet":"[^"]+","points":(\d{1,18})\D')::bigint
               AS points,
           substring(receipt FROM '"placed_at":"AN_INSTANT"')::timestamptz AS placed_at,
           substring(receipt FROM '"lapses_at":"AN_INSTANT"')::timestamptz AS lapses_at,
           substring(receipt FROM '"released_at":"AN_INSTANT"')::timestamptz AS released_at
      FROM order_step
     WHERE kind IN ('reservation', 'release') AND member_id BETWEEN %(first)s AND %(last)s
), placed AS (
    SELECT *, kind = 'reservation'
              AND (kind, fingerprint, placed_at) IS DISTINCT FROM
                  (lag(kind) OVER w, lag(fingerprint) OVER w, lag(placed_at) OVER w) AS is_new
      FROM said WINDOW w AS (PARTITION BY member_id, order_no ORDER BY step_no)
), numbered AS (
    SELECT *, count(*) FILTER (WHERE is_new) OVER (
                  PARTITION BY member_id, order_no ORDER BY step_no)::integer AS hold_no
      FROM placed
), promised AS (
    SELECT member_id, order_no, hold_no, min(wallet) AS wallet, min(points) AS points,
           min(placed_at) AS held_at, min(released_at) AS released_at,
           (array_agg(lapses_at ORDER BY step_no DESC)
               FILTER (WHERE kind = 'reservation'))[1] AS lapses_at,
           (array_agg(fingerprint ORDER BY step_no DESC)
               FILTER (WHERE kind = 'reservation'))[1] AS cart,
           lead(min(placed_at)) OVER (PARTITION BY member_id, order_no ORDER BY hold_no) AS next_at
      FROM numbered GROUP BY member_id, order_no, hold_no
), ended AS (
    SELECT p.*, m.caught_up_to,
           coalesce(p.released_at, p.next_at, h.paid_at, c.occurred_at) IS NULL AS stands,
           least(p.lapses_at, coalesce(p.released_at, p.next_at, h.paid_at, c.occurred_at))
               AS ends_from,
           least(p.lapses_at, coalesce(p.released_at, p.next_at,
                 CASE WHEN h.paid_at IS NULL THEN c.recorded_at ELSE h.recorded_at END)) AS ends_to
      FROM promised p
      LEFT JOIN member m USING (member_id)
      LEFT JOIN order_head h USING (member_id, order_no)
      LEFT JOIN order_step c ON c.member_id = p.member_id AND c.order_no = p.order_no
                            AND c.kind = 'cancellation'
)
""".replace("AN_INSTANT", r"(\d{4}-\d\d-\d\dT[0-9:.]{8,15}Z)")
_HOLDS = """
SELECT member_id, wallet, order_no, hold_no, k.lot_seq, p.points, k.in_all,
       <p.held_at>, <k.held_at>, <p.lapses_at>, <k.lapses_at>,
       <p.ends_from>, <p.ends_to>, p.stands AND p.lapses_at > p.caught_up_to, <k.ended_at>
  FROM (SELECT * FROM ended WHERE points > 0) p
  FULL JOIN (SELECT *, sum(points) OVER (PARTITION BY member_id, wallet, order_no, hold_no)::bigint
                       AS in_all
               FROM hold WHERE member_id BETWEEN %(first)s AND %(last)s) k
 USING (member_id, wallet, order_no, hold_no)
 WHERE p.points IS DISTINCT FROM k.in_all OR p.held_at IS DISTINCT FROM k.held_at
    OR p.lapses_at IS DISTINCT FROM k.lapses_at
    OR CASE WHEN k.ended_at IS NULL THEN NOT p.stands
            ELSE k.ended_at NOT BETWEEN p.ends_from AND p.ends_to
                 OR p.stands AND p.lapses_at > p.caught_up_to END
 ORDER BY member_id, wallet, order_no, hold_no, lot_seq LIMIT %(most)s
"""
_RESERVED = """
SELECT member_id, order_no, h.hold_no, coalesce(p.hold_no, 0),
       <h.reserved_since>, <p.held_at>, encode(h.cart, 'hex'), encode(p.cart, 'hex'),
       <h.lapses_at>, <p.ends_from>, <p.ends_to>, h.paid_at IS NOT NULL,
       h.judged ->> 'first', h.was_first::text, h.spent ->> 'wallet', p.wallet
  FROM (SELECT * FROM order_head WHERE member_id BETWEEN %(first)s AND %(last)s) h
  LEFT JOIN (SELECT * FROM ended WHERE next_at IS NULL) p USING (member_id, order_no)
 WHERE h.hold_no <> coalesce(p.hold_no, 0) OR h.reserved_since IS DISTINCT FROM p.held_at
    OR CASE WHEN h.paid_at IS NULL
            THEN h.cart IS DISTINCT FROM p.cart
                 OR (h.lapses_at BETWEEN p.ends_from AND p.ends_to) IS NOT TRUE
                 OR (h.judged ->> 'first') IS DISTINCT FROM h.was_first::text
                 OR h.spent ->> 'wallet' <> p.wallet
            ELSE h.lapses_at IS NOT NULL OR (h.judged IS NULL) <> (p.hold_no IS NULL) END
 ORDER BY member_id, order_no LIMIT %(most)s
"""
# Draws are in the order of drawing: soonest end first, as the lots' ends were then.
_SPENT = """
SELECT member_id, order_no, h.wallet, h.points, h.worth, h.entry, h.draws,
       e.wallet, e.points, h.price_minor - h.paid_minor, e.seq, e.draws
  FROM (SELECT member_id, order_no, price_minor, paid_minor, paid_at, spent ->> 'wallet' AS wallet,
               spent ->> 'points' AS points, spent ->> 'worth' AS worth, spent ->> 'entry' AS entry,
               spent -> 'draws' AS draws
          FROM order_head
         WHERE spent IS NOT NULL AND paid_at IS NOT NULL
           AND member_id BETWEEN %(first)s AND %(last)s) h
  FULL JOIN (SELECT e.member_id, e.source_no AS order_no, e.wallet, e.seq, -e.points AS points,
                    (SELECT jsonb_agg(jsonb_build_array(a.lot_seq, -a.points)
                                      ORDER BY coalesce(n.expires_at, c.expires_at), a.lot_seq)
                       FROM allocation a
                       LEFT JOIN LATERAL (
                           SELECT g.expires_at FROM allocation g
                            WHERE g.member_id = a.member_id AND g.wallet = a.wallet
                              AND g.lot_seq = a.lot_seq AND g.entry_seq < a.entry_seq
                              AND g.points >= 0 AND NOT <common>
                            ORDER BY g.entry_seq DESC LIMIT 1) n ON true
                       LEFT JOIN LATERAL (
                           SELECT g.expires_at FROM allocation g
                            WHERE g.member_id = a.member_id AND g.wallet = a.wallet
                              AND <common> AND g.entry_seq < a.entry_seq
                            ORDER BY g.entry_seq DESC LIMIT 1) c ON true
                      WHERE a.member_id = e.member_id AND a.wallet = e.wallet
                        AND a.entry_seq = e.seq) AS draws
               FROM entry e
              WHERE e.source = 'order' AND e.reason = 'order_spent'
                AND e.member_id BETWEEN %(first)s AND %(last)s) e
 USING (member_id, order_no)
 WHERE (h.wallet, h.points, h.worth, h.entry, h.draws) IS DISTINCT FROM
       (e.wallet, e.points::text, (h.price_minor - h.paid_minor)::text, e.seq::text, e.draws)
 ORDER BY member_id, order_no LIMIT %(most)s
""".replace("<common>", IS_COMMON.format("g"))
_PRICES = """
SELECT member_id, order_no, h.price_minor, l.price, h.points, l.points, h.worth, l.worth
  FROM (SELECT member_id, order_no, price_minor, coalesce(spent ->> 'points', '0') AS points,
               coalesce(spent ->> 'worth', '0') AS worth
          FROM order_head WHERE member_id BETWEEN %(first)s AND %(last)s) h
  JOIN (SELECT member_id, order_no, sum(price_minor) AS price, sum(points)::text AS points,
               sum(points_minor)::text AS worth
          FROM order_line WHERE member_id BETWEEN %(first)s AND %(last)s
         GROUP BY member_id, order_no) l
 USING (member_id, order_no)
 WHERE (h.price_minor, h.points, h.worth) IS DISTINCT FROM (l.price, l.points, l.worth)
 ORDER BY member_id, order_no LIMIT %(most)s
"""
_CHAPTERS = """
SELECT member_id, order_no, opened_again_as, next
  FROM (SELECT member_id, order_no, opened_again_as,
               lead(order_no) OVER (PARTITION BY member_id, order_ref ORDER BY order_no) AS next
          FROM order_head WHERE member_id BETWEEN %(first)s AND %(last)s) h
 WHERE opened_again_as IS DISTINCT FROM next
 ORDER BY member_id, order_no LIMIT %(most)s
"""


def find_promise_faults(tx: Transaction, named: Any) -> list[Fault]:
    """What is held, spent and promised for orders and does not agree; at most some of each.

    Args:
        named: ``first`` and ``last`` member, and the ``most`` faults of each kind.

    Rule: R-13, R-32, R-33.
    """
    return [
        *(_hold(*row) for row in tx.fetch(_PROMISED + _told(_HOLDS), named)),
        *(_reserved(*row) for row in tx.fetch(_PROMISED + _told(_RESERVED), named)),
        *(_spent(*row) for row in tx.fetch(_SPENT, named)),
        *(_price(*row) for row in tx.fetch(_PRICES, named)),
        *(_chapter(*row) for row in tx.fetch(_CHAPTERS, named)),
    ]


def _told(sql: str) -> str:
    """The statement with every <instant> as text: the driver cannot read infinity."""
    return re.sub(r"<([a-z_.]+)>", r"to_json(\1) #>> '{}'", sql)


def _hold(member_id: int, wallet: str, order_no: int, hold_no: int, *row: Any) -> Fault:
    lot_seq, points, in_all, held_at, found_held_at, lapses_at, found_lapses_at, *ended = row
    key = {"order_no": order_no, "hold_no": hold_no}
    if in_all is None:
        return Fault(member_id, wallet, "hold", key, ROW, "present", "missing")
    if points is None:
        return Fault(
            member_id, wallet, "hold", key | {"lot_seq": lot_seq}, ROW, "missing", "present"
        )
    if points != in_all:
        return Fault(member_id, wallet, "hold", key, "points", points, in_all)
    key["lot_seq"] = lot_seq
    if held_at != found_held_at:
        return Fault(member_id, wallet, "hold", key, "held_at", held_at, found_held_at)
    if lapses_at != found_lapses_at:
        return Fault(member_id, wallet, "hold", key, "lapses_at", lapses_at, found_lapses_at)
    first, last, is_open, ended_at = ended
    expected = None if is_open else _between(first, last)
    return Fault(member_id, wallet, "hold", key, "ended_at", expected, ended_at)


def _between(first: str | None, last: str | None) -> str | None:
    return first if first == last else f"{first} to {last}"


def _reserved(member_id: int, order_no: int, hold_no: int, times: int, *row: Any) -> Fault:
    since, placed_at, cart, reserved, lapses_at, first, last, is_paid, *rest = row
    judged, was_first, wallet, promised = rest
    lapses = None if is_paid else _between(first, last)
    for column, expected, found in (
        ("hold_no", times, hold_no),
        ("reserved_since", placed_at, since),
        ("cart", cart if is_paid else reserved, cart),
        ("judged", was_first if times and not is_paid else judged, judged),
    ):
        if found != expected:
            return _head(member_id, order_no, column, expected, found)
    if not is_paid and wallet not in (None, promised):
        return _head(member_id, order_no, "spent", promised, wallet)
    if is_paid and lapses_at is None:
        return _head(
            member_id, order_no, "judged", "what it was judged by" if times else None, judged
        )
    return _head(member_id, order_no, "lapses_at", lapses, lapses_at)


def _spent(member_id: int, order_no: int, *row: Any) -> Fault:
    parts = zip(("wallet", "points", "worth", "entry", "draws"), row[:5], row[5:], strict=True)
    name, found, expected = next(part for part in parts if str(part[1]) != str(part[2]))
    told = None if expected is None else f"{name} {expected}"
    return _head(member_id, order_no, "spent", told, f"{name} {found}")


def _price(member_id: int, order_no: int, *row: Any) -> Fault:
    price, of_lines, points, points_of_lines, worth, worth_of_lines = row
    if price != of_lines:
        return _head(member_id, order_no, "price_minor", int(of_lines), price)
    key = {"order_no": order_no}
    if points != points_of_lines:
        return Fault(member_id, None, "order_line", key, "points", points, points_of_lines)
    return Fault(member_id, None, "order_line", key, "points_minor", worth, worth_of_lines)


def _chapter(member_id: int, order_no: int, found: Any, following: Any) -> Fault:
    return _head(member_id, order_no, "opened_again_as", following, found)


def _head(member_id: int, order_no: int, column: str, expected: Any, found: Any) -> Fault:
    key = {"order_no": order_no}
    return Fault(member_id, None, "order_head", key, column, expected, found)
