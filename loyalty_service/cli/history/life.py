"""What happened in the demo shop, act by act, and a pen to write it down with."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from loyalty_service.checkout.rules.cart import Cart, CartLine, Order
from loyalty_service.checkout.rules.steps import Return
from loyalty_service.events.rules import MemberEvent
from loyalty_service.ledger.rules.adjusting import Adjustment
from loyalty_service.members.service import Details

ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Fulfilled:
    """An order arrived."""

    order_ref: str


@dataclass(frozen=True, slots=True)
class SentBack:
    """Something of an order came back."""

    order_ref: str
    asked: Return


@dataclass(frozen=True, slots=True)
class Cancelled:
    """An order was called off."""

    order_ref: str


@dataclass(frozen=True, slots=True)
class Undone:
    """The member's last adjustment was a mistake."""

    wallet: str
    note: str


Deed = Details | Order | Fulfilled | SentBack | Cancelled | MemberEvent | Adjustment | Undone


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that happened to one member.

    Args:
        key: names the act, so that it is told once.
        at: UTC.
    """

    key: str
    at: datetime
    member: str
    deed: Deed


class Life:
    """One member's acts, written in the shop's local days.

    Args:
        number: tells the member's orders from those of others.
        joined_on: the day they enrol, at nine in the morning.
    """

    def __init__(self, name: str, number: int, joined_on: date, details: Details) -> None:
        self.name = name
        self.joined_on = joined_on
        self.acts: list[Act] = []
        self._prefix = f"D-{number:02}"
        self._orders = 0
        self._write(joined_on, 9.0, details)
        self.tell(joined_on, "sign_up", hour=9.1)

    def buy(
        self,
        on: date,
        *lines: CartLine,
        hour: float = 12.0,
        channel: str = "app",
        out_after: int | None = 3,
        discount_minor: int = 0,
    ) -> str:
        """Pay for an order; it arrives so many days later, at once for 0, or never."""
        self._orders += 1
        order_ref = f"{self._prefix}{self._orders:02}"
        order = Order(
            order_ref=order_ref,
            payment_ref=f"pay-{order_ref}",
            cart=Cart("CNY", channel, lines, discount_minor),
            is_fulfilled=out_after == 0,
        )
        self._write(on, hour, order)
        if out_after:
            self._write(on + timedelta(days=out_after), 10.5, Fulfilled(order_ref))
        return order_ref

    def send_back(self, on: date, order_ref: str, line: int, units: int = 1) -> None:
        """Send units of a line back."""
        asked = Return(f"{order_ref}-R{line}", units=((line, units),))
        self._write(on, 16.0, SentBack(order_ref, asked))

    def take_money_back(self, on: date, order_ref: str, amount_minor: int) -> None:
        """Get some of the money back and keep the goods."""
        asked = Return(f"{order_ref}-M", amount_minor=amount_minor, currency="CNY")
        self._write(on, 16.5, SentBack(order_ref, asked))

    def call_off(self, on: date, order_ref: str) -> None:
        """Cancel an order before it arrives."""
        self._write(on, 8.0, Cancelled(order_ref))

    def tell(self, on: date, event: str, *, hour: float = 20.0, channel: str = "app") -> None:
        """Do something besides buying."""
        self._write(on, hour, MemberEvent(event, channel))

    def adjust(self, on: date, points: int, note: str, *, hour: float = 14.0) -> None:
        """An operator gives points by hand, or takes them."""
        self._write(on, hour, Adjustment("points", points, note))

    def undo(self, on: date, note: str) -> None:
        """The operator answers the last adjustment by its reversal."""
        self._write(on, 15.0, Undone("points", note))

    def _write(self, on: date, hour: float, deed: Deed) -> None:
        at = local(on, hour)
        self.acts.append(Act(f"demo-{self.name}-{len(self.acts) + 1}", at, self.name, deed))


def local(on: date, hour: float) -> datetime:
    """An hour of a local day, as UTC."""
    midnight = datetime.combine(on, time(), ZONE)
    return (midnight + timedelta(hours=hour)).astimezone(UTC)
