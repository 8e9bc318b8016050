"""How members rise, keep their tier and fall: at once, at reviews, and when a return undoes it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from loyalty_service.kit.frozen import frozen
from loyalty_service.members.rules import Standing, Total
from loyalty_service.program.rules.periods import earlier, local_date, start_of_day
from loyalty_service.program.rules.tiers import Demote, NoTerm, OnReturn, Promote, Qualification
from loyalty_service.tiers.rules.looking import Looking
from loyalty_service.tiers.rules.moves import Change, Move
from loyalty_service.tiers.rules.qualifying import Tally, look, metrics_of, took_back
from loyalty_service.tiers.rules.windows import (
    last_day_before,
    lasting_end,
    next_boundary,
    next_change,
    term_end,
)


@frozen
class Judge(Looking):
    """The tiers of one program version, moving one member."""

    def at_once(self, standing: Standing, instant: datetime) -> Change | None:
        """Promotion by what has just come, and what else needs no review.

        A member in grace who qualifies again keeps the tier. Without a term the tier is lost as
        soon as it is no longer earned.

        Rule: R-51, R-52.
        """
        index, day = self.index(standing), local_date(instant, self.program.zone)
        if self.tiers.promote is Promote.AT_ONCE:
            higher = self.reached(day, above=index)
            if higher > index:
                return self._promote(standing, higher, instant, day)
        if standing.grace_until is not None:
            return self._keep(standing, instant, day) if self.keeps(index, day) else None
        if self.follows(standing) and not self.keeps(index, day):
            return self._fall(standing, instant, day, day)
        return None

    def review(self, standing: Standing, instant: datetime) -> Change | None:
        """Look at a member whose term or grace ends, or whose turn it is; None: nothing changes.

        Rule: R-52.
        """
        index, judged = self.index(standing), self.judged_on(instant)
        higher = self.reached(judged, above=index)
        if higher > index:
            return self._promote(standing, higher, instant, judged)
        is_over = _has_ended(standing, instant)
        if self.keeps(index, judged):
            return self._keep(standing, instant, judged) if is_over else None
        if standing.grace_until is None:
            return self._fall(standing, instant, judged, last_day_before(instant, self.program))
        return self._demote(standing, instant, judged)

    def is_turn(self, standing: Standing, instant: datetime) -> bool:
        """Whether a member is to be reviewed at an instant.

        Rule: R-51, R-52.
        """
        if standing.until is not None or standing.grace_until is not None:
            return _has_ended(standing, instant)
        if self.tiers.promote is Promote.AT_ONCE:
            return False
        today = local_date(instant, self.program.zone)
        before = last_day_before(instant, self.program)
        enrolled_on = self.record.enrolled_on
        return next_boundary(self.tiers.window, before, enrolled_on) == today

    def undo(
        self,
        standing: Standing,
        instant: datetime,
        moved: Mapping[Total, int],
        entry: Qualification | None = None,
    ) -> Change | None:
        """A promotion falls with the return that takes away what it rested on.

        Args:
            moved: what was just counted; less than nothing is what came back.
            entry: what the version asked that promoted; None: what this one asks.

        Rule: R-52.
        """
        undo = (standing.memo or {}).get("undo")
        if self.tiers.on_return is not OnReturn.AT_ONCE or undo is None:
            return None
        index, day = self.index(standing), local_date(instant, self.program.zone)
        entry = entry or self.tiers.levels[index].entry
        days = (date.fromisoformat(undo["first"]), date.fromisoformat(undo["last"]))
        if entry is None or not took_back(entry, moved, *days):
            return None
        before = replace(self, record=self.record.before(moved, day))
        # What fell by other things stays until its review.
        if self._rests(entry, index, days, day) or not before._rests(entry, index, days, day):
            return None
        counts = self.record.between(*days)
        tally = Tally(entry.match, *days, look(entry, self.record, counts))
        stood = self._stood(standing, instant, day)
        return Change(Move.UNDONE, self.index(stood), instant, stood, tally)

    def _rests(self, entry: Qualification, index: int, days: tuple[date, date], day: date) -> bool:
        """Whether there is enough for a promotion, by the days it rested on or today."""
        counts = self.record.between(*days)
        return self.record.is_enough(entry, counts) or self.reached(day, above=index - 1) >= index

    def _stood(self, standing: Standing, instant: datetime, day: date) -> Standing:
        """What stood before a promotion; where that tier is gone, the one that is reached."""
        undo = (standing.memo or {})["undo"]
        memo = _without_undo(standing.memo)
        if "undo" in undo:
            memo["undo"] = undo["undo"]
        if undo["tier"] is not None and self.tiers.find(undo["tier"]).id != undo["tier"]:
            return self._stands(self.reached(day), instant, day, since=instant, memo=memo)
        since, until, grace = (_instant(undo[name]) for name in ("since", "until", "grace"))
        return Standing(undo["tier"], since, until, grace, memo or None)

    def begin_term(self, standing: Standing, instant: datetime) -> Change | None:
        """A tier that had no end gets one, where a new version of the program gives terms.

        Rule: R-51.
        """
        if standing.until is not None or standing.grace_until is not None:
            return None
        index, day = self.index(standing), local_date(instant, self.program.zone)
        renewed = self._stands(index, instant, day, since=standing.since, memo=standing.memo)
        if renewed.until is None:
            return None
        return Change(Move.TERM_BEGAN, index, instant, renewed)

    def replace(self, standing: Standing, instant: datetime) -> Change | None:
        """A tier that the program does not have gives way to the one that is reached.

        Rule: R-54.
        """
        if standing.tier is None or self.tiers.find(standing.tier).id == standing.tier:
            return None
        day = local_date(instant, self.program.zone)
        index = self.reached(day)
        memo = _without_undo(standing.memo)
        placed = self._stands(index, instant, day, since=instant, memo=memo)
        tally = self.tally(index, day, to_keep=False)
        return Change(Move.REPLACED, index, instant, placed, tally)

    def next_due(self, standing: Standing, after: datetime) -> datetime | None:
        """When time next has something to say of a member's tier if nothing else happens.

        Args:
            after: everything up to this instant has been looked at (UTC).

        Rule: R-51 to R-53, R-55.
        """
        day = local_date(after, self.program.zone)
        coming = self._next_coming(standing, day)
        begins = None if coming is None else start_of_day(coming, self.program.zone)
        return earlier(self.next_review(standing, after), begins)

    def next_review(self, standing: Standing, after: datetime) -> datetime | None:
        """When the tier is next looked at whatever has come by then; None: never.

        Args:
            after: everything up to this instant has been looked at (UTC).

        Rule: R-51 to R-53.
        """
        ends = standing.until if standing.grace_until is None else standing.grace_until
        turn = self._next_turn(standing, local_date(after, self.program.zone))
        return earlier(ends, None if turn is None else start_of_day(turn, self.program.zone))

    def follows(self, standing: Standing) -> bool:
        """Whether the tier stands only as long as it is earned: no review of it is to come.

        Rule: R-51.
        """
        if standing.until is not None or standing.grace_until is not None:
            return False
        is_at_once = self.tiers.promote is Promote.AT_ONCE and self.tiers.term is NoTerm.NONE
        return is_at_once and not self.is_safe(self.index(standing))

    def _promote(self, standing: Standing, index: int, instant: datetime, day: date) -> Change:
        memo = _without_undo(standing.memo)
        if self.tiers.on_return is OnReturn.AT_ONCE:
            memo["undo"] = self._rests_on(standing, day)
        risen = self._stands(index, instant, day, since=instant, memo=memo)
        return Change(Move.PROMOTED, index, instant, risen, self.tally(index, day, to_keep=False))

    def _rests_on(self, standing: Standing, day: date) -> dict[str, Any]:
        first = self.first_day(day)
        before = (standing.memo or {}).get("undo")
        return {
            "tier": standing.tier,
            "since": _text(standing.since),
            "until": _text(standing.until),
            "grace": _text(standing.grace_until),
            "first": first.isoformat(),
            "last": day.isoformat(),
            **({} if before is None else {"undo": before}),
        }

    def _keep(self, standing: Standing, instant: datetime, day: date) -> Change:
        index = self.index(standing)
        memo = _without_undo(standing.memo)
        kept = self._stands(index, instant, day, since=standing.since, memo=memo)
        return Change(Move.KEPT, index, instant, kept, self.tally(index, day, to_keep=True))

    def _fall(self, standing: Standing, instant: datetime, judged: date, from_day: date) -> Change:
        if self.tiers.grace is None:
            return self._demote(standing, instant, judged)
        index = self.index(standing)
        ends = lasting_end(self.tiers.grace, self.program, instant, from_day)
        left = Standing(standing.tier, standing.since, None, ends, standing.memo)
        return Change(
            Move.GRACE_BEGAN, index, instant, left, self.tally(index, judged, to_keep=True)
        )

    def _demote(self, standing: Standing, instant: datetime, judged: date) -> Change:
        index = self.index(standing)
        tally = self.tally(index, judged, to_keep=True)
        lower = index - 1
        # Who follows what was earned has no step in between.
        if self.tiers.demote is Demote.BY_STANDING or self.tiers.term is NoTerm.NONE:
            # Never below a tier that is kept for ever, which was risen above.
            kept = [i for i in range(index) if self.is_safe(i)]
            lower = max(self.reached(judged), *kept)
        memo = _without_undo(standing.memo)
        fallen = self._stands(lower, instant, judged, since=instant, memo=memo)
        return Change(Move.DEMOTED, lower, instant, fallen, tally)

    def _stands(
        self,
        index: int,
        begins: datetime,
        judged: date,
        *,
        since: datetime | None,
        memo: Mapping[str, Any] | None,
    ) -> Standing:
        """The member in a tier whose term begins at an instant."""
        until = None
        if not self.is_safe(index):
            enrolled_on = self.record.enrolled_on
            until = term_end(self.tiers, self.program, begins, judged, enrolled_on)
        return Standing(self.tiers.levels[index].id, since or begins, until, None, memo or None)

    def _next_turn(self, standing: Standing, day: date) -> date | None:
        """The next day on which one without a term is looked at."""
        if standing.until is not None or standing.grace_until is not None:
            return None
        index = self.index(standing)
        if self.tiers.promote is Promote.NEXT_REVIEW:
            if self.is_safe(index) and index == len(self.tiers.levels) - 1:
                return None
            return next_boundary(self.tiers.window, day, self.record.enrolled_on)
        if not self.follows(standing):
            return None
        return next_change(self.tiers.window, day, self._days(), self.record.enrolled_on)

    def _next_coming(self, standing: Standing, day: date) -> date | None:
        """The next day on which points come alive that may promote, end a grace or be told of."""
        may_move = self.tiers.promote is Promote.AT_ONCE or standing.grace_until is not None
        if not may_move and not self.tiers.notify_at:
            return None
        return min(self._days(day), default=None)

    def _days(self, after: date = date.min) -> list[date]:
        """The days after one on which anything was counted that a tier asks for."""
        asked, sums = metrics_of(self.tiers), self.record.sums.items()
        return [on for (name, on), amount in sums if on > after and amount and name in asked]


def _has_ended(standing: Standing, instant: datetime) -> bool:
    ends = standing.until if standing.grace_until is None else standing.grace_until
    return ends is not None and ends <= instant


def _without_undo(memo: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (memo or {}).items() if key != "undo"}


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
