"""What an order earned is taken back with what is returned of it."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from loyalty_service.checkout.queries import OrderRecord
from loyalty_service.checkout.service.work import Work
from loyalty_service.ledger.rules.entry import Entry, Reason, Source
from loyalty_service.ledger.rules.movements import Taken, take_back
from loyalty_service.members.rules import Member
from loyalty_service.program.rules.program import Overdrawn


@dataclass(frozen=True, slots=True)
class TakenFrom:
    """What a return took back in one wallet: the points due, where they came from, the entry."""

    wallet: str
    points: int
    taken: Taken
    entry: Entry | None

    def told(self) -> dict[str, Any]:
        """As answers and events tell it; ``entry`` is None when nothing was left to write."""
        return {
            "wallet": self.wallet,
            "points": self.points,
            "from": asdict(self.taken),
            "entry": self.entry.seq if self.entry else None,
            "balance_after": self.entry.balance_after if self.entry else None,
        }


def take_back_in(
    work: Work,
    member: Member,
    order: OrderRecord,
    due: tuple[str, int],
    instants: tuple[datetime, datetime],
    *,
    reason: Reason,
) -> TakenFrom:
    """Take points back in one wallet: from the order's own lots first, then from others.

    Args:
        due: the wallet, and whole points to be taken.
        instants: when the return occurred; at which instant it meets the member's lots.

    Rule: R-41.
    """
    (wallet, points), (when, at) = due, instants
    program = work.books.program(order.program_version)
    own_lots = order.lots_of(wallet)
    account = work.books.account(member, wallet)
    ended = work.books.expired_of(account, own_lots)
    cause = work.books.cause(
        member,
        reason,
        Source.ORDER,
        order.order_no,
        version=order.program_version,
        occurred_at=when,
    )
    taken, entry = take_back(
        account,
        cause,
        points,
        at,
        own_lots=own_lots,
        expired=ended - order.expired_counted.get(wallet, 0),
        may_overdraw=program.returns.overdrawn is Overdrawn.NEGATIVE,
    )
    return TakenFrom(wallet, points, taken, entry)
