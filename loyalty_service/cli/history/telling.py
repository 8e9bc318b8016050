"""Tells the demo shop's history to the service, act by act, each on the day it happened."""

from collections.abc import Callable, Sequence
from functools import singledispatch
from hashlib import sha256

import orjson

from loyalty_service.checkout import service as checkout
from loyalty_service.checkout.queries import find_orders
from loyalty_service.checkout.rules.cart import Order
from loyalty_service.cli.history.life import Act, Cancelled, Fulfilled, SentBack, Undone
from loyalty_service.events import service as events
from loyalty_service.events.rules import MemberEvent
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database, Transaction
from loyalty_service.kit.errors import Refusal
from loyalty_service.kit.idempotency import Answer, Claim, answer_once
from loyalty_service.ledger import service as ledger
from loyalty_service.ledger.rules.adjusting import Adjustment, Reversal
from loyalty_service.ledger.service import Acting
from loyalty_service.members import service as members
from loyalty_service.members.queries import find_member_id
from loyalty_service.members.rules import Ref, parse_ref
from loyalty_service.members.service import Details
from loyalty_service.program.service import Programs
from loyalty_service.timekeeping.service import Timekeeping

STOREFRONT = ("storefront", "demo-shop")
OPERATOR = ("operator", "demo-operator")


def is_told(db: Database, acts: Sequence[Act]) -> bool:
    """Whether the history was told to its end: its last order is known."""
    last = next(act.deed.order_ref for act in reversed(acts) if isinstance(act.deed, Order))
    with db.reading() as tx:
        return bool(find_orders(tx, [last]))


def tell_history(
    db: Database, clock: SettableClock, acts: Sequence[Act], on_act: Callable[[], None]
) -> None:
    """Tell every act in a transaction of its own, with the clock at its instant.

    What was told before, up to where a start was killed, is not told twice: every act has a key.

    Args:
        db: a database that takes its time from ``clock``.
        on_act: called after each act.
    """
    programs = Programs()
    adjusted: dict[str, int] = {}
    for act in acts:
        clock.set(act.at)
        if isinstance(act.deed, Details):
            _enrol(db, parse_ref(act.member), act.deed)
        else:
            answer = _tell(db, programs, act, adjusted.get(act.member))
            if isinstance(act.deed, Adjustment):
                adjusted[act.member] = orjson.loads(answer.body)["entry"]
        on_act()


def _enrol(db: Database, ref: Ref, details: Details) -> None:
    def once(tx: Transaction) -> None:
        if find_member_id(tx, ref) is None:
            members.enrol(tx, ref, details)

    db.run(once)


def _tell(db: Database, programs: Programs, act: Act, adjusted: int | None) -> Answer:
    deed: object = act.deed
    if isinstance(deed, Undone):
        assert adjusted is not None
        deed = Reversal(deed.wallet, adjusted, deed.note)
    actor = OPERATOR if isinstance(deed, Adjustment | Reversal) else STOREFRONT
    ref = parse_ref(act.member)

    def work(tx: Transaction) -> bytes:
        return _do(deed, Acting(tx, programs, actor, Timekeeping()), ref).encode()

    claim = Claim(act.key, sha256(repr(act).encode()).digest())
    return answer_once(db, claim, work, _give_up)


def _give_up(refusal: Refusal) -> Answer:
    raise refusal


@singledispatch
def _do(deed: object, _acting: Acting, _ref: Ref) -> str:
    raise TypeError(deed)


@_do.register
def _(order: Order, acting: Acting, ref: Ref) -> str:
    return checkout.pay(acting, ref, order)


@_do.register
def _(deed: Fulfilled, acting: Acting, ref: Ref) -> str:
    return checkout.fulfil(acting, ref, deed.order_ref, occurred_at=None)


@_do.register
def _(deed: SentBack, acting: Acting, ref: Ref) -> str:
    return checkout.take_return(acting, ref, deed.order_ref, asked=deed.asked)


@_do.register
def _(deed: Cancelled, acting: Acting, ref: Ref) -> str:
    return checkout.cancel(acting, ref, deed.order_ref, occurred_at=None)


@_do.register
def _(told: MemberEvent, acting: Acting, ref: Ref) -> str:
    return events.record(acting, ref, told)


@_do.register
def _(asked: Adjustment, acting: Acting, ref: Ref) -> str:
    return ledger.adjust(acting, ref, asked)


@_do.register
def _(asked: Reversal, acting: Acting, ref: Ref) -> str:
    return ledger.reverse(acting, ref, asked)
