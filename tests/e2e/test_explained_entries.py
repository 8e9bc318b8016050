"""Entries explained over HTTP."""

from datetime import timedelta

import pytest

from tests.clients import Client
from tests.factories import Shop, line
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
