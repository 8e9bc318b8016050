"""The service written once more, plainly, from the rules alone: members and orders in memory, lots
and entries as lists of dicts. It shares no line with the service that it is held against."""

from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.model.plain_calendar import activation_at, expiry_at, local_day, period_of
from tests.model.plain_earning import Act, Given, earn, spread
from tests.model.plain_ledger import Account, Refused

Node = dict[str, Any]


@dataclass
class Member:
    """``uses``: what every rule still gives for every act, for calendar caps."""

    ref: str
    clock: datetime
    tags: list[str] = field(default_factory=list)
    birthday: tuple[int, int] | None = None
    accounts: dict[str, Account] = field(default_factory=dict)
    orders: list[Node] = field(default_factory=list)
    uses: list[Node] = field(default_factory=list)
    days: dict[str, list[date]] = field(default_factory=dict)
    streak: int = 0

    def birth_month(self) -> int | None:
        return self.birthday[0] if self.birthday else None


class Model:
    """``versions``: (in force at, document), oldest first."""

    def __init__(self, versions: list[tuple[datetime, Node]], now: datetime) -> None:
        self.versions = versions
        self.now = now
        self.zone = ZoneInfo(versions[0][1]["time_zone"])
        self.members: dict[str, Member] = {}
        self.orders: dict[str, Node] = {}

    def program_at(self, at: datetime) -> tuple[int, Node]:
        """The version in force at an instant, or the first (R-06)."""
        known = [i for i, (since, _) in enumerate(self.versions) if since <= at]
        version = known[-1] if known else 0
        return version + 1, self.versions[version][1]

    # Members ---------------------------------------------------------------------------------

    def enrol(self, ref: str, birthday: tuple[int, int] | None, tags: list[str]) -> Node:
        member = Member(ref, self.now, sorted(set(tags)), birthday)
        self.members[ref] = member
        return {}

    def amend(self, ref: str, birthday: tuple[int, int] | None, tags: list[str] | None) -> Node:
        member = self.find(ref)
        before = (member.birthday, member.tags)
        if birthday is not None:
            member.birthday = birthday
        if tags is not None:
            member.tags = sorted(set(tags))
        if before != (member.birthday, member.tags):
            member.clock = max(member.clock, self.now)
        return {}

    def find(self, ref: str) -> Member:
        if ref not in self.members:
            raise Refused("member_unknown")
        return self.members[ref]

    def account(self, member: Member, wallet: str) -> Account:
        return member.accounts.setdefault(wallet, Account(wallet))

    def meet(self, member: Member, at: datetime | None) -> datetime:
        """Move the member's clock to an act; what ended by then is written first (R-55)."""
        when = at or self.now
        member.clock = max(member.clock, when)
        ends = {
            (lot["ends"], account.wallet)
            for account in member.accounts.values()
            for lot in account.open_lots()
            if lot["ends"] is not None and lot["ends"] <= member.clock
        }
        for ended, wallet in sorted(ends):
            version, _ = self.program_at(ended)
            self.account(member, wallet).expire(self.cause("expired", version, ended), ended)
        return when

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
        """Let an act earn: open its lots and count it; returns what is told and what is kept."""
        program = self.versions[version - 1][1]
        day = local_day(act.at, self.zone)
        given = earn(program, act, self.used(member, program, day))
        told: Node = {}
        kept: dict[str, Node] = {}
        for wallet in program["wallets"]:
            of_wallet = [one for one in given if one.rule["wallet"] == wallet["id"]]
            if of_wallet:
                parts = self.parts(program, wallet, of_wallet, act.at, order)
                account = self.account(member, wallet["id"])
                rules = tuple(one.rule["id"] for one in of_wallet)
                entry, lots = account.credit(self.cause(reason, version, act.at, rules), parts)
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
            use = {"day": day, "rule": one.rule["id"], "points": one.points, "shares": one.shares}
            member.uses.append(use)
            if order is not None:
                order["given"].append((one.rule["wallet"], use))
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
            fulfilled = order["fulfilled"] if order else at
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

    # Orders ----------------------------------------------------------------------------------

    def pay(self, ref: str, order_ref: str, lines: list[Node], **more: Any) -> Node:
        """``lines``: kind, sku, category, brand, quantity, amount, discount. ``more``: channel,
        discount, paid, at, fulfilled, currency, payment_ref."""
        member = self.find(ref)
        content = {"lines": lines, **{key: more[key] for key in more if key != "at"}}
        known = self.orders.get(order_ref)
        if known is not None:
            return repeated(known, member, content, more["at"])
        version, program = self.program_at(more["at"] or self.now)
        net = priced(program, lines, more)
        self.check_time(more["at"])
        when = self.meet(member, more["at"])
        order: Node = {
            "ref": order_ref,
            "no": len(member.orders) + 1,
            "member": member,
            "placed": when,
            "fulfilled": when if more["fulfilled"] else None,
            "state": "fulfilled" if more["fulfilled"] else "paid",
            "version": version,
            "content": content,
            "given": [],
            "lines": net,
            "steps": {},
        }
        act = Act("order", when, more["channel"], member.tags, member.birth_month(), lines=net)
        act.is_first = all(is_back(other) for other in member.orders)
        told, order["kept"] = self.give(member, "order_paid", version, act, order)
        member.orders.append(order)
        self.orders[order_ref] = order
        order["receipt"] = {
            "state": order["state"],
            "paid": sum(line["paid"] for line in net),
            "placed": when,
            "version": version,
            "earned": told,
        }
        return dict(order["receipt"])

    def own_order(self, ref: str, order_ref: str) -> tuple[Member, Node]:
        member = self.find(ref)
        order = self.orders.get(order_ref)
        if order is None:
            raise Refused("order_unknown")
        if order["member"] is not member:
            raise Refused("order_of_another_member")
        return member, order

    def fulfil(self, ref: str, order_ref: str, at: datetime | None) -> Node:
        member, order = self.own_order(ref, order_ref)
        if "fulfilment" in order["steps"]:
            return {**order["steps"]["fulfilment"], "repeated": True}
        if order["fulfilled"]:
            told = {"state": order["state"], "fulfilled": order["fulfilled"], "activated": {}}
            return {**told, "repeated": True}
        if order["state"] == "cancelled":
            raise Refused("order_cancelled")
        self.check_time(at, order)
        when = order["fulfilled"] = self.meet(member, at)
        program = self.versions[order["version"] - 1][1]
        activated = {}
        for wallet, kept in order["kept"].items():
            account = self.account(member, wallet)
            instants = {
                no: self.instants(program, part["terms"], order["placed"], when)
                for no, part in kept["parts"].items()
                if no is not None and part["terms"] and part["terms"][0]["on"] == "fulfilment"
            }
            cause = self.cause("order_fulfilled", order["version"], when)
            entry = account.reschedule(cause, instants)
            if entry is not None:
                activated[wallet] = {"entry": entry["seq"], "lots": told_lots(account, entry)}
        if order["state"] == "paid":
            order["state"] = "fulfilled"
        told = {"state": order["state"], "fulfilled": when, "activated": activated}
        order["steps"]["fulfilment"] = told
        return dict(told)

    def return_units(
        self, ref: str, order_ref: str, return_ref: str, units: list[Any], at: datetime | None
    ) -> Node:
        member, order = self.own_order(ref, order_ref)
        if (return_ref, "return") in order["steps"]:
            return known_return(order, return_ref, units)
        after = {line["no"]: (line["back"], line["units"]) for line in order["lines"]}
        by_no = {line["no"]: line for line in order["lines"]}
        named = [no for no, _ in units]
        if len(set(named)) < len(named) or not set(named) <= set(by_no):
            raise Refused("line_unknown")
        for no, count in units:
            line = by_no[no]
            left = line["quantity"] - line["units"]
            if count > left:
                raise Refused("more_than_left")
            after[no] = (
                line["back"] + (1 - line["back"]) * Fraction(count, left),
                line["units"] + count,
            )
        return self.come_back(member, order, (return_ref, "return"), after, at, units)

    def return_amount(
        self,
        ref: str,
        order_ref: str,
        return_ref: str,
        *,
        amount: int,
        currency: str,
        at: datetime | None,
    ) -> Node:
        member, order = self.own_order(ref, order_ref)
        if (return_ref, "return") in order["steps"]:
            return known_return(order, return_ref, (amount, currency))
        if currency != self.versions[0][1]["currency"]:
            raise Refused("currency_foreign")
        left = [line["paid"] - money_back(line) for line in order["lines"]]
        if amount > sum(left):
            raise Refused("more_than_left")
        after = {}
        for line, part in zip(order["lines"], spread(amount, left), strict=True):
            more = Fraction(part, line["paid"]) if part else 0
            after[line["no"]] = (min(Fraction(1), line["back"] + more), line["units"])
        return self.come_back(member, order, (return_ref, "return"), after, at, (amount, currency))

    def cancel(self, ref: str, order_ref: str, at: datetime | None) -> Node:
        member, order = self.own_order(ref, order_ref)
        if "cancellation" in order["steps"]:
            return {**order["steps"]["cancellation"], "repeated": True}
        if is_back(order):
            raise Refused("nothing_left_to_return")
        after = {line["no"]: (Fraction(1), line["quantity"]) for line in order["lines"]}
        return self.come_back(member, order, "cancellation", after, at, None)

    def come_back(
        self, member: Member, order: Node, step: Any, after: Node, at: datetime | None, asked: Any
    ) -> Node:
        """Raise the lines' returned fractions and take back what hangs on them (R-40, R-41)."""
        self.check_time(at, order)
        when = self.meet(member, at)
        moved = {}
        owed: dict[str, int] = {}
        for line in order["lines"]:
            was, money = line["back"], money_back(line)
            units = after[line["no"]][1] - line["units"]
            line["back"], line["units"] = after[line["no"]]
            if units or money_back(line) - money:
                moved[line["no"]] = (units, money_back(line) - money)
            for wallet, use in order["given"]:
                share = use["shares"].get(line["no"], 0)
                points = so_far(share, line["back"]) - so_far(share, was)
                use["points"] -= points
                owed[wallet] = owed.get(wallet, 0) + points
        program = self.versions[order["version"] - 1][1]
        negative = program.get("returns", {}).get("overdrawn", "negative") == "negative"
        reason = "order_cancelled" if step == "cancellation" else "order_returned"
        cause = self.cause(reason, order["version"], when)
        taken = {}
        for wallet, points in owed.items():
            if points:
                account, source = self.account(member, wallet), order["kept"][wallet]
                where, entry = account.take_back(
                    cause, points, member.clock, source, negative=negative
                )
                taken[wallet] = {**told_entry(entry), "points": points, "from": where}
        order["state"] = state_of(order, cancelled=step == "cancellation")
        told = {
            "state": order["state"],
            "occurred": when,
            "returned": sum(money for _, money in moved.values()),
            "lines": moved,
            "taken": taken,
        }
        order["steps"][step] = {**told, "asked": asked}
        return told

    # What members do, and what operators put right -------------------------------------------

    def event(self, ref: str, name: str, channel: str | None, at: datetime | None) -> Node:
        member = self.find(ref)
        self.check_time(at)
        version, program = self.program_at(at or self.now)
        day = local_day(at or self.now, self.zone)
        before = member.days.setdefault(name, [])
        periods = {"sign_up": "ever", "birthday": "year"}
        if name in periods:
            period = periods[name]
            if period_of(period, day) in [period_of(period, known) for known in before]:
                raise Refused("already_counted")
        if name == "check_in":
            member.streak = next_streak(program, before, member.streak, day)
        before.append(day)
        when = self.meet(member, at)
        act = Act(name, when, channel, member.tags, member.birth_month())
        act.streak = member.streak if name == "check_in" else 0
        told, _ = self.give(member, "event", version, act)
        return {"version": version, "streak": act.streak or None, "earned": told}

    def adjust(
        self, ref: str, wallet: str, points: int, ends: datetime | None, allow_negative: bool
    ) -> Node:
        member = self.find(ref)
        version, program = self.program_at(self.now)
        if all(known["id"] != wallet for known in program["wallets"]):
            raise Refused("wallet_unknown")
        if points > 0 and ends is not None and ends <= self.now:
            raise Refused("expiry_past")
        account = member.accounts.get(wallet, Account(wallet))
        active = sum(
            lot["left"]
            for lot in account.open_lots()
            if lot["active"] is not None
            and lot["active"] <= self.now
            and (lot["ends"] is None or lot["ends"] > self.now)
        )
        if -points > active and not allow_negative:
            raise Refused("insufficient_points")
        when = self.meet(member, None)
        account = self.account(member, wallet)
        cause = self.cause("adjustment", version, when)
        if points > 0:
            part = self.by_hand(program, wallet, points, ends)
            entry, _ = account.credit(cause, [part])
        else:
            entry = account.debit(cause, -points, self.now, allow_negative)
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
        by_hand = entry["reason"] in ("adjustment", "event")
        if answered or not by_hand or entry["kind"] not in ("credit", "debit"):
            raise Refused("not_reversible")
        version, program = self.program_at(self.now)
        when = self.meet(member, None)
        cause = self.cause("mistake", version, when)
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


def told_entry(entry: Node | None) -> Node:
    if entry is None:
        return {"entry": None, "balance": None}
    return {"points": entry["points"], "entry": entry["seq"], "balance": entry["balance"]}


def told_lots(account: Account, entry: Node) -> list[Any]:
    """The lots an entry opened or moved: points, beginning and end."""
    lots = [(account.lot(no), points) for no, points in entry["lots"].items()]
    return sorted([(points, lot["active"], lot["ends"]) for lot, points in lots], key=str)


def priced(program: Node, lines: list[Node], more: Node) -> list[Node]:
    """What each line costs, net of every discount (R-03, R-20)."""
    if more["currency"] != program["currency"]:
        raise Refused("currency_foreign")
    net = [line["amount"] - line["discount"] for line in lines]
    goods = [cost if line["kind"] == "goods" else 0 for line, cost in zip(lines, net, strict=True)]
    if min(net) < 0 or more["discount"] > sum(goods):
        raise Refused("discount_too_high")
    shares = spread(more["discount"], goods)
    net = [cost - share for cost, share in zip(net, shares, strict=True)]
    if more["paid"] is not None and more["paid"] != sum(net):
        raise Refused("cart_does_not_add_up")
    return [
        {**line, "no": no, "paid": cost, "back": Fraction(0), "units": 0}
        for no, (line, cost) in enumerate(zip(lines, net, strict=True), 1)
    ]


def repeated(order: Node, member: Member, content: Node, at: datetime | None) -> Node:
    """An order that is known: the same answer again, or a refusal (R-34)."""
    if order["member"] is not member:
        raise Refused("order_of_another_member")
    if content != order["content"] or at not in (None, order["placed"]):
        raise Refused("order_differs")
    return {**order["receipt"], "repeated": True}


def known_return(order: Node, return_ref: str, asked: Any) -> Node:
    told = dict(order["steps"][return_ref, "return"])
    if told.pop("asked") != asked:
        raise Refused("return_differs")
    return {**told, "repeated": True}


def so_far(share: int, back: Fraction) -> int:
    return share * back.numerator // back.denominator


def money_back(line: Node) -> int:
    return so_far(line["paid"], line["back"])


def is_back(order: Node) -> bool:
    """Whether an order is fully returned (R-43)."""
    earned = {no for _, use in order["given"] for no, points in use["shares"].items() if points}
    worth = [line for line in order["lines"] if line["paid"] or line["no"] in earned]
    return all(line["back"] == 1 for line in worth or order["lines"])


def state_of(order: Node, *, cancelled: bool) -> str:
    if is_back(order):
        return "cancelled" if cancelled or order["state"] == "cancelled" else "returned"
    if any(line["back"] for line in order["lines"]):
        return "part_returned"
    return "fulfilled" if order["fulfilled"] else "paid"


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
