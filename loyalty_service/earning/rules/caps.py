"""Limits on what the rules that count may give together."""

from collections.abc import Iterable, Mapping

from loyalty_service.kit.frozen import frozen
from loyalty_service.program.rules.earning import Cap, CapPer, CapUnit, OverCap


@frozen
class Cut:
    """What a cap left of one rule's points."""

    rule_id: str
    before: int
    after: int


@frozen
class Bite:
    """A cap that was exceeded: ``asked`` and ``room`` in its own unit, and what it cut."""

    cap: Cap
    asked: int
    room: int
    cuts: tuple[Cut, ...]


def apply_caps(
    caps: Iterable[Cap], given: Mapping[str, int], used: Mapping[str, int]
) -> tuple[dict[str, int], tuple[Bite, ...]]:
    """Cut points down to the caps; each cap sees what the former ones left.

    Args:
        caps: in the order they apply: per rule, per order, per member.
        given: whole points by rule id, the last to be cut first.
        used: points or times already used, by id of a cap per member, in that cap's period.

    Rule: R-23.
    """
    left = dict(given)
    bites = []
    for cap in caps:
        for covered in _covered_together(cap, left):
            bite = _bite(cap, covered, _room(cap, used))
            if bite is not None:
                left.update((cut.rule_id, cut.after) for cut in bite.cuts)
                bites.append(bite)
    return left, tuple(bites)


def _covered_together(cap: Cap, left: Mapping[str, int]) -> list[dict[str, int]]:
    covered = {rule: points for rule, points in left.items() if points and rule in cap.covers}
    if not covered:
        return []
    if cap.per is CapPer.RULE:
        return [{rule: points} for rule, points in covered.items()]
    return [covered]


def _room(cap: Cap, used: Mapping[str, int]) -> int:
    if cap.per is not CapPer.MEMBER:
        return cap.limit
    # Used may be above the limit, where a later version of the program lowered it, and below
    # nothing, where something was returned that was earned before the cap began to count.
    return max(cap.limit - max(used.get(cap.id, 0), 0), 0)


def _bite(cap: Cap, covered: Mapping[str, int], room: int) -> Bite | None:
    asked = len(covered) if cap.unit is CapUnit.TIMES else sum(covered.values())
    if asked <= room:
        return None
    kept = _kept(cap, covered, room)
    cuts = [
        Cut(rule, points, kept.get(rule, 0))
        for rule, points in covered.items()
        if kept.get(rule, 0) < points
    ]
    return Bite(cap, asked, room, tuple(cuts))


def _kept(cap: Cap, covered: Mapping[str, int], room: int) -> dict[str, int]:
    if cap.over is OverCap.REJECT:
        return {}
    if cap.unit is CapUnit.TIMES:
        return dict(list(covered.items())[:room])
    kept = {}
    for rule, points in covered.items():
        kept[rule] = min(points, room)
        room -= kept[rule]
    return kept
