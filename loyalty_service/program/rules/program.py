"""The whole program, frozen: every decision cites the version it was made by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

from loyalty_service.program.rules.earning import Earning
from loyalty_service.program.rules.spans import Period, PeriodClock, Unit
from loyalty_service.program.rules.tiers import Tiers
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


class GiveBack(StrEnum):
    """When a return gives back points that were spent on the order (R-42)."""

    PRO_RATA = "pro_rata"
    ONLY_WHEN_FULL = "only_when_full"


@dataclass(frozen=True, slots=True)
class Redemption:
    """What points are worth as money (R-30): ``block_points`` buy ``block_value_minor``.

    Args:
        wallet: the spendable wallet that pays.
        max_share: of what points may pay for, 0 to 1.
        shipping, tax: whether points may pay for them too.
    """

    block_points: int
    block_value_minor: int
    minimum_points: int
    step_points: int
    max_share: Fraction
    wallet: str = ""
    shipping: bool = False
    tax: bool = False

    def worth_minor(self, points: int) -> int:
        """What so many points would buy, minor units: whole steps of at least the minimum.

        Rule: R-30.
        """
        usable = points - points % self.step_points
        if usable < self.minimum_points:
            return 0
        return usable * self.block_value_minor // self.block_points


@dataclass(frozen=True, slots=True)
class Reservations:
    """How long an order holds its points (R-32): at first, and with all renewals; minutes."""

    minutes: int = 30
    most_minutes: int = 120


USUAL_GRACE = Period(30, Unit.DAYS)


@dataclass(frozen=True, slots=True)
class Returns:
    """What returns do (R-41, R-42).

    Args:
        grace: how long points last whose lot ended meanwhile, from the day they come back; None:
            they expire at once.
    """

    overdrawn: Overdrawn = Overdrawn.NEGATIVE
    give_back: GiveBack = GiveBack.PRO_RATA
    grace: Period | None = USUAL_GRACE


@dataclass(frozen=True, slots=True)
class Program:
    """One immutable version of a shop's program.

    Attributes:
        sliding: the ids of its sliding wallets.
    """

    name: str
    currency: str
    zone: ZoneInfo
    rounding: Rounding
    clock: PeriodClock
    wallets: tuple[Wallet, ...]
    earning: Earning
    redemption: Redemption | None
    returns: Returns
    reservations: Reservations = Reservations()
    tiers: Tiers | None = None
    sliding: list[str] = field(init=False, repr=False, compare=False)
    _by_id: Mapping[str, Wallet] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        sliding = [wallet.id for wallet in self.wallets if wallet.slides]
        object.__setattr__(self, "sliding", sliding)
        object.__setattr__(self, "_by_id", {wallet.id: wallet for wallet in self.wallets})

    def find_wallet(self, wallet_id: str) -> Wallet | None:
        """The wallet of that id, or None."""
        return self._by_id.get(wallet_id)
