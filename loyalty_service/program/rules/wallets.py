"""Wallets: what kinds of points a program keeps, when they come alive and when they end."""

from dataclasses import dataclass
from enum import StrEnum

from loyalty_service.program.rules.spans import Period, RoundTo


@dataclass(frozen=True, slots=True)
class Name:
    """What members read, in English and Chinese."""

    en: str
    zh: str


class ActivateOn(StrEnum):
    """The moment from which waiting is counted."""

    FULFILMENT = "fulfilment"
    PAYMENT = "payment"


@dataclass(frozen=True, slots=True)
class Activation:
    """When earned points come alive: at the moment named, or ``wait_days`` days after it (R-25)."""

    on: ActivateOn
    wait_days: int = 0


@dataclass(frozen=True, slots=True)
class Never:
    """Points that do not expire."""


@dataclass(frozen=True, slots=True)
class After:
    """Points end one period after activation, rounded forward where asked (R-25)."""

    period: Period
    round_to: RoundTo | None = None


@dataclass(frozen=True, slots=True)
class FixedDates:
    """Points end with the first of these (month, day) dates on or after activation."""

    dates: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Sliding:
    """All points of a wallet end together, one period after its last activity (R-25)."""

    period: Period


Expiry = Never | After | FixedDates | Sliding


@dataclass(frozen=True, slots=True)
class Wallet:
    """One kind of points (R-16)."""

    id: str
    name: Name
    spendable: bool
    activation: Activation
    expiry: Expiry

    @property
    def slides(self) -> bool:
        """Whether its points end together, later with every activity."""
        return isinstance(self.expiry, Sliding)
