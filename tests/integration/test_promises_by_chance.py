"""Whatever is reserved, paid, let go and told late, in any order: the proof finds no fault."""

from contextlib import suppress
from datetime import timedelta
from random import Random

import pytest

from loyalty_service.checkout.service.proving import find_order_faults
from loyalty_service.kit.errors import Refusal
from loyalty_service.ledger.service.proving import prove
from loyalty_service.members.queries import get_member
from tests.factories import Shop, line
from tests.integration.test_reservations import PROGRAM

STEPS = 120
ORDERS = ("o-1", "o-2", "o-3", "o-4")
# Calls that meet in one microsecond, an hour that goes by, a clock that was set back.
PASSED = (0, 0, 0, 1, 7, 20, 31, 45, 60 * 24 * 40, -3)


class Customer:
    """One member, who does anything at all."""

    def __init__(self, shop, clock, seed):
        self.shop, self.clock, self.chance = shop, clock, Random(seed)
        self.done = 0

    def act(self):
        self.clock.advance(timedelta(minutes=self.chance.choice(PASSED)))
        order = self.chance.choice(ORDERS)
        with suppress(Refusal):
            self.chance.choice(STEPS_OF_ANYBODY)(self, order)
            self.done += 1

    def points(self):
        return self.chance.choice((0, 100, 300, 700, 1_500))

    def cart(self):
        return line(self.chance.choice((8_000, 20_000)), quantity=2)

    def earlier(self):
        return self.clock.now() - timedelta(minutes=self.chance.choice((0, 2, 15, 40)))

    def reserve(self, order):
        self.shop.reserve(order, self.cart(), points=self.points())

    def renew(self, order):
        self.shop.reserve(order, line(8_000, quantity=2), points=300)

    def release(self, order):
        self.shop.release(order)

    def pay_reserved(self, order):
        more = {"accept_repricing": self.chance.random() < 0.5, "occurred_at": self.earlier()}
        self.shop.pay_reserved(order, payment_ref=self.ref(), **more)

    def pay(self, order):
        cart, points = self.cart(), self.points()
        self.shop.pay(order, cart, points=points, at=self.earlier(), payment_ref=self.ref())

    def ref(self):
        return f"p-{self.chance.randrange(10**6)}"

    def back(self, order):
        self.shop.give_back(order, self.ref(), units=[(1, 1)], at=self.earlier())

    def cancel(self, order):
        self.shop.cancel(order, at=self.earlier())

    def fulfil(self, order):
        self.shop.fulfil(order)

    def give(self, _):
        self.shop.adjust(self.chance.choice((200, 900)))

    def take(self, _):
        self.shop.adjust(-self.chance.choice((100, 1_200)), allow_negative=True)

    def send(self, _):
        self.shop.send(100, "m-2")

    def amend(self, _):
        self.shop.amend(tags=(self.ref(),))

    def lock(self, _):
        self.shop.lock_points(is_locked=self.chance.random() < 0.3)


STEPS_OF_ANYBODY = [
    *[Customer.reserve] * 4,
    *[Customer.renew] * 3,
    *[Customer.pay_reserved] * 3,
    *[Customer.cancel] * 2,
    *[Customer.give] * 3,
    Customer.release,
    Customer.pay,
    Customer.back,
    Customer.fulfil,
    Customer.take,
    Customer.send,
    Customer.amend,
    Customer.lock,
]


def faults_of(shop):
    """What the proof of m-1 finds."""
    with shop.db.reading() as tx:
        member = get_member(tx, shop.ref())
        return prove(tx, member, None, shop.programs)["faults"] + find_order_faults(
            tx, member.member_id
        )


@pytest.mark.parametrize("seed", [1, 2, 3, 19])
def test_whatever_is_promised_paid_and_let_go_is_proved(db, clock, seed):
    shop = Shop(db, PROGRAM)
    for member in ("m-1", "m-2"):
        shop.enrol(member)
    customer = Customer(shop, clock, seed)

    for number in range(STEPS):
        customer.act()
        assert faults_of(shop) == [], number

    assert customer.done > STEPS / 3


@pytest.fixture
def shop(db):
    shop = Shop(db, PROGRAM)
    shop.enrol()
    shop.adjust(1_000)
    return shop


def test_a_clock_that_was_set_back_brings_no_hold_back(shop, clock):
    shop.reserve("o-1", points=1_000)
    clock.advance(timedelta(minutes=9))
    shop.pay_reserved("o-1")

    clock.advance(timedelta(minutes=-3))

    assert faults_of(shop) == []


def test_points_are_held_after_all_that_was_recorded_also_where_the_clock_was_set_back(shop, clock):
    shop.adjust(500)
    told_at = clock.now() + timedelta(hours=2)
    clock.set(told_at)
    shop.pay("o-1", points=1_000, at=told_at - timedelta(hours=1))

    clock.advance(timedelta(minutes=-3))
    promised = shop.reserve("o-2", points=500)

    assert promised["placed_at"] == told_at.isoformat().replace("+00:00", "Z")
    assert faults_of(shop) == []
