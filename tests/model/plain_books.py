"""The members of the plain model, their clocks, and what an act earns: the ground on which orders
and everything else stand. Written from the rules alone."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from tests.model.plain_calendar import (
    activation_at,
    expiry_at,
    in_year,
    local_day,
    midnight,
    period_of,
)
from tests.model.plain_earning import Act, Given, earn
from tests.model.plain_ledger import Account, Refused

Node = dict[str, Any]
BY_HAND = ("adjustment", "adjustment_earned", "event")
STANDS = ("tier", "since", "until", "grace", "undo")


@dataclass
class Member:
    """``since``: since when the birthday is known; ``uses``: what every rule still gives for
    every act, for calendar caps; ``looked``: up to when, and by which version, time was looked at;
    ``from_events``: what entries of events and operators brought that tiers count; ``facts``: that
    and what orders did, and ``before``: what it was before the call, while it is known;
    ``followed``: the program version whose expiry the points have."""

    ref: str
    clock: datetime
    since: datetime
    tags: list[str] = field(default_factory=list)
    birthday: tuple[int, int] | None = None
    accounts: dict[str, Account] = field(default_factory=dict)
    orders: list[Node] = field(default_factory=list)
    uses: list[Node] = field(default_factory=list)
    days: dict[str, list[date]] = field(default_factory=dict)
    streak: int = 0
    locked: bool = False
    followed: int = 0
    enrolled: datetime = field(init=False)
    looked: datetime = field(init=False)
    looked_by: int | None = None
    standing: Node = field(default_factory=lambda: {**dict.fromkeys(STANDS), "gifts": {}})
    changes: list[tuple[Any, ...]] = field(default_factory=list)
    from_events: dict[Any, list[Any]] = field(default_factory=dict)
    facts: list[Any] | None = None
    before: list[Any] | None = None

    def __post_init__(self) -> None:
        self.enrolled = self.looked = self.clock

    def birth_month(self) -> int | None:
        return self.birthday[0] if self.birthday else None


class Books:
    """Members and what they have. ``versions``: (in force at, document), oldest first; ``said``:
    what was told of every order, for those who want to say it again."""

    def __init__(self, versions: list[tuple[datetime, Node]], now: datetime) -> None:
        self.versions = versions
        self.now = now
        self.zone = ZoneInfo(versions[0][1]["time_zone"])
        self.members: dict[str, Member] = {}
        self.orders: dict[str, Node] = {}
        self.said: dict[str, list[Any]] = {}

    def program_at(self, at: datetime) -> tuple[int, Node]:
        """The version in force at an instant, or the first (R-06)."""
        known = [i for i, (since, _) in enumerate(self.versions) if since <= at]
        version = known[-1] if known else 0
        return version + 1, self.versions[version][1]

    def program(self, version: int) -> Node:
        return self.versions[version - 1][1]

    def find(self, ref: str) -> Member:
        if ref not in self.members:
            raise Refused("member_unknown")
        return self.members[ref]

    def account(self, member: Member, wallet: str) -> Account:
        return member.accounts.setdefault(wallet, Account(wallet))

    def meet(self, member: Member, at: datetime | None) -> datetime:
        """Move the member's clock to an act; what time brought by then is written first, instant
        by instant (R-55)."""
        when = at or self.now
        member.clock = max(member.clock, when)
        past: datetime | None = None
        while True:
            due = [self.next_instant(member, past), self.next_look(member)]
            instant = min((one for one in due if one and one <= member.clock), default=None)
            if instant is None:
                break
            self.pass_instant(member, instant)
            past = instant
        member.looked = max(member.looked, member.clock)
        member.looked_by, _ = self.program_at(member.clock)
        member.facts = None
        member.before = self.facts(member)
        return when

    def pass_instant(self, member: Member, instant: datetime) -> None:
        """What comes alive may promote, birthdays come, holds lapse, points end, tiers are
        reviewed. An instant that was looked at before only brings what was told too late for it."""
        version, _ = self.program_at(instant)
        self.turn(member, member.accounts, instant)
        looks = instant > member.looked
        if looks:
            self.begin_look(member, instant)
            member.looked, member.looked_by = instant, version
            self.promote(member, instant)
        if instant in self.birthdays(member):
            member.days.setdefault("birthday", []).append(local_day(instant, self.zone))
            act = Act("birthday", instant, None, member.tags, member.birth_month())
            act.tier = self.tier_at(member, instant)
            self.give(member, "event", version, act)
            self.promote(member, instant)
        for wallet in sorted(member.accounts):
            member.accounts[wallet].lapse(instant, self.causes(version, instant))
        if looks:
            self.promote(member, instant)
            self.review(member, instant)
            self.promote(member, instant)

    def next_instant(self, member: Member, past: datetime | None) -> datetime | None:
        """The next instant up to the member's clock at which points end, are let go, or given."""
        accounts = member.accounts.values()
        holds = [hold for account in accounts for hold in account.holds if hold["ended"] is None]
        lots = [lot for account in accounts for lot in account.open_lots() if lot["ends"]]
        instants = {hold["lapses"] for hold in holds} | {lot["ends"] for lot in lots}
        instants.update(self.birthdays(member))
        instants.update(since for since, _ in self.versions[member.followed :])
        due = [one for one in instants if one <= member.clock and (past is None or one > past)]
        return min(due, default=None)

    def turn(self, member: Member, accounts: dict[str, Account], until: datetime) -> None:
        """A version that turns expiry on does so at its instant, before all else (R-26)."""
        version, program = self.program_at(until)
        for number in range(member.followed + 1, version + 1):
            since, _ = self.versions[number - 1]
            for wallet in self.turned(number):
                account = accounts.get(wallet["id"])
                if account is not None and account.entries:
                    ends = partial(expiry_at, program, wallet["expiry"], zone=self.zone)
                    account.turn(since, ends, self.cause("expiry_changed", number, since))
        member.followed = max(member.followed, version)

    def turned(self, version: int) -> list[Node]:
        """The wallets whose expiry a version turns on."""
        was, now = (self.program(number)["wallets"] for number in (version - 1, version))
        return [
            wallet
            for old, wallet in zip(was, now, strict=True)
            if old["expiry"] == "never" != wallet["expiry"]
        ]

    def ahead(self, member: Member) -> dict[str, Account]:
        """A member's accounts as the next operation finds them when it begins (R-14, R-26)."""
        accounts = {name: one.copy() for name, one in member.accounts.items()}
        followed = member.followed
        self.turn(member, accounts, self.now)
        member.followed = followed
        return accounts

    def late_end(
        self,
        member: Member,
        version: int,
        wallet: str,
        instants: tuple[datetime | None, datetime | None],
    ) -> datetime | None:
        """What an order of before a version brings ends as if it had been there (R-26)."""
        active, ends = instants
        if active is None or ends is not None:
            return ends
        newest, program = self.program_at(member.clock)
        for number in range(version + 1, newest + 1):
            for one in self.turned(number):
                if one["id"] == wallet:
                    begin = max(active, self.versions[number - 1][0])
                    return expiry_at(program, one["expiry"], begin, self.zone)
        return None

    def birthdays(self, member: Member) -> list[datetime]:
        """When birthdays begin that bring something and have not been counted (R-04, R-55)."""
        if member.birthday is None or member.birthday == (0, 0):
            return []
        begin = []
        counted = {day.year for day in member.days.get("birthday", [])}
        for year in range(member.since.year, member.clock.year + 2):
            instant = midnight(in_year(year, *member.birthday), self.zone)
            rules = self.program_at(instant)[1]["earning"]["rules"]
            gives = any(rule.get("on") == "birthday" for rule in rules)
            if gives and year not in counted and member.since <= instant <= member.clock:
                begin.append(instant)
        return begin

    def check_time(self, at: datetime | None, order: Node | None = None) -> None:
        if order and (at or self.now) < order["placed"]:
            raise Refused("before_the_order")
        if at is not None and at > self.now:
            raise Refused("in_the_future")

    def cause(self, reason: str, version: int, at: datetime, rules: tuple[str, ...] = ()) -> Node:
        return {
            "reason": reason,
            "version": version,
            "rules": list(rules),
            "occurred": at,
            "recorded": self.now,
        }

    def causes(self, version: int, at: datetime) -> Callable[[str], Node]:
        return lambda reason: self.cause(reason, version, at)

    # Earning ---------------------------------------------------------------------------------

    def used(self, member: Member, program: Node, day: date) -> dict[str, int]:
        """What the member has used of each calendar cap in the period of a day (R-23)."""
        used = {}
        for cap in program["earning"].get("caps", []):
            if cap["per"] == "member":
                period = period_of(cap["period"], day)
                points = [
                    use["points"]
                    for use in member.uses
                    if use["rule"] in cap["covers"]
                    and period_of(cap["period"], use["day"]) == period
                ]
                used[cap["id"]] = (
                    sum(points) if "points" in cap else sum(1 for one in points if one > 0)
                )
        return used

    def give(
        self, member: Member, reason: str, version: int, act: Act, order: Node | None = None
    ) -> tuple[Node, dict[str, Node]]:
        """Let an act earn: open its lots and count it; returns what is told and what is kept.

        An order earns by the instant at which it was placed, and its points wait from its payment.
        """
        program = self.program(version)
        day = local_day(act.at, self.zone)
        when = order["paid_at"] if order else act.at
        given = earn(program, act, self.used(member, program, day))
        told: Node = {}
        kept: dict[str, Node] = {}
        for wallet in program["wallets"]:
            of_wallet = [one for one in given if one.rule["wallet"] == wallet["id"]]
            if of_wallet:
                parts = self.parts(program, wallet, of_wallet, when, order)
                for part in parts:
                    found = (when if part["standing"] else part["active"], part["ends"])
                    part["ends"] = self.late_end(member, version, wallet["id"], found)
                    part["standing"] = part["standing"] and part["ends"] is None
                account = self.account(member, wallet["id"])
                rules = tuple(one.rule["id"] for one in of_wallet)
                entry, lots = account.credit(self.cause(reason, version, when, rules), parts)
                told[wallet["id"]] = {
                    **told_entry(entry),
                    "lots": told_lots(account, entry),
                    "rules": {one.rule["id"]: one.points for one in of_wallet},
                }
                kept[wallet["id"]] = {
                    "lots": [no for no in lots if no is not None],
                    "parts": dict(zip(lots, parts, strict=True)),
                    "counted": 0,
                }
        for one in given:
            if order is None:
                usual = wallet_of(program, one.rule)["activation"]
                terms = (one.rule.get("activation", usual), "never")
                active, _ = self.instants(program, terms, when, when)
                fact = (f"earned {one.rule['wallet']}", local_day(active, self.zone), one.points)
                entry_no = (one.rule["wallet"], told[one.rule["wallet"]]["entry"])
                member.from_events.setdefault(entry_no, []).append(fact)
            use = {"day": day, "rule": one.rule["id"], "points": one.points, "shares": one.shares}
            member.uses.append(use)
            if order is not None:
                order["given"].append((one.rule["wallet"], use))
        member.facts = None
        return told, kept

    def parts(
        self, program: Node, wallet: Node, given: list[Given], at: datetime, order: Node | None
    ) -> list[Node]:
        """One lot for each distinct pair of activation and expiry (R-25)."""
        parts: list[Node] = []
        for one in given:
            terms = (
                one.rule.get("activation", wallet["activation"]),
                one.rule.get("expiry", wallet["expiry"]),
            )
            fulfilled = order["fulfilled"] and max(order["fulfilled"], at) if order else at
            active, ends = self.instants(program, terms, at, fulfilled)
            part = {
                "points": 0,
                "active": active,
                "ends": ends,
                "order": order and order["no"],
                "terms": terms,
                "standing": wallet["spendable"] == "false"
                and terms[1] == "never"
                and active is not None
                and active <= at,
            }
            if part["standing"]:
                part["terms"] = part["order"] = None
            same = next((known for known in parts if known["terms"] == part["terms"]), None)
            if same is None:
                parts.append(part)
            (same or part)["points"] += one.points
        return parts

    def instants(
        self, program: Node, terms: tuple[Any, Any], paid: datetime, fulfilled: datetime | None
    ) -> tuple[datetime | None, datetime | None]:
        """When points come alive and end; unknown while they wait for a fulfilment."""
        activation, expiry = terms
        moment = paid if activation["on"] == "payment" else fulfilled
        if moment is None:
            return None, None
        active = activation_at(program, activation, moment, self.zone)
        return active, expiry_at(program, expiry, active, self.zone)


def wallet_of(program: Node, rule: Node) -> Node:
    return next(wallet for wallet in program["wallets"] if wallet["id"] == rule["wallet"])


def told_entry(entry: Node | None) -> Node:
    if entry is None:
        return {"entry": None, "balance": None}
    return {"points": entry["points"], "entry": entry["seq"], "balance": entry["balance"]}


def begun_lots(account: Account, entry: Node) -> list[Any]:
    """The lots that an entry gave a beginning: what is left of each, beginning and end."""
    lots = [account.lot(no) for no in entry["lots"]]
    return sorted(((lot["left"], lot["active"], lot["ends"]) for lot in lots), key=str)


def told_lots(account: Account, entry: Node) -> list[Any]:
    """The lots an entry opened or moved: points, beginning and end.

    Points of the standing lot are told to begin with their entry.
    """
    told = []
    for no, points in entry["lots"].items():
        lot = account.lot(no)
        told.append((points, lot["active"] if no else entry["occurred"], lot["ends"]))
    return sorted(told, key=str)
