"""An import that is killed and done again comes to the same as one that was left alone."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from loyalty_service.cli.main import main
from tests.integration.trade_books import (
    BENCH,
    apply,
    assert_agrees,
    slice_of_trade,
    some_customers,
)
from tests.oracle.invoice_oracle import calculate

KILLS = 3
WAIT_SECONDS = 60.0


@pytest.fixture
def trade(tmp_path):
    path = tmp_path / "trade.csv"
    return slice_of_trade(path, lambda row: some_customers(row, 3, "2011-04"))


@pytest.fixture
def start(database_url):
    """Start `loyalty import invoice-lines` as a process of its own."""
    started = []

    def import_file(path):
        process = subprocess.Popen(
            [sys.executable, "-m", "loyalty_service.cli", "import", "invoice-lines", str(path)],
            env={**os.environ, "LOYALTY_DATABASE_URL": database_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield import_file
    for process in started:
        if process.poll() is None:
            process.kill()
        with process:
            pass


def test_a_killed_import_is_resumed_to_the_same_end(db, start, trade, monkeypatch, database_url):
    apply(db, BENCH)
    chance = random.Random(20101201)
    killed = 0

    for _ in range(KILLS):
        process = start(trade)
        _await_progress(db, process, orders=_count(db) + chance.randrange(1, 300))
        with suppress(subprocess.TimeoutExpired):
            # Anywhere in the next part: reading, deciding, sending or committing it.
            process.wait(timeout=chance.random() / 2)
        killed += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
    last = start(trade)
    said, _ = last.communicate(timeout=WAIT_SECONDS)

    assert killed, "the import was always faster than its killer"
    assert last.returncode == 0, said
    assert "repeated" in said
    assert_agrees(db, calculate(BENCH, trade))
    monkeypatch.setenv("LOYALTY_DATABASE_URL", database_url)
    with pytest.raises(SystemExit) as proof:
        main(["ledger", "verify"])
    assert proof.value.code in (0, None)


def _count(db):
    return db.fetch("SELECT count(*) FROM order_head")[0][0]


def _await_progress(db, process, *, orders):
    give_up_at = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < give_up_at:
        if _count(db) >= orders or process.poll() is not None:
            return
        time.sleep(0.01)
    raise AssertionError("the import does not move")
