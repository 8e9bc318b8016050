"""The examples of the contract are calls that were made: one member's story, played here.

The story makes ``loyalty_service/web/examples.json``. Where the service has come to answer
otherwise, play it with LOYALTY_TEST_WRITE_EXAMPLES=1 and read what changed.
"""

import dataclasses
import os
import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from loyalty_service.app import create_app
from loyalty_service.config import read_config
from loyalty_service.feed.service import publish
from loyalty_service.jobs.rules.schedules import JobName
from loyalty_service.jobs.service import Jobs, Watch
from loyalty_service.kit.auth import TokenVerifier, mint_token
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.http import Route, list_routes
from loyalty_service.kit.keys import FileKeys, create_key_file
from loyalty_service.program.service import Programs
from loyalty_service.timekeeping.service import Timekeeping
from loyalty_service.web import docs

EXAMPLES = Path(docs.__file__).parent / "examples.json"

PROGRAM = """\
program: tea_house
currency: CNY
time_zone: Asia/Shanghai

wallets:
  - id: points
    name: {en: Points, zh: 积分}
    spendable: true
    activation: {on: fulfilment, wait_days: 7}
    expiry: {after: {months: 12}, round_to: month}
  - id: growth
    name: {en: Growth, zh: 成长值}
    spendable: false
    activation: {on: payment}
    expiry: never

earning:
  groups:
    - {id: base, combine: sum}
    - {id: growth, combine: sum}
    - {id: activity, combine: sum}
  rules:
    - id: base
      name: {en: Shopping, zh: 购物}
      wallet: points
      group: base
      give: {rate: {points: 1, per: "1.00"}}
    - id: big_order
      name: {en: Big order, zh: 大单礼}
      wallet: points
      group: base
      give: {fixed: 100}
      when: {minimum_amount: "500.00"}
    - id: growth
      name: {en: Growth, zh: 成长值}
      wallet: growth
      group: growth
      give: {step: {points: 1, per: "10.00"}}
    - id: check_in
      name: {en: Daily check-in, zh: 每日签到}
      wallet: points
      group: activity
      on: check_in
      give: {by_streak: [1, 2, 3, 5]}
      activation: {on: payment}

redemption:
  wallet: points
  block_points: 100
  block_value: "1.00"
  minimum_points: 200
  step_points: 100
  max_share: "0.5"

tiers:
  window: {months: 12}
  levels:
    - {id: regular, name: {en: Regular, zh: 普通}}
    - id: silver
      name: {en: Silver, zh: 银卡}
      entry: {any: [{earned: {wallet: growth, at_least: 50}}]}
    - id: gold
      name: {en: Gold, zh: 金卡}
      entry: {any: [{earned: {wallet: growth, at_least: 900}}]}
"""


def yuan(fen: int) -> dict[str, Any]:
    return {"amount": fen, "currency": "CNY"}


def goods(sku: str, quantity: int, fen: int, **more: Any) -> dict[str, Any]:
    return {"sku": sku, "category": "tea", "quantity": quantity, "amount": yuan(fen), **more}


TEAPOT = goods("POT-750", 1, 62_800, category="ware", brand="Yixing")
TEA = goods("TEA-LJ-250", 2, 12_800, brand="Longjing")
PARCEL = {"sku": "PARCEL", "kind": "shipping", "quantity": 1, "amount": yuan(1_000)}


@dataclass(frozen=True)
class Step:
    """One call of the story.

    Args:
        at: month, day and time of 2026, in UTC.
        shown: whether it is the example of its operation.
        status: what it is answered with.
    """

    at: str
    operation: str
    body: dict[str, Any] | None = None
    shown: bool = True
    status: int = 200
    key: str = ""
    named: dict[str, Any] = field(default_factory=dict)


def step(at: str, operation: str, body: dict[str, Any] | None = None, /, **more: Any) -> Step:
    own = {one.name for one in dataclasses.fields(Step)} - {"at"}
    named = {name: more.pop(name) for name in list(more) if name not in own}
    return Step(at, operation, body, named=named, **more)


NIGHTLY = "what the scheduler does at three in the morning"
MEI = {"member_ref": "C-1001"}
TEA_ORDER = MEI | {"order_ref": "A-1002"}
STORY = [
    step("03-02T01:00:00", "check_document", {"document": PROGRAM}),
    step("03-02T01:05:00", "apply_version", {"document": PROGRAM}, key="program-2026-03"),
    step(
        "03-02T04:00:00",
        "put_member",
        {
            "refs": [
                {"kind": "card", "value": "80012345"},
                {"kind": "phone", "value": "13800138000"},
            ],
            "birthday": {"month": 5, "day": 20},
            "tags": ["newsletter"],
        },
        **MEI,
    ),
    step("03-02T05:00:00", "put_member", {"tags": []}, shown=False, member_ref="C-1002"),
    # A teapot gives her points; they come alive a week after the parcel.
    step(
        "03-03T06:30:00",
        "pay",
        {"payment_ref": "ch-5001", "fulfilled": False, "lines": [TEAPOT]},
        shown=False,
        order_ref="A-1001",
        **MEI,
    ),
    step("03-05T02:00:00", "fulfil", {}, shown=False, order_ref="A-1001", **MEI),
    step("03-19T00:30:00", "record_event", {"event": "check_in"}, shown=False, **MEI),
    step(
        "03-20T00:40:00",
        "record_event",
        {"event": "check_in", "channel": "app"},
        key="check-in-C-1001-2026-03-20",
        **MEI,
    ),
    # She begins to pay for two cups, with more points than she has, and leaves.
    step(
        "03-20T01:00:00",
        "reserve",
        {"lines": [goods("CUP-2", 2, 7_600)], "points": 1000},
        shown=False,
        status=409,
        order_ref="A-1000",
        **MEI,
    ),
    step(
        "03-20T01:00:00",
        "reserve",
        {"lines": [goods("CUP-2", 2, 7_600)], "points": 300},
        shown=False,
        order_ref="A-1000",
        **MEI,
    ),
    step("03-20T01:04:00", "release", key="release-A-1000-1", order_ref="A-1000", **MEI),
    # Tea, partly with points: quoted, reserved, paid, sent.
    step(
        "03-20T02:00:00",
        "quote",
        {"lines": [TEA, PARCEL], "channel": "app", "points": 1000},
        **MEI,
    ),
    step(
        "03-20T02:01:00",
        "reserve",
        {"lines": [TEA, PARCEL], "channel": "app", "points": 700},
        **TEA_ORDER,
    ),
    step(
        "03-20T02:03:00",
        "pay",
        {"payment_ref": "ch-5002", "paid": yuan(13_100)},
        key="pay-A-1002-ch-5002",
        **TEA_ORDER,
    ),
    step(
        "03-23T08:31:00",
        "fulfil",
        {"occurred_at": "2026-03-23T08:30:00Z"},
        key="sent-A-1002",
        **TEA_ORDER,
    ),
    # One tin comes back.
    step(
        "03-25T03:00:00",
        "put_return",
        {"lines": [{"line": 1, "units": 1}]},
        return_ref="R-1",
        **TEA_ORDER,
    ),
    step("03-25T03:10:00", "read_order_of_member", **TEA_ORDER),
    step("03-25T03:11:00", "find_order", order_ref="A-1002"),
    # Another order is called off before it arrived.
    step(
        "03-26T09:00:00",
        "pay",
        {"payment_ref": "ch-5003", "fulfilled": False, "lines": [goods("TEA-BLC-100", 1, 9_600)]},
        shown=False,
        order_ref="A-1003",
        **MEI,
    ),
    step("03-26T10:00:00", "cancel", {}, key="cancel-A-1003", order_ref="A-1003", **MEI),
    step("03-27T03:00:00", "read_balance", **MEI),
    step("03-27T03:00:00", "read_standing", **MEI),
    step("03-27T03:00:00", "list_tier_changes", limit=10, **MEI),
    # The till tells its day: an order, a return, and somebody nobody knows.
    step(
        "03-28T14:00:00",
        "take_batch",
        {
            "items": [
                {
                    "member_ref": "C-1002",
                    "order_ref": "T-0328-17",
                    "order": {
                        "payment_ref": "till-0328-17",
                        "occurred_at": "2026-03-28T06:12:00Z",
                        "channel": "store",
                        "lines": [TEAPOT | {"discount": yuan(2_800)}],
                    },
                },
                {
                    "member_ref": "card:80012345",
                    "order_ref": "A-1001",
                    "return": {"return_ref": "T-0328-R1", "amount": yuan(5_000)},
                },
                {
                    "member_ref": "C-9999",
                    "order_ref": "T-0328-18",
                    "order": {"payment_ref": "till-0328-18", "lines": [TEA]},
                },
            ]
        },
        key="till-3-2026-03-28",
    ),
    step(
        "03-29T02:00:00",
        "adjust",
        {
            "wallet": "points",
            "points": 50,
            "note": "For trying the till",
            "expires_at": "2026-03-31T16:00:00Z",
        },
        shown=False,
        member_ref="C-1002",
    ),
    # An operator makes up for a late parcel, and moves points within the family.
    step(
        "03-31T02:00:00",
        "adjust",
        {"wallet": "points", "points": 200, "note": "The parcel came a week late"},
        key="ticket-4711",
        **MEI,
    ),
    step(
        "03-31T02:10:00",
        "transfer",
        {"to": "C-1002", "wallet": "points", "points": 100, "note": "Asked for by phone"},
        key="ticket-4712",
        **MEI,
    ),
    step("03-31T03:00:00", "list_entries", wallet="points", limit=2, **MEI),
    step("03-31T03:00:00", "explain_entry", wallet="points", seq=1, lang="en", **MEI),
    step("03-31T03:00:00", "prove", **MEI),
    step("03-31T19:00:00", NIGHTLY, shown=False),
    step("04-01T01:00:00", "look_up", {"kind": "phone", "value": "13800138000"}),
    step("04-01T01:02:00", "put_redemption_lock", {"locked": True}, **MEI),
    step("04-01T01:03:00", "get_member", **MEI),
    step("04-01T02:00:00", "read_program", lang="en"),
    step("04-01T02:00:00", "read_version", version=1, lang="zh"),
    step("04-01T02:00:00", "list_versions", limit=10),
    step("04-01T02:05:00", "list_jobs"),
    step("04-01T02:00:00", "read_events", after=0, kinds="order.paid,points.adjusted", limit=2),
    step(
        "04-01T02:00:00",
        "read_points_report",
        by="reason",
        until="2026-03-31",
        **{"from": "2026-03-01"},
    ),
    step("04-01T02:00:00", "read_liability", at="2026-03-31"),
    step("04-01T02:00:00", "healthz"),
    step("04-01T02:00:00", "readyz"),
]


class Stage:
    """The service on an empty database, its shop and its operator."""

    def __init__(self, db: Database, clock: SettableClock, folder: Path) -> None:
        create_key_file(folder / "keys.json")
        (folder / "secret").write_bytes(b"s" * 32)
        self.keys = FileKeys(folder / "keys.json")
        self.clock = clock
        self.db = db
        config = dataclasses.replace(read_config(), ref_secret_file=folder / "secret")
        tokens = TokenVerifier(self.keys, issuer="loyalty-dev", audience="loyalty")
        self.app: Flask = create_app(config, db=db, clock=clock, tokens=tokens)
        self.app.testing = True
        self.jobs = Jobs(db, Programs(), Timekeeping())
        self.routes = {route.handler.__name__: route for route in list_routes(self.app)}

    def play(self, one: Step) -> TestResponse:
        """Make the call of one step."""
        route = self.routes[one.operation]
        self.clock.set(datetime.fromisoformat(f"2026-{one.at}+00:00"))
        if one.operation == "read_events":
            publish(self.db)
        in_path = {name for name, _ in route.fields}
        query = {name: value for name, value in one.named.items() if name not in in_path}
        headers = {"Authorization": f"Bearer {self.token(route)}"}
        if route.keyed:
            headers["Idempotency-Key"] = one.key or f"unseen-{one.at}-{one.operation}"
        http = self.app.test_client(use_cookies=False)
        return http.open(
            re.sub(r"{(\w+)}", lambda found: str(one.named[found[1]]), route.path),
            method=route.method,
            query_string=query,
            json=one.body,
            headers=headers,
        )

    def token(self, route: Route) -> str:
        """A token of the shop, or of an operator where only operators may."""
        is_shop = route.public or {"checkout", "members"} & set(route.scopes)
        return mint_token(
            self.keys.find("dev"),
            issuer="loyalty-dev",
            audience="loyalty",
            subject="web-shop" if is_shop else "li.na",
            scopes=["checkout", "members"] if is_shop else ["operator"],
        )


def played(stage: Stage) -> dict[str, Any]:
    """The examples that the story comes to."""
    told: dict[str, Any] = {}
    for one in STORY:
        if one.operation == NIGHTLY:
            stage.clock.set(datetime.fromisoformat(f"2026-{one.at}+00:00"))
            stage.jobs.run_due(JobName.CATCH_UP, Watch())
            continue
        answer = stage.play(one)
        assert answer.status_code == one.status, (one, answer.text)
        if one.status >= 400:
            told["problem"] = answer.json
        if one.shown:
            named = dict(one.named) | ({"Idempotency-Key": one.key} if one.key else {})
            parts = {"parameters": named or None, "body": one.body, "answer": answer.json}
            told[one.operation] = {name: part for name, part in parts.items() if part is not None}
    return told


@pytest.fixture
def stage(db: Database, clock: SettableClock, tmp_path: Path) -> Stage:
    return Stage(db, clock, tmp_path)


def test_the_examples_of_the_contract_are_what_the_service_answers(stage: Stage) -> None:
    told = played(stage)

    if os.environ.get("LOYALTY_TEST_WRITE_EXAMPLES"):
        EXAMPLES.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
    written = orjson.loads(EXAMPLES.read_bytes())
    assert told.keys() == written.keys()
    for operation, example in told.items():
        assert example == written[operation], operation


def test_every_call_with_a_body_or_an_answer_in_json_has_its_example(stage: Stage) -> None:
    written = orjson.loads(EXAMPLES.read_bytes())

    for name, route in stage.routes.items():
        answer = next(iter(route.answers.values()))
        example = written.get(name, {})
        assert ("body" in example) == (route.body is not None), name
        assert ("answer" in example) == (answer is not None), name
        if route.body is not None:
            assert route.body.validate(example["body"]) == {}, name
        if answer is not None:
            assert answer.validate(example["answer"]) == {}, name
