"""Points that were spent on an order come back with what is returned of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loyalty_service.checkout.queries import OrderRecord
from loyalty_service.checkout.rules.returns import OrderLine, points_back, slice_of_draws
from loyalty_service.checkout.service.work import Work
from loyalty_service.earning.service import lots_told
from loyalty_service.ledger.queries import read_given
from loyalty_service.ledger.rules.entry import Entry, Reason, Source
from loyalty_service.ledger.rules.spending import give_back_spent
from loyalty_service.ledger.service import told
from loyalty_service.members.rules import Member
from loyalty_service.program.rules.periods import expires_at
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.wallets import After


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What came back: its entry, and how many of the points were of lots that had ended."""

    entry: Entry
    expired: int

    def told(self) -> dict[str, Any]:
        """As answers and events tell it."""
        return {**told(self.entry), "lots": lots_told(self.entry), "expired": self.expired}


def give_back(
    work: Work,
    member: Member,
    order: OrderRecord,
    after: Sequence[OrderLine],
    instants: tuple[datetime, datetime],
) -> GivenBack | None:
    """Give back the points that were spent on what is returned, to the lots they came from.

    Args:
        after: the order's lines once the return is taken.
        instants: when the return occurred; at which instant it meets the member's lots.

    Returns:
        None where no points come back.

    Rule: R-40, R-42.
    """
    if order.spent is None:
        return None
    (when, at), program = instants, work.books.program(order.program_version)
    how = program.returns.give_back
    before, then = points_back(order.lines, how), points_back(after, how)
    if then == before:
        return None
    draws = slice_of_draws(order.spent["draws"], before, then)
    account = work.books.account(member, order.spent["wallet"])
    lots = read_given(work.books.tx, account, [lot_seq for lot_seq, _ in draws])
    cause = work.books.cause(
        member,
        Reason.ORDER_GIVEN_BACK,
        Source.ORDER,
        order.order_no,
        version=order.program_version,
        occurred_at=when,
    )
    back = [(lots[lot_seq], points) for lot_seq, points in draws]
    entry, expired = give_back_spent(account, cause, back, at, _grace_ends_at(program, at))
    return GivenBack(entry, expired)


def _grace_ends_at(program: Program, at: datetime) -> datetime | None:
    grace = program.returns.grace
    return None if grace is None else expires_at(After(grace), at, program)
