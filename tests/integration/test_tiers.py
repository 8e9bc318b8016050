"""Members rise by what they do, are reviewed in time, and fall by stated rules (R-50 to R-55)."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import orjson
import pytest

from loyalty_service.checkout.rules.cart import Cart, Order
from loyalty_service.checkout.rules.steps import Return
from loyalty_service.checkout.service import OrderItem, ReturnItem, proving, take_items
from loyalty_service.ledger.queries import read_accounts
from loyalty_service.ledger.service import Acting
from loyalty_service.members import service as members
from loyalty_service.members.queries import get_member
from loyalty_service.members.rules import parse_ref
from loyalty_service.tiers.service import tell_standing
from loyalty_service.timekeeping.service import Timekeeping
from tests.factories import PLAIN, STOREFRONT, Shop, line

DAY = timedelta(days=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")
TIERS = """
tiers:
  window: {months: 12}
  term: {months: 12, end: month}
  levels:
    - {id: regular, name: {en: Regular, zh: 普通}}
    - id: silver
      name: {en: Silver, zh: 银卡}
      entry: {any: [{earned: {wallet: growth, at_least: 500}}, {orders: 10}]}
      keep: {any: [{earned: {wallet: growth, at_least: 300}}]}
      factor: 2
      gift: {points: 50}
    - id: gold
      name: {en: Gold, zh: 金卡}
      entry: {all: [{spend: "2000.00"}]}
      factor: 3
      gift: {points: 300}
"""
TIERED = PLAIN + TIERS


def standing(shop: Shop, member: str = "m-1") -> dict:
    with shop.db.reading() as tx:
        acting = Acting(tx, shop.programs, STOREFRONT, Timekeeping())
        return tell_standing(acting, parse_ref(member), "en")


def tier(shop: Shop, member: str = "m-1") -> str | None:
    """As it is stored, not reckoned."""
    with shop.db.reading() as tx:
        return get_member(tx, parse_ref(member)).standing.tier


def changes(shop: Shop) -> list[tuple]:
    return shop.db.fetch(
        "SELECT cause, from_tier, to_tier FROM tier_change ORDER BY 1 = 1, change_no"
    )


def catch_up(shop: Shop, member: str = "m-1") -> None:
    """Let time be written down for a member, as the nightly run does."""

    def work(tx):
        found = members.lock(tx, parse_ref(member))
        books = Acting(tx, shop.programs, STOREFRONT, Timekeeping()).books(found)
        books.accounts = read_accounts(tx, [found])
        books.bring(found, books.now)
        books.write([found])

    shop.db.run(work)


def proved(shop: Shop) -> bool:
    with shop.db.reading() as tx:
        return proving.find_order_faults(tx, None) == []


@pytest.fixture
def shop(db) -> Shop:
    shop = Shop(db, TIERED)
    shop.enrol("m-1")
    return shop


def test_an_order_that_reaches_a_tier_promotes_at_once_with_its_gift(shop):
    shop.pay("o-1", line(49_900))
    assert tier(shop) is None

    shop.pay("o-2", line(100))

    assert tier(shop) == "silver"
    assert changes(shop) == [("promoted", None, "silver")]
    assert shop.balance().active == 499 + 1 + 50
    assert proved(shop)


def test_a_jump_gives_the_gift_of_the_tier_reached_alone(shop):
    shop.pay("o-1", line(200_000))

    assert tier(shop) == "gold"
    assert shop.balance().active == 2_000 + 300


def test_the_tier_held_when_the_order_is_placed_multiplies_its_points(shop):
    shop.pay("o-1", line(50_000))

    shop.pay("o-2", line(10_000))

    assert shop.balance().active == 500 + 50 + 2 * 100


def test_orders_may_earn_by_the_tier_that_they_lead_to(db):
    shop = Shop(db, TIERED.replace("tiers:", "tiers:\n  tier_rate: reached"))
    shop.enrol("m-1")

    shop.pay("o-1", line(50_000))

    assert shop.balance().active == 2 * 500 + 50


def test_an_order_earns_by_the_tier_that_is_left_after_an_overdue_review(shop, clock):
    shop.pay("o-1", line(50_000))
    clock.advance(500 * DAY)

    receipt = shop.pay("o-2", line(10_000))

    assert [earned["points"] for earned in receipt["earned"]] == [100, 100]


def test_orders_of_a_batch_earn_by_the_tier_that_is_left_after_an_overdue_review(shop, clock):
    shop.pay("o-1", line(50_000))
    clock.advance(500 * DAY)
    item = OrderItem(parse_ref("m-1"), Order("o-2", "p", Cart("CNY", None, (line(10_000),))))

    (receipt,) = shop.db.run(
        lambda tx: take_items(Acting(tx, shop.programs, STOREFRONT, Timekeeping()), [item])
    )

    assert isinstance(receipt, str)
    assert [earned["points"] for earned in orjson.loads(receipt)["earned"]] == [100, 100]


def test_an_order_earns_by_the_tier_that_it_leads_to_also_where_nothing_was_bought_for_days(
    db, clock
):
    shop = Shop(db, TIERED.replace("tiers:", "tiers:\n  tier_rate: reached"))
    shop.enrol("m-1")
    shop.pay("o-0", line(100))
    clock.advance(DAY)

    shop.pay("o-1", line(50_000))

    assert shop.balance().active == 1 + 2 * 500 + 50


def test_an_order_of_long_ago_earns_by_the_tier_of_its_day(shop, clock):
    shop.pay("o-1", line(100))
    before = clock.now()
    clock.advance(DAY)
    shop.pay("o-2", line(50_000))

    receipt = shop.pay("o-3", line(10_000), at=before)

    assert [earned["points"] for earned in receipt["earned"]] == [100, 100]


def test_a_review_keeps_what_is_earned_again_and_takes_down_what_is_not(shop, clock):
    shop.pay("o-1", line(50_000))
    told = standing(shop)
    assert told["tier"]["id"] == "silver"
    until = datetime.fromisoformat(told["until"])
    assert told["review"]["tier"]["id"] == "regular"
    clock.advance(until - DAY - clock.now())
    shop.pay("o-2", line(30_000))
    assert standing(shop)["review"]["outcome"] == "kept"

    clock.advance(2 * DAY)
    catch_up(shop)

    assert changes(shop)[-1] == ("kept", "silver", "silver")
    clock.advance(timedelta(days=400))
    catch_up(shop)
    assert changes(shop)[-1] == ("demoted", "silver", "regular")
    assert tier(shop) == "regular"
    assert proved(shop)


def test_what_standing_foretells_is_what_the_review_does(shop, clock):
    shop.pay("o-1", line(200_000))
    told = standing(shop)

    clock.advance(datetime.fromisoformat(told["review"]["at"]) - clock.now())
    catch_up(shop)

    assert (told["review"]["outcome"], told["review"]["tier"]["id"]) == ("demoted", "silver")
    assert tier(shop) == "silver"


def test_a_grace_comes_before_the_fall_and_is_ended_by_qualifying_again(db, clock):
    shop = Shop(db, TIERED.replace("tiers:", "tiers:\n  grace: {days: 30}"))
    for member in ("m-1", "m-2"):
        shop.enrol(member)
        shop.pay(f"{member}-1", line(50_000), member=member)
    clock.advance(datetime.fromisoformat(standing(shop)["until"]) - clock.now() + DAY)
    for member in ("m-1", "m-2"):
        catch_up(shop, member)
    assert standing(shop)["grace_until"] is not None

    shop.pay("again", line(30_000), member="m-2")
    clock.advance(40 * DAY)
    for member in ("m-1", "m-2"):
        catch_up(shop, member)

    assert (tier(shop, "m-1"), tier(shop, "m-2")) == ("regular", "silver")


@pytest.mark.parametrize(("gifts", "left"), [("kept", 50), ("taken_back", 0)])
def test_a_return_undoes_the_promotion_that_its_order_brought(db, gifts, left):
    settings = f"tiers:\n  on_return: at_once\n  gifts_on_return: {gifts}"
    shop = Shop(db, TIERED.replace("tiers:", settings))
    shop.enrol("m-1")
    shop.pay("o-1", line(50_000))
    assert tier(shop) == "silver"

    shop.cancel("o-1")

    assert (tier(shop) or "regular") == "regular"
    assert changes(shop)[-1][0] == "undone"
    assert shop.balance().balance == left
    assert proved(shop)


def test_a_return_leaves_the_tier_up_to_the_review_unless_it_is_told_otherwise(shop):
    shop.pay("o-1", line(50_000))

    shop.cancel("o-1")

    assert tier(shop) == "silver"
    assert standing(shop)["keep"]["criteria"][0]["missing"] == 300


def test_points_that_wait_promote_on_the_day_they_come_alive(db, clock):
    waiting = TIERED.replace("activation: {on: payment}", "activation: {on: payment, wait_days: 3}")
    shop = Shop(db, waiting)
    shop.enrol("m-1")
    shop.pay("o-1", line(50_000))
    assert tier(shop) is None

    clock.advance(4 * DAY)
    catch_up(shop)

    assert tier(shop) == "silver"
    ((since,),) = shop.db.fetch("SELECT tier_since FROM member")
    assert since < clock.now() - timedelta(hours=1)


def test_a_tier_without_a_term_follows_what_was_earned_up_and_down(db, clock):
    open_ended = TIERED.replace("term: {months: 12, end: month}", "term: none")
    shop = Shop(db, open_ended)
    shop.enrol("m-1")
    shop.pay("o-1", line(50_000))
    assert standing(shop)["until"] is None

    clock.advance(timedelta(days=366))
    catch_up(shop)

    assert tier(shop) == "regular"


def test_a_new_version_promotes_whom_it_lets_in_and_takes_nobody_down(shop, clock):
    shop.enrol("m-2")
    shop.pay("o-1", line(50_000))
    shop.pay("o-2", line(30_000), member="m-2")
    clock.advance(DAY)
    shop.apply(
        TIERED.replace("at_least: 500", "at_least: 250").replace("at_least: 300", "at_least: 200")
    )
    clock.advance(DAY)
    for member in ("m-1", "m-2"):
        catch_up(shop, member)

    assert (tier(shop, "m-1"), tier(shop, "m-2")) == ("silver", "silver")


def test_a_new_version_that_is_noticed_late_promotes_as_if_in_time(shop, clock):
    shop.enrol("m-2")
    for member in ("m-1", "m-2"):
        shop.pay(f"{member}-1", line(30_000), member=member)
    clock.advance(timedelta(days=330))
    shop.apply(
        TIERED.replace("at_least: 500", "at_least: 250").replace("at_least: 300", "at_least: 200")
    )
    applied_at = clock.now()
    catch_up(shop, "m-1")

    clock.advance(timedelta(days=90))
    catch_up(shop, "m-2")

    rows = "SELECT cause, to_tier, tier_until, occurred_at, counted FROM tier_change"
    in_time, late = (shop.db.fetch(f"{rows} WHERE member_id = {no}") for no in (1, 2))
    assert in_time == late
    assert [(row[0], row[3]) for row in late] == [("promoted", applied_at)]


BIRTHDAY = PLAIN.replace(
    "returns:",
    """\
    - {id: cake, name: {en: Cake, zh: 蛋糕}, wallet: points, group: base, on: birthday,
       give: {fixed: 9}, activation: {on: payment}, expiry: never}
returns:""",
)


def test_birthdays_come_by_themselves_once_a_year(db, clock):
    shop = Shop(db, BIRTHDAY)
    soon = clock.now() + 10 * DAY
    shop.enrol("m-1", birthday=(soon.month, soon.day))
    clock.advance(12 * DAY)

    catch_up(shop)
    catch_up(shop)

    assert shop.balance().active == 9
    clock.advance(366 * DAY)
    shop.pay("o-1", line(10_000))
    assert shop.balance().active == 9 + 9 + 100
    assert proved(shop)


def test_a_birthday_is_written_by_the_clock_whoever_notices_it_first(db, clock):
    shop = Shop(db, BIRTHDAY)
    soon = clock.now() + 10 * DAY
    shop.enrol("m-1", birthday=(soon.month, soon.day))
    clock.advance(12 * DAY)

    shop.pay("o-1", line(10_000))

    found = shop.db.fetch("SELECT reason, a.kind FROM entry JOIN actor a USING (actor_id)")
    assert ("event", "job") in found
    assert ("order_paid", "storefront") in found


def test_caught_up_late_is_as_caught_up_in_time(db, clock):
    grown = BIRTHDAY + TIERS.replace("levels:", "grace: {months: 1}\n  levels:")
    shop = Shop(db, grown)
    for member in ("m-1", "m-2"):
        shop.enrol(member, birthday=(2, 29))
        shop.pay(f"{member}-1", line(50_000), member=member)
    for _ in range(30):
        clock.advance(timedelta(days=31))
        catch_up(shop, "m-1")
    catch_up(shop, "m-2")

    for table, columns in (
        ("entry", "wallet, seq, kind, points, reason, occurred_at, balance_after"),
        ("tier_change", "cause, from_tier, to_tier, tier_until, grace_until, occurred_at, counted"),
        ("member_total", "metric, day, amount"),
    ):
        rows = f"SELECT {columns} FROM {table} WHERE member_id = "
        in_time, late = (sorted(map(repr, shop.db.fetch(f"{rows} {no}"))) for no in (1, 2))
        assert in_time == late
    assert changes(shop)[-1][0] == "demoted"


def test_an_order_paid_in_a_batch_promotes_too(shop):
    item = OrderItem(parse_ref("m-1"), Order("o-1", "p", Cart("CNY", None, (line(50_000),))))
    shop.db.run(lambda tx: take_items(Acting(tx, shop.programs, STOREFRONT, Timekeeping()), [item]))

    assert tier(shop) == "silver"


def test_what_is_bought_and_returned_in_one_batch_counts_for_nothing(shop):
    ref = parse_ref("m-1")
    bought = OrderItem(ref, Order("o-1", "p", Cart("CNY", None, (line(50_000, quantity=2),))))
    back = ReturnItem(ref, "o-1", Return("r-1", ((1, 2),), None, None, None))

    shop.db.run(
        lambda tx: take_items(Acting(tx, shop.programs, STOREFRONT, Timekeeping()), [bought, back])
    )

    rows = shop.db.fetch("SELECT amount FROM member_total WHERE amount <> 0")
    assert rows == []
    assert proved(shop)


def test_rows_of_tier_changes_are_never_changed(shop, db):
    shop.pay("o-1", line(50_000))

    with pytest.raises(Exception, match="permission denied"):
        db.run(lambda tx: tx.fetch("UPDATE tier_change SET cause = 'x' RETURNING 1"))


def test_a_balance_counts_what_is_held_and_all_that_is_open(db, clock):
    asked = "{balance: {wallet: points, at_least: 150}}"
    text = TIERED.replace("{orders: 10}", asked).replace("at_least: 500", "at_least: 9000")
    redeemed = text.replace(
        "returns: {overdrawn",
        'redemption: {block_points: 1, block_value: "0.01"}\nreturns: {overdrawn',
    )
    shop = Shop(db, redeemed)
    shop.enrol("m-1")
    shop.pay("o-1", line(9_000))
    clock.advance(timedelta(days=40))
    shop.reserve("o-2", line(9_000), points=90)

    shop.pay("o-3", line(6_000))

    assert tier(shop) == "silver"


def test_a_balance_that_an_operator_raises_promotes_at_once(db):
    asked = "{balance: {wallet: points, at_least: 150}}"
    shop = Shop(db, TIERED.replace("{orders: 10}", asked))
    shop.enrol("m-1")

    shop.adjust(150)

    assert tier(shop) == "silver"
    assert shop.balance().active == 200


def test_who_changes_their_birthday_gets_the_one_that_is_overdue_first(db, clock):
    shop = Shop(db, BIRTHDAY)
    soon = clock.now() + 10 * DAY
    shop.enrol("m-1", birthday=(soon.month, soon.day))
    clock.advance(12 * DAY)

    later = clock.now() + 10 * DAY
    shop.amend(birthday=(later.month, later.day))
    clock.advance(12 * DAY)
    catch_up(shop)

    ((given_at,),) = shop.db.fetch("SELECT occurred_at FROM entry WHERE reason = 'event'")
    assert given_at.astimezone(SHANGHAI).date() == soon.date()
    assert shop.balance().active == 9
    assert proved(shop)


@pytest.mark.parametrize("asked", ["{orders: 10}", "{balance: {wallet: points, at_least: 150}}"])
def test_a_birthday_that_begins_as_it_becomes_known_is_given(db, clock, asked):
    shop = Shop(db, BIRTHDAY + TIERS.replace("{orders: 10}", asked))
    shop.enrol("m-1", birthday=(6, 15))
    shop.adjust(10)
    clock.set(datetime(2026, 3, 31, tzinfo=SHANGHAI))

    shop.amend(birthday=(3, 31))
    catch_up(shop)

    assert shop.balance().active == 10 + 9
    assert proved(shop)


def test_what_moves_a_members_clock_alone_delays_no_review(shop, clock):
    shop.pay("o-1", line(50_000))
    until = datetime.fromisoformat(standing(shop)["until"])
    clock.advance(until - clock.now() + 3 * DAY)

    shop.lock_points()
    catch_up(shop)

    ((cause, occurred_at),) = shop.db.fetch(
        "SELECT cause, occurred_at FROM tier_change ORDER BY change_no DESC LIMIT 1"
    )
    assert (cause, occurred_at) == ("demoted", until)
