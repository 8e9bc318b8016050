"""Tiers written once more, plainly, from the rules alone (R-24, R-50 to R-55).

Every day is looked at, and so is every instant at which anything begins or ends. What counts is
added up each time from the orders and events themselves. A standing is a dict: tier, since, until,
grace, undo (what stood before a promotion that a return may undo), gifts.
"""

from datetime import date, datetime, timedelta
from typing import Any

from tests.model.plain_books import Member
from tests.model.plain_calendar import after, expiry_at, local_day, midnight, term_end
from tests.model.plain_calendar import first_day as first_day_of
from tests.model.plain_earning import earn, minor
from tests.model.plain_ledger import Account, Refused
from tests.model.plain_orders import Orders, is_back, money_back

Node = dict[str, Any]
Fact = tuple[str, date, int]
USUAL_TERM = {"months": "12", "end": "month"}
TICK = timedelta(microseconds=1)


class Tiers(Orders):
    """How members rise, keep a tier and fall. Change: cause, from, to, until, grace, version,
    when it occurred and was recorded, what was counted."""

    # What counts -----------------------------------------------------------------------------

    def facts(self, member: Member) -> list[Fact]:
        """Everything a member did that tiers may count, each on its local day (R-50)."""
        if member.facts is None:
            member.facts = [fact for facts in member.from_events.values() for fact in facts]
            for order in member.orders:
                if order["paid_at"]:
                    member.facts += self.facts_of(order, order["given"], order["paid_at"])
        return member.facts

    def facts_of(self, order: Node, given: list[Any], paid_at: datetime) -> list[Fact]:
        program = self.program(order["version"])
        day = local_day(paid_at, self.zone)
        kinds = {"goods"} | {
            kind for kind in ("shipping", "tax") if program["earning"].get(kind) == "true"
        }
        money = [
            line["paid"] - money_back(line) for line in order["lines"] if line["kind"] in kinds
        ]
        facts = [("spend", day, sum(money)), ("orders", day, 0 if is_back(order) else 1)]
        rules = {rule["id"]: rule for rule in program["earning"]["rules"]}
        wallets = {wallet["id"]: wallet for wallet in program["wallets"]}
        fulfilled = order["fulfilled"] and max(order["fulfilled"], paid_at)
        for wallet, use in given:
            rule = rules[use["rule"]]
            terms = (rule.get("activation", wallets[wallet]["activation"]), "never")
            active, _ = self.instants(program, terms, paid_at, fulfilled)
            if active is not None:
                facts.append((f"earned {wallet}", local_day(active, self.zone), use["points"]))
        return facts

    def counted(
        self,
        member: Member,
        at: datetime,
        asked: Node,
        days: tuple[date, date],
        more: Any = (),
        *,
        by: int | None = None,
        back: bool = False,
    ) -> list[Node]:
        """What a qualification asks for, and what there is of it between two days (R-50).

        ``by``: the version that asks, else the one in force; ``back``: that ``more`` was part of
        balances, too.
        """
        [criteria] = asked.values()
        facts = [(name, amount) for name, on, amount in self.facts(member) if in_days(on, days)]
        facts += [(name, amount) for name, on, amount in more if in_days(on, days)]
        told = []
        for criterion in criteria:
            [(measure, want)] = criterion.items()
            wallet = want["wallet"] if measure in ("earned", "balance") else None
            name = f"earned {wallet}" if wallet else measure
            amount = sum(amount for what, amount in facts if what == name)
            if measure == "balance":
                there = member.accounts.get(wallet, Account("")).buckets(at)
                amount = there["active"] + there["held"] - there["deficit"]
                today = local_day(at, self.zone)
                amount += sum(
                    points
                    for what, on, points in more
                    if back and what == f"earned {wallet}" and on <= today
                )
            enough = self.enough(by or self.program_at(at)[0], measure, want)
            told.append({"measure": measure, "wallet": wallet, "counted": amount, "asked": enough})
        return told

    def enough(self, version: int, measure: str, want: Any) -> int:
        if measure == "spend":
            return minor(self.program(version), want)
        return int(want if measure == "orders" else want["at_least"])

    def look(
        self, member: Member, at: datetime, level: Node, day: date, keep: bool = False, **more: Any
    ) -> list[Node]:
        """The same over the program's window, judged on a day."""
        entry = level.get("entry")
        asked = level.get("keep", entry) if keep else entry
        if asked is None:
            return []
        window = self.program_at(at)[1]["tiers"]["window"]
        first = first_day_of(window, day, local_day(member.enrolled, self.zone))
        return self.counted(member, at, asked, (first, day), **more)

    def reached(self, member: Member, at: datetime, day: date, **more: Any) -> int:
        """The highest tier that what was done is enough for (R-51)."""
        levels = self.program_at(at)[1]["tiers"]["levels"]
        enough = [
            i
            for i, level in enumerate(levels)
            if i and is_met(level["entry"], self.look(member, at, level, day, **more))
        ]
        return max(enough, default=0)

    def keeps(self, member: Member, at: datetime, index: int, day: date, **more: Any) -> bool:
        """Whether a tier is kept (R-52): what leads to it is enough to keep it, too."""
        level = self.program_at(at)[1]["tiers"]["levels"][index]
        if is_safe(index, level):
            return True
        return any(
            is_met(asked, self.look(member, at, level, day, keep=keep, **more))
            for keep, asked in ((False, level["entry"]), (True, level.get("keep", level["entry"])))
        )

    # Looking ---------------------------------------------------------------------------------

    def next_look(self, member: Member) -> datetime | None:
        """The next instant after the last look at which a tier may move: a day begins, a version
        comes into force, a term or grace ends, points begin, end or are let go."""
        if all("tiers" not in program for _, program in self.versions):
            return None
        looked = member.looked
        instants = {midnight(local_day(looked, self.zone) + timedelta(days=1), self.zone)}
        instants.update(since for since, _ in self.versions)
        ends = [member.standing[end] for end in ("until", "grace")]
        instants.update(ends)
        for account in member.accounts.values():
            instants.update(lot[end] for lot in account.open_lots() for end in ("active", "ends"))
            instants.update(hold["lapses"] for hold in account.holds if hold["ended"] is None)
        return min(one for one in instants if one is not None and one > looked)

    def begin_look(self, member: Member, at: datetime) -> None:
        """A version that brings terms gives one to who has none (R-51)."""
        version, program = self.program_at(at)
        stands = member.standing
        if member.looked_by in (None, version) or "tiers" not in program:
            return
        if stands["until"] is None and stands["grace"] is None:
            index, day = self.index(member, at), local_day(at, self.zone)
            until = self.until(member, at, index, day)
            if until is not None:
                self.move(member, at, "term_began", index, {**stands, "until": until}, [])

    def promote(self, member: Member, at: datetime) -> None:
        """What needs no review (R-51, R-52)."""
        while (change := self.at_once(member, at)) is not None:
            self.move(member, at, *change)

    def at_once(self, member: Member, at: datetime, **more: Any) -> tuple[Any, ...] | None:
        tiers = self.program_at(at)[1].get("tiers")
        if tiers is None:
            return None
        index, day, stands = self.index(member, at), local_day(at, self.zone), member.standing
        is_at_once = tiers.get("promote", "at_once") == "at_once"
        higher = self.reached(member, at, day, **more) if is_at_once else 0
        if higher > index:
            return self.risen(member, at, higher, day, **more)
        keeps = self.keeps(member, at, index, day, **more)
        if stands["grace"] is not None:
            return self.stays(member, at, day) if keeps else None
        open_ended = tiers.get("term") == "none" and stands["until"] is None
        falls = is_at_once and open_ended and not keeps
        return self.fallen(member, at, day, day, **more) if falls else None

    def review(self, member: Member, at: datetime) -> None:
        """R-52: the window that ends with the term counts; with `this` the one that begins."""
        tiers = self.program_at(at)[1].get("tiers")
        if tiers is None or not self.is_turn(member, at):
            return
        stands, before = member.standing, local_day(at - TICK, self.zone)
        day = local_day(at, self.zone) if tiers.get("term") == "this" else before
        index, is_over = self.index(member, at), stands["grace"] or stands["until"]
        higher = self.reached(member, at, day)
        change = None
        if higher > index:
            change = self.risen(member, at, higher, day)
        elif self.keeps(member, at, index, day):
            change = self.stays(member, at, day) if is_over else None
        elif stands["grace"] is None:
            change = self.fallen(member, at, day, before)
        else:
            change = self.lost(member, at, day)
        if change is not None:
            self.move(member, at, *change)

    def is_turn(self, member: Member, at: datetime) -> bool:
        ends = member.standing["grace"] or member.standing["until"]
        if ends is not None:
            return bool(ends <= at)
        tiers = self.program_at(at)[1]["tiers"]
        if tiers.get("promote", "at_once") == "at_once":
            return False
        window = tiers["window"] if tiers["window"] in CALENDARS else "month"
        enrolled = local_day(member.enrolled, self.zone)
        days = (local_day(at - TICK, self.zone), local_day(at, self.zone))
        return first_day_of(window, days[0], enrolled) != first_day_of(window, days[1], enrolled)

    def undo(self, member: Member, at: datetime, before: list[Fact]) -> None:
        """A promotion falls with the return that takes away what it rested on (R-52). What stood
        before is reviewed where it has ended."""
        tiers, facts = self.program_at(at)[1].get("tiers"), self.facts(member)
        while tiers is not None and tiers.get("on_return") == "at_once":
            stands, index = member.standing, self.index(member, at)
            rested = stands["undo"]
            if rested is None:
                return
            levels = self.program(rested["version"])["tiers"]["levels"]
            entry = next(one for one in levels if one["id"] == stands["tier"])["entry"]
            days, names, moved = rested["days"], names_of(entry), difference(before, facts)
            came_back = [
                (name, on)
                for name, on, amount in moved
                if amount < 0 and name in names and in_days(on, days)
            ]
            by = rested["version"]
            counted = self.counted(member, at, entry, days, by=by)
            today = local_day(at, self.zone)
            if not came_back or is_met(entry, counted) or self.reached(member, at, today) >= index:
                return
            was = [(name, on, -amount) for name, on, amount in moved]
            before_it = self.counted(member, at, entry, days, was, by=by, back=True)
            reached = self.reached(member, at, today, more=was, back=True)
            if not is_met(entry, before_it) and reached < index:
                return
            to = self.index_of(at, rested["before"]["tier"])
            stood = {**rested["before"], "gifts": stands["gifts"]}
            self.move(member, at, "undone", to, stood, counted)

    # Moving ----------------------------------------------------------------------------------

    def risen(self, member: Member, at: datetime, index: int, day: date, **more: Any) -> Any:
        tiers = self.program_at(at)[1]["tiers"]
        window, enrolled = tiers["window"], local_day(member.enrolled, self.zone)
        undo = None
        if tiers.get("on_return") == "at_once":
            days = (first_day_of(window, day, enrolled), day)
            version, _ = self.program_at(at)
            undo = {"days": days, "version": version, "before": dict(member.standing)}
        level = tiers["levels"][index]
        counted = self.look(member, at, level, day, **more)
        return "promoted", index, self.stands(member, at, index, day, since=at, undo=undo), counted

    def stays(self, member: Member, at: datetime, day: date) -> Any:
        index = self.index(member, at)
        level = self.program_at(at)[1]["tiers"]["levels"][index]
        stands = self.stands(member, at, index, day, since=member.standing["since"])
        return "kept", index, stands, self.look(member, at, level, day, keep=True)

    def fallen(self, member: Member, at: datetime, judged: date, since: date, **more: Any) -> Any:
        """The tier is not earned any more: a grace first, where there is one (R-52)."""
        _, program = self.program_at(at)
        grace = program["tiers"].get("grace")
        if grace is None:
            return self.lost(member, at, judged, **more)
        index = self.index(member, at)
        counted = self.look(member, at, program["tiers"]["levels"][index], judged, keep=True)
        ends = term_end(program, grace, at, since, self.zone)
        return "grace_began", index, {**member.standing, "until": None, "grace": ends}, counted

    def lost(self, member: Member, at: datetime, judged: date, **more: Any) -> Any:
        tiers = self.program_at(at)[1]["tiers"]
        index = self.index(member, at)
        counted = self.look(member, at, tiers["levels"][index], judged, keep=True)
        lower = index - 1
        if tiers.get("demote") == "by_standing" or tiers.get("term") == "none":
            safe = [i for i in range(index) if is_safe(i, tiers["levels"][i])]
            lower = max(self.reached(member, at, judged, **more), *safe)
        return "demoted", lower, self.stands(member, at, lower, judged, since=at), counted

    def stands(
        self,
        member: Member,
        at: datetime,
        index: int,
        judged: date,
        *,
        since: Any,
        undo: Any = None,
    ) -> Node:
        return {
            "tier": self.program_at(at)[1]["tiers"]["levels"][index]["id"],
            "since": since or at,
            "until": self.until(member, at, index, judged),
            "grace": None,
            "undo": undo,
            "gifts": member.standing["gifts"],
        }

    def until(self, member: Member, at: datetime, index: int, judged: date) -> datetime | None:
        """When a term that begins now ends (R-51)."""
        _, program = self.program_at(at)
        tiers = program["tiers"]
        term = tiers.get("term", USUAL_TERM)
        if is_safe(index, tiers["levels"][index]) or term == "none":
            return None
        if term not in ("this", "next"):
            return term_end(program, term, at, judged, self.zone)
        enrolled = local_day(member.enrolled, self.zone)
        day = next_window(tiers["window"], judged, enrolled)
        if term == "next":
            day = next_window(tiers["window"], day, enrolled)
        return midnight(day, self.zone)

    def move(
        self, member: Member, at: datetime, cause: str, index: int, stands: Node, counted: Any
    ) -> None:
        """A change is a row; a promotion brings its gift, once per tier and term (R-54)."""
        version, program = self.program_at(at)
        before, level = member.standing, program["tiers"]["levels"][index]
        if cause == "promoted" and "gift" in level:
            given = stands["gifts"].get(level["id"])
            if given is None or (given["until"] is not None and given["until"] <= at):
                gift = self.give_gift(member, at, level["gift"])
                gift |= {"at": at, "until": stands["until"]}
                stands["gifts"] = {**stands["gifts"], level["id"]: gift}
        elif cause == "term_began" and level["id"] in stands["gifts"]:
            given = {**stands["gifts"][level["id"]], "until": stands["until"]}
            stands["gifts"] = {**stands["gifts"], level["id"]: given}
        elif cause == "undone":
            given = stands["gifts"].get(before["tier"])
            is_kept = program["tiers"].get("gifts_on_return", "kept") == "kept"
            if not is_kept and given is not None and given["at"] == before["since"]:
                self.take_gift(member, at, given)
                others = {name: one for name, one in stands["gifts"].items() if one is not given}
                stands["gifts"] = others
        times = (stands["until"], stands["grace"], version, at, self.now)
        member.changes.append((cause, before["tier"], level["id"], *times, counted))
        member.standing = stands

    def give_gift(self, member: Member, at: datetime, gift: Node) -> Node:
        version, program = self.program_at(at)
        spendable = [one["id"] for one in program["wallets"] if one["spendable"] == "true"]
        name = gift.get("wallet", spendable[0])
        wallet = next(one for one in program["wallets"] if one["id"] == name)
        expiry = gift.get("expiry", wallet["expiry"])
        part = {
            "points": int(gift["points"]),
            "active": at,
            "ends": expiry_at(program, expiry, at, self.zone),
            "order": None,
            "standing": wallet["spendable"] == "false" and expiry == "never",
        }
        _, [lot] = self.account(member, name).credit(self.cause("tier_gift", version, at), [part])
        return {"wallet": name, "points": part["points"], "lot": lot}

    def take_gift(self, member: Member, at: datetime, given: Node) -> None:
        """A gift is taken back as a return takes back what an order earned (R-52, R-41)."""
        version, program = self.program_at(at)
        source = {"lots": [] if given["lot"] is None else [given["lot"]], "counted": 0}
        negative = program.get("returns", {}).get("overdrawn", "negative") == "negative"
        self.account(member, given["wallet"]).take_back(
            self.cause("tier_gift_undone", version, at),
            given["points"],
            member.clock,
            source,
            negative=negative,
        )

    # What others ask -------------------------------------------------------------------------

    def catch_up(self, at: datetime) -> Node:
        """By night everybody is brought to an instant (R-55). To whom time owes nothing is left
        as they are; ``moved`` says who is not."""
        self.moved: list[str] = []
        for member in self.members.values():
            if member.clock > at:
                continue
            before = as_they_are(member)
            self.meet(member, at)
            self.settle(member)
            if shape(as_they_are(member)) == shape(before):
                vars(member).update(before)
            else:
                self.moved.append(member.ref)
        return {}

    def stand(self, ref: str, review: datetime | None) -> Node:
        """R-53: where a member stands, what is missing, and what a review at an instant does."""
        member = self.find(ref)
        before, at = as_they_are(member), max(self.now, member.clock)
        self.meet(member, at)
        tiers, stands = self.program_at(at)[1].get("tiers"), member.standing
        if tiers is None:
            vars(member).update(before)
            raise Refused("no_tiers")
        index, day, levels = self.index(member, at), local_day(at, self.zone), tiers["levels"]
        keep = [] if is_safe(index, levels[index]) else [levels[index]]
        told = {
            "tier": levels[index]["id"],
            "since": stands["since"] or member.enrolled,
            "until": stands["until"],
            "grace": stands["grace"],
            "next": [self.look(member, at, level, day) for level in levels[index + 1 : index + 2]],
            "keep": [self.needed(member, at, level, day) for level in keep],
        }
        if review is not None:
            self.meet(member, review)
            asked = self.program_at(review)[1].get("tiers", tiers)
            names = [level["id"] for level in asked["levels"]]
            tier = member.standing["tier"]
            told["review"] = tier if tier in names else names[0]
        vars(member).update(before)
        return told

    def needed(self, member: Member, at: datetime, level: Node, day: date) -> list[Node]:
        """What keeping a tier asks for; what entering it asks for, where only that is there."""
        keep, entry = (self.look(member, at, level, day, keep=keep) for keep in (True, False))
        kept = is_met(level.get("keep", level["entry"]), keep)
        return entry if not kept and is_met(level["entry"], entry) else keep

    def settle(self, member: Member) -> None:
        """What was just decided for a member has its effect at once."""
        if member.before is None:
            return
        before, member.before, member.facts = member.before, None, None
        seen = len(member.changes)
        self.undo(member, member.clock, before)
        was_undone = len(member.changes) > seen
        self.promote(member, member.clock)
        if was_undone:
            self.review(member, member.clock)
            self.promote(member, member.clock)

    def index(self, member: Member, at: datetime) -> int:
        return self.index_of(at, member.standing["tier"])

    def index_of(self, at: datetime, tier: str | None) -> int:
        """The place of a tier; the lowest where there is none of that name."""
        names = [level["id"] for level in self.program_at(at)[1]["tiers"]["levels"]]
        return names.index(tier) if tier in names else 0

    def tier_at(self, member: Member, at: datetime) -> str | None:
        """The tier that was held at an instant (R-24)."""
        tiers = self.program_at(at)[1].get("tiers")
        if tiers is None:
            return None
        held = [change[2] for change in member.changes if change[6] <= at]
        return str(tiers["levels"][self.index_of(at, held[-1] if held else None)]["id"])

    def earns_by(self, member: Member, placing: Node, fulfilled: datetime | None) -> str | None:
        """The tier by which an order earns: the one held, or the one that it leads to (R-24)."""
        of_order, at = self.program(placing["version"]), member.clock
        by_clock = self.program_at(at)[1]
        rates = [program.get("tiers", {}).get("tier_rate") for program in (of_order, by_clock)]
        if rates != ["reached", "reached"]:
            return placing["tier"]
        used = self.used(member, of_order, local_day(placing["placed"], self.zone))
        given = [
            (one.rule["wallet"], {"rule": one.rule["id"], "points": one.points, "shares": {}})
            for one in earn(of_order, self.act(placing), used)
        ]
        order = {**placing, "given": given, "fulfilled": fulfilled}
        more = self.facts_of(order, given, placing["placed"])
        change = self.at_once(member, at, more=more)
        index = self.index(member, at) if change is None else change[1]
        return str(by_clock["tiers"]["levels"][index]["id"])


def as_they_are(member: Member) -> Node:
    """A member as they are, to go back to."""
    return {
        "clock": member.clock,
        "accounts": {name: one.copy() for name, one in member.accounts.items()},
        "days": {name: list(days) for name, days in member.days.items()},
        "uses": list(member.uses),
        "streak": member.streak,
        "looked": member.looked,
        "looked_by": member.looked_by,
        "standing": dict(member.standing),
        "changes": list(member.changes),
        "from_events": {no: list(facts) for no, facts in member.from_events.items()},
        "facts": None,
        "before": None,
        "followed": member.followed,
    }


def shape(member: Node) -> Any:
    """What of a member is written when time brings something."""
    accounts = {
        name: (len(one.entries), [hold["ended"] for hold in one.holds])
        for name, one in member["accounts"].items()
    }
    return accounts, member["days"], len(member["changes"])


CALENDARS = ("month", "quarter", "year", "membership_year")


def is_safe(index: int, level: Node) -> bool:
    """Whether a tier is never lost."""
    return index == 0 or level.get("keep_for_ever") == "true"


def in_days(on: date, days: tuple[date, date]) -> bool:
    return days[0] <= on <= days[1]


def is_met(asked: Node, counted: list[Node]) -> bool:
    enough = [one["counted"] >= one["asked"] for one in counted]
    return all(enough) if "all" in asked else any(enough)


def names_of(entry: Node) -> set[str]:
    """The names of what a qualification counts; a balance falls by what was earned."""
    [criteria] = entry.values()
    pairs = [pair for criterion in criteria for pair in criterion.items()]
    return {f"earned {want['wallet']}" if "wallet" in want else what for what, want in pairs}


def next_window(window: str, day: date, enrolled: date) -> date:
    """The first day after the calendar window that a day lies in: the days are tried in turn."""
    first = first_day_of(window, day, enrolled)
    while first_day_of(window, day, enrolled) == first:
        day = after(day, {"days": "1"})
    return day


def difference(before: list[Fact], now: list[Fact]) -> list[Fact]:
    """How much more, or less, is counted now, by name and day."""
    moved: dict[tuple[str, date], int] = {}
    for sign, facts in ((-1, before), (1, now)):
        for name, day, amount in facts:
            moved[name, day] = moved.get((name, day), 0) + sign * amount
    return [(name, day, amount) for (name, day), amount in moved.items() if amount]
