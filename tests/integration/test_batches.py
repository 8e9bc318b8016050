"""Orders and returns in batches: they come to what they would come to one by one."""

import random
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from loyalty_service.checkout import service as checkout
from loyalty_service.checkout.rules.cart import Cart, Order
from loyalty_service.checkout.rules.steps import Return
from loyalty_service.checkout.service import Item, OrderItem, ReturnItem
from loyalty_service.kit.errors import Refusal
from loyalty_service.ledger.rules.lots import PointsBeyondCount
from loyalty_service.ledger.service import Acting
from loyalty_service.members.rules import parse_ref
from loyalty_service.timekeeping.service import Timekeeping
from tests.factories import PLAIN, STOREFRONT, Shop, line
from tests.integration.test_reservations import PROGRAM, assert_proved

MEMBER = parse_ref("m-1")
CAPS = """  caps:
    - {id: few, name: {en: Few, zh: 少}, covers: [base], per: member, period: day, points: 50}
"""
SHORT, LONG, STEPS, FEW = 4, 200, 60, 10


def take(shop: Shop, *items: Item) -> list:
    """Receipts and refusals of a batch, as its items are answered."""
    outcomes = []
    for part in checkout.in_transactions(items):
        outcomes += shop.db.run(lambda tx, part=part: checkout.take_items(acting(shop, tx), part))
    return [one if isinstance(one, Refusal) else orjson.loads(one) for one in outcomes]


def acting(shop: Shop, tx) -> Acting:
    return Acting(tx, shop.programs, STOREFRONT, Timekeeping())


def paid(order_ref: str, *lines, member: str = "m-1", points: int = 0) -> OrderItem:
    """A payment of what was reserved, or of these lines."""
    cart = Cart("CNY", None, lines, points=points) if lines else None
    return OrderItem(parse_ref(member), Order(order_ref, f"pay-{order_ref}", cart))


def test_a_reservation_paid_in_a_batch_is_capped_by_the_day_it_was_placed(db, clock):
    shop = Shop(db, PLAIN.replace("returns:", CAPS + "returns:"))
    clock.set(datetime(2026, 3, 2, 15, 50, tzinfo=UTC))
    for member in ("m-1", "m-2"):
        shop.enrol(member)
        shop.pay(f"before-{member}", line(4_000), member=member)
        shop.reserve(f"o-{member}", line(4_000), member=member)
    clock.advance(timedelta(minutes=20))

    single = shop.pay_reserved("o-m-1", member="m-1")
    [batched] = take(shop, paid("o-m-2", member="m-2"))

    assert [one["points"] for one in single["earned"]] == [10, 40]
    assert [one["points"] for one in batched["earned"]] == [10, 40]


def test_what_an_item_earns_may_pay_a_lapsed_reservation_of_the_next_and_come_back(db, clock):
    shop = Shop(db, PROGRAM.replace("{on: fulfilment}", "{on: payment}"))
    shop.enrol()
    shop.adjust(100)
    shop.reserve("o-2", line(400), points=100)
    clock.advance(timedelta(minutes=31))
    shop.adjust(-100)

    _, spent, given = take(
        shop,
        paid("o-1", line(10_000)),
        paid("o-2"),
        ReturnItem(MEMBER, "o-2", Return("r-1", ((1, 1),))),
    )

    assert spent["spent"]["points"] == 100
    assert [one["points"] for one in given["given_back"]] == [100]
    assert_proved(shop)


def test_a_reservation_whose_other_cart_is_refused_stands_as_before(db):
    shop = Shop(db, PROGRAM.replace("{points: 1, per", "{points: 1000000000, per", 1))
    shop.enrol()
    shop.adjust(5_000)
    shop.reserve("o-1", line(400), points=100)

    refused, taken = take(shop, paid("o-1", line(10**12)), paid("o-2", line(100)))

    assert isinstance(refused, PointsBeyondCount)
    assert taken["state"] == "fulfilled"
    assert (shop.story("o-1")["state"], shop.balance().held) == ("reserved", 100)
    assert_proved(shop)


@pytest.mark.parametrize("seed", range(SHORT))
def test_batches_come_to_what_their_items_come_to_one_by_one(db, twin, clock, seed):
    taken, refused = compare(db, twin, clock, seed)

    # Every item was compared; both kinds of answer must have been among them.
    assert min(taken, refused) >= FEW


@pytest.mark.long
def test_batches_come_to_the_same_at_length(db, twin, clock, long_scale, record_property):
    pasts = [SHORT + seed for seed in range(int(LONG * long_scale))]

    answers = [compare(db, twin, clock, seed) for seed in pasts]

    taken, refused = (sum(one) for one in zip(*answers, strict=True))
    record_property("items of batches", {"taken": taken, "refused": refused})
    assert min(taken, refused) >= FEW * len(pasts)


def compare(db, twin, clock, seed: int) -> tuple[int, int]:
    """Play a shop's days singly and in batches; returns how many items were taken and refused."""
    pair = Pair(db, twin, random.Random(seed), f"{seed}-")
    for _ in range(STEPS):
        pair.step()
        wait = timedelta(minutes=pair.dice.choice((0, 0, 1, 29, 30, 600, 1_440)))
        clock.advance(wait)
        twin.clock.advance(wait)
    pair.assert_same()
    return pair.taken, pair.refused


class Pair:
    """Two shops of one past: the first is told everything singly, the second in batches."""

    def __init__(self, db, twin, dice: random.Random, prefix: str) -> None:
        self.dice, self.prefix, self.count = dice, prefix, 0
        self.taken = self.refused = 0
        document = PROGRAM.replace("redemption:", CAPS + "redemption:")
        self.shops = [Shop(db, document), Shop(twin, document)]
        self.members = [f"{prefix}m-{i}" for i in range(2)]
        for shop in self.shops:
            for member in self.members:
                shop.enrol(member)
                shop.adjust(2_000, member=member)

    def step(self) -> None:
        """A few items in one batch, or something else that happens to both."""
        if self.dice.random() < 0.4:
            self.happen()
            return
        items = [self.item() for _ in range(self.dice.randint(1, 6))]
        one_by_one = [self.singly(item) for item in items]
        batched = [told(outcome) for outcome in take(self.shops[1], *items)]
        assert batched == one_by_one, items
        taken = sum(isinstance(outcome, dict) for outcome in batched)
        self.taken += taken
        self.refused += len(items) - taken

    def item(self) -> Item:
        order_ref, ref = self.order()
        self.count += 1
        if self.dice.random() < 0.4:
            units = ((1, self.dice.randint(1, 2)),) if self.dice.random() < 0.5 else ()
            minor = None if units else self.dice.choice((1, 500, 2_000))
            currency = None if units else "CNY"
            return ReturnItem(ref, order_ref, Return(f"r-{self.count}", units, minor, currency))
        cart = self.cart() if self.dice.random() < 0.6 else None
        payment = f"pay-{self.dice.randint(1, 2)}-{order_ref}"
        again = self.dice.random() < 0.5
        return OrderItem(ref, Order(order_ref, payment, cart, accept_repricing=again))

    def happen(self) -> None:
        order_ref, ref = self.order()
        cart = self.cart()
        act = self.dice.choice(
            (
                lambda acting: checkout.reserve(acting, ref, order_ref, cart),
                lambda acting: checkout.reserve(acting, ref, order_ref, cart),
                lambda acting: checkout.cancel(acting, ref, order_ref, occurred_at=None),
                lambda acting: checkout.fulfil(acting, ref, order_ref, occurred_at=None),
            )
        )
        first, second = [outcome(shop, act) for shop in self.shops]
        assert first == second

    def singly(self, item: Item):
        if isinstance(item, OrderItem):
            return outcome(self.shops[0], lambda a: checkout.pay(a, item.ref, item.order))
        return outcome(
            self.shops[0],
            lambda a: checkout.take_return(a, item.ref, item.order_ref, asked=item.asked),
        )

    def order(self):
        """One of a few orders, each of one member."""
        number = self.dice.randrange(6)
        return f"{self.prefix}o-{number}", parse_ref(self.members[number % 2])

    def cart(self) -> Cart:
        lines = [
            line(self.dice.choice((0, 99, 1_234, 25_000)), quantity=self.dice.randint(1, 3))
            for _ in range(self.dice.randint(1, 3))
        ]
        return Cart("CNY", None, tuple(lines), points=self.dice.choice((0, 0, 100, 300)))

    def assert_same(self) -> None:
        for member in self.members:
            first, second = [shop.balance(member=member) for shop in self.shops]
            assert first == second
            for shop in self.shops:
                assert_proved(shop, member)


def outcome(shop: Shop, act):
    try:
        return told(orjson.loads(shop.db.run(lambda tx: act(acting(shop, tx)))))
    except Refusal as refusal:
        return told(refusal)


def told(one):
    """A receipt, or what a refusal says."""
    if isinstance(one, Refusal):
        return one.code, one.path, one.values
    return one
