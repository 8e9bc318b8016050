"""Routes before an order is paid: quote, reservation, release."""

from loyalty_service.checkout import service
from loyalty_service.checkout.api.reading import (
    CART,
    MOST_BYTES,
    ORDER,
    SPENDING,
    acting,
    blueprint,
    read_cart,
)
from loyalty_service.checkout.queries import OrderUnknown
from loyalty_service.checkout.rules.steps import (
    InThePast,
    OrderCancelled,
    OrderOfAnother,
    OrderPaid,
    TooFarAhead,
)
from loyalty_service.checkout.schemas import (
    CartSchema,
    QuoteRequestSchema,
    QuoteSchema,
    ReleasedSchema,
    ReservedSchema,
)
from loyalty_service.kit.db import Transaction
from loyalty_service.kit.http import Call, Reply, endpoint
from loyalty_service.kit.replies import reply_once
from loyalty_service.ledger.rules.lots import PointsBeyondCount
from loyalty_service.members.rules import MemberUnknown, parse_ref
from loyalty_service.program.rules.versions import NoProgram


@endpoint(
    blueprint,
    "POST",
    "/v1/members/{member_ref}/quotes",
    scopes=("checkout", "self"),
    body=QuoteRequestSchema,
    answers={200: QuoteSchema},
    refusals=(
        MemberUnknown,
        OrderOfAnother,
        InThePast,
        TooFarAhead,
        *CART,
        PointsBeyondCount,
        NoProgram,
    ),
    max_body_bytes=MOST_BYTES,
    summary="Quote a cart",
    tags=("checkout",),
)
def quote(call: Call, member_ref: str) -> Reply:
    """What the cart would cost, how many of the points asked for may pay, what it would earn.

    It writes nothing and holds nothing, so it takes no Idempotency-Key.
    """
    cart, body = read_cart(call.body), call.body
    with call.parts.db.reading() as tx:
        told = service.quote(
            acting(call, tx),
            parse_ref(member_ref),
            cart,
            at=body.get("at"),
            order_ref=body.get("order_ref"),
            to_member=call.caller.is_member,
        )
    return Reply(told)


@endpoint(
    blueprint,
    "PUT",
    f"{ORDER}/reservation",
    scopes=("checkout",),
    body=CartSchema,
    answers={200: ReservedSchema},
    refusals=(MemberUnknown, OrderOfAnother, OrderPaid, *CART, *SPENDING, NoProgram),
    max_body_bytes=MOST_BYTES,
    summary="Reserve an order",
    tags=("checkout",),
)
def reserve(call: Call, member_ref: str, order_ref: str) -> Reply:
    """Keep the price and hold the points while the customer pays.

    The same cart again keeps them longer; another cart replaces what was reserved.
    """
    ref, cart = parse_ref(member_ref), read_cart(call.body)

    def work(tx: Transaction) -> bytes:
        return service.reserve(acting(call, tx), ref, order_ref, cart).encode()

    return reply_once(call, work)


@endpoint(
    blueprint,
    "POST",
    f"{ORDER}/reservation/release",
    scopes=("checkout",),
    answers={200: ReleasedSchema},
    refusals=(MemberUnknown, OrderUnknown, OrderOfAnother, OrderPaid, OrderCancelled),
    keyed=True,
    summary="Release a reservation",
    tags=("checkout",),
)
def release(call: Call, member_ref: str, order_ref: str) -> Reply:
    """Let the reservation go before its time: the charge failed, or the customer left."""
    ref = parse_ref(member_ref)

    def work(tx: Transaction) -> bytes:
        return service.release(acting(call, tx), ref, order_ref).encode()

    return reply_once(call, work)
