"""How runs are counted, named and stepped."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from loyalty_service.jobs.rules.counts import Counts, read_counts
from loyalty_service.jobs.rules.runs import Run, narrower, time_asks_for_members, wider
from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.catch_up import catch_up
from loyalty_service.ledger.rules.lots import Hold, Lot
from loyalty_service.members.service import new_member
from loyalty_service.program.rules.document import read_document
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.tiers import Lifetime, Tier, Tiers
from loyalty_service.program.rules.wallets import Name
from tests.factories import PLAIN

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)

CAKE = """
    - {id: cake, name: {en: Cake, zh: 生日}, wallet: points, group: base, on: birthday,
       give: {fixed: 50}}
returns:"""


def test_events_count_by_their_kind_whatever_it_is() -> None:
    member, counts = new_member(1, NOW, NOW), Counts()
    member.tell("tier.promoted", NOW, {"tier": "gold"})
    member.tell("points.expired", NOW, {"wallet": "points", "points": -30})
    member.tell("points.expired", NOW, {"wallet": "points", "points": -12})

    counts.note(member, [])

    assert counts.told() == {
        "points.expired": {"times": 2, "points": {"points": -42}},
        "tier.promoted": {"times": 1},
    }


def test_the_gift_of_a_promotion_is_counted_and_one_that_was_kept_is_not() -> None:
    member, counts = new_member(1, NOW, NOW), Counts()
    gift = {"wallet": "points", "points": 500, "entry": 7}
    member.tell("tier.promoted", NOW, {"tier": "gold", "gift": gift})
    member.tell("tier.promoted", NOW, {"tier": "diamond", "gift": gift})
    member.tell("tier.undone", NOW, {"tier": "gold", "gift": {**gift, "kept": True}})

    counts.note(member, [])

    assert counts.told() == {
        "tier.gifts": {"times": 2, "points": {"points": 1_000}},
        "tier.promoted": {"times": 2},
        "tier.undone": {"times": 1},
    }


def test_members_to_whom_nothing_happened_are_counted_as_only_reckoned() -> None:
    counts = Counts()

    counts.note(new_member(1, NOW, NOW), [])
    counts.note(new_member(2, NOW, NOW), [Account(2, "points", balance=5)])

    assert counts.told() == {"only.reckoned": {"times": 2}}


def test_a_hold_of_several_lots_lapses_once() -> None:
    account, counts = Account(1, "points"), Counts()
    later = NOW + timedelta(minutes=30)
    account.ended = [
        (Hold(1, 1, 1, 60, NOW, later), later),
        (Hold(1, 1, 2, 40, NOW, later), later),
        (Hold(2, 1, 2, 5, NOW, later), later),
    ]

    counts.note(new_member(1, NOW, NOW), [account])

    assert counts.told() == {"holds.lapsed": {"times": 2, "points": {"points": 105}}}


def test_lots_that_ended_are_counted_from_what_was_written() -> None:
    account, counts = Account(1, "points", balance=42), Counts()
    began = NOW - timedelta(days=1)
    account.lots = {n: Lot(n, None, 21, 21, began, NOW) for n in (1, 2)}
    catch_up([account], NOW, recorded_at=NOW, actor_id=1, version_at=lambda _: 1)

    counts.note(new_member(1, NOW, NOW), [account])

    assert counts.told() == {"points.expired": {"times": 0, "lots": {"points": 2}}}


def test_counts_of_parts_add_up_and_are_read_as_they_were_stored() -> None:
    one, other = Counts(), Counts()
    for counts, points in ((one, -3), (other, -4)):
        member = new_member(1, NOW, NOW)
        member.tell("points.expired", NOW, {"wallet": "points", "points": points})
        counts.note(member, [])
    other.put("keys.forgotten", 5)
    other.put("runs.forgotten", 0)

    whole = read_counts(one.told())
    whole.add(read_counts(other.told()))

    assert whole.told() == {
        "keys.forgotten": {"times": 5},
        "points.expired": {"times": 2, "points": {"points": -7}},
    }
    assert one.told()["points.expired"]["times"] == 1


def program(text: str) -> Program:
    checked = read_document(text)
    assert checked.program is not None, checked.faults
    return checked.program


def test_time_asks_for_members_where_there_are_tiers_or_a_birthday_gives_points() -> None:
    plain, cake = program(PLAIN), program(PLAIN.replace("\nreturns:", CAKE, 1))
    tiers = Tiers((Tier("plain", Name("Plain", "普通")),), Lifetime())

    assert not time_asks_for_members(plain)
    assert time_asks_for_members(cake)
    assert time_asks_for_members(replace(plain, tiers=tiers))


@pytest.mark.parametrize(
    ("outcome", "minutes", "state"),
    [
        (None, 9, "running"),
        (None, 10, "broken_off"),
        ("done", 99, "done"),
        ("stopped", 1, "stopped"),
        ("failed", 1, "failed"),
    ],
)
def test_a_run_that_has_not_moved_for_long_is_broken_off(
    outcome: str | None, minutes: int, state: str
) -> None:
    moved = NOW - timedelta(minutes=minutes)
    ended = None if outcome is None else moved
    run = Run("catch-up", NOW, 1, moved, moved, ended, outcome, None, 0, 0, 0, {})

    assert run.state(NOW) == state
    assert run.is_done is (outcome == "done")


def test_steps_get_narrow_fast_and_wide_again_slowly() -> None:
    assert [narrower(5_000), narrower(4), narrower(3), narrower(1)] == [1_250, 1, 1, 1]
    assert [wider(1, 5_000), wider(3_000, 5_000), wider(5_000, 5_000)] == [2, 5_000, 5_000]
