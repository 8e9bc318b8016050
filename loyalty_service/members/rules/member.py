"""Who a member is: outside references, and the few facts that conditions may ask for."""

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from loyalty_service.kit import naming
from loyalty_service.kit.errors import Conflict, Invalid, Malformed, NotFound
from loyalty_service.kit.frozen import frozen
from loyalty_service.kit.instants import instant_text

SHOP = "shop"
PERSONAL = frozenset(naming.PERSONAL_KINDS)
MAX_REFS = 16
MAX_TAGS = 32
_REF = re.compile(rf"(?:({naming.KIND_PATTERN}):)?({naming.REF_PATTERN})")
_PERSONAL = re.compile(rf"({'|'.join(naming.PERSONAL_KINDS)}):({naming.PERSONAL_PATTERN})")
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class MemberUnknown(NotFound):
    """No member has this reference."""

    code = "member_unknown"


class RefMalformed(Malformed):
    """A member reference is ``kind:value``, or the shop's bare customer id."""

    code = "member_ref_malformed"


class PersonalRefsOff(Invalid):
    """Personal references need a secret to be hashed with, and none is configured."""

    code = "personal_refs_off"


class RefTaken(Conflict):
    """The reference belongs to another member."""

    code = "member_ref_taken"


class RedemptionLocked(Conflict):
    """The member's points are locked: they can be earned, not spent or given away."""

    code = "redemption_locked"


class InTheFuture(Invalid):
    """What is said to have happened lies in the future."""

    code = "in_the_future"


class BirthdayImpossible(Invalid):
    """No year has this day."""

    code = "birthday_impossible"


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """An outside name of a member, as it is stored: a personal value only as a keyed hash."""

    kind: str
    value: str

    def __str__(self) -> str:
        return self.value if self.kind == SHOP else f"{self.kind}:{self.value}"


def parse_ref(text: str) -> Ref:
    """Read ``kind:value``, or a bare shop customer id.

    Raises:
        RefMalformed: it is neither.

    Rule: R-80.
    """
    match = _PERSONAL.fullmatch(text) or _REF.fullmatch(text)
    if match is None:
        raise RefMalformed(
            "A member reference is kind:value or a bare customer id, made of 1 to 64 of "
            "A-Z a-z 0-9 . _ ~ - (a phone or mail: of 1 to 254 of any character).",
            path="member_ref",
            asked=text[:100],
        )
    return Ref(match[1] or SHOP, match[2])


def stored_ref(kind: str, value: str, secret: bytes | None, path: str = "kind") -> Ref:
    """The reference as it is stored: of a personal one only HMAC-SHA-256 under ``secret``.

    A refusal says that it stands at ``path``.

    Raises:
        PersonalRefsOff: the kind is personal and there is no secret.

    Rule: R-80.
    """
    if kind not in PERSONAL:
        return Ref(kind, value)
    if secret is None:
        raise PersonalRefsOff(
            f"References of kind {kind} are stored only as a keyed hash; "
            "set LOYALTY_REF_SECRET_FILE first.",
            path=path,
            asked=kind,
        )
    return Ref(kind, hmac.new(secret, f"{kind}:{value}".encode(), sha256).hexdigest())


def hashed(ref: Ref, secret: bytes | None, path: str) -> Ref:
    """A reference as a caller names it at ``path``, as ``stored_ref`` has it."""
    return stored_ref(ref.kind, ref.value, secret, path)


def check_birthday(month: int, day: int) -> None:
    """Refuse a day that no year has; 29 February is one.

    Raises:
        BirthdayImpossible: as said.
    """
    if day > _DAYS[month - 1]:
        raise BirthdayImpossible(
            f"Month {month} has at most {_DAYS[month - 1]} days.",
            path="birthday.day",
            asked=day,
            limit=_DAYS[month - 1],
        )


def check_past(instant: datetime, now: datetime, path: str = "occurred_at") -> None:
    """Refuse what is said to have happened later than now.

    Raises:
        InTheFuture: as said. Nothing is written.

    Rule: R-05.
    """
    if instant > now:
        asked, limit = instant_text(instant), instant_text(now)
        message = f"{asked} lies in the future: it is {limit} now."
        raise InTheFuture(message, path=path, asked=asked, limit=limit)


@frozen
class Standing:
    """Where a member stands among the tiers, and when time next asks for them.

    Args:
        tier: None for the lowest, in which nobody was put yet.
        until: when the tier's term ends (UTC); None: it has none.
        grace_until: until when the tier is left to a member who no longer earns it.
        memo: what later decisions have to know, JSON-ready.
        due_at: when time next brings something that neither lots nor holds tell; None: never.
        due_by: the program version that ``due_at`` was reckoned by; 0: it has to be reckoned.
    """

    tier: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    grace_until: datetime | None = None
    memo: Mapping[str, Any] | None = None
    due_at: datetime | None = None
    due_by: int = 0

    def due(self, at: datetime | None, by: int) -> "Standing":
        """The same, with when time next asks for the member and by which version that is."""
        return Standing(self.tier, self.since, self.until, self.grace_until, self.memo, at, by)


NOWHERE = Standing()


@dataclass(slots=True)
class Member:
    """What a locked member's row says, moving as the operation decides.

    Args:
        member_id: our number; it means nothing.
        caught_up_to: the member's clock: the latest instant caught up or recorded (UTC).
        recorded_at: when anything was last recorded for the member (UTC).
        live_orders: paid orders that are not fully returned.
        holds_lapse_at: the earliest lapse of what is held for orders; None: nothing is.
        redemption_locked_since: since when points may not leave (R-82); None: they may.
        program_version: the newest version, read after the lock.
        standing: where the member stands among the tiers; ``stored``: as it was read.
        happened: what this operation will publish, in order.
        tier_changes: rows of ``tier_change`` that it will write.
    """

    member_id: int
    refs_version: int
    enrolled_at: datetime
    birth_month: int | None
    birth_day: int | None
    tags: tuple[str, ...]
    caught_up_to: datetime
    recorded_at: datetime
    event_seq: int
    order_seq: int
    live_orders: int
    check_in_on: date | None
    check_in_streak: int
    holds_lapse_at: datetime | None
    redemption_locked_since: datetime | None
    program_version: int
    standing: Standing = NOWHERE
    stored: Standing = NOWHERE
    happened: list[tuple[int, str, datetime, dict[str, Any]]] = field(default_factory=list)
    tier_changes: list[tuple[Any, ...]] = field(default_factory=list)

    def meet(self, occurred_at: datetime, now: datetime) -> datetime:
        """Move the member's clock to an act and return the instant it meets lots and limits at.

        That is the act's own instant, or the member's clock for one that arrives late.

        Rule: R-05, R-55.
        """
        self.recorded_at = max(now, self.recorded_at)
        self.caught_up_to = max(occurred_at, self.caught_up_to)
        return self.caught_up_to

    def tell(self, kind: str, occurred_at: datetime, payload: dict[str, Any]) -> int:
        """Note what happened for the outbox; returns its number among the member's events."""
        self.event_seq += 1
        self.happened.append((self.event_seq, kind, occurred_at, payload))
        return self.event_seq


def tidy_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags without repetition, sorted, so that the same set is stored the same."""
    return tuple(sorted(set(tags)))
