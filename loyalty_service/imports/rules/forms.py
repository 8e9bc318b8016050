"""The forms of single values in a file of members; each reader says what is wrong in a sentence."""

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from loyalty_service.kit.naming import MOST_PERSONAL
from loyalty_service.members.rules import (
    MAX_TAGS,
    PERSONAL,
    BirthdayImpossible,
    PersonalRefsOff,
    Ref,
    RefMalformed,
    check_birthday,
    hashed,
    parse_ref,
    tidy_tags,
)
from loyalty_service.program.rules.periods import ONE_DAY, start_of_day

MOST_POINTS = 10**12

_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BIRTHDAY = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_POINTS = re.compile(r"[0-9]{1,13}")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
# The end of a last day lies in the next year in some zones; answers go to the end of 2999.
_YEARS = range(1970, 2999)


class ValueFault(Exception):
    """A value that is not of its column's form."""


def read_ref(text: str, kind: str | None, secret: bytes | None) -> Ref:
    """A member's reference, as it is stored.

    Args:
        kind: of the column; None where the text itself says it, or is the shop's bare id.
        secret: what personal references are hashed with; None refuses them.

    Raises:
        ValueFault: as said.

    Rule: R-80.
    """
    name = text if kind is None else f"{kind}:{text}"
    try:
        return hashed(parse_ref(name), secret, "member_ref")
    except PersonalRefsOff as refusal:
        raise ValueFault(refusal.detail) from None
    except RefMalformed:
        if name.partition(":")[0] in PERSONAL:
            raise ValueFault(
                f"must be 1 to {MOST_PERSONAL} characters without control characters"
            ) from None
        raise ValueFault("must be 1 to 64 of A-Z a-z 0-9 . _ ~ -") from None


def read_instant(text: str) -> datetime:
    """An RFC 3339 instant with its zone, as UTC.

    Raises:
        ValueFault: as said.
    """
    try:
        if _INSTANT.fullmatch(text):
            instant = datetime.fromisoformat(text).astimezone(UTC)
            if instant.year in _YEARS:
                return instant
    except (ValueError, OverflowError):
        pass
    raise ValueFault("must be an instant with its zone, as 2026-03-31T16:00:00Z")


def read_last_day(text: str, zone: ZoneInfo) -> datetime:
    """The end of a local date, as the first instant after it.

    Raises:
        ValueFault: as said.

    Rule: R-04.
    """
    day = _read_day(text)
    if day is None:
        raise ValueFault("must be a date that exists, as 2026-03-31")
    return start_of_day(day + ONE_DAY, zone)


def read_since(text: str, zone: ZoneInfo) -> datetime:
    """An instant with its zone, or the first instant of a local date, as UTC.

    Raises:
        ValueFault: as said.

    Rule: R-04.
    """
    day = _read_day(text)
    return _day_or_instant(text) if day is None else start_of_day(day, zone)


def read_until(text: str, zone: ZoneInfo) -> datetime:
    """An instant with its zone, or the first one after a local date, as UTC.

    Raises:
        ValueFault: as said.

    Rule: R-04.
    """
    day = _read_day(text)
    return _day_or_instant(text) if day is None else start_of_day(day + ONE_DAY, zone)


def _day_or_instant(text: str) -> datetime:
    try:
        return read_instant(text)
    except ValueFault:
        message = (
            "must be a date that exists, as 2026-03-31, or an instant with its zone, "
            "as 2026-03-31T16:00:00Z"
        )
        raise ValueFault(message) from None


def _read_day(text: str) -> date | None:
    """A date that exists, of the years that are taken."""
    try:
        if _DAY.fullmatch(text) and int(text[:4]) in _YEARS:
            return date.fromisoformat(text)
    except ValueError:
        pass
    return None


def read_birthday(text: str) -> tuple[int, int]:
    """Month and day; the year is nobody's business.

    Raises:
        ValueFault: as said.
    """
    match = _BIRTHDAY.fullmatch(text)
    if match is None:
        raise ValueFault("must be month and day, as 02-29")
    month, day = int(match[1]), int(match[2])
    try:
        check_birthday(month, day)
    except BirthdayImpossible as refusal:
        raise ValueFault(refusal.detail) from None
    return month, day


def read_tags(text: str) -> tuple[str, ...]:
    """Tags that are separated by ``|``.

    Raises:
        ValueFault: as said.
    """
    tags = [tag.strip() for tag in text.split("|")]
    if len(tags) > MAX_TAGS or not all(_CODE.fullmatch(tag) for tag in tags):
        raise ValueFault(
            f"must be at most {MAX_TAGS} tags separated by |, each 1 to 40 of a-z 0-9 _"
        )
    return tidy_tags(tags)


def read_points(text: str) -> int:
    """Whole points, at least 1.

    Raises:
        ValueFault: as said.

    Rule: R-01.
    """
    points = int(text) if _POINTS.fullmatch(text) else 0
    if not 1 <= points <= MOST_POINTS:
        raise ValueFault(f"must be a whole number from 1 to {MOST_POINTS}")
    return points
