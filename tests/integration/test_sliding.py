"""Points that end together, later with every activity, and programs that change when points end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loyalty_service.ledger.queries import balances_then, get_entry
from loyalty_service.ledger.service import prove
from loyalty_service.members.queries import get_member
from tests.factories import PLAIN, Shop, line

DAY = timedelta(days=1)
SPENDABLE = PLAIN.replace(
    "returns:", "redemption: {block_points: 100, block_value: '1.00'}\nreturns:"
)
YEARLY = "expiry: {after: {months: 12}, round_to: month}"
SLIDING = SPENDABLE.replace(YEARLY, "expiry: {sliding: {months: 3}}")
ENDLESS = SPENDABLE.replace(YEARLY, "expiry: never")
GROWTH = "activation: {on: payment}\n    expiry: never"
BEGIN = datetime(2026, 3, 2, 4, tzinfo=UTC)


def day(text: str) -> datetime:
    """The first instant of a day in Shanghai."""
    return datetime.fromisoformat(f"{text}T00:00:00+08:00").astimezone(UTC)


@pytest.fixture
def shop(db, clock) -> Shop:
    clock.set(BEGIN)
    shop = Shop(db, SLIDING)
    shop.enrol()
    return shop


def ends(shop: Shop, wallet: str = "points") -> list[tuple[datetime, int]]:
    """Where a member's points end; the rows must agree, and the proof must say the same."""
    with shop.db.reading() as tx:
        member = get_member(tx, shop.ref())
        told = prove(tx, member, None, shop.programs)
    assert told["faults"] == []
    balance = shop.balance(wallet)
    (account,) = [each for each in told["accounts"] if each["wallet"] == wallet]
    assert [account[name] for name in ("active", "pending", "held", "due", "deficit")] == [
        getattr(balance, name) for name in ("active", "pending", "held", "due", "deficit")
    ]
    return list(balance.expiring)


def test_every_earning_and_spending_moves_the_end_of_all_points(shop, clock):
    shop.pay("o-1", line(10_000))
    assert ends(shop) == [(day("2026-06-03"), 100)]

    clock.advance(20 * DAY)
    shop.pay("o-2", line(5_000))
    assert ends(shop) == [(day("2026-06-23"), 150)]

    clock.advance(20 * DAY)
    shop.pay("o-3", line(100), points=100)
    assert ends(shop) == [(day("2026-07-12"), 50)]


def test_a_return_a_transfer_an_operator_and_time_move_nothing(shop, clock):
    shop.enrol("m-2")
    shop.pay("o-1", line(10_000), line(5_000))
    kept = day("2026-06-03")
    clock.advance(10 * DAY)

    shop.give_back("o-1", units=[(2, 1)])
    assert ends(shop) == [(kept, 100)]
    shop.adjust(7)
    assert ends(shop) == [(kept, 107)]
    shop.adjust(-2)
    shop.send(5, "m-2")
    assert ends(shop) == [(kept, 100)]
    assert shop.balance(member="m-2").expiring == ((kept, 5),)
    shop.reserve("o-2", line(1_000), points=100)
    clock.advance(timedelta(hours=3))
    shop.adjust(1, wallet="growth")
    assert ends(shop) == [(kept, 100)]


def test_what_came_with_an_end_of_its_own_joins_at_the_next_activity(shop, clock):
    shop.pay("o-1", line(10_000))
    shop.adjust(10, expires_at=day("2026-04-01"))
    shop.adjust(20, expires_at=day("2027-04-01"))
    assert ends(shop) == [
        (day("2026-04-01"), 10),
        (day("2026-06-03"), 100),
        (day("2027-04-01"), 20),
    ]

    clock.advance(10 * DAY)
    shop.tell("review")
    shop.pay("o-2", line(1_000))

    assert ends(shop) == [(day("2026-06-13"), 120), (day("2027-04-01"), 20)]


def test_a_quote_says_where_points_end_that_join_others(shop, clock):
    # Those of the first order begin later than those of the second, and so end later.
    shop.apply(rewrite_activation(SLIDING, "{on: payment, wait_days: 40}"))
    shop.pay("o-1", line(10_000))
    shop.apply(rewrite_activation(SLIDING, "{on: payment}"))
    clock.advance(DAY)

    quoted = shop.quote(line(5_000))["earned"]
    promised = shop.reserve("o-2", line(5_000))["earned"]

    told = shop.pay_reserved("o-2")["earned"]
    assert ends(shop) == [(day("2026-07-12"), 50)]
    assert [one["lots"] for one in quoted] == [one["lots"] for one in told]
    assert promised == quoted


def rewrite_activation(text: str, activation: str) -> str:
    return text.replace("activation: {on: fulfilment}", f"activation: {activation}")


def test_what_ends_by_itself_a_little_later_joins_when_other_points_are_spent(shop, clock):
    shop.pay("o-1", line(10_000))
    shop.adjust(10, expires_at=day("2026-06-10"))
    clock.advance(20 * DAY)

    shop.pay("o-2", line(100), points=100)

    assert ends(shop) == [(day("2026-06-23"), 10)]


def test_what_has_expired_stays_expired(shop, clock):
    shop.pay("o-1", line(10_000))
    clock.set(day("2026-06-03"))
    assert (shop.balance().due, shop.balance().active) == (100, 0)

    shop.pay("o-2", line(1_000))

    assert ends(shop) == [(day("2026-09-04"), 10)]


def test_held_points_of_a_lot_that_ended_do_not_come_alive_again(shop, clock):
    shop.pay("o-1", line(10_000))
    clock.set(day("2026-06-03") - timedelta(minutes=5))
    shop.reserve("o-2", line(1_000), points=100)
    clock.advance(timedelta(minutes=10))
    shop.pay("o-3", line(1_000))
    assert shop.balance().held == 100
    assert ends(shop)

    shop.release("o-2")

    assert ends(shop) == [(day("2026-09-04"), 10)]


def test_points_of_a_lot_that_ended_come_back_with_a_grace_of_their_own(shop, clock):
    shop.pay("o-1", line(10_000))
    clock.advance(DAY)
    shop.pay("o-2", line(1_000), points=100)
    assert ends(shop) == [(day("2026-06-04"), 9)]
    clock.set(day("2026-07-01"))
    shop.pay("o-3", line(1_000))
    clock.advance(DAY)

    shop.give_back("o-2", "r-1", units=[(1, 1)])

    # The lot of o-1 had ended on 3 June, though the wallet began a new life on 1 July; what o-2
    # had earned had expired, which counts as taken.
    assert ends(shop) == [(day("2026-08-02"), 100), (day("2026-10-02"), 10)]


def test_points_come_back_to_the_end_that_the_wallet_has_now(shop, clock):
    shop.pay("o-1", line(10_000))
    clock.advance(DAY)
    shop.pay("o-2", line(1_000), points=100)
    clock.advance(80 * DAY)
    shop.pay("o-3", line(1_000))
    clock.advance(30 * DAY)

    shop.give_back("o-2", units=[(1, 1)])

    assert ends(shop) == [(day("2026-08-23"), 110)]


def test_an_earning_counts_from_when_its_points_come_alive(shop, clock):
    shop.pay("o-1", line(10_000))
    clock.advance(DAY)
    shop.pay("o-2", line(10_000), fulfilled=False)
    assert ends(shop) == [(day("2026-06-04"), 100)]
    clock.advance(9 * DAY)

    told = shop.fulfil("o-2")

    assert ends(shop) == [(day("2026-06-13"), 200)]
    assert told["activated"][0]["lots"][0]["expires_at"] == "2026-06-12T16:00:00Z"


def test_a_paid_order_writes_as_many_rows_with_many_lots_as_with_few(shop, clock, db):
    shop.enrol("m-2")
    for member, lots in (("m-1", 300), ("m-2", 3)):
        for _ in range(lots):
            shop.adjust(200, member=member)
        shop.pay(f"{member}-first", line(1_000), member=member)
    clock.advance(DAY)
    written = {}
    for member in ("m-1", "m-2"):
        before = db.fetch("SELECT txid_current()")[0][0]
        shop.pay(f"{member}-o", line(1_000), points=100, member=member)
        written[member] = written_after(db, before)

    # Of points: spent, moved, earned; of growth: earned.
    assert written["m-1"] == written["m-2"]
    assert written["m-1"] == {"account": 2, "entry": 4, "allocation": 4, "lot": 3}
    assert ends(shop) == [(day("2026-06-04"), 300 * 200 + 10 - 100 + 9)]


def written_after(db: Any, transaction: int) -> dict[str, int]:
    """How many rows of each table stand as transactions after that one wrote them."""
    return {
        table: db.fetch(f"SELECT count(*) FROM {table} WHERE xmin::text::bigint > {transaction}")[
            0
        ][0]
        for table in ("account", "entry", "allocation", "lot")
    }


PROGRAMS = {
    "never": ENDLESS,
    "after": SPENDABLE,
    "sliding": SLIDING,
    "half": SLIDING.replace("months: 3", "months: 6"),
}


def test_turning_expiry_on_gives_what_there_is_the_whole_period_from_that_day(db, clock):
    clock.set(BEGIN)
    shop = Shop(db, ENDLESS.replace(GROWTH, GROWTH.replace("never", "{after: {months: 1}}")))
    shop.enrol()
    shop.pay("o-1", line(10_000))
    shop.pay("o-2", line(5_000), fulfilled=False)
    clock.advance(100 * DAY)
    shop.apply(SPENDABLE)
    turned = clock.now()
    before = shop.balance()

    clock.advance(10 * DAY)
    shop.pay("o-3", line(1_000))
    shop.fulfil("o-2")

    assert before.expiring == ((day("2027-07-01"), 100),)
    assert ends(shop) == [(day("2027-07-01"), 160)]
    rows = db.fetch(
        "SELECT occurred_at, points, program_version FROM entry WHERE reason = 'expiry_changed'"
    )
    assert rows == [(turned, 0, 2)]


def test_an_order_of_before_that_is_fulfilled_long_after_ends_a_period_later(db, clock):
    clock.set(BEGIN)
    shop = Shop(db, ENDLESS)
    shop.enrol()
    shop.pay("o-1", line(5_000), fulfilled=False)
    shop.apply(ENDLESS.replace("expiry: never", "expiry: {after: {days: 10}}", 1))
    clock.advance(60 * DAY)

    shop.fulfil("o-1")

    assert ends(shop) == [(day("2026-05-12"), 50)]


def test_expiry_that_one_wallet_was_given_since_ends_nothing_in_another(db, clock):
    clock.set(BEGIN)
    shop = Shop(db, ENDLESS)
    shop.enrol()
    shop.pay("o-1", line(5_000), fulfilled=False)
    shop.apply(ENDLESS.replace(GROWTH, GROWTH.replace("never", "{after: {days: 10}}")))
    clock.advance(60 * DAY)

    shop.fulfil("o-1")

    assert ends(shop) == []
    assert shop.balance("points").never_expiring == 50


def test_what_is_told_late_of_a_time_without_expiry_ends_a_period_after_it_was_turned_on(db, clock):
    clock.set(BEGIN)
    shop = Shop(db, ENDLESS)
    shop.enrol()
    clock.advance(DAY)
    shop.apply(ENDLESS.replace(GROWTH, GROWTH.replace("never", "{after: {days: 10}}")))
    clock.advance(DAY)

    shop.pay("o-1", line(1_000))
    shop.pay("o-2", line(5_000), at=BEGIN + DAY / 2)

    assert ends(shop, "growth") == [(day("2026-03-14"), 50), (day("2026-03-15"), 10)]


def test_a_standing_lot_follows_when_expiry_is_turned_on_and_keeps_its_end_when_off(shop, clock):
    shop.pay("o-1", line(10_000))
    on = SLIDING.replace(GROWTH, GROWTH.replace("never", "{after: {months: 2}}"))
    clock.advance(DAY)
    shop.apply(on)
    assert ends(shop, "growth") == [(day("2026-05-04"), 100)]
    clock.advance(DAY)
    shop.pay("o-2", line(1_000))
    assert ends(shop, "growth") == [(day("2026-05-04"), 100), (day("2026-05-05"), 10)]

    clock.advance(DAY)
    shop.apply(SLIDING)
    shop.pay("o-3", line(2_000))
    assert ends(shop, "growth") == [(day("2026-05-04"), 100), (day("2026-05-05"), 10)]
    assert shop.balance("growth").never_expiring == 20
    shop.give_back("o-1", units=[(1, 1)])
    assert ends(shop, "growth") == [(day("2026-05-05"), 10)]

    clock.set(day("2026-06-01"))
    shop.pay("o-4", line(500))
    assert (ends(shop, "growth"), shop.balance("growth").never_expiring) == ([], 25)


def test_what_was_due_before_a_program_slides_expires_by_its_old_end(db, clock):
    clock.set(BEGIN)
    shop = Shop(db, SPENDABLE)
    shop.enrol()
    shop.pay("o-1", line(10_000))
    clock.set(day("2026-12-31"))
    shop.pay("o-2", line(2_000))
    clock.set(day("2027-04-02"))
    shop.apply(SLIDING)
    clock.advance(DAY)

    assert (shop.balance().due, ends(shop)) == (100, [(day("2028-01-01"), 20)])
    shop.adjust(1)

    # The end that is later than the wallet's stays.
    assert ends(shop) == [(day("2027-07-03"), 1), (day("2028-01-01"), 20)]
    kinds = db.fetch("SELECT kind FROM entry WHERE wallet = 'points' ORDER BY seq")
    assert [kind for (kind,) in kinds] == ["credit", "credit", "expire", "reschedule", "credit"]


def test_changing_to_sliding_gives_every_lot_the_same_end(db, clock):
    clock.set(BEGIN)
    shop = Shop(db, SPENDABLE)
    shop.enrol()
    for i in range(4):
        shop.pay(f"o-{i}", line(1_000))
        clock.advance(31 * DAY)
    clock.set(day("2027-03-20"))
    shop.apply(SLIDING)

    # One that ends later stays until the wallet has caught up with it.
    turned = [(day("2027-06-21"), 30), (day("2027-07-01"), 10)]
    assert ends(shop) == turned
    clock.advance(40 * DAY)
    assert ends(shop) == turned
    shop.pay("o-9", line(1_000))
    assert ends(shop) == [(day("2027-07-30"), 50)]


def test_another_period_of_a_sliding_wallet_shortens_nothing(shop, clock):
    shop.apply(PROGRAMS["half"])
    shop.pay("o-1", line(1_000))
    clock.advance(DAY)
    shop.apply(SLIDING)
    shop.pay("o-2", line(1_000))

    assert ends(shop) == [(day("2026-09-03"), 20)]


def test_a_member_whose_clock_is_past_a_version_follows_it_once(db, clock, owner_connection):
    clock.set(BEGIN)
    shop = Shop(db, ENDLESS)
    shop.enrol()
    shop.pay("o-1", line(1_000))
    clock.advance(2 * DAY)
    shop.tell("review")
    clock.set(BEGIN + DAY)
    # Another machine's clock was behind when it was applied.
    shop.apply(SLIDING)
    clock.advance(2 * DAY)

    for _ in range(3):
        shop.adjust(1)
        clock.advance(DAY)

    (count,) = db.fetch("SELECT count(*) FROM entry WHERE reason = 'expiry_changed'")[0]
    assert count == 1
    assert ends(shop) == [(day("2026-06-04"), 13)]


def test_whoever_is_away_for_long_loses_points_when_the_new_period_ends(db, clock):
    clock.set(BEGIN)
    shop = Shop(db, ENDLESS)
    shop.enrol()
    shop.pay("o-1", line(1_000))
    clock.advance(DAY)
    shop.apply(SLIDING)
    clock.set(day("2026-06-04"))

    assert (shop.balance().due, ends(shop)) == (10, [])
    shop.pay("o-2", line(2_000))

    assert ends(shop) == [(day("2026-09-05"), 20)]
    rows = db.fetch("SELECT reason, occurred_at FROM entry WHERE wallet = 'points' ORDER BY seq")
    assert [reason for reason, _ in rows] == [
        "order_paid",
        "expiry_changed",
        "expired",
        "activity",
        "order_paid",
    ]
    assert rows[2][1] == day("2026-06-04")


def test_a_balance_of_the_past_and_an_entry_tell_the_end_of_then(shop, clock):
    shop.pay("o-1", line(10_000))
    then = clock.now()
    clock.advance(20 * DAY)
    shop.pay("o-2", line(5_000))

    with shop.db.reading() as tx:
        member = get_member(tx, shop.ref())
        past = balances_then(tx, member, then)["points"]
        told = [get_entry(tx, member.member_id, "points", seq).allocations for seq in (2, 4)]

    assert past.expiring == ((day("2026-06-03"), 100),)
    assert told[0] == [(1, 100, BEGIN, day("2026-06-03"), False)]
    assert told[1] == [(2, 50, clock.now(), day("2026-06-23"), False)]


def test_points_given_by_hand_or_brought_in_end_with_the_wallet(shop, clock):
    shop.adjust(5)
    assert ends(shop) == [(day("2026-06-03"), 5)]
    clock.advance(DAY)
    shop.pay("o-1", line(1_000))
    clock.advance(DAY)
    mistake = shop.adjust(-3)
    shop.adjust(2)
    shop.reverse(mistake["entry"])

    assert ends(shop) == [(day("2026-06-04"), 17)]
