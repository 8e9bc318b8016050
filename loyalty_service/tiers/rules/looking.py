"""The tiers of a program, looking at what a member has done."""

from dataclasses import field
from datetime import date, datetime

from loyalty_service.kit.frozen import frozen
from loyalty_service.members.rules import Standing
from loyalty_service.program.rules.periods import local_date
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.tiers import Calendar, Qualification, Tiers, WindowTerm
from loyalty_service.tiers.rules.qualifying import Counted, Record, Tally, look
from loyalty_service.tiers.rules.windows import bounds, first_day_of, last_day_before


@frozen
class Looking:
    """The tiers of one program version and what one member has done.

    Args:
        program: with ``tiers``.
        seen: by day, what counts on it, as it was when it was asked for first.
    """

    program: Program
    tiers: Tiers
    record: Record
    seen: dict[date, dict[str, int]] = field(default_factory=dict, init=False, compare=False)

    def index(self, standing: Standing) -> int:
        """The place of the member's tier, from 0."""
        return self.tiers.index_of(standing.tier)

    def reached(self, day: date, *, above: int = 0) -> int:
        """The highest tier that what was done is enough for, judged on ``day``.

        Args:
            above: only tiers above this one are looked at; it is returned where none is reached.

        Rule: R-51.
        """
        levels = self.tiers.levels
        if above >= len(levels) - 1:
            return above
        counts = self._counts(day)
        for index in range(len(levels) - 1, above, -1):
            entry = levels[index].entry
            if entry is not None and self.record.is_enough(entry, counts):
                return index
        return above

    def enters(self, index: int, day: date) -> bool:
        """Whether what was done leads to a tier, judged on ``day``.

        Rule: R-50.
        """
        entry = self.tiers.levels[index].entry
        return entry is not None and self.record.is_enough(entry, self._counts(day))

    def keeps(self, index: int, day: date) -> bool:
        """Whether what was done is enough to keep a tier, judged on ``day``.

        Rule: R-52.
        """
        if self.is_safe(index):
            return True
        level, counts = self.tiers.levels[index], self._counts(day)
        record = self.record
        return (level.entry is not None and record.is_enough(level.entry, counts)) or (
            level.keep is not None and record.is_enough(level.keep, counts)
        )

    def asked(self, index: int, *, to_keep: bool) -> Qualification | None:
        """What a tier asks for, to be reached or to be kept; None for the lowest."""
        level = self.tiers.levels[index]
        return (level.keep or level.entry) if to_keep else level.entry

    def look(self, asked: Qualification, day: date) -> tuple[Counted, ...]:
        """What there is of each thing that is asked for, judged on ``day``."""
        return look(asked, self.record, self._counts(day))

    def tally(self, index: int, day: date, *, to_keep: bool) -> Tally | None:
        """The same with the days that count; None for a tier that asks for nothing.

        Rule: R-54.
        """
        asked = self.asked(index, to_keep=to_keep)
        if asked is None:
            return None
        return Tally(asked.match, self.first_day(day), day, self.look(asked, day))

    def window_on(self, day: date) -> tuple[date, date]:
        """The days that count on ``day``: the calendar window it lies in, else up to ``day``.

        Rule: R-53.
        """
        window = self.tiers.window
        if isinstance(window, Calendar):
            return bounds(window, day, self.record.enrolled_on)
        return self.first_day(day), day

    def first_day(self, day: date) -> date:
        """The first day that counts when the member is judged on ``day``.

        Rule: R-50.
        """
        return first_day_of(self.tiers, day, self.record.enrolled_on)

    def judged_on(self, instant: datetime) -> date:
        """The day a review looks back from: the last one, unless the tier is to be earned anew."""
        if self.tiers.term is WindowTerm.THIS:
            return local_date(instant, self.program.zone)
        return last_day_before(instant, self.program)

    def is_safe(self, index: int) -> bool:
        """Whether a tier is never lost."""
        return self.tiers.is_safe(index)

    def _counts(self, day: date) -> dict[str, int]:
        counts = self.seen.get(day)
        if counts is None:
            counts = self.seen[day] = self.record.between(self.first_day(day), day)
        return counts
