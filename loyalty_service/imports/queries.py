"""Reads of what was imported before, and of what a customer may bring back."""

from collections.abc import Collection
from datetime import datetime

from loyalty_service.imports.rules.matching import Shelf
from loyalty_service.imports.rules.openings import Known
from loyalty_service.imports.rules.tiers import Tenure
from loyalty_service.kit.db import Transaction
from loyalty_service.members.queries import find_member_ids
from loyalty_service.members.rules import Ref

NUMBERS_AT_ONCE = 5_000

_ORDERS = "SELECT order_ref FROM order_index WHERE order_ref = ANY(%s)"
_RETURNS = "SELECT DISTINCT ref FROM order_step WHERE kind = 'return' AND ref = ANY(%s)"
_RETURNS_OF = _RETURNS + " AND member_id = ANY(%s)"
_BOUGHT = """
SELECT h.member_id, h.order_no, h.order_ref, h.placed_at, l.line_no, l.sku,
       l.quantity - l.returned_units
  FROM unnest(%s::bigint[], %s::text[]) AS asked (member_id, sku)
  JOIN order_line l ON l.member_id = asked.member_id AND l.sku = asked.sku
  JOIN order_head h ON h.member_id = l.member_id AND h.order_no = l.order_no
 WHERE l.member_id = ANY(%s) AND l.returned_units < l.quantity AND h.paid_at IS NOT NULL
 ORDER BY h.member_id, h.order_no, l.line_no
"""


def find_imported(
    tx: Transaction, purchases: Collection[str], returns: Collection[str]
) -> set[str]:
    """Which of these numbers are orders or returns already, of whatever member."""
    found = set[str]()
    numbers = sorted(purchases)
    for begin in range(0, len(numbers), NUMBERS_AT_ONCE):
        rows = tx.fetch(_ORDERS, (numbers[begin : begin + NUMBERS_AT_ONCE],))
        found.update(number for (number,) in rows)
    if returns:
        found.update(number for (number,) in tx.fetch(_RETURNS, (sorted(returns),)))
    return found


def find_imported_of(
    tx: Transaction,
    member_ids: Collection[int],
    purchases: Collection[str],
    returns: Collection[str],
) -> set[str]:
    """The same, with the returns of these members only; they are locked."""
    found = find_imported(tx, purchases, ())
    if returns and member_ids:
        rows = tx.fetch(_RETURNS_OF, (sorted(returns), sorted(member_ids)))
        found.update(number for (number,) in rows)
    return found


def read_shelves(tx: Transaction, asked: Collection[tuple[int, str]]) -> dict[int, Shelf]:
    """What members have left of these products (member, product), order by order as imported."""
    if not asked:
        return {}
    member_ids, skus = (list(column) for column in zip(*sorted(asked), strict=True))
    orders: dict[tuple[int, int], tuple[str, datetime, list[tuple[int, str, int]]]] = {}
    for row in tx.fetch(_BOUGHT, (member_ids, skus, sorted(set(member_ids)))):
        member_id, order_no, order_ref, placed_at, line_no, sku, left = row
        order = orders.setdefault((member_id, order_no), (order_ref, placed_at, []))
        order[2].append((line_no, sku, left))
    shelves: dict[int, Shelf] = {}
    for (member_id, _), (order_ref, placed_at, lines) in orders.items():
        shelves.setdefault(member_id, Shelf()).add(order_ref, placed_at, lines)
    return shelves


_KNOWN = """
SELECT member_id, birth_month, birth_day, tags, enrolled_at, caught_up_to
  FROM member WHERE member_id = ANY(%s)
"""
# One that was reversed, because it was a mistake, does not stand in the way of a better one.
_OPENINGS = """
SELECT e.member_id, e.wallet, x.body
  FROM entry e
  JOIN explanation x ON x.member_id = e.member_id AND x.wallet = e.wallet AND x.seq = e.seq
 WHERE e.member_id = ANY(%s) AND x.member_id = ANY(%s) AND e.reason = 'opening_balance'
   AND e.kind = 'credit'
   AND NOT EXISTS (SELECT FROM entry r
                    WHERE r.member_id = e.member_id AND r.wallet = e.wallet AND r.reverses = e.seq)
"""
# What was brought first, then what is held now.
_TENURES = """
SELECT member_id, to_tier, occurred_at, tier_until, 1 AS place
  FROM tier_change WHERE member_id = ANY(%s) AND cause = 'imported'
 UNION ALL
SELECT m.member_id, m.tier, m.tier_since, m.tier_until, 2
  FROM member m
 WHERE m.member_id = ANY(%s)
   AND EXISTS (SELECT FROM tier_change c WHERE c.member_id = m.member_id)
 ORDER BY place
"""


def find_known(tx: Transaction, refs: Collection[Ref]) -> dict[Ref, Known]:
    """Who has these references already, and what they brought with them."""
    found = find_member_ids(tx, refs)
    if not found:
        return {}
    member_ids = sorted(set(found.values()))
    openings: dict[int, dict[str, str]] = {}
    for member_id, wallet, body in tx.fetch(_OPENINGS, (member_ids, member_ids)):
        openings.setdefault(member_id, {})[wallet] = body
    tenures: dict[int, list[Tenure]] = {}
    for member_id, tier, since, until, _ in tx.fetch(_TENURES, (member_ids, member_ids)):
        tenures.setdefault(member_id, []).append(Tenure(tier, since, until))
    known = {}
    for member_id, month, day, tags, enrolled_at, caught_up_to in tx.fetch(_KNOWN, (member_ids,)):
        known[member_id] = Known(
            member_id,
            None if month is None else (month, day),
            tuple(tags),
            enrolled_at,
            caught_up_to,
            openings.get(member_id, {}),
            tuple(tenures.get(member_id, ())),
        )
    return {ref: known[member_id] for ref, member_id in found.items()}
