"""Whose an order is, and which lots are its own."""

from collections.abc import Collection, Mapping

from loyalty_service.checkout.queries import OrderRecord, OrderUnknown
from loyalty_service.checkout.rules.steps import OrderOfAnother
from loyalty_service.members.rules import Member


def own_order(orders: Mapping[str, OrderRecord], member: Member, order_ref: str) -> OrderRecord:
    """The member's order of that reference.

    Raises:
        OrderUnknown: nobody's order.
        OrderOfAnother: another member's.
    """
    order = orders.get(order_ref)
    if order is None:
        raise OrderUnknown("No such order is known.", path="order_ref", asked=order_ref)
    require_own(order, member)
    return order


def require_own(order: OrderRecord, member: Member) -> None:
    """Refuse an order of another member.

    Raises:
        OrderOfAnother: as said.
    """
    if order.member_id != member.member_id:
        raise OrderOfAnother(
            "This order reference belongs to another member.",
            path="order_ref",
            asked=order.order_ref,
        )


def own_lots(orders: Collection[OrderRecord]) -> list[tuple[int, str, int]]:
    """The lots that these orders opened: (member, wallet, lot)."""
    return [
        (order.member_id, wallet, lot)
        for order in orders
        for wallet in order.entries
        for lot in order.lots_of(wallet)
    ]
