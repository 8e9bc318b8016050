"""The program over HTTP: read in words, checked, put in force once."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from loyalty_service.app import create_app
from loyalty_service.config import read_config
from loyalty_service.kit.auth import TokenVerifier, mint_token
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.keys import FileKeys, create_key_file
from loyalty_service.kit.paths import encode_cursor
from loyalty_service.program.rules.nodes import MAX_CHARACTERS
from tests.factories import PLAIN, Shop, line
from tests.integration.test_tiers import TIERED

SAMPLE = (Path(__file__).parents[2] / "programs" / "sample.yaml").read_text("utf-8")
RENAMED = PLAIN.replace("program: plain", "program: renamed")


class Client:
    """A caller with a token of the scopes it names."""

    def __init__(self, db: Database, clock: SettableClock, folder: Path) -> None:
        create_key_file(folder / "keys.json")
        self.keys = FileKeys(folder / "keys.json")
        tokens = TokenVerifier(self.keys, issuer="loyalty-dev", audience="loyalty")
        app = create_app(replace(read_config()), db=db, clock=clock, tokens=tokens)
        app.testing = True
        self.http = app.test_client()
        self.count = 0

    def call(
        self, method: str, path: str, body: Any = None, *, scope: str = "operator", **headers: str
    ) -> TestResponse:
        token = mint_token(
            self.keys.find("dev"),
            issuer="loyalty-dev",
            audience="loyalty",
            subject="ops-7",
            scopes=[scope],
        )
        given = {"Authorization": f"Bearer {token}"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.open(f"/v1/program{path}", method=method, json=body, headers=given)

    def apply(self, text: str, key: str | None = None, **more: Any) -> TestResponse:
        self.count += 1
        fresh = key or f"key-{self.count}"
        return self.call("POST", "/versions", {"document": text}, Idempotency_Key=fresh, **more)


@pytest.fixture
def client(db: Database, clock: SettableClock, tmp_path: Path) -> Client:
    return Client(db, clock, tmp_path)


def test_before_the_first_program_there_is_none_to_read(client: Client) -> None:
    answer = client.call("GET", "")

    assert (answer.status_code, answer.json["code"]) == (409, "no_program")


def test_the_program_in_force_is_read_as_its_document_and_in_words(client: Client) -> None:
    client.apply(SAMPLE)

    answer = client.call("GET", "", scope="checkout").json

    assert (answer["version"], answer["applied_by"]) == (1, "ops-7")
    assert answer["in_force_at"] == "2026-03-02T04:00:00Z"
    assert answer["document"]["currency"] == "CNY"
    assert answer["words"]["rules"][0].startswith("Shopping (Points): 1 point per CNY 1.00")


@pytest.mark.parametrize(
    ("path", "accepted", "begins"),
    [
        ("", "zh-CN,zh;q=0.9,en;q=0.5", "购物"),
        ("", "fr", "Shopping"),
        ("?lang=zh", "en", "购物"),
        ("/versions/1?lang=en", "zh", "Shopping"),
    ],
)
def test_the_words_are_in_the_language_asked_for(
    client: Client, path: str, accepted: str, begins: str
) -> None:
    client.apply(SAMPLE)

    answer = client.call("GET", path, Accept_Language=accepted).json

    assert answer["words"]["rules"][0].startswith(begins)


def test_versions_are_listed_newest_first_page_by_page(client: Client) -> None:
    for number in range(3):
        client.apply(PLAIN.replace("program: plain", f"program: plain_{number}"))

    first = client.call("GET", "/versions?limit=2").json
    second = client.call("GET", f"/versions?limit=2&cursor={first['next']}").json

    assert [each["version"] for each in first["versions"]] == [3, 2]
    assert [each["version"] for each in second["versions"]] == [1]
    assert "next" not in second


@pytest.mark.parametrize("place", [[], ["x"], [[1]], [0], [2**40], 7])
def test_a_cursor_that_somebody_made_up_is_refused(client: Client, place: Any) -> None:
    cursor = encode_cursor("program_versions", place)

    answer = client.call("GET", f"/versions?cursor={cursor}")

    assert (answer.status_code, answer.json["code"]) == (400, "cursor_invalid")


def test_a_cursor_of_another_list_is_refused(client: Client) -> None:
    answer = client.call("GET", "/versions?cursor=abcdefghijklmnop")

    assert (answer.status_code, answer.json["code"]) == (400, "cursor_invalid")


@pytest.mark.parametrize("version", [2, 2**53 - 1])
def test_a_version_that_does_not_exist_is_not_found(client: Client, version: int) -> None:
    client.apply(PLAIN)

    answer = client.call("GET", f"/versions/{version}")

    assert (answer.status_code, answer.json["code"]) == (404, "program_version_unknown")


def test_an_old_version_is_still_read(client: Client) -> None:
    client.apply(PLAIN)
    client.apply(RENAMED)

    assert client.call("GET", "/versions/1").json["document"]["program"] == "plain"
    assert client.call("GET", "").json["document"]["program"] == "renamed"


def test_a_faulty_document_is_refused_with_every_fault_and_its_line(client: Client) -> None:
    answer = client.apply(PLAIN.replace("floor", "flor").replace("sum", "max"))

    assert (answer.status_code, answer.json["code"]) == (422, "program_faulty")
    assert answer.json["path"] == "document"
    assert answer.json["values"]["faults"] == [
        {
            "line": 5,
            "path": "rounding",
            "message": 'found "flor"; did you mean floor?',
            "expected": "one of floor, half_up, half_even, ceiling",
        },
        {
            "line": 18,
            "path": "earning.groups[0].combine",
            "message": 'found "max"',
            "expected": "one of sum, best, first",
        },
    ]


def test_what_a_running_program_cannot_change_is_refused(client: Client) -> None:
    client.apply(PLAIN)

    answer = client.apply(PLAIN.replace("CNY", "USD"))

    assert (answer.status_code, answer.json["code"]) == (422, "program_fixed")
    assert answer.json["values"]["kept"] == [
        {"path": "document.currency", "running": "CNY", "asked": "USD"}
    ]


def test_a_tier_that_members_hold_cannot_be_dropped(client: Client, db: Database) -> None:
    shop = Shop(db, TIERED)
    shop.enrol("m-1")
    shop.pay("o-1", line(200_000))

    answer = client.apply(TIERED[: TIERED.index("    - id: gold")])

    assert (answer.status_code, answer.json["code"]) == (409, "tier_held")
    assert answer.json["path"] == "document.tiers.levels"
    assert answer.json["values"] == {"tiers": [{"tier": "gold", "members": 1}]}
    assert "drop it when reviews have taken everybody out" in answer.json["detail"]
    assert client.call("GET", "").json["version"] == 1


def test_a_repeated_call_has_one_effect_even_when_another_program_came_between(
    client: Client,
) -> None:
    first = client.apply(PLAIN, "same-key")
    client.apply(RENAMED)

    again = client.apply(PLAIN, "same-key")

    assert (again.status_code, again.data) == (200, first.data)
    assert client.call("GET", "").json["version"] == 2


def test_a_key_is_good_for_one_document(client: Client) -> None:
    client.apply(PLAIN, "same-key")

    answer = client.apply(RENAMED, "same-key")

    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")


def test_an_earlier_program_can_be_put_in_force_again(client: Client) -> None:
    client.apply(PLAIN)
    client.apply(RENAMED)

    assert client.apply(PLAIN).json == {"version": 3}


def test_a_storefront_may_not_put_a_program_in_force(client: Client) -> None:
    answer = client.apply(PLAIN, scope="checkout")

    assert (answer.status_code, answer.json["code"]) == (403, "scope_missing")


def test_checking_a_sound_document_tells_what_it_says_and_changes_nothing(client: Client) -> None:
    answer = client.call("POST", "/check?lang=zh", {"document": SAMPLE}).json

    assert (answer["is_sound"], answer["faults"]) == (True, [])
    assert answer["words"]["caps"][0].startswith("茶叶积分上限")
    assert client.call("GET", "").status_code == 409


def test_checking_a_broken_document_tells_its_faults(client: Client) -> None:
    answer = client.call("POST", "/check", {"document": "program: ["}).json

    assert answer["is_sound"] is False
    assert [fault["line"] for fault in answer["faults"]] == [1]
    assert "words" not in answer


def test_a_document_as_json_is_taken_as_well(client: Client) -> None:
    client.apply(PLAIN)
    stored = client.call("GET", "").json["document"]

    assert client.apply(json.dumps(stored, indent="\t")).json == {"version": 1}


@pytest.mark.parametrize("document", ["", "x" * (MAX_CHARACTERS + 1), 5, None, {"program": "x"}])
def test_what_is_no_text_of_a_sensible_size_is_malformed(client: Client, document: Any) -> None:
    answer = client.apply(document)

    assert (answer.status_code, answer.json["code"]) == (400, "request_invalid")
    assert answer.json["errors"][0]["path"] == "document"
