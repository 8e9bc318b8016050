"""Where a member stands, what is missing, and what the next review will do (R-53)."""

from datetime import datetime
from typing import Any

from loyalty_service.kit.errors import NotFound
from loyalty_service.kit.frozen import frozen
from loyalty_service.members.rules import Standing
from loyalty_service.program.rules.periods import local_date
from loyalty_service.program.rules.tiers import Match, Qualification, Tiers
from loyalty_service.tiers.rules.moving import Judge
from loyalty_service.tiers.rules.qualifying import Counted, is_met


class NoTiers(NotFound):
    """The program in force has no tiers, so nobody stands anywhere."""

    code = "no_tiers"


@frozen
class Progress:
    """How far a member is with what a tier asks for.

    Args:
        index: the place of the tier.
        asked: all or any of it.
    """

    index: int
    asked: Qualification
    counted: tuple[Counted, ...]

    @property
    def percent(self) -> int:
        """How much of it is there, rounded down: the least of all, or the most of any."""
        parts = [100 * one.amount // one.criterion.at_least for one in self.counted]
        return min(parts) if self.asked.match is Match.ALL else max(parts)

    def told(self) -> list[dict[str, Any]]:
        """Every criterion with what is still missing of it."""
        return [
            {**one.told(), "missing": max(0, one.criterion.at_least - one.amount)}
            for one in self.counted
        ]


def progress_to_next(judge: Judge, standing: Standing, at: datetime) -> Progress | None:
    """What the next tier asks for, and what there is of it; None in the highest.

    Rule: R-53.
    """
    index = judge.index(standing) + 1
    if index >= len(judge.tiers.levels):
        return None
    return _progress(judge, index, at, to_keep=False)


def step_crossed(tiers: Tiers, was: int, now: int) -> int | None:
    """The highest step between two percentages; None where none was crossed on the way up.

    Rule: R-56.
    """
    return max((step for step in tiers.notify_at if was < step <= now), default=None)


def progress_to_keep(judge: Judge, standing: Standing, at: datetime) -> Progress | None:
    """What the tier that is held asks for to be kept; None where it is never lost.

    Rule: R-53.
    """
    index, day = judge.index(standing), local_date(at, judge.program.zone)
    if judge.is_safe(index):
        return None
    progress = _progress(judge, index, at, to_keep=True)
    if not is_met(progress.asked, [one.amount for one in progress.counted]) and judge.enters(
        index, day
    ):
        # Who would enter today keeps the tier, whatever keeping it asks for.
        return _progress(judge, index, at, to_keep=False)
    return progress


def _progress(judge: Judge, index: int, at: datetime, *, to_keep: bool) -> Progress:
    asked = judge.asked(index, to_keep=to_keep)
    assert asked is not None
    day = local_date(at, judge.program.zone)
    return Progress(index, asked, judge.look(asked, day))
