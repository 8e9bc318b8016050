"""The closed list of conditions (R-21), as structure: checkable, wordable, editable in a form."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class All:
    of: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    of: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    of: "Condition"


@dataclass(frozen=True, slots=True)
class Window:
    """From ``starts_at`` up to, not including, ``ends_at`` (UTC); either may be open."""

    starts_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Weekday:
    """ISO weekdays (1 Monday to 7 Sunday) of the program's zone."""

    days: frozenset[int]


@dataclass(frozen=True, slots=True)
class Channel:
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Category:
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sku:
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Brand:
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class MinimumAmount:
    """The selected lines cost at least this, in minor units, net of discounts."""

    amount_minor: int


@dataclass(frozen=True, slots=True)
class MinimumQuantity:
    """The selected lines hold at least this many units."""

    units: int


@dataclass(frozen=True, slots=True)
class Tag:
    """The member carries one of these tags (segments)."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class InTier:
    """The member stands in one of these tiers, by id, when the order is placed."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class FirstOrder:
    """No other paid order of the member that is not fully returned."""


@dataclass(frozen=True, slots=True)
class BirthdayMonth:
    """The order or event falls into the month of the member's birthday."""


Condition = (
    All
    | AnyOf
    | Not
    | Window
    | Weekday
    | Channel
    | Category
    | Sku
    | Brand
    | MinimumAmount
    | MinimumQuantity
    | Tag
    | InTier
    | FirstOrder
    | BirthdayMonth
)
