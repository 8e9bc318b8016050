"""The whole program, frozen: every decision cites the version it was made by."""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

from loyalty_service.program.rules.earning import Earning
from loyalty_service.program.rules.spans import PeriodClock
from loyalty_service.program.rules.wallets import Wallet


class Rounding(StrEnum):
    """How exact points become whole ones, once per rule (R-02)."""

    FLOOR = "floor"
    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    CEILING = "ceiling"


class Overdrawn(StrEnum):
    """What happens when a return takes back more than there is (R-41)."""

    NEGATIVE = "negative"
    CLAMP = "clamp"


@dataclass(frozen=True, slots=True)
class Redemption:
    """What points are worth as money (R-30): ``block_points`` buy ``block_value_minor``."""

    block_points: int
    block_value_minor: int
    minimum_points: int
    step_points: int
    max_share: Fraction

    def worth_minor(self, points: int) -> int:
        """What so many points would buy, minor units: whole steps of at least the minimum.

        Rule: R-30.
        """
        usable = points - points % self.step_points
        if usable < self.minimum_points:
            return 0
        return usable * self.block_value_minor // self.block_points


@dataclass(frozen=True, slots=True)
class Returns:
    overdrawn: Overdrawn


@dataclass(frozen=True, slots=True)
class Program:
    """One immutable version of a shop's program."""

    name: str
    currency: str
    zone: ZoneInfo
    rounding: Rounding
    clock: PeriodClock
    wallets: tuple[Wallet, ...]
    earning: Earning
    redemption: Redemption | None
    returns: Returns

    def find_wallet(self, wallet_id: str) -> Wallet | None:
        """The wallet of that id, or None."""
        return next((wallet for wallet in self.wallets if wallet.id == wallet_id), None)
