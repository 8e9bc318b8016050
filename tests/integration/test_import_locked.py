"""Imports that meet a member whom another session has locked."""

import pytest

from loyalty_service.checkout.service.batch import MEMBERS_AT_ONCE
from loyalty_service.cli import newcomers
from loyalty_service.cli.exits import Exit, Fault
from loyalty_service.cli.imports import end
from loyalty_service.cli.invoices import Asked, import_invoices, tell
from loyalty_service.cli.newcomers import import_members
from loyalty_service.kit.db import Database
from tests.factories import Shop
from tests.integration.meetings import MEMBER, held
from tests.integration.trade_books import BENCH
from tests.services import wait_until

MANY = MEMBERS_AT_ONCE + 20
"""Customers of a file: more than one transaction takes."""
LAST = str(MANY - 1)
HEAD = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


@pytest.fixture
def hurried(database_url, clock):
    """The database, for somebody whom locks are refused at once."""
    db = Database(database_url, clock=clock, lock_timeout_ms=20)
    yield db
    db.close()


@pytest.fixture
def invoices(tmp_path):
    path = tmp_path / "invoices.csv"
    lines = (f"{n},A,Cup,1,2010-12-01 08:26,30.00,{n},UK\n" for n in range(MANY))
    path.write_text(HEAD + "".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def balances(tmp_path):
    path = tmp_path / "members.csv"
    lines = (f"{n},points,{n + 1}\n" for n in range(MANY))
    path.write_text("member_ref,wallet,points\n" + "".join(lines), encoding="utf-8")
    return path


def bring(db, path, **options):
    return import_members(db, path, as_of=None, secret=None, only_check=False, **options)


def let_go_when_refused(gate):
    """Open the gate once the lock was refused at least once."""
    wait_until(lambda: gate.waiting() == 0)
    return gate.open()


def test_invoices_wait_for_a_member_until_they_are_let_go(db, hurried, invoices):
    Shop(db, BENCH.read_text(encoding="utf-8")).enrol(LAST)

    with held(db, MEMBER, [LAST]) as gate:
        gate.let_in(lambda: import_invoices(hurried, invoices, Asked()))
        (report,) = let_go_when_refused(gate)

    assert not report.is_stuck
    assert report.invoices == {"order": MANY}


def test_members_wait_for_one_until_they_are_let_go(db, hurried, balances):
    Shop(db).enrol(LAST)

    with held(db, MEMBER, [LAST]) as gate:
        gate.let_in(lambda: bring(hurried, balances))
        (report,) = let_go_when_refused(gate)

    assert not report.is_stuck
    assert report.balances == MANY


def test_invoices_of_a_member_never_let_go_are_told_and_done_the_next_time(
    db, hurried, invoices, capsys
):
    Shop(db, BENCH.read_text(encoding="utf-8")).enrol(LAST)
    with held(db, MEMBER, [LAST]):
        report = import_invoices(hurried, invoices, Asked(), patience=1)

    tell(report, invoices)
    said = capsys.readouterr().out
    with pytest.raises(Fault, match="locked by another session") as ended:
        end(report, found_wrong=True)
    again = import_invoices(db, invoices, Asked())

    assert ended.value.code == Exit.UNFINISHED
    assert f"order                   {MEMBERS_AT_ONCE:>12,}" in said
    assert f"not come to             {MANY - MEMBERS_AT_ONCE:>12,}" in said
    assert again.invoices == {"repeated": MEMBERS_AT_ONCE, "order": MANY - MEMBERS_AT_ONCE}


def test_members_after_one_never_let_go_are_told_and_brought_the_next_time(
    db, hurried, balances, capsys
):
    Shop(db).enrol(LAST)
    with held(db, MEMBER, [LAST]):
        report = bring(hurried, balances, patience=1)

    newcomers.tell(report, balances, only_check=False)
    said = capsys.readouterr().out
    with pytest.raises(Fault, match="locked by another session") as ended:
        end(report, found_wrong=False)
    again = bring(db, balances)

    assert ended.value.code == Exit.UNFINISHED
    assert f"not come to             {MANY - MEMBERS_AT_ONCE:>20,}" in said
    assert "No faults" not in said
    assert (report.enrolled, report.balances) == (MEMBERS_AT_ONCE, MEMBERS_AT_ONCE)
    assert (again.repeated, again.balances) == (MEMBERS_AT_ONCE, MANY - MEMBERS_AT_ONCE)
