"""What a new document would do to members is told beforehand, and is what then happens."""

import csv
import io
import random
import re
from datetime import UTC, datetime, timedelta

import pytest

from loyalty_service.cli.main import main
from loyalty_service.jobs.rules.schedules import JobName
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.members.queries import list_after
from loyalty_service.program.service import Programs
from loyalty_service.reports.rules.moves import Moves, Outlook
from loyalty_service.reports.service import Foresight, Watch, foresee_moves
from loyalty_service.timekeeping.service import Timekeeping
from tests.factories import Shop, line
from tests.integration.test_tiers import TIERED
from tests.job_world import digest, run

DAY = timedelta(days=1)
AHEAD = timedelta(days=430)
MEMBERS = 24
SPENDING = (2_000, 5_000, 7_000, 9_000, 11_000, 40_000)

LOWER = TIERED.replace("at_least: 500", "at_least: 200").replace("at_least: 300", "at_least: 80")
BALANCE = TIERED.replace("{orders: 10}", "{balance: {wallet: points, at_least: 150}}")
NEW = {
    "lower": LOWER,
    "kept with more": TIERED.replace("at_least: 300", "at_least: 500"),
    "a shorter window": TIERED.replace("window: {months: 12}", "window: {months: 3}"),
    "calendar years": TIERED.replace("window: {months: 12}", "window: year").replace(
        "term: {months: 12, end: month}", "term: next"
    ),
    "no term": TIERED.replace("term: {months: 12, end: month}", "term: none"),
    "no term and a grace": TIERED.replace(
        "term: {months: 12, end: month}", "term: none\n  grace: {days: 40}"
    ),
    "by standing": LOWER.replace("levels:", "demote: by_standing\n  grace: {days: 30}\n  levels:"),
    "at the next review": LOWER.replace("levels:", "promote: next_review\n  levels:"),
    "a balance": BALANCE,
    "one more tier": TIERED
    + '    - {id: top, name: {en: Top, zh: 顶级}, entry: {all: [{spend: "4000.00"}]}}\n',
    "no gold": TIERED[: TIERED.index("    - id: gold")],
}


def live(shop: Shop, clock: SettableClock, seed: int = 1) -> None:
    """A year and a quarter of members who buy more or less; who is overdue is left so."""
    dice = random.Random(seed)
    for number in range(MEMBERS):
        shop.enrol(f"m-{number}")
    for day in range(0, 450, 15):
        if day == 150:
            # Silver by one big order, and hardly anything after it.
            for number in range(0, MEMBERS, 3):
                shop.pay(f"big-{number}", line(50_000), member=f"m-{number}")
        for number in dice.sample(range(MEMBERS), 5):
            usual = SPENDING[number % len(SPENDING)]
            shop.pay(f"o-{day}-{number}", line(usual + dice.randrange(2_000)), member=f"m-{number}")
        clock.advance(15 * DAY)


def foresee(
    db: Database, new: str | None, *, size: int = 7, show=lambda _seen: None
) -> tuple[Moves, dict[int, Outlook]]:
    """What is foretold, for all and for each, with the version in force where there is no new."""
    now, outlooks = db.clock.now(), {}
    old = Programs()
    old.learn(db.fetch)
    supposed = old if new is None else Programs().supposing(db.fetch, new, now)

    class Noting(Moves):
        def note(self, member_id, before, after):
            outlooks[member_id] = after
            return super().note(member_id, before, after)

    moves = Noting(old.get(db.fetch, 1).zone)
    foresight = Foresight(Timekeeping(), old, supposed, now, now + AHEAD)
    foresee_moves(db, foresight, moves, Watch(show), size=size)
    return moves, outlooks


def standing(db: Database) -> dict[int, str]:
    with db.reading() as tx:
        return {m.member_id: m.standing.tier or "regular" for m in list_after(tx, 0, 1_000)}


def next_changes(db: Database, since: datetime) -> dict[int, tuple[datetime, str]]:
    """What became of each member's tier first after an instant."""
    rows = db.fetch(
        "SELECT member_id, occurred_at, to_tier FROM tier_change WHERE occurred_at > %s "
        "AND to_tier <> coalesce(from_tier, 'regular') ORDER BY change_no DESC",
        (since,),
    )
    return {member_id: (at, to) for member_id, at, to in rows}


@pytest.fixture
def shop(db, clock) -> Shop:
    shop = Shop(db, TIERED)
    live(shop, clock)
    return shop


@pytest.mark.parametrize("new", [None, *(name for name in NEW if name != "no gold")])
def test_what_is_foretold_is_what_happens(shop, clock, new):
    moves, foretold = foresee(shop.db, None if new is None else NEW[new])
    now = clock.now()
    if new is not None:
        shop.apply(NEW[new])

    run(shop.db, JobName.CATCH_UP)

    at_once = standing(shop.db)
    assert at_once == {member_id: outlook.tier for member_id, outlook in foretold.items()}
    assert {t: n for t, n in moves.after.items() if n} == {
        tier: list(at_once.values()).count(tier) for tier in set(at_once.values())
    }
    clock.advance(AHEAD)
    run(shop.db, JobName.CATCH_UP)
    assert next_changes(shop.db, now) == {
        member_id: (outlook.at, outlook.to)
        for member_id, outlook in foretold.items()
        if outlook.at is not None
    }


def test_what_differs_is_counted_and_nothing_else(shop):
    moves, _ = foresee(shop.db, LOWER)
    same, _ = foresee(shop.db, TIERED)

    assert same.groups == {}
    assert same.before == same.after == moves.before
    at_once = {(g.tier, g.to): n for g, n in moves.groups.items() if g.is_at_once}
    assert at_once[("regular", "silver")] == moves.after["silver"] - moves.before["silver"]
    assert any(not g.is_at_once for g in moves.groups)
    assert sum(moves.before.values()) == sum(moves.after.values()) == MEMBERS
    assert all(1 <= len(ids) <= 3 for ids in moves.examples.values())


def test_members_are_looked_at_in_steps_of_any_size(shop):
    one_by_one, each = foresee(shop.db, LOWER, size=1)
    at_once, all_of_them = foresee(shop.db, LOWER, size=1_000)

    assert (one_by_one.groups, one_by_one.examples) == (at_once.groups, at_once.examples)
    assert each == all_of_them


def test_a_version_that_is_applied_meanwhile_changes_nothing_of_what_is_told(shop):
    undisturbed = foresee(shop.db, LOWER)

    def apply(seen: int) -> None:
        if seen == 7:
            shop.apply(NEW["no term"])
            shop.apply(NEW["by standing"])

    assert foresee(shop.db, LOWER, show=apply)[1] == undisturbed[1]


def test_nothing_is_written(shop, owner_connection):
    before = digest(owner_connection)

    foresee(shop.db, LOWER)

    assert digest(owner_connection) == before


@pytest.fixture
def told(database_url, monkeypatch, capsys):
    """A shop of a year ago until today, and `loyalty program` on it."""
    monkeypatch.setenv("LOYALTY_DATABASE_URL", database_url)
    clock = SettableClock(datetime.now(UTC) - 450 * DAY)
    database = Database(database_url, clock=clock)
    live(Shop(database, TIERED), clock)

    def run_command(*args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["program", *args])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    yield run_command
    database.close()


@pytest.fixture
def lower(tmp_path):
    file = tmp_path / "lower.yaml"
    file.write_text(LOWER, "utf-8")
    return str(file)


def test_a_document_is_held_against_the_version_in_force(told, lower, owner_connection):
    before = digest(owner_connection)

    code, out, _ = told("diff", "1", lower, "--chunk", "10")

    assert code == 0
    assert out.startswith(f"version 1 -> {lower}\nTiers\n  - Silver: for 500 earned")
    assert "\n  + Silver: for 200 earned in Growth or 10 orders;" in out
    assert re.search(
        r"\nMembers by tier +now +then\n  Regular +\d+ +\d+\n  Silver +\d+ +\d+\n", out
    )
    assert re.search(
        r"\nAt once\n +\d+  Regular -> Silver(, and then \d{4}-\d\d: .+)?  \(m-\d+", out
    )
    assert re.search(
        r"\nLater, if nothing else happens \(looked at through 20\d\d-\d\d-\d\d\)\n", out
    )
    assert re.search(
        r"  \d{4}-\d\d: Silver -> Regular, instead of: |  stays Silver until at least 20", out
    )
    said = re.findall(r"^ +\d+  (.*)  \(m-", out, re.M)
    assert len(said) == len(set(said)) > 1
    assert out.endswith("\nNothing was written.\n")
    assert digest(owner_connection) == before


def test_everybody_who_moves_is_named_if_asked(told, lower):
    _, told_out, _ = told("diff", "1", lower, "--all")
    _, out, _ = told("diff", "1", lower, "--csv")

    rows = list(csv.DictReader(io.StringIO(out)))
    assert ",".join(rows[0]) == ("member,tier,at_once,to,at,instead_to,instead_at,then_to,then_at")
    named = re.findall(r"^  (m-\d+)  ", told_out, re.M)
    assert sorted(row["member"] for row in rows) == sorted(named)
    counts = [int(n) for n in re.findall(r"^ +(\d+)  \S", told_out, re.M)]
    assert sum(counts) == len(rows) > 3
    assert {row["at_once"] for row in rows} == {"true", "false"}


def test_the_words_may_be_chinese(told, lower):
    _, out, _ = told("diff", "1", lower, "--lang=zh")

    assert "\n等级\n  - 银卡：" in out
    assert re.search(r"\n各等级会员数 +现在 +之后\n  普通 ", out)
    assert "\n立即\n" in out
    assert "普通 -> 银卡" in out


def test_two_versions_or_two_files_may_be_compared(told, lower):
    told("apply", lower)

    _, backwards, _ = told("diff", "2", "1")
    _, nothing, _ = told("diff", lower, "2")

    assert "+ Silver: for 500 earned" in backwards
    assert "Both say the same.\n" in nothing
    assert re.search(
        r"\nNobody moves otherwise .* at once or through 20\d\d-\d\d-\d\d\.\n", nothing
    )


def test_what_would_be_refused_is_told_with_all_the_rest(told, tmp_path):
    moved = tmp_path / "moved.yaml"
    moved.write_text(LOWER.replace("Asia/Shanghai", "Asia/Tokyo"), "utf-8")

    code, out, err = told("diff", "1", str(moved))

    assert code == 1
    assert err.startswith(
        f"`loyalty program apply` would refuse {moved}: "
        "A running program keeps its time zone Asia/Shanghai, not Asia/Tokyo.\n"
    )
    assert "+ Days are those of Asia/Tokyo, and periods count whole days" in out
    assert out.endswith("\nNothing was written.\n")


def test_faults_unknown_versions_and_days_gone_by_are_told(told, lower, tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text(LOWER.replace("floor", "flor"), "utf-8")

    assert told("diff", "1", str(broken))[0] == 1
    assert told("diff", "7", lower)[2] == (
        "There is no version 7 of the program; the newest is 1.\n"
    )
    assert told("diff", "99999999999999999999", lower)[2].startswith("There is no version ")
    assert told("diff", "1", str(tmp_path / "none.yaml"))[0] == 2
    assert told("diff", "1", lower, "--until", "2020-01-01")[0] == 2
    assert told("diff", "1", lower, "--until", "9999-12-31")[0] == 2


def test_without_a_program_there_is_nothing_to_compare_with(
    database_url, monkeypatch, capsys, lower
):
    monkeypatch.setenv("LOYALTY_DATABASE_URL", database_url)
    with pytest.raises(SystemExit) as ended:
        main(["program", "diff", lower, lower])

    assert ended.value.code == 1
    assert capsys.readouterr().err == "No program has been applied yet; apply one first.\n"
