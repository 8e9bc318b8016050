"""How a member came to their tier, change by change, read over HTTP (R-54)."""

from datetime import timedelta
from pathlib import Path

import pytest

from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.paths import encode_cursor
from loyalty_service.tiers.queries import list_changes
from tests.clients import Client
from tests.factories import Shop, line
from tests.integration.test_tiers import TIERED, catch_up

DAY = timedelta(days=1)
PATH = "/members/m-1/tier-changes"


@pytest.fixture
def shop(db: Database) -> Shop:
    shop = Shop(db, TIERED.replace("tiers:", "tiers:\n  grace: {days: 30}"))
    shop.enrol("m-1")
    return shop


@pytest.fixture
def client(shop: Shop, clock: SettableClock, tmp_path: Path) -> Client:
    return Client(shop.db, clock, tmp_path)


def live(shop: Shop, clock: SettableClock) -> None:
    """Rise, fall into a grace, and lose the tier."""
    shop.pay("o-1", line(50_000))
    clock.advance(500 * DAY)
    catch_up(shop)


def test_every_change_is_told_newest_first(client, shop, clock):
    live(shop, clock)

    told = client.call("GET", PATH).json["tier_changes"]

    assert [(one["cause"], one["from"], one["to"]) for one in told] == [
        ("demoted", "silver", "regular"),
        ("grace_began", "silver", "silver"),
        ("promoted", "regular", "silver"),
    ]
    assert [one["order_ref"] for one in told] == [None, None, "o-1"]
    assert [one["occurred_at"] for one in told[:2]] == [
        "2027-04-30T16:00:00Z",
        "2027-03-31T16:00:00Z",
    ]


def test_a_change_says_what_the_receipt_of_its_order_said(client, shop):
    (change,) = shop.pay("o-1", line(50_000))["tier_changes"]

    (told,) = client.call("GET", PATH).json["tier_changes"]

    assert told == {
        "event_no": 3,
        "occurred_at": "2026-03-02T04:00:00Z",
        "recorded_at": "2026-03-02T04:00:00Z",
        "program_version": 1,
        **change,
    }
    assert told["window"] == {"from": "2025-03-03", "until": "2026-03-02"}
    assert told["counted"][0]["counted"] == 500


def test_pages_follow_one_another_to_the_end(client, shop, clock):
    live(shop, clock)
    whole = client.call("GET", PATH).json

    pages, query = [], "?limit=2"
    while query:
        page = client.call("GET", PATH + query).json
        pages.append(page["tier_changes"])
        query = f"?limit=2&cursor={page['next']}" if "next" in page else ""

    assert "next" not in whole
    assert [len(page) for page in pages] == [2, 1]
    assert pages[0] + pages[1] == whole["tier_changes"]


@pytest.mark.parametrize("query", ["?cursor=abc", "?limit=0", "?limit=201", "?lang=en"])
def test_what_cannot_be_read_is_refused(client, query):
    assert client.call("GET", PATH + query).status_code == 400


def test_the_cursor_of_another_list_is_refused(client, shop):
    shop.pay("o-1", line(50_000))
    cursor = client.call("GET", "/members/m-1/entries?limit=1").json["next"]

    answer = client.call("GET", f"{PATH}?cursor={cursor}")

    assert (answer.status_code, answer.json["code"]) == (400, "cursor_invalid")


@pytest.mark.parametrize("place", [[], [0], ["x"], [1, 2], {"a": 1}])
def test_a_cursor_that_somebody_made_up_is_refused(client, place):
    answer = client.call("GET", f"{PATH}?cursor={encode_cursor('tier_changes', place)}")

    assert (answer.status_code, answer.json["code"]) == (400, "cursor_invalid")


def test_members_read_their_own_changes_and_nobody_elses(client, shop):
    shop.enrol("m-2")

    own = client.call("GET", PATH, subject="shop:m-1", scopes=["self"])
    other = client.call("GET", "/members/m-2/tier-changes", subject="shop:m-1", scopes=["self"])
    nobody = client.call("GET", "/members/m-9/tier-changes")
    importer = client.call("GET", PATH, scopes=["import"])

    assert (own.status_code, own.json) == (200, {"tier_changes": []})
    assert (other.status_code, other.json["code"]) == (403, "other_member")
    assert (nobody.status_code, nobody.json["code"]) == (404, "member_unknown")
    assert (importer.status_code, importer.json["code"]) == (403, "scope_missing")


def test_a_change_whose_event_says_less_is_told_by_its_row(client, shop, db, owner_connection):
    shop.pay("o-1", line(50_000))
    with owner_connection.cursor() as cursor:
        cursor.execute("UPDATE event_waiting SET payload = '{}' WHERE kind = 'tier.promoted'")
    owner_connection.commit()

    (told,) = client.call("GET", PATH).json["tier_changes"]

    assert (told["from"], told["to"], told["match"], told["gift"]) == (
        "regular",
        "silver",
        None,
        None,
    )
    assert told["counted"][0]["asked"] == 500
    assert told["words"]["en"] == "Promoted to Silver, through 2027-03-31."


def test_a_page_costs_the_same_however_much_came_before(shop, db, owner_connection):
    shop.pay("o-1", line(50_000))
    with owner_connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO tier_change SELECT member_id, 1000 + n, cause, from_tier, to_tier,
                   tier_until, grace_until, program_version, occurred_at, recorded_at, counted
              FROM tier_change, generate_series(1, 20000) n;
            INSERT INTO event_waiting SELECT member_id, 1000 + n, kind, occurred_at, recorded_at,
                   payload FROM event_waiting, generate_series(1, 20000) n
             WHERE kind = 'tier.promoted';
            ANALYZE tier_change; ANALYZE event_waiting
            """
        )
    owner_connection.commit()
    sql = "SELECT sum(idx_tup_fetch + seq_tup_read)::int FROM pg_stat_xact_user_tables"

    with db.reading() as tx:
        found = list_changes(tx, 1, 5_000, 20)
        ((read,),) = tx.fetch(sql)

    assert [change.change_no for change, _ in found] == list(range(4_999, 4_979, -1))
    assert read < 100
