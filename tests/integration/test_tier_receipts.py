"""Quotes foretell a change of tier, and receipts tell it (R-24, R-51, R-52, R-54)."""

from datetime import datetime, timedelta

import orjson
import pytest

from loyalty_service.checkout.rules.cart import Cart, Order
from loyalty_service.checkout.service import OrderItem, take_items
from loyalty_service.ledger.service import Acting
from loyalty_service.members.rules import parse_ref
from loyalty_service.timekeeping.service import Timekeeping
from tests.databases import connect
from tests.factories import PLAIN, STOREFRONT, Shop, line
from tests.integration.test_tiers import TIERED, changes, proved, standing, tier
from tests.job_world import digest, events

DAY = timedelta(days=1)
UNTIL = "2027-03-31T16:00:00Z"
COUNTED = "Counted from 2025-03-03 through 2026-03-02."
TO_SILVER = {
    "cause": "promoted",
    "from": "regular",
    "to": "silver",
    "until": UNTIL,
    "grace_until": None,
    "in_grace": False,
    "match": "any",
    "window": {"from": "2025-03-03", "until": "2026-03-02"},
    "counted": [
        {"measure": "earned", "wallet": "growth", "counted": 500, "asked": 500},
        {"measure": "orders", "wallet": None, "counted": 2, "asked": 10},
    ],
    "order_ref": "o-2",
    "gift": {"wallet": "points", "points": 50, "entry": 3},
    "words": {
        "en": (f"Promoted to Silver, through 2027-03-31. 50 points in Points as a gift. {COUNTED}"),
        "zh": ("升级为银卡，有效期至 2027-03-31。赠积分 50。统计周期 2025-03-03 至 2026-03-02。"),
    },
}
LATER = TIERED.replace("activation: {on: payment}", "activation: {on: fulfilment}")


def shop_of(db, program: str = TIERED) -> Shop:
    shop = Shop(db, program)
    shop.enrol("m-1")
    return shop


@pytest.fixture
def shop(db) -> Shop:
    return shop_of(db)


def foretold(told: list[dict]) -> list[dict]:
    """Changes without what a quote cannot know: the order, and the number of the gift's entry."""
    return [
        {**change, "gift": change["gift"] and {**change["gift"], "entry": None}, "order_ref": None}
        for change in told
    ]


def test_a_payment_that_reaches_a_tier_says_so(shop):
    nothing = shop.pay("o-1", line(10_000))
    receipt = shop.pay("o-2", line(40_000))

    assert nothing["tier_changes"] == []
    assert receipt["tier_changes"] == [TO_SILVER]
    assert shop.pay("o-2", line(40_000)) == receipt
    assert proved(shop)


def test_a_jump_is_told_as_one_change(shop):
    (change,) = shop.pay("o-1", line(200_000))["tier_changes"]

    assert (change["from"], change["to"], change["gift"]["points"]) == ("regular", "gold", 300)


def test_a_fulfilment_that_brings_the_points_of_a_tier_says_so(db):
    shop = shop_of(db, LATER)
    paid = shop.pay("o-1", line(50_000), fulfilled=False)

    sent = shop.fulfil("o-1")

    assert paid["tier_changes"] == []
    counted = [{**TO_SILVER["counted"][0]}, {**TO_SILVER["counted"][1], "counted": 1}]
    assert sent["tier_changes"] == [{**TO_SILVER, "counted": counted, "order_ref": "o-1"}]
    assert shop.fulfil("o-1") == sent


def wordless(change: dict) -> dict:
    """A change as its event tells it."""
    return {name: value for name, value in change.items() if name != "words"}


def test_the_event_of_a_change_says_what_the_receipt_says_but_for_its_words(shop):
    shop.pay("o-1", line(10_000))
    receipt = shop.pay("o-2", line(40_000))

    told = [orjson.loads(payload) for _, payload in events(shop.db, "tier.promoted")]

    assert receipt["tier_changes"] == [TO_SILVER]
    assert told == [wordless(TO_SILVER)]


def test_the_event_of_a_promotion_that_is_undone_says_that_its_gift_is_kept(db):
    shop = shop_of(db, TIERED.replace("tiers:", "tiers:\n  on_return: at_once"))
    shop.pay("o-1", line(50_000))

    (change,) = shop.cancel("o-1")["tier_changes"]

    ((_, payload),) = events(db, "tier.undone")
    kept = {"wallet": "points", "points": 50, "entry": 2, "kept": True}
    assert orjson.loads(payload) == {**wordless(change), "gift": kept}
    assert (change["gift"], change["order_ref"], change["match"]) == (None, "o-1", "any")


def test_a_promotion_is_told_after_what_brought_it(shop):
    shop.pay("o-1", line(50_000))

    kinds = shop.db.fetch("SELECT kind FROM event ORDER BY seq")

    assert [kind for (kind,) in kinds] == ["member.enrolled", "order.paid", "tier.promoted"]


@pytest.mark.parametrize(
    ("gifts", "gift", "words"),
    [
        ("kept", None, f"The promotion to Silver is undone: Regular again. {COUNTED}"),
        (
            "taken_back",
            {"wallet": "points", "points": -50, "entry": 4},
            (
                "The promotion to Silver is undone: Regular again. "
                f"The gift of 50 points in Points is taken back. {COUNTED}"
            ),
        ),
    ],
)
def test_a_return_that_undoes_a_promotion_says_so(db, gifts, gift, words):
    settings = f"tiers:\n  on_return: at_once\n  gifts_on_return: {gifts}"
    shop = shop_of(db, TIERED.replace("tiers:", settings))
    shop.pay("o-1", line(50_000, quantity=2))

    receipt = shop.give_back("o-1", "r-1", units=[(1, 1)])

    (change,) = receipt["tier_changes"]
    assert change["words"]["en"] == words
    assert (change["cause"], change["from"], change["to"]) == ("undone", "silver", "regular")
    assert change["gift"] == gift
    assert shop.give_back("o-1", "r-1", units=[(1, 1)]) == receipt
    assert shop.cancel("o-1")["tier_changes"] == []
    assert proved(shop)


def test_a_return_may_undo_two_promotions_at_once(db):
    both = TIERED.replace("entry: {all: [{spend", "entry: {all: [{orders: 2}, {spend")
    shop = shop_of(db, both.replace("tiers:", "tiers:\n  on_return: at_once"))
    shop.pay("o-1", line(199_900))
    shop.pay("o-2", line(10_000))
    assert tier(shop) == "gold"

    receipt = shop.cancel("o-1")

    told = [(change["from"], change["to"]) for change in receipt["tier_changes"]]
    assert told == [("gold", "silver"), ("silver", "regular")]


def test_without_a_term_a_return_takes_down_or_begins_the_grace(db):
    open_ended = TIERED.replace("term: {months: 12, end: month}", "term: none")
    shop = shop_of(db, open_ended)
    shop.pay("o-1", line(50_000))

    (fallen,) = shop.cancel("o-1")["tier_changes"]
    shop.apply(open_ended.replace("tiers:", "tiers:\n  grace: {days: 30}"))
    shop.pay("o-2", line(50_000))
    (left,) = shop.cancel("o-2")["tier_changes"]
    (kept,) = shop.pay("o-3", line(50_000))["tier_changes"]

    assert (fallen["cause"], fallen["to"]) == ("demoted", "regular")
    assert fallen["words"]["en"] == f"Silver is lost: Regular from now on. {COUNTED}"
    assert (left["cause"], left["to"], left["until"]) == ("grace_began", "silver", None)
    assert left["grace_until"] == "2026-04-01T16:00:00Z"
    assert left["words"]["zh"].startswith("银卡已不达标，宽限至 2026-04-01，")
    assert (kept["cause"], kept["from"], kept["to"]) == ("kept", "silver", "silver")
    assert kept["words"]["en"] == f"Silver is earned again and kept. {COUNTED}"


def test_what_was_overdue_is_not_told_as_brought_by_the_order(shop, clock):
    shop.pay("o-1", line(50_000))
    clock.advance(500 * DAY)

    receipt = shop.pay("o-2", line(10_000))

    assert receipt["tier_changes"] == []
    told = [orjson.loads(payload) for _, payload in events(shop.db, "tier.demoted")]
    assert [one["order_ref"] for one in told] == [None]
    assert [cause for cause, _, _ in changes(shop)] == ["promoted", "demoted"]


def test_an_event_that_earns_a_tier_says_so(db):
    rule = """\
    - {id: vow, name: {en: Vow, zh: 誓}, wallet: growth, group: base, on: vow,
       give: {fixed: 500}, activation: {on: payment}, expiry: never}
returns:"""
    shop = shop_of(db, TIERED.replace("returns:", rule))

    assert shop.tell("other")["tier_changes"] == []
    assert [change["to"] for change in shop.tell("vow")["tier_changes"]] == ["silver"]


AT_REVIEW = TIERED.replace("tiers:", "tiers:\n  promote: next_review")
REACHED = TIERED.replace("tiers:", "tiers:\n  tier_rate: reached")
GRACEFUL = TIERED.replace("tiers:", "tiers:\n  grace: {days: 60}")
BALANCE = TIERED.replace(
    "{any: [{earned: {wallet: growth, at_least: 500}}, {orders: 10}]}",
    "{any: [{balance: {wallet: points, at_least: 150}}]}",
).replace("      keep: {any: [{earned: {wallet: growth, at_least: 300}}]}\n", "")
PAYING = "activation: {on: payment}\n    expiry: {after"
AT_ONCE = BALANCE.replace("activation: {on: fulfilment}\n    expiry: {after", PAYING)
OPEN_ENDED = AT_ONCE.replace("term: {months: 12, end: month}", "term: none").replace(
    "returns: {", 'redemption: {block_points: 1, block_value: "0.01"}\nreturns: {'
)


@pytest.mark.parametrize(
    "program", [TIERED, LATER, AT_REVIEW, REACHED, GRACEFUL, BALANCE, AT_ONCE, PLAIN]
)
@pytest.mark.parametrize("amount_minor", [10_000, 49_900, 50_000, 200_000])
def test_a_quote_foretells_what_the_payment_will_say(db, clock, program, amount_minor):
    shop = shop_of(db, program)
    shop.pay("before", line(100), fulfilled=False)
    clock.advance(DAY)

    quote = shop.quote(line(amount_minor))

    receipt = shop.pay("o-1", line(amount_minor), fulfilled=False)
    assert quote["tier_changes"] == foretold(receipt["tier_changes"])
    if program == PLAIN:
        assert quote["tier_after"] is None
    else:
        assert quote["tier_after"] == standing(shop)["tier"]["id"]
    earned = [(one["wallet"], one["points"]) for one in quote["earned"]]
    assert earned == [(one["wallet"], one["points"]) for one in receipt["earned"]]


@pytest.mark.parametrize("is_reserved", [False, True])
@pytest.mark.parametrize(("points", "causes"), [(0, []), (40, []), (150, ["demoted"])])
def test_a_quote_foretells_what_the_balance_that_is_left_is_enough_for(
    db, points, causes, is_reserved
):
    shop = shop_of(db, OPEN_ENDED)
    shop.adjust(150)
    assert (tier(shop), shop.balance().active) == ("silver", 200)
    if is_reserved:
        shop.reserve("o-1", line(1_000), points=points)

    quote = shop.quote(line(1_000), points=points, order_ref="o-1")

    receipt = shop.pay("o-1", line(1_000), points=points, fulfilled=False)
    assert [change["cause"] for change in receipt["tier_changes"]] == causes
    assert quote["tier_changes"] == foretold(receipt["tier_changes"])
    assert quote["tier_after"] == standing(shop)["tier"]["id"]


def test_a_reservation_that_is_called_off_says_which_tier_its_points_had_kept(db, clock):
    shop = shop_of(db, OPEN_ENDED)
    shop.adjust(150, expires_at=clock.now() + timedelta(minutes=5))
    shop.reserve("o-1", line(1_000), points=150)
    clock.advance(timedelta(minutes=6))
    assert standing(shop)["tier"]["id"] == "silver"

    receipt = shop.cancel("o-1")

    assert [change["cause"] for change in receipt["tier_changes"]] == ["demoted"]
    assert shop.cancel("o-1") == receipt
    assert standing(shop)["tier"]["id"] == "regular"


def test_a_quote_of_who_is_in_their_grace_foretells_that_the_tier_is_kept(db, clock):
    shop = shop_of(db, GRACEFUL)
    shop.pay("o-1", line(50_000))
    clock.advance(datetime.fromisoformat(UNTIL) - clock.now() + DAY)
    assert standing(shop)["grace_until"] is not None

    quote = shop.quote(line(40_000))

    assert [change["cause"] for change in quote["tier_changes"]] == ["kept"]
    assert quote["tier_after"] == "silver"
    assert shop.quote(line(100))["tier_changes"] == []


def test_a_quote_for_an_instant_to_come_foretells_by_what_stands_then(shop, clock):
    shop.pay("o-1", line(45_000))

    today = shop.quote(line(10_000))
    in_a_year = shop.quote(line(10_000), at=clock.now() + 400 * DAY)

    assert (today["tier_after"], in_a_year["tier_after"]) == ("silver", "regular")


def test_a_quote_writes_nothing_of_what_it_foretells(shop, database_url):
    connection = connect(database_url)
    before = digest(connection)

    assert shop.quote(line(200_000))["tier_after"] == "gold"

    assert digest(connection) == before
    connection.close()


def test_orders_of_one_batch_are_told_and_earn_as_if_they_came_one_by_one(shop):
    shop.enrol("m-2")
    amounts = (20_000, 30_000, 10_000, 150_000)
    items = [
        OrderItem(parse_ref("m-2"), Order(f"b-{n}", f"p-{n}", Cart("CNY", None, (line(amount),))))
        for n, amount in enumerate(amounts)
    ]

    one_by_one = [shop.pay(f"o-{n}", line(amount)) for n, amount in enumerate(amounts)]
    batch = shop.db.run(
        lambda tx: take_items(Acting(tx, shop.programs, STOREFRONT, Timekeeping()), items)
    )

    told = [orjson.loads(receipt) for receipt in batch if isinstance(receipt, str)]
    refs = [one["order_ref"] for receipt in told for one in receipt["tier_changes"]]
    assert refs == ["b-1", "b-3"]
    for one, other in zip(told, one_by_one, strict=True):
        assert foretold(one["tier_changes"]) == foretold(other["tier_changes"])
        assert one["earned"] == other["earned"]
    assert [len(receipt["tier_changes"]) for receipt in told] == [0, 1, 0, 1]
    assert proved(shop)
