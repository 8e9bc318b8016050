"""Reports say to the point what the ledger says, whenever it is summed and by whom."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import count
from random import Random
from zoneinfo import ZoneInfo

import psycopg2
import pytest

from loyalty_service.kit.db import Database
from loyalty_service.kit.errors import Refusal
from loyalty_service.ledger.queries import balances_then
from loyalty_service.members.queries import get_member
from loyalty_service.members.rules import InTheFuture, parse_ref
from loyalty_service.program.rules.versions import NoProgram
from loyalty_service.program.service import Programs
from loyalty_service.reports.rules.points import By, SpanImpossible
from loyalty_service.reports.service import report_liability, report_points, sum_up
from tests.factories import PLAIN, Shop, line
from tests.integration import ledger_again

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WORTH = "redemption: {block_points: 7, block_value: '0.50'}\n"
# Long enough to stand when a day ends, and when a lot does.
LONG = "reservations: {minutes: 900, most_minutes: 3000}\n"
SPENDING = PLAIN.replace("returns:", f"{WORTH}{LONG}returns:")
EXACT = SPENDING.replace("currency:", "clock: exact\ncurrency:").replace(
    "{after: {months: 12}, round_to: month}", "{after: {days: 2}}"
)
WAITING = SPENDING.replace("{on: fulfilment}", "{on: fulfilment, wait_days: 3}").replace(
    "{months: 12}", "{months: 1}"
)
ENDLESS = SPENDING.replace("{after: {months: 12}, round_to: month}", "never")
DAILY = SPENDING.replace("{after: {months: 12}, round_to: month}", "{after: {days: 3}}")
SLIDING = WAITING.replace("{after: {months: 1}, round_to: month}", "{sliding: {days: 4}}")
VERSIONS = {
    "days": [SPENDING],
    "exact": [EXACT],
    "waiting": [WAITING],
    # Expiry is turned on, slides, and is turned off.
    "turning": [ENDLESS, DAILY, SLIDING, ENDLESS, SLIDING],
}
ZONES = ["Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York"]
KILL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'loyalty' AND pid <> pg_backend_pid()
"""
SUMS = "SELECT day, wallet, reason, given, taken, entries FROM report_day ORDER BY 1, 2, 3"
OPENS = "SELECT * FROM report_open WHERE points <> 0 ORDER BY 1, 2, 3, 4, 5"


class Life:
    """A shop in which everything happens by chance, some of it often refused."""

    def __init__(self, shop, seed, members=4):
        self.shop, self.chance, self.numbers = shop, Random(seed), count(1)
        self.names = [f"{seed}-{number}" for number in range(members)]
        self.orders = []
        for name in self.names:
            shop.enrol(name)

    def act(self):
        """Do one thing to one member; a refusal changes nothing."""
        kinds = ("pay", "pay", "fulfil", "back", "reserve", "reserve", "settle", "adjust", "send")
        with suppress(Refusal):
            getattr(self, f"_{self.chance.choice(kinds)}")(self.chance.choice(self.names))

    def _order(self, name):
        ref = f"o-{name}-{next(self.numbers)}"
        self.orders.append((name, ref))
        return ref

    def _known(self):
        return self.chance.choice(self.orders) if self.orders else ("nobody", "none")

    def _pay(self, name):
        cart = line(self.chance.randint(100, 90_000), quantity=3)
        is_sent = self.chance.random() < 0.6
        points = 7 * self.chance.randint(0, 20)
        self.shop.pay(self._order(name), cart, member=name, fulfilled=is_sent, points=points)

    def _fulfil(self, _):
        name, ref = self._known()
        self.shop.fulfil(ref, member=name)

    def _back(self, _):
        name, ref = self._known()
        if self.chance.random() < 0.3:
            self.shop.cancel(ref, member=name)
        else:
            self.shop.give_back(ref, f"r-{next(self.numbers)}", units=[(1, 1)], member=name)

    def _reserve(self, name):
        points = 7 * self.chance.randint(1, 60)
        self.shop.reserve(self._order(name), line(60_000), member=name, points=points)

    def _settle(self, _):
        name, ref = self._known()
        if self.chance.random() < 0.5:
            self.shop.pay_reserved(ref, member=name)
        else:
            self.shop.release(ref, member=name)

    def _adjust(self, name):
        points = self.chance.randint(-300, 500) or 1
        ends = None
        if points > 0 and self.chance.random() < 0.5:
            ends = self.shop.db.clock.now() + self.chance.randint(1, 90) * HOUR
        wallet = self.chance.choice(["points", "growth"])
        more = {"expires_at": ends, "allow_negative": points < 0}
        self.shop.adjust(points, member=name, wallet=wallet, **more)

    def _send(self, name):
        self.shop.send(self.chance.randint(1, 50), self.chance.choice(self.names), member=name)


def told_points(tx, first, last):
    """The report by day and by reason, held against each other."""
    report = report_points(tx, Programs(), By.DAY, first, last)
    by_reason = report_points(tx, Programs(), By.REASON, first, last)
    assert sum(row.points for row in report.rows) == sum(row.points for row in by_reason.rows)
    return {(row.of, row.wallet): [row.given, row.taken, row.entries] for row in report.rows}


def told_open(tx, day):
    report = report_liability(tx, Programs(), day)
    found = {}
    for wallet in report.wallets:
        assert wallet.worth_minor == (half_up(wallet) if wallet.wallet == "points" else None)
        worth = [month.worth_minor for month in wallet.months]
        assert wallet.worth_minor is None or sum(worth) == wallet.worth_minor
        for month in wallet.months:
            open_ = month.open
            buckets = {"active": open_.active, "pending": open_.pending, "held": open_.held}
            found[wallet.wallet, month.month or month.ends] = {
                k: v for k, v in buckets.items() if v
            }
    return found


def half_up(wallet):
    """50 minor units for 7 points."""
    return (2 * wallet.open.points * 50 + 7) // 14


def require_equal(tx, zone, first, last):
    """Both reports of every day against the ledger, in one snapshot of both."""
    again = {}
    for (day, wallet, _), total in ledger_again.points(tx, zone, first, last).items():
        sums = again.setdefault((day.isoformat(), wallet), [0, 0, 0])
        for i, amount in enumerate(total):
            sums[i] += amount
    assert told_points(tx, first, last) == again
    for day in (first + n * DAY for n in range((last - first).days + 1)):
        assert told_open(tx, day) == ledger_again.owed(tx, zone, day), day


@pytest.mark.parametrize("versions", VERSIONS)
@pytest.mark.parametrize("zone", ZONES)
def test_reports_say_what_the_ledger_says_now_and_of_every_day(db, clock, zone, versions):
    first, *later = [text.replace("Asia/Shanghai", zone) for text in VERSIONS[versions]]
    shop = Shop(db, first)
    place = ZoneInfo(zone)
    # Over an end of a month, and where clocks change in New York.
    clock.set(datetime(2026, 2, 24, 9, 30, tzinfo=UTC))
    life = Life(shop, zone.rpartition("/")[2])

    def today():
        return clock.now().astimezone(place).date()

    begun = today() - DAY
    for step in range(220):
        if later and step % 40 == 39:
            shop.apply(later.pop(0))
        life.act()
        clock.advance(timedelta(minutes=life.chance.choice([0, 3, 11, 40, 600])))
        if step % 31 == 0:
            sum_up(db, at_once=life.chance.choice([3, 50]))
        if step % 20 == 0:
            with db.reading() as tx:
                require_equal(tx, place, max(begun, today() - 2 * DAY), today())

    days = [begun + n * DAY for n in range((today() - begun).days + 1)]
    with db.reading() as tx:
        before = [told_open(tx, day) for day in days]
    assert any("held" in bucket for one in before for bucket in one.values())
    sum_up(db)
    with db.reading() as tx:
        require_equal(tx, place, begun, today())
        assert [told_open(tx, day) for day in days] == before


def test_what_is_owed_is_what_members_are_told_they_have(db, clock):
    shop = Shop(db, WAITING)
    life = Life(shop, "told")
    for _ in range(80):
        life.act()
        clock.advance(2 * HOUR)
    sum_up(db)
    today = clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date()

    with db.reading() as tx:
        for day in (today - n * DAY for n in range(1, 7)):
            at = ledger_again.close_of(day, ZoneInfo("Asia/Shanghai"))
            of_members = [
                balances_then(tx, get_member(tx, parse_ref(name)), at) for name in life.names
            ]
            told = {
                wallet.wallet: wallet.open
                for wallet in report_liability(tx, Programs(), day).wallets
            }
            for wallet in ("points", "growth"):
                buckets = [found[wallet] for found in of_members if wallet in found]
                expected = [
                    sum(one.active for one in buckets),
                    sum(one.pending for one in buckets),
                    sum(one.held for one in buckets),
                ]
                assert [told[wallet].active, told[wallet].pending, told[wallet].held] == expected


def test_summing_twice_is_summing_once(db, clock):
    life = Life(Shop(db, SPENDING), "twice")
    for _ in range(40):
        life.act()
        clock.advance(5 * HOUR)

    first = sum_up(db, at_once=7)
    once = (db.fetch(SUMS), db.fetch(OPENS))
    again = sum_up(db, at_once=3)

    assert first.entries == db.fetch("SELECT count(*) FROM entry")[0][0]
    assert (again.entries, again.accounts) == (0, 0)
    assert (db.fetch(SUMS), db.fetch(OPENS)) == once


def test_batches_of_any_size_come_to_the_same(db, clock, owner_connection):
    life = Life(Shop(db, EXACT), "sizes")
    for number in range(60):
        life.act()
        clock.advance(3 * HOUR)
        if number % 7 == 0:
            sum_up(db, at_once=2)
    sum_up(db, at_once=1)
    piecemeal = (db.fetch(SUMS), db.fetch(OPENS))

    owner_connection.cursor().execute(
        "TRUNCATE report_account, report_day, report_open; UPDATE report_head SET position = 0"
    )
    sum_up(db)

    assert (db.fetch(SUMS), db.fetch(OPENS)) == piecemeal


def test_an_entry_that_commits_late_is_told_at_once_and_summed_once(db, database_url, clock):
    shop = Shop(db, SPENDING)
    for name in ("early", "late"):
        shop.enrol(name)
    shop.adjust(1, member="late")
    sum_up(db)
    slow = Database(database_url, clock=clock, pool_size=1)
    began = clock.now()
    with slow.transaction() as tx:
        acting = Shop.__new__(Shop)
        acting.db, acting.programs = _Open(tx), shop.programs
        acting.adjust(30, member="early")
        tx.flush()
        clock.advance(DAY)
        shop.adjust(5, member="late")
        assert sum_up(db).entries == 1

    with db.reading() as tx:
        require_equal(tx, ZoneInfo("Asia/Shanghai"), date(2026, 3, 1), date(2026, 3, 3))
    assert sum_up(db).entries == 1
    with db.reading() as tx:
        require_equal(tx, ZoneInfo("Asia/Shanghai"), date(2026, 3, 1), date(2026, 3, 3))
    assert db.fetch(SUMS)[0][0] == began.date()
    slow.close()


class _Open:
    """A database whose transaction the test ends."""

    def __init__(self, tx):
        self.run = lambda work: work(tx)


@pytest.mark.parametrize("moment", [b"FROM report_head", b"UPDATE report_head"])
def test_a_run_that_is_killed_is_taken_up_where_it_was(
    db, database_url, clock, owner_connection, moment
):
    life = Life(Shop(db, SPENDING), "killed", members=20)
    for _ in range(60):
        life.act()
        clock.advance(HOUR)
    db.close()
    batches = []

    def kill_in_the_third(message):
        if moment in message:
            batches.append(message)
            if len(batches) == 3:
                owner_connection.cursor().execute(KILL)

    victim = Database(database_url, clock=clock, pool_size=1, on_message=kill_in_the_third)
    with pytest.raises(psycopg2.OperationalError):
        sum_up(victim, at_once=4)

    done = db.fetch("SELECT coalesce(sum(entries), 0) FROM report_day")[0][0]
    rest = sum_up(victim, at_once=4)

    assert 0 < done < done + rest.entries == db.fetch("SELECT count(*) FROM entry")[0][0]
    with db.reading() as tx:
        require_equal(tx, ZoneInfo("Asia/Shanghai"), date(2026, 3, 1), date(2026, 3, 5))
    victim.close()


def test_reports_are_right_in_every_snapshot_beside_traffic(database_url, clock, db):
    shop = Shop(db, SPENDING)
    place, is_over = ZoneInfo("Asia/Shanghai"), threading.Event()
    today = clock.now().astimezone(place).date()

    def open_db():
        return Database(database_url, clock=clock, pool_size=1, lock_timeout_ms=60_000)

    def trade(number):
        own = Shop.__new__(Shop)
        own.db, own.programs = open_db(), Programs()
        life = Life(own, f"t{number}", members=2)
        for _ in range(70):
            life.act()
        own.db.close()

    def keep_summing():
        own, entries = open_db(), 0
        while not is_over.is_set():
            entries += sum_up(own, at_once=5).entries
        own.close()
        return entries

    def keep_reading():
        own, looks = open_db(), 0
        while not is_over.is_set():
            with own.reading() as tx:
                require_equal(tx, place, today, today)
            looks += 1
        own.close()
        return looks

    with ThreadPoolExecutor(8) as pool:
        summing = [pool.submit(keep_summing) for _ in range(2)]
        reading = [pool.submit(keep_reading) for _ in range(2)]
        list(pool.map(trade, range(4)))
        is_over.set()
        summed = sum(one.result() for one in summing)
        assert all(one.result() > 3 for one in reading)
    summed += sum_up(shop.db).entries

    assert summed == db.fetch("SELECT count(*) FROM entry")[0][0]
    with db.reading() as tx:
        require_equal(tx, place, today, today)


def test_nothing_is_told_without_a_program(db):
    assert sum_up(db).entries == 0
    with db.reading() as tx:
        with pytest.raises(NoProgram):
            report_points(tx, Programs(), By.DAY, None, None)
        with pytest.raises(NoProgram):
            report_liability(tx, Programs(), None)


def test_days_to_come_and_days_the_wrong_way_round_are_refused(db):
    Shop(db)
    with db.reading() as tx:
        with pytest.raises(InTheFuture):
            report_liability(tx, Programs(), date(2026, 3, 3))
        with pytest.raises(SpanImpossible):
            report_points(tx, Programs(), By.DAY, date(2026, 3, 2), date(2026, 3, 1))


def test_worth_goes_by_the_program_of_the_day(db, clock):
    shop = Shop(db, SPENDING)
    shop.enrol()
    shop.adjust(700)
    clock.advance(DAY)
    shop.apply(SPENDING.replace("'0.50'", "'0.60'"))

    with db.reading() as tx:
        now = report_liability(tx, Programs(), None)
        then = report_liability(tx, Programs(), date(2026, 3, 2))

    assert [(r.program_version, r.wallets[0].worth_minor) for r in (then, now)] == [
        (1, 5_000),
        (2, 6_000),
    ]


def test_what_was_held_ended_as_its_lot_ended_then(db, clock):
    shop = Shop(db, SPENDING)
    shop.enrol()
    ends = clock.now() + 30 * DAY
    shop.adjust(70, expires_at=ends)
    clock.set(datetime(2026, 3, 2, 15, tzinfo=UTC))
    shop.reserve("o-1", line(60_000), points=70)
    clock.advance(2 * HOUR)
    shop.pay_reserved("o-1")
    # It comes back when its lot has ended, and gets a grace: another end than it had.
    clock.set(ends + DAY)
    shop.give_back("o-1", units=[(1, 1)])

    with db.reading() as tx:
        told = told_open(tx, date(2026, 3, 2))
        now = told_open(tx, date(2026, 4, 2))

    assert told["points", "2026-03"] == {"held": 70}
    assert now["points", "2026-05"] == {"active": 70}
