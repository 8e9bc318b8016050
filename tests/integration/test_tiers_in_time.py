"""Tiers come to the same whoever finds what is overdue, and however late (R-24, R-50 to R-55)."""

from datetime import UTC, datetime, timedelta

import pytest

from loyalty_service.checkout.rules.cart import Cart, Order
from loyalty_service.checkout.service import OrderItem, take_items
from loyalty_service.ledger.rules.adjusting import NotReversible
from loyalty_service.ledger.service import Acting
from loyalty_service.members.rules import parse_ref
from loyalty_service.timekeeping.service import Timekeeping
from tests.factories import STOREFRONT, Shop, line
from tests.integration.test_tiers import (
    BIRTHDAY,
    DAY,
    SHANGHAI,
    TIERED,
    changes,
    proved,
    standing,
    tier,
)
from tests.job_world import catch_up

KEEP = "      keep: {any: [{earned: {wallet: growth, at_least: 300}}]}\n"


def tiers(text: str = TIERED, **settings: str) -> str:
    """The program with these settings of its tiers."""
    head = text.split("  levels:", maxsplit=1)[0].splitlines()
    kept = [one for one in head if one.strip().split(":")[0] not in settings]
    said = [f"  {name}: {value}" for name, value in settings.items()]
    return "\n".join([*kept, *said, "  levels:" + text.split("  levels:")[1]])


def dated(shop: Shop, member: str = "m-1") -> list[tuple]:
    return shop.db.fetch(
        "SELECT cause, to_tier, occurred_at FROM tier_change JOIN member_ref USING (member_id) "
        "WHERE value = %s ORDER BY change_no",
        (member,),
    )


def rewrite(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


def take(shop: Shop, *items) -> list:
    def work(tx):
        return take_items(Acting(tx, shop.programs, STOREFRONT, Timekeeping()), items)

    return shop.db.run(work)


def bought(order: str, amount: int, at: datetime | None = None, member: str = "m-1") -> OrderItem:
    cart = Cart("CNY", None, (line(amount),))
    return OrderItem(parse_ref(member), Order(order, order, cart, occurred_at=at))


def test_an_order_earns_by_the_tier_that_is_left_once_what_is_overdue_is_done(db, clock):
    shop = Shop(db, TIERED)
    shop.enrol()
    shop.pay("o-1", line(50_000))
    clock.advance(datetime.fromisoformat(standing(shop)["until"]) - clock.now() + DAY)

    receipt = shop.pay("o-2", line(10_000))

    assert receipt["earned"][0]["points"] == 100
    assert tier(shop) == "regular"


def test_a_new_version_that_is_found_late_looks_at_what_was_done_before_it(db, clock):
    shop = Shop(db, TIERED)
    for member in ("in-time", "late"):
        shop.enrol(member)
        shop.pay(member, line(30_000), member=member)
    clock.advance(300 * DAY)
    shop.apply(TIERED.replace("at_least: 500", "at_least: 300").replace("least: 300", "least: 200"))
    clock.advance(100 * DAY)

    catch_up(db)

    assert [cause for cause, *_ in dated(shop, "late")] == ["promoted"]


def test_undoing_one_promotion_leaves_the_one_before_that_is_earned_still(db, clock):
    shop = Shop(db, tiers(window="{days: 30}", on_return="at_once"))
    shop.enrol()
    shop.pay("o-1", line(45_000))
    clock.advance(28 * DAY)
    shop.pay("o-2", line(5_000))
    assert tier(shop) == "silver"
    clock.advance(25 * DAY)
    shop.pay("o-3", line(200_000))
    assert tier(shop) == "gold"
    clock.advance(15 * DAY)

    shop.cancel("o-3")

    assert tier(shop) == "silver"


BALANCE = TIERED.replace(
    "entry: {any: [{earned: {wallet: growth, at_least: 500}}, {orders: 10}]}",
    "entry: {any: [{balance: {wallet: points, at_least: 100}}]}",
).replace(KEEP, "")


def test_a_balance_that_ends_takes_the_tier_down_at_that_instant_however_late_it_is_found(
    db, clock
):
    shop = Shop(db, tiers(BALANCE, term="none"))
    shop.enrol()
    ends = clock.now() + 10 * DAY
    shop.adjust(100, expires_at=ends)
    assert tier(shop) == "silver"
    # The gift keeps the balance up no longer than it lasts itself.
    shop.adjust(-50)
    clock.advance(400 * DAY)

    catch_up(db)

    assert dated(shop)[-1] == ("demoted", "regular", ends)


def test_history_told_in_one_batch_comes_to_what_it_does_told_one_by_one(db, clock):
    shop = Shop(db, TIERED)
    days = [clock.now() + day * DAY for day in (0, 200, 201, 500, 900)]
    for member in ("one", "many"):
        shop.enrol(member)
    clock.advance(1_000 * DAY)
    amounts = (30_000, 30_000, 10_000, 20_000, 10_000)

    for number, (day, amount) in enumerate(zip(days, amounts, strict=True)):
        shop.pay(f"one-{number}", line(amount), member="one", at=day)
    items = [
        bought(f"many-{number}", amount, day, "many")
        for number, (day, amount) in enumerate(zip(days, amounts, strict=True))
    ]
    take(shop, *items[:1])
    take(shop, *items[1:])

    assert dated(shop, "many") == dated(shop, "one")
    assert shop.balance(member="many") == shop.balance(member="one")
    assert proved(shop)


def test_a_promotion_in_a_grace_that_is_undone_leads_back_into_the_grace(db, clock):
    shop = Shop(db, tiers(grace="{days: 30}", on_return="at_once"))
    shop.enrol()
    shop.pay("o-1", line(50_000))
    clock.advance(datetime.fromisoformat(standing(shop)["until"]) - clock.now() + DAY)
    catch_up(db)
    grace = standing(shop)["grace_until"]
    shop.pay("o-2", line(200_000))
    assert tier(shop) == "gold"

    shop.cancel("o-2")

    assert standing(shop)["grace_until"] == grace
    clock.advance(40 * DAY)
    catch_up(db)
    assert tier(shop) == "regular"


def test_undoing_a_promotion_without_a_gift_takes_none_back(db, clock):
    settings = {"on_return": "at_once", "gifts_on_return": "taken_back"}
    shop = Shop(db, tiers(window="{days: 30}", term="none", **settings))
    shop.enrol()
    shop.pay("o-1", line(50_000))
    clock.advance(31 * DAY)
    shop.pay("o-2", line(50_000))
    assert [cause for cause, *_ in dated(shop)] == ["promoted", "demoted", "promoted"]

    shop.cancel("o-2")

    assert shop.balance().active == 500 + 50


def test_an_order_that_arrives_late_earns_by_the_tier_of_its_day_also_where_it_was_undone(
    db, clock
):
    shop = Shop(db, tiers(on_return="at_once"))
    shop.enrol()
    shop.pay("o-1", line(50_000))
    clock.advance(DAY)
    between = clock.now()
    clock.advance(DAY)
    shop.cancel("o-1")

    receipt = shop.pay("o-2", line(1_000), at=between)

    assert receipt["earned"][0]["points"] == 20


def test_an_order_that_arrives_late_earns_by_the_tier_of_its_day_whichever_versions_undo(db, clock):
    once, keep = tiers(on_return="at_once"), tiers(on_return="keep_until_review")
    shop = Shop(db, once)
    shop.enrol()
    shop.pay("o-1", line(250_000))
    clock.advance(DAY)
    shop.apply(keep)
    clock.advance(DAY)
    between = clock.now()
    clock.advance(DAY)
    shop.apply(once)
    shop.cancel("o-1")

    receipt = shop.pay("late", line(10_000), at=between)

    assert receipt["earned"][0]["points"] == 300
    assert proved(shop)


def test_spending_points_undoes_no_promotion(db):
    spends = rewrite(
        BALANCE,
        "returns: {overdrawn",
        'redemption: {block_points: 1, block_value: "0.01"}\nreturns: {overdrawn',
    )
    shop = Shop(db, tiers(spends, on_return="at_once"))
    shop.enrol()
    shop.pay("o-1", line(10_000))
    assert tier(shop) == "silver"

    shop.pay("o-2", line(100), points=100)

    assert tier(shop) == "silver"


def test_the_gift_of_a_promotion_is_not_reversed_by_hand(db):
    shop = Shop(db, TIERED)
    shop.enrol()
    shop.pay("o-1", line(50_000))

    with pytest.raises(NotReversible, match="promotion"):
        shop.reverse(2)


def test_what_a_gift_reaches_is_reached_at_once(db):
    more = "{balance: {wallet: points, at_least: 150}}"
    both = rewrite(BALANCE, '{all: [{spend: "2000.00"}]}', f"{{all: [{more}]}}")
    shop = Shop(db, tiers(both))
    shop.enrol()

    shop.pay("o-1", line(10_000))

    assert tier(shop) == "gold"


@pytest.mark.parametrize("promote", ["at_once", "next_review"])
def test_points_that_come_alive_in_a_grace_keep_the_tier_on_that_day(db, clock, promote):
    waits = TIERED.replace("activation: {on: payment}", "activation: {on: payment, wait_days: 5}")
    times = {"window": "{days: 40}", "term": "{days: 60}", "grace": "{days: 30}"}
    shop = Shop(db, tiers(waits, promote=promote, **times))
    shop.enrol()
    shop.pay("o-1", line(50_000))
    while (shown := standing(shop))["grace_until"] is None:
        # What comes next is a review that promotes, or the end of the term.
        clock.advance(datetime.fromisoformat(shown["review"]["at"]) - clock.now())
        catch_up(db)
    paid = clock.now()
    shop.pay("o-2", line(40_000))

    clock.advance(60 * DAY)
    catch_up(db)

    assert dated(shop)[-1] == ("kept", "silver", paid + 5 * DAY)


def test_points_that_come_alive_as_a_term_ends_keep_the_tier_through_its_grace(db, clock):
    waits = TIERED.replace("activation: {on: payment}", "activation: {on: payment, wait_days: 5}")
    shop = Shop(db, tiers(waits, window="{days: 10}", term="{days: 60}", grace="{days: 30}"))
    shop.enrol()
    shop.pay("o-1", line(50_000))
    clock.advance(6 * DAY)
    catch_up(db)
    until = datetime.fromisoformat(standing(shop)["until"])
    clock.set(until - 5 * DAY)
    shop.pay("o-2", line(40_000))

    clock.advance(90 * DAY)
    catch_up(db)

    moved = dated(shop)[1:3]
    assert moved == [("grace_began", "silver", until), ("kept", "silver", until)]


def test_a_reservation_earns_by_the_tier_that_it_led_to_when_it_was_placed(db, clock):
    shop = Shop(db, tiers(window="month", term="next", tier_rate="reached"))
    shop.enrol()
    clock.set(datetime(2026, 3, 31, 15, 50, tzinfo=UTC))
    promised = shop.reserve("o-1", line(50_000))
    clock.advance(timedelta(minutes=20))

    paid = shop.pay_reserved("o-1")

    assert [one["points"] for one in promised["earned"]] == [1_000, 500]
    assert [one["points"] for one in paid["earned"]] == [1_000, 500]


def test_a_return_that_leaves_the_tier_earned_undoes_nothing_later_either(db, clock):
    shop = Shop(db, tiers(window="{days: 30}", on_return="at_once"))
    shop.enrol()
    shop.pay("o-1", line(50_000))
    clock.advance(DAY)
    shop.pay("o-2", line(50_000))
    clock.advance(DAY)
    # What the promotion rested on is gone, but the tier would be reached without it.
    shop.cancel("o-1")
    clock.advance(40 * DAY)

    shop.pay("o-3", line(100))

    assert changes(shop) == [("promoted", None, "silver")]


def test_a_term_that_ended_under_an_undone_promotion_is_reviewed_when_that_is_undone(db, clock):
    shop = Shop(db, tiers(on_return="at_once", gifts_on_return="kept"))
    shop.enrol("m-1")
    shop.pay("o-1", line(50_000))
    clock.advance(300 * DAY)
    shop.pay("o-2", line(200_000))
    clock.advance(150 * DAY)

    shop.cancel("o-2")
    catch_up(db)

    assert dated(shop)[-2:] == [
        ("undone", "silver", clock.now()),
        ("demoted", "regular", clock.now()),
    ]


def test_at_one_instant_a_birthday_is_given_before_points_end(db, clock):
    shop = Shop(db, BIRTHDAY)
    day = (clock.now() + 10 * DAY).astimezone(SHANGHAI)
    shop.enrol("m-1", birthday=(day.month, day.day))
    shop.adjust(100, expires_at=day.replace(hour=0, minute=0, second=0, microsecond=0))
    clock.advance(12 * DAY)

    catch_up(db)

    reasons = shop.db.fetch("SELECT reason FROM entry WHERE wallet = 'points' ORDER BY seq")
    assert reasons == [("adjustment",), ("event",), ("expired",)]


@pytest.mark.parametrize("more", [{"demote": "by_standing"}, {"term": "none"}])
def test_who_falls_from_above_a_tier_that_is_kept_for_ever_stays_in_it(db, clock, more):
    monthly = tiers(**{"window": "{months: 1}", "term": "{months: 1}", **more})
    shop = Shop(db, rewrite(monthly, KEEP, "      keep_for_ever: true\n"))
    shop.enrol()
    shop.pay("o-1", line(50_000))
    clock.advance(DAY)
    shop.pay("o-2", line(200_000))
    clock.advance(70 * DAY)

    catch_up(db)

    assert changes(shop)[-1] == ("demoted", "gold", "silver")


def test_a_return_undoes_what_no_longer_reaches_the_threshold_of_its_day(db, clock):
    shop = Shop(db, tiers(on_return="at_once"))
    shop.enrol()
    shop.pay("o-1", line(250_000))
    clock.advance(DAY)
    shop.apply(rewrite(tiers(on_return="at_once"), '"2000.00"', '"3000.00"'))
    clock.advance(DAY)

    shop.give_back("o-1", amount_minor=50_000)
    assert tier(shop) == "gold"
    shop.give_back("o-1", "r-2", amount_minor=1)
    assert changes(shop)[-2:] == [("undone", "gold", "regular"), ("promoted", None, "silver")]


def test_what_a_later_version_promoted_is_undone_by_its_threshold(db, clock):
    shop = Shop(db, tiers(on_return="at_once"))
    shop.enrol()
    shop.apply(rewrite(tiers(on_return="at_once"), '"2000.00"', '"3000.00"'))
    clock.advance(DAY)
    shop.pay("o-1", line(350_000))

    shop.give_back("o-1", amount_minor=100_000)

    assert changes(shop)[:2] == [("promoted", None, "gold"), ("undone", "gold", "regular")]


@pytest.fixture
def by_balance(db, clock) -> Shop:
    """A shop with a member who has reached gold, which asks for a balance, by one order."""
    worth = "redemption: {block_points: 100, block_value: '1.00', max_share: '1'}\nreturns:"
    asked = "{all: [{balance: {wallet: points, at_least: 2000}}]}"
    text = rewrite(tiers(on_return="at_once"), '{all: [{spend: "2000.00"}]}', asked)
    shop = Shop(db, rewrite(text, "returns:", worth))
    shop.enrol()
    shop.pay("o-1", line(250_000), line(100, sku="B"))
    clock.advance(DAY)
    assert tier(shop) == "gold"
    return shop


def test_a_return_undoes_nothing_that_spending_had_taken_away_before(by_balance):
    by_balance.pay("o-2", line(2_000), points=2_000)

    by_balance.give_back("o-1", units=[(2, 1)])

    assert changes(by_balance) == [("promoted", None, "gold")]


def test_a_return_that_takes_points_undoes_what_rested_on_the_balance(by_balance):
    by_balance.give_back("o-1", amount_minor=150_000)

    assert changes(by_balance)[1] == ("undone", "gold", "regular")


def test_what_stands_again_after_its_term_is_reviewed_at_once(db, clock):
    monthly = {"window": "{months: 1}", "term": "{months: 1}"}
    shop = Shop(db, tiers(**monthly, on_return="at_once"))
    shop.enrol()
    shop.pay("o-1", line(50_000))
    clock.advance(20 * DAY)
    shop.pay("o-2", line(210_000))
    clock.advance(20 * DAY)

    told = shop.cancel("o-2")["tier_changes"]

    assert [(one["cause"], one["to"]) for one in told] == [
        ("undone", "silver"),
        ("demoted", "regular"),
    ]
    assert standing(shop)["tier"]["id"] == "regular"
