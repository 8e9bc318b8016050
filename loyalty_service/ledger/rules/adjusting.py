"""What an operator may put right by hand, and what not."""

from dataclasses import dataclass
from datetime import datetime

from loyalty_service.kit.errors import Conflict, Invalid, NotFound
from loyalty_service.ledger.rules.entry import Kind, Reason, Source


class EntryUnknown(NotFound):
    """The member has no such entry."""

    code = "entry_unknown"


class WalletUnknown(Invalid):
    """The program has no such wallet."""

    code = "wallet_unknown"


class NotReversible(Conflict):
    """This entry is not answered by a reversal."""

    code = "not_reversible"


class ExpiryPast(Invalid):
    """Points cannot be given with an end that has passed."""

    code = "expiry_past"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Points an operator gives (> 0) or takes (< 0).

    Args:
        expires_at: for points given, their end (UTC); None is the wallet's own expiry.
        allow_negative: whether a debit may go below what is there.
        note: free text; it stands beside the ledger.
        earned: for points given, whether tiers count them as earned (R-50).
    """

    wallet: str
    points: int
    note: str | None = None
    expires_at: datetime | None = None
    allow_negative: bool = False
    earned: bool = False


@dataclass(frozen=True, slots=True)
class Reversal:
    """An operator's answer to a mistake: the entry that should not have been written."""

    wallet: str
    seq: int
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What is asked of an entry before it is reversed; ``reversed_by`` is None while it stands.

    Args:
        lots: their numbers, and what each was given (> 0) or gave (< 0).
    """

    kind: Kind
    points: int
    reason: Reason
    source: Source
    program_version: int
    reversed_by: int | None
    occurred_at: datetime
    lots: tuple[tuple[int, int], ...]


def check_reversible(entry: Written) -> None:
    """Refuse to reverse what time, an order or a promotion brought, and to reverse twice.

    Raises:
        NotReversible: as said. Nothing is written.

    Rule: R-10.
    """
    if entry.reversed_by is not None:
        raise NotReversible(
            f"This entry was reversed by entry {entry.reversed_by} already.",
            path="reverses.entry",
            reversed_by=entry.reversed_by,
        )
    if entry.source is Source.ORDER:
        raise NotReversible(
            "What an order earned is taken back by a return or a cancellation of the order.",
            path="reverses.entry",
            source=entry.source.value,
        )
    if entry.source is Source.TIER:
        raise NotReversible(
            "What a promotion brought goes with it; take points by a debit instead.",
            path="reverses.entry",
            source=entry.source.value,
        )
    if entry.reason is Reason.TRANSFER:
        raise NotReversible(
            "Points that were transferred are transferred back.",
            path="reverses.entry",
            reason=entry.reason.value,
        )
    if entry.kind not in (Kind.CREDIT, Kind.DEBIT):
        raise NotReversible(
            f"An entry of kind {entry.kind} is not reversed; only credits and debits are.",
            path="reverses.entry",
            kind=entry.kind.value,
        )
