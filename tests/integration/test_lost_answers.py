"""Calls whose answer is lost on the way from the database: sent again, they count once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from tests.clients import Client
from tests.factories import Shop
from tests.integration.counter import CALLS, PROGRAM, Counter, said
from tests.integration.proxies import WARNING, Cut, Proxy
from tests.integration.till import PROGRAM as SPENDING
from tests.integration.till import Till

STEP = 13
A_FEW_ANSWERS = 1_000
EVENTS = "SELECT count(*) FROM event JOIN member_ref USING (member_id) WHERE value = 'm-1'"


@pytest.fixture
def proxy(database_url: str) -> Iterator[Proxy]:
    proxy = Proxy(database_url)
    yield proxy
    proxy.close()


@pytest.fixture
def counter(proxy: Proxy, db: Database, clock: SettableClock, tmp_path: Path) -> Iterator[Counter]:
    """A counter that reaches its database through the proxy."""
    Shop(db, PROGRAM)
    by_proxy = Database(proxy.url, clock=clock)
    counter = Counter(Client(by_proxy, clock, tmp_path), by_proxy)
    counter.open_account("m-1")
    counter.open_account("m-2")
    yield counter
    by_proxy.close()


@pytest.mark.parametrize("cut", Cut)
@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_broke_at_its_commit_is_sent_again_and_counts_once(
    counter, proxy, db, name, cut
):
    expected = counter.call(name, "m-2")
    before = db.fetch(EVENTS)[0][0]

    proxy.cut = cut
    broken = counter.call(name, "m-1", key="k")
    between = db.fetch(EVENTS)[0][0]
    again = counter.call(name, "m-1", key="k")

    assert (said(broken), "Retry-After" in broken.headers) == ("database_unavailable", True)
    assert (between > before) == (cut is Cut.AFTER)
    assert again.text == expected.text.replace("m-2", "m-1")
    assert counter.call(name, "m-1", key="k").data == again.data
    after = db.fetch(EVENTS)[0][0]
    assert after == between if cut is Cut.AFTER else after > before
    assert counter.balance("m-1") == counter.balance("m-2")


@pytest.fixture
def till(proxy: Proxy, db: Database, clock: SettableClock, tmp_path: Path) -> Iterator[Till]:
    """A till that reaches its database through the proxy."""
    Shop(db, SPENDING)
    by_proxy = Database(proxy.url, clock=clock)
    till = Till(Client(by_proxy, clock, tmp_path), by_proxy)
    for member in ("m-1", "m-2"):
        till.open_account(member)
    yield till
    till.balance()
    by_proxy.close()


@pytest.mark.parametrize("cut", Cut)
@pytest.mark.parametrize(
    "name", ["reserve a", "renew", "release", "pay", "cancel", "spend", "send"]
)
def test_points_whose_answer_was_lost_move_once_and_the_answer_is_told_again(
    till, proxy, db, name, cut
):
    expected, before = till.call(name, "m-2"), till.books_of("m-1")

    proxy.cut = cut
    broken = till.call(name, "m-1", key="k")
    between = Till(till.client, db).books_of("m-1")
    again = till.call(name, "m-1", key="k")

    assert (said(broken), expected.status_code) == ("database_unavailable", 200)
    assert (between != before) == (cut is Cut.AFTER)
    assert again.text == expected.text.replace("m-2", "m-1")
    assert till.call(name, "m-1", key="k").data == again.data
    assert till.points_of("m-1") == till.points_of("m-2")
    assert till.points_of("m-1-f") == till.points_of("m-2-f")


@pytest.mark.parametrize("cut", Cut)
def test_a_refusal_that_broke_at_its_commit_is_told_again(counter, proxy, db, cut):
    counter.call("take", "m-1")
    counter.call("take", "m-2")
    expected = counter.call("take", "m-2")

    proxy.cut = cut
    broken = counter.call("take", "m-1", key="k")
    again = counter.call("take", "m-1", key="k")

    assert said(broken) == "database_unavailable"
    assert (again.status_code, said(again)) == (409, "insufficient_points")
    assert again.text == expected.text.replace("m-2", "m-1")
    assert db.fetch("SELECT count(*) FROM idempotency WHERE key = 'k'") == [(1,)]


def test_what_breaks_off_anywhere_in_an_answer_of_the_database_counts_once(counter, proxy, db):
    assert counter.call("review").status_code == 200
    before, sent = db.fetch(EVENTS)[0][0], 0
    while True:
        # Another review gives nothing more, so that the answers do not grow.
        proxy.left = sent * STEP
        broken = counter.call("review", key=f"k-{sent}")
        sent += 1
        if broken.status_code == 200:
            break
        assert said(broken) == "database_unavailable", f"after {(sent - 1) * STEP} bytes"
        assert counter.call("review", key=f"k-{sent - 1}").status_code == 200
    proxy.left = None

    assert sent * STEP > A_FEW_ANSWERS
    assert db.fetch(EVENTS)[0][0] == before + sent
    assert counter.balance() == 93 + 20


@pytest.mark.parametrize("last_words", [b"", WARNING], ids=["silent", "crashing"])
def test_a_connection_that_broke_while_nobody_used_it_is_a_database_that_is_away(
    counter, proxy, last_words
):
    proxy.break_all(last_words)

    broken = counter.call("give", key="k")
    again = counter.call("give", key="k")

    assert said(broken) == "database_unavailable"
    assert again.status_code == 200
