"""Members come from another system with the tier that they hold there."""

from datetime import date, datetime

from loyalty_service.kit.frozen import frozen
from loyalty_service.members.rules import Standing
from loyalty_service.program.rules.periods import local_date
from loyalty_service.program.rules.program import Program
from loyalty_service.tiers.rules.moves import Change, Move
from loyalty_service.tiers.rules.moving import Judge
from loyalty_service.tiers.rules.windows import term_end


@frozen
class OpeningTier:
    """The tier that a member brings.

    Args:
        tier: id of a tier of the program in force at the opening.
        since: when they came into it (UTC).
        until: when its term ends (UTC); None: as the program says.
    """

    tier: str
    since: datetime
    until: datetime | None


def ends_at(opening: OpeningTier, program: Program, enrolled_on: date) -> datetime | None:
    """When the term of a tier that is brought ends (UTC); None where it has none.

    Args:
        program: with ``tiers``.

    Rule: R-51.
    """
    tiers = program.tiers
    assert tiers is not None
    if opening.until is not None or tiers.is_safe(tiers.index_of(opening.tier)):
        return opening.until
    began_on = local_date(opening.since, program.zone)
    return term_end(tiers, program, opening.since, began_on, enrolled_on)


def take_up(judge: Judge, before: Standing, opening: OpeningTier) -> Change:
    """Put a member into the tier that they bring, whatever they have done here.

    Rule: R-54.
    """
    index = judge.tiers.index_of(opening.tier)
    until = ends_at(opening, judge.program, judge.record.enrolled_on)
    # No promotion of ours stands behind it that a return could undo.
    memo = {key: value for key, value in (before.memo or {}).items() if key != "undo"}
    standing = Standing(opening.tier, opening.since, until, None, memo or None)
    return Change(Move.IMPORTED, index, opening.since, standing)
