"""Routes of orders: payment, fulfilment, returns, cancellation, batches, the order's story."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson
from flask import Blueprint

from loyalty_service.checkout import queries, service
from loyalty_service.checkout.queries import OrderUnknown
from loyalty_service.checkout.rules.cart import (
    CartDoesNotAddUp,
    CartLine,
    CartTooDear,
    CurrencyForeign,
    DiscountTooHigh,
    Order,
)
from loyalty_service.checkout.rules.returns import LineUnknown, MoreThanLeft, NothingLeft
from loyalty_service.checkout.rules.steps import (
    BeforeTheOrder,
    OrderCancelled,
    OrderDiffers,
    OrderOfAnother,
    Return,
    ReturnDiffers,
)
from loyalty_service.checkout.schemas import (
    BatchSchema,
    FulfilledSchema,
    OrderSchema,
    OutcomesSchema,
    PaymentSchema,
    ReceiptSchema,
    ReturnedSchema,
    ReturnSchema,
    WhenSchema,
)
from loyalty_service.earning.rules.facts import LineKind
from loyalty_service.kit.db import Transaction
from loyalty_service.kit.errors import Refusal
from loyalty_service.kit.http import Call, Reply, endpoint, reply_in_parts, reply_once
from loyalty_service.kit.problems import problem_of
from loyalty_service.ledger.service import Acting
from loyalty_service.members.rules import (
    InTheFuture,
    MemberUnknown,
    PersonalRefsOff,
    RefMalformed,
    hashed,
    parse_ref,
)
from loyalty_service.members.service import read_secret
from loyalty_service.program.rules.versions import NoProgram

blueprint = Blueprint("checkout", __name__)

ORDER = "/v1/members/{member_ref}/orders/{order_ref}"
WRITERS = ("checkout", "import")
AFTER_PAYMENT = (MemberUnknown, OrderUnknown, OrderOfAnother, BeforeTheOrder, InTheFuture)


@endpoint(
    blueprint,
    "POST",
    f"{ORDER}/payment",
    scopes=WRITERS,
    body=PaymentSchema,
    answers={200: ReceiptSchema},
    refusals=(
        MemberUnknown,
        OrderOfAnother,
        OrderDiffers,
        InTheFuture,
        CurrencyForeign,
        DiscountTooHigh,
        CartDoesNotAddUp,
        CartTooDear,
        NoProgram,
    ),
    keyed=True,
    max_body_bytes=512_000,
    summary="Record a paid order",
    tags=("orders",),
)
def pay(call: Call, member_ref: str, order_ref: str) -> Reply:
    """Take a paid order whole; the member earns by the program of that day.

    Sent again, with the same key or another, it gets the same receipt and has no second effect.
    """
    ref, order = parse_ref(member_ref), read_order(order_ref, call.body)

    def work(tx: Transaction) -> bytes:
        return service.pay(acting(call, tx), ref, order).encode()

    return reply_once(call, work)


def acting(call: Call, tx: Transaction) -> Acting:
    """Who calls, in this transaction."""
    return Acting(tx, call.parts.programs, (call.caller.kind, call.caller.name))


def read_order(order_ref: str, body: dict[str, Any]) -> Order:
    """An order as its schema loads it."""
    lines, paid, discount = body["lines"], body.get("paid"), body.get("discount")
    return Order(
        order_ref=order_ref,
        payment_ref=body["payment_ref"],
        currency=lines[0]["amount"].currency,
        channel=body.get("channel"),
        lines=tuple(_line(line) for line in lines),
        discount_minor=0 if discount is None else discount.amount,
        paid_minor=None if paid is None else paid.amount,
        occurred_at=body.get("occurred_at"),
        is_fulfilled=body.get("fulfilled", True),
    )


def _line(line: dict[str, Any]) -> CartLine:
    discount = line.get("discount")
    return CartLine(
        LineKind(line.get("kind", LineKind.GOODS)),
        line["sku"],
        line.get("category"),
        line.get("brand"),
        line["quantity"],
        line["amount"].amount,
        0 if discount is None else discount.amount,
    )


@endpoint(
    blueprint,
    "POST",
    f"{ORDER}/fulfilment",
    scopes=WRITERS,
    body=WhenSchema,
    answers={200: FulfilledSchema},
    refusals=(*AFTER_PAYMENT, OrderCancelled),
    keyed=True,
    summary="Record that an order went out",
    tags=("orders",),
)
def fulfil(call: Call, member_ref: str, order_ref: str) -> Reply:
    """Points that wait for fulfilment come alive, or begin to wait their days."""
    ref, when = parse_ref(member_ref), call.body.get("occurred_at")

    def work(tx: Transaction) -> bytes:
        return service.fulfil(acting(call, tx), ref, order_ref, occurred_at=when).encode()

    return reply_once(call, work)


@endpoint(
    blueprint,
    "POST",
    f"{ORDER}/cancellation",
    scopes=WRITERS,
    body=WhenSchema,
    answers={200: ReturnedSchema},
    refusals=(*AFTER_PAYMENT, NothingLeft),
    keyed=True,
    summary="Cancel a paid order",
    tags=("orders",),
)
def cancel(call: Call, member_ref: str, order_ref: str) -> Reply:
    """A return of all that is left."""
    ref, when = parse_ref(member_ref), call.body.get("occurred_at")

    def work(tx: Transaction) -> bytes:
        return service.cancel(acting(call, tx), ref, order_ref, occurred_at=when).encode()

    return reply_once(call, work)


@endpoint(
    blueprint,
    "PUT",
    f"{ORDER}/returns/{{return_ref}}",
    scopes=WRITERS,
    body=ReturnSchema,
    answers={200: ReturnedSchema},
    refusals=(*AFTER_PAYMENT, ReturnDiffers, LineUnknown, MoreThanLeft, CurrencyForeign),
    max_body_bytes=128_000,
    summary="Record a return",
    tags=("orders",),
)
def put_return(call: Call, member_ref: str, order_ref: str, return_ref: str) -> Reply:
    """Units of lines, or an amount of the money, came back; what they earned is taken back."""
    ref, asked = parse_ref(member_ref), read_return(return_ref, call.body)

    def work(tx: Transaction) -> bytes:
        return service.take_return(acting(call, tx), ref, order_ref, asked=asked).encode()

    return reply_once(call, work)


def read_return(return_ref: str, body: dict[str, Any]) -> Return:
    """A return as its schema loads it."""
    amount = body.get("amount")
    return Return(
        return_ref,
        tuple((line["line"], line["units"]) for line in body.get("lines", ())),
        None if amount is None else amount.amount,
        None if amount is None else amount.currency,
        body.get("occurred_at"),
    )


@endpoint(
    blueprint,
    "GET",
    ORDER,
    scopes=("checkout", "members", "operator", "import", "self"),
    answers={200: OrderSchema},
    refusals=(OrderUnknown, MemberUnknown),
    summary="Read an order's story",
    tags=("orders",),
)
def read_order_of_member(call: Call, member_ref: str, order_ref: str) -> Reply:
    """The order, its lines and shares, what happened to it, and every entry it made."""
    with call.parts.db.reading() as tx:
        return Reply(queries.get_story(tx, order_ref, parse_ref(member_ref)))


@endpoint(
    blueprint,
    "GET",
    "/v1/orders/{order_ref}",
    scopes=("checkout", "members", "operator", "import"),
    answers={200: OrderSchema},
    refusals=(OrderUnknown,),
    summary="Find an order",
    tags=("orders",),
)
def find_order(call: Call, order_ref: str) -> Reply:
    """Whose order it is, and its story."""
    with call.parts.db.reading() as tx:
        return Reply(queries.get_story(tx, order_ref, None))


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
    items = [_item(item, secret) for item in call.body["items"]]
    parts = [partial(_take_part, call, part) for part in service.in_transactions(items)]
    return reply_in_parts(call, parts, _outcomes)


def _take_part(call: Call, items: Sequence[service.Item], tx: Transaction) -> list[dict[str, Any]]:
    outcomes = service.take_items(acting(call, tx), items)
    return [_outcome(call, *pair) for pair in zip(items, outcomes, strict=True)]


def _outcomes(parts: Sequence[list[dict[str, Any]]]) -> dict[str, Any]:
    told = [outcome for part in parts for outcome in part]
    no = sum("problem" in outcome for outcome in told)
    return {"taken": len(told) - no, "refused": no, "outcomes": told}


def _item(item: dict[str, Any], secret: bytes | None) -> service.Item:
    ref = hashed(parse_ref(item["member_ref"]), secret)
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
