"""The ledger's rows as they stand in the database, before anything of them is believed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from loyalty_service.kit.instants import instant_text

Shown = str | int | bool | None

ROW = "row"
"""Stands for a whole row where a fault is not about one column."""


class StoredEntry(NamedTuple):
    """A row of ``entry``; ``kind``, ``reason`` and ``source`` may be anything."""

    member_id: int
    wallet: str
    seq: int
    kind: str
    points: int
    reason: str
    source: str
    source_no: int | None
    program_version: int
    rule_ids: list[str]
    actor_id: int
    occurred_at: datetime
    recorded_at: datetime
    balance_after: int
    reverses: int | None
    explained: bytes | None
    noted: bytes | None
    hash: bytes


class StoredAllocation(NamedTuple):
    """A row of ``allocation``."""

    member_id: int
    wallet: str
    entry_seq: int
    lot_seq: int
    points: int
    active_at: datetime | None
    expires_at: datetime | None
    expired: bool


class StoredLot(NamedTuple):
    """A row of ``lot``: the cache of what the allocations left open."""

    member_id: int
    wallet: str
    lot_seq: int
    order_no: int | None
    opened: int
    remaining: int
    active_at: datetime | None
    expires_at: datetime | None


class StoredHold(NamedTuple):
    """A row of ``hold``; ``ended_at`` is None while it is open."""

    member_id: int
    wallet: str
    order_no: int
    hold_no: int
    lot_seq: int
    points: int
    held_at: datetime
    lapses_at: datetime
    ended_at: datetime | None

    def stood(self, since: datetime, until: datetime) -> bool:
        """Whether points were held at some instant between these, the edges included."""
        return self.held_at <= until and since <= self.ends_at

    @property
    def ends_at(self) -> datetime:
        """When it ended, or will if nobody ends it before."""
        return self.lapses_at if self.ended_at is None else min(self.ended_at, self.lapses_at)


class StoredAccount(NamedTuple):
    """A row of ``account``: the cache of where the entries ended."""

    member_id: int
    wallet: str
    seq: int
    lot_seq: int
    balance: int
    deficit: int
    head: bytes
    ends_at: datetime | None


@dataclass(slots=True)
class StoredLedger:
    """Every row of one wallet of one member.

    Args:
        account: None when the row is missing.
        entries: by number. allocations: by entry and lot number. lots: by number.
        holds: by order and number, ended ones too.
        explained: entry number -> digest of the explanation that stands beside it.
        noted: entry number -> digest of the note that stands beside it.
    """

    member_id: int
    wallet: str
    account: StoredAccount | None = None
    entries: list[StoredEntry] = field(default_factory=list)
    allocations: list[StoredAllocation] = field(default_factory=list)
    lots: list[StoredLot] = field(default_factory=list)
    holds: list[StoredHold] = field(default_factory=list)
    explained: dict[int, bytes] = field(default_factory=dict)
    noted: dict[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fault:
    """The first row of an account, or of a member, that is wrong, and how.

    Args:
        wallet: None where the fault is not about one wallet.
        key: the rest of the row's key.
        column: the column, or ``row`` where a whole row is missing or should not be there.
        expected: what the other rows say it must be; for a row, whether it must be there.
    """

    member_id: int
    wallet: str | None
    table: str
    key: Mapping[str, Shown]
    column: str
    expected: Shown
    found: Shown


class Wrong(Exception):
    """What a check found wrong in a row; the account is known to whoever catches it."""

    def __init__(
        self, table: str, key: Mapping[str, int], column: str, expected: object, found: object
    ) -> None:
        super().__init__(f"{table} {dict(key)} {column}: expected {expected}, found {found}")
        self.table = table
        self.key = key
        self.column = column
        self.expected = expected
        self.found = found

    def in_account(self, member_id: int, wallet: str) -> Fault:
        """The fault, with the account it was found in."""
        return Fault(
            member_id,
            wallet,
            self.table,
            dict(self.key),
            self.column,
            show(self.expected),
            show(self.found),
        )


def missing(table: str, **key: int) -> Wrong:
    """A row that must be there and is not."""
    return Wrong(table, key, ROW, "present", "missing")


def surplus(table: str, **key: int) -> Wrong:
    """A row that must not be there and is."""
    return Wrong(table, key, ROW, "missing", "present")


def show(value: object) -> Shown:
    """A stored value as reports tell it."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, Sequence):
        return ", ".join(str(part) for part in value)
    return str(value)
