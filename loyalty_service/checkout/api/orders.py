"""Routes of orders: payment, fulfilment, returns, cancellation, the order's story."""

from loyalty_service.checkout import queries, service
from loyalty_service.checkout.api.reading import (
    AFTER_PAYMENT,
    CART,
    MOST_BYTES,
    ORDER,
    SPENDING,
    WRITERS,
    acting,
    blueprint,
    read_order,
    read_return,
)
from loyalty_service.checkout.queries import OrderUnknown, Reader
from loyalty_service.checkout.rules.cart import CartDoesNotAddUp, CurrencyForeign
from loyalty_service.checkout.rules.returns import LineUnknown, MoreThanLeft, NothingLeft
from loyalty_service.checkout.rules.steps import (
    AmountDiffers,
    BeforeTheOrder,
    CartMissing,
    OrderCancelled,
    OrderDiffers,
    OrderNotPaid,
    OrderOfAnother,
    ReservationLapsed,
    ReturnDiffers,
)
from loyalty_service.checkout.schemas import (
    FulfilledSchema,
    OrderSchema,
    PaymentSchema,
    ReceiptSchema,
    ReturnedSchema,
    ReturnSchema,
    WhenSchema,
)
from loyalty_service.earning.schemas import LANGUAGES, LanguageQuery
from loyalty_service.kit.db import Transaction
from loyalty_service.kit.http import Call, Reply, endpoint
from loyalty_service.kit.replies import reply_once
from loyalty_service.members.rules import InTheFuture, MemberUnknown, parse_ref
from loyalty_service.program.rules.versions import NoProgram


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
        BeforeTheOrder,
        *CART,
        CartDoesNotAddUp,
        CartMissing,
        AmountDiffers,
        ReservationLapsed,
        *SPENDING,
        NoProgram,
    ),
    keyed=True,
    max_body_bytes=MOST_BYTES,
    summary="Record a paid order",
    tags=("orders",),
)
def pay(call: Call, member_ref: str, order_ref: str) -> Reply:
    """The order is paid: what was reserved as it was promised, or a whole cart.

    Its points are spent, and the member earns by the program of the day it was placed. Sent again,
    with the same key or another, it gets the same receipt and has no second effect. That is for the
    same body: another one with the same `payment_ref`, be it by a field more, is `order_differs`.
    """
    ref, order = parse_ref(member_ref), read_order(order_ref, call.body)

    def work(tx: Transaction) -> bytes:
        return service.pay(acting(call, tx), ref, order).encode()

    return reply_once(call, work)


@endpoint(
    blueprint,
    "POST",
    f"{ORDER}/fulfilment",
    scopes=WRITERS,
    body=WhenSchema,
    answers={200: FulfilledSchema},
    refusals=(*AFTER_PAYMENT, OrderCancelled),
    keyed=True,
    summary="Record that the goods have arrived",
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
    summary="Cancel an order",
    tags=("orders",),
)
def cancel(call: Call, member_ref: str, order_ref: str) -> Reply:
    """Before the payment all is let go; after it, it is a return of all that is left."""
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
    refusals=(
        *AFTER_PAYMENT,
        OrderNotPaid,
        ReturnDiffers,
        LineUnknown,
        MoreThanLeft,
        CurrencyForeign,
    ),
    max_body_bytes=128_000,
    summary="Record a return",
    tags=("orders",),
)
def put_return(call: Call, member_ref: str, order_ref: str, return_ref: str) -> Reply:
    """Units of lines, or an amount of the money, came back.

    The points spent on them come back too, and what they earned is taken back.
    """
    ref, asked = parse_ref(member_ref), read_return(return_ref, call.body)

    def work(tx: Transaction) -> bytes:
        return service.take_return(acting(call, tx), ref, order_ref, asked=asked).encode()

    return reply_once(call, work)


@endpoint(
    blueprint,
    "GET",
    ORDER,
    scopes=("checkout", "members", "operator", "import", "self"),
    query=LanguageQuery,
    answers={200: OrderSchema},
    refusals=(OrderUnknown, MemberUnknown),
    summary="Read an order's story",
    tags=("orders",),
)
def read_order_of_member(call: Call, member_ref: str, order_ref: str) -> Reply:
    """The order, its lines and shares, what happened to it, also in words, and its entries."""
    with call.parts.db.reading() as tx:
        ref = parse_ref(member_ref)
        return Reply(queries.get_story(tx, order_ref, ref, _reader(call, tx)))


@endpoint(
    blueprint,
    "GET",
    "/v1/orders/{order_ref}",
    scopes=("checkout", "members", "operator", "import"),
    query=LanguageQuery,
    answers={200: OrderSchema},
    refusals=(OrderUnknown,),
    summary="Find an order",
    tags=("orders",),
)
def find_order(call: Call, order_ref: str) -> Reply:
    """Whose order it is, and its story, in fields and in words."""
    with call.parts.db.reading() as tx:
        return Reply(queries.get_story(tx, order_ref, None, _reader(call, tx)))


def _reader(call: Call, tx: Transaction) -> Reader:
    lang = call.query.get("lang") or call.prefers(LANGUAGES)
    return Reader(call.parts.programs, tx.now(), lang, to_member=call.caller.is_member)
