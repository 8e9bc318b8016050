"""Entries explained over HTTP."""

from datetime import timedelta

import pytest

from tests.clients import Client
from tests.factories import Shop, line
from tests.integration.test_lots_to_spend import REDEEMED
from tests.integration.test_sliding import BEGIN, ENDLESS, SLIDING

DAY = timedelta(days=1)


@pytest.fixture
def shop(db, clock):
    clock.set(BEGIN)
    shop = Shop(db, SLIDING)
    shop.enrol()
    shop.pay("o-1", line(10_000))
    clock.advance(DAY)
    return shop


def explained(client, wallet="points"):
    """Every entry of a wallet as it is explained, by what it was written for."""
    entries = client.call("GET", f"/members/m-1/entries?wallet={wallet}").json["entries"]
    paths = [f"/members/m-1/entries/{wallet}/{entry['entry']}" for entry in reversed(entries)]
    return [client.call("GET", path) for path in paths]


def lots_by_reason(answers):
    assert {answer.status_code for answer in answers} == {200}
    return [
        (answer.json["reason"], [(lot["lot"], lot["points"]) for lot in answer.json["lots"]])
        for answer in answers
    ]


def test_an_end_that_moved_for_all_points_is_told_of_no_lot(shop, clock, tmp_path):
    shop.pay("o-2", line(5_000))

    answers = explained(Client(shop.db, clock, tmp_path))

    assert lots_by_reason(answers)[-2:] == [("activity", [(None, 0)]), ("order_paid", [(2, 50)])]
    (moved,) = answers[-2].json["lots"]
    assert (moved["active_at"], moved["expires_at"]) == (None, "2026-06-03T16:00:00Z")


def test_an_end_that_a_new_version_gives_is_told_by_lot_and_of_no_lot(db, clock, tmp_path):
    clock.set(BEGIN)
    shop = Shop(db, ENDLESS)
    shop.enrol()
    shop.pay("o-1", line(10_000))
    for program in (SLIDING, ENDLESS):
        clock.advance(DAY)
        shop.apply(program)
        clock.advance(DAY)
        shop.adjust(1)

    told = lots_by_reason(explained(Client(db, clock, tmp_path)))

    changed = [lots for reason, lots in told if reason == "expiry_changed"]
    assert changed == [[(None, 0)], [(1, 0), (2, 0)], [(None, 0)]]


def words_of(client, lang, wallet="points"):
    entries = client.call("GET", f"/members/m-1/entries?wallet={wallet}").json["entries"]
    paths = [f"/members/m-1/entries/{wallet}/{entry['entry']}" for entry in reversed(entries)]
    return [client.call("GET", f"{path}?lang={lang}").json["words"] for path in paths]


def test_what_a_return_leaves_owed_and_what_pays_it_is_told(db, clock, tmp_path):
    shop = Shop(db)
    shop.enrol()
    shop.pay("o-1", line(13_200))
    shop.adjust(-70)
    shop.give_back("o-1", amount_minor=13_200)
    shop.adjust(30)
    shop.pay("o-2", line(5_000))
    client = Client(db, clock, tmp_path)

    assert [words[-1] for words in words_of(client, "en")[1:]] == [
        "An operator took 70 points.",
        "Of it, 70 points could not be taken: owed, and paid by what comes next.",
        "Of it, 30 points paid what was owed.",
        "Of it, 40 points paid what was owed.",
    ]
    returned, given, bought = words_of(client, "zh")[2:]
    assert returned[0] == "订单 o-1 退货，收回该订单所得的 132 积分。"
    assert returned[1] == "其中 70 积分余额不足，记为欠分，由以后所得抵扣。"
    assert given == ["人工增加 30 积分。", "其中 30 积分用于抵欠。"]
    assert bought[-2:] == ["积分合计：50。", "其中 40 积分用于抵欠。"]


def test_points_are_told_by_the_name_of_their_wallet(db, clock, tmp_path_factory):
    shop = Shop(db)
    shop.enrol()
    shop.pay("o-1", line(5_200))
    shop.cancel("o-1")

    taken_en, taken_zh = (
        words_of(Client(db, clock, tmp_path_factory.mktemp(lang)), lang, "growth")[-1]
        for lang in ("en", "zh")
    )

    assert taken_en == ["52 points in Growth that order o-1 had earned went when it was cancelled."]
    assert taken_zh == ["订单 o-1 取消，收回该订单所得的 52 成长值。"]


def test_a_hold_let_go_that_pays_a_debt_tells_how_much(db, clock, tmp_path):
    shop = Shop(db, REDEEMED)
    shop.enrol()
    shop.adjust(100)
    shop.reserve("o-1", points=100)
    shop.adjust(-40, allow_negative=True)
    shop.release("o-1")

    assert words_of(Client(db, clock, tmp_path), "en")[-1] == [
        "40 points that became free paid what was owed."
    ]
