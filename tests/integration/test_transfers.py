"""Points given to another member, and points that may not leave."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from loyalty_service.kit.db import Database
from loyalty_service.ledger.rules.adjusting import NotReversible, WalletUnknown
from loyalty_service.ledger.rules.lots import InsufficientPoints
from loyalty_service.ledger.rules.transfers import SameMember, WalletNotSpendable
from loyalty_service.members.rules import MemberUnknown, RedemptionLocked
from tests.factories import Shop
from tests.integration.test_reservations import PROGRAM, assert_proved

DAY = timedelta(days=1)


@pytest.fixture
def shop(db):
    shop = Shop(db, PROGRAM)
    shop.enrol("m-1")
    shop.enrol("m-2")
    shop.adjust(1_000)
    yield shop
    assert_proved(shop, "m-1")
    assert_proved(shop, "m-2")


def test_points_go_over_with_their_ends(shop, clock):
    first = shop.balance().expiring
    clock.advance(60 * DAY)
    shop.adjust(1_000)

    told = shop.send(1_500, "m-2")

    assert told["points"] == 1_500
    assert shop.balance().balance == 500
    ends = shop.balance(member="m-2").expiring
    assert [points for _, points in ends] == [1_000, 500]
    assert ends[0][0] == first[0][0]


def test_held_points_stay(shop):
    shop.reserve("o-1", points=600)

    with pytest.raises(InsufficientPoints) as refused:
        shop.send(500, "m-2")

    assert refused.value.values == {"asked": 500, "available": 400}


def test_a_deficit_of_the_receiver_is_absorbed(shop):
    shop.adjust(-300, member="m-2", allow_negative=True)

    shop.send(500, "m-2")

    assert (shop.balance(member="m-2").balance, shop.balance(member="m-2").deficit) == (200, 0)


@pytest.mark.parametrize(
    ("to", "wallet", "refusal"),
    [
        ("m-1", "points", SameMember),
        ("m-9", "points", MemberUnknown),
        ("m-2", "growth", WalletNotSpendable),
        ("m-2", "stars", WalletUnknown),
    ],
)
def test_what_makes_no_sense_is_refused(shop, to, wallet, refusal):
    with pytest.raises(refusal):
        shop.send(100, to, wallet=wallet)

    assert shop.balance().balance == 1_000


def test_a_transfer_is_not_reversed_on_one_side(shop):
    told = shop.send(100, "m-2")

    for member, entry in (("m-1", told["sent"]["entry"]), ("m-2", told["received"]["entry"])):
        with pytest.raises(NotReversible):
            shop.reverse(entry, member=member)


def test_members_who_send_to_each_other_do_not_wait_for_ever(database_url, clock):
    db = Database(database_url, clock=clock, pool_size=8, lock_timeout_ms=60_000)
    shop = Shop(db, PROGRAM)
    for member in ("m-1", "m-2", "m-3"):
        shop.enrol(member)
        shop.adjust(1_000, member=member)
    ways = [("m-1", "m-2"), ("m-2", "m-1"), ("m-2", "m-3"), ("m-3", "m-1")] * 10

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda way: shop.send(10, way[1], member=way[0]), ways))

    assert [shop.balance(member=m).balance for m in ("m-1", "m-2", "m-3")] == [1_100, 900, 1_000]
    assert_proved(shop)
    db.close()


def test_locked_points_do_not_leave_while_earning_goes_on(shop):
    assert shop.lock_points().redemption_locked_since is not None

    for step in (
        lambda: shop.reserve("o-1", points=100),
        lambda: shop.pay("o-1", points=100),
        lambda: shop.send(100, "m-2"),
    ):
        with pytest.raises(RedemptionLocked):
            step()
    assert shop.quote(points=500)["points"]["bound_by"] == "locked"
    shop.pay("o-2", fulfilled=True)
    shop.reserve("o-3")

    assert shop.balance().balance == 1_100


def test_what_was_reserved_before_may_be_renewed_and_paid(shop):
    shop.reserve("o-1", points=500)
    shop.lock_points()

    shop.reserve("o-1", points=500)
    receipt = shop.pay_reserved("o-1")

    assert receipt["spent"]["points"] == 500


def test_unlocked_points_leave_again(shop):
    shop.lock_points()
    shop.lock_points(is_locked=False)

    assert shop.send(100, "m-2")["points"] == 100


def test_what_was_due_before_a_lock_is_done_and_told_before_it(shop, clock):
    shop.adjust(100, expires_at=clock.now() + timedelta(hours=1))
    clock.advance(timedelta(hours=2))

    shop.lock_points()

    told = shop.db.fetch("SELECT kind FROM event WHERE member_id = 1 ORDER BY seq DESC LIMIT 2")
    assert told == [("member.redemption_locked",), ("points.expired",)]
    assert_proved(shop)
