"""What members do besides buying: check-ins with their streak, and what counts only once."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from loyalty_service.kit.errors import Conflict, Invalid
from loyalty_service.program.rules.earning import NO_EVENTS, ORDER, CapPeriod, Streak

CHECK_IN = "check_in"
BIRTHDAY = "birthday"
ONCE = {"sign_up": CapPeriod.EVER, BIRTHDAY: CapPeriod.YEAR}
"""Events that count once in the period named."""


def event_metric(name: str) -> str:
    """The name under which an event's days are counted."""
    return f"event:{name}"


class AlreadyCounted(Conflict):
    """The event counts once in its period, and it has been counted."""

    code = "already_counted"


class EventNameTaken(Invalid):
    """The service itself tells something else under this name; the values list such names."""

    code = "event_name_taken"


class CheckInTooLate(Conflict):
    """A later check-in has been counted already; the streak is not decided again."""

    code = "check_in_too_late"


@dataclass(frozen=True, slots=True)
class MemberEvent:
    """Something a member did, as the shop tells it.

    Args:
        name: ``sign_up``, ``check_in``, ``review`` or any other name the shop uses.
        occurred_at: UTC; None is now.
    """

    name: str
    channel: str | None = None
    occurred_at: datetime | None = None


def check_name(name: str) -> None:
    """Refuse a name under which the service itself tells of members, and that of orders.

    Raises:
        EventNameTaken: as said.

    Rule: R-90.
    """
    if name == ORDER or name in NO_EVENTS:
        raise EventNameTaken(
            f"No event of a member is named {name}; give it another name.",
            path="event",
            asked=name,
            taken=sorted([ORDER, *NO_EVENTS]),
        )


def next_streak(last_on: date | None, streak: int, on: date, mode: Streak) -> int:
    """The day of the streak that a check-in on ``on`` is, 1 for the first.

    Args:
        last_on: local day of the last check-in; None before the first.
        streak: its day of the streak.

    Raises:
        AlreadyCounted: the member has checked in on that day.
        CheckInTooLate: the member has checked in on a later day.

    Rule: R-28.
    """
    if last_on is None:
        return 1
    if on == last_on:
        raise AlreadyCounted(
            f"A check-in counts once a day, and {on} has one already.",
            path="event",
            asked=str(on),
            limit=1,
        )
    if on < last_on:
        raise CheckInTooLate(
            f"The check-in of {last_on} has been counted already; an earlier one comes too late.",
            path="occurred_at",
            asked=str(on),
            limit=str(last_on),
        )
    if on - last_on > timedelta(days=1) or _starts_again(on, mode):
        return 1
    return streak + 1


def _starts_again(on: date, mode: Streak) -> bool:
    if mode is Streak.WEEKLY:
        return on.isoweekday() == 1
    return mode is Streak.MONTHLY and on.day == 1
