"""One effect per key: a repeated call gets the first one's answer, byte for byte.

The key belongs to an owner, whose row lock makes a copy wait for the first call. The answer is
stored in the transaction that did the work; a refusal, whose transaction is rolled back, is
stored in one of its own.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import orjson

from loyalty_service.kit.db import Busy, Database, Row, Transaction
from loyalty_service.kit.errors import Conflict, Invalid, Malformed, Refusal
from loyalty_service.kit.frozen import frozen


class KeyReused(Invalid):
    """The Idempotency-Key was used before with another request (422)."""

    code = "idempotency_key_reused"


class IdempotencyKeyMissing(Malformed):
    """Every POST carries an Idempotency-Key of its own."""

    code = "idempotency_key_missing"


class IdempotencyKeyMalformed(Malformed):
    """The Idempotency-Key is not 1 to 255 visible ASCII characters."""

    code = "idempotency_key_malformed"


@frozen
class Answer:
    """What was, or is to be, sent back."""

    status: int
    body: bytes


class AlreadyAnswered(Exception):
    """The key has its answer; the transaction is rolled back and the answer is repeated."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("already answered")
        self.answer = answer


@dataclass(slots=True)
class Claim:
    """A caller's key for one request.

    Args:
        key: the Idempotency-Key header.
        fingerprint: digest of the request, to tell a repetition from a reuse.
        owner_id: who the key belongs to, known once the owner is locked.
    """

    key: str
    fingerprint: bytes
    owner_id: int | None = None

    def check(self, found: Row | None) -> None:
        """Compare with what is stored under the key: (fingerprint, status, answer).

        Work in parts that began with this request and has no answer yet may go on.

        Raises:
            AlreadyAnswered: the same request was answered before.
            KeyReused: another request was.
        """
        if found is None or found[0] is None:
            return
        fingerprint, status, body = found
        if bytes(fingerprint) != self.fingerprint:
            raise KeyReused("This Idempotency-Key was used for another request; take a new one.")
        if status != BEGUN:
            raise AlreadyAnswered(Answer(status, bytes(body)))


NO_MEMBER = 0
"""The owner of keys of calls that belong to no member."""

BEGUN = 0
"""The status of a key whose work, in many transactions, has no answer yet."""

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_FIND = "SELECT fingerprint, status, answer FROM idempotency WHERE member_id = %s AND key = %s"
_STORE = "INSERT INTO idempotency (member_id, key, fingerprint, status, answer, created_at)"
_STORE_FIRST = _STORE + " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
# The clock is not read before the work has locked what it needs: the row gets its time with it.
_BEGIN = _STORE + " VALUES (%s, %s, %s, %s, '[]', 'epoch') ON CONFLICT DO NOTHING"
_FIND_LOCKED = _FIND + " FOR UPDATE"
_GO_ON = """
UPDATE idempotency SET status = %s, answer = %s, created_at = %s WHERE member_id = %s AND key = %s
"""

# Rows that a call is working on are left for the next time.
_FORGET = """
WITH old AS (
    SELECT member_id, key FROM idempotency
     WHERE member_id > %s AND member_id <= %s AND created_at < %s
     LIMIT %s FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM idempotency i USING old
     WHERE i.member_id = old.member_id AND i.key = old.key
       AND i.member_id > %s AND i.member_id <= %s
    RETURNING 1
)
SELECT count(*) FROM gone
"""


def read_key(header: str | None) -> str:
    """The key that a caller sent.

    Raises:
        IdempotencyKeyMissing, IdempotencyKeyMalformed: as said.
    """
    if not header:
        raise IdempotencyKeyMissing("Send an Idempotency-Key header, a new one for each new call.")
    if not _KEY.fullmatch(header):
        raise IdempotencyKeyMalformed("Idempotency-Key takes 1 to 255 visible ASCII characters.")
    return header


def answer_once(
    db: Database,
    claim: Claim | None,
    work: Callable[[Transaction], bytes],
    render: Callable[[Refusal], Answer],
) -> Answer:
    """Do ``work`` in a transaction and answer 200 with its bytes, once per key.

    ``work`` locks the owner of the key through ``Transaction.claim``. Without a claim (PUT, which
    repeats by its address) nothing is stored.

    Raises:
        Refusal: what ``work`` refused; stored first where a repetition must be told the same.
    """

    def once(tx: Transaction) -> Answer:
        tx.claim = claim
        answer = Answer(200, work(tx))
        if claim is not None:
            _store(tx, claim, answer)
        return answer

    try:
        return db.run(once)
    except AlreadyAnswered as repeated:
        return repeated.answer
    except (Conflict, Invalid) as refusal:
        if claim is None or not _is_stored(refusal) or claim.owner_id is None:
            raise
        return _store_refusal(db, claim, render(refusal))


def find_answer(tx: Transaction, owner_id: int, claim: Claim) -> None:
    """Look the key up by itself, for work that locks no row of its owner.

    Raises:
        AlreadyAnswered, KeyReused: as ``Claim.check``.
    """
    claim.owner_id = owner_id
    rows = tx.fetch(_FIND, (owner_id, claim.key))
    claim.check(rows[0] if rows else None)


def answer_in_parts(
    db: Database,
    owner_id: int,
    claim: Claim,
    parts: Sequence[Callable[[Transaction], Any]],
    whole: Callable[[list[Any]], bytes],
) -> Answer:
    """Do work that is many transactions, each part once, and answer 200, once per key.

    What a part came to is stored with the part's own work, under the lock of the key's row: a
    copy waits for the part that is being done, and who begins again goes on with the next one.

    Args:
        parts: one transaction each, at least one; what a part returns is JSON-ready.
        whole: the body, from what each part came to.

    Raises:
        KeyReused: the key was used for another request.
        Refusal: what a part refused; the same request may go on with the key later.
    """
    claim.owner_id = owner_id

    def do(number: int, tx: Transaction) -> Answer | None:
        begun = [(_BEGIN, (owner_id, claim.key, claim.fingerprint, BEGUN))]
        stored = tx.fetch_after(begun, _FIND_LOCKED, (owner_id, claim.key))[0]
        claim.check(stored)
        done = orjson.loads(stored[2])
        if number < len(done):
            return None
        done.append(parts[number](tx))
        is_last = len(done) == len(parts)
        answer = Answer(200, whole(done)) if is_last else Answer(BEGUN, orjson.dumps(done))
        tx.add(_GO_ON, (answer.status, answer.body, tx.now(), owner_id, claim.key))
        return answer

    try:
        answers = [db.run(partial(do, number)) for number in range(len(parts))]
    except AlreadyAnswered as repeated:
        return repeated.answer
    assert answers[-1] is not None
    return answers[-1]


def forget(tx: Transaction, owners: tuple[int, int], before: datetime, most: int) -> int:
    """Delete answers that were given before an instant; a key of theirs is new again.

    Args:
        owners: after the first number, up to the second, itself included.
        most: rows in this transaction.

    Returns:
        how many were deleted; ``most`` says that there may be more.
    """
    args = (*owners, before, most, *owners)
    return int(tx.fetch(_FORGET, args)[0][0])


def _is_stored(refusal: Refusal) -> bool:
    return not isinstance(refusal, Malformed | Busy | KeyReused)


def _store(tx: Transaction, claim: Claim, answer: Answer) -> None:
    tx.add_rows(_STORE, [_row(tx, claim, answer)])


def _store_refusal(db: Database, claim: Claim, answer: Answer) -> Answer:
    """Store a refusal unless a copy was quicker, and answer with what is stored."""
    with db.transaction() as tx:
        first = [(_STORE_FIRST, _row(tx, claim, answer))]
        stored = tx.fetch_after(first, _FIND, (claim.owner_id, claim.key))[0]
    try:
        claim.check(stored)
    except AlreadyAnswered as repeated:
        return repeated.answer
    return answer


def _row(tx: Transaction, claim: Claim, answer: Answer) -> Row:
    return (claim.owner_id, claim.key, claim.fingerprint, answer.status, answer.body, tx.now())
