"""The page of events says of every kind what its payload tells (R-90)."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from loyalty_service.jobs.rules.schedules import JobName
from tests.factories import Shop, line
from tests.integration.test_sliding import ENDLESS, SPENDABLE
from tests.integration.test_tiers import TIERED
from tests.integration.test_tiers_in_time import tiers
from tests.job_world import catch_up, run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "events.md"
WORTH = "redemption: {block_points: 1, block_value: '0.01'}\nreturns:"
FOR_EVENTS = """\
    - {id: cake, name: {en: Cake, zh: 蛋糕}, wallet: points, group: base, on: birthday,
       give: {fixed: 9}, activation: {on: payment}, expiry: never}
    - {id: words, name: {en: Words, zh: 评价}, wallet: points, group: base, on: review,
       give: {fixed: 5}, activation: {on: payment}, expiry: never}
"""
PROGRAM = tiers(
    TIERED.replace("returns:", FOR_EVENTS + WORTH),
    grace="{days: 30}",
    on_return="at_once",
    notify_at="[80]",
)
LIVING_ON = PROGRAM.replace(
    "expiry: {after: {months: 12}, round_to: month}", "expiry: {sliding: {months: 3}}"
).replace(", activation: {on: payment}, expiry: never}", "}")
DONE = {"member.review", "member.check_in", "member.birthday"}
DAY = timedelta(days=1)


def rows() -> dict[str, set[str]]:
    """The fields that the page tells of each kind."""
    text = PAGE.read_text(encoding="utf-8")
    of_change = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", text, flags=re.MULTILINE)
    change = set(re.findall(r"`(\w+)`", " ".join(of_change)))
    told = {}
    for kind, payload in re.findall(r"^\| `([a-z]+\.\S+)` \|.*\| (.*) \|$", text, re.MULTILINE):
        told[kind] = (
            change if "a change of tier" in payload else set(re.findall(r"`(\w+)`", payload))
        )
    return told


def act(shop: Shop, clock) -> None:
    """Let as much happen as a shop may tell."""
    soon = (clock.now() + 10 * DAY).date()
    shop.enrol("m-1", birthday=(soon.month, soon.day))
    shop.enrol("m-2")
    shop.amend("m-1", tags=("tea",))
    shop.adjust(5_000, expires_at=clock.now() + 7 * DAY)
    shop.reverse(1)
    shop.adjust(5_000, expires_at=clock.now() + 7 * DAY)
    shop.send(100, "m-2")
    shop.lock_points()
    shop.lock_points(is_locked=False)
    shop.tell("review")
    shop.tell("check_in")
    shop.reserve("o-1", line(), points=10)
    shop.release("o-1")
    shop.reserve("o-2", line(), points=10)
    shop.cancel("o-2")
    shop.pay("o-3", line(42_000, quantity=2), points=10, fulfilled=False)
    shop.fulfil("o-3")
    shop.give_back("o-3", "r-1", units=[(1, 1)])
    shop.give_back("o-3", "r-2", units=[(1, 1)])
    shop.pay("o-4", line(60_000))
    shop.cancel("o-4")
    shop.pay("o-5", line(60_000))
    run(shop.db, JobName.REMIND)
    clock.advance(500 * DAY)
    catch_up(shop.db)


def test_the_page_of_events_tells_every_field_of_a_payload_and_no_other(db, clock):
    act(Shop(db, PROGRAM), clock)

    found = defaultdict(set)
    for kind, payload in db.fetch("SELECT kind, payload FROM event"):
        found["member.<event>" if kind in DONE else kind] |= set(orjson.loads(payload))

    page = rows()
    assert {kind: fields for kind, fields in found.items() if fields != page[kind]} == {}
    assert page.keys() - found.keys() == {
        "points.end_changed",
        "points.moved",
        "points.opened",
        "tier.kept",
        "tier.term_began",
        "tier.replaced",
        "tier.imported",
    }


def entries_in(told: object) -> Iterator[tuple[str, int]]:
    """Every entry that a payload says was written, however deep: its wallet and number."""
    if isinstance(told, dict):
        if told.get("entry") is not None and not told.get("kept"):
            yield told["wallet"], told["entry"]
        told = list(told.values())
    if isinstance(told, list):
        for part in told:
            yield from entries_in(part)


def told_and_written(db) -> tuple[Counter, Counter]:
    """Every entry as often as events tell it, and as it was written."""
    told = Counter(
        (member_id, *entry)
        for member_id, payload in db.fetch("SELECT member_id, payload FROM event")
        for entry in entries_in(orjson.loads(payload))
    )
    return told, Counter(db.fetch("SELECT member_id, wallet, seq FROM entry"))


@pytest.mark.parametrize("program", [PROGRAM, LIVING_ON])
def test_every_entry_is_told_by_one_event(db, clock, program):
    act(Shop(db, program), clock)

    told, written = told_and_written(db)

    assert told == written


def test_every_entry_of_a_version_that_changes_ends_is_told(db, clock):
    waiting = "activation: {on: payment, wait_days: 3}"
    shop = Shop(db, ENDLESS.replace("activation: {on: fulfilment}", waiting))
    shop.enrol()
    shop.adjust(100, wallet="points")
    shop.pay("o-1", line(10_000))
    clock.advance(DAY)
    shop.apply(SPENDABLE)
    clock.advance(DAY)
    catch_up(db)

    told, written = told_and_written(db)
    ends = db.fetch("SELECT payload::jsonb->>'entry' FROM event WHERE kind = 'points.end_changed'")

    assert told == written
    assert ends == [("3",), ("4",)]
