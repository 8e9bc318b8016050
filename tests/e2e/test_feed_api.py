"""What happened, read by another system over HTTP."""

from dataclasses import replace
from pathlib import Path

import pytest

from loyalty_service.feed.service import publish
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.http import PARTS
from tests.clients import Client
from tests.factories import Shop

CARD = {"kind": "card", "value": "K-7"}


@pytest.fixture
def shop(db: Database) -> Shop:
    return Shop(db)


@pytest.fixture
def client(shop: Shop, db: Database, clock: SettableClock, tmp_path: Path) -> Client:
    client = Client(db, clock, tmp_path)
    (tmp_path / "secret").write_bytes(b"s" * 32)
    parts = client.app.extensions[PARTS]
    kept = replace(parts.config, ref_secret_file=tmp_path / "secret")
    client.app.extensions[PARTS] = replace(parts, config=kept)
    return client


def read(client, query=""):
    answer = client.call("GET", f"/events{query}")
    assert answer.status_code == 200, answer.text
    return answer.json


def test_pages_follow_one_another_to_the_end(client, shop, db):
    for number in range(5):
        shop.enrol(f"m-{number}")
    publish(db)

    first = read(client, "?limit=3")
    second = read(client, f"?limit=3&after={first['next']}")
    third = read(client, f"?limit=3&after={second['next']}")

    assert [event["position"] for event in first["events"]] == [1, 2, 3]
    assert [event["position"] for event in second["events"]] == [4, 5]
    assert (first["next"], second["next"], third["next"]) == (3, 5, 5)
    assert third["events"] == []
    assert first["end"] == 5


def test_what_waits_is_not_shown(client, shop):
    shop.enrol()

    assert read(client) == {"events": [], "next": 0, "end": 0}


def test_beyond_the_end_there_is_nothing_and_nothing_moves(client, shop, db):
    shop.enrol()
    publish(db)

    assert read(client, "?after=77") == {"events": [], "next": 77, "end": 1}


def test_only_the_kinds_asked_for_come(client, shop, db):
    shop.enrol()
    shop.pay()
    shop.tell("review")
    publish(db)

    page = read(client, "?kinds=order.paid,member.review")

    assert [event["kind"] for event in page["events"]] == ["order.paid", "member.review"]
    assert page["next"] == 3
    assert page["events"][0]["payload"]["order_ref"] == "o-1"


def test_a_kind_that_never_comes_is_refused_with_the_list(client):
    answer = client.call("GET", "/events?kinds=order.payed")

    assert (answer.status_code, answer.json["code"]) == (400, "event_kind_unknown")
    assert "order.paid" in answer.json["values"]["kinds"]


@pytest.mark.parametrize("query", ["?limit=0", "?limit=501", "?after=-1", "?after=x", "?kinds=,"])
def test_what_cannot_be_read_is_refused(client, query):
    assert client.call("GET", f"/events{query}").status_code == 400


def test_only_operators_read_what_happened_to_everybody(client):
    answer = client.call("GET", "/events", scopes=["checkout", "members"])

    assert (answer.status_code, answer.json["code"]) == (403, "scope_missing")


def test_nothing_personal_is_told(client, db):
    phone = {"kind": "phone", "value": "13800138000"}
    body = {"refs": [phone, CARD], "birthday": {"month": 5, "day": 20}, "tags": ["vip"]}
    assert client.call("PUT", "/members/card:K-7", body).status_code == 200
    assert client.call("PUT", "/members/m-2", {"refs": [phone | {"value": "139"}]}).json
    gift = {"wallet": "points", "points": 5, "note": "Li Na asked on the phone"}
    assert client.call("POST", "/members/m-2/adjustments", gift).status_code == 200
    publish(db)

    text = client.call("GET", "/events").text

    assert [event["member_ref"] for event in read(client)["events"]] == [
        "card:K-7",
        "shop:m-2",
        "shop:m-2",
    ]
    for word in ("phone", "13800138000", "Li Na", "birth", "vip"):
        assert word not in text
