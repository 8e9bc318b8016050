"""Versions of a program: which one is in force, and what a new one may not change."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loyalty_service.kit.errors import Conflict, Invalid, NotFound
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.reading import Fault


class NoProgram(Conflict):
    """No program has been applied yet."""

    code = "no_program"


class ProgramUnknown(NotFound):
    """There is no such version of the program."""

    code = "program_version_unknown"


class ProgramFaulty(Invalid):
    """The document has faults; all of them are listed."""

    code = "program_faulty"


class ProgramFixed(Invalid):
    """What a running program cannot change: currency, zone, lowest tier, wallets with entries."""

    code = "program_fixed"


class TierHeld(Conflict):
    """Members hold a tier that the document drops."""

    code = "tier_held"


@dataclass(frozen=True, slots=True)
class Version:
    """One applied version, as it is stored."""

    version: int
    in_force_at: datetime
    applied_by: str
    document: str


def find_in_force(in_force_at: Sequence[datetime], at: datetime) -> int:
    """Which of the versions is in force at an instant: the last that began by then, or the first.

    Args:
        in_force_at: when each version came into force, in their order, at least one.
        at: the instant asked about.

    Returns:
        Its place in ``in_force_at``, from 0.

    Rule: R-06.
    """
    return max(0, bisect_right(in_force_at, at) - 1)


def faulty(faults: Sequence[Fault]) -> ProgramFaulty:
    """The refusal that lists every fault of a document."""
    count = f"{len(faults)} fault" + ("" if len(faults) == 1 else "s")
    listed = [
        {"line": each.line, "path": each.path, "message": each.message, "expected": each.expected}
        for each in faults
    ]
    return ProgramFaulty(f"The program document has {count}.", path="document", faults=listed)


def require_endings(endless: Sequence[str]) -> None:
    """Check that no rule or tier gives points for ever where all points end together.

    Raises:
        ProgramFixed: these do.

    Rule: R-26.
    """
    if endless:
        names = ", ".join(endless)
        raise ProgramFixed(
            "Since the expiry of their wallet was turned on, all its points have an end, so "
            f"nothing of it is given for ever: {names}. Give them a long period instead.",
            path="document",
            endless=list(endless),
        )


def list_dropped_wallets(running: Program, new: Program) -> list[str]:
    """The wallets of the running program that the new one does not have."""
    return [each.id for each in running.wallets if new.find_wallet(each.id) is None]


def list_dropped_tiers(running: Program, new: Program) -> list[str]:
    """The tiers of the running program that the new one does not have, lowest first.

    The lowest is left out: everybody in it stands in whatever is the lowest then.
    """
    before = () if running.tiers is None else running.tiers.levels[1:]
    kept = () if new.tiers is None else new.tiers.levels
    return [tier.id for tier in before if tier.id not in {level.id for level in kept}]


def require_nobody_in(holders: Mapping[str, int]) -> None:
    """Check that no member holds a tier that a new version drops.

    Args:
        holders: members by dropped tier, where there are any.

    Raises:
        TierHeld: as said; no setting says where they would go.

    Rule: R-54.
    """
    if not holders:
        return
    named = ", ".join(
        f"{tier} ({number:,} member{'' if number == 1 else 's'})"
        for tier, number in holders.items()
    )
    raise TierHeld(
        f"Tiers that members hold, as last written down, stay in the document: {named}. Keep each "
        "as it is called, let its entry ask for more so that nobody new comes to it, and drop it "
        "when reviews have taken everybody out; `loyalty program diff` tells when.",
        path="document.tiers.levels",
        tiers=[{"tier": tier, "members": number} for tier, number in holders.items()],
    )


def require_continues(running: Program, new: Program, used_wallets: Collection[str]) -> None:
    """Check that a new version can follow the running one.

    Sums are kept by local day and in minor units, so zone and currency stay; entries stay for
    ever, so their wallets do. Who never moved stands in the lowest tier, so it stays below others.

    Args:
        running: the newest version.
        new: what is to follow it.
        used_wallets: dropped wallets that hold entries.

    Raises:
        ProgramFixed: it changes what a running program cannot change.

    Rule: R-01, R-04, R-10, R-54.
    """
    kept: list[tuple[str, dict[str, Any]]] = [
        (
            f"its {path.replace('_', ' ')} {before}, not {after}",
            {"path": f"document.{path}", "running": before, "asked": after},
        )
        for path, before, after in (
            ("currency", running.currency, new.currency),
            ("time_zone", running.zone.key, new.zone.key),
        )
        if before != after
    ]
    lowest = _risen_lowest(running, new)
    if lowest is not None:
        told = f"the lowest tier {lowest[0]} the lowest, not above {lowest[1]}, or drops it"
        values = {"path": "document.tiers.levels", "running": lowest[0], "asked": lowest[1]}
        kept.append((told, values))
    if used_wallets:
        missing = sorted(used_wallets)
        told = f"the wallets that hold entries: {', '.join(missing)}"
        kept.append((told, {"path": "document.wallets", "missing": missing}))
    if kept:
        raise ProgramFixed(
            f"A running program keeps {'; '.join(told for told, _ in kept)}.",
            path=kept[0][1]["path"],
            kept=[values for _, values in kept],
        )


def _risen_lowest(running: Program, new: Program) -> tuple[str, str] | None:
    """The lowest tier and the one that a new version puts below it; None where it puts none.

    Who never moved stands in whatever is the lowest, so they would fall without a word.
    """
    if running.tiers is None or new.tiers is None:
        return None
    was, lowest = running.tiers.levels[0].id, new.tiers.levels[0].id
    is_there = any(tier.id == was for tier in new.tiers.levels)
    return (was, lowest) if is_there and was != lowest else None
