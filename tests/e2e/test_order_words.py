"""What happened to an order, read over HTTP in words."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.clients import Client
from tests.factories import Shop
from tests.integration.test_reservations import PROGRAM

BEGIN = datetime(2026, 3, 20, 2, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ORDER = "/members/m-1/orders/o-1"


def yuan(fen):
    return {"amount": fen, "currency": "CNY"}


CART = [
    {"sku": "TEA", "quantity": 2, "amount": yuan(20_000)},
    {"sku": "CUP", "quantity": 1, "amount": yuan(5_000)},
]


ENGLISH = [
    (
        "03-20T02:00:00",
        (
            "Reserved until 20 March 2026 10:30: the price is CNY 250.00; 1,000 points, worth "
            "CNY 10.00, are held, and CNY 240.00 is to be paid."
        ),
    ),
    (
        "03-20T02:10:00",
        (
            "Renewed: it stands until 20 March 2026 10:40 now, at the same price and with the "
            "same points."
        ),
    ),
    (
        "03-20T02:11:00",
        (
            "Paid (payment ch-1): the price was CNY 250.00; 1,000 points (entry 2) paid CNY "
            "10.00 of it, and CNY 240.00 was paid in money. Earned: 240 points (entry 3), 240 "
            "points in Growth (entry 1)."
        ),
    ),
    (
        "03-21T02:11:00",
        "The goods have arrived. 240 points (entry 4) are active at once.",
    ),
    (
        "03-22T02:11:00",
        (
            "Return R-1: 1 unit of line 1 (TEA), CNY 96.00 given back in money. 400 points "
            "(entry 5) that had paid came back. Taken back: 96 points (entry 6), 96 points in "
            "Growth (entry 2)."
        ),
    ),
    (
        "03-23T02:11:00",
        (
            "The order was cancelled, and what was left of it came back: 1 unit of line 1 (TEA), "
            "1 unit of line 2 (CUP), CNY 144.00 given back in money. 600 points (entry 7) that "
            "had paid came back. Taken back: 144 points (entry 8), 144 points in Growth (entry "
            "3)."
        ),
    ),
]
CHINESE = [
    (
        "03-20T02:00:00",
        (
            "已预占至 2026 年 3 月 20 日 10:30：价格 250.00 元，锁定 1,000 积分，抵 10.00 元，应"
            "付 240.00 元。"
        ),
    ),
    ("03-20T02:10:00", "预占延长至 2026 年 3 月 20 日 10:40，价格与积分不变。"),
    (
        "03-20T02:11:00",
        (
            "已支付（支付单号 ch-1）：价格 250.00 元，其中 1,000 积分（流水第 2 条）抵 10.00 元，"
            "实付 240.00 元。获得 240 积分（流水第 3 条）、240 成长值（流水第 1 条）。"
        ),
    ),
    ("03-21T02:11:00", "商品已送达。240 积分（流水第 4 条）立即生效。"),
    (
        "03-22T02:11:00",
        (
            "退货 R-1：第 1 行（TEA）1 件，退款 96.00 元。当时支付的 400 积分（流水第 5 条）退回"
            "。收回 96 积分（流水第 6 条）、96 成长值（流水第 2 条）。"
        ),
    ),
    (
        "03-23T02:11:00",
        (
            "订单取消，剩余部分全部退回：第 1 行（TEA）1 件、第 2 行（CUP）1 件，退款 144.00 元。"
            "当时支付的 600 积分（流水第 7 条）退回。收回 144 积分（流水第 8 条）、144 成长值（流"
            "水第 3 条）。"
        ),
    ),
]
EARLIER = [
    (
        "03-20T02:00:00",
        "Reserved until 20 March 2026 10:30: CNY 250.00 is to be paid.",
    ),
    (
        "03-20T02:01:00",
        (
            "Paid (payment ch-1): CNY 250.00 in money. Earned: 250 points (entry 2), 250 points "
            "in Growth (entry 1)."
        ),
    ),
    (
        "03-20T02:02:00",
        (
            "Return R-1: CNY 50.00 given back in money. Taken back: 50 points (entry 3), 50 "
            "points in Growth (entry 2)."
        ),
    ),
    (
        "03-20T02:03:00",
        (
            "The order was cancelled, and what was left of it came back: 2 units of line 1 "
            "(TEA), 1 unit of line 2 (CUP), CNY 200.00 given back in money. Taken back: 200 "
            "points (entry 4), 200 points in Growth (entry 3)."
        ),
    ),
]


@pytest.fixture
def client(db, clock, tmp_path):
    clock.set(BEGIN)
    shop = Shop(db, PROGRAM)
    shop.enrol()
    shop.adjust(5_000)
    client = Client(db, clock, tmp_path)
    client.shop = shop
    return client


def done(client, method, path, body=None):
    answer = client.call(method, path, body)
    assert answer.status_code == 200, answer.text
    return answer.json


def read(client, lang, path=ORDER):
    answer = client.call("GET", f"{path}?lang={lang}")
    assert answer.status_code == 200, answer.text
    return answer.json


def words(chapter):
    return [(told["at"].removesuffix("Z")[5:], told["text"]) for told in chapter["words"]]


def test_an_order_is_read_from_its_reservation_to_its_cancellation(client, clock):
    done(client, "PUT", f"{ORDER}/reservation", {"lines": CART, "points": 1_000})
    clock.advance(10 * MINUTE)
    done(client, "PUT", f"{ORDER}/reservation", {"lines": CART, "points": 1_000})
    clock.advance(MINUTE)
    done(client, "POST", f"{ORDER}/payment", {"payment_ref": "ch-1"})
    clock.advance(DAY)
    done(client, "POST", f"{ORDER}/fulfilment", {})
    clock.advance(DAY)
    done(client, "PUT", f"{ORDER}/returns/R-1", {"lines": [{"line": 1, "units": 1}]})
    clock.advance(DAY)
    done(client, "POST", f"{ORDER}/cancellation", {})

    story, chinese = read(client, "en"), read(client, "zh", "/orders/o-1")

    assert words(story) == ENGLISH
    assert words(chinese) == CHINESE
    assert "payment" not in [step["step"] for step in story["steps"]]


def test_an_order_that_is_opened_again_has_words_for_every_chapter(client, clock):
    done(client, "PUT", f"{ORDER}/reservation", {"lines": CART})
    clock.advance(MINUTE)
    done(client, "POST", f"{ORDER}/payment", {"payment_ref": "ch-1"})
    clock.advance(MINUTE)
    done(client, "PUT", f"{ORDER}/returns/R-1", {"amount": yuan(5_000)})
    clock.advance(MINUTE)
    done(client, "POST", f"{ORDER}/cancellation", {})
    clock.advance(MINUTE)
    done(client, "PUT", f"{ORDER}/reservation", {"lines": CART[1:], "points": 100})
    clock.advance(40 * MINUTE)

    story, chinese = read(client, "en"), read(client, "zh")

    assert story["state"] == "lapsed"
    assert words(story) == [
        (
            "03-20T02:04:00",
            (
                "The order was opened again. Reserved until 20 March 2026 10:34: the price is "
                "CNY 50.00; 100 points, worth CNY 1.00, are held, and CNY 49.00 is to be paid."
            ),
        ),
        ("03-20T02:34:00", "The reservation lapsed; 100 points are held no more."),
    ]
    assert words(chinese) == [
        (
            "03-20T02:04:00",
            (
                "订单重新开启。已预占至 2026 年 3 月 20 日 10:34：价格 50.00 元，锁定 100 积分，"
                "抵 1.00 元，应付 49.00 元。"
            ),
        ),
        ("03-20T02:34:00", "预占到期失效，不再锁定 100 积分。"),
    ]
    (earlier,) = story["earlier"]
    assert words(earlier) == EARLIER
    (earlier,) = chinese["earlier"]
    assert words(earlier)[2:] == [
        (
            "03-20T02:02:00",
            "退货 R-1：退款 50.00 元。收回 50 积分（流水第 3 条）、50 成长值（流水第 2 条）。",
        ),
        (
            "03-20T02:03:00",
            (
                "订单取消，剩余部分全部退回：第 1 行（TEA）2 件、第 2 行（CUP）1 件，退款 200.00 "
                "元。收回 200 积分（流水第 4 条）、200 成长值（流水第 3 条）。"
            ),
        ),
    ]


def test_what_was_told_before_the_payment_and_late_stands_where_it_was_recorded(client, clock):
    done(client, "PUT", f"{ORDER}/reservation", {"lines": CART, "points": 1_000})
    done(client, "POST", f"{ORDER}/fulfilment", {})
    done(client, "POST", f"{ORDER}/reservation/release")
    done(client, "PUT", f"{ORDER}/reservation", {"lines": CART, "points": 200})
    clock.advance(40 * MINUTE)
    done(client, "PUT", f"{ORDER}/reservation", {"lines": CART, "points": 200})
    done(client, "PUT", f"{ORDER}/reservation", {"lines": CART, "points": 300})
    clock.advance(30 * MINUTE)
    done(client, "POST", f"{ORDER}/reservation/release")
    clock.advance(MINUTE)
    done(client, "POST", f"{ORDER}/payment", {"payment_ref": "ch-1"})

    told = [text.split(":")[0].split(";")[0] for _, text in words(read(client, "en"))]

    assert told == [
        "Reserved until 20 March 2026 10",
        "The goods have arrived",
        "The reservation was released",
        "Reserved again until 20 March 2026 10",
        "The reservation lapsed",
        "Reserved again until 20 March 2026 11",
        "Another cart took its place, reserved until 20 March 2026 11",
        "The reservation lapsed",
        "The reservation was to be released",
        "Placed anew as it was paid. Paid (payment ch-1)",
    ]


def test_an_order_called_off_unpaid_says_what_it_held_unless_it_had_lapsed(client, clock):
    for minutes in (0, 40):
        done(client, "PUT", f"{ORDER}/reservation", {"lines": CART, "points": 100})
        clock.advance(minutes * MINUTE)
        done(client, "POST", f"{ORDER}/cancellation", {})

    story = read(client, "en")

    assert [text for _, text in words(story)[1:]] == [
        "The reservation lapsed; 100 points are held no more.",
        "The order was cancelled before it was paid.",
    ]
    assert [text for _, text in words(story["earlier"][0])[1:]] == [
        "The order was cancelled before it was paid; 100 points are held no more.",
    ]


def test_an_order_that_came_whole_says_that_its_goods_have_arrived(client):
    done(client, "POST", f"{ORDER}/payment", {"payment_ref": "till-1", "lines": CART})

    assert [text for _, text in words(read(client, "en"))] == [
        (
            "Paid (payment till-1): CNY 250.00 in money. Earned: 250 points (entry 2), 250 "
            "points in Growth (entry 1)."
        ),
        "The goods have arrived, as was told with the payment.",
    ]


def test_the_header_chooses_the_language_where_the_address_does_not(client):
    done(client, "POST", f"{ORDER}/payment", {"payment_ref": "till-1", "lines": CART})
    token = client.call("GET", ORDER).request.headers["Authorization"]
    http = client.app.test_client(use_cookies=False)

    def told(query):
        headers = {"Authorization": token, "Accept-Language": "zh-CN,zh;q=0.9"}
        return http.open(f"/v1{ORDER}{query}", headers=headers).json["words"][1]["text"]

    assert told("") == "支付时已告知商品送达。"
    assert told("?lang=en") == "The goods have arrived, as was told with the payment."
    assert client.call("GET", f"{ORDER}?lang=fr").status_code == 400
