"""`loyalty ledger mend-sums` brings sums back to what orders and events gave."""

import pytest

from loyalty_service.checkout.service import proving
from loyalty_service.cli.main import main
from loyalty_service.kit.clock import SystemClock
from loyalty_service.kit.db import Database
from tests.factories import Shop, line
from tests.integration.test_tiers import TIERED, catch_up, tier

WRONG = {
    "too much": "UPDATE member_total SET amount = amount + 1",
    "lost": "DELETE FROM member_total",
    "out of nothing": "INSERT INTO member_total VALUES (1, 'spend', '2020-02-29', 5)",
}


@pytest.fixture
def shop(database_url, monkeypatch):
    monkeypatch.setenv("LOYALTY_DATABASE_URL", database_url)
    db = Database(database_url, clock=SystemClock(), pool_size=1)
    shop = Shop(db, TIERED)
    for member in ("m-1", "m-2"):
        shop.enrol(member)
        shop.pay(f"{member}-1", line(30_000, quantity=3), member=member)
        shop.give_back(f"{member}-1", units=[(1, 1)], member=member)
    yield shop
    db.close()


def mend(capsys) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["ledger", "mend-sums"])
    assert not ended.value.code
    return capsys.readouterr().out


def faults(shop: Shop) -> list:
    with shop.db.reading() as tx:
        return proving.find_order_faults(tx, None)


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_and_mended(shop, owner_connection, capsys, wrong):
    with owner_connection.cursor() as cursor:
        cursor.execute(wrong)
    owner_connection.commit()
    named = faults(shop)
    assert named

    said = mend(capsys)

    assert said.count("member_total") == len(named)
    assert f"{len(named)} sum" in said
    assert faults(shop) == []
    assert mend(capsys) == "All sums are right.\n"


def test_a_tier_that_was_missed_comes_with_the_next_catch_up(shop, owner_connection, capsys):
    with owner_connection.cursor() as cursor:
        cursor.execute("UPDATE member_total SET amount = 0")
    owner_connection.commit()
    shop.pay("m-1-2", line(30_000))
    assert tier(shop) is None

    mend(capsys)
    catch_up(shop)

    assert tier(shop) == "silver"
    assert faults(shop) == []


def test_entries_are_never_touched(shop, owner_connection, capsys):
    rows = "SELECT entry::text FROM entry ORDER BY member_id, wallet, seq"
    before = shop.db.fetch(rows)
    with owner_connection.cursor() as cursor:
        cursor.execute(WRONG["lost"])
    owner_connection.commit()

    mend(capsys)

    assert shop.db.fetch(rows) == before
