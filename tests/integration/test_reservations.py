"""Quote, reserve, pay, give back: points as safe as money, to the second and under any race."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from loyalty_service.checkout.rules.cart import Cart, Order
from loyalty_service.checkout.rules.spending import PointsNotAllowed
from loyalty_service.checkout.rules.steps import (
    AmountDiffers,
    InThePast,
    OrderDiffers,
    OrderOfAnother,
    ReservationLapsed,
    ReturnDiffers,
    TooFarAhead,
)
from loyalty_service.checkout.service import OrderItem, take_items
from loyalty_service.checkout.service.proving import find_order_faults
from loyalty_service.kit.db import Database
from loyalty_service.kit.errors import Refusal
from loyalty_service.ledger.rules.lots import InsufficientPoints, PointsBeyondCount
from loyalty_service.ledger.service import Acting
from loyalty_service.ledger.service.proving import prove
from loyalty_service.members.queries import get_member
from loyalty_service.members.rules import parse_ref
from loyalty_service.timekeeping.service import Timekeeping
from tests.factories import PLAIN, STOREFRONT, Shop, line

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
WORTH = "redemption: {block_points: 100, block_value: '1.00', max_share: '0.5'}\nreturns:"
PROGRAM = PLAIN.replace("returns:", WORTH)
RETURNS = "returns: {overdrawn: negative}"


@pytest.fixture
def shop(db):
    shop = Shop(db, PROGRAM)
    shop.enrol()
    shop.adjust(5_000)
    yield shop
    assert_proved(shop)


def assert_proved(shop, member="m-1"):
    with shop.db.reading() as tx:
        found = get_member(tx, parse_ref(member))
        proof = prove(tx, found, None, shop.programs)
        assert (proof["faults"], find_order_faults(tx, found.member_id)) == ([], [])


def digest(owner_connection):
    """Every row of every table, as text."""
    with owner_connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        )
        names = sorted(name for (name,) in cursor.fetchall())
        rows = {}
        for name in names:
            cursor.execute(f"SELECT t::text FROM {name} t ORDER BY 1")
            rows[name] = cursor.fetchall()
    return rows


def test_a_quote_tells_what_is_payable_and_which_limit_bound_it(shop):
    told = shop.quote(line(10_000), points=9_000)

    assert told["points"]["bound_by"] == "available"
    assert told["points"]["limits"] == {
        "available": 5_000,
        "max_share": 5_000,
        "step": 100,
        "minimum": 100,
    }
    assert (told["points"]["used"], told["payable"]["amount"]) == (5_000, 5_000)
    assert [(one["wallet"], one["points"]) for one in told["earned"]] == [
        ("points", 50),
        ("growth", 50),
    ]


def test_a_quote_writes_nothing(shop, owner_connection, clock):
    shop.reserve("o-1", points=500)
    clock.advance(31 * MINUTE)
    before = digest(owner_connection)

    shop.quote(points=500)
    shop.quote(points=500, at=clock.now() + 400 * DAY)
    shop.quote(points=500, order_ref="o-1")

    assert digest(owner_connection) == before


def test_a_quote_for_an_instant_to_come_reckons_what_time_brings_until_then(shop, clock):
    shop.pay("o-0", line(20_000), fulfilled=True)

    now, later = shop.quote(points=9_000), shop.quote(points=9_000, at=clock.now() + 500 * DAY)

    assert (now["points"]["limits"]["available"], later["points"]["limits"]["available"]) == (
        5_200,
        0,
    )


def test_a_quote_looks_not_back(shop, clock):
    with pytest.raises(InThePast):
        shop.quote(at=clock.now() - MINUTE)


def test_a_quote_looks_five_years_ahead_and_no_further(shop, clock):
    furthest = clock.now() + 5 * 366 * DAY
    shop.quote(at=furthest)

    with pytest.raises(TooFarAhead) as refused:
        shop.quote(at=furthest + MINUTE)

    assert refused.value.path == "at"
    limit = refused.value.values["limit"]
    assert datetime.fromisoformat(limit) == furthest


def test_what_an_order_holds_is_free_for_its_own_quote(shop):
    shop.reserve("o-1", line(10_000), points=4_000)

    other, own = shop.quote(points=5_000), shop.quote(points=5_000, order_ref="o-1")

    assert other["points"]["limits"]["available"] == 1_000
    assert own["points"]["limits"]["available"] == 5_000


def test_a_quote_is_what_a_reservation_then_promises(shop):
    quoted = shop.quote(line(10_000), line(3_333, quantity=3), points=6_000)

    promised = shop.reserve("o-1", line(10_000), line(3_333, quantity=3), points=5_000)

    assert quoted["points"]["used"] == promised["points"]["points"] == 5_000
    for part in ("price", "payable", "lines", "earned", "not_earned"):
        assert quoted[part] == promised[part]


def test_held_points_are_held_for_their_order_and_free_after_the_lapse(shop, clock):
    shop.reserve("o-1", points=3_000)

    assert (shop.balance().active, shop.balance().held) == (2_000, 3_000)
    with pytest.raises(InsufficientPoints) as refused:
        shop.reserve("o-2", points=2_100)
    assert refused.value.values == {"asked": 2_100, "available": 2_000}

    clock.advance(30 * MINUTE)
    assert (shop.balance().active, shop.balance().held) == (5_000, 0)
    assert shop.story("o-1")["state"] == "lapsed"
    shop.reserve("o-2", points=5_000)


def test_the_same_cart_renews_up_to_the_most(shop, clock):
    first = shop.reserve("o-1", points=500)
    for _ in range(5):
        clock.advance(25 * MINUTE)
        last = shop.reserve("o-1", points=500)

    assert last["placed_at"] != first["placed_at"]
    assert [one["held_at"] for one in shop.story("o-1")["holds"]] == [
        first["placed_at"],
        last["placed_at"],
    ]
    assert last["lapses_at"] == "2026-03-02T06:35:00Z"


def test_a_price_without_points_is_kept_and_renewed_too(shop, clock):
    first = shop.reserve("o-1")
    clock.advance(20 * MINUTE)

    again = shop.reserve("o-1")

    assert again == first | {"lapses_at": "2026-03-02T04:50:00Z"}
    assert shop.story("o-1")["holds"] == []


def test_a_deficit_absorbs_what_is_released_before_anybody_can_use_it(shop):
    shop.reserve("o-1", points=3_000)
    shop.adjust(-2_500, allow_negative=True)
    owed = shop.balance()

    told = shop.release("o-1")

    assert (owed.held, owed.deficit) == (3_000, 500)
    assert (told["points"], shop.balance().active, shop.balance().deficit) == (3_000, 2_500, 0)


def test_a_deficit_absorbs_first_what_ends_first_of_what_is_released(db):
    shop = Shop(db, PROGRAM)
    shop.enrol()
    later, sooner = (datetime(2026, month, 1, tzinfo=UTC) for month in (9, 6))
    shop.adjust(300, expires_at=later)
    shop.adjust(300, expires_at=sooner)
    shop.reserve("o-1", line(200_000), points=600)
    shop.adjust(-200, allow_negative=True)

    shop.release("o-1")

    assert shop.balance().expiring == ((sooner, 100), (later, 300))
    assert_proved(shop)


def test_another_cart_is_placed_anew_with_what_was_held(shop, clock):
    shop.reserve("o-1", points=4_000)
    clock.advance(MINUTE)

    second = shop.reserve("o-1", line(20_000), points=5_000)

    assert second["placed_at"] == "2026-03-02T04:01:00Z"
    assert shop.balance().held == 5_000


def test_another_cart_that_is_refused_leaves_what_was_held(shop):
    shop.reserve("o-1", points=4_000)

    with pytest.raises(InsufficientPoints):
        shop.reserve("o-1", line(20_000), points=5_100)

    assert shop.balance().held == 4_000


def test_points_are_refused_with_the_limit_that_forbids_them(shop):
    with pytest.raises(PointsNotAllowed) as refused:
        shop.reserve("o-1", line(1_000), points=600)

    assert refused.value.values["limit"] == "max_share"
    assert refused.value.values["allowed"] == 500


def test_a_payment_takes_what_was_promised_whatever_changed_meanwhile(shop, clock):
    promised = shop.reserve("o-1", line(10_000), points=2_000)
    clock.advance(MINUTE)
    shop.apply(
        PROGRAM.replace("block_points: 100", "block_points: 1000").replace(
            'points: 1, per: "1.00"', 'points: 9, per: "1.00"'
        )
    )
    clock.advance(MINUTE)

    receipt = shop.pay_reserved("o-1")

    assert receipt["paid"] == promised["payable"] == {"amount": 8_000, "currency": "CNY"}
    assert receipt["spent"]["worth"]["amount"] == 2_000
    assert receipt["placed_at"] == promised["placed_at"]
    assert [one["points"] for one in receipt["earned"]] == [80, 80]
    assert (shop.balance().active, shop.balance().held) == (3_000, 0)


def test_conditions_are_judged_as_the_member_was_when_the_order_was_placed(db, clock):
    program = PROGRAM.replace(
        'give: {rate: {points: 1, per: "1.00"}}}\n    - {id: growing',
        'give: {rate: {points: 1, per: "1.00"}}, when: {all: [{tag: [vip]}, '
        "{first_order: true}]}}\n    - {id: growing",
    )
    shop = Shop(db, program)
    shop.enrol(tags=("vip",))
    shop.reserve("o-1")
    shop.amend(tags=())
    shop.pay("o-2")

    receipt = shop.pay_reserved("o-1")

    assert [one["wallet"] for one in receipt["earned"]] == ["points", "growth"]


def test_another_amount_than_promised_is_refused(shop):
    shop.reserve("o-1", line(10_000), points=2_000)

    with pytest.raises(AmountDiffers) as refused:
        shop.pay_reserved("o-1", paid_minor=10_000)

    assert refused.value.values == {"asked": 10_000, "expected": 8_000}
    assert str(refused.value) == (
        "The order comes to CNY 80.00, and CNY 100.00 is said to have been paid."
    )
    assert shop.pay_reserved("o-1", paid_minor=8_000)["state"] == "paid"


def test_a_payment_repeated_with_a_field_more_is_told_to_be_another_body(shop):
    shop.reserve("o-1", points=2_000)
    shop.pay_reserved("o-1")

    with pytest.raises(OrderDiffers, match="a repetition sends the same fields") as more:
        shop.pay_reserved("o-1", paid_minor=8_000)
    with pytest.raises(OrderDiffers, match="paid already, by another payment") as other:
        shop.pay_reserved("o-1", payment_ref="another")

    assert more.value.values["asked"] == other.value.values["asked"] == "o-1"


def test_after_a_lapse_the_same_is_taken_if_it_is_still_to_be_had(shop, clock):
    shop.reserve("o-1", points=2_000)
    clock.advance(45 * MINUTE)

    receipt = shop.pay_reserved("o-1", paid_minor=8_000)

    assert receipt["placed_at"] == "2026-03-02T04:45:00Z"
    assert shop.balance().active == 3_000


def test_after_a_lapse_what_was_lost_is_told_and_nothing_is_taken(shop, clock):
    shop.reserve("o-1", points=4_000)
    clock.advance(30 * MINUTE)
    shop.reserve("o-2", points=2_500)

    with pytest.raises(ReservationLapsed) as refused:
        shop.pay_reserved("o-1")

    assert refused.value.values["lost"]["points"]["asked"] == 4_000
    assert refused.value.values["lost"]["points"]["allowed"] == 2_500
    assert refused.value.values["promised"]["amount"] == 6_000
    assert refused.value.values["now"]["amount"] == 7_500
    assert shop.balance().active == 2_500


def test_with_accept_repricing_it_is_taken_at_the_price_of_now(shop, clock):
    shop.reserve("o-1", points=4_000)
    clock.advance(30 * MINUTE)
    shop.reserve("o-2", points=2_500)

    receipt = shop.pay_reserved("o-1", accept_repricing=True)

    assert (receipt["spent"]["points"], receipt["paid"]["amount"]) == (2_500, 7_500)
    assert shop.balance().active == 0


def test_an_order_made_elsewhere_spends_points_only_if_they_are_free(shop):
    shop.reserve("o-1", points=3_000)

    with pytest.raises(InsufficientPoints):
        shop.pay("o-2", points=2_100)
    receipt = shop.pay("o-2", line(10_000), points=2_000, paid_minor=8_000)

    assert receipt["spent"]["balance_after"] == 3_000
    assert receipt["state"] == "fulfilled"


def test_a_fulfilment_before_the_payment_takes_effect_with_it(shop, clock):
    shop.reserve("o-1", points=1_000)
    told = shop.fulfil("o-1")
    clock.advance(MINUTE)

    receipt = shop.pay_reserved("o-1")

    assert (told["state"], told["activated"]) == ("reserved", [])
    assert receipt["state"] == "fulfilled"
    assert receipt["earned"][0]["lots"][0]["active_at"] == receipt["paid_at"]


def test_a_cancelled_order_is_opened_again_and_its_old_payment_repeats_its_answer(shop):
    shop.reserve("o-1", points=1_000)
    first = shop.pay_reserved("o-1", payment_ref="p-1")
    shop.cancel("o-1")
    assert shop.balance().active == 5_000

    second = shop.pay_reserved("o-1", payment_ref="p-2")

    assert second["spent"]["entry"] > first["spent"]["entry"]
    assert shop.pay_reserved("o-1", payment_ref="p-1") == first
    assert shop.pay_reserved("o-1", payment_ref="p-2") == second
    assert shop.balance().active == 4_000
    story = shop.story("o-1")
    assert [story["state"], *(one["state"] for one in story["earlier"])] == ["paid", "cancelled"]


def test_an_order_opened_again_is_what_its_payment_says_not_what_was_reserved_once(shop):
    reserved, paid = line(10_000, sku="A"), line(6_000, sku="B")
    shop.reserve("o-1", reserved, points=1_000)
    shop.pay("o-1", paid, points=1_000, payment_ref="p-1")
    shop.cancel("o-1")

    again = shop.pay("o-1", reserved, points=1_000, payment_ref="p-2")

    assert again["price"]["amount"] == 10_000


def test_points_come_back_by_parts_and_net_to_zero(shop):
    shop.reserve("o-1", line(10_000, quantity=3), line(3_333), points=2_300)
    shop.pay_reserved("o-1")
    given = []
    for i in range(3):
        answer = shop.give_back("o-1", f"r-{i}", units=[(1, 1)])
        given += [one["points"] for one in answer["given_back"]]
    last = shop.cancel("o-1")

    assert sum(given) + last["given_back"][0]["points"] == 2_300
    assert shop.balance().active == 5_000


def test_points_whose_lot_ended_meanwhile_get_a_grace(shop, clock):
    shop.reserve("o-1", points=5_000)
    shop.pay_reserved("o-1")
    clock.advance(500 * DAY)

    back = shop.cancel("o-1")["given_back"][0]

    assert (back["points"], back["expired"]) == (5_000, 5_000)
    assert back["lots"][0]["expires_at"] == "2027-08-14T16:00:00Z"


def test_by_setting_points_whose_lot_ended_meanwhile_end_at_once(db, clock):
    shop = Shop(db, PROGRAM.replace("{overdrawn: negative}", "{expired_meanwhile: expire}"))
    shop.enrol()
    shop.adjust(5_000)
    shop.pay("o-1", points=5_000)
    clock.advance(500 * DAY)

    back = shop.cancel("o-1")["given_back"][0]

    assert (back["expired"], shop.balance().active, shop.balance().due) == (5_000, 0, 5_000)
    assert_proved(shop)


def test_what_is_owed_is_proved_beside_points_that_came_back_too_late(db, clock):
    shop = Shop(db, PROGRAM.replace("{overdrawn: negative}", "{expired_meanwhile: expire}"))
    shop.enrol()
    shop.adjust(5_000, expires_at=clock.now() + DAY)
    shop.pay("o-1", line(20_000), points=5_000)
    shop.adjust(-100)
    clock.advance(2 * DAY)

    told = shop.cancel("o-1")

    assert told["given_back"][0]["expired"] == 5_000
    assert (shop.balance().due, shop.balance().deficit) == (5_000, 100)
    assert_proved(shop)


def test_a_balance_of_the_past_tells_what_was_held_then(shop, clock):
    from loyalty_service.ledger.queries import balances_then

    before = clock.now()
    clock.advance(MINUTE)
    shop.reserve("o-1", points=3_000)
    clock.advance(MINUTE)
    during = clock.now()
    clock.advance(MINUTE)
    shop.release("o-1")
    clock.advance(MINUTE)

    with shop.db.reading() as tx:
        member = get_member(tx, parse_ref("m-1"))
        held = [
            balances_then(tx, member, at)["points"].held for at in (before, during, clock.now())
        ]

    assert held == [0, 3_000, 0]


def test_what_was_held_is_told_by_what_was_recorded_by_then(shop, clock):
    from loyalty_service.ledger.queries import balances_then

    shop.reserve("o-1", points=3_000)
    paid_at = clock.now()
    clock.advance(10 * MINUTE)
    between = clock.now()
    clock.advance(10 * MINUTE)
    shop.pay_reserved("o-1", occurred_at=paid_at)

    with shop.db.reading() as tx:
        then = balances_then(tx, get_member(tx, parse_ref("m-1")), between)["points"]

    assert (then.held, then.active) == (3_000, 2_000)


def test_points_that_ended_under_a_hold_are_proved_also_if_its_end_is_told_late(shop, clock):
    shop.adjust(5_000, expires_at=clock.now() + 5 * MINUTE)
    shop.reserve("o-1", points=5_000)
    clock.advance(10 * MINUTE)
    cancelled_at = clock.now()
    clock.advance(10 * MINUTE)

    told = shop.cancel("o-1", at=cancelled_at)

    assert (told["released"], shop.balance().active) == (5_000, 5_000)
    assert_proved(shop)


def test_what_is_owed_beside_a_hold_is_proved_also_if_it_is_told_late(shop, clock):
    shop.pay("o-1", line(5_000))
    shop.reserve("o-2", points=5_000)
    shop.adjust(-50)
    returned_at = clock.now()
    clock.advance(DAY)

    told = shop.give_back("o-1", units=[(1, 1)], at=returned_at)

    assert told["taken"][0]["from"]["deficit"] == 50
    assert_proved(shop)


def test_an_order_of_another_member_is_refused_everywhere(shop):
    shop.enrol("m-2")
    shop.reserve("o-1", points=100)

    for step in (
        lambda: shop.reserve("o-1", member="m-2"),
        lambda: shop.release("o-1", member="m-2"),
        lambda: shop.pay_reserved("o-1", member="m-2"),
        lambda: shop.quote(member="m-2", order_ref="o-1"),
    ):
        with pytest.raises(OrderOfAnother):
            step()


@pytest.mark.parametrize("spends", [20, 200])
def test_parallel_spends_take_exactly_what_the_balance_allows(database_url, clock, spends):
    db = Database(database_url, clock=clock, pool_size=8, lock_timeout_ms=60_000)
    shop = Shop(db, PROGRAM)
    shop.enrol()
    shop.adjust(5_000)

    def spend(number):
        try:
            if number % 2:
                return shop.pay(f"o-{number}", points=500, fulfilled=False)["spent"]["points"]
            return shop.reserve(f"o-{number}", points=500)["points"]["points"]
        except InsufficientPoints:
            return 0

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(spend, range(spends)))

    assert sum(taken) == 5_000
    assert (shop.balance().active, shop.balance().balance) == (0, 0)
    assert_proved(shop)
    db.close()


def test_every_refusal_leaves_every_row_as_it_was(shop, owner_connection, clock):
    shop.reserve("o-1", points=3_000)
    shop.reserve("o-3", points=100)
    shop.release("o-3")
    clock.advance(31 * MINUTE)
    shop.pay("o-2", points=2_500)
    before = digest(owner_connection)

    refused = [
        lambda: shop.pay_reserved("o-1"),
        lambda: shop.pay_reserved("o-1", accept_repricing=True, paid_minor=1),
        lambda: shop.reserve("o-1", points=9_900),
        lambda: shop.reserve("o-2", points=100),
        lambda: shop.give_back("o-1", "r", units=[(1, 1)]),
        lambda: shop.pay_reserved("o-9"),
        lambda: shop.pay("o-9", points=150),
        lambda: shop.pay("o-9", points=100, paid_minor=10_000),
        lambda: shop.release("o-2"),
    ]
    for step in refused:
        with pytest.raises(Refusal):
            step()

    assert digest(owner_connection) == before


def test_a_refused_item_of_a_batch_leaves_the_later_ones_as_if_it_had_not_been(shop, clock):
    shop.reserve("lapsed", line(10_000), points=5_000)
    clock.advance(500 * DAY)
    ref, then = parse_ref("m-1"), clock.now() - 200 * DAY
    lapsed = OrderItem(ref, Order("lapsed", "pay-lapsed", None))
    earlier = OrderItem(ref, Order("o-1", "pay-1", Cart("CNY", None, (line(),)), occurred_at=then))

    refused, taken = shop.db.run(
        lambda tx: take_items(
            Acting(tx, shop.programs, STOREFRONT, Timekeeping()), [lapsed, earlier]
        )
    )

    assert isinstance(refused, ReservationLapsed)
    assert isinstance(taken, str)
    with shop.db.reading() as tx:
        assert get_member(tx, ref).caught_up_to == then
        assert tx.fetch("SELECT kind FROM entry WHERE wallet = 'points' ORDER BY seq") == [
            ("credit",),
            ("credit",),
        ]


def test_a_return_of_an_earlier_chapter_keeps_its_answer_and_has_no_second_effect(shop):
    shop.pay("o-1", line(20_000, quantity=2), payment_ref="first")
    answer = shop.give_back("o-1", units=[(1, 1)])
    shop.cancel("o-1")
    shop.reserve("o-1", line(20_000, quantity=2))
    while_reserved = shop.give_back("o-1", units=[(1, 1)])
    shop.pay("o-1", line(20_000, quantity=2), payment_ref="second")

    again = shop.give_back("o-1", units=[(1, 1)])

    assert while_reserved == again == answer
    story = shop.story("o-1")
    assert (story["state"], story["returned"]["amount"]) == ("fulfilled", 0)
    steps = [step["step"] for step in story["steps"]]
    assert steps == ["earlier_return", "payment", "reservation"]
    with pytest.raises(ReturnDiffers):
        shop.give_back("o-1", units=[(1, 2)])
    shop.give_back("o-1", "r-2", units=[(1, 1)])
    shop.cancel("o-1")
    shop.pay("o-1", line(20_000, quantity=2), payment_ref="third")
    assert shop.give_back("o-1", units=[(1, 1)]) == answer


def test_points_beyond_count_are_refused_by_themselves_and_the_others_go_on(db):
    shop = Shop(db, PROGRAM.replace("{points: 1, per", "{points: 1000000000, per"))
    for member in ("m-1", "m-2"):
        shop.enrol(member)
    huge, small = line(10**12), line(1_000)
    with pytest.raises(PointsBeyondCount) as refused:
        shop.pay("o-1", huge)
    assert refused.value.path == "lines"
    with pytest.raises(PointsBeyondCount):
        shop.quote(huge)
    with pytest.raises(PointsBeyondCount):
        shop.reserve("o-1", huge)
    items = [
        OrderItem(parse_ref(member), Order(ref, "p", Cart("CNY", None, (cart,))))
        for member, ref, cart in [("m-1", "o-1", huge), ("m-1", "o-2", small), ("m-2", "x", small)]
    ]

    first, *others = shop.db.run(
        lambda tx: take_items(Acting(tx, shop.programs, STOREFRONT, Timekeeping()), items)
    )

    assert isinstance(first, PointsBeyondCount)
    assert [type(other) for other in others] == [str, str]
    assert shop.balance().active == shop.balance(member="m-2").active == 10 * 10**9
    assert_proved(shop)
