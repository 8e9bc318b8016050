"""The real service behind the words of the model: the same calls, answers told the same way."""

from datetime import datetime
from typing import Any

from loyalty_service.checkout.rules.cart import CartLine
from loyalty_service.earning.rules.facts import LineKind
from loyalty_service.jobs.rules.schedules import JobName
from loyalty_service.jobs.service import CatchUp, Watch, run_steps
from loyalty_service.kit.errors import Refusal
from loyalty_service.ledger.service import Acting
from loyalty_service.members.rules import parse_ref
from loyalty_service.tiers.service import tell_standing
from loyalty_service.timekeeping.service import Timekeeping
from tests.factories import STOREFRONT, Shop
from tests.model.plain_ledger import Refused

Node = dict[str, Any]


class RealShop:
    """Plays a history's steps on the service; the names of its members and orders are its own.

    Args:
        run: tells the histories of one database apart; ``after``: the number of the last member of
            the ones before.
    """

    def __init__(self, shop: Shop, run: str, after: int) -> None:
        self.shop = shop
        self.run = run
        self.after = after
        self.member_ids: dict[str, int] = {}

    def do(self, call: str, args: Node) -> Node:
        """Make a call; a refusal becomes the model's."""
        try:
            answer: Node = getattr(self, call)(**args)
        except Refusal as refusal:
            raise Refused(refusal.code) from refusal
        except Exception as crash:
            # Nothing that the model can say; the history is then made short like any other.
            raise Refused(f"a crash: {crash!r}") from crash
        return answer

    def name(self, ref: str) -> str:
        return f"{ref}-{self.run}"

    def enrol(self, ref: str, birthday: Any, tags: Any) -> Node:
        member = self.shop.enrol(self.name(ref), birthday=birthday, tags=tuple(tags))
        self.member_ids[ref] = member.member_id
        return {}

    def amend(self, ref: str, birthday: Any, tags: Any) -> Node:
        tags = None if tags is None else tuple(tags)
        self.shop.amend(self.name(ref), birthday=birthday, tags=tags)
        return {}

    def quote(self, ref: str, order_ref: str | None, cart: Node, at: datetime | None) -> Node:
        named = order_ref and self.name(order_ref)
        told = self.shop.quote(
            *lines_of(cart), member=self.name(ref), at=at, order_ref=named, **rest_of(cart)
        )
        points = told["points"]
        return {
            "at": instant(told["at"]),
            **price(told),
            **{key: points[key] for key in ("used", "limits", "bound_by", "asked", "wallet")},
            "earned": would_earn(told),
        }

    def reserve(self, ref: str, order_ref: str, cart: Node) -> Node:
        told = self.shop.reserve(
            self.name(order_ref), *lines_of(cart), member=self.name(ref), **rest_of(cart)
        )
        return {
            "state": told["state"],
            "placed": instant(told["placed_at"]),
            "lapses": instant(told["lapses_at"]),
            "renewable": instant(told["renewable_until"]),
            **price(told),
            "points": told["points"]["points"],
            "wallet": told["points"]["wallet"],
            "earned": would_earn(told),
        }

    def release(self, ref: str, order_ref: str) -> Node:
        told = self.shop.release(self.name(order_ref), member=self.name(ref))
        return {
            "state": told["state"],
            "released": instant(told["released_at"]),
            "points": told["points"],
        }

    def pay(
        self, ref: str, order_ref: str, cart: Node | None, at: datetime | None, **more: Any
    ) -> Node:
        named, member = self.name(order_ref), self.name(ref)
        said = {
            "payment_ref": more["payment_ref"],
            "paid_minor": more["paid"],
            "accept_repricing": more["repricing"],
        }
        if cart is None:
            said |= {"occurred_at": at, "is_fulfilled": more["fulfilled"]}
            return paid(self.shop.pay_reserved(named, member=member, **said))
        said |= {"at": at, "fulfilled": more["fulfilled"], **rest_of(cart)}
        return paid(self.shop.pay(named, *lines_of(cart), member=member, **said))

    def fulfil(self, ref: str, order_ref: str, at: datetime | None) -> Node:
        told = self.shop.fulfil(self.name(order_ref), member=self.name(ref), at=at)
        return {
            "state": told["state"],
            "fulfilled": instant(told["fulfilled_at"]),
            "activated": {
                one["wallet"]: {"entry": one["entry"], "lots": lots(one)}
                for one in told["activated"]
            },
        }

    def return_units(self, ref: str, order_ref: str, return_ref: str, units: Any, at: Any) -> Node:
        return self.give_back(ref, order_ref, return_ref, units=units, at=at)

    def return_amount(
        self, ref: str, order_ref: str, return_ref: str, *, amount: int, currency: str, at: Any
    ) -> Node:
        asked = {"amount_minor": amount, "currency": currency, "at": at}
        return self.give_back(ref, order_ref, return_ref, **asked)

    def give_back(self, ref: str, order_ref: str, return_ref: str, **asked: Any) -> Node:
        told = self.shop.give_back(self.name(order_ref), return_ref, member=self.name(ref), **asked)
        return came_back(told)

    def cancel(self, ref: str, order_ref: str, at: datetime | None) -> Node:
        return came_back(self.shop.cancel(self.name(order_ref), member=self.name(ref), at=at))

    def event(self, ref: str, name: str, channel: str | None, at: datetime | None) -> Node:
        told = self.shop.tell(name, member=self.name(ref), channel=channel, at=at)
        return {
            "version": told["program_version"],
            "streak": told["streak"],
            "earned": earned(told),
        }

    def adjust(
        self, ref: str, wallet: str, points: int, ends: Any, allow_negative: bool, earned: bool
    ) -> Node:
        told = self.shop.adjust(
            points,
            wallet=wallet,
            member=self.name(ref),
            expires_at=ends,
            allow_negative=allow_negative,
            earned=earned,
        )
        return {**entry(told), "deficit": told["deficit"]}

    def reverse(self, ref: str, wallet: str, seq: int) -> Node:
        told = self.shop.reverse(seq, wallet=wallet, member=self.name(ref))
        return {**entry(told), "deficit": told["deficit"], "from": told["from"]}

    def transfer(self, ref: str, to: str, wallet: str, points: int) -> Node:
        told = self.shop.send(points, self.name(to), wallet=wallet, member=self.name(ref))
        sent = {**told["sent"], "points": -points}
        received = {**told["received"], "points": told["points"]}
        return {"points": told["points"], "sent": entry(sent), "received": entry(received)}

    def catch_up(self, at: datetime) -> Node:
        """The nightly job, over the members of this history, two at a time."""
        step = CatchUp(self.shop.programs, Timekeeping(), at)

        def later(tx: Any, after: int, size: int, known: Any) -> Any:
            return step(tx, max(after, self.after), size, known)

        # A run that is done is not begun again; here the same instant may be asked for twice.
        self.shop.db.run(lambda tx: tx.add("DELETE FROM job_run", ()))
        run_steps(self.shop.db, JobName.CATCH_UP, at, later, Watch(), size=2)
        return {}

    def stand(self, ref: str) -> tuple[Node, datetime | None]:
        """What is told of a standing, and when the next review is."""
        with self.shop.db.reading() as tx:
            acting = Acting(tx, self.shop.programs, STOREFRONT, Timekeeping())
            try:
                told = tell_standing(acting, parse_ref(self.name(ref)), "en")
            except Refusal as refusal:
                raise Refused(refusal.code) from refusal
        review = told["review"] and instant(told["review"]["at"])
        said = {
            "tier": told["tier"]["id"],
            "since": instant(told["since"]),
            "until": instant(told["until"]),
            "grace": instant(told["grace_until"]),
            **{name: [asked(told[name])] if told[name] else [] for name in ("next", "keep")},
        }
        return said if review is None else {**said, "review": told["review"]["tier"]["id"]}, review

    def lock(self, ref: str, *, locked: bool) -> Node:
        self.shop.lock_points(is_locked=locked, member=self.name(ref))
        return {}


def lines_of(cart: Node) -> list[CartLine]:
    return [
        CartLine(
            LineKind(line["kind"]),
            line["sku"],
            line["category"],
            line["brand"],
            line["quantity"],
            line["amount"],
            line["discount"],
        )
        for line in cart["lines"]
    ]


def rest_of(cart: Node) -> Node:
    rest = {key: cart[key] for key in ("channel", "currency", "points")}
    return {**rest, "discount_minor": cart["discount"]}


def price(told: Node) -> Node:
    return {
        "version": told["program_version"],
        "price": told["price"]["amount"],
        "worth": told["points"]["worth"]["amount"],
        "payable": told["payable"]["amount"],
        "lines": [
            (
                line["line"],
                line["price"]["amount"],
                line["points"],
                line["points_worth"]["amount"],
                line["payable"]["amount"],
            )
            for line in told["lines"]
        ],
    }


def paid(told: Node) -> Node:
    spent = told["spent"]
    return {
        "state": told["state"],
        "price": told["price"]["amount"],
        "paid": told["paid"]["amount"],
        "placed": instant(told["placed_at"]),
        "paid_at": instant(told["paid_at"]),
        "fulfilled": instant(told["fulfilled_at"]),
        "version": told["program_version"],
        "earned": earned(told),
        "spent": spent
        and {
            "wallet": spent["wallet"],
            "points": spent["points"],
            "worth": spent["worth"]["amount"],
            "entry": spent["entry"],
            "balance": spent["balance_after"],
        },
    }


def instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def entry(told: Node) -> Node:
    return {
        "points": told["points"],
        "entry": told["entry"],
        "balance": told["balance_after"],
    }


def lots(told: Node) -> list[Any]:
    found = [
        (lot["points"], instant(lot["active_at"]), instant(lot["expires_at"]))
        for lot in told["lots"]
    ]
    return sorted(found, key=str)


def earned(told: Node) -> Node:
    return {
        one["wallet"]: {
            **entry(one),
            "lots": lots(one),
            "rules": {rule["rule"]: rule["points"] for rule in one["rules"]},
        }
        for one in told["earned"]
    }


def would_earn(told: Node) -> Node:
    return {
        one["wallet"]: {
            "points": one["points"],
            "lots": lots(one),
            "rules": {rule["rule"]: rule["points"] for rule in one["rules"]},
        }
        for one in told["earned"]
    }


def came_back(told: Node) -> Node:
    return {
        "state": told["state"],
        "occurred": instant(told["occurred_at"]),
        "released": told["released"],
        "returned": told["returned"]["amount"],
        "lines": {
            line["line"]: (line["units"], line["returned"]["amount"])
            for line in told["lines"]
            if line["units"] or line["returned"]["amount"]
        },
        "given": given_back(*told["given_back"]) if told["given_back"] else None,
        "taken": {one["wallet"]: {**entry(one), "from": one["from"]} for one in told["taken"]},
    }


def asked(told: Node) -> list[Node]:
    """What a tier asks for and what there is of it."""
    keys = ("measure", "wallet", "counted", "asked")
    return [{key: one[key] for key in keys} for one in told["criteria"]]


def given_back(told: Node) -> Node:
    return {
        **entry(told),
        "wallet": told["wallet"],
        "lots": lots(told),
        "expired": told["expired"],
    }
