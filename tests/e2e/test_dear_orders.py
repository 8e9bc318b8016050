"""Orders that cost as much as an order may, over HTTP."""

import pytest

from loyalty_service.checkout.rules.cart import MAX_MINOR
from tests.clients import Client
from tests.factories import Shop
from tests.integration.test_sliding import SPENDABLE

LINE = {"sku": "house", "quantity": 1, "amount": {"amount": MAX_MINOR // 10, "currency": "CNY"}}
CART = {"lines": [LINE] * 10}
PART = MAX_MINOR // 5


def money(amount):
    return {"amount": amount, "currency": "CNY"}


@pytest.fixture
def client(db, clock, tmp_path):
    shop = Shop(db, SPENDABLE)
    shop.enrol()
    return Client(db, clock, tmp_path)


def test_the_price_of_the_dearest_order_can_be_said_and_returned(client):
    paid = {**CART, "payment_ref": "p-1", "paid": money(MAX_MINOR)}

    payment = client.call("POST", "/members/m-1/orders/o-1/payment", paid)
    back = [
        client.call("PUT", f"/members/m-1/orders/o-1/returns/{ref}", {"amount": money(amount)})
        for ref, amount in (("r-1", PART), ("r-2", MAX_MINOR - PART))
    ]

    assert (payment.status_code, payment.json["paid"]["amount"]) == (200, MAX_MINOR)
    assert [answer.status_code for answer in back] == [200, 200]
    assert [answer.json["returned"]["amount"] for answer in back] == [PART, MAX_MINOR - PART]


def test_a_discount_and_points_may_take_as_much_of_the_dearest_order(client):
    for _ in range(2):
        given = {"wallet": "points", "points": PART // 2}
        client.call("POST", "/members/m-1/adjustments", given)
    cart = {**CART, "discount": money(PART), "points": PART}

    quote = client.call("POST", "/members/m-1/quotes", cart)
    payment = client.call("POST", "/members/m-1/orders/o-1/payment", {**cart, "payment_ref": "p-1"})
    order = client.call("GET", "/members/m-1/orders/o-1")

    assert (quote.status_code, quote.json["points"]["worth"]["amount"]) == (200, PART)
    assert (payment.status_code, payment.json["spent"]["worth"]["amount"]) == (200, PART)
    assert (order.status_code, order.json["paid"]["amount"]) == (200, MAX_MINOR - 2 * PART)


def test_more_than_any_order_costs_is_refused_by_its_field(client):
    paid = {**CART, "payment_ref": "p-1", "paid": money(MAX_MINOR + 1)}

    answer = client.call("POST", "/members/m-1/orders/o-1/payment", paid)

    assert answer.status_code == 400
    assert [error["path"] for error in answer.json["errors"]] == ["paid.amount"]
