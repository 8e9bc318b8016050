"""What shops tell of orders, drawn at random: from the quote to the last return."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.model.hand import Hand, Node, Step
from tests.model.plain_books import Member
from tests.model.plain_ledger import Refused
from tests.model.plain_orders import is_standing, money_back, payable


class Shopkeeper(Hand):
    """Draws the steps of orders; what is not at hand (a reservation that stands) is made first."""

    # Carts -----------------------------------------------------------------------------------

    def cart(self, points: int = 0) -> Node:
        lines = [self.line() for _ in range(self.dice.choice((1, 1, 2, 2, 3, 5)))]
        goods = sum(line["amount"] - line["discount"] for line in lines if line["kind"] == "goods")
        discount = self.dice.randint(0, max(goods, 0)) if self.chance(25) else 0
        return {
            "lines": lines,
            "channel": self.dice.choice((None, "app", "web")),
            "discount": goods + 1 if self.chance(1) else discount,
            "currency": "XAF" if self.chance(0.7) else self.currency,
            "points": points,
        }

    def line(self) -> Node:
        dice = self.dice
        amount = dice.choice((0, 1, 99, 100, 333, 1_000, 3_350, 9_999, 12_345)) * self.scale
        if self.chance(60):
            amount = dice.randint(1, 20_000) * self.scale
        discount = dice.randint(0, amount) if self.chance(15) else 0
        return {
            "kind": dice.choices(("goods", "shipping", "tax"), (84, 10, 6))[0],
            "sku": dice.choice(("A", "B", "C")),
            "category": dice.choice((None, "shoes", "tea", "books")),
            "brand": dice.choice((None, "red", "blue")),
            "quantity": dice.choice((1, 1, 2, 3, 4, 7)),
            "amount": amount,
            "discount": amount if self.chance(4) else discount,
        }

    def cart_with_points(self, member: Member, order_ref: str | None = None) -> Node:
        """A cart and points for it: mostly as many as a quote allows, or fewer."""
        for _ in range(3):
            cart = self.cart(self.dice.choice((60, 200, 10_000)))
            try:
                args = {"ref": member.ref, "order_ref": order_ref, "cart": cart, "at": None}
                told = self.model.do("quote", args)
            except Refused:
                return cart
            if told["used"]:
                break
        step, used = told["limits"].get("step", 1), told["used"]
        if self.chance(35):
            fewer = self.dice.randint(0, used) // step * step
            used = fewer if fewer >= told["limits"].get("minimum", 1) else used
        wrong = self.dice.choice((1, step, 3 * step, 5_000)) if self.chance(5) else 0
        return {**cart, "points": used + wrong}

    def paid_for(self, promised: int) -> int | None:
        """What the shop says was paid: nothing, what it should be, or something else."""
        return self.dice.choices((None, promised, promised + 1), (70, 26, 4))[0]

    def fulfilled(self) -> bool | None:
        return self.dice.choices((None, True, False), (30, 35, 35))[0]

    # Which order -----------------------------------------------------------------------------

    def pick(self, wanted: Callable[[Node], bool]) -> Node | None:
        """One of the orders that are in a state."""
        found = [order for order in self.model.orders.values() if wanted(order)]
        return self.dice.choice(found[-6:]) if found else None

    def standing(self) -> Node | None:
        return self.pick(lambda order: is_standing(order, self.model.now))

    def lapsed(self) -> Node | None:
        """A reservation that has lapsed, mostly one of points."""
        now = self.model.now
        found = self.pick(lambda o: is_lapsed(o, now) and o["points"] > 0)
        return found or self.pick(lambda o: is_lapsed(o, now))

    def lapse_one(self) -> Step:
        """Let a reservation lapse, or make one that can."""
        order = self.standing()
        if order is None:
            return self.reserve()
        late = timedelta(microseconds=self.dice.choice((0, 1, 10**8, 10**11)))
        return Step("clock", "clock", {"to": order["lapses"] + late})

    def some_order(self, wanted: Callable[[Node], bool]) -> tuple[str, str, Node | None]:
        """A member and an order of theirs, mostly one of those wanted; sometimes nobody's."""
        orders = list(self.model.orders.values())
        member = self.someone()
        if not orders or self.chance(1.5):
            return member.ref, "nothing", None
        likely = [order for order in orders[-12:] if wanted(order)]
        order = self.dice.choice(likely if likely and self.chance(93) else orders)
        owner = member.ref if self.chance(2) else order["member"].ref
        return owner, order["ref"], order

    def after_order(self, order: Node | None) -> datetime | None:
        return None if order is None else self.when(order["member"], order["placed"])

    # Before the payment ----------------------------------------------------------------------

    def quote(self) -> Step:
        member, order = self.rich(), None
        if self.chance(35):
            order = self.pick(lambda order: order["state"] in ("reserved", "cancelled"))
        if order is not None and not self.chance(4):
            member = order["member"]
        ref = order["ref"] if order else self.dice.choice((None, "nothing"))
        cart = self.cart_with_points(member, ref) if self.chance(70) else self.cart()
        if self.chance(40):
            cart["points"] = self.dice.choice((0, 1, 7, 49, 50, 120, 10_000))
        days = self.dice.choice((0, 0.5, 8, 50))
        at = self.model.now + timedelta(days=days) * self.dice.random()
        at = at if self.chance(25) else None
        if self.chance(2):
            at = max(self.model.now, member.clock) - timedelta(microseconds=1)
        args = {"ref": member.ref, "order_ref": ref, "cart": cart, "at": at}
        return Step("quote", "quote", args)

    def reserve(self) -> Step:
        member = self.rich()
        cart = self.cart_with_points(member) if self.chance(85) else self.cart()
        args = {
            "ref": "nobody" if self.chance(0.5) else member.ref,
            "order_ref": f"o{self.count}",
            "cart": cart,
        }
        return Step("reserve", "reserve", args)

    def reserve_anew(self, kind: str, order: Node, cart: Node) -> Step:
        ref = self.someone().ref if self.chance(2) else order["member"].ref
        return Step(kind, "reserve", {"ref": ref, "order_ref": order["ref"], "cart": cart})

    def renew(self) -> Step:
        order = self.standing()
        return self.reserve() if order is None else self.reserve_anew("renew", order, order["cart"])

    def replace(self) -> Step:
        """Another cart, or other points, for an order that is kept or has lapsed."""
        order = self.standing() if self.chance(75) else self.lapsed()
        if order is None:
            return self.reserve()
        cart = self.cart_with_points(order["member"], order["ref"])
        if order["cart"] and self.chance(35):
            cart = {**order["cart"], "points": cart["points"]}
        return self.reserve_anew("replace", order, cart)

    def release(self) -> Step:
        order = self.standing() if self.chance(85) else self.lapsed()
        if self.chance(4):
            order = self.pick(bool)
        if order is None:
            return self.reserve()
        ref = self.someone().ref if self.chance(2) else order["member"].ref
        return Step("release", "release", {"ref": ref, "order_ref": order["ref"]})

    def fulfil_early(self) -> Step:
        order = self.pick(lambda o: o["state"] == "reserved" and not o["fulfilled"])
        if order is None:
            return self.reserve()
        at = self.when(order["member"], order["placed"])
        args = {"ref": order["member"].ref, "order_ref": order["ref"], "at": at}
        return Step("fulfil_early", "fulfil", args)

    def call_off(self) -> Step:
        order = self.pick(lambda o: o["state"] == "reserved")
        if order is None:
            return self.reserve()
        at = self.when(order["member"], order["placed"])
        args = {"ref": order["member"].ref, "order_ref": order["ref"], "at": at}
        return Step("call_off", "cancel", args)

    # Payment ---------------------------------------------------------------------------------

    def payment(self, kind: str, ref: str, order_ref: str, cart: Node | None, **more: Any) -> Step:
        args = {
            "ref": ref,
            "order_ref": order_ref,
            "cart": cart,
            "at": None,
            "payment_ref": f"p{self.count}",
            "paid": None,
            "fulfilled": self.fulfilled(),
            "repricing": False,
            **more,
        }
        return Step(kind, "pay", args)

    def pay(self) -> Step:
        member = self.someone()
        ref = "nobody" if self.chance(0.5) else member.ref
        cart: Node | None = self.cart()
        more = {"at": self.when(member), "paid": None}
        if self.chance(5):
            net = sum(line["amount"] - line["discount"] for line in cart["lines"])
            more["paid"] = net - cart["discount"] + self.dice.choice((0, 0, 0, 1))
        if self.chance(0.5):
            cart = None
        return self.payment("pay", ref, f"o{self.count}", cart, **more)

    def pay_points(self) -> Step:
        """An order that arrives whole, paid with points too."""
        member = self.rich()
        cart = self.cart_with_points(member)
        return self.payment("pay_points", member.ref, f"o{self.count}", cart, at=self.when(member))

    def pay_known(self, kind: str, order: Node, cart: Node | None, **more: Any) -> Step:
        member = order["member"]
        ref = self.someone().ref if self.chance(1.5) else member.ref
        paid = self.paid_for(payable(order)) if cart in (None, order["cart"]) else None
        more = {"at": self.when(member, order["placed"]), "paid": paid, **more}
        return self.payment(kind, ref, order["ref"], cart, **more)

    def pay_promised(self) -> Step:
        order = self.standing()
        if order is None:
            return self.reserve()
        return self.pay_known("pay_promised", order, self.dice.choice((None, order["cart"])))

    def pay_lapsed(self) -> Step:
        order = self.lapsed()
        if order is None:
            return self.lapse_one()
        return self.pay_known("pay_lapsed", order, self.dice.choice((None, order["cart"])))

    def pay_repriced(self) -> Step:
        order = self.lapsed()
        if order is None:
            return self.lapse_one()
        cart = self.dice.choice((None, order["cart"]))
        return self.pay_known("pay_repriced", order, cart, repricing=True)

    def pay_other(self) -> Step:
        """Another cart than was reserved."""
        order = self.pick(lambda order: order["state"] == "reserved")
        if order is None:
            return self.reserve()
        cart = self.cart_with_points(order["member"], order["ref"])
        return self.pay_known("pay_other", order, cart, repricing=self.chance(20))

    def open_again(self) -> Step:
        """Something new of an order that was cancelled."""
        order = self.pick(lambda order: order["state"] == "cancelled")
        if order is None:
            return self.call_off() if self.chance(50) else self.cancel()
        cart = self.dice.choice((None, order["cart"], *self.earlier_carts(order)))
        if self.chance(25):
            cart = self.cart_with_points(order["member"], order["ref"])
        if cart and self.chance(45):
            return self.reserve_anew("open_again", order, cart)
        return self.pay_known("open_again", order, cart, repricing=self.chance(50))

    def earlier_messages(self) -> list[Step]:
        """What was told of orders that were cancelled once and opened again."""
        said = self.model.said
        again = [order["ref"] for order in self.model.orders.values() if order["answered"]]
        return [step for ref in again for step in said.get(ref, [])]

    def earlier_carts(self, order: Node) -> list[Node]:
        """Carts that were told of an order before."""
        said = self.model.said.get(order["ref"], [])
        return [step.args["cart"] for step in said if step.args.get("cart")][-2:]

    # After the payment -----------------------------------------------------------------------

    def fulfil(self) -> Step:
        ref, order_ref, order = self.some_order(lambda order: order["state"] == "paid")
        args = {"ref": ref, "order_ref": order_ref, "at": self.after_order(order)}
        return Step("fulfil", "fulfil", args)

    def return_units(self) -> Step:
        ref, order_ref, order = self.some_order(
            lambda order: (
                order["paid_at"]
                and any(line["quantity"] > line["units"] for line in order["lines"])
            )
        )
        units = [[1, 1]]
        if order is not None:
            open_lines = [line for line in order["lines"] if line["quantity"] > line["units"]]
            most = self.dice.randint(1, max(len(open_lines), 1))
            units = [
                [line["no"], self.dice.randint(1, line["quantity"] - line["units"])]
                for line in self.dice.sample(open_lines, min(most, len(open_lines)))
            ] or units
        if self.chance(5):
            units[0][1] += 7
        if self.chance(2):
            units.append([self.dice.choice((99, units[0][0])), 1])
        args = {
            "ref": ref,
            "order_ref": order_ref,
            "return_ref": f"r{self.count}",
            "units": [tuple(pair) for pair in units],
            "at": self.after_order(order),
        }
        return Step("return_units", "return_units", args)

    def return_amount(self) -> Step:
        ref, order_ref, order = self.some_order(
            lambda order: order["paid_at"] and money_left(order) > 0
        )
        left = 0 if order is None else money_left(order)
        amount = self.dice.choice((left, self.dice.randint(1, max(left, 1)), left // 3, 1))
        args = {
            "ref": ref,
            "order_ref": order_ref,
            "return_ref": f"r{self.count}",
            "amount": left + 1 if self.chance(4) else max(amount, 1),
            "currency": "XAF" if self.chance(1) else self.currency,
            "at": self.after_order(order),
        }
        return Step("return_amount", "return_amount", args)

    def cancel(self) -> Step:
        ref, order_ref, order = self.some_order(
            lambda order: order["state"] in ("paid", "fulfilled", "part_returned")
        )
        args = {"ref": ref, "order_ref": order_ref, "at": self.after_order(order)}
        return Step("cancel", "cancel", args)

    def return_spent(self) -> Step:
        """A part, or all, of an order that points paid."""
        order = self.pick(
            lambda o: bool(o["draws"]) and any(line["back"] < 1 for line in o["lines"])
        )
        if order is None:
            return self.pay_points()
        lines = [line for line in order["lines"] if line["quantity"] > line["units"]]
        if not lines or self.chance(25):
            amount = self.dice.randint(1, max(money_left(order), 1))
            args = {"amount": amount, "currency": self.currency}
        elif self.chance(40):
            args = {"units": [(line["no"], line["quantity"] - line["units"]) for line in lines]}
        else:
            line = self.dice.choice(lines)
            units = self.dice.randint(1, line["quantity"] - line["units"])
            args = {"units": [(line["no"], units)]}
        call = "return_units" if "units" in args else "return_amount"
        args |= {"ref": order["member"].ref, "order_ref": order["ref"]}
        args |= {"return_ref": f"r{self.count}", "at": self.after_order(order)}
        return Step("return_spent", call, args)

    def repeat(self) -> Step:
        """Say again what was said before of an order, exactly or nearly."""
        said = list(self.model.said.values())
        if not said:
            return self.clock()
        step: Step = self.dice.choice(self.dice.choice(said[-12:]))
        earlier = [one for one in self.earlier_messages() if one.call != "reserve"]
        if earlier and self.chance(40):
            step = self.dice.choice(earlier)
        args = dict(step.args)
        if self.chance(25):
            args["ref"] = self.someone().ref
        if self.chance(25):
            changes = {"units": [(1, 9)], "amount": 123_456}
            args |= {key: changes[key] for key in changes.keys() & args.keys()}
            if args.get("cart"):
                args["cart"] = {**args["cart"], "channel": "elsewhere"}
        if "at" in args and self.chance(25):
            args["at"] = None
        return Step("repeat", step.call, args)


def is_lapsed(order: Node, now: datetime) -> bool:
    return bool(order["state"] == "reserved" and order["lapses"] <= now)


def money_left(order: Node) -> int:
    return sum(line["paid"] - money_back(line) for line in order["lines"])
