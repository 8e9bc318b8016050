"""Real trade month by month, with the job between the months: points and tiers of everybody are
what was worked out a second time (R-50 to R-52, R-55)."""

import csv
import gzip
from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, time
from math import ceil
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.program.service import apply_document
from tests.integration.trade_books import BENCH, SHORT_ENDS, assert_agrees, real_trade, take
from tests.job_world import assert_proved, catch_up
from tests.oracle.tier_oracle import QUARTERS, ROLLING, Plan, TierOracle, months_after

ZONE = ZoneInfo("Europe/London")
FIRST_MONTH = "2010-12"
ONE_IN = 4
_STANDINGS = """
SELECT r.value, m.tier, m.tier_until, m.grace_until
  FROM member m JOIN member_ref r USING (member_id) WHERE r.kind = 'shop'
"""
Record = Callable[[str, Any], None]


def by_month(folder: Path, one_in: int) -> dict[str, Path]:
    """The trade of every so many customers, a file for each month."""
    lines: dict[str, list[dict[str, str]]] = defaultdict(list)
    with gzip.open(real_trade(), "rt", encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if row["CustomerID"] and int(row["CustomerID"]) % one_in == 0:
                lines[row["InvoiceDate"][: len(FIRST_MONTH)]].append(row)
    return {month: write(folder / f"{month}.csv", lines[month]) for month in sorted(lines)}


def write(path: Path, lines: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as out:
        table = csv.DictWriter(out, lines[0])
        table.writeheader()
        table.writerows(lines)
    return path


def local_day(instant: datetime | None) -> date | None:
    return None if instant is None else instant.astimezone(ZONE).date()


def standings(db: Database) -> dict[str, Any]:
    """Everybody's tier, and the day on which their term or grace ends."""
    return {
        name: (tier or "t0", local_day(grace or until), grace is not None)
        for name, tier, until, grace in db.fetch(_STANDINGS)
    }


def reckoned(oracle: TierOracle) -> dict[str, Any]:
    return {
        name: (f"t{one.tier}", one.ends, one.in_grace) for name, one in oracle.standings.items()
    }


@pytest.mark.long
@pytest.mark.parametrize(
    ("program", "plan"), [(BENCH, ROLLING), (SHORT_ENDS, QUARTERS)], ids=["rolling", "quarters"]
)
def test_real_trade_month_by_month_comes_to_what_was_worked_out_a_second_time(
    db: Database,
    clock: SettableClock,
    tmp_path: Path,
    long_scale: float,
    record_property: Record,
    program: Path,
    plan: Plan,
) -> None:
    months = by_month(tmp_path, ceil(ONE_IN / long_scale))
    clock.set(datetime(2010, 12, 1, tzinfo=ZONE))
    text = program.read_text(encoding="utf-8") + plan.document
    db.run(lambda tx: apply_document(tx, text, "test"))
    oracle = TierOracle(program, plan)

    for month, file in months.items():
        after = months_after(date.fromisoformat(f"{month}-01"), 1)
        clock.set(datetime.combine(after, time(3), ZONE))
        take(db, file)
        catch_up(db, size=5_000)
        oracle.import_file(file, clock.now())
        oracle.catch_up(clock.now())

        assert standings(db) == reckoned(oracle), month
        assert_agrees(db, oracle)
    assert_proved(db)
    moves = sum(one.moves for one in oracle.standings.values())
    assert moves > len(oracle.standings) / 2
    record_property("trade", {"members": len(oracle.standings), "changes of tier": moves})
