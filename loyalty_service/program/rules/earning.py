"""What a program gives, for what, how it stacks, and where it ends."""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from loyalty_service.program.rules.conditions import Condition
from loyalty_service.program.rules.wallets import Activation, Expiry, Name

ORDER = "order"

NO_EVENTS = frozenset({"enrolled", "amended", "redemption_locked", "redemption_unlocked"})
"""What the service itself tells of members under ``member.<name>``: no shop's event is named so."""


@dataclass(frozen=True, slots=True)
class Rate:
    """``points`` per ``per_minor`` of money, in proportion."""

    points: Fraction
    per_minor: int


@dataclass(frozen=True, slots=True)
class Step:
    """``points`` per *full* ``per_minor`` of money."""

    points: int
    per_minor: int


@dataclass(frozen=True, slots=True)
class Fixed:
    points: int


@dataclass(frozen=True, slots=True)
class PerUnit:
    points: Fraction


@dataclass(frozen=True, slots=True)
class ByStreak:
    """Points for day n of a check-in streak; the last value repeats."""

    points: tuple[int, ...]


Give = Rate | Step | Fixed | PerUnit | ByStreak


class Combine(StrEnum):
    """How the rules of one group stack (R-22)."""

    SUM = "sum"
    BEST = "best"
    FIRST = "first"


class MultipliersCombine(StrEnum):
    MULTIPLY = "multiply"
    ADD = "add"


class Streak(StrEnum):
    """When a check-in streak starts again besides after a missed day (R-28)."""

    OPEN = "open"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class CapPer(StrEnum):
    RULE = "rule"
    ORDER = "order"
    MEMBER = "member"


class CapPeriod(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    EVER = "ever"


class CapUnit(StrEnum):
    POINTS = "points"
    TIMES = "times"


class OverCap(StrEnum):
    CUT = "cut"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Group:
    id: str
    combine: Combine


@dataclass(frozen=True, slots=True)
class EarningRule:
    """One way to earn; ``trigger`` is ``order`` or an event's name."""

    id: str
    name: Name
    wallet: str
    group: str
    trigger: str
    give: Give
    priority: int = 0
    exclusive: bool = False
    plain: bool = False
    lines: Condition | None = None
    when: Condition | None = None
    activation: Activation | None = None
    expiry: Expiry | None = None


@dataclass(frozen=True, slots=True)
class Multiplier:
    id: str
    name: Name
    factor: Fraction
    wallets: frozenset[str]
    lines: Condition | None = None
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Cap:
    """A limit on points or times (R-23); ``period`` only where ``per`` is member."""

    id: str
    name: Name
    covers: tuple[str, ...]
    per: CapPer
    unit: CapUnit
    limit: int
    over: OverCap
    period: CapPeriod | None = None


@dataclass(frozen=True, slots=True)
class Earning:
    shipping: bool
    tax: bool
    multipliers_combine: MultipliersCombine
    streak: Streak
    groups: tuple[Group, ...]
    rules: tuple[EarningRule, ...]
    multipliers: tuple[Multiplier, ...]
    caps: tuple[Cap, ...]
    earn_on_points_paid: bool = False
