"""Which row and column was changed, when an entry is not what was hashed.

A change that makes the hash come out right again is what the row said before: nothing else gives
the same SHA-256. Only small, likely changes are tried; where none fits, the entry itself is named.
"""

import struct
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from loyalty_service.ledger.rules.chain import entry_hash
from loyalty_service.ledger.rules.entry import Allocation, Cause, Kind, Reason, Source
from loyalty_service.ledger.rules.lots import ALWAYS, STANDING
from loyalty_service.ledger.rules.stored import (
    StoredAllocation,
    StoredEntry,
    StoredLedger,
    Wrong,
    missing,
    surplus,
)

KINDS = {kind.value: kind for kind in Kind}
REASONS = {reason.value: reason for reason in Reason}
SOURCES = {source.value: source for source in Source}

SMALL_NUMBERS = range(1, 65)
"""Program versions and actors that are tried."""

TRIED_LOTS = 200
"""How many lots are tried for an allocation that was deleted or moved."""

Instants = tuple[datetime | None, datetime | None]
Repair = tuple[Wrong, StoredEntry, Sequence[StoredAllocation]]


@dataclass(frozen=True, slots=True)
class Before:
    """Where an account stands before the entry in question.

    Args:
        instants: beginnings and ends that lots of the account have or had.
    """

    stored: StoredLedger
    head: bytes
    balance: int
    lot_seq: int
    instants: Collection[Instants]


def hash_of(
    head: bytes, entry: StoredEntry, allocations: Sequence[StoredAllocation]
) -> bytes | None:
    """The hash a stored entry should have after ``head``; None where it cannot be written down.

    Rule: R-11.
    """
    try:
        cause = Cause(
            REASONS[entry.reason],
            SOURCES[entry.source],
            entry.source_no,
            entry.program_version,
            entry.actor_id,
            entry.occurred_at,
            entry.recorded_at,
            tuple(entry.rule_ids),
        )
        return entry_hash(
            head,
            KINDS[entry.kind],
            cause,
            [Allocation(a[3], a[4], a[5], a[6], a[7]) for a in allocations],
            member_id=entry.member_id,
            wallet=entry.wallet,
            seq=entry.seq,
            points=entry.points,
            balance_after=entry.balance_after,
            reverses=entry.reverses,
            explained=entry.explained,
            noted=entry.noted,
        )
    # A word that is not ours, a rule id that is NULL, a number beyond 8 bytes.
    except (KeyError, AttributeError, TypeError, struct.error):
        return None


def blame(before: Before, entry: StoredEntry, allocations: Sequence[StoredAllocation]) -> Wrong:
    """What is wrong with an entry whose hash does not come out.

    Rule: R-11.
    """
    for column, words in (("kind", KINDS), ("reason", REASONS), ("source", SOURCES)):
        found = getattr(entry, column)
        wrong = _first_that_fits(before, entry, _replace(entry, allocations, column, list(words)))
        if wrong is not None:
            return wrong
        if found not in words:
            return _entry(entry, column, ", ".join(words))
    repairs = chain.from_iterable(
        likely(before, entry, allocations)
        for likely in (_numbers, _instants, _texts, _allocations, _lots)
    )
    return _first_that_fits(before, entry, repairs) or _entry(
        entry, "hash", hash_of(before.head, entry, allocations)
    )


def _first_that_fits(before: Before, entry: StoredEntry, repairs: Iterable[Repair]) -> Wrong | None:
    return next(
        (wrong for wrong, e, a in repairs if hash_of(before.head, e, a) == entry.hash), None
    )


def _replace(
    entry: StoredEntry,
    allocations: Sequence[StoredAllocation],
    column: str,
    values: Collection[Any],
) -> Iterator[Repair]:
    for value in values:
        repaired = entry._replace(**{column: value})
        yield _entry(entry, column, value), repaired, allocations


def _numbers(
    before: Before, entry: StoredEntry, allocations: Sequence[StoredAllocation]
) -> Iterator[Repair]:
    given = sum(allocation.points for allocation in allocations)
    tried: dict[str, Collection[int | None]] = {
        "points": (entry.balance_after - before.balance, given, -entry.points),
        "balance_after": (before.balance + entry.points,),
        "source_no": (None, *SMALL_NUMBERS),
        "program_version": SMALL_NUMBERS,
        "actor_id": SMALL_NUMBERS,
        "reverses": (None, *range(1, min(entry.seq, TRIED_LOTS))),
    }
    for column, values in tried.items():
        yield from _replace(entry, allocations, column, values)


def _instants(
    before: Before, entry: StoredEntry, allocations: Sequence[StoredAllocation]
) -> Iterator[Repair]:
    likely = {entry.occurred_at, entry.recorded_at}
    likely.update(a.active_at for a in allocations if a.active_at is not None)
    likely.update(ends for _, ends in before.instants if ends is not None)
    neighbours = before.stored.entries[max(0, entry.seq - 2) : entry.seq + 1]
    likely.update(other.recorded_at for other in neighbours)
    for column in ("occurred_at", "recorded_at"):
        yield from _replace(entry, allocations, column, likely)


def _texts(
    before: Before, entry: StoredEntry, allocations: Sequence[StoredAllocation]
) -> Iterator[Repair]:
    beside = {"explained": before.stored.explained, "noted": before.stored.noted}
    for column, digests in beside.items():
        yield from _replace(entry, allocations, column, (None, digests.get(entry.seq)))
    # The same rules have probably given points before or since.
    likely = [entry.rule_ids[:-1]]
    likely += [other.rule_ids for other in before.stored.entries[:TRIED_LOTS]]
    yield from _replace(entry, allocations, "rule_ids", likely)


def _allocations(
    before: Before, entry: StoredEntry, allocations: Sequence[StoredAllocation]
) -> Iterator[Repair]:
    """One allocation was changed, or one was put in."""
    given = sum(allocation.points for allocation in allocations)
    for i, old in enumerate(allocations):
        rest = [*allocations[:i], *allocations[i + 1 :]]
        key = {"entry_seq": old.entry_seq, "lot_seq": old.lot_seq}
        yield surplus("allocation", **key), entry, rest
        tried: list[tuple[str, Any]] = [
            ("points", old.points + entry.points - given),
            ("points", -old.points),
            ("expired", not old.expired),
            *(("active_at", begins) for begins, _ in before.instants),
            *(("active_at", begins) for begins in (None, entry.occurred_at)),
            *(("expires_at", ends) for _, ends in before.instants),
            ("expires_at", None),
        ]
        for column, value in tried:
            new = old._replace(**{column: value})
            yield Wrong("allocation", key, column, value, getattr(old, column)), entry, [*rest, new]


def _lots(
    before: Before, entry: StoredEntry, allocations: Sequence[StoredAllocation]
) -> Iterator[Repair]:
    """One allocation was moved to another lot, or taken away."""
    first = max(1, before.lot_seq + 2 - TRIED_LOTS)
    for lot_seq in (STANDING, *range(first, before.lot_seq + 2)):
        for i, old in enumerate(allocations):
            key = {"entry_seq": old.entry_seq, "lot_seq": old.lot_seq}
            moved = [*allocations[:i], old._replace(lot_seq=lot_seq), *allocations[i + 1 :]]
            yield Wrong("allocation", key, "lot_seq", lot_seq, old.lot_seq), entry, moved
        for gone in _gone(before, entry, allocations, lot_seq):
            wrong = missing("allocation", entry_seq=entry.seq, lot_seq=lot_seq)
            yield wrong, entry, [*allocations, gone]


def _gone(
    before: Before, entry: StoredEntry, allocations: Sequence[StoredAllocation], lot_seq: int
) -> Iterator[StoredAllocation]:
    points = entry.points - sum(allocation.points for allocation in allocations)
    instants: set[Instants] = {(None, None), (ALWAYS, None), (entry.occurred_at, None)}
    if points >= 0:
        instants.update(
            (lot.active_at, lot.expires_at) for lot in before.stored.lots if lot.lot_seq == lot_seq
        )
    for active_at, expires_at in instants:
        yield StoredAllocation(
            entry.member_id,
            entry.wallet,
            entry.seq,
            lot_seq,
            points,
            active_at,
            expires_at,
            entry.kind == Kind.EXPIRE,
        )


def _entry(entry: StoredEntry, column: str, expected: object) -> Wrong:
    return Wrong("entry", {"seq": entry.seq}, column, expected, getattr(entry, column))
