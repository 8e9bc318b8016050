"""The service written once more, plainly, from the rules alone: members and orders in memory, lots
and entries as lists of dicts. It shares no line with the service that it is held against."""

from datetime import date, datetime
from typing import Any

from tests.model.plain_books import BY_HAND, Member, told_entry
from tests.model.plain_calendar import expiry_at, local_day, period_of
from tests.model.plain_earning import Act
from tests.model.plain_ledger import Account, Refused
from tests.model.plain_tiers import Tiers, as_they_are

Node = dict[str, Any]


class Model(Tiers):
    """What members, shops and operators may ask for; every call by its name."""

    def do(self, call: str, args: Node) -> Any:
        """Make a call; one that is refused, a quote or a standing leaves everything as it was."""
        named = [self.members.get(args[key]) for key in ("ref", "to") if key in args]
        before = [(member, as_they_are(member)) for member in named if member is not None]
        is_written = False
        try:
            answer = getattr(self, call)(**args)
            is_written = call not in ("quote", "stand")
            for member in (member for member in named if is_written and member is not None):
                self.settle(member)
            return answer
        finally:
            for member, as_it_was in () if is_written else before:
                vars(member).update(as_it_was)

    # Members ---------------------------------------------------------------------------------

    def enrol(self, ref: str, birthday: tuple[int, int] | None, tags: list[str]) -> Node:
        member = Member(ref, self.now, self.now, sorted(set(tags)), birthday)
        member.followed, _ = self.program_at(self.now)
        self.members[ref] = member
        return {}

    def amend(self, ref: str, birthday: tuple[int, int] | None, tags: list[str] | None) -> Node:
        member = self.find(ref)
        after = (
            member.birthday if birthday is None else birthday,
            member.tags if tags is None else sorted(set(tags)),
        )
        if after != (member.birthday, member.tags):
            self.meet(member, None)
            if after[0] != member.birthday:
                member.since = self.now
            member.birthday, member.tags = after
        return {}

    # What members do, and what operators put right -------------------------------------------

    def event(self, ref: str, name: str, channel: str | None, at: datetime | None) -> Node:
        member = self.find(ref)
        self.check_time(at)
        version, program = self.program_at(at or self.now)
        day = local_day(at or self.now, self.zone)
        when = self.meet(member, at)
        before = member.days.setdefault(name, [])
        periods = {"sign_up": "ever", "birthday": "year"}
        if name in periods:
            period = periods[name]
            if period_of(period, day) in [period_of(period, known) for known in before]:
                raise Refused("already_counted")
        if name == "check_in":
            member.streak = next_streak(program, before, member.streak, day)
        before.append(day)
        act = Act(name, when, channel, member.tags, member.birth_month())
        act.streak = member.streak if name == "check_in" else 0
        act.tier = self.tier_at(member, when)
        told, _ = self.give(member, "event", version, act)
        return {"version": version, "streak": act.streak or None, "earned": told}

    def adjust(
        self,
        ref: str,
        wallet: str,
        points: int,
        ends: datetime | None,
        allow_negative: bool,
        earned: bool,
    ) -> Node:
        member = self.find(ref)
        version, program = self.program_at(self.now)
        if all(known["id"] != wallet for known in program["wallets"]):
            raise Refused("wallet_unknown")
        if points > 0 and ends is not None and ends <= self.now:
            raise Refused("expiry_past")
        when = self.meet(member, None)
        account = self.account(member, wallet)
        cause = self.cause("adjustment_earned" if earned else "adjustment", version, when)
        if points > 0:
            part = self.by_hand(program, wallet, points, ends)
            entry, _ = account.credit(cause, [part])
        else:
            entry = account.debit(cause, -points, self.now, allow_negative)
        if earned:
            fact = (f"earned {wallet}", local_day(when, self.zone), points)
            member.from_events[wallet, entry["seq"]] = [fact]
            member.facts = None
        return {**told_entry(entry), "deficit": account.deficit}

    def by_hand(self, program: Node, wallet_id: str, points: int, ends: datetime | None) -> Node:
        """Points given by hand: active at once, ending as said or as the wallet's points do."""
        wallet = next(known for known in program["wallets"] if known["id"] == wallet_id)
        usual = expiry_at(program, wallet["expiry"], self.now, self.zone)
        standing = wallet["spendable"] == "false" and wallet["expiry"] == "never" and ends is None
        return {
            "points": points,
            "active": self.now,
            "ends": ends or usual,
            "order": None,
            "standing": standing,
        }

    def reverse(self, ref: str, wallet: str, seq: int) -> Node:
        member = self.find(ref)
        account = member.accounts.get(wallet, Account(wallet))
        entry = next((entry for entry in account.entries if entry["seq"] == seq), None)
        if entry is None:
            raise Refused("entry_unknown")
        answered = any(other["reverses"] == seq for other in account.entries)
        if answered or entry["reason"] not in BY_HAND or entry["kind"] not in ("credit", "debit"):
            raise Refused("not_reversible")
        version, program = self.program_at(self.now)
        when = self.meet(member, None)
        cause = self.cause("mistake", version, when)
        # What is reversed was never earned.
        member.from_events.pop((wallet, seq), None)
        member.facts = None
        if entry["kind"] == "debit":
            rest = self.by_hand(program, wallet, 0, None)
            answer = account.give_back(cause, entry, rest)
            return {**told_entry(answer), "deficit": account.deficit, "from": None}
        then = self.versions[entry["version"] - 1][1]
        negative = then.get("returns", {}).get("overdrawn", "negative") == "negative"
        source = {"lots": list(entry["lots"]), "counted": 0}
        taken, written = account.take_back(
            cause, entry["points"], self.now, source, negative=negative, reverses=seq
        )
        return {**told_entry(written), "deficit": account.deficit, "from": taken}

    # What leaves a member --------------------------------------------------------------------

    def transfer(self, ref: str, to: str, wallet: str, points: int) -> Node:
        """R-81: active points that are not held go over with the ends they have."""
        sender, receiver = self.find(ref), self.find(to)
        if sender is receiver:
            raise Refused("same_member")
        version, program = self.program_at(self.now)
        known = {one["id"]: one for one in program["wallets"]}
        if wallet not in known:
            raise Refused("wallet_unknown")
        if known[wallet]["spendable"] != "true":
            raise Refused("wallet_not_spendable")
        if sender.locked:
            raise Refused("redemption_locked")
        when = self.meet(sender, None)
        self.meet(receiver, None)
        cause = self.cause("transfer", version, when)
        account = self.account(sender, wallet)
        sent = account.debit(cause, points, sender.clock, False)
        parts: dict[Any, Node] = {}
        for no, taken in sent["lots"].items():
            active, ends = account.lot(no)["active"], account.lot(no)["ends"]
            part = {"active": active, "ends": ends, "order": None, "standing": False, "points": 0}
            parts.setdefault((active, ends), part)["points"] -= taken
        got, _ = self.account(receiver, wallet).credit(cause, list(parts.values()))
        return {"points": points, "sent": told_entry(sent), "received": told_entry(got)}

    def lock(self, ref: str, *, locked: bool) -> Node:
        """R-82: whether points may leave."""
        member = self.find(ref)
        if locked != member.locked:
            self.meet(member, None)
            member.locked = locked
        return {}


def next_streak(program: Node, before: list[date], streak: int, day: date) -> int:
    """R-28: one check-in a day; the streak starts again after a gap and with each period."""
    if not before:
        return 1
    if day == before[-1]:
        raise Refused("already_counted")
    if day < before[-1]:
        raise Refused("check_in_too_late")
    how = program["earning"].get("streak", "open")
    period = {"open": "ever", "weekly": "week", "monthly": "month"}[how]
    follows = (day - before[-1]).days == 1
    return streak + 1 if follows and period_of(period, day) == period_of(period, before[-1]) else 1
