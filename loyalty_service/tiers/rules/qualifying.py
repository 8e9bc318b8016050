"""What a member has done within a window, and which tier it is enough for."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from itertools import repeat
from typing import Any

from loyalty_service.kit.frozen import frozen
from loyalty_service.members.rules import ORDERS, SPEND, Total, earned_metric
from loyalty_service.program.rules.tiers import (
    Criterion,
    Match,
    Measure,
    Qualification,
    Tiers,
)

_METRICS: Mapping[Measure, str] = {Measure.SPEND: SPEND, Measure.ORDERS: ORDERS}


def metric_of(criterion: Criterion) -> str | None:
    """The name under which what a criterion asks for is summed by day; None for a balance."""
    metric = _METRICS.get(criterion.measure)
    if metric is None and criterion.measure is Measure.EARNED:
        return earned_metric(criterion.wallet or "")
    return metric


@lru_cache
def metrics_of(tiers: Tiers) -> frozenset[str]:
    """All that the tiers of a program ask of a member's sums."""
    metrics = {metric_of(criterion) for criterion in criteria_of(tiers)}
    return frozenset(metric for metric in metrics if metric is not None)


@lru_cache
def criteria_of(tiers: Tiers) -> tuple[Criterion, ...]:
    """Everything that any tier asks for, to be reached or to be kept."""
    asked = [q for level in tiers.levels for q in (level.entry, level.keep) if q is not None]
    return tuple(criterion for qualification in asked for criterion in qualification.criteria)


@lru_cache
def asks_for_balance(tiers: Tiers) -> bool:
    """Whether any tier asks for a balance, so that every open lot has to be known."""
    return any(criterion.measure is Measure.BALANCE for criterion in criteria_of(tiers))


@frozen
class Record:
    """What a member has done, as tiers see it on one day.

    Args:
        sums: by metric and local day.
        balances: by wallet, whole points, as they stand when the member is judged.
        enrolled_on: the member's first local day.
    """

    sums: Mapping[Total, int]
    balances: Mapping[str, int]
    enrolled_on: date

    def before(self, moved: Mapping[Total, int], day: date) -> "Record":
        """The same before some of it was counted, or came back.

        Args:
            moved: how much more, or less, of each there is since then. Points that were earned
                by ``day`` were part of a balance.

        Rule: R-52.
        """
        sums = {key: amount - moved.get(key, 0) for key, amount in self.sums.items()}
        balances = {
            wallet: amount
            - sum(
                more
                for (metric, on), more in moved.items()
                if metric == earned_metric(wallet) and on <= day
            )
            for wallet, amount in self.balances.items()
        }
        return Record(sums, balances, self.enrolled_on)

    def between(self, first: date, last: date) -> dict[str, int]:
        """How much there is of each metric between two days, both included.

        Rule: R-50.
        """
        counts: dict[str, int] = {}
        for (metric, day), amount in self.sums.items():
            if first <= day <= last:
                counts[metric] = counts.get(metric, 0) + amount
        return counts

    def amount(self, criterion: Criterion, counts: Mapping[str, int]) -> int:
        """How much there is of what a criterion asks for; a balance is what it is now.

        Args:
            counts: what there is between two days, by metric.

        Rule: R-50.
        """
        metric = metric_of(criterion)
        if metric is None:
            return self.balances.get(criterion.wallet or "", 0)
        return counts.get(metric, 0)

    def is_enough(self, qualification: Qualification, counts: Mapping[str, int]) -> bool:
        """Whether all, or any, of what is asked for is there.

        Rule: R-50.
        """
        return is_met(qualification, map(self.amount, qualification.criteria, repeat(counts)))


@frozen
class Counted:
    """One thing that was asked for, and how much of it there was."""

    criterion: Criterion
    amount: int

    def told(self) -> dict[str, Any]:
        """As answers and stored rows tell it."""
        return {
            "measure": str(self.criterion.measure),
            "wallet": self.criterion.wallet,
            "counted": self.amount,
            "asked": self.criterion.at_least,
        }


@frozen
class Tally:
    """What was asked for, and what there was of it between two days, both included.

    Args:
        match: all or any of it.
        first: the first day there is where everything counts.
    """

    match: Match
    first: date
    last: date
    counted: tuple[Counted, ...]

    def told(self) -> dict[str, Any]:
        """As events, receipts and lists tell it."""
        return {
            "match": str(self.match),
            "window": window_told(self.first, self.last),
            "counted": [one.told() for one in self.counted],
        }


NOTHING_ASKED: Mapping[str, Any] = {"match": None, "window": None, "counted": []}
"""What is told where a tier asks for nothing."""


def window_told(first: date, last: date) -> dict[str, Any]:
    """The days that are looked at, both included; from None: since the member came."""
    since = None if first == date.min else first.isoformat()
    return {"from": since, "until": last.isoformat()}


def look(
    qualification: Qualification, record: Record, counts: Mapping[str, int]
) -> tuple[Counted, ...]:
    """What there is of each of the criteria.

    Args:
        counts: what there is between the two days that are asked about, by metric.
    """
    return tuple([Counted(one, record.amount(one, counts)) for one in qualification.criteria])


def is_met(qualification: Qualification, amounts: Iterable[int]) -> bool:
    """Whether all, or any, of what is asked for is there.

    Args:
        amounts: what there is of each of the criteria.

    Rule: R-50.
    """
    settles = qualification.match is Match.ANY
    for criterion, amount in zip(qualification.criteria, amounts, strict=True):
        if (amount >= criterion.at_least) is settles:
            return settles
    return not settles


def took_back(
    qualification: Qualification, moved: Mapping[Total, int], first: date, last: date
) -> bool:
    """Whether anything of what was asked for was taken back between two days, both included.

    A balance falls by other things too; of it the points count that were earned.

    Args:
        moved: what was counted, less than nothing where it came back.

    Rule: R-52.
    """
    names = {metric_of(one) or earned_metric(one.wallet or "") for one in qualification.criteria}
    return any(
        amount < 0 and name in names and first <= on <= last for (name, on), amount in moved.items()
    )
