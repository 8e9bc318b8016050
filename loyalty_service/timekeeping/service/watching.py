"""One member under the eyes of the program of an instant: what it lets rise, fall and be told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from loyalty_service.events.rules import BIRTHDAY, MemberEvent
from loyalty_service.events.service import credit_event, has_birthday
from loyalty_service.ledger.rules.catch_up import next_change
from loyalty_service.ledger.service import Books
from loyalty_service.members.rules import Member, Total
from loyalty_service.program.rules.periods import earlier, local_date, start_of_day
from loyalty_service.program.rules.program import Program
from loyalty_service.tiers import service as tiers
from loyalty_service.tiers.rules.moves import Change, Move
from loyalty_service.tiers.rules.moving import Judge
from loyalty_service.tiers.rules.qualifying import asks_for_balance
from loyalty_service.timekeeping.rules import next_birthday


@dataclass(slots=True)
class Watch:
    """One member under the eyes of the program in force at an instant.

    Args:
        order_ref: the order that brings what happens; None: no order.
        judge: who judged last; none is kept where tiers ask for balances.
        changes: ``Totals.changes`` when that one was made; after more of them it is made anew.
    """

    books: Books
    member: Member
    version: int
    program: Program
    order_ref: str | None = None
    judge: Judge | None = None
    changes: int = 0

    def replace(self, instant: datetime) -> None:
        """Put whoever stands in a tier that is gone where they belong."""
        judge = self._judge(instant)
        if judge is not None:
            self._move(judge.replace(self.member.standing, instant))

    def begin_term(self, instant: datetime) -> None:
        """Give a term where a version brings terms and the tier had none."""
        judge = self._judge(instant)
        if judge is not None:
            self._move(judge.begin_term(self.member.standing, instant))

    def promote(self, instant: datetime) -> None:
        """Let what has come promote, keep, or where there is no term lower the tier at once."""
        judge = self._judge(instant)
        # A gift may lift a balance so far that it reaches one tier more.
        while judge is not None and self._move(judge.at_once(self.member.standing, instant)):
            judge = self._judge(instant)

    def give_birthday(self, instant: datetime) -> None:
        """Give the birthday of the year, unless it was told before."""
        if not has_birthday(self.books, self.member, local_date(instant, self.program.zone)):
            credit_event(self.books, self.member, MemberEvent(BIRTHDAY), instant, by_time=True)
            self.promote(instant)

    def undo(self, instant: datetime, moved: Mapping[Total, int]) -> bool:
        """Let what came back undo what rested on it; whether it did."""
        seen = len(self.member.tier_changes)
        judge = self._judge(instant)
        while judge is not None:
            standing = self.member.standing
            asked = tiers.asked_by_promotion(self.books, standing)
            if not self._move(judge.undo(standing, instant, moved, asked)):
                break
            judge = self._judge(instant)
        return len(self.member.tier_changes) > seen

    def review(self, instant: datetime) -> bool:
        """Look at the tier where it is its turn; whether another look may find more."""
        judge = self._judge(instant)
        if judge is None or not judge.is_turn(self.member.standing, instant):
            return False
        change = judge.review(self.member.standing, instant)
        self._move(change)
        if change is None:
            return False
        return change.move is not Move.KEPT or change.standing.until is None

    def notice(self, instant: datetime, came: Mapping[Total, int]) -> None:
        """Tell whoever has come near the next tier by what was counted.

        Rule: R-56.
        """
        judge = self._judge(instant) if came and self._tells_steps() else None
        if judge is not None:
            tiers.notice(self.books, self.member, judge, instant, came)

    def notice_day(self, instant: datetime, *, is_again: bool) -> None:
        """Tell whoever has come near the next tier by what time has brought.

        Args:
            is_again: the instant was reached before.

        Rule: R-56.
        """
        if not self._tells_steps():
            return
        came = self.books.totals.settle(self.member.member_id)
        day = local_date(instant, self.program.zone)
        # What has come with the day was told of when its first instant was reached before.
        if not is_again and instant == start_of_day(day, self.program.zone):
            amounts = self.books.totals.amounts.get(self.member.member_id, {})
            came |= {key: amount for key, amount in amounts.items() if key[1] == day}
        self.notice(instant, came)

    def reckon(self, after: datetime) -> None:
        """When time next brings something to the member that neither lots nor holds tell."""
        judge, member = self._judge(after), self.member
        due_at = next_birthday(self.program, member, after)
        if judge is not None:
            due_at = earlier(due_at, judge.next_due(member.standing, after))
        if follows_balances(self.program):
            accounts = self.books.accounts.get(member.member_id, {})
            due_at = earlier(due_at, next_change(accounts.values(), after))
        due_at = None if due_at is None else max(due_at, after)
        member.standing = member.standing.due(due_at, self.version)

    def tier_with(self, counts: Mapping[Total, int], at: datetime) -> str | None:
        """The tier that would stand at once if these were counted too."""
        judge = tiers.judge(self.books, self.member, self.program, at, counts)
        if judge is None:
            return None
        change = judge.at_once(self.member.standing, at)
        index = judge.index(self.member.standing) if change is None else change.index
        return judge.tiers.levels[index].id

    def _tells_steps(self) -> bool:
        return self.program.tiers is not None and bool(self.program.tiers.notify_at)

    def _move(self, change: Change | None) -> bool:
        if change is not None:
            tiers.move(self.books, self.member, change, self.version, order_ref=self.order_ref)
        return change is not None

    def _judge(self, instant: datetime) -> Judge | None:
        changes = self.books.totals.changes
        if self.judge is not None and self.changes == changes:
            return self.judge
        judge = tiers.judge(self.books, self.member, self.program, instant)
        if not follows_balances(self.program):
            self.judge, self.changes = judge, changes
        return judge


def follows_balances(program: Program) -> bool:
    """Whether whatever moves points may move a member."""
    return program.tiers is not None and asks_for_balance(program.tiers)
