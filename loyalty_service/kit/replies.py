"""Replies to calls that write: one effect and one answer for each Idempotency-Key."""

from collections.abc import Callable, Sequence
from typing import Any

from loyalty_service.kit.db import Transaction
from loyalty_service.kit.errors import Refusal
from loyalty_service.kit.http import Call, Reply, as_bytes
from loyalty_service.kit.idempotency import NO_MEMBER, Answer, Claim, answer_in_parts, answer_once
from loyalty_service.kit.problems import problem_of


def _own_claim(call: Call) -> Claim:
    """The claim of work that belongs to no member: two callers may choose the same key."""
    return Claim(f"{call.caller.kind} {call.caller.name}\n{call.key}", call.fingerprint)


def reply_once(
    call: Call,
    work: Callable[[Transaction], dict[str, Any] | bytes],
    *,
    is_general: bool = False,
) -> Reply:
    """Do ``work`` in a transaction and reply 200 with its object, once per Idempotency-Key.

    Args:
        is_general: the work belongs to no member, so that the key is the caller's alone.
    """

    def render(refusal: Refusal) -> Answer:
        problem = problem_of(refusal, call.path)
        return Answer(problem.status, problem.as_bytes())

    claim = None if call.key is None else _own_claim(call) if is_general else call.claim
    answer = answer_once(call.parts.db, claim, lambda tx: as_bytes(work(tx)), render)
    return Reply(answer.body, answer.status)


def reply_in_parts(
    call: Call,
    parts: Sequence[Callable[[Transaction], Any]],
    whole: Callable[[list[Any]], dict[str, Any]],
) -> Reply:
    """Do work of no one member, a transaction for each part; once per Idempotency-Key."""
    answer = answer_in_parts(
        call.parts.db, NO_MEMBER, _own_claim(call), parts, lambda done: as_bytes(whole(done))
    )
    return Reply(answer.body, answer.status)
