"""Members and their opening balances from a file, once."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loyalty_service.cli.main import main
from loyalty_service.cli.newcomers import import_members
from loyalty_service.members.rules import InTheFuture, stored_ref
from tests.factories import Shop, line
from tests.integration.trade_books import ROOT, apply

GUIDE = ROOT / "docs" / "import-members.md"
SAMPLE = ROOT / "programs" / "sample.yaml"
LOTS = """
SELECT r.value, wallet, lot_seq, remaining, active_at, expires_at
  FROM lot JOIN member_ref r USING (member_id) WHERE r.kind = 'shop' ORDER BY 1, 2, 3
"""
BEFORE = "another opening balance in points was imported before"
AS_OF = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def shop(db):
    return Shop(db)


@pytest.fixture
def bring(db, tmp_path):
    """Import these lines, the first of which names the columns."""

    def from_lines(*lines, as_of=None, secret=None, only_check=False):
        path = tmp_path / "members.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return import_members(db, path, as_of=as_of, secret=secret, only_check=only_check)

    return from_lines


HEAD = "member_ref,ref.card,enrolled_at,birthday,tags,wallet,points,active_at,expires_on"
TWO = (
    HEAD,
    "a,1,2024-05-03T02:00:00Z,02-29,vip|a,points,100,,2026-12-31",
    "a,,,,,points,30,2026-06-01T00:00:00Z,",
    "a,,,,,growth,500,,",
    "b,2,,,,points,7,,2026-03-05",
)


def test_a_member_comes_in_with_lots_that_keep_their_ends(db, shop, bring, clock):
    report = bring(*TWO, as_of=AS_OF)

    assert (report.enrolled, report.balances, report.points) == (
        2,
        3,
        {"points": 137, "growth": 500},
    )
    assert db.fetch(LOTS) == [
        ("a", "growth", 0, 500, datetime(1970, 1, 1, tzinfo=UTC), None),
        ("a", "points", 1, 100, AS_OF, datetime(2026, 12, 31, 16, tzinfo=UTC)),
        ("a", "points", 2, 30, datetime(2026, 6, 1, tzinfo=UTC), None),
        ("b", "points", 1, 7, AS_OF, datetime(2026, 3, 5, 16, tzinfo=UTC)),
    ]
    assert db.fetch(
        "SELECT DISTINCT kind, reason, source, occurred_at, recorded_at FROM entry"
    ) == [("credit", "opening_balance", "import", AS_OF, clock.now())]
    assert db.fetch(
        "SELECT enrolled_at, birth_month, birth_day, tags, caught_up_to FROM member"
        " WHERE birth_day IS NOT NULL"
    ) == [(datetime(2024, 5, 3, 2, tzinfo=UTC), 2, 29, ["a", "vip"], AS_OF)]


def test_what_was_brought_ends_when_its_time_has_come(db, shop, bring, clock):
    bring(*TWO, as_of=AS_OF)
    clock.advance(timedelta(days=10))

    shop.pay("o-1", line(1_000), member="b")

    assert db.fetch("SELECT points, occurred_at FROM entry WHERE kind = 'expire'") == [
        (-7, datetime(2026, 3, 5, 16, tzinfo=UTC))
    ]


def test_a_file_that_comes_again_brings_nothing(db, shop, bring, clock):
    bring(*TWO)
    before = db.fetch("SELECT * FROM entry ORDER BY 1, 2, 3"), db.fetch(LOTS)
    # Long after points of the file have ended, and with its lines in another order.
    clock.advance(timedelta(days=400))

    report = bring(HEAD, TWO[4], TWO[1], TWO[3], TWO[2])

    assert (report.known, report.repeated, report.balances) == (2, 3, 0)
    assert (report.faults, report.differing) == ([], [])
    assert (db.fetch("SELECT * FROM entry ORDER BY 1, 2, 3"), db.fetch(LOTS)) == before


def test_another_balance_than_before_is_a_fault_and_the_others_come_in(db, shop, bring):
    bring(*TWO)

    report = bring(HEAD, "a,1,,,,points,101,,2026-12-31", "c,3,,,,points,9,,")

    assert [(fault.line, fault.column) for fault in report.faults] == [(2, "points")]
    assert (report.faulty, report.enrolled, report.balances) == (1, 1, 1)
    assert db.fetch("SELECT sum(balance)::int FROM account WHERE wallet = 'points'") == [(146,)]


def test_a_wrong_balance_is_reversed_and_imported_anew(db, shop, bring):
    bring(HEAD, "a,,,,,points,100,,")
    shop.reverse(1, member="a")

    report = bring(HEAD, "a,,,,,points,10,,")

    assert (report.faults, report.balances) == ([], 1)
    assert db.fetch("SELECT balance, seq FROM account") == [(10, 3)]


def test_nothing_of_a_member_with_a_fault_is_written(db, shop, bring):
    report = bring(HEAD, "a,,,,,points,5,,", "a,,,,,points,1e5,,", "b,,,,,points,5,,")

    assert [(fault.line, fault.column) for fault in report.faults] == [(3, "points")]
    assert (report.enrolled, report.faulty) == (1, 1)
    assert db.fetch("SELECT value FROM member_ref") == [("b",)]


def test_points_that_have_ended_and_owners_that_clash_are_found_by_a_check_too(db, shop, bring):
    shop.enrol("a")
    shop.enrol("b")

    report = bring(
        "member_ref,ref.shop,wallet,points,expires_on",
        "a,b,,,",
        "c,,points,5,2026-03-01",
        only_check=True,
    )

    assert [(fault.line, fault.column) for fault in report.faults] == [
        (2, "member_ref"),
        (3, "points"),
    ]
    assert db.fetch("SELECT count(*)::int FROM member") == [(2,)]


def test_a_check_writes_nothing(db, shop, bring):
    report = bring(*TWO, only_check=True)

    assert (report.enrolled, report.balances, report.faults) == (2, 3, [])
    assert db.fetch("SELECT 1 FROM member") == []


def test_who_is_a_member_already_stays_as_they_are(db, shop, bring):
    shop.enrol("a", birthday=(1, 1))

    report = bring(*TWO)

    assert (report.known, report.enrolled, report.differing) == (1, 1, [2])
    assert db.fetch("SELECT birth_month, birth_day FROM member ORDER BY member_id LIMIT 1") == [
        (1, 1)
    ]
    assert db.fetch("SELECT sum(balance)::int FROM account WHERE wallet = 'points'") == [(137,)]


def test_a_debt_is_paid_from_what_is_brought(db, shop, bring):
    shop.enrol("a", enrolled_at=AS_OF)
    shop.pay("o-1", line(10_000), member="a", at=AS_OF)
    shop.adjust(-80, member="a")
    shop.give_back("o-1", units=[(1, 1)], member="a")

    bring(HEAD, "a,,,,,points,50,,")

    assert db.fetch("SELECT balance, deficit FROM account WHERE wallet = 'points'") == [(-30, 30)]


def test_personal_references_need_a_secret_and_are_hashed(db, shop, bring):
    refused = bring("member_ref,ref.phone", "a,13800138000")
    report = bring("member_ref,ref.phone", "a,13800138000", secret=b"s" * 32)

    assert [(fault.line, fault.column) for fault in refused.faults] == [(2, "ref.phone")]
    assert report.enrolled == 1
    hashed = stored_ref("phone", "13800138000", b"s" * 32).value
    assert db.fetch("SELECT value FROM member_ref WHERE kind = 'phone'") == [(hashed,)]


def test_balances_cannot_stand_in_the_future(db, shop, bring, clock):
    with pytest.raises(InTheFuture):
        bring(*TWO, as_of=clock.now() + timedelta(seconds=1))


def test_many_members_come_in_part_by_part(db, shop, bring):
    report = bring(HEAD, *(f"m{n},,,,,points,{n + 1},," for n in range(450)))

    assert (report.enrolled, report.balances) == (450, 450)
    assert db.fetch("SELECT sum(balance)::int FROM account") == [(450 * 451 // 2,)]


@pytest.fixture
def run(database_url, db, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("LOYALTY_DATABASE_URL", database_url)
    monkeypatch.chdir(tmp_path)

    def members(*args):
        with pytest.raises(SystemExit) as ended:
            main(["import", "members", *args])
        said = capsys.readouterr()
        return ended.value.code or 0, said.out + said.err

    return members


def test_the_example_of_the_guide_is_true(run, db, tmp_path):
    apply(db, SAMPLE)
    guide = GUIDE.read_text(encoding="utf-8")
    [table] = re.findall(r"```csv\n(.*?)```", guide, re.DOTALL)
    first, other = re.findall(r"```console\n(.*?)```", guide, re.DOTALL)
    command, expected = first.split("\n", 1)
    args = command.split()[4:]
    file = tmp_path / "members.csv"
    file.write_text(table, encoding="utf-8")

    assert run(*args) == (0, expected)
    _, again = run(*args)
    assert re.search(r"imported before +3\n", again)
    file.write_text(table.replace("1200", "1300"), encoding="utf-8")
    code, differs = run(*args)
    assert (code, differs.splitlines()[0]) == (1, other.strip())


def test_faults_are_told_with_file_line_and_column(run, shop):
    lines = [HEAD, *(f"a b,{n},13-01,,,,,," for n in range(60))]
    Path("members.csv").write_text("\n".join(lines), encoding="utf-8")

    code, said = run("members.csv", "--check")

    assert code == 1
    assert "members.csv:2: enrolled_at: must be an instant with its zone" in said
    assert "... and 20 more faults." in said
    assert "Faults: 120" in said


def test_a_file_that_is_no_table_of_members_is_refused(run, shop):
    Path("members.csv").write_text("name,points\nMei,5\n", encoding="utf-8")

    code, said = run("members.csv")

    assert code == 1
    assert "members.csv: line 1: name each column once" in said


@pytest.mark.parametrize(("mark", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_a_file_without_commas_is_told_what_separates_its_columns(run, shop, mark, name):
    Path("members.csv").write_text(f"member_ref{mark}points\nm{mark}5\n", encoding="utf-8")

    code, said = run("members.csv")

    assert code == 1
    assert f"line 1: {name} separate the columns; save the file with commas" in said


def test_another_opening_balance_is_told_with_what_was_and_what_is_said(bring, shop):
    bring("member_ref,wallet,points,expires_on", "m,points,1200,2026-12-31", "m,points,300,")

    more = bring("member_ref,wallet,points,expires_on", "m,points,1600,2026-12-31")
    longer = bring("member_ref,wallet,points", "m,points,1500")

    assert [fault.message for fault in (*more.faults, *longer.faults)] == [
        f"{BEFORE}: 1,500 points, and the file says 1,600",
        f"{BEFORE}: as many points, 1,500, that begin or end otherwise",
    ]


def test_an_unusable_secret_is_a_wrong_setting(run, shop, monkeypatch):
    Path("secret").write_text("short", encoding="utf-8")
    monkeypatch.setenv("LOYALTY_REF_SECRET_FILE", "secret")

    code, said = run("members.csv")

    assert code == 3
    assert "LOYALTY_REF_SECRET_FILE" in said


@pytest.mark.parametrize("as_of", ["yesterday", "2026-03-01"])
def test_an_instant_needs_its_form(run, shop, as_of):
    code, said = run("members.csv", "--as-of", as_of)

    assert code == 2
    assert "must be an instant with its zone" in said
