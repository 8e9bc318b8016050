"""`loyalty jobs` as people and scripts meet it, and its killing."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from loyalty_service.cli.exits import Exit
from loyalty_service.cli.main import main
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from tests.databases import connect
from tests.factories import Shop
from tests.job_world import PROGRAM, assert_proved, digest, enrol_with_points, events
from tests.services import REPO, wait_until


@pytest.fixture
def shop(database_url, monkeypatch):
    """A shop of a week ago with members whose points have ended since."""
    monkeypatch.setenv("LOYALTY_DATABASE_URL", database_url)
    database = Database(database_url, clock=SettableClock(datetime.now(UTC) - timedelta(days=7)))
    shop = Shop(database, PROGRAM)
    enrol_with_points(shop, 30)
    yield shop
    database.close()


@pytest.fixture
def job(capsys):
    """Run `loyalty jobs`; its exit code, what it printed and what it said."""

    def run(*command):
        with pytest.raises(SystemExit) as ended:
            main(["jobs", *command])
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return run


def test_a_run_tells_chunk_by_chunk_and_what_it_did(shop, job):
    code, out, err = job("run", "catch-up", "--chunk", "10")

    assert code == Exit.DONE
    assert re.findall(r"^(\d+) of 30 members", err, re.M) == ["10", "20", "30"]
    assert "30 members looked at, 30 changed" in out
    assert re.search(r"points\.expired +30\n +lots in points +30\n +points in points +-3,000", out)
    assert len(events(shop.db, "points.expired")) == 30


def test_a_dry_run_for_an_instant_to_come_tells_and_writes_nothing(shop, job, owner_connection):
    before = digest(owner_connection)

    code, out, _ = job("run", "catch-up", "--dry-run", "--at", "2099-01-01T00:00:00Z")

    assert code == Exit.DONE
    assert "By 2099-01-01T00:00:00Z, as things stand; nothing was written." in out
    assert re.search(r"points\.expired +30\n", out)
    assert digest(owner_connection) == before


def test_an_instant_to_come_without_dry_run_is_a_matter_of_usage(shop, job, owner_connection):
    before = digest(owner_connection)

    code, _, err = job("run", "catch-up", "--at", "2099-01-01T00:00:00Z")

    assert code == Exit.USAGE
    assert "Add --dry-run" in err
    assert digest(owner_connection) == before


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["paint"], "'catch-up', 'remind', 'prune'"),
        (["remind", "--dry-run"], "are for catch-up"),
        (["prune", "--at", "2026-01-01T00:00:00Z"], "are for catch-up"),
        (["catch-up", "--at", "2026-01-01T00:00:00"], "names no zone"),
        (["catch-up", "--chunk", "0"], "--chunk"),
        (["catch-up", "--at", "9999-12-31T23:59:59Z", "--dry-run"], "from 1900 to 2999"),
        (["catch-up", "--at", "9999-12-31T23:59:59-10:00"], "from 1900 to 2999"),
        (["catch-up", "--at", "0001-01-01T00:00:00Z"], "from 1900 to 2999"),
        (["catch-up", "--at", "0001-01-01T00:00:00+08:00"], "from 1900 to 2999"),
        (["catch-up", "--at", "2099-01-01T00:00:00Z"], "2099-01-01T00:00:00Z lies in the future"),
    ],
)
def test_what_cannot_be_run_so_is_a_matter_of_usage(shop, job, command, says):
    code, _, err = job("run", *command)

    assert code == Exit.USAGE
    assert says in err


def test_without_a_program_it_says_what_to_do(database_url, db, monkeypatch, job):
    monkeypatch.setenv("LOYALTY_DATABASE_URL", database_url)

    for command in (["catch-up"], ["remind"], ["catch-up", "--dry-run"]):
        code, _, err = job("run", *command)

        assert code == Exit.FOUND_WRONG
        assert "loyalty program apply FILE" in err
    assert "once a program is applied" in job("list")[1]


def test_the_help_names_the_jobs_and_what_the_codes_mean(job):
    code, out, _ = job("run", "--help")

    assert code == Exit.DONE
    assert all(word in out for word in ("catch-up", "remind", "prune", "03:00 every day", "Ends"))


def test_the_list_tells_schedules_and_last_runs(shop, job):
    job("run", "remind")

    code, out, _ = job("list")

    assert code == Exit.DONE
    assert re.search(r"03:00 every day, Asia/Shanghai; next \d{4}-\d\d-\d\d 03:00 \+0800", out)
    assert re.search(r"04:30 on sundays, Asia/Shanghai; next", out)
    day = r"\d{4}-\d\d-\d\d \d\d:\d\d \+0800"
    assert re.search(
        f"last begun {day} for {day}: done, [0-9.]+ s, 30 members looked at, 0 told", out
    )
    assert "birthdays give points, tiers are reviewed" in out
    assert out.count("never run") == 2


def test_the_list_tells_when_a_run_without_an_end_was_last_heard_of(shop, job, owner_connection):
    job("run", "remind")
    job("run", "prune")
    with owner_connection.cursor() as cursor:
        cursor.execute("UPDATE job_run SET outcome = NULL, ended_at = NULL WHERE job = 'remind'")
    owner_connection.commit()

    running = job("list")[1]
    with owner_connection.cursor() as cursor:
        cursor.execute("UPDATE job_run SET moved_at = moved_at - interval '11 minutes'")
    owner_connection.commit()
    broken_off = job("list")[1]

    assert re.search(r": running, last step \d+ s ago, 30 members looked at, 0 told", running)
    assert re.search(
        r": broken off, last step 6\d\d s ago, 30 members looked at, 0 told", broken_off
    )
    assert re.search(r": done, [0-9.]+ s, 30 members looked at, 0 rows deleted", running)


def test_a_terminal_sees_a_bar_with_rate_and_time_left(shop, database_url):
    master, slave = os.openpty()
    with start(database_url, "--chunk", "7", stderr=slave, COLUMNS="160", TERM="xterm") as process:
        os.close(slave)
        out = process.stdout.read()
        seen = b""
        with suppress(OSError):
            while part := os.read(master, 65_536):
                seen += part
        os.close(master)

    assert process.returncode == Exit.DONE, out
    assert re.search(r"catch-up.*30/30.* members/s", seen.decode())
    assert "30 members looked at, 30 changed" in out


def start(database_url, *options, stderr=subprocess.STDOUT, **more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LOYALTY_")}
    return subprocess.Popen(
        [sys.executable, "-m", "loyalty_service.cli", "jobs", "run", "catch-up", *options],
        env={**kept, "PYTHONPATH": str(REPO), "LOYALTY_DATABASE_URL": database_url, **more},
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


def at_member(db, number):
    return lambda: (number,) in db.fetch("SELECT done_to FROM job_run")


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_is_killed_or_stopped_is_resumed_where_it_was(shop, database_url, job, by):
    db, at = shop.db, datetime.now(UTC).isoformat()
    holder = connect(database_url)
    holder.autocommit = False
    holder.cursor().execute("SELECT 1 FROM member WHERE member_id = 18 FOR UPDATE")
    process = start(database_url, "--at", at, "--chunk", "5")
    wait_until(at_member(db, 17), 60)

    process.send_signal(by)
    said, _ = process.communicate(timeout=60)
    holder.rollback()
    begun = len(events(db, "points.expired"))
    code, out, err = job("run", "catch-up", "--at", at, "--chunk", "5")

    assert begun == 17
    if by == signal.SIGTERM:
        assert process.returncode == Exit.UNFINISHED
        assert f"Go on with: loyalty jobs run catch-up --at {at.removesuffix('+00:00')}Z" in said
    assert code == Exit.DONE
    assert re.findall(r"^(\d+) of 30 members", err, re.M)[0] == "22"
    assert "30 members looked at, 30 changed" in out
    assert db.fetch("SELECT starts, outcome FROM job_run") == [(2, "done")]
    assert len(events(db, "points.expired")) == 30
    assert_proved(db)
    holder.close()
