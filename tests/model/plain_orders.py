"""Orders from the quote to the last return, written once more, plainly, from the rules alone (R-06,
R-30 to R-43). A chapter of an order is a dict; a reservation and its payment are one chapter, a
cancelled order that is opened again gets another."""

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.model.plain_books import Books, Member, begun_lots, told_entry, told_lots
from tests.model.plain_calendar import expiry_at, local_day
from tests.model.plain_cart import most_points, paid_by, priced, require_exactly
from tests.model.plain_earning import Act, earn, spread
from tests.model.plain_ledger import Account, Refused

Node = dict[str, Any]


class Orders(Books):
    """What the shop tells of orders. A cart: lines (kind, sku, category, brand, quantity, amount,
    discount), channel, discount, currency, points."""

    # Placing ---------------------------------------------------------------------------------

    def place(
        self, member: Member, lines: list[Node], cart: Node, when: datetime, own: Node | None
    ) -> Node:
        """An order as it is placed at an instant, with the most of its points that are allowed
        (R-06, R-30). ``lines``: priced. ``own``: the chapter that it replaces: what that one holds
        is free for it."""
        version, program = self.program_at(when)
        available = self.available(member, program, own)
        allowed = most_points(program, lines, cart["points"], available, locked=member.locked)
        wallet = wallet_that_pays(program)
        return {
            "placed": when,
            "version": version,
            "channel": cart["channel"],
            "lines": paid_by(program, lines, allowed["used"]),
            "points": allowed["used"],
            "wallet": wallet,
            "allowed": allowed,
            "first": all(is_back(other) for other in member.orders if other["paid_at"]),
            "tags": member.tags,
            "birth_month": member.birth_month(),
            "tier": self.tier_at(member, when),
        }

    def available(self, member: Member, program: Node, own: Node | None) -> int:
        wallet = wallet_that_pays(program)
        account = member.accounts.get(wallet or "", Account(""))
        held = account.held_for(own["no"], member.clock) if own else 0
        # What is let go pays a deficit first.
        return account.available(member.clock) + max(0, held - account.deficit)

    def place_cart(self, member: Member, cart: Node, when: datetime, own: Node | None) -> Node:
        """A cart with exactly the points that it names."""
        lines = priced(self.program_at(when)[1], cart)
        placing = self.place(member, lines, cart, when, own)
        require_exactly(cart["points"], placing["allowed"])
        return placing

    def act(self, placing: Node) -> Act:
        """The order as conditions see it: as it was placed."""
        lines = [{**line, "paid": line["basis"]} for line in placing["lines"]]
        act = Act(
            "order",
            placing["placed"],
            placing["channel"],
            placing["tags"],
            placing["birth_month"],
            lines=lines,
        )
        act.is_first = placing["first"]
        act.tier = placing["tier"]
        return act

    def would_earn(self, member: Member, placing: Node) -> Node:
        """What an order would earn if it were paid now, not fulfilled yet."""
        program, at = self.program(placing["version"]), placing["placed"]
        used = self.used(member, program, local_day(at, self.zone))
        given = earn(program, self.act(placing), used)
        told = {}
        for wallet in program["wallets"]:
            of_wallet = [one for one in given if one.rule["wallet"] == wallet["id"]]
            if of_wallet:
                parts = self.parts(program, wallet, of_wallet, at, {"fulfilled": None, "no": None})
                told[wallet["id"]] = {
                    "points": sum(one.points for one in of_wallet),
                    "lots": sorted(
                        [(part["points"], part["active"], part["ends"]) for part in parts], key=str
                    ),
                    "rules": {one.rule["id"]: one.points for one in of_wallet},
                }
        return told

    def told_price(self, placing: Node) -> Node:
        lines = placing["lines"]
        return {
            "version": placing["version"],
            "price": sum(line["price"] for line in lines),
            "worth": sum(line["worth"] for line in lines),
            "payable": payable(placing),
            "lines": [
                (line["no"], line["price"], line["points"], line["worth"], line["paid"])
                for line in lines
            ],
        }

    def quote(self, ref: str, order_ref: str | None, cart: Node, at: datetime | None) -> Node:
        """R-31: a cart priced as an order placed now, or at an instant to come."""
        member = self.find(ref)
        earliest = max(self.now, member.clock)
        if at is not None and at < earliest:
            raise Refused("in_the_past")
        if at is not None and at > earliest + timedelta(days=5 * 366):
            raise Refused("too_far_ahead")
        own = self.orders.get(order_ref or "")
        if own is not None and own["member"] is not member:
            raise Refused("order_of_another_member")
        when = self.meet(member, at or earliest)
        placing = self.place(member, priced(self.program_at(when)[1], cart), cart, when, own)
        placing["tier"] = self.earns_by(member, placing, None)
        return {
            "at": when,
            **self.told_price(placing),
            **placing["allowed"],
            "asked": cart["points"],
            "wallet": placing["wallet"],
            "earned": self.would_earn(member, placing),
        }

    # Reservations ----------------------------------------------------------------------------

    def reserve(self, ref: str, order_ref: str, cart: Node) -> Node:
        """R-32: keep a cart's price and points for a while; the same cart again renews it."""
        member = self.find(ref)
        known = self.orders.get(order_ref)
        if known is not None:
            if known["member"] is not member:
                raise Refused("order_of_another_member")
            if known["state"] not in ("reserved", "cancelled"):
                raise Refused("order_paid")
        now = self.meet(member, None)
        if known is not None and is_standing(known, member.clock) and cart == known["cart"]:
            return self.renew(member, known)
        placing = self.place_cart(member, cart, now, known)
        placing["tier"] = self.earns_by(member, placing, None)
        if known is not None:
            self.let_go(known)
        order = self.open(member, order_ref, placing, known)
        minutes, most = self.times(order)
        order |= {
            "cart": cart,
            "since": now,
            "lapses": now + minutes,
            "holds": order["holds"] + 1,
        }
        if order["points"]:
            account = self.account(member, order["wallet"])
            named = (order["no"], order["holds"])
            account.hold(named, order["points"], member.clock, order["lapses"])
        order["promise"] = {
            "state": "reserved",
            "placed": now,
            "lapses": order["lapses"],
            "renewable": now + most,
            **self.told_price(order),
            "points": order["points"],
            "wallet": order["wallet"],
            "earned": self.would_earn(member, order),
        }
        return dict(order["promise"])

    def times(self, order: Node) -> tuple[timedelta, timedelta]:
        """How long an order is kept: at first or by a renewal, and in all."""
        terms = self.program(order["version"]).get("reservations", {})
        minutes = int(terms.get("minutes", 30))
        most = int(terms.get("most_minutes", max(minutes, 120)))
        return timedelta(minutes=minutes), timedelta(minutes=most)

    def renew(self, member: Member, order: Node) -> Node:
        minutes, most = self.times(order)
        order["lapses"] = min(member.clock + minutes, order["since"] + most)
        if order["points"]:
            account = self.account(member, order["wallet"])
            account.renew(order["no"], member.clock, order["lapses"])
        order["promise"]["lapses"] = order["lapses"]
        return dict(order["promise"])

    def open(self, member: Member, order_ref: str, placing: Node, known: Node | None) -> Node:
        """The chapter of an order that is placed: the unpaid one that it replaces, or a new one,
        in which payments and returns of earlier ones still have their answers (R-34)."""
        if known is not None and known["state"] == "reserved":
            known |= placing
            return known
        before = known["steps"] if known else {}
        order: Node = {
            "ref": order_ref,
            "no": len(member.orders) + 1,
            "member": member,
            "state": "reserved",
            "answers": dict(known["answers"]) if known else {},
            "answered": known is not None,
            "next": None,
            "cart": None,
            "since": None,
            "lapses": None,
            "holds": 0,
            "paid_at": None,
            "fulfilled": None,
            "given": [],
            "kept": {},
            "draws": [],
            "steps": {step: told for step, told in before.items() if "return" in step},
            **placing,
        }
        if known is not None:
            known["next"] = order["no"]
        member.orders.append(order)
        self.orders[order_ref] = order
        return order

    def let_go(self, order: Node) -> int:
        """End a reservation before its time; returns the points that it held."""
        member = order["member"]
        at = member.clock
        if not is_standing(order, at):
            return 0
        order["lapses"] = at
        if not order["points"]:
            return 0
        causes = self.causes(order["version"], at)
        return self.account(member, order["wallet"]).let_go(order["no"], at, causes, self.now)

    def release(self, ref: str, order_ref: str) -> Node:
        member, order = self.own_order(ref, order_ref)
        if order["state"] != "reserved":
            raise Refused("order_cancelled" if order["state"] == "cancelled" else "order_paid")
        step = ("release", order["holds"])
        if step in order["steps"]:
            return {**order["steps"][step], "repeated": True}
        self.meet(member, None)
        points = self.let_go(order)
        told = {"state": "lapsed", "released": order["lapses"], "points": points}
        order["steps"][step] = told
        return dict(told)

    def story(self, order_ref: str) -> list[str]:
        """Where an order stands by the clock, and how its earlier chapters ended, newest first."""
        chapters = [self.orders[order_ref]]
        by_next = {order["next"]: order for order in chapters[0]["member"].orders if order["next"]}
        while chapters[-1]["no"] in by_next:
            chapters.append(by_next[chapters[-1]["no"]])
        return [state_by_clock(order, self.now) for order in chapters]

    # Payment ---------------------------------------------------------------------------------

    def pay(
        self, ref: str, order_ref: str, cart: Node | None, at: datetime | None, **more: Any
    ) -> Node:
        """``more``: payment_ref, paid, fulfilled, repricing. Without a cart what was reserved is
        paid."""
        member = self.find(ref)
        known = self.orders.get(order_ref)
        if known is None:
            return self.pay_whole(member, order_ref, cart, at, more)
        if known["member"] is not member:
            raise Refused("order_of_another_member")
        content = {"cart": cart, "paid": more["paid"], "fulfilled": more["fulfilled"]}
        if more["payment_ref"] in known["answers"]:
            return self.repeated(known, more["payment_ref"], content, at)
        if known["state"] not in ("reserved", "cancelled"):
            raise Refused("order_differs")
        self.check_time(at, known)
        when = self.meet(member, at)
        is_same = cart is None or cart == known["cart"]
        is_held = is_same and is_standing(known, member.clock)
        if is_held:
            placing, differs = known, "amount_differs"
        elif is_same:
            placing, differs = self.place_again(member, known, when, more), "amount_differs"
        else:
            assert cart is not None
            placing, differs = self.place_cart(member, cart, when, known), "cart_does_not_add_up"
        check_paid(placing, more["paid"], differs)
        if not is_same:
            self.let_go(known)
        placing["cart"] = known["cart"] if is_same else cart
        return self.take(member, order_ref, placing, known, when, content, more, is_held=is_held)

    def pay_whole(
        self, member: Member, order_ref: str, cart: Node | None, at: datetime | None, more: Node
    ) -> Node:
        """An order that was not reserved; it arrived when it was paid, unless it is said
        otherwise (R-35)."""
        if cart is None:
            raise Refused("cart_missing")
        if cart["points"]:
            self.check_time(at)
            self.meet(member, at)
        placing = self.place_cart(member, cart, at or self.now, None)
        check_paid(placing, more["paid"], "cart_does_not_add_up")
        self.check_time(at)
        when = self.meet(member, at)
        placing["tier"] = self.tier_at(member, when)
        content = {"cart": cart, "paid": more["paid"], "fulfilled": more["fulfilled"]}
        return self.take(member, order_ref, placing, None, when, content, more, is_held=False)

    def place_again(self, member: Member, known: Node, when: datetime, more: Node) -> Node:
        """R-33: after a lapse the same price and points must come out, unless it is said that the
        price of now is fine."""
        placing = self.place(member, known["lines"], known, when, None)
        same = (placing["points"], payable(placing)) == (known["points"], payable(known))
        if not same and not more["repricing"]:
            raise Refused("reservation_lapsed")
        return placing

    def take(
        self,
        member: Member,
        order_ref: str,
        placing: Node,
        known: Node | None,
        when: datetime,
        content: Node,
        more: Node,
        *,
        is_held: bool,
    ) -> Node:
        went_out = more["fulfilled"] or (more["fulfilled"] is None and known is None)
        told_before = known["fulfilled"] if known and known["state"] == "reserved" else None
        fulfilled = told_before or (when if went_out else None)
        if not is_held:
            placing["tier"] = self.earns_by(member, placing, fulfilled)
        order = placing if is_held else self.open(member, order_ref, placing, known)
        order["paid_at"], order["lapses"] = when, None
        order["fulfilled"] = fulfilled
        order["state"] = "fulfilled" if order["fulfilled"] else "paid"
        told = {
            "state": order["state"],
            "price": sum(line["price"] for line in order["lines"]),
            "paid": payable(order),
            "placed": order["placed"],
            "paid_at": when,
            "fulfilled": order["fulfilled"],
            "version": order["version"],
            "spent": self.spend(member, order, is_held=is_held),
        }
        act, version = self.act(order), order["version"]
        told["earned"], order["kept"] = self.give(member, "order_paid", version, act, order)
        order["payment_ref"] = more["payment_ref"]
        order["answers"][more["payment_ref"]] = (content, told)
        return dict(told)

    def spend(self, member: Member, order: Node, *, is_held: bool) -> Node | None:
        if not order["points"]:
            return None
        account = self.account(member, order["wallet"])
        cause = self.cause("order_spent", order["version"], order["paid_at"])
        points, at = order["points"], member.clock
        entry, order["draws"] = account.spend(cause, order["no"], points, at, is_held=is_held)
        worth = sum(line["worth"] for line in order["lines"])
        return {**told_entry(entry), "points": points, "worth": worth, "wallet": order["wallet"]}

    def repeated(self, order: Node, payment_ref: str, content: Node, at: datetime | None) -> Node:
        """A payment that is known: the same answer again, or a refusal (R-34)."""
        answered, told = order["answers"][payment_ref]
        is_current = payment_ref == order.get("payment_ref")
        if content != answered or (is_current and at not in (None, order["paid_at"])):
            raise Refused("order_differs")
        return {**told, "repeated": True}

    # What follows ----------------------------------------------------------------------------

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
        program = self.program(order["version"])
        begins = max(when, order["paid_at"] or when)
        activated = {}
        for wallet, kept in order["kept"].items():
            account = self.account(member, wallet)
            instants = {
                no: self.instants(program, part["terms"], order["paid_at"], begins)
                for no, part in kept["parts"].items()
                if no is not None and part["terms"] and part["terms"][0]["on"] == "fulfilment"
            }
            instants = {
                no: (found[0], self.late_end(member, order["version"], wallet, found))
                for no, found in instants.items()
            }
            cause = self.cause("order_fulfilled", order["version"], when)
            entry = account.reschedule(cause, instants)
            if entry is not None:
                activated[wallet] = {"entry": entry["seq"], "lots": begun_lots(account, entry)}
        if order["state"] == "paid":
            order["state"] = "fulfilled"
        state = state_by_clock(order, member.clock)
        told = {"state": state, "fulfilled": when, "activated": activated}
        order["steps"]["fulfilment"] = told
        return dict(told)

    def return_units(
        self, ref: str, order_ref: str, return_ref: str, units: list[Any], at: datetime | None
    ) -> Node:
        member, order = self.own_order(ref, order_ref)
        if (return_ref, "return") in order["steps"]:
            return known_return(order, return_ref, units)
        if not order["paid_at"]:
            raise Refused("order_not_paid")
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
        if not order["paid_at"]:
            raise Refused("order_not_paid")
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
        if order["state"] == "reserved":
            return self.call_off(member, order, at)
        if is_back(order):
            raise Refused("nothing_left_to_return")
        after = {line["no"]: (Fraction(1), line["quantity"]) for line in order["lines"]}
        return self.come_back(member, order, "cancellation", after, at, None)

    def call_off(self, member: Member, order: Node, at: datetime | None) -> Node:
        """R-34: cancelled before its payment, an order lets go what it holds."""
        self.check_time(at, order)
        when = self.meet(member, at)
        released = self.let_go(order)
        order["state"] = "cancelled"
        told = {
            "state": "cancelled",
            "occurred": when,
            "released": released,
            "returned": 0,
            "lines": {},
            "given": None,
            "taken": {},
        }
        order["steps"]["cancellation"] = {**told, "asked": None}
        return told

    def come_back(
        self, member: Member, order: Node, step: Any, after: Node, at: datetime | None, asked: Any
    ) -> Node:
        """Raise the lines' returned fractions, give back what was spent on them and take back what
        they earned (R-40 to R-42)."""
        self.check_time(at, order)
        when = self.meet(member, at)
        given_before = self.points_back(order)
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
        program = self.program(order["version"])
        given = self.give_spent_back(member, order, given_before, when)
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
            "released": 0,
            "returned": sum(money for _, money in moved.values()),
            "lines": moved,
            "given": given,
            "taken": taken,
        }
        order["steps"][step] = {**told, "asked": asked}
        return told

    def points_back(self, order: Node) -> int:
        """Points spent on the order that have come back so far (R-40, R-42)."""
        returns = self.program(order["version"]).get("returns", {})
        if returns.get("give_back") == "only_when_full" and not is_back(order):
            return 0
        return sum(so_far(line["points"], line["back"]) for line in order["lines"])

    def give_spent_back(
        self, member: Member, order: Node, before: int, when: datetime
    ) -> Node | None:
        """Points come back to the lots they came from, the last drawn first (R-42)."""
        points = self.points_back(order) - before
        if not points:
            return None
        one_by_one = [no for no, taken in reversed(order["draws"]) for _ in range(taken)]
        coming = one_by_one[before : before + points]
        draws = [(no, coming.count(no)) for no in dict.fromkeys(coming)]
        program = self.program(order["version"])
        meanwhile = program.get("returns", {}).get("expired_meanwhile", {"grace": {"days": "30"}})
        grace = None
        if meanwhile != "expire":
            at = member.clock
            ends = expiry_at(program, {"after": meanwhile["grace"]}, at, self.zone)
            grace = {"order": order["no"], "active": at, "ends": ends, "standing": False}
        account = self.account(member, order["wallet"])
        cause = self.cause("order_given_back", order["version"], when)
        entry, late = account.give_spent_back(cause, draws, member.clock, grace)
        return {
            **told_entry(entry),
            "wallet": order["wallet"],
            "lots": told_lots(account, entry),
            "expired": late,
        }


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
    worth = [
        line for line in order["lines"] if line["paid"] or line["points"] or line["no"] in earned
    ]
    return all(line["back"] == 1 for line in worth or order["lines"])


def state_of(order: Node, *, cancelled: bool) -> str:
    if is_back(order):
        return "cancelled" if cancelled or order["state"] == "cancelled" else "returned"
    if any(line["back"] for line in order["lines"]):
        return "part_returned"
    return "fulfilled" if order["fulfilled"] else "paid"


def payable(placing: Node) -> int:
    """What is left to be paid with money."""
    return sum(line["paid"] for line in placing["lines"])


def check_paid(placing: Node, paid: int | None, refusal: str) -> None:
    if paid is not None and paid != payable(placing):
        raise Refused(refusal)


def is_standing(order: Node, at: datetime) -> bool:
    """Whether a reservation is kept: up to, not including, its lapse (R-14)."""
    return bool(order["state"] == "reserved" and at < order["lapses"])


def state_by_clock(order: Node, at: datetime) -> str:
    is_lapsed = order["state"] == "reserved" and not is_standing(order, at)
    return "lapsed" if is_lapsed else str(order["state"])


def wallet_that_pays(program: Node) -> str | None:
    """The wallet that is named, or the only one that can be spent; None: points buy nothing."""
    if "redemption" not in program:
        return None
    spendable = [wallet["id"] for wallet in program["wallets"] if wallet["spendable"] == "true"]
    return str(program["redemption"].get("wallet", spendable[0]))
