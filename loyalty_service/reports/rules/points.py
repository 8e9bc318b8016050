"""Points given and taken, by day, month, wallet or reason."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from loyalty_service.kit.errors import Invalid
from loyalty_service.reports.rules.sums import DayTotal

MOST_DAYS_SINGLY = 366
MOST_DAYS = 3_660


class By(StrEnum):
    """What the rows of the report are; each is told by wallet."""

    DAY = "day"
    MONTH = "month"
    WALLET = "wallet"
    REASON = "reason"


class SpanImpossible(Invalid):
    """The report begins in days to come, or ends before it begins, or has too many days."""

    code = "span_impossible"


@dataclass(frozen=True, slots=True)
class Span:
    """A report's days, both included, and what its rows are.

    Raises:
        SpanImpossible: there are none, or more than ``MOST_DAYS`` (``MOST_DAYS_SINGLY`` by day).

    Rule: R-91.
    """

    by: By
    first: date
    last: date

    def __post_init__(self) -> None:
        most = MOST_DAYS_SINGLY if self.by is By.DAY else MOST_DAYS
        days = (self.last - self.first).days + 1
        if days < 1:
            raise SpanImpossible(
                f"The first day, {self.first}, comes after the last one, {self.last}.",
                path="from",
                first=str(self.first),
                last=str(self.last),
            )
        if days > most:
            raise SpanImpossible(
                f"{self.first} to {self.last} are {days:,} days; by {self.by}, a report is of "
                f"{most:,} at most.",
                path="from",
                asked=days,
                limit=most,
            )


@dataclass(frozen=True, slots=True)
class PointsRow:
    """A row of the report.

    Args:
        of: the day, the month (2026-03) or the reason; empty where rows are wallets.
        given, taken: sums of the entries above and below 0, both as positive numbers.
    """

    of: str
    wallet: str
    given: int
    taken: int
    entries: int

    @property
    def points(self) -> int:
        """What the entries add up to."""
        return self.given - self.taken


def add_up(
    span: Span, totals: Iterable[tuple[date, str, str, int, int, int]]
) -> tuple[PointsRow, ...]:
    """The rows of the report, from totals of (day, wallet, reason, given, taken, entries).

    Rule: R-91.
    """
    rows: dict[tuple[str, str], DayTotal] = {}
    for day, wallet, reason, *amounts in totals:
        if span.first <= day <= span.last:
            key = (_name(span.by, day, reason), wallet)
            rows.setdefault(key, DayTotal()).add(*amounts)
    return tuple(
        PointsRow(of, wallet, total.given, total.taken, total.entries)
        for (of, wallet), total in sorted(rows.items())
    )


def _name(by: By, day: date, reason: str) -> str:
    match by:
        case By.DAY:
            return day.isoformat()
        case By.MONTH:
            return day.isoformat()[:7]
        case By.REASON:
            return reason
        case _:
            return ""
