"""What one checkout operation read, decides on and will write, for one member or many."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from loyalty_service.checkout.queries import OrderRecord, blank_order
from loyalty_service.checkout.rules.returns import OrderLine
from loyalty_service.checkout.rules.steps import State, Step
from loyalty_service.checkout.service.placing import Placing
from loyalty_service.checkout.service.telling import as_json
from loyalty_service.checkout.service.writing import Writing
from loyalty_service.earning.rules.facts import Earned
from loyalty_service.earning.rules.openings import Act
from loyalty_service.kit.db import Row
from loyalty_service.ledger.service import Books
from loyalty_service.members.rules import Member
from loyalty_service.program.rules.tiers import TierRate

_REMEMBERED_AS: dict[str, Step] = {
    Step.PAYMENT: Step.PAYMENT,
    Step.RETURN: Step.EARLIER_RETURN,
    Step.EARLIER_RETURN: Step.EARLIER_RETURN,
}
"""What keeps its answer when an order is opened again: it may be sent once more at any time."""

NOTHING: Mapping[str, int] = MappingProxyType({})


@dataclass(slots=True)
class Work:
    """The facts of one operation, moving as it decides; written once at the end.

    Args:
        books: the locked members and their accounts.
        orders: the orders asked about, by reference.
        touched: the members for whom anything was decided.
        writing: rows of orders to be written.
    """

    books: Books
    orders: dict[str, OrderRecord] = field(default_factory=dict)
    touched: dict[int, Member] = field(default_factory=dict)
    writing: Writing = field(default_factory=Writing)

    def earn(self, member: Member, placing: Placing) -> Earned:
        """What a placed order earns; nothing is counted or given yet.

        Raises:
            PointsBeyondCount: the member's account cannot hold it. Nothing is written.

        Rule: R-06, R-20.
        """
        earned = placing.earn(member, self.books.totals)
        by_wallet: dict[str, int] = {}
        for given in earned.by_rule:
            wallet = given.rule.wallet
            by_wallet[wallet] = by_wallet.get(wallet, 0) + given.points
        for wallet, points in by_wallet.items():
            self.books.account(member, wallet).require_countable(points, "lines")
        return earned

    def by_tier(
        self, member: Member, placing: Placing, fulfilled_at: datetime | None = None
    ) -> Placing:
        """An order that is placed, with the tier that it earns by: the one held, or leads to.

        Args:
            fulfilled_at: when the goods arrived, where they have.

        Rule: R-24.
        """
        books, program = self.books, placing.program
        if program.tiers is None or program.tiers.tier_rate is TierRate.HELD:
            return placing
        act = Act(placing.placed_at, fulfilled_at and max(fulfilled_at, placing.placed_at))
        counts = placing.counts(placing.earn(member, books.totals), act)
        reached = books.passing.tier_reached(books, member, counts, member.caught_up_to)
        return placing if reached is None else placing.earning_by(reached)

    def open_order(
        self, member: Member, order_ref: str, placing: Placing, known: OrderRecord | None
    ) -> OrderRecord:
        """The record of an order that is placed: a new one, or the unpaid one that it replaces.

        A cancelled order is opened again as a new chapter, which remembers the payments of the
        ones before.
        """
        if known is not None and known.state == State.RESERVED:
            record = known
        else:
            member.order_seq += 1
            record = blank_order(order_ref, member.member_id, member.order_seq, placing.placed_at)
            name = (order_ref, record.member_id, record.order_no)
            if known is None:
                self.writing.index.append(name)
            else:
                self.writing.index_moved.append(name)
                self._end_chapter(member, known, record)
        record.channel, record.program_version = placing.channel, placing.version
        record.placed_at, record.price_minor = placing.placed_at, placing.price_minor
        record.paid_minor, record.spent = placing.payable_minor, placing.told_points()
        self.orders[order_ref] = record
        return record

    def _end_chapter(self, member: Member, known: OrderRecord, record: OrderRecord) -> None:
        self.writing.ended.append((record.order_no, known.member_id, known.order_no))
        answered = {
            (_REMEMBERED_AS[kind], ref): answer
            for (kind, ref), answer in known.steps.items()
            if kind in _REMEMBERED_AS
        }
        if known.payment_ref is not None:
            answered[Step.PAYMENT, known.payment_ref] = known.fingerprint, known.receipt
        when = known.paid_at or known.placed_at
        for named, (fingerprint, receipt) in answered.items():
            self.add_step(member, record, named, (when, fingerprint, receipt))

    def add_step(
        self,
        member: Member,
        order: OrderRecord,
        named: tuple[Step, str],
        told: tuple[datetime, bytes, str],
        *,
        money_minor: int = 0,
        expired: Mapping[str, int] = NOTHING,
    ) -> None:
        """Add a step to an order's history.

        Args:
            named: its kind and the shop's reference.
            told: when it occurred, the digest of the request, the receipt.
            money_minor: money given back, minor units.
            expired: wallet -> points that had expired and were counted as taken.
        """
        (kind, ref), (when, fingerprint, receipt) = named, told
        order.step_seq += 1
        order.steps[kind, ref] = (fingerprint, receipt)
        self.writing.steps.append(
            (
                order.member_id,
                order.order_no,
                order.step_seq,
                str(kind),
                ref,
                when,
                member.recorded_at,
                money_minor,
                fingerprint,
                as_json(dict(expired)),
                receipt,
            )
        )
        self.touched[member.member_id] = member

    def write_order(
        self,
        member: Member,
        record: OrderRecord,
        placing: Placing,
        sold: list[OrderLine],
        *,
        keeps_lines: bool = False,
    ) -> None:
        """Add an order that was opened, with its lines.

        Args:
            keeps_lines: the lines stand as they are, and only what they earned is new.
        """
        key = (record.member_id, record.order_no)
        # A later item of a batch may return what this one bought.
        record.lines, record.sold = sold, list(placing.lines)
        self.writing.changed.pop(record.order_ref, None)
        heads = self.writing.again if record.is_stored else self.writing.new
        heads.append(_head(member, record, placing))
        if keeps_lines:
            earned = [(*key, line.line_no, as_json(line.shares)) for line in sold]
            self.writing.lines_earned += earned
        else:
            if record.is_stored:
                self.writing.lines_gone.append(key)
            self.writing.lines += _lines(record, placing)
        self.touched[member.member_id] = member

    def write(self) -> None:
        """Add everything that was decided to the writes of the transaction."""
        self.books.write(self.touched.values())
        self.writing.write(self.books.tx)


def _head(member: Member, record: OrderRecord, placing: Placing) -> Row:
    return (
        record.member_id,
        record.order_no,
        record.order_ref,
        record.payment_ref,
        str(record.state),
        record.channel,
        record.program_version,
        record.placed_at,
        record.paid_at,
        record.fulfilled_at,
        member.recorded_at,
        record.price_minor,
        record.paid_minor,
        record.returned_minor,
        record.step_seq,
        placing.is_first,
        record.fingerprint,
        as_json(record.entries),
        record.receipt,
        None if record.spent is None else as_json(record.spent),
        record.cart,
        record.reserved_since,
        record.lapses_at,
        record.hold_no,
        None if record.judged is None else as_json(record.judged),
    )


def _lines(record: OrderRecord, placing: Placing) -> list[Row]:
    return [
        (
            record.member_id,
            record.order_no,
            line.line_no,
            str(line.kind),
            line.sku,
            line.category,
            line.brand,
            line.quantity,
            amount_minor,
            line.paid_minor,
            sold.paid_minor,
            sold.points,
            line.paid_minor - sold.paid_minor,
            sold.shares,
        )
        for line, amount_minor, sold in zip(
            placing.lines, placing.amounts, record.lines, strict=True
        )
    ]


def state_of(order: OrderRecord, *, all_back: bool, cancelled: bool = False) -> State:
    """Where an order stands after a return or a fulfilment."""
    if all_back:
        return State.CANCELLED if cancelled else State.RETURNED
    if order.returned_minor or any(line.returned for line in order.lines):
        return State.PART_RETURNED
    return State.PAID if order.fulfilled_at is None else State.FULFILLED
