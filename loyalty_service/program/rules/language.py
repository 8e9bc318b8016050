"""What wording a program needs of a language, and how conditions are put together in any."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import datetime, time, timedelta
from fractions import Fraction

from loyalty_service.program.rules.conditions import (
    All,
    AnyOf,
    Brand,
    Category,
    Condition,
    Not,
    Sku,
    Window,
)
from loyalty_service.program.rules.earning import (
    ORDER,
    Cap,
    Earning,
    EarningRule,
    Multiplier,
)
from loyalty_service.program.rules.periods import local_date, start_of_day
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.wallets import Activation, Expiry, Name, Wallet

MOST_NAMES = 6


def decimal_text(value: Fraction) -> str:
    """An exact number as decimals, as it was written: 5/2 is 2.5.

    Args:
        value: read from at most nine decimals.
    """
    digits = f"{int(value * 10**9):010d}"
    rest = digits[-9:].rstrip("0")
    return f"{int(digits[:-9]):,}" + (f".{rest}" if rest else "")


class Language(ABC):
    """The words of one language; every method returns a phrase without a full stop."""

    and_: str
    or_: str
    at_once: str

    @abstractmethod
    def name(self, name: Name) -> str:
        """What members read."""

    @abstractmethod
    def leaf(self, condition: Condition, program: Program, *, holds: bool) -> str:
        """A condition without parts, or (``holds`` False) its contrary."""

    @abstractmethod
    def contrary(self, phrase: str) -> str:
        """The contrary of a phrase made of several."""

    @abstractmethod
    def bracketed(self, phrase: str) -> str:
        """A phrase kept together inside another."""

    @abstractmethod
    def rule(self, rule: EarningRule, program: Program) -> str:
        """What a rule gives, for what and when."""

    @abstractmethod
    def multiplier(self, multiplier: Multiplier, program: Program) -> str:
        """What a multiplier multiplies, and when."""

    @abstractmethod
    def cap(self, cap: Cap, earning: Earning) -> str:
        """What a cap limits."""

    @abstractmethod
    def activation(self, activation: Activation) -> str:
        """When points come alive."""

    @abstractmethod
    def expiry(self, expiry: Expiry) -> str:
        """When points end."""

    @abstractmethod
    def wallet(self, wallet: Wallet) -> str:
        """What kind of points a wallet holds."""

    @abstractmethod
    def moment(self, moment: datetime) -> str:
        """A local moment; at the start of a day the day alone."""

    @abstractmethod
    def choices(self, names: list[str], more: int) -> str:
        """Names of which any will do, and how many more there are."""

    @abstractmethod
    def general(self, program: Program) -> list[str]:
        """What holds for all: rounding, basis, worth, returns."""

    def condition(self, condition: Condition, program: Program, *, holds: bool = True) -> str:
        """A condition or its contrary in words."""
        match condition:
            case Not(of):
                return self.condition(of, program, holds=not holds)
            case All(of) | AnyOf(of) if len(of) == 1:
                return self.condition(of[0], program, holds=holds)
            case All(of) | AnyOf(of):
                word = self.and_ if isinstance(condition, All) else self.or_
                phrase = word.join(self._part(part, program) for part in of)
                return phrase if holds else self.contrary(phrase)
            case _:
                return self.leaf(condition, program, holds=holds)

    def _part(self, part: Condition, program: Program) -> str:
        phrase = self.condition(part, program)
        is_one = not isinstance(part, All | AnyOf) or len(part.of) == 1
        return phrase if is_one else self.bracketed(phrase)

    def own_activation(self, rule: EarningRule) -> list[str]:
        """When the points of a rule come alive that says so itself."""
        if rule.activation is None:
            return []
        # An event is its own payment and fulfilment.
        is_at_once = rule.trigger != ORDER and rule.activation.wait_days == 0
        return [self.at_once if is_at_once else self.activation(rule.activation)]

    def gates(self, condition: Condition | None, program: Program) -> list[str]:
        """What a rule asks, as phrases that stand side by side."""
        if condition is None:
            return []
        parts = condition.of if isinstance(condition, All) else (condition,)
        return [self._gate(part, program) for part in parts]

    def _gate(self, part: Condition, program: Program) -> str:
        # A phrase with "and" in it among others of its kind would be read with its neighbours.
        return self._part(part, program) if isinstance(part, All) else self.condition(part, program)

    def names(self, names: Iterable[str]) -> str:
        """Names to choose from, in a stable order, cut where there are many."""
        ordered = sorted(names)
        return self.choices(ordered[:MOST_NAMES], max(0, len(ordered) - MOST_NAMES))

    def tiers(self, ids: Iterable[str], program: Program) -> str:
        """Tiers to choose from, lowest first."""
        levels = () if program.tiers is None else program.tiers.levels
        return self.choices([self.name(level.name) for level in levels if level.id in ids], 0)

    def bounds(self, window: Window, program: Program) -> tuple[str | None, str | None, bool]:
        """The first and the last of a window in words, and whether the last is a whole day."""
        zone = program.zone
        starts_at = window.starts_at
        first = None if starts_at is None else self.moment(_local(starts_at, program))
        if window.ends_at is None:
            return first, None, False
        day = local_date(window.ends_at, zone)
        if window.ends_at == start_of_day(day, zone):
            last = local_date(window.ends_at - timedelta(microseconds=1), zone)
            return first, self.moment(datetime.combine(last, time.min)), True
        return first, self.moment(_local(window.ends_at, program)), False


def _local(instant: datetime, program: Program) -> datetime:
    """The wall time of an instant; midnight at the start of a day, even where clocks skip it."""
    local = instant.astimezone(program.zone)
    if instant == start_of_day(local.date(), program.zone):
        local = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return local.replace(tzinfo=None)


def selects_simply(lines: Condition | None) -> bool:
    """Whether the lines of a rule are told by one kind of name."""
    inner = lines.of if isinstance(lines, Not) else lines
    return isinstance(inner, Category | Brand | Sku)
