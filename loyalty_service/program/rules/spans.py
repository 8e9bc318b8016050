"""What a program document can say about lengths of time."""

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What a period counts."""

    DAYS = "days"
    MONTHS = "months"
    YEARS = "years"


class RoundTo(StrEnum):
    """The calendar end that an expiry is moved forward to."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class PeriodClock(StrEnum):
    """Whether periods count whole days of the zone or run to the instant (R-25)."""

    DAYS = "days"
    EXACT = "exact"


@dataclass(frozen=True, slots=True)
class Period:
    """``count`` days, months or years; at least 1."""

    count: int
    unit: Unit
