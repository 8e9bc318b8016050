"""What the service says to the database for one call, as templates to say it again."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
from loyalty_service.timekeeping.service import Timekeeping

MEMBER = 7_654_321_012
NUMBER = 5_432_100_001
"""Numbers that stand out, so that they are found again wherever they were sent."""
_ORDER = "recorded-order"
EARLIER = tuple(f"earlier-{n:02}" for n in range(14))
"""Orders before the recorded one, and before any that is measured beside it: who acts is looked up
until it was found in a transaction that had not made it, and the first twelve of a member bring it
to tiers of the sample program, with more SQL than those that follow, which are all alike."""

Asked = Callable[[str, str], tuple[str, str, Any]]
"""From a member's and an order's reference: method, path, body."""

GIFT: dict[str, Any] = {"wallet": "points", "points": 50_000_000}
"""More points than a measurement spends."""


def call_service(db: Database, programs: Programs, ref: str, order_ref: str) -> Answer:
    """Record a paid order as its route does, without HTTP around it."""
    body = PaymentSchema().load({**cart(), "payment_ref": f"pay-{order_ref}"})
    order = read_order(order_ref, body)

    def work(tx: Any) -> bytes:
        return pay(
            Acting(tx, programs, ("storefront", "bench"), Timekeeping()), parse_ref(ref), order
        ).encode()

    claim = Claim(f"key-{order_ref}", b"f" * 32)
    return answer_once(db, claim, work, lambda refusal: Answer(409, refusal.code.encode()))


def record_paid_order(stand: Stand, into: Path) -> list[bytes]:
    """Write the templates of one paid order of a known member to a file; returns the messages.

    The order's number, its entries', its lot's and its event's are all the same %(n)s.
    """
    messages: list[bytes] = []
    db = stand.database(pool_size=1, on_message=messages.append)
    programs = Programs()
    with stand.owner() as cursor, _known_member(cursor, db):
        for order_ref in EARLIER:
            call_service(db, programs, "recorded", order_ref)
        _move_on(cursor)
    messages.clear()
    answer = call_service(db, programs, "recorded", _ORDER)
    db.close()
    _write(into, {"pay": _replay(messages, answer.body)})
    return messages


def record_spending(stand: Stand, into: Path, asked: Mapping[str, Asked]) -> dict[str, int]:
    """Write the templates of these calls of a known member who has points; counts their messages.

    The first number that a call writes is %(n)s, the second %(n1)s, one more.

    Args:
        asked: by name, and in an order in which each can be done: the call that a reference of an
            order makes (method, path, body).
    """
    messages: list[bytes] = []
    db = stand.database(pool_size=1, on_message=messages.append)
    client = _client(stand, db)
    replays = {}
    with stand.owner() as cursor, _known_member(cursor, db):
        client("POST", "/v1/members/recorded/adjustments", GIFT, "gift")
        for order_ref in EARLIER:
            for call in asked.values():
                client(*call("recorded", order_ref), f"key-{order_ref}")
        _move_on(cursor)
        for name, call in asked.items():
            messages.clear()
            answer = client(*call("recorded", _ORDER), f"key-{_ORDER}")
            replays[name] = _replay(messages, answer)
    db.close()
    _write(into, replays)
    return {name: len(replay["messages"]) for name, replay in replays.items()}


@contextmanager
def _known_member(cursor: Any, db: Database) -> Iterator[None]:
    """Enrol ``recorded`` under a number that stands out; the others' go on as if it were not."""
    cursor.execute("SELECT last_value FROM member_id_seq")
    (last,) = cursor.fetchone()
    cursor.execute("SELECT setval('member_id_seq', %s, false)", (MEMBER,))
    enrol_members(db, ["recorded"])
    cursor.execute("SELECT setval('member_id_seq', %s)", (last,))
    yield


def _move_on(cursor: Any) -> None:
    """Let everything of the member that is numbered go on with ``NUMBER``."""
    for table, columns in (("member", ("order_seq", "event_seq")), ("account", ("seq",))):
        moved = ", ".join(f"{column} = {NUMBER - 1}" for column in columns)
        cursor.execute(f"UPDATE {table} SET {moved} WHERE member_id = {MEMBER}")
    cursor.execute(
        f"UPDATE account SET lot_seq = {NUMBER - 1} "
        f"WHERE member_id = {MEMBER} AND wallet = 'points'"
    )


def _client(stand: Stand, db: Database) -> Callable[[str, str, Any, str], bytes]:
    client = stand.app(db).test_client()
    token = stand.token()

    def call(method: str, path: str, body: Any, key: str) -> bytes:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        answer = client.open(path, method=method, json=body, headers=headers)
        if answer.status_code >= 300:
            raise RuntimeError(f"{method} {path}: {answer.get_data(as_text=True)}")
        return answer.get_data()

    return call


def _replay(messages: Sequence[bytes], answer: bytes) -> dict[str, Any]:
    templates = [_template(message) for message in messages]
    stray = [number for text in templates for number in re.findall(r"\b54321\d{5}\b", text)]
    if stray:
        raise RuntimeError(f"the recorded call cannot be said again: {stray}")
    return {"messages": templates, "answer": answer.decode()}


def _template(message: bytes) -> str:
    text = message.decode().replace("%", "%%")
    text = text.replace(str(MEMBER), "%(member)s").replace(str(NUMBER), "%(n)s")
    return text.replace(str(NUMBER + 1), "%(n1)s").replace(_ORDER, "o%(n)s")


def _write(into: Path, replays: Mapping[str, dict[str, Any]]) -> None:
    into.write_text(json.dumps(replays))
