"""A payment of an order that is known already: a repetition, a promise kept, or another order."""

from datetime import datetime

from loyalty_service.checkout.queries import OrderRecord
from loyalty_service.checkout.rules.cart import Order
from loyalty_service.checkout.rules.steps import OrderDiffers, Step
from loyalty_service.kit.instants import instant_text


def is_promised(known: OrderRecord, order: Order, at: datetime) -> bool:
    """Whether what is paid is what stands reserved at an instant (R-33)."""
    return is_same(known, order) and known.is_reserved(at)


def is_same(known: OrderRecord, order: Order) -> bool:
    """Whether what is paid is the cart that was reserved, whether or not that still stands."""
    return order.cart is None or order.cart.fingerprint() == known.cart


def answered(known: OrderRecord, payment_ref: str) -> tuple[bytes, str] | None:
    """What the same payment was answered with, in this chapter of the order or an earlier one."""
    if known.payment_ref == payment_ref:
        return known.fingerprint, known.receipt
    return known.steps.get((Step.PAYMENT, payment_ref))


def repeat(known: OrderRecord, order: Order, fingerprint: bytes, receipt: str) -> str:
    """The receipt of the same payment.

    Raises:
        OrderDiffers: it is not the same body after all.
    """
    is_current = known.payment_ref == order.payment_ref
    moved = is_current and order.occurred_at not in (None, known.paid_at)
    if moved or fingerprint != order.fingerprint():
        raise _differs(
            known,
            order,
            "This payment was already answered for another body; a repetition sends the same "
            "fields with the same values.",
        )
    return receipt


def paid_otherwise(known: OrderRecord, order: Order) -> OrderDiffers:
    """The refusal of an order that another payment has paid."""
    return _differs(
        known,
        order,
        "This order is paid already, by another payment; another order needs a reference of its "
        "own.",
    )


def _differs(known: OrderRecord, order: Order, detail: str) -> OrderDiffers:
    """The refusal of an order that is known with other content."""
    return OrderDiffers(
        detail,
        asked=order.order_ref,
        placed_at=instant_text(known.placed_at),
    )
