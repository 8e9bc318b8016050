"""The route of batches: many orders and returns of many members."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson

from loyalty_service.checkout import service
from loyalty_service.checkout.api.reading import (
    WRITERS,
    acting,
    blueprint,
    read_order,
    read_return,
)
from loyalty_service.checkout.schemas import BatchSchema, OutcomesSchema
from loyalty_service.kit.db import Transaction
from loyalty_service.kit.errors import Refusal
from loyalty_service.kit.http import Call, Reply, endpoint
from loyalty_service.kit.problems import problem_of
from loyalty_service.kit.replies import reply_in_parts
from loyalty_service.members.rules import PersonalRefsOff, RefMalformed, hashed, parse_ref
from loyalty_service.members.service import read_secret


@endpoint(
    blueprint,
    "POST",
    "/v1/orders/batch",
    scopes=WRITERS,
    body=BatchSchema,
    answers={200: OutcomesSchema},
    refusals=(PersonalRefsOff, RefMalformed),
    keyed=True,
    max_body_bytes=16_000_000,
    summary="Record many orders and returns",
    tags=("orders",),
)
def take_batch(call: Call) -> Reply:
    """Orders made elsewhere and returns, of any members, up to 200 members a transaction.

    An item is taken whole or refused; a batch is not. Safe to send again, also when the answer
    was lost half way: what was taken before gets the same receipt.
    """
    secret = read_secret(call.parts.config.ref_secret_file)
    items = [_item(i, item, secret) for i, item in enumerate(call.body["items"])]
    parts = [partial(_take_part, call, part) for part in service.in_transactions(items)]
    return reply_in_parts(call, parts, _outcomes)


def _take_part(call: Call, items: Sequence[service.Item], tx: Transaction) -> list[dict[str, Any]]:
    outcomes = service.take_items(acting(call, tx), items)
    return [_outcome(call, *pair) for pair in zip(items, outcomes, strict=True)]


def _outcomes(parts: Sequence[list[dict[str, Any]]]) -> dict[str, Any]:
    told = [outcome for part in parts for outcome in part]
    no = sum("problem" in outcome for outcome in told)
    return {"taken": len(told) - no, "refused": no, "outcomes": told}


def _item(i: int, item: dict[str, Any], secret: bytes | None) -> service.Item:
    ref = hashed(parse_ref(item["member_ref"]), secret, f"items[{i}].member_ref")
    if "order" in item:
        return service.OrderItem(ref, read_order(item["order_ref"], item["order"]))
    asked = read_return(item["return_"]["return_ref"], item["return_"])
    return service.ReturnItem(ref, item["order_ref"], asked)


def _outcome(call: Call, item: service.Item, outcome: service.Outcome) -> dict[str, Any]:
    if isinstance(outcome, Refusal):
        no = problem_of(outcome, call.path)
        fragment = orjson.Fragment(no.as_bytes())
        return {"order_ref": item.order_ref, "status": no.status, "problem": fragment}
    return {"order_ref": item.order_ref, "status": 200, "receipt": orjson.Fragment(outcome)}
