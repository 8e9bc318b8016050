"""Reads of program versions."""

from collections.abc import Callable, Sequence
from typing import Any

from loyalty_service.program.rules.versions import Version

Fetch = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]

_COLUMNS = "SELECT version, in_force_at, applied_by, document FROM program_version "
_AFTER = _COLUMNS + "WHERE version > %s ORDER BY version"
_NEWEST = _COLUMNS + "ORDER BY version DESC LIMIT 1"
_PAGE = _COLUMNS + "WHERE version < %s ORDER BY version DESC LIMIT %s"
_ONE = _COLUMNS + "WHERE version = %s"
_DIGEST = "SELECT digest FROM program_version WHERE version = %s"
_HOLDS_ENTRIES = "SELECT EXISTS (SELECT FROM account WHERE wallet = %s)"

_HOLDERS = "SELECT tier, count(*) FROM member WHERE tier = ANY(%s) GROUP BY tier"


def list_after(fetch: Fetch, version: int) -> list[Version]:
    """The versions after that one, oldest first."""
    return [Version(*row) for row in fetch(_AFTER, (version,))]


def list_before(fetch: Fetch, version: int, limit: int) -> list[Version]:
    """At most ``limit`` versions before that one, newest first."""
    return [Version(*row) for row in fetch(_PAGE, (version, limit))]


def find_newest(fetch: Fetch) -> Version | None:
    """The newest version, or None before the first."""
    rows = fetch(_NEWEST, ())
    return Version(*rows[0]) if rows else None


def has_digest(fetch: Fetch, version: int, digest: bytes) -> bool:
    """Whether that version's document has this digest."""
    rows = fetch(_DIGEST, (version,))
    return bool(rows) and bytes(rows[0][0]) == digest


def has_entries(fetch: Fetch, wallet: str) -> bool:
    """Whether any member has an account in that wallet; a whole scan where none has."""
    return bool(fetch(_HOLDS_ENTRIES, (wallet,))[0][0])


def count_holders(fetch: Fetch, tiers: Sequence[str]) -> dict[str, int]:
    """How many members hold which of these tiers, in their order; a whole scan of members."""
    found: dict[str, int] = dict(fetch(_HOLDERS, (list(tiers),))) if tiers else {}
    return {tier: found[tier] for tier in tiers if tier in found}


def find_version(fetch: Fetch, version: int) -> Version | None:
    """That version, or None."""
    rows = fetch(_ONE, (version,))
    return Version(*rows[0]) if rows else None
