"""Pages of the example shop, read without a browser, on the real service."""

import pytest

from examples.storefront.client import Loyalty
from examples.storefront.shop import create_shop
from tests.factories import Shop
from tests.integration.test_reservations import PROGRAM
from tests.storefront import loyalty_served

NOTE = "A teapot from the counter"


@pytest.fixture
def books(db):
    """The loyalty service's side: chen has 4,000 points, 1,000 having been taken with a note."""
    books = Shop(db, PROGRAM)
    books.enrol("chen")
    books.adjust(5_000, member="chen")
    books.adjust(-1_000, member="chen", note=NOTE)
    return books


@pytest.fixture
def customer(db, books, tmp_path):
    """Chen's browser, with two articles in the basket."""
    with loyalty_served(db, tmp_path) as (service, sign):
        shop = create_shop(Loyalty(service, sign), tmp_path / "shop")
        with shop.test_client() as customer:
            customer.post("/members", data={"member": "chen"})
            customer.post("/basket", data={"sku": "TEA-LJ-250"})
            yield customer


@pytest.mark.parametrize("path", ["/points", "/points/points/2"])
def test_a_customer_is_not_shown_what_an_operator_noted(customer, path):
    page = customer.get(path)

    assert page.status_code == 200
    assert "1,000" in page.text
    assert NOTE not in page.text


@pytest.mark.parametrize("points", ["abc", "", "1.5", "-100"])
def test_points_that_are_no_number_place_nothing_and_are_asked_for_again(customer, books, points):
    sent = customer.post("/checkout", data={"points": points})

    assert sent.location == "/checkout"
    assert 'role="alert"' in customer.get(sent.location).text
    assert 'role="alert"' not in customer.get("/checkout").text
    assert "waits for payment" not in customer.get("/orders").text


@pytest.mark.parametrize("points", ["77", "9" * 30, "most"])
def test_points_that_cannot_be_used_so_are_offered_as_they_can_be(customer, points):
    sent = customer.post("/checkout", data={"points": points})

    assert sent.location.startswith("/checkout?points=")
    assert 'id="points"' in customer.get(sent.location).text


def test_an_address_that_names_no_number_shows_the_checkout_without_points_and_says_so(customer):
    page = customer.get("/checkout?points=abc").text

    assert 'role="alert"' in page
    assert 'value="0"' in page
