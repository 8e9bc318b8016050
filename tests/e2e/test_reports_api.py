"""Reports over HTTP and on the command line."""

from pathlib import Path

import pytest

from loyalty_service.cli import main
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.reports.service import sum_up
from tests.clients import Client
from tests.factories import PLAIN, Shop

PROGRAM = PLAIN.replace("returns:", "redemption: {block_points: 7, block_value: '0.50'}\nreturns:")


@pytest.fixture
def shop(db: Database) -> Shop:
    shop = Shop(db, PROGRAM)
    shop.enrol()
    shop.pay()
    return shop


@pytest.fixture
def client(shop: Shop, db: Database, clock: SettableClock, tmp_path: Path) -> Client:
    return Client(db, clock, tmp_path)


POINTS = {"wallet": "points", "given": 100, "taken": 0, "points": 100, "entries": 1}
OPEN = {"active": 100, "pending": 0, "held": 0, "points": 100}


@pytest.mark.parametrize("is_summed", [False, True])
@pytest.mark.parametrize(
    ("by", "key"),
    [
        ("day", {"day": "2026-03-02"}),
        ("month", {"month": "2026-03"}),
        ("reason", {"reason": "order_paid"}),
        ("wallet", {}),
    ],
)
def test_points_are_told_by_what_is_asked(client, db, by, key, is_summed):
    if is_summed:
        assert sum_up(db).entries == 2

    told = client.call("GET", f"/reports/points?by={by}").json

    assert {**key, **POINTS} in told["rows"]
    assert len(told["rows"]) == 2
    assert (told["first_day"], told["last_day"]) == ("2026-03-01", "2026-03-02")
    assert told["time_zone"] == "Asia/Shanghai"


def test_points_are_told_by_month_where_it_is_not_asked_by_what(client):
    told = client.call("GET", "/reports/points").json

    assert told == client.call("GET", "/reports/points?by=month").json
    assert told["by"] == "month"


def test_days_outside_are_left_out(client):
    told = client.call("GET", "/reports/points?by=day&from=2026-02-01&until=2026-03-01").json

    assert told["rows"] == []


def test_open_points_are_told_with_their_worth(client):
    told = client.call("GET", "/reports/liability").json

    growth, points = told["wallets"]
    worth = {"amount": 714, "currency": "CNY"}
    assert points == {
        "wallet": "points",
        **OPEN,
        "worth": worth,
        "months": [{"ends": "in_month", "month": "2027-03", **OPEN, "worth": worth}],
    }
    assert growth["months"] == [{"ends": "never", "month": None, **OPEN, "worth": None}]
    assert (told["at"], told["program_version"]) == ("2026-03-02", 1)


def test_a_day_before_everything_is_empty(client):
    assert client.call("GET", "/reports/liability?at=2026-03-01").json["wallets"] == []


def test_reports_come_as_csv_when_asked(client):
    points = client.call("GET", "/reports/points?format=csv")
    owed = client.call("GET", "/reports/liability?format=csv")

    assert points.content_type == owed.content_type == "text/csv; charset=utf-8"
    assert "points-month-2026-03-01-2026-03-02.csv" in points.headers["Content-Disposition"]
    assert points.text.splitlines() == [
        "month,wallet,given,taken,points,entries",
        "2026-03,growth,100,0,100,1",
        "2026-03,points,100,0,100,1",
    ]
    assert owed.text.splitlines() == [
        "wallet,ends,month,active,pending,held,points,worth_minor,currency",
        "growth,never,,100,0,0,100,,",
        "points,in_month,2027-03,100,0,0,100,714,CNY",
    ]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("points?by=hour", 400, "request_invalid"),
        ("points?by=day&from=2026-3-1", 400, "request_invalid"),
        ("points?by=day&from=2026-03-03", 422, "span_impossible"),
        ("points?by=day&from=2020-01-01", 422, "span_impossible"),
        ("liability?at=2026-03-03", 422, "in_the_future"),
        ("liability?format=pdf", 400, "request_invalid"),
    ],
)
def test_what_cannot_be_told_is_refused(client, query, status, code):
    answer = client.call("GET", f"/reports/{query}")

    assert (answer.status_code, answer.json["code"]) == (status, code)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("points?by=day&from=2026-03-09", "2026-03-09, is still to come: today is 2026-03-02 in"),
        ("points?by=day&until=2999-12-31", "2999-12-01, is still to come: today is 2026-03-02 in"),
        ("points?by=day&from=2026-02-09&until=2026-02-08", "2026-02-09, comes after"),
        ("points?by=day&from=2024-03-02&until=2026-03-01", "730 days; by day, a report is of 366"),
        ("liability?at=2026-03-03", "2026-03-03 is still to come: today is 2026-03-02 in"),
    ],
)
def test_a_refusal_names_the_days(client, query, says):
    assert says in client.call("GET", f"/reports/{query}").json["detail"]


def test_points_that_wait_for_their_order_end_after_it(client, shop):
    shop.pay("o-2", fulfilled=False)

    _, points = client.call("GET", "/reports/liability").json["wallets"]

    assert [(one["ends"], one["month"], one["points"]) for one in points["months"]] == [
        ("in_month", "2027-03", 100),
        ("after_fulfilment", None, 100),
    ]


@pytest.mark.parametrize("report", ["points?by=day", "liability"])
def test_only_operators_read_reports(client, report):
    answer = client.call("GET", f"/reports/{report}", scopes=["checkout", "members"])

    assert answer.status_code == 403


def test_the_command_line_prints_the_same(shop, database_url, monkeypatch, capsys):
    monkeypatch.setenv("LOYALTY_DATABASE_URL", database_url)

    def run(*args):
        with pytest.raises(SystemExit) as ended:
            main(["report", *args])
        assert ended.value.code == 0
        return capsys.readouterr().out.splitlines()

    month = ["--from", "2026-03-01", "--until", "2026-03-31"]
    assert run("points", *month, "--csv") == [
        "month,wallet,given,taken,points,entries",
        "2026-03,growth,100,0,100,1",
        "2026-03,points,100,0,100,1",
    ]
    assert run("points", *month, "--by", "wallet") == [
        "wallet  given  taken  points  entries",
        "growth    100      0     100        1",
        "points    100      0     100        1",
        "2026-03-01 to 2026-03-31, Asia/Shanghai",
    ]
    assert run("liability", "--at", "2026-03-02") == [
        "wallet  ends     active  pending  held  points     worth",
        "growth  never       100        0     0     100",
        "points  2027-03     100        0     0     100  CNY 7.14",
        "growth: 100 points",
        "points: 100 points, worth CNY 7.14",
        "End of 2026-03-02, Asia/Shanghai, program 1",
    ]
