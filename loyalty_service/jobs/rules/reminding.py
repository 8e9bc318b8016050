"""What members are told of points that will end (R-56)."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from loyalty_service.kit.frozen import frozen
from loyalty_service.ledger.rules.lots import Lot
from loyalty_service.program.rules.periods import local_date, start_of_day

NOTICES = (30, 7, 1)
"""How many local days before the last one members are told."""

_LAST_MOMENT = timedelta(microseconds=1)

Ending = tuple[str, date]
"""A wallet, and the last local day of points in it."""


@frozen
class Notice:
    """A member has to be told that points end.

    Args:
        expires_on: the last local day on which they can be used.
        days: how many days are left until then; 0 on the day itself.
        notice: which of ``NOTICES`` this is.
    """

    wallet: str
    expires_on: date
    points: int
    days: int
    notice: int

    def told(self) -> dict[str, Any]:
        """As the event tells it."""
        return {
            "wallet": self.wallet,
            "points": self.points,
            "expires_on": self.expires_on.isoformat(),
            "days": self.days,
        }


def last_day(expires_at: datetime, zone: ZoneInfo) -> date:
    """The last local day on which points can be used that end at ``expires_at``.

    Rule: R-04, R-14.
    """
    return local_date(expires_at - _LAST_MOMENT, zone)


def horizon(at: datetime, zone: ZoneInfo) -> datetime:
    """The last instant (UTC) at which points may end that are to be told of at ``at``.

    Rule: R-04.
    """
    beyond = local_date(at, zone) + timedelta(days=NOTICES[0] + 1)
    return start_of_day(beyond, zone).astimezone(UTC)


def list_ending(lots: Iterable[tuple[str, Lot]], at: datetime, zone: ZoneInfo) -> dict[Ending, int]:
    """Points that are alive at ``at`` and will end, held or not, by wallet and last day.

    Args:
        lots: each with its wallet.

    Rule: R-15.
    """
    ending: dict[Ending, int] = {}
    for wallet, lot in lots:
        if lot.expires_at is not None and lot.is_active(at):
            key = wallet, last_day(lot.expires_at, zone)
            ending[key] = ending.get(key, 0) + lot.remaining
    return ending


def list_notices(
    ending: Mapping[Ending, int], reminded: Mapping[Ending, int], today: date
) -> list[Notice]:
    """The notices to be given today: of each wallet and last day the nearest, if not given yet.

    Whoever was not told in time of 30 and of 7 days is told once, of the nearer one.

    Args:
        ending: whole points by wallet and last day, none of them past.
        reminded: the nearest notice given so far.
        today: the local day.

    Rule: R-56.
    """
    notices = []
    for (wallet, expires_on), points in sorted(ending.items()):
        days = (expires_on - today).days
        crossed = [notice for notice in NOTICES if notice >= days]
        given = reminded.get((wallet, expires_on))
        if crossed and (given is None or crossed[-1] < given):
            notices.append(Notice(wallet, expires_on, points, days, crossed[-1]))
    return notices
