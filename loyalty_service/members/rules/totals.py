"""What members have done, as sums by metric and local day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from loyalty_service.program.rules.periods import ONE_DAY

Total = tuple[str, date]
"""A metric on a local day."""

SPEND = "spend"
ORDERS = "orders"


def earned_metric(wallet: str) -> str:
    """The name under which points earned in a wallet are summed, by the day they come alive."""
    return f"earned:{wallet}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an operation has to know of its members' sums: these metrics, between two local days.

    Args:
        cuts: the days on which anything that is asked for may begin, or that follow its end:
            days between two cuts are only asked for together. None: each day by itself.
    """

    metrics: frozenset[str]
    first: date
    last: date
    cuts: frozenset[date] | None = None

    def __or__(self, other: "Wanted | None") -> "Wanted":
        if other is None:
            return self
        first, last = min(self.first, other.first), max(self.last, other.last)
        cuts = None
        if self.cuts is not None and other.cuts is not None:
            cuts = self.cuts | other.cuts
        return Wanted(self.metrics | other.metrics, first, last, cuts)

    def by_day(self) -> "Wanted":
        """The same with each day by itself."""
        return replace(self, cuts=None)


def cuts_around(bounds: Iterable[tuple[date, date]]) -> frozenset[date]:
    """The cuts of stretches of days, given by their first and last ones."""
    return frozenset(
        cut
        for first, last in bounds
        for cut in ((first,) if last == date.max else (first, last + ONE_DAY))
    )


@dataclass(slots=True)
class Totals:
    """Sums by member, metric and local day, moving as an operation decides.

    Args:
        amounts: what was read and has been added since.
        added: that alone, to be written; unsettled: what of it has had no effect on tiers yet.
        changes: how often anything was added.
    """

    amounts: dict[int, dict[Total, int]] = field(default_factory=dict)
    added: dict[int, dict[Total, int]] = field(default_factory=dict)
    unsettled: dict[int, dict[Total, int]] = field(default_factory=dict)
    changes: int = 0

    def add(self, member_id: int, counts: Mapping[Total, int]) -> None:
        """Count so much more of these (or less, negative)."""
        if not counts:
            return
        self.changes += 1
        for totals in (self.amounts, self.added, self.unsettled):
            of_member = totals.get(member_id)
            if of_member is None:
                totals[member_id] = dict(counts)
                continue
            for key, amount in counts.items():
                of_member[key] = of_member.get(key, 0) + amount

    def settle(self, member_id: int) -> dict[Total, int]:
        """What was added for a member since this was asked last."""
        return self.unsettled.pop(member_id, {})
