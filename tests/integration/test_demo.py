"""The demo shop as the service knows it: told once, taken up after a kill, and proved."""

import os
from contextlib import contextmanager
from datetime import date, timedelta

import pytest

from loyalty_service.checkout.service.proving import find_order_faults
from loyalty_service.cli import demo
from loyalty_service.cli.history import plan_history, tell_history
from loyalty_service.cli.history.life import local
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.shipped import shipped_folder
from loyalty_service.ledger.queries.reading import balances_now
from loyalty_service.ledger.service import Acting
from loyalty_service.ledger.service.proving import prove_all
from loyalty_service.members.queries import get_member
from loyalty_service.members.rules import parse_ref
from loyalty_service.program.service import Programs, apply_document
from loyalty_service.tiers.service import tell_standing
from loyalty_service.timekeeping.service import Timekeeping
from tests.databases import copied, lived_through
from tests.factories import PLAIN, STOREFRONT

TODAY = date(2026, 11, 23)
NOW = local(TODAY, 9.0)
ENTRIES = "SELECT member_id, wallet, seq, encode(hash, 'hex') FROM entry ORDER BY 1, 2, 3"


@pytest.fixture
def clock():
    return SettableClock(NOW)


@pytest.fixture(scope="module")
def told_once(server_url, template):
    """The demo told once; whoever looks at it gets a copy."""

    def tell(db, clock):
        demo.seed_demo(db, clock, TODAY)

    with lived_through(server_url, template, NOW, tell) as lived:
        yield lived.database


@pytest.fixture
def told(server_url, told_once, clock):
    with copied(server_url, told_once) as url:
        database = Database(url, clock=clock)
        yield database
        database.close()


def buckets(db, member, wallet="points"):
    with db.reading() as tx:
        return balances_now(tx, get_member(tx, parse_ref(member)), NOW)[wallet]


def test_every_entry_of_the_demo_is_proved(told):
    with told.reading() as tx:
        *_, report = prove_all(tx, None)
        report.find(find_order_faults(tx, None))

    assert report.faults == []
    assert report.members >= 25


def test_mei_shows_points_alive_waiting_and_about_to_end(told):
    points = buckets(told, "mei")

    assert points.active > 0
    assert points.pending > 0
    assert points.expiring[0][0] < NOW + timedelta(days=30)
    assert buckets(told, "mei", "growth").never_expiring > 0


def test_each_member_known_by_name_shows_what_they_are_known_for(told):
    assert buckets(told, "chen").deficit > 0
    assert buckets(told, "tao").due > 0
    assert {
        (kind, reason) for kind, reason in told.fetch("SELECT DISTINCT kind, reason FROM entry")
    } >= {("expire", "expired"), ("reverse", "mistake"), ("debit", "order_cancelled")}
    by_order = told.fetch(
        """
        SELECT wallet, sum(points) FROM entry JOIN member_ref USING (member_id)
        WHERE value = 'bo' AND source = 'order' GROUP BY wallet
        """
    )
    assert dict(by_order) == {"points": 0, "growth": 0}


def test_members_rise_and_fall_and_let_points_expire(told):
    causes = told.fetch("SELECT cause, count(*)::int FROM tier_change GROUP BY 1")
    expired = told.fetch("SELECT count(DISTINCT member_id)::int FROM entry WHERE kind = 'expire'")

    assert dict(causes)["promoted"] >= 2
    assert dict(causes)["demoted"] >= 1
    assert expired[0][0] >= 2
    with told.reading() as tx:
        acting = Acting(tx, Programs(), STOREFRONT, Timekeeping())
        stands = {name: tell_standing(acting, parse_ref(name), "en") for name in ("mei", "su")}
    assert {name: one["tier"]["id"] for name, one in stands.items()} == {
        "mei": "gold",
        "su": "silver",
    }


@pytest.mark.parametrize("today", [TODAY, date(2028, 2, 29), date(2028, 3, 31), date(2027, 1, 1)])
def test_the_two_who_show_tiers_do_so_whatever_the_day(db, clock, today):
    clock.set(local(today - demo.OPENED_BEFORE, 0.0))
    text = (shipped_folder("programs") / "sample.yaml").read_text(encoding="utf-8")
    db.run(lambda tx: apply_document(tx, text, demo.SHOP))
    acts = [act for act in plan_history(today) if act.member in ("mei", "su")]

    tell_history(db, clock, acts, lambda: None)

    moved = "SELECT cause, to_tier FROM tier_change JOIN member_ref USING (member_id)"
    moved += " WHERE value = %s ORDER BY change_no"
    assert db.fetch(moved, ("mei",)) == [("promoted", "silver"), ("promoted", "gold")]
    assert db.fetch(moved, ("su",)) == [
        ("promoted", "gold"),
        ("grace_began", "gold"),
        ("demoted", "silver"),
    ]
    ((expired,),) = db.fetch(
        "SELECT sum(-points)::int FROM entry JOIN member_ref USING (member_id)"
        " WHERE value = 'su' AND entry.kind = 'expire'"
    )
    assert expired > 3_000


def test_the_program_is_in_force_from_the_day_the_shop_opened(told):
    ((in_force_at,),) = told.fetch("SELECT in_force_at FROM program_version")

    assert told.fetch("SELECT count(*) FROM entry WHERE occurred_at < %s", (in_force_at,)) == [(0,)]


def test_a_second_start_adds_nothing_even_on_a_later_day(told, clock):
    before = told.fetch(ENTRIES)

    demo.seed_demo(told, clock, TODAY + timedelta(days=3))

    assert told.fetch(ENTRIES) == before


def test_a_start_that_was_killed_is_taken_up_to_the_same_end(db, clock, monkeypatch):
    class Killed(Exception):
        pass

    @contextmanager
    def dying(total):
        left = iter(range(total // 2))

        def on_act():
            if next(left, None) is None:
                raise Killed

        yield on_act

    with monkeypatch.context() as patch:
        patch.setattr(demo, "_progress", dying)
        with pytest.raises(Killed):
            demo.seed_demo(db, clock, TODAY)
    half = db.fetch(ENTRIES)
    clock.set(NOW)

    demo.seed_demo(db, clock, TODAY + timedelta(days=1))

    whole = db.fetch(ENTRIES)
    assert 0 < len(half) < len(whole)
    assert set(half) < set(whole)
    assert db.fetch("SELECT max(occurred_at) FROM entry") == [(local(date(2026, 11, 22), 21.5),)]


def test_a_shop_with_a_program_of_its_own_is_told_no_past(db, clock):
    db.run(lambda tx: apply_document(tx, PLAIN, "somebody"))

    is_demo = demo.seed_demo(db, clock, TODAY)

    assert not is_demo
    assert db.fetch("SELECT count(*) FROM member") == [(0,)]


def test_the_command_fills_a_migrated_database_and_says_so(db, database_url, monkeypatch, capsys):
    for name in [name for name in os.environ if name.startswith("LOYALTY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LOYALTY_DATABASE_URL", database_url)

    demo.demo([], standalone_mode=False)

    assert "The demo shop is there." in capsys.readouterr().out
    assert db.fetch("SELECT count(*) FROM member")[0][0] > 25
