"""An order as a support agent reads it: cart, shares, what happened since, every entry."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

import orjson

from loyalty_service.checkout.queries.records import OrderUnknown
from loyalty_service.checkout.rules.returns import OrderLine
from loyalty_service.checkout.rules.steps import State
from loyalty_service.checkout.rules.story_words import Chapter, story_in_words
from loyalty_service.kit.db import Row, Transaction
from loyalty_service.kit.instants import instant_or_none, instant_text
from loyalty_service.ledger.queries import list_entries_of_order
from loyalty_service.members.queries import get_member, list_refs
from loyalty_service.members.rules import PERSONAL, Ref
from loyalty_service.program.rules.program import Program
from loyalty_service.program.service import Programs

_HEADS = """
SELECT h.member_id, h.order_no,
       (SELECT e.order_no FROM order_head e
         WHERE e.member_id = h.member_id AND e.opened_again_as = h.order_no),
       h.payment_ref, h.state, h.channel, h.program_version, h.placed_at, h.paid_at, h.fulfilled_at,
       h.lapses_at, h.recorded_at, h.price_minor, h.paid_minor, h.returned_minor, h.spent, h.receipt
  FROM order_head h
"""
_NEWEST = _HEADS + "JOIN order_index i USING (member_id, order_no) WHERE i.order_ref = %s"
_EARLIER = _HEADS + "WHERE h.member_id = %s AND h.order_no = %s"
_LINES = """
SELECT line_no, kind, sku, category, brand, quantity, amount_minor, price_minor, paid_minor, points,
       points_minor, shares, returned_units, returned_num, returned_den
  FROM order_line WHERE member_id = %s AND order_no = %s ORDER BY line_no
"""
_HOLDS = """
SELECT wallet, sum(points)::bigint, held_at, lapses_at, ended_at
  FROM hold WHERE member_id = %s AND order_no = %s
 GROUP BY hold_no, wallet, held_at, lapses_at, ended_at ORDER BY hold_no, wallet
"""
_STEPS = """
SELECT kind, ref, occurred_at, recorded_at, receipt
  FROM order_step WHERE member_id = %s AND order_no = %s ORDER BY step_no
"""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a story, and when.

    Args:
        programs: name the wallets, each order's by the version that decides it.
        now: decides whether a reservation still stands (UTC).
        lang: of the words, ``en`` or ``zh``.
        to_member: leave out what operators write for each other.
    """

    programs: Programs
    now: datetime
    lang: str
    to_member: bool = False


def get_story(tx: Transaction, order_ref: str, ref: Ref | None, reader: Reader) -> dict[str, Any]:
    """All that is known of an order, in fields and in words, JSON-ready.

    Args:
        ref: the member it must belong to; None for whoever it belongs to.

    Raises:
        MemberUnknown: no member has that reference.
        OrderUnknown: no such order, or not this member's.

    Rule: R-27, R-34.
    """
    owner_id = None if ref is None else get_member(tx, ref).member_id
    rows = tx.fetch(_NEWEST, (order_ref,))
    if not rows or owner_id not in (None, rows[0][0]):
        raise OrderUnknown("No such order is known.", path="order_ref", asked=order_ref)
    member_id, _, earlier, *_ = rows[0]
    story = {
        "order_ref": order_ref,
        "member_ref": _public_name(list_refs(tx, member_id)),
        **_chapter(tx, rows[0], reader),
        "earlier": [],
    }
    while earlier is not None:
        row = tx.fetch(_EARLIER, (member_id, earlier))[0]
        story["earlier"].append(_chapter(tx, row, reader))
        earlier = row[2]
    return story


def _chapter(tx: Transaction, head: Row, reader: Reader) -> dict[str, Any]:
    """An order from its placing on; one that was cancelled and opened again has several."""
    member_id, order_no, earlier, payment_ref, state, channel, version, *rest = head
    key = (member_id, order_no)
    placed_at, paid_at, fulfilled_at, lapses_at, recorded_at, *rest = rest
    price_minor, paid_minor, returned_minor, spent, receipt = rest
    told = orjson.loads(receipt)
    currency = told["price"]["currency"]
    is_lapsed = state == State.RESERVED and lapses_at <= reader.now
    chapter = {
        "payment_ref": payment_ref,
        "state": str(State.LAPSED) if is_lapsed else state,
        "channel": channel,
        "program_version": version,
        "placed_at": instant_text(placed_at),
        "lapses_at": instant_or_none(lapses_at),
        "paid_at": instant_or_none(paid_at),
        "fulfilled_at": instant_or_none(fulfilled_at),
        "recorded_at": instant_text(recorded_at),
        "price": _money(price_minor, currency),
        "spent": None if spent is None else _spent(spent, currency),
        "paid": _money(paid_minor, currency),
        "returned": _money(returned_minor, currency),
        "lines": [_line(row, currency) for row in tx.fetch(_LINES, key)],
        "holds": [_held(row) for row in tx.fetch(_HOLDS, key)],
        "receipt": told,
        "steps": [_step(row) for row in tx.fetch(_STEPS, key)],
        "entries": [
            one.told(to_member=reader.to_member) for one in list_entries_of_order(tx, *key)
        ],
    }
    program = reader.programs.get(tx.fetch, version)
    return chapter | {"words": _words(chapter, program, reader.lang, is_again=earlier is not None)}


def _words(
    chapter: dict[str, Any], program: Program, lang: str, *, is_again: bool
) -> list[dict[str, str]]:
    """What happened, in sentences."""
    stored = Chapter(
        program,
        skus={line["line"]: line["sku"] for line in chapter["lines"]},
        steps=[
            (step["step"], step["ref"] or "", step["occurred_at"], step["receipt"])
            for step in chapter["steps"]
        ],
        payment=None if chapter["payment_ref"] is None else chapter["receipt"],
        lapses_at=chapter["lapses_at"],
        is_lapsed=chapter["state"] == State.LAPSED,
        is_again=is_again,
    )
    return story_in_words(stored, lang)


def _spent(spent: dict[str, Any], currency: str) -> dict[str, Any]:
    """What points pay; no entry while they are only held."""
    return {
        "wallet": spent["wallet"],
        "points": spent["points"],
        "worth": _money(spent["worth"], currency),
        "entry": spent.get("entry"),
    }


def _held(row: Row) -> dict[str, Any]:
    wallet, points, held_at, lapses_at, ended_at = row
    return {
        "wallet": wallet,
        "points": points,
        "held_at": instant_text(held_at),
        "lapses_at": instant_text(lapses_at),
        "ended_at": instant_or_none(ended_at),
    }


def _public_name(refs: list[Ref]) -> str | None:
    own = next((ref for ref in refs if ref.kind not in PERSONAL), None)
    return None if own is None else f"{own.kind}:{own.value}"


def _money(amount_minor: int, currency: str) -> dict[str, Any]:
    return {"amount": amount_minor, "currency": currency}


def _line(row: Row, currency: str) -> dict[str, Any]:
    line_no, kind, sku, category, brand, quantity, amount, price, paid, points, *rest = row
    worth, shares, units, num, den = rest
    returned = Fraction(int(num), int(den))
    line = OrderLine(line_no, quantity, paid, shares, points, units, returned)
    return {
        "line": line_no,
        "kind": kind,
        "sku": sku,
        "category": category,
        "brand": brand,
        "quantity": quantity,
        "amount": _money(amount, currency),
        "price": _money(price, currency),
        "points": points,
        "points_worth": _money(worth, currency),
        "paid": _money(paid, currency),
        "earned": shares,
        "returned_units": units,
        "returned": _money(line.returned_minor, currency),
    }


def _step(row: Row) -> dict[str, Any]:
    kind, ref, occurred_at, recorded_at, receipt = row
    return {
        "step": kind,
        "ref": ref or None,
        "occurred_at": instant_text(occurred_at),
        "recorded_at": instant_text(recorded_at),
        "receipt": orjson.loads(receipt),
    }
