"""Orders that are paid elsewhere: what they earn, once."""

from datetime import UTC, datetime, timedelta

import pytest

from loyalty_service.checkout.rules.steps import OrderCancelled
from tests.factories import PLAIN, Shop, line


def test_a_paid_order_earns_by_its_rules_and_opens_lots(db):
    shop = Shop(db)
    shop.enrol()

    receipt = shop.pay("o-1", line(12_345))

    assert [(e["wallet"], e["points"]) for e in receipt["earned"]] == [
        ("points", 123),
        ("growth", 123),
    ]
    assert receipt["earned"][0]["lots"] == [
        {
            "points": 123,
            "active_at": "2026-03-02T04:00:00Z",
            "expires_at": "2027-03-31T16:00:00Z",
        }
    ]


def test_points_that_are_always_alive_are_told_to_begin_with_their_entry(db, clock):
    shop = Shop(db)
    shop.enrol()
    shop.pay("o-1")
    clock.advance(timedelta(days=1))

    receipt = shop.pay("o-2")

    growth = receipt["earned"][1]
    assert growth["wallet"] == "growth"
    assert growth["lots"] == [{"points": 100, "active_at": receipt["paid_at"], "expires_at": None}]


def test_a_return_takes_back_in_parts_that_sum_exactly(db):
    shop = Shop(db)
    shop.enrol()
    shop.pay("o-1", line(2_300, quantity=4))

    taken = [
        shop.give_back("o-1", f"r-{i}", units=[(1, 1)])["taken"][0]["points"] for i in range(4)
    ]

    assert taken == [5, 6, 6, 6]


def test_a_fulfilment_told_with_the_payment_is_repeated_also_after_a_cancellation(db):
    shop = Shop(db)
    shop.enrol()
    shop.pay(fulfilled=True)
    first = shop.fulfil()
    shop.cancel()

    again = shop.fulfil()

    assert again["fulfilled_at"] == first["fulfilled_at"]
    assert (again["state"], again["activated"]) == ("cancelled", [])


def test_a_fulfilment_tells_what_is_left_of_the_points_that_it_gives_a_beginning(db):
    shop = Shop(db)
    shop.enrol()
    shop.pay("o-1", line(2_300, quantity=4), fulfilled=False)
    shop.pay("o-2", line(2_300), fulfilled=False)
    shop.give_back("o-1", "r-1", units=[(1, 1)])
    shop.give_back("o-2", "r-2", units=[(1, 1)])

    part, nothing = shop.fulfil("o-1")["activated"], shop.fulfil("o-2")["activated"]

    assert [[lot["points"] for lot in one["lots"]] for one in part] == [[18]]
    assert [[lot["points"] for lot in one["lots"]] for one in nothing] == [[0]]


def test_goods_that_went_out_before_the_payment_are_told_in_either_order(db, clock):
    shop = Shop(db, PLAIN.replace("{after: {months: 12}, round_to: month}", "{after: {days: 10}}"))
    shop.enrol()
    clock.set(datetime(2026, 3, 2, 15, 50, tzinfo=UTC))
    shop.reserve("o-1")
    shop.reserve("o-2")
    clock.advance(timedelta(minutes=20))
    out = clock.now() - timedelta(minutes=15)

    shop.fulfil("o-1", at=out)
    shop.pay_reserved("o-1")
    shop.pay_reserved("o-2")
    shop.fulfil("o-2", at=out)

    assert [shop.story(ref)["fulfilled_at"] for ref in ("o-1", "o-2")] == [
        "2026-03-02T15:55:00Z"
    ] * 2
    lots = db.fetch("SELECT active_at, expires_at FROM lot WHERE wallet = 'points'")
    assert lots[0] == lots[1] == (clock.now(), datetime(2026, 3, 13, 16, tzinfo=UTC))


def test_when_goods_went_out_is_said_once_also_where_the_payment_says_that_they_did(db, clock):
    shop = Shop(db)
    shop.enrol()
    shop.reserve()
    out = shop.fulfil()["fulfilled_at"]
    clock.advance(timedelta(minutes=5))

    receipt = shop.pay_reserved(is_fulfilled=True)

    assert (receipt["fulfilled_at"], shop.fulfil()["fulfilled_at"]) == (out, out)


def test_a_first_fulfilment_after_a_cancellation_is_refused(db):
    shop = Shop(db)
    shop.enrol()
    shop.pay(fulfilled=False)
    shop.cancel()

    with pytest.raises(OrderCancelled):
        shop.fulfil()


def test_a_cap_counts_from_the_version_on_that_first_covers_its_rule(db):
    shop = Shop(db)
    shop.enrol()
    shop.pay("o-1", line(10_000))
    cap = """
  caps:
    - {id: few, name: {en: Few, zh: 少}, covers: [base], per: member, period: month, points: 50}
returns:"""
    shop.apply(PLAIN.replace("returns:", cap.lstrip("\n")))

    second = shop.pay("o-2", line(10_000))
    third = shop.pay("o-3", line(10_000))

    points = [
        sum(one["points"] for one in receipt["earned"] if one["wallet"] == "points")
        for receipt in (second, third)
    ]
    assert points == [50, 0]


@pytest.mark.parametrize("count", [2, 40])
def test_lines_are_kept_as_they_were_sent_however_many_there_are(db, count):
    shop = Shop(db, PLAIN)
    shop.enrol()
    lines = [
        line(100 * i, sku=f"S-{i}", quantity=i, category=f"category-{i}", brand=f"brand-{i}")
        for i in range(1, count + 1)
    ]

    shop.pay("o-1", *lines)

    kept = shop.story("o-1")["lines"]
    assert [(each["sku"], each["category"], each["brand"], each["quantity"]) for each in kept] == [
        (f"S-{i}", f"category-{i}", f"brand-{i}", i) for i in range(1, count + 1)
    ]
    assert [each["price"]["amount"] for each in kept] == [each.amount_minor for each in lines]
