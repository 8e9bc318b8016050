"""What time brings to members, whoever asks: an operation, a quote or the nightly run (R-55)."""

from datetime import datetime

from loyalty_service.ledger.rules.catch_up import catch_up
from loyalty_service.ledger.rules.entry import Kind
from loyalty_service.ledger.service import CLOCK_ACTOR, Books, told
from loyalty_service.members.rules import Member, Wanted


class Timekeeping:
    """Does what is overdue for a member before anything else is decided (``ledger.Passing``)."""

    def wants(self, _books: Books, _member: Member, _until: datetime) -> Wanted | None:
        """What of a member's sums has to be known to bring them to ``until``."""
        return None

    def bring(self, books: Books, member: Member, until: datetime) -> None:
        """Write down what has lapsed and expired up to ``until``, itself included.

        Rule: R-32, R-55.
        """
        entries = catch_up(
            books.accounts.get(member.member_id, {}).values(),
            until,
            recorded_at=member.recorded_at,
            actor_id=CLOCK_ACTOR,
            version_at=books.version_at(member),
        )
        for entry in entries:
            if entry.kind is Kind.EXPIRE:
                member.tell("points.expired", entry.cause.occurred_at, told(entry))

    def settle(self, _books: Books, _member: Member) -> None:
        """Let what was just decided for a member have its effect at once."""
