"""How a step of an order is remembered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from loyalty_service.checkout.queries import OrderRecord
from loyalty_service.checkout.rules.steps import Step
from loyalty_service.checkout.service.telling import as_json
from loyalty_service.checkout.service.work import Work
from loyalty_service.members.rules import Member

ONCE = ""
"""The reference of a step that an order takes only once."""


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A step as it is remembered.

    Args:
        ref: the shop's reference; ``ONCE`` for a step without one.
        fingerprint: digest of the request, to tell a repetition from another.
        receipt: what was answered, JSON-ready.
        money_minor: money given back, minor units.
        expired: wallet -> points that had expired and were counted as taken.
    """

    step: Step
    ref: str
    when: datetime
    fingerprint: bytes
    receipt: Mapping[str, Any]
    money_minor: int = 0
    expired: Mapping[str, int] = field(default_factory=dict)


def remember(work: Work, member: Member, order: OrderRecord, taken: StepTaken) -> str:
    """Add a step to its order; returns the receipt as it is stored."""
    receipt = as_json(taken.receipt)
    for wallet, points in taken.expired.items():
        order.expired_counted[wallet] = order.expired_counted.get(wallet, 0) + points
    work.add_step(
        member,
        order,
        (taken.step, taken.ref),
        (taken.when, taken.fingerprint, receipt),
        money_minor=taken.money_minor,
        expired=taken.expired,
    )
    work.writing.changed[order.order_ref] = order
    return receipt
