"""Orders that are paid elsewhere: what they earn, once."""

from tests.factories import Shop, line


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


def test_a_return_takes_back_in_parts_that_sum_exactly(db):
    shop = Shop(db)
    shop.enrol()
    shop.pay("o-1", line(2_300, quantity=4))

    taken = [
        shop.give_back("o-1", f"r-{i}", units=[(1, 1)])["taken"][0]["points"] for i in range(4)
    ]

    assert taken == [5, 6, 6, 6]
