"""Many orders and returns of many members: the same kernel, each table read and written once."""

from collections.abc import Collection, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from loyalty_service.checkout import queries
from loyalty_service.checkout.queries import OrderRecord
from loyalty_service.checkout.rules.cart import Order
from loyalty_service.checkout.rules.steps import Return, State
from loyalty_service.checkout.service.limits import Day, days_met
from loyalty_service.checkout.service.owning import own_lots, own_order
from loyalty_service.checkout.service.paying import record_payment
from loyalty_service.checkout.service.returning import record_return
from loyalty_service.checkout.service.work import Work
from loyalty_service.earning.queries import wanted_by_caps
from loyalty_service.kit.errors import Refusal
from loyalty_service.ledger.queries import read_accounts
from loyalty_service.ledger.service import Acting, Books
from loyalty_service.members import service as members
from loyalty_service.members.queries import find_member_ids, member_unknown
from loyalty_service.members.rules import Member, Ref
from loyalty_service.tiers.service import gift_lots

MEMBERS_AT_ONCE = 200
"""Members in one transaction, so that no lock is held for long."""

ITEMS_AT_ONCE = 1_000
"""Items in one transaction, and in one call."""


@dataclass(frozen=True, slots=True)
class OrderItem:
    """A paid order in a batch."""

    ref: Ref
    order: Order

    @property
    def order_ref(self) -> str:
        """The order that the item is about."""
        return self.order.order_ref


@dataclass(frozen=True, slots=True)
class ReturnItem:
    """A return in a batch."""

    ref: Ref
    order_ref: str
    asked: Return


Item = OrderItem | ReturnItem
Outcome = str | Refusal
"""A receipt as JSON, or why the item changed nothing."""


def in_transactions(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Cut a batch into the parts that are one transaction each, in the order given.

    An order that spends points goes alone: whether it may is known only once the member is met. So
    does one that pays a reservation, which may hold some.
    """
    begin, refs = 0, set[Ref]()
    for i, item in enumerate(items):
        refs.add(item.ref)
        is_full = len(refs) > MEMBERS_AT_ONCE or i - begin >= ITEMS_AT_ONCE
        if i > begin and (is_full or _spends(item) or _spends(items[i - 1])):
            yield items[begin:i]
            begin, refs = i, {item.ref}
    if begin < len(items):
        yield items[begin:]


def _spends(item: Item) -> bool:
    return isinstance(item, OrderItem) and (item.order.cart is None or item.order.cart.points > 0)


def take_items(acting: Acting, items: Sequence[Item]) -> list[Outcome]:
    """Take orders and returns of up to ``MEMBERS_AT_ONCE`` members into the books, in order.

    An item is taken whole or, refused, changes nothing; the others go on. What was taken before
    is answered with the same receipt.

    Returns:
        an outcome for each item.

    Rule: R-35, R-40.
    """
    owners = _lock(acting, {item.ref for item in items})
    work = _read(acting, items, owners)
    outcomes = [_take_and_settle(work, owners, item) for item in items]
    work.write()
    return outcomes


def _lock(acting: Acting, refs: Collection[Ref]) -> dict[Ref, Member]:
    """Lock the members of these references; a reference may move until its member is locked."""
    found = find_member_ids(acting.tx, refs)
    while True:
        locked = members.lock_many(acting.tx, set(found.values()))
        again = find_member_ids(acting.tx, refs)
        if set(again.values()) <= locked.keys():
            return {ref: locked[member_id] for ref, member_id in again.items()}
        found = again


def _read(acting: Acting, items: Sequence[Item], owners: dict[Ref, Member]) -> Work:
    tx = acting.tx
    books = acting.books(*owners.values())
    orders = queries.find_orders(tx, {item.order_ref for item in items})
    followed = [
        orders[item.order_ref]
        for item in items
        if item.order_ref in orders and _is_followed(item, orders[item.order_ref])
    ]
    unique = list({order.order_ref: order for order in followed}.values())
    queries.read_steps(tx, unique)
    books.accounts = read_accounts(tx, list(books.members.values()))
    gifts = [lot for member in owners.values() for lot in gift_lots(member)]
    books.read_expired([*own_lots(unique), *gifts])
    _read_totals(books, items, owners, orders)
    return Work(books, orders)


def _is_followed(item: Item, order: OrderRecord) -> bool:
    """Whether the item goes on with what is stored, rather than repeat it."""
    return isinstance(item, ReturnItem) or item.order.payment_ref != order.payment_ref


def _read_totals(
    books: Books,
    items: Sequence[Item],
    owners: dict[Ref, Member],
    orders: dict[str, OrderRecord],
) -> None:
    wanted: dict[tuple[int, date], Day] = {}
    for item in items:
        if isinstance(item, OrderItem) and item.ref in owners:
            when, known = item.order.occurred_at or books.now, orders.get(item.order_ref)
            wanted |= days_met(books, owners[item.ref], when, known)
    books.read_totals(wanted_by_caps(wanted.values()), books.now)


def _take_and_settle(work: Work, owners: dict[Ref, Member], item: Item) -> Outcome:
    outcome = _take(work, owners, item)
    if isinstance(outcome, str):
        # The next item meets the tier that this one led to.
        work.books.passing.settle(work.books, owners[item.ref])
    return outcome


def _take(work: Work, owners: dict[Ref, Member], item: Item) -> Outcome:
    member = owners.get(item.ref)
    if member is None:
        return member_unknown(item.ref)
    before = _Before(work, member, item) if _may_be_refused_late(work, member, item) else None
    try:
        if isinstance(item, OrderItem):
            return record_payment(work, member, item.order)
        order: OrderRecord = own_order(work.orders, member, item.order_ref)
        return record_return(work, member, order, item.asked)
    except Refusal as refusal:
        if before is not None:
            before.restore(work, member)
        return refusal


def _may_be_refused_late(work: Work, member: Member, item: Item) -> bool:
    """Whether the member must be met, and time's work be done, before the item can be judged."""
    if not isinstance(item, OrderItem):
        return False
    known = work.orders.get(item.order_ref)
    if known is not None:
        return known.state in (State.RESERVED, State.CANCELLED)
    return work.books.is_overdue(member, item.order.occurred_at or work.books.now)


class _Before:
    """A member, their accounts and the order of an item as they stood, to go back to."""

    def __init__(self, work: Work, member: Member, item: Item) -> None:
        self._member = deepcopy(member)
        self._accounts = deepcopy(work.books.accounts.get(member.member_id, {}))
        totals = work.books.totals
        self._totals = [
            dict(one.get(member.member_id, {})) for one in (totals.amounts, totals.added)
        ]
        self._order = deepcopy(work.orders.get(item.order_ref))
        self._is_touched = member.member_id in work.touched
        self._is_changed = item.order_ref in work.writing.changed

    def restore(self, work: Work, member: Member) -> None:
        """Let it stand so again: a refused item changes nothing."""
        _set_back(member, self._member)
        work.books.accounts[member.member_id] = self._accounts
        totals = work.books.totals
        totals.amounts[member.member_id], totals.added[member.member_id] = self._totals
        totals.settle(member.member_id)
        if not self._is_touched:
            work.touched.pop(member.member_id, None)
        if self._order is not None:
            _set_back(work.orders[self._order.order_ref], self._order)
            if not self._is_changed:
                work.writing.changed.pop(self._order.order_ref, None)


def _set_back(one: Any, before: Any) -> None:
    for field in fields(before):
        setattr(one, field.name, getattr(before, field.name))
