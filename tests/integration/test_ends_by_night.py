"""Ends that move are found by night, by reminders, by the proof and by what time brings."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from loyalty_service.jobs.rules.schedules import JobName
from loyalty_service.jobs.service import CatchUp
from loyalty_service.ledger.service.proving import prove_all
from loyalty_service.program.service import Programs
from loyalty_service.timekeeping.service import Timekeeping
from tests.databases import connect
from tests.factories import Shop, line
from tests.integration.test_tiers import TIERS, standing
from tests.job_world import PROGRAM, assert_proved, catch_up, events, live, rows, run

DAY = timedelta(days=1)
YEARLY = "{after: {months: 12}, round_to: month}"
CAKE = """
    - {id: cake, name: {en: Cake, zh: 生日}, wallet: points, group: base, on: birthday,
       give: {fixed: 50}}
redemption:"""


def ending(expiry: str, more: str = "") -> str:
    """The program of the nights with another end of points."""
    return PROGRAM.replace(YEARLY, expiry).replace("\nredemption:", CAKE, 1) + more


ENDLESS, DAYS = ending("never"), ending("{after: {days: 3}}")
SLIDING = ending("{sliding: {days: 5}}")
TURNS = [DAYS, SLIDING, ENDLESS, SLIDING, DAYS, ENDLESS]
HISTORY = """
SELECT e.member_id, e.wallet, e.seq, e.kind, e.points, e.reason, e.program_version, e.actor_id,
       e.occurred_at, e.balance_after, a.lot_seq, a.points, a.active_at, a.expires_at
  FROM entry e LEFT JOIN allocation a
    ON a.member_id = e.member_id AND a.wallet = e.wallet AND a.entry_seq = e.seq
 ORDER BY 1, 2, 3, a.lot_seq
"""
STANDS = """
SELECT a.member_id, a.wallet, a.seq, a.balance, a.deficit, a.ends_at, l.lot_seq, l.remaining,
       l.active_at, l.expires_at, m.due_at, m.due_by
  FROM account a JOIN member m USING (member_id) LEFT JOIN lot l USING (member_id, wallet)
 ORDER BY 1, 2, l.lot_seq
"""


def begin(db, seed):
    """A shop that has lived for days, with birthdays to come."""
    shop = Shop(db, ENDLESS)
    refs = live(shop, db.clock, seed)
    for i, ref in enumerate(refs):
        coming = db.clock.now() + (1 + i) * DAY / 2
        shop.amend(ref, birthday=(coming.month, coming.day))
    return shop, refs


@pytest.mark.parametrize("seed", range(3))
def test_turns_are_written_by_night_as_the_next_operations_would_to_the_byte(
    db, clock, twin, owner_connection, seed
):
    worlds = [begin(db, seed), begin(twin, seed)]
    for shop, refs in worlds:
        for number, text in enumerate(TURNS):
            shop.db.clock.advance(DAY)
            shop.apply(text)
            shop.pay(f"t-{number}", line(3_000), member=refs[number])
        shop.db.clock.advance(DAY)

    ended = catch_up(db)
    for shop, refs in worlds:
        for ref in refs:
            shop.adjust(1, member=ref)

    # Everybody but the one who did something after the last version.
    assert ended.members == len(worlds[0][1]) - 1
    with connect(twin.url).cursor() as cursor:
        told = rows(cursor.connection)
    found = rows(owner_connection)
    assert found == told
    assert_proved(db)


@pytest.mark.parametrize("seed", range(3))
def test_nights_in_time_late_and_twice_come_to_the_same(db, clock, twin, seed):
    worlds = [begin(db, seed), begin(twin, seed)]
    for shop, _ in worlds:
        for text in TURNS:
            shop.db.clock.advance(DAY)
            shop.apply(text)
            if shop.db is db:
                catch_up(db)
                clock.advance(DAY / 2)
                catch_up(db)
                clock.advance(-DAY / 2)
        shop.db.clock.advance(2 * DAY)
        catch_up(shop.db)

    before = db.fetch(HISTORY)
    clock.advance(timedelta(microseconds=1))
    again = catch_up(db)

    assert (again.members, db.fetch(HISTORY)) == (0, before)
    assert before == twin.fetch(HISTORY)
    assert db.fetch(STANDS) == twin.fetch(STANDS)
    reasons = {reason for _, _, _, _, _, reason, *_ in before}
    assert reasons >= {"expiry_changed", "expired", "event"}
    assert_proved(db)


def test_only_members_whose_points_end_or_turn_are_looked_at(db, clock):
    shop = Shop(db, PROGRAM.replace(YEARLY, "{sliding: {days: 5}}"))
    for member in ("ends", "lives", "spent"):
        shop.enrol(member)
        shop.pay(f"o-{member}", line(1_000), member=member)
    shop.adjust(-10, member="spent")
    clock.advance(3 * DAY)
    shop.pay("o-2", line(1_000), member="lives")
    clock.advance(3 * DAY)

    ended = catch_up(db)
    clock.advance(DAY)
    shop.apply(PROGRAM.replace(YEARLY, "{sliding: {days: 6}}"))
    again = catch_up(db)
    clock.advance(DAY)
    shop.apply(PROGRAM.replace(YEARLY, "never"))
    off = catch_up(db)

    assert ended.counts["points.expired"]["points"] == {"points": -10}
    assert (ended.members, again.members, off.members) == (1, 0, 3)
    assert_proved(db)


def test_who_has_only_points_that_end_later_is_not_looked_at_again(db, clock):
    shop = Shop(db, PROGRAM.replace(YEARLY, "{sliding: {days: 5}}"))
    shop.enrol()
    shop.pay("o-1", line(1_000))
    shop.adjust(7, expires_at=clock.now() + 90 * DAY)
    clock.advance(9 * DAY)
    step = CatchUp(Programs(), Timekeeping(), clock.now())

    with db.reading() as tx:
        before = step._find(tx, 0, 10)
    catch_up(db)
    with db.reading() as tx:
        after = step._find(tx, 0, 10)

    assert (len(before.due), len(after.due)) == (1, 0)


def test_members_are_told_of_an_end_that_moved_and_only_of_what_ends(db, clock):
    shop = Shop(db, PROGRAM.replace(YEARLY, "{sliding: {days: 20}}"))
    shop.enrol()
    shop.pay("o-1", line(1_000))
    run(db, JobName.REMIND)
    clock.advance(14 * DAY)
    run(db, JobName.REMIND)
    shop.pay("o-2", line(500))
    clock.advance(14 * DAY)
    run(db, JobName.REMIND)

    told = [orjson.loads(payload) for _, payload in events(db, "points.expiring")]

    assert [(one["points"], one["days"], one["expires_on"]) for one in told] == [
        (10, 20, "2026-03-22"),
        (10, 6, "2026-03-22"),
        (15, 6, "2026-04-05"),
    ]


def test_members_are_told_of_an_end_that_a_version_gave_their_points(db, clock):
    shop = Shop(db, PROGRAM.replace(YEARLY, "never"))
    shop.enrol()
    shop.pay("o-1", line(1_000))
    shop.apply(PROGRAM.replace(YEARLY, "{after: {days: 7}}"))

    catch_up(db)
    run(db, JobName.REMIND)

    told = [orjson.loads(payload) for _, payload in events(db, "points.expiring")]
    assert [(one["points"], one["days"]) for one in told] == [(10, 7)]


def test_what_time_and_tiers_give_moves_no_end_and_ends_with_the_wallet(db, clock):
    shop = Shop(db, ending("{sliding: {months: 1}}", TIERS))
    soon = clock.now() + 10 * DAY
    shop.enrol(birthday=(soon.month, soon.day))
    shop.enrol("m-2", birthday=(soon.month, soon.day))
    shop.pay("o-1", line(10_000))
    end = datetime(2026, 4, 2, 16, tzinfo=UTC)
    clock.advance(20 * DAY)
    catch_up(db)
    shop.adjust(400, wallet="growth")
    for number in range(9):
        shop.pay(f"small-{number}", line(1), at=clock.now() - 20 * DAY, fulfilled=False)

    assert standing(shop)["tier"]["id"] == "silver"
    # 100 of the order, 50 of the birthday, 50 of the tier: nothing was earned by the small ones.
    assert shop.balance().expiring == ((end, 200),)
    # The first points of a wallet are there for a period.
    assert shop.balance(member="m-2").expiring == ((datetime(2026, 4, 12, 16, tzinfo=UTC), 50),)
    entries = db.fetch("SELECT reason, actor_id FROM entry WHERE wallet = 'points' ORDER BY seq")
    assert [reason for reason, _ in entries].count("activity") == 1
    assert_proved(db)


def test_standing_tells_what_ends_by_a_version_that_is_not_written_yet(db, clock):
    shop = Shop(db, PROGRAM.replace(YEARLY, "never") + TIERS)
    shop.enrol()
    shop.pay("o-1", line(60_000))
    assert standing(shop)["expiring_before"] == []

    shop.apply(PROGRAM.replace(YEARLY, "{after: {days: 9}}") + TIERS)

    (ends,) = standing(shop)["expiring_before"]
    assert (ends["points"], ends["first_at"]) == (650, "2026-03-11T16:00:00Z")


BROKEN = [
    ("account", "ends_at", "UPDATE account SET ends_at = ends_at + interval '1 day'"),
    ("account", "ends_at", "UPDATE account SET ends_at = NULL"),
    ("lot", "expires_at", "UPDATE lot SET expires_at = '2026-05-01' WHERE expires_at IS NULL"),
    (
        # What of an entry was changed its hash cannot tell.
        "entry",
        "hash",
        "UPDATE allocation SET expires_at = expires_at + interval '1 day' WHERE lot_seq = -1",
    ),
]


@pytest.mark.parametrize(("table", "column", "change"), BROKEN)
def test_an_end_that_somebody_changes_is_found(db, clock, owner_connection, table, column, change):
    shop = Shop(db, PROGRAM.replace(YEARLY, "{sliding: {months: 1}}"))
    shop.enrol()
    shop.pay("o-1", line(1_000))
    assert_proved(db)

    with owner_connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(f"{change} {'AND' if 'WHERE' in change else 'WHERE'} wallet = 'points'")

    with db.reading() as tx:
        *_, report = prove_all(tx, None)
    (fault,) = report.faults
    assert (fault.table, fault.column) == (table, column)
