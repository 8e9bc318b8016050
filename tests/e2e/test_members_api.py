"""A member's life over HTTP: enrolled, paying, returning, proved."""

from pathlib import Path

import pytest

from loyalty_service.feed.rules import KINDS
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.paths import encode_cursor
from loyalty_service.members.rules import stored_ref
from tests.clients import Client
from tests.factories import Shop

CNY_100 = {"amount": 10_000, "currency": "CNY"}
ORDER = {"payment_ref": "p-1", "lines": [{"sku": "A-1", "quantity": 2, "amount": CNY_100}]}


@pytest.fixture
def client(db: Database, clock: SettableClock, tmp_path: Path) -> Client:
    Shop(db)
    client = Client(db, clock, tmp_path)
    assert client.call("PUT", "/members/m-1", {}).status_code == 200
    return client


def test_the_same_key_gets_the_same_bytes_and_one_effect(client):
    first = client.call("POST", "/members/m-1/orders/o-1/payment", ORDER, key="k")

    again = client.call("POST", "/members/m-1/orders/o-1/payment", ORDER, key="k")

    assert (again.status_code, again.data) == (first.status_code, first.data)
    balance = client.call("GET", "/members/m-1/balance?wallet=points").json
    assert balance["wallets"][0]["active"] == 100


def test_the_same_key_for_another_request_is_refused(client):
    client.call("POST", "/members/m-1/orders/o-1/payment", ORDER, key="k")

    other = client.call("POST", "/members/m-1/orders/o-2/payment", ORDER, key="k")

    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


def test_a_member_is_proved_after_a_payment_and_a_return(client):
    client.call("POST", "/members/m-1/orders/o-1/payment", ORDER)
    client.call("PUT", "/members/m-1/orders/o-1/returns/r-1", {"lines": [{"line": 1, "units": 1}]})

    proof = client.call("GET", "/members/m-1/proof").json

    assert proof["proved"] is True
    assert proof["faults"] == []
    sums = {account["wallet"]: account["sum_of_entries"] for account in proof["accounts"]}
    assert sums == {"points": 50, "growth": 50}


def test_a_row_that_is_wrong_is_named(client, owner_connection):
    client.call("POST", "/members/m-1/orders/o-1/payment", ORDER)
    with owner_connection.cursor() as cursor:
        cursor.execute("UPDATE account SET balance = balance + 1 WHERE wallet = 'points'")

    proof = client.call("GET", "/members/m-1/proof").json

    assert proof["proved"] is False
    assert [(f["wallet"], f["table"], f["column"]) for f in proof["faults"]] == [
        ("points", "account", "balance")
    ]


def test_a_refusal_is_repeated_to_the_same_key(client):
    debit = {"wallet": "points", "points": -5}
    first = client.call("POST", "/members/m-1/adjustments", debit, key="k")
    client.call("POST", "/members/m-1/orders/o-1/payment", ORDER)

    again = client.call("POST", "/members/m-1/adjustments", debit, key="k")

    assert (first.status_code, first.json["values"]) == (409, {"asked": 5, "available": 0})
    assert (again.status_code, again.data) == (409, first.data)


def test_every_amount_in_another_currency_is_named_by_its_path(client):
    pounds = {"amount": 0, "currency": "GBP"}
    lines = [ORDER["lines"][0], {**ORDER["lines"][0], "discount": pounds}]

    answer = client.call(
        "POST",
        "/members/m-1/orders/o-1/payment",
        {**ORDER, "lines": lines, "paid": pounds},
    )

    assert answer.status_code == 400
    assert {error["path"] for error in answer.json["errors"]} == {"lines[1].discount", "paid"}


@pytest.fixture
def with_secret(db, clock, tmp_path, monkeypatch):
    """A caller of a service that takes personal references, with two members in it."""
    (tmp_path / "secret").write_bytes(b"s" * 32)
    monkeypatch.setenv("LOYALTY_REF_SECRET_FILE", str(tmp_path / "secret"))
    Shop(db)
    client = Client(db, clock, tmp_path)
    for ref in ("m-1", "m-2"):
        assert client.call("PUT", f"/members/{ref}", {}).status_code == 200
    return client


def test_a_reference_looked_up_in_vain_is_told_by_its_field_without_its_value(with_secret):
    asked = {"kind": "phone", "value": "+8613800138000"}

    answer = with_secret.call("POST", "/members/lookup", asked)

    assert (answer.status_code, answer.json["code"]) == (404, "member_unknown")
    assert (answer.json["path"], answer.json["values"]) == ("value", {"kind": "phone"})
    assert "138" not in answer.json["detail"]


PERSONAL = {
    "mail": ("mail", "li.na+shop@example.com"),
    "phone": ("phone", "+86 138 0013 8000"),
    "longest": ("mail", "x" * 250 + "@b.c"),
    "another script": ("mail", "李娜@例子.中国"),
}


@pytest.mark.parametrize(("kind", "value"), PERSONAL.values(), ids=PERSONAL)
def test_a_member_is_enrolled_and_found_by_a_phone_or_mail_of_any_form(with_secret, kind, value):
    ref = {"kind": kind, "value": value}

    amended = with_secret.call("PUT", "/members/m-1", {"refs": [ref]})
    found = with_secret.call("POST", "/members/lookup", ref)

    shown = [{"kind": kind, "value": None}, {"kind": "shop", "value": "m-1"}]
    assert (amended.status_code, amended.json["refs"]) == (200, shown)
    assert (found.status_code, found.json["member_ref"]) == (200, "shop:m-1")


@pytest.mark.parametrize(("kind", "value"), PERSONAL.values(), ids=PERSONAL)
def test_bodies_name_a_member_by_a_phone_or_mail_of_any_form(with_secret, kind, value):
    with_secret.call("PUT", "/members/m-1", {"refs": [{"kind": kind, "value": value}]})
    item = {"member_ref": f"{kind}:{value}", "order_ref": "o-1", "order": ORDER}
    given = {"to": f"{kind}:{value}", "wallet": "points", "points": 5}
    with_secret.call("POST", "/members/m-2/adjustments", {"wallet": "points", "points": 5})

    batch = with_secret.call("POST", "/orders/batch", {"items": [item]})
    transfer = with_secret.call("POST", "/members/m-2/transfers", given)

    assert (batch.status_code, batch.json["taken"]) == (200, 1)
    assert (transfer.status_code, transfer.json["received"]["balance_after"]) == (200, 105)


def test_of_a_phone_that_nobody_has_only_the_kind_is_told(with_secret):
    item = {"member_ref": "phone:13800000000", "order_ref": "o-1", "order": ORDER}
    given = {"to": "phone:13800000000", "wallet": "points", "points": 5}

    batch = with_secret.call("POST", "/orders/batch", {"items": [item]}).json
    transfer = with_secret.call("POST", "/members/m-1/transfers", given).json

    for problem in (batch["outcomes"][0]["problem"], transfer):
        assert (problem["code"], problem["values"]) == ("member_unknown", {"asked": "phone:…"})
        assert "phone:" not in problem["detail"]
    assert stored_ref("phone", "13800000000", b"s" * 32).value not in f"{batch} {transfer}"


@pytest.mark.parametrize(
    ("kind", "value", "place"),
    [
        ("mail", "a@b.com ", "value"),
        ("mail", "a@b.com\n", "value"),
        ("phone", "", "value"),
        ("phone", "x" * 255, "value"),
        ("card", "a@b.com", "value"),
        ("card", "x" * 65, "value"),
        ("c" * 21, "1", "kind"),
    ],
)
def test_nobody_is_enrolled_under_what_names_nobody(with_secret, kind, value, place):
    refs = [{"kind": "card", "value": "1"}, {"kind": kind, "value": value}]

    answer = with_secret.call("PUT", "/members/m-1", {"refs": refs})

    assert answer.status_code == 400
    assert [error["path"] for error in answer.json["errors"]] == [f"refs[1].{place}"]


def test_a_personal_reference_without_a_secret_is_refused_by_its_field(client):
    answer = client.call("POST", "/members/lookup", {"kind": "phone", "value": "+8613800138000"})

    assert (answer.status_code, answer.json["code"]) == (422, "personal_refs_off")
    assert (answer.json["path"], answer.json["values"]) == ("kind", {"asked": "phone"})


CARD = {"kind": "card", "value": "1"}
PHONE = {"kind": "phone", "value": "+8613800138000"}
BATCH = {"items": [{"member_ref": m, "order_ref": "o-1", "order": ORDER} for m in ("m", "phone:1")]}
SOME = {"wallet": "points", "points": 5}
OFF, UNKNOWN = "personal_refs_off", "member_unknown"
FEW, MANY = ("insufficient_points", "points"), ("points_beyond_count", "points")


@pytest.mark.parametrize(
    ("method", "to", "body", "said"),
    [
        ("PUT", "/members/m-1", {"refs": [CARD, PHONE]}, (OFF, "refs[1].kind")),
        ("POST", "/orders/batch", BATCH, (OFF, "items[1].member_ref")),
        ("POST", "/members/m-1/transfers", {**SOME, "to": "mail:a"}, (OFF, "to")),
        ("POST", "/members/m-1/transfers", {**SOME, "to": "m-9"}, (UNKNOWN, "to")),
        ("POST", "/members/m-9/transfers", {**SOME, "to": "m-1"}, (UNKNOWN, "member_ref")),
        ("POST", "/members/m-1/transfers", {**SOME, "to": "m-2"}, FEW),
        ("POST", "/members/m-1/adjustments", {**SOME, "points": -5}, FEW),
        ("POST", "/members/m-3/adjustments", SOME, MANY),
        ("POST", "/members/m-2/transfers", {**SOME, "to": "m-3"}, MANY),
    ],
)  # fmt: skip
def test_a_refusal_names_the_field_that_it_is_about(
    client, owner_connection, method, to, body, said
):
    for ref in ("m-2", "m-3"):
        client.call("PUT", f"/members/{ref}", {})
        client.call("POST", f"/members/{ref}/adjustments", SOME)
    with owner_connection.cursor() as cursor:
        cursor.execute(
            "UPDATE account SET balance = %s FROM member_ref r "
            "WHERE r.member_id = account.member_id AND r.value = 'm-3'",
            (2**53 - 1,),
        )

    answer = client.call(method, to, body).json

    assert (answer["code"], answer["path"]) == said


def test_an_end_that_has_passed_is_told_as_all_instants_are(client):
    past = {**SOME, "expires_at": "2020-01-01T08:00:00+08:00"}

    answer = client.call("POST", "/members/m-1/adjustments", past).json

    assert (answer["code"], answer["path"]) == ("expiry_past", "expires_at")
    assert answer["values"]["asked"] == "2020-01-01T00:00:00Z"
    assert answer["values"]["limit"].endswith("Z")


@pytest.mark.parametrize(
    "place",
    [[], {}, 5, "x", [5, None], [[], 5], [[["points"]], None], [[["points", "x"]], None],
     [[["points", 0]], None], [[["Ü", 1]], None], [[["points", 1]], "no code!"], [[[1, 1]], None]],
    ids=str,
)  # fmt: skip
def test_a_cursor_that_somebody_made_up_is_refused(client, place):
    cursor = encode_cursor("entries", place)

    answer = client.call("GET", f"/members/m-1/entries?cursor={cursor}")

    assert (answer.status_code, answer.json["code"]) == (400, "cursor_invalid")


@pytest.mark.parametrize("lists", [("points", "growth"), ("points", ""), ("", "points")], ids=str)
def test_a_cursor_of_another_wallets_list_is_refused(client, lists):
    for wallet in ("points", "growth"):
        for points in (1, 2):
            body = {"wallet": wallet, "points": points}
            client.call("POST", "/members/m-1/adjustments", body)
    own, other = [
        "/members/m-1/entries?limit=1" + (f"&wallet={wallet}" if wallet else "") for wallet in lists
    ]
    cursor = client.call("GET", own).json["next"]

    further = client.call("GET", f"{own}&cursor={cursor}")
    astray = client.call("GET", f"{other}&cursor={cursor}")

    assert (further.status_code, len(further.json["entries"])) == (200, 1)
    assert (astray.status_code, astray.json["code"]) == (400, "cursor_invalid")


def test_a_member_reads_neither_notes_nor_names_of_operators(client):
    given = {"wallet": "points", "points": 50, "note": "suspected fraud"}
    client.call("POST", "/members/m-1/adjustments", given, subject="anna@shop.example")
    client.call("POST", "/members/m-1/orders/o-1/payment", ORDER, subject="anna@shop.example")

    for path in ("entries", "entries/points/1", "orders/o-1"):
        own = client.call("GET", f"/members/m-1/{path}", subject="m-1", scopes=["self"])
        shop = client.call("GET", f"/members/m-1/{path}")

        assert own.status_code == 200
        assert not any(said in own.text for said in ("fraud", "anna"))
        assert "anna" in shop.text


def test_two_callers_may_choose_the_same_key_for_work_of_no_member(client):
    item = {"member_ref": "m-1", "order_ref": "o-1", "order": ORDER}

    first = client.call("POST", "/orders/batch", {"items": [item]}, key="day", subject="till-1")
    other = {"items": [{**item, "order_ref": "o-2"}]}
    second = client.call("POST", "/orders/batch", other, key="day", subject="till-2")
    again = client.call("POST", "/orders/batch", other, key="day", subject="till-1")

    assert (first.json["taken"], second.json["taken"]) == (1, 1)
    assert again.json["code"] == "idempotency_key_reused"


def test_a_payment_of_what_was_reserved_is_told_in_its_currency(client):
    client.call("PUT", "/members/m-1/orders/o-1/reservation", {"lines": ORDER["lines"]})
    paid = {"payment_ref": "p-1", "paid": {"amount": 10_000, "currency": "USD"}}

    answer = client.call("POST", "/members/m-1/orders/o-1/payment", paid)

    told = [answer.json[name] for name in ("code", "path", "values")]
    assert answer.status_code == 422
    assert told == ["currency_foreign", "paid.currency", {"asked": "USD", "expected": "CNY"}]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("member.")])
def test_what_the_service_itself_tells_of_members_is_no_event_of_a_shop(client, kind):
    name = kind.removeprefix("member.")

    answer = client.call("POST", "/members/m-1/events", {"event": name})

    assert (answer.status_code, answer.json["code"]) == (422, "event_name_taken")
    assert (answer.json["path"], answer.json["values"]["asked"]) == ("event", name)


def test_no_event_of_a_shop_is_an_order(client):
    answer = client.call("POST", "/members/m-1/events", {"event": "order"})

    assert (answer.status_code, answer.json["code"]) == (422, "event_name_taken")


def test_a_member_learns_nothing_of_orders_of_others_from_a_quote(client):
    client.call("PUT", "/members/m-2", {})
    client.call("POST", "/members/m-2/orders/o-1/payment", ORDER)
    body = {"lines": ORDER["lines"]}
    me = {"subject": "m-1", "scopes": ("self",)}

    told = [
        client.call("POST", "/members/m-1/quotes", {**body, "order_ref": ref}, **me)
        for ref in ("o-1", "never-heard-of")
    ]

    assert [answer.status_code for answer in told] == [200, 200]
    assert told[0].json == told[1].json
