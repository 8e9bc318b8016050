"""The example shop, clicked through in a real browser on the real service."""

import shutil

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from examples.storefront.client import Loyalty
from examples.storefront.shop import create_shop
from tests.factories import Shop
from tests.integration.test_reservations import PROGRAM, assert_proved
from tests.storefront import loyalty_served, served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="THE EXAMPLE SHOP IS NOT TESTED: no chromium found; install chromium"
)

TIERS = """
tiers:
  window: {months: 12}
  levels:
    - {id: regular, name: {en: Regular, zh: 普通}}
    - {id: silver, name: {en: Silver, zh: 银卡}, entry: {all: [{orders: 2}]}}
"""
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def books(db):
    """The loyalty service's side: mei has 5,000 points."""
    books = Shop(db, PROGRAM + TIERS)
    books.enrol("mei")
    books.adjust(5_000, member="mei")
    return books


@pytest.fixture
def address(db, books, tmp_path):
    with loyalty_served(db, tmp_path) as (service, sign):
        shop = create_shop(Loyalty(service, sign), tmp_path / "shop")
        with served(shop) as address:
            yield address


@pytest.fixture(params=[("zh-CN", DESKTOP), ("en-GB", PHONE)], ids=["zh-desktop", "en-phone"])
def page(request, chromium, address):
    lang, size = request.param
    context = chromium.new_context(locale=lang, viewport=size, java_script_enabled=True)
    page = context.new_page()
    page.set_default_timeout(15_000)
    faults = []
    page.on("console", lambda message: message.type == "error" and faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{address}/members")
    follow(page, page.locator("button[name=member][value=mei]"))
    yield page
    assert faults == []
    assert page.evaluate("document.documentElement.lang")[:2] == lang[:2]
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
    context.close()


def follow(page, link):
    """Click, and wait for the page that it leads to: a click alone does not."""
    with page.expect_navigation():
        link.click()


def to_payment(page, address, points="most"):
    """Two articles into the basket, points at the checkout, on to the payment."""
    for place in (0, 1):
        page.goto(address)
        follow(page, page.locator("ul.shelf li form button").nth(place))
    page.goto(f"{address}/checkout?points={points}")
    follow(page, page.locator(".sum > button"))


def order_of(page):
    return page.url.split("/orders/")[1].split("/")[0]


def test_points_are_held_while_the_customer_pays_and_spent_with_the_payment(page, address, books):
    to_payment(page, address)
    held = books.balance(member="mei").held
    assert held > 0

    follow(page, page.locator("button[value=pays]"))

    assert page.url.endswith("/receipt")
    assert books.balance(member="mei").held == 0
    assert books.balance(member="mei").active == 5_000 - held
    assert books.story(order_of(page))["state"] == "paid"
    assert_proved(books, "mei")


def test_the_checkout_tells_the_tier_and_what_the_order_would_change(page, address, books):
    lang = page.evaluate("document.documentElement.lang")[:2]
    regular, silver = {"zh": ("普通", "银卡"), "en": ("Regular", "Silver")}[lang]
    told = []
    for _ in range(2):
        page.goto(address)
        follow(page, page.locator("ul.shelf li form button").first)
        page.goto(f"{address}/checkout")
        told.append(page.locator("#tier").inner_text())
        follow(page, page.locator(".sum > button"))
        follow(page, page.locator("button[value=pays]"))
    page.goto(f"{address}/points")

    assert regular in told[0]
    assert silver not in told[0]
    assert silver in told[1]
    assert silver in page.locator("#tier").inner_text()


def test_a_payment_that_fails_lets_the_points_go(page, address, books):
    to_payment(page, address)

    follow(page, page.locator("button[value=fails]"))

    assert (books.balance(member="mei").active, books.balance(member="mei").held) == (5_000, 0)


def test_what_comes_back_brings_its_points_back(page, address, books):
    to_payment(page, address)
    follow(page, page.locator("button[value=pays]"))
    order, left = order_of(page), books.balance(member="mei").active
    page.goto(f"{address}/orders/{order}")

    page.locator("summary").click()
    page.locator("input[name=line-1]").fill("1")
    follow(page, page.locator("#return button"))

    assert books.story(order)["state"] == "part_returned"
    assert books.balance(member="mei").active > left


def test_a_cancelled_order_gives_everything_back(page, address, books):
    to_payment(page, address)
    follow(page, page.locator("button[value=pays]"))
    order = order_of(page)
    page.goto(f"{address}/orders/{order}")

    follow(page, page.locator("form[action$=cancellation] button"))

    assert books.story(order)["state"] == "cancelled"
    assert books.balance(member="mei").active == 5_000
    assert_proved(books, "mei")


def test_the_other_language_is_a_click_away(page, address):
    page.goto(address)
    before = page.evaluate("document.documentElement.lang")

    follow(page, page.locator("header a[href*=lang]").first)

    after = page.evaluate("document.documentElement.lang")
    assert {before[:2], after[:2]} == {"en", "zh"}
    follow(page, page.locator("header a[href*=lang]").first)


def test_the_pages_are_accessible(page, address):
    found = {}
    to_payment(page, address)
    follow(page, page.locator("button[value=pays]"))
    order = order_of(page)

    for path in ("/", "/basket", "/members", f"/orders/{order}", "/orders", "/points"):
        page.goto(f"{address}{path}")
        violations = Axe().run(page).response["violations"]
        found |= {f"{path} {one['id']}": one["nodes"][0]["html"] for one in violations}

    assert found == {}
