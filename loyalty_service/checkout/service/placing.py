"""An order is placed: judged by the program of that instant, priced, and paid in part by points."""

from collections.abc import Sequence
from dataclasses import field, replace
from datetime import date, datetime
from typing import Any

from loyalty_service.checkout.queries import OrderRecord
from loyalty_service.checkout.rules.cart import Cart, price
from loyalty_service.checkout.rules.counting import counts_of
from loyalty_service.checkout.rules.returns import OrderLine
from loyalty_service.checkout.rules.spending import (
    Allowed,
    Share,
    allow_points,
    require_exactly,
    share_out,
)
from loyalty_service.earning.queries import used
from loyalty_service.earning.rules.earn import earn_on_order
from loyalty_service.earning.rules.facts import Earned, Line, OrderFacts, Who
from loyalty_service.earning.rules.openings import Act
from loyalty_service.earning.rules.plan import plan_for
from loyalty_service.earning.service import who
from loyalty_service.kit.frozen import frozen
from loyalty_service.ledger.service import Books
from loyalty_service.members.rules import Member, Total, Totals
from loyalty_service.program.rules.earning import ORDER
from loyalty_service.program.rules.periods import local_date
from loyalty_service.program.rules.program import Program

NOT_ASKED = Allowed(0, 0, {}, None)


@frozen
class Placing:
    """An order as it was placed (R-06).

    Args:
        lines: what is bought, net of discounts.
        amounts: what they cost before discounts, as they were sent.
        shares: what points pay of each line; ``paid``: what money pays of it, minor units.
        price_minor: what the lines cost after discounts, minor units; ``worth_minor``: what points
            pay of it.
        points: points that pay, whole points of ``wallet``.
        day: the local day it counts for.
        is_first, who: what conditions ask of the member, as it was when the order was placed.
    """

    version: int
    program: Program
    placed_at: datetime
    channel: str | None
    lines: tuple[Line, ...]
    amounts: Sequence[int]
    shares: Sequence[Share]
    paid: Sequence[int]
    price_minor: int
    worth_minor: int
    points: int
    wallet: str | None
    is_first: bool
    who: Who
    day: date
    allowed: Allowed = field(default=NOT_ASKED)

    @property
    def payable_minor(self) -> int:
        """What is left to be paid with money."""
        return self.price_minor - self.worth_minor

    def earning_by(self, tier: str) -> "Placing":
        """The same, as it earns by a tier (R-24)."""
        return replace(self, who=Who(self.who.tags, self.who.birth_month, tier))

    def earn(self, member: Member, totals: Totals) -> Earned:
        """What it earns; nothing is counted or given yet.

        Rule: R-06, R-20.
        """
        facts = OrderFacts(self.placed_at, self.channel, self._basis(), self.is_first, self.who)
        caps = used(totals, self.program, member.member_id, ORDER, self.day)
        return earn_on_order(self.program, facts, caps)

    def _basis(self) -> tuple[Line, ...]:
        """The lines as earning sees them: less what points paid, unless that earns too."""
        if not self.points or self.program.earning.earn_on_points_paid:
            return self.lines
        return tuple(
            [
                Line(one.line_no, one.kind, one.sku, one.category, one.brand, one.quantity, paid)
                for one, paid in zip(self.lines, self.paid, strict=True)
            ]
        )

    def sold(self, earned: Earned | None) -> list[OrderLine]:
        """The lines as an order keeps them, with the shares of what was earned."""
        by_line = {} if earned is None else _earned_by_line(earned)
        return [
            OrderLine(
                line.line_no,
                line.quantity,
                paid,
                by_line.get(line.line_no, {}),
                share.points,
            )
            for line, share, paid in zip(self.lines, self.shares, self.paid, strict=True)
        ]

    def counts(self, earned: Earned, act: Act) -> dict[Total, int]:
        """What it counts for once it is paid, by metric and local day (R-50)."""
        kinds, pairs = plan_for(self.program).kinds, zip(self.lines, self.paid, strict=True)
        spend_minor = sum([paid for line, paid in pairs if line.kind in kinds])
        gave = {given.rule.id: given.points for given in earned.by_rule}
        return counts_of(self.program, act, spend_minor, gave)

    def told_points(self) -> dict[str, Any] | None:
        """What points pay, as answers tell it and orders keep it; None without points."""
        if not self.points:
            return None
        return {"wallet": self.wallet, "points": self.points, "worth": self.worth_minor}


def _earned_by_line(earned: Earned) -> dict[int, dict[str, dict[str, int]]]:
    by_line: dict[int, dict[str, dict[str, int]]] = {}
    for given in earned.by_rule:
        wallet, rule_id = given.rule.wallet, given.rule.id
        for line_no, points in given.shares:
            by_line.setdefault(line_no, {}).setdefault(wallet, {})[rule_id] = points
    return by_line


def place(
    books: Books,
    member: Member,
    cart: Cart,
    when: datetime,
    at: datetime,
    *,
    own: OrderRecord | None = None,
) -> Placing:
    """Place a cart with exactly the points it names.

    Args:
        when: the instant it is judged by.
        at: the instant at which it meets the member's lots.
        own: the order that is placed anew: what it holds is free for it.

    Raises:
        CurrencyForeign, DiscountTooHigh, CartTooDear, InsufficientPoints, PointsNotAllowed,
        RedemptionLocked: nothing is written.

    Rule: R-06, R-30.
    """
    if cart.points:
        placing = clamp(books, member, cart, when, at, own=own)
        require_exactly(placing.allowed)
        return placing
    offer = _offer_of(cart, *books.program_at(member, when))
    return _placed(books, member, when, offer, NOT_ASKED)


def clamp(
    books: Books,
    member: Member,
    cart: Cart,
    when: datetime,
    at: datetime,
    *,
    own: OrderRecord | None = None,
) -> Placing:
    """Place a cart with the most of the points it names that are allowed.

    Args:
        when, at, own: as for ``place``.

    Raises:
        CurrencyForeign, DiscountTooHigh, CartTooDear: nothing is written.

    Rule: R-30, R-31.
    """
    offer = _offer_of(cart, *books.program_at(member, when))
    allowed = _allow(member, offer, _available(books, member, offer.program, at, own))
    return _placed(books, member, when, offer, allowed)


def place_again(
    books: Books, member: Member, order: OrderRecord, when: datetime, at: datetime
) -> Placing:
    """Place an order's cart anew, with the most of its points that are allowed.

    Rule: R-06, R-33.
    """
    version, program = books.program_at(member, when)
    offer = Offer(
        version, program, order.channel, tuple(order.sold), order.amounts, points=order.points
    )
    allowed = _allow(member, offer, _available(books, member, program, at, None))
    return _placed(books, member, when, offer, allowed)


@frozen
class Offer:
    """What is bought, net of discounts, the points that are offered for it, and who judges it."""

    version: int
    program: Program
    channel: str | None
    lines: tuple[Line, ...]
    amounts: Sequence[int]
    points: int


def _offer_of(cart: Cart, version: int, program: Program) -> Offer:
    lines, amounts = price(cart, program.currency), [line.amount_minor for line in cart.lines]
    return Offer(version, program, cart.channel, lines, amounts, cart.points)


def _available(
    books: Books, member: Member, program: Program, at: datetime, own: OrderRecord | None
) -> int:
    """Points that an order may use: the free ones, and those it holds itself."""
    if program.redemption is None:
        return 0
    account = books.account(member, program.redemption.wallet)
    held = 0 if own is None else account.held_by(own.order_no, at)
    # What is let go pays a deficit first.
    return account.available(at) + max(0, held - account.deficit)


def _allow(member: Member, offer: Offer, available: int) -> Allowed:
    redemption, is_locked = offer.program.redemption, member.redemption_locked_since is not None
    return allow_points(redemption, offer.lines, offer.points, available, is_locked=is_locked)


def _placed(
    books: Books, member: Member, when: datetime, offer: Offer, allowed: Allowed
) -> Placing:
    program, redemption = offer.program, offer.program.redemption
    shares = share_out(redemption, offer.lines, allowed.points)
    pairs = zip(offer.lines, shares, strict=True)
    paid = [line.paid_minor - share.worth_minor for line, share in pairs]
    price_minor = sum([line.paid_minor for line in offer.lines])
    return Placing(
        offer.version,
        program,
        when,
        offer.channel,
        offer.lines,
        offer.amounts,
        shares,
        paid,
        price_minor,
        price_minor - sum(paid),
        allowed.points,
        redemption.wallet if redemption else None,
        member.live_orders == 0,
        who(member, books.passing.tier_at(books, member, when)),
        local_date(when, program.zone),
        allowed,
    )


def as_promised(books: Books, order: OrderRecord) -> Placing:
    """The order as it was placed by its reservation.

    Rule: R-06, R-33.
    """
    judged: dict[str, Any] = order.judged or {}
    spent: dict[str, Any] = order.spent or {}
    program = books.program(order.program_version)
    shares = [
        Share(line.points, sold.paid_minor - line.paid_minor)
        for line, sold in zip(order.lines, order.sold, strict=True)
    ]
    paid = [line.paid_minor for line in order.lines]
    price_minor = sum([line.paid_minor for line in order.sold])
    return Placing(
        order.program_version,
        program,
        order.placed_at,
        order.channel,
        tuple(order.sold),
        order.amounts,
        shares,
        paid,
        price_minor,
        price_minor - sum(paid),
        order.points,
        spent.get("wallet"),
        judged["first"],
        Who(frozenset(judged["tags"]), judged["birth_month"], judged.get("tier")),
        local_date(order.placed_at, program.zone),
    )
