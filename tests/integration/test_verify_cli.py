"""`loyalty ledger verify`: what it prints, keeps and compares, and how it ends."""

from datetime import timedelta
from pathlib import Path

import pytest

from loyalty_service.cli.main import main
from loyalty_service.kit.clock import SystemClock
from loyalty_service.kit.db import Database
from tests.factories import Shop, line

BREAK = "SET session_replication_role = replica; UPDATE entry SET points = points + 1 WHERE seq = 1"


class Ended:
    """How the command ended and what it said."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def verify(capsys, monkeypatch, database_url):
    monkeypatch.setenv("LOYALTY_DATABASE_URL", database_url)

    def run(*args: str) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main(["ledger", "verify", *args])
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def shop(database_url):
    db = Database(database_url, clock=SystemClock(), pool_size=1)
    shop = Shop(db)
    for i in range(3):
        shop.enrol(f"m-{i}")
        shop.pay(f"o-{i}", line(1_000), member=f"m-{i}")
    yield shop
    db.close()


@pytest.fixture
def heads(verify, shop, tmp_path) -> Path:
    path = tmp_path / "heads"
    assert verify("--heads", str(path)).code == 0
    return path


def test_a_sound_ledger_ends_well_with_its_sums_and_digest(verify, shop):
    ended = verify()

    assert ended.code == 0
    assert "3 members, 6 entries" in ended.out
    assert "Proved: no faults." in ended.out
    (points,) = [row.split() for row in ended.out.splitlines() if row.startswith("points")]
    assert points == ["points", "3", "3", "30", "30", "0", "0", "0"]
    assert "digest of all heads: " in ended.out


def test_an_empty_ledger_is_proved(verify):
    ended = verify()

    assert ended.code == 0
    assert "0 members, 0 entries" in ended.out


def test_a_fault_ends_the_command_with_1_and_names_the_row(verify, shop, owner_connection):
    owner_connection.cursor().execute(BREAK)

    ended = verify()

    assert ended.code == 1
    row = "entry (member 1, wallet growth, seq 1): points: expected 10, found 11"
    assert row in ended.out.splitlines()
    assert "12 faults." in ended.out


def test_one_member_is_proved_alone(verify, shop, owner_connection):
    owner_connection.cursor().execute(BREAK + " AND member_id = 3")

    assert verify("--member", "m-0").code == 0
    assert verify("--member", "shop:m-2").code == 1


def test_a_past_instant_counts_what_was_recorded_by_then(verify, shop):
    before = (shop.db.clock.now() - timedelta(days=1)).isoformat()

    ended = verify("--at", before)

    assert ended.code == 0
    assert "0 members, 0 entries" in ended.out


@pytest.mark.parametrize(
    "args",
    [
        ("--at", "2999-01-01T00:00:00Z"),
        ("--at", "2026-01-01"),
        ("--at", "soon"),
        ("--member", "nobody"),
        ("--member", "not a ref"),
        ("--compare", "no-such-file"),
        ("--member", "m-1", "--heads", "unwritten"),
    ],
)
def test_what_cannot_be_run_ends_with_2(verify, shop, args, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert verify(*args).code == 2


@pytest.mark.parametrize(
    ("ref", "told"),
    [
        ("nobody", "No member has the reference shop:nobody. "),
        ("card:88", "No member has the reference card:88. "),
        ("phone:13800000000", "A member is not found here by a phone, "),
    ],
)
def test_a_reference_that_nobody_has_is_told_with_where_to_look(verify, shop, ref, told):
    ended = verify("--member", ref)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(told)
    assert "POST /v1/members/lookup" in ended.err
    assert "PUT" not in ended.err
    assert "13800000000" not in ended.err


def test_heads_kept_earlier_hold_after_more_was_written(verify, shop, heads):
    shop.pay("o-9", line(2_000), member="m-1")

    assert len(heads.read_text().splitlines()) == 7
    assert verify("--compare", str(heads)).code == 0


def test_a_member_that_is_gone_is_found_by_the_heads_kept(verify, shop, heads, owner_connection):
    with owner_connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for table in ("account", "entry", "allocation", "lot", "explanation", "event", "member"):
            cursor.execute(f"DELETE FROM {table} WHERE member_id = 2")
        for table in ("member_total", "tier_change"):
            cursor.execute(f"DELETE FROM {table} WHERE member_id = 2")
        for table in ("order_index", "order_head", "order_line"):
            cursor.execute(f"DELETE FROM {table} WHERE member_id = 2")

    ended = verify("--compare", str(heads))

    assert verify().code == 0
    assert ended.code == 1
    assert "account (member 2, wallet points): row: expected present, found missing" in ended.out


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: text.rindex("sha256")],
        lambda text: text.replace(" points 1 ", " points 2 ", 1),
        lambda text: "\n".join([*reversed(text.splitlines()[:2]), *text.splitlines()[2:], ""]),
        lambda text: text + "more\n",
        lambda text: text[:0],
        lambda text: text[:9] + "\x00\udcff",
    ],
    ids=["cut short", "changed", "out of order", "continued", "empty", "not heads"],
)
def test_a_file_of_heads_that_cannot_be_trusted_ends_with_2(verify, shop, heads, spoil):
    heads.write_text(spoil(heads.read_text()), errors="surrogateescape")

    assert verify("--compare", str(heads)).code == 2
