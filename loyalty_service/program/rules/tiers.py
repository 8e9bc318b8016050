"""Tiers: what a member has to do for one, how long it lasts, and what it brings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from loyalty_service.program.rules.spans import Period, Unit
from loyalty_service.program.rules.wallets import Expiry, Name

MAX_LEVELS = 20


class Measure(StrEnum):
    """What a tier may ask for (R-50)."""

    EARNED = "earned"
    BALANCE = "balance"
    SPEND = "spend"
    ORDERS = "orders"


class Match(StrEnum):
    """Whether all or any of what a tier asks for has to be there."""

    ALL = "all"
    ANY = "any"


class Calendar(StrEnum):
    """Windows that begin and end with the calendar, or with the member's own years."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    MEMBERSHIP_YEAR = "membership_year"


@dataclass(frozen=True, slots=True)
class Rolling:
    """The last days or months, the day that is judged included."""

    period: Period


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Everything since the member came."""


Window = Rolling | Calendar | Lifetime


class TermEnd(StrEnum):
    """What the end of a term or of a grace is moved forward to."""

    EXACT = "exact"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Lasting:
    """A length of time from the day it begins, moved forward to an end of the calendar."""

    period: Period
    end: TermEnd = TermEnd.EXACT


class WindowTerm(StrEnum):
    """Terms that go by the calendar window: to the end of this one, or through the next one."""

    THIS = "this"
    NEXT = "next"


class NoTerm(StrEnum):
    """No term: the tier follows the qualification at once, up and down (R-51)."""

    NONE = "none"


Term = Lasting | WindowTerm | NoTerm

USUAL_TERM = Lasting(Period(12, Unit.MONTHS), TermEnd.MONTH)


class Promote(StrEnum):
    """When a member rises (R-51)."""

    AT_ONCE = "at_once"
    NEXT_REVIEW = "next_review"


class Demote(StrEnum):
    """How far a review takes a member down (R-52)."""

    ONE_LEVEL = "one_level"
    BY_STANDING = "by_standing"


class OnReturn(StrEnum):
    """What a return does to a promotion that rested on what it takes back (R-52)."""

    KEEP_UNTIL_REVIEW = "keep_until_review"
    AT_ONCE = "at_once"


class GiftsOnReturn(StrEnum):
    """What becomes of the gift of a promotion that a return undoes (R-52)."""

    KEPT = "kept"
    TAKEN_BACK = "taken_back"


class TierRate(StrEnum):
    """Which tier an order earns by (R-24)."""

    HELD = "held"
    REACHED = "reached"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing a tier asks for.

    Args:
        wallet: of earned points and of a balance; None otherwise.
        at_least: whole points, minor units of money, or orders; at least 1.
    """

    measure: Measure
    at_least: int
    wallet: str | None = None


@dataclass(frozen=True, slots=True)
class Qualification:
    """What has to be there within the window: all or any of the criteria, at least one."""

    match: Match
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class Perk:
    """A benefit that has a name and is given by the shop itself."""

    id: str
    name: Name


@dataclass(frozen=True, slots=True)
class Gift:
    """Points given on promotion; ``expiry`` is the wallet's where None."""

    wallet: str
    points: int
    expiry: Expiry | None = None


@dataclass(frozen=True, slots=True)
class Tier:
    """One level.

    Args:
        entry: what leads to it; None only for the lowest, in which everybody stands.
        keep: what a review asks for; the same as ``entry`` where the document leaves it out.
        factor: what order points of the wallets ``Tiers.multiplies`` are multiplied by; 1 or more.
        keep_for_ever: once reached it is never lost.
    """

    id: str
    name: Name
    entry: Qualification | None = None
    keep: Qualification | None = None
    factor: Fraction = Fraction(1)
    perks: tuple[Perk, ...] = ()
    gift: Gift | None = None
    keep_for_ever: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Tiers:
    """The tiers of a program, lowest first, and how members move between them.

    Each is equal to itself alone, so that what follows from it can be kept beside it.

    Args:
        multiplies: wallets whose order rules the tier's factor acts on.
        grace: None for none.
        notify_at: percent of what the next tier asks for at which members are told; ascending.
    """

    levels: tuple[Tier, ...]
    window: Window
    term: Term = USUAL_TERM
    promote: Promote = Promote.AT_ONCE
    demote: Demote = Demote.ONE_LEVEL
    grace: Lasting | None = None
    on_return: OnReturn = OnReturn.KEEP_UNTIL_REVIEW
    gifts_on_return: GiftsOnReturn = GiftsOnReturn.KEPT
    tier_rate: TierRate = TierRate.HELD
    multiplies: frozenset[str] = frozenset()
    notify_at: tuple[int, ...] = ()
    _places: Mapping[str | None, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        places = {tier.id: index for index, tier in enumerate(self.levels)}
        object.__setattr__(self, "_places", places)

    def index_of(self, tier_id: str | None) -> int:
        """The place of a tier, from 0; the lowest for None and for one that is not there."""
        return self._places.get(tier_id, 0)

    def is_safe(self, index: int) -> bool:
        """Whether a tier is never lost."""
        return index == 0 or self.levels[index].keep_for_ever

    def find(self, tier_id: str | None) -> Tier:
        """The tier of that id; the lowest for None and for one that is not there."""
        return self.levels[self.index_of(tier_id)]
