"""Carts, payments and returns that make no sense are refused, and told what is wrong."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from loyalty_service.checkout.rules.cart import (
    MAX_MINOR,
    Cart,
    CartDoesNotAddUp,
    CartLine,
    CartTooDear,
    CurrencyForeign,
    DiscountTooHigh,
    Order,
    check_paid,
    price,
)
from loyalty_service.checkout.rules.returns import (
    LineUnknown,
    MoreThanLeft,
    OrderLine,
    return_amount,
    return_units,
)
from loyalty_service.checkout.rules.steps import BeforeTheOrder, check_after_order
from loyalty_service.earning.rules.facts import LineKind
from tests.factories import line

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
SHIPPING = LineKind.SHIPPING


def cart(*lines, discount=0, currency="CNY"):
    return Cart(currency, None, lines, discount, 0)


def test_a_carts_discount_is_spread_over_goods_and_not_over_shipping():
    priced = price(
        cart(line(1_000, discount_minor=100), line(500, kind=SHIPPING), line(600), discount=500),
        "CNY",
    )

    assert [one.paid_minor for one in priced] == [600, 500, 400]


@pytest.mark.parametrize(
    ("asked", "refusal", "path", "limit"),
    [
        (cart(line(100), currency="USD"), CurrencyForeign, "lines[0].amount.currency", None),
        (cart(line(MAX_MINOR), line(1)), CartTooDear, "lines", MAX_MINOR),
        (cart(line(1), line(100, discount_minor=101)), DiscountTooHigh, "lines[1].discount", 100),
        (cart(line(100), line(900, kind=SHIPPING), discount=101), DiscountTooHigh, "discount", 100),
    ],
)
def test_a_cart_that_cannot_be_priced_is_refused_at_its_fault(asked, refusal, path, limit):
    with pytest.raises(refusal) as refused:
        price(asked, "CNY")

    assert refused.value.path == path
    assert refused.value.values.get("limit") == limit


def test_a_discount_may_be_all_the_goods_cost_and_a_cart_all_that_can_be_counted():
    assert price(cart(line(100), discount=100), "CNY")[0].paid_minor == 0
    assert price(cart(line(MAX_MINOR)), "CNY")[0].paid_minor == MAX_MINOR


def test_another_sum_than_the_lines_come_to_is_refused():
    check_paid(None, 100, "CNY")
    check_paid(100, 100, "CNY")

    with pytest.raises(CartDoesNotAddUp) as refused:
        check_paid(99, 102_779, "CNY")

    assert refused.value.values == {"asked": 99, "expected": 102_779}
    assert str(refused.value) == (
        "The lines less the discounts and points come to CNY 1,027.79, not to CNY 0.99."
    )


def test_what_happened_before_the_order_was_placed_is_refused():
    check_after_order(NOW, NOW)

    with pytest.raises(BeforeTheOrder):
        check_after_order(NOW - timedelta(microseconds=1), NOW)


LINES = [OrderLine(1, 3, 100, {}), OrderLine(2, 1, 50, {})]


def an_order():
    goods = CartLine(LineKind.GOODS, 'a"x', "c", None, 1, 100)
    sent = CartLine(SHIPPING, "s", None, "Brandé", 2, 300, 7)
    return Order("o-1", "p-1", Cart("CNY", "web", (sent, goods), 5, 9), 379, None, True)


def test_orders_and_carts_keep_the_digests_that_are_stored_of_them():
    order = an_order()
    reserved = Order("o-1", "p-1", None)

    assert [told.fingerprint().hex()[:16] for told in (order.cart, order, reserved)] == [
        "ec2965ae89e392ab",
        "b7d35a411900b125",
        "80c8d5c6b1bfa969",
    ]


def test_whatever_a_cart_says_makes_it_this_cart():
    cart = an_order().cart
    line = cart.lines[0]
    others = [
        replace(cart, **{one.name: "other"}) for one in fields(Cart) if one.name != "lines"
    ] + [
        replace(cart, lines=(replace(line, **{one.name: "other"}), *cart.lines[1:]))
        for one in fields(CartLine)
    ]

    assert len({one.fingerprint() for one in (cart, *others)}) == 1 + len(others)


def test_what_is_paid_makes_an_order_this_order_and_not_when_or_how_it_is_taken():
    order = an_order()
    telling = ("order_ref", "payment_ref", "paid_minor", "is_fulfilled")
    others = [replace(order, **{name: "other"}) for name in telling]
    cartless = replace(order, cart=None)
    again = replace(order, occurred_at=NOW, accept_repricing=True, paid_in="CNY")

    assert len({one.fingerprint() for one in (order, cartless, *others)}) == 2 + len(others)
    assert again.fingerprint() == order.fingerprint()


@pytest.mark.parametrize(
    ("asked", "path"), [([(3, 1)], "lines[0].line"), ([(1, 1), (1, 2)], "lines[1].line")]
)
def test_a_line_that_is_not_there_or_named_twice_is_refused(asked, path):
    with pytest.raises(LineUnknown) as refused:
        return_units(LINES, asked)

    assert (refused.value.path, refused.value.values["limit"]) == (path, 2)


def test_money_comes_back_in_proportion_up_to_what_is_left():
    part = return_amount(LINES, 75, "CNY")
    whole = return_amount(part, 75, "CNY")

    assert [one.returned for one in part] == [Fraction(1, 2)] * 2
    assert [one.returned for one in whole] == [1, 1]
    with pytest.raises(MoreThanLeft) as refused:
        return_amount(part, 76, "CNY")
    assert refused.value.values == {"asked": 76, "available": 75}
    assert str(refused.value) == "Of the order's money CNY 0.75 is left to return."


def test_no_money_back_leaves_lines_as_they_were():
    assert return_amount(LINES, 0, "CNY") == LINES
