"""What the service says to the database for one paid order, as templates to say it again."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import Stand, cart, enrol_members

from loyalty_service.checkout.api.reading import read_order
from loyalty_service.checkout.schemas import PaymentSchema
from loyalty_service.checkout.service import pay
from loyalty_service.kit.db import Database
from loyalty_service.kit.idempotency import Answer, Claim, answer_once
from loyalty_service.ledger.service import Acting
from loyalty_service.members.rules import parse_ref
from loyalty_service.program.service import Programs

MEMBER = 7_654_321_012
NUMBER = 5_432_100_001
"""Numbers that stand out, so that they are found again wherever they were sent."""
_ORDER = "recorded-order"


def call_service(db: Database, programs: Programs, ref: str, order_ref: str) -> Answer:
    """Record a paid order as its route does, without HTTP around it."""
    body = PaymentSchema().load({**cart(), "payment_ref": f"pay-{order_ref}"})
    order = read_order(order_ref, body)

    def work(tx: Any) -> bytes:
        return pay(Acting(tx, programs, ("storefront", "bench")), parse_ref(ref), order).encode()

    claim = Claim(f"key-{order_ref}", b"f" * 32)
    return answer_once(db, claim, work, lambda refusal: Answer(409, refusal.code.encode()))


def record_paid_order(stand: Stand, into: Path) -> list[bytes]:
    """Write the templates of one paid order of a known member to a file; returns the messages.

    The order's number, its entries', its lot's and its event's are all the same %(n)s.
    """
    messages: list[bytes] = []
    db = stand.database(pool_size=1, on_message=messages.append)
    programs = Programs()
    with stand.owner() as cursor:
        cursor.execute("SELECT last_value FROM member_id_seq")
        (last,) = cursor.fetchone()
        cursor.execute("SELECT setval('member_id_seq', %s, false)", (MEMBER,))
        enrol_members(db, ["recorded"])
        cursor.execute("SELECT setval('member_id_seq', %s)", (last,))
        # Twice: who acts is looked up until it was found in a transaction that had not made it.
        for order_ref in ("the-first", "the-second"):
            call_service(db, programs, "recorded", order_ref)
        for table, columns in (("member", ("order_seq", "event_seq")), ("account", ("seq",))):
            moved = ", ".join(f"{column} = {NUMBER - 1}" for column in columns)
            cursor.execute(f"UPDATE {table} SET {moved} WHERE member_id = {MEMBER}")
        cursor.execute(
            f"UPDATE account SET lot_seq = {NUMBER - 1} "
            f"WHERE member_id = {MEMBER} AND wallet = 'points'"
        )
    messages.clear()
    answer = call_service(db, programs, "recorded", _ORDER)
    db.close()
    templates = [_template(message) for message in messages]
    _require_whole(templates)
    into.write_text(json.dumps({"messages": templates, "answer": answer.body.decode()}))
    return messages


def _template(message: bytes) -> str:
    text = message.decode().replace("%", "%%")
    text = text.replace(str(MEMBER), "%(member)s").replace(str(NUMBER), "%(n)s")
    return text.replace(_ORDER, "o%(n)s")


def _require_whole(templates: Sequence[str]) -> None:
    stray = [number for text in templates for number in re.findall(r"\b54321\d{5}\b", text)]
    if stray or "%(n)s" not in templates[-1]:
        raise RuntimeError(f"the recorded order cannot be said again: {stray}")
