"""The chain: SHA-256 over a canonical byte string, entry by entry (R-11).

Canonical bytes, version 1, in this order: version byte; member, sequence number, points, balance
after, source number, program version, actor, occurred at, recorded at, reversed entry (each 8
bytes, big-endian, signed; instants in microseconds since 1970; absent = 0, and none of these is
ever 0 when present); wallet, kind, reason, source (each a 4-byte length and UTF-8); the rule ids
(a count, then each as text); the digests of explanation and note (a length, then 0 or 32 bytes);
the allocations (a count, then for each, by lot number: lot, points, active at, expires at,
expired). The hash is SHA-256 of the previous hash followed by these bytes; the first entry of an
account follows 32 zero bytes.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from struct import Struct

from loyalty_service.ledger.rules.entry import Allocation, Cause, Kind

GENESIS = bytes(32)
_VERSION = b"\x01"
_NUMBERS = Struct(">10q")
_ALLOCATION = Struct(">5q")
_COUNT = Struct(">q")
_LENGTH = Struct(">I")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ABSENT = -(2**63)


def microseconds(instant: datetime) -> int:
    """Whole microseconds since 1970, exact (a float of seconds is not)."""
    gone = instant - _EPOCH
    return (gone.days * 86_400 + gone.seconds) * 1_000_000 + gone.microseconds


def digest(text: str | None) -> bytes | None:
    """SHA-256 of a text that stands beside the ledger; None stays None."""
    return None if text is None else sha256(text.encode()).digest()


def entry_hash(
    previous: bytes,
    kind: Kind,
    cause: Cause,
    allocations: Sequence[Allocation],
    *,
    member_id: int,
    wallet: str,
    seq: int,
    points: int,
    balance_after: int,
    reverses: int | None,
    explained: bytes | None,
    noted: bytes | None,
) -> bytes:
    """The hash of an entry after ``previous``.

    Rule: R-11.
    """
    parts = [
        previous,
        _VERSION,
        _NUMBERS.pack(
            member_id,
            seq,
            points,
            balance_after,
            cause.source_no or 0,
            cause.program_version,
            cause.actor_id,
            microseconds(cause.occurred_at),
            microseconds(cause.recorded_at),
            reverses or 0,
        ),
        _texts(wallet, kind, cause.reason, cause.source),
        _COUNT.pack(len(cause.rule_ids)),
        _texts(*cause.rule_ids),
        _sized(explained or b""),
        _sized(noted or b""),
        _COUNT.pack(len(allocations)),
    ]
    parts += [_allocation(a) for a in sorted(allocations, key=_lot_seq)]
    return sha256(b"".join(parts)).digest()


def _lot_seq(allocation: Allocation) -> int:
    return allocation.lot_seq


def _allocation(allocation: Allocation) -> bytes:
    active_at, expires_at = allocation.active_at, allocation.expires_at
    return _ALLOCATION.pack(
        allocation.lot_seq,
        allocation.points,
        _ABSENT if active_at is None else microseconds(active_at),
        _ABSENT if expires_at is None else microseconds(expires_at),
        allocation.expired,
    )


# Wallets, kinds, reasons and rules: the same few names, side by side in entry after entry.
@lru_cache(maxsize=1_024)
def _texts(*texts: str) -> bytes:
    return b"".join([_sized(text.encode()) for text in texts])


def _sized(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data
