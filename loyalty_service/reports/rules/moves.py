"""How members would stand and move by one program and by another (R-51, R-52)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from loyalty_service.kit.frozen import frozen
from loyalty_service.program.rules.periods import local_date

EXAMPLES = 3


@frozen
class Outlook:
    """Where a member stands by a program that is in force, and what becomes of it next.

    Args:
        tier: its id; None where the program has no tiers.
        to: the tier that is next if nothing else happens; None: it stays.
        at: when (UTC).
    """

    tier: str | None
    to: str | None = None
    at: datetime | None = None


@frozen
class Move:
    """What becomes otherwise for a member by the new program than by the old one.

    Args:
        tier: where the member stands by the old one.
        is_at_once: whether the new one moves them as soon as it is in force.
        to: the tier that they come to; None: they stay, or the new one has no tiers.
        at: when (UTC); None: at once, or never.
        instead: what the old one would do next, and when; None: nothing.
        then: of a move at once, where the new one takes them next, and when; None: nowhere.
    """

    tier: str | None
    is_at_once: bool
    to: str | None
    at: datetime | None
    instead: str | None
    instead_at: datetime | None
    then: str | None = None
    then_at: datetime | None = None


@frozen
class Group:
    """Members who make the same move in the same month, or on the same day.

    Args:
        when, instead_when, then_when: local, as 2026-11 or 2026-11-30; days where the months would
            not tell the first two apart.
    """

    tier: str | None
    is_at_once: bool
    to: str | None
    when: str | None
    instead: str | None
    instead_when: str | None
    then: str | None = None
    then_when: str | None = None


@dataclass(slots=True)
class Moves:
    """What a new program would do to all members, counted.

    Args:
        zone: the program's, for months.
        before, after: members by the tier in which they stand at once, by the old and the new one.
        groups: how many make which move.
        examples: the first of them, by our numbers.
    """

    zone: ZoneInfo
    before: Counter[str | None] = field(default_factory=Counter)
    after: Counter[str | None] = field(default_factory=Counter)
    groups: Counter[Group] = field(default_factory=Counter)
    examples: dict[Group, list[int]] = field(default_factory=dict)

    def note(self, member_id: int, old: Outlook, new: Outlook) -> Move | None:
        """Count a member.

        Returns:
            what becomes otherwise for them; None where nothing does.
        """
        self.before[old.tier] += 1
        self.after[new.tier] += 1
        move = find_move(old, new, self.zone)
        if move is not None:
            group = group_of(move, self.zone)
            self.groups[group] += 1
            first = self.examples.setdefault(group, [])
            if len(first) < EXAMPLES:
                first.append(member_id)
        return move

    def listed(self) -> Sequence[Group]:
        """What happens at once, then by month, at last what does not happen any more."""
        return sorted(
            self.groups,
            key=lambda group: (
                not group.is_at_once,
                group.when is None,
                group.when or "",
                group.then_when or group.instead_when or "",
                -self.groups[group],
                group.tier or "",
                group.to or "",
            ),
        )


def group_of(move: Move, zone: ZoneInfo, *, by_day: bool = False) -> Group:
    """The group of those who move as this member does, in the same local month, or on one day.

    Of those who move at once it does not tell what would have become of them.
    """
    every = (move.at, move.instead_at, move.then_at)
    days = [None if at is None else local_date(at, zone).isoformat() for at in every]
    months = [None if day is None else day[:7] for day in days]
    if move.is_at_once:
        then_when = (days if by_day else months)[2]
        return Group(move.tier, True, move.to, None, None, None, move.then, then_when)
    is_alike = move.to == move.instead and months[0] == months[1]
    when, instead_when, _ = days if by_day or is_alike else months
    return Group(move.tier, move.is_at_once, move.to, when, move.instead, instead_when)


def find_move(old: Outlook, new: Outlook, zone: ZoneInfo) -> Move | None:
    """What becomes otherwise for a member; None where the same happens on the same day."""
    if old.tier != new.tier:
        return Move(old.tier, True, new.tier, None, old.to, old.at, new.to, new.at)
    days = [None if one.at is None else local_date(one.at, zone) for one in (old, new)]
    if old.to == new.to and days[0] == days[1]:
        return None
    return Move(old.tier, False, new.to, new.at, old.to, old.at)
