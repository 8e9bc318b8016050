"""Which days' limits orders meet."""

from datetime import date, datetime

from loyalty_service.checkout.queries import OrderRecord
from loyalty_service.ledger.service import Books
from loyalty_service.members.rules import Member
from loyalty_service.program.rules.earning import ORDER
from loyalty_service.program.rules.periods import local_date
from loyalty_service.program.rules.program import Program

Day = tuple[Program, str, date]
"""As ``wanted_by_caps`` takes it."""


def days_met(
    books: Books, member: Member, when: datetime, known: OrderRecord | None = None
) -> dict[tuple[int, date], Day]:
    """The local day an order is judged on, and the one it was promised on; by program version.

    Args:
        when: the instant it is judged by.
        known: the order, where it may be paid as it was reserved.

    Rule: R-06, R-23.
    """
    judged = [(*books.program_at(member, when), when)]
    if known is not None:
        version = known.program_version
        judged.append((version, books.program(version), known.placed_at))
    return {
        (version, day): (program, ORDER, day)
        for version, program, at in judged
        for day in [local_date(at, program.zone)]
    }
