"""Adds entries up by day, and follows what they leave open."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from loyalty_service.ledger.rules.lots import COMMON
from loyalty_service.program.rules.periods import end_of, local_date
from loyalty_service.program.rules.spans import RoundTo

BEGUN = date.min
"""When points begin that had begun already when the change was recorded."""
NEVER = date.max
"""When points begin that wait for fulfilment, and when points end that do not."""


class Moved(NamedTuple):
    """An entry with one of its allocations; ``lot_seq`` is None where it has none.

    Args:
        points: of the entry.
        moved: what the allocation gave to the lot, or took from it (< 0).
        active_at, expires_at: what it gave the lot, where ``moved`` is not below 0.
    """

    seq: int
    points: int
    reason: str
    recorded_at: datetime
    lot_seq: int | None
    moved: int
    active_at: datetime | None
    expires_at: datetime | None


class OpenLot(NamedTuple):
    """What is left of a lot, and the days at whose end it has begun and has ended.

    One that has begun and does not end of its own (``NEVER``) ends with its account.
    """

    remaining: int
    begins_on: date
    ends_on: date


@dataclass(slots=True)
class Opened:
    """What is open of an account.

    Args:
        lots: by number.
        ends_on: the day on which lots end that do not of their own.
    """

    lots: dict[int, OpenLot] = field(default_factory=dict)
    ends_on: date = NEVER

    def find_followers(self) -> list[OpenLot]:
        """The lots that end with the account."""
        return [lot for lot in self.lots.values() if _follows(lot)]

    def ending(self, lot: OpenLot) -> OpenLot:
        """The lot with the end it has, of its own or with the account."""
        return lot._replace(ends_on=self.ends_on) if _follows(lot) else lot


def _follows(lot: OpenLot) -> bool:
    return lot.ends_on == NEVER and lot.begins_on != NEVER


class Change(NamedTuple):
    """Which open points a day's record, or a whole month's (its last day), has changed."""

    is_month: bool
    day: date
    wallet: str
    begins_on: date
    ends_on: date


@dataclass(slots=True)
class DayTotal:
    """What entries of one day, wallet and reason gave and took, in points."""

    given: int = 0
    taken: int = 0
    entries: int = 0

    def add(self, given: int, taken: int, entries: int) -> None:
        """Add as much."""
        self.given += given
        self.taken += taken
        self.entries += entries


@dataclass(slots=True)
class Sums:
    """What entries add up to.

    Args:
        zone: the program's; days are its days.
        totals: by the day an entry was recorded, wallet and reason.
        changes: of open points. What ended by the end of the day is not there any more; what had
            begun by then needs no beginning.
    """

    zone: ZoneInfo
    totals: dict[tuple[date, str, str], DayTotal] = field(default_factory=dict)
    changes: Counter[Change] = field(default_factory=Counter)
    entries: int = 0

    def add(self, wallet: str, opened: Opened, written: Iterable[Moved]) -> int:
        """Add entries of one account, in order; returns the number of the last of them.

        Args:
            opened: as the entry before them left it; it moves along.

        Rule: R-91, R-92.
        """
        last, day = 0, BEGUN
        for one in written:
            if one.seq != last:
                last, day = one.seq, local_date(one.recorded_at, self.zone)
                self._count(day, wallet, one)
            if one.lot_seq == COMMON:
                self._move_common(day, wallet, opened, self._day(one.expires_at))
            elif one.lot_seq is not None:
                self._move(day, wallet, opened, one)
        return last

    def _count(self, day: date, wallet: str, one: Moved) -> None:
        self.entries += 1
        total = self.totals.setdefault((day, wallet, one.reason), DayTotal())
        total.add(max(one.points, 0), max(-one.points, 0), 1)

    def _move_common(self, day: date, wallet: str, opened: Opened, ends_on: date) -> None:
        """The end moves of every lot that has none of its own (R-25, R-26)."""
        followers = opened.find_followers()
        for lot in followers:
            self._change(day, wallet, opened.ending(lot))
        opened.ends_on = ends_on
        for lot in followers:
            self._change(day, wallet, opened.ending(lot), 1)

    def _move(self, day: date, wallet: str, opened: Opened, one: Moved) -> None:
        assert one.lot_seq is not None
        before = opened.lots.pop(one.lot_seq, None)
        begins_on, ends_on, remaining = (
            self._day(one.active_at),
            self._day(one.expires_at),
            one.moved,
        )
        if before is not None:
            remaining += before.remaining
            self._change(day, wallet, opened.ending(before))
            if one.moved < 0:
                begins_on, ends_on = before.begins_on, before.ends_on
        if remaining:
            opened.lots[one.lot_seq] = after = OpenLot(remaining, begins_on, ends_on)
            self._change(day, wallet, opened.ending(after), 1)

    def _day(self, instant: datetime | None) -> date:
        return NEVER if instant is None else _day_of(instant, self.zone)

    def _change(self, day: date, wallet: str, lot: OpenLot, sign: int = -1) -> None:
        for is_month, until in ((False, day), (True, _month_end(day))):
            if lot.ends_on > until:
                begins_on = lot.begins_on if lot.begins_on > until else BEGUN
                key = Change(is_month, until, wallet, begins_on, lot.ends_on)
                self.changes[key] += sign * lot.remaining

    def changed(self) -> list[tuple[Change, int]]:
        """The changes that are not nothing, in one order for everybody."""
        return sorted((change, points) for change, points in self.changes.items() if points)


# Lots share their instants, and entries their day: most are asked for again at once.
@lru_cache(4_096)
def _day_of(instant: datetime, zone: ZoneInfo) -> date:
    return local_date(instant, zone)


@lru_cache(512)
def _month_end(day: date) -> date:
    return end_of(day, RoundTo.MONTH)


def last_month_end(day: date) -> date:
    """The last end of a month that is not later than this day; ``date.min`` before the first.

    Rule: R-92.
    """
    if end_of(day, RoundTo.MONTH) == day:
        return day
    first = day.replace(day=1)
    return date.min if first == date.min else date.fromordinal(first.toordinal() - 1)
