"""A tier that members hold is not dropped, and whoever slips through is put where they belong."""

from datetime import timedelta

import pytest

from loyalty_service.checkout import service as checkout
from loyalty_service.checkout.rules.cart import Order
from loyalty_service.cli.main import main
from loyalty_service.jobs.rules.schedules import JobName
from loyalty_service.ledger.service import Acting
from loyalty_service.members.rules import parse_ref
from loyalty_service.program.rules.versions import ProgramFixed, TierHeld
from loyalty_service.timekeeping.service import Timekeeping
from tests.factories import PLAIN, STOREFRONT, Shop, cart_of, line
from tests.integration.test_tiers import TIERED, changes, proved, standing, tier
from tests.integration.test_tiers_in_time import tiers
from tests.job_world import run

DAY = timedelta(days=1)
NO_GOLD = TIERED[: TIERED.index("    - id: gold")]


@pytest.fixture
def shop(db) -> Shop:
    shop = Shop(db, TIERED)
    for member in ("m-1", "m-2", "m-3"):
        shop.enrol(member)
    return shop


def versions(shop: Shop) -> int:
    return shop.db.fetch("SELECT count(*) FROM program_version")[0][0]


def test_a_tier_that_members_hold_cannot_be_dropped(shop):
    for member in ("m-1", "m-2"):
        shop.pay(f"{member}-1", line(200_000), member=member)
    shop.pay("m-3-1", line(50_000), member="m-3")

    with pytest.raises(TierHeld) as refusal:
        shop.apply(NO_GOLD)

    assert refusal.value.values == {"tiers": [{"tier": "gold", "members": 2}]}
    assert "gold (2 members)" in str(refusal.value)
    assert versions(shop) == 1
    with pytest.raises(TierHeld, match=r"silver \(1 member\), gold \(2 members\)"):
        shop.apply(PLAIN)


def test_a_tier_that_nobody_holds_may_be_dropped(shop):
    shop.pay("o-1", line(50_000))

    assert shop.apply(NO_GOLD) == 2

    run(shop.db, JobName.CATCH_UP)
    assert tier(shop) == "silver"


def test_who_stands_in_the_lowest_tier_stands_in_whatever_is_the_lowest_then(shop, clock):
    shop.pay("o-1", line(50_000))
    clock.advance(500 * DAY)
    run(shop.db, JobName.CATCH_UP)
    assert tier(shop) == "regular"

    assert shop.apply(TIERED.replace("id: regular", "id: basic")) == 2

    clock.advance(DAY)
    run(shop.db, JobName.CATCH_UP)
    assert [standing(shop, member)["tier"]["id"] for member in ("m-1", "m-2")] == ["basic"] * 2
    assert changes(shop)[-1] == ("replaced", "regular", "basic")


def test_a_tier_may_be_dropped_once_reviews_have_taken_everybody_out(shop, clock):
    shop.pay("o-1", line(200_000))
    shop.apply(TIERED.replace('"2000.00"', '"9000000.00"'))
    clock.advance(400 * DAY)
    run(shop.db, JobName.CATCH_UP)

    assert shop.apply(NO_GOLD) == 3


def test_who_is_promoted_while_the_tier_is_being_dropped_is_put_where_they_belong(shop, clock):
    order = Order("o-1", "p-1", cart_of((line(200_000),), {}))
    with shop.db.transaction() as tx:
        acting = Acting(tx, shop.programs, STOREFRONT, Timekeeping())
        checkout.pay(acting, parse_ref("m-1"), order)
        # The promotion is decided and not committed: nobody sees a holder yet.
        assert shop.apply(NO_GOLD) == 2

    assert tier(shop) == "gold"
    told = standing(shop)
    assert told["tier"]["id"] == "silver"
    clock.advance(DAY)
    run(shop.db, JobName.CATCH_UP)

    assert changes(shop) == [("promoted", None, "gold"), ("replaced", "gold", "silver")]
    assert tier(shop) == "silver"
    assert standing(shop)["until"] == told["until"]
    assert proved(shop)
    shop.pay("o-2", line(10_000))
    assert shop.balance().active == 2_000 + 300 + 2 * 100


def test_history_that_leads_to_a_tier_that_is_gone_leads_on_from_it(shop, clock):
    long_ago = clock.now() + DAY
    clock.advance(60 * DAY)
    shop.apply(NO_GOLD)
    applied_at = clock.now()
    clock.advance(60 * DAY)
    shop.enrol("m-9", enrolled_at=long_ago)

    shop.pay("o-1", line(200_000), member="m-9", at=long_ago + DAY)
    run(shop.db, JobName.CATCH_UP)

    assert changes(shop) == [("promoted", None, "gold"), ("replaced", "gold", "silver")]
    (occurred_at,) = shop.db.fetch("SELECT occurred_at FROM tier_change WHERE cause = 'replaced'")[
        0
    ]
    assert occurred_at == applied_at


def test_the_command_line_says_so_before_and_when_it_is_applied(
    shop, database_url, monkeypatch, capsys, tmp_path
):
    shop.pay("o-1", line(200_000))
    monkeypatch.setenv("LOYALTY_DATABASE_URL", database_url)
    file = tmp_path / "no-gold.yaml"
    file.write_text(NO_GOLD, "utf-8")

    with pytest.raises(SystemExit) as refused:
        main(["program", "apply", str(file)])
    told = capsys.readouterr()
    with pytest.raises(SystemExit) as foretold:
        main(["program", "diff", "1", str(file)])
    said = capsys.readouterr()

    assert (refused.value.code, foretold.value.code) == (1, 1)
    assert told.err.startswith(
        "Tiers that members hold, as last written down, stay in the document: gold (1 member)."
    )
    assert said.err.startswith(f"`loyalty program apply` would refuse {file}: Tiers that members")
    assert "Gold -> Silver, and then " in said.out
    assert "Silver -> Regular  (m-1)" in said.out


@pytest.mark.parametrize("promote", ["at_once", "next_review"])
def test_an_undone_promotion_leads_to_the_tier_that_is_reached_where_the_one_before_is_gone(
    db, clock, promote
):
    text = tiers(on_return="at_once")
    shop = Shop(db, text)
    shop.enrol()
    shop.pay("o-1", line(50_000))
    clock.advance(DAY)
    shop.pay("o-2", line(200_000))
    silver, gold = text.index("    - id: silver"), text.index("    - id: gold")
    bronze = """    - {id: bronze, name: {en: Bronze, zh: 铜卡}, gift: {points: 7},
       entry: {any: [{earned: {wallet: growth, at_least: 400}}]}}
"""
    new = text[:silver] + bronze + text[gold:]
    shop.apply(new.replace("tiers:\n", f"tiers:\n  promote: {promote}\n"))
    clock.advance(DAY)

    shop.cancel("o-2")

    assert changes(shop)[-1] == ("undone", "gold", "bronze")
    assert standing(shop)["tier"]["id"] == "bronze"
    assert proved(shop)


def test_nobody_who_never_moved_falls_into_a_new_tier_below_the_lowest(shop):
    regular = "    - {id: regular, name: {en: Regular, zh: 普通}}\n"
    assert regular in TIERED
    entered = regular.replace("}}\n", "}, entry: {any: [{orders: 1}]}}\n")
    newcomer = "    - {id: newcomer, name: {en: New, zh: 新}}\n"

    with pytest.raises(ProgramFixed) as refusal:
        shop.apply(TIERED.replace(regular, newcomer + entered))

    [kept] = refusal.value.values["kept"]
    assert (kept["running"], kept["asked"]) == ("regular", "newcomer")
