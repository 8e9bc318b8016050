"""`loyalty ledger verify` and `mend-sums`."""

import sys
from dataclasses import astuple
from datetime import datetime
from typing import IO

import click

from loyalty_service.checkout.service.mending import list_wrong_members, mend_totals
from loyalty_service.checkout.service.proving import find_order_faults
from loyalty_service.cli.databases import open_database
from loyalty_service.cli.exits import Exit, Fault
from loyalty_service.cli.instants import Instant
from loyalty_service.cli.progress import counted, progress
from loyalty_service.config import read_config
from loyalty_service.kit.db import Database, Transaction
from loyalty_service.kit.errors import Refusal
from loyalty_service.ledger.queries.stored import count_entries
from loyalty_service.ledger.rules.heads import Earlier, Head, HeadsMalformed, read_heads
from loyalty_service.ledger.rules.report import FAULTS_KEPT, Report
from loyalty_service.ledger.rules.stored import Fault as Wrong
from loyalty_service.ledger.service.proving import prove_all, prove_one
from loyalty_service.members.queries import get_member
from loyalty_service.members.rules import PERSONAL, MemberUnknown, Ref, check_past, parse_ref

COLUMNS = ("accounts", "entries", "sum", "active", "pending", "due", "deficit")


@click.group()
def ledger() -> None:
    """Prove what the ledger says."""


@ledger.command()
@click.option(
    "--member",
    "ref",
    metavar="REF",
    help="Only this member, by any of their names but a phone or mail.",
)
@click.option("--at", type=Instant(), help="What was recorded by a past instant; now if left out.")
@click.option(
    "--heads",
    type=click.File("w", encoding="utf-8", lazy=False),
    help="Write where every chain ends, to keep outside the database.",
)
@click.option(
    "--compare",
    type=click.File(encoding="utf-8", errors="replace"),
    help="Also hold the chains against an earlier --heads file.",
)
def verify(
    ref: str | None, at: datetime | None, heads: IO[str] | None, compare: IO[str] | None
) -> None:
    """Follow every entry again and tell every row that does not agree.

    Checks numbering, hash chains, sums, lots, holds, explanations, the sums behind limits and
    tiers, and that orders, events and members are all there. Runs beside traffic, on one snapshot.

    Ends with 0 when all is proved, 1 when anything is wrong (the first fault of each account is
    printed, at most 100), another code when it could not run. A member is told by our own number.
    """
    if ref is not None and (heads or compare):
        raise click.UsageError("--heads and --compare are about all members; leave out --member.")
    with open_database(read_config()) as db:
        try:
            report = _run(db, ref, at, heads, compare)
        except (Refusal, HeadsMalformed) as error:
            raise Fault(Exit.USAGE, str(error)) from None
    _tell(report)
    if report.fault_count:
        sys.exit(Exit.FOUND_WRONG)


@ledger.command()
def mend_sums() -> None:
    """Reckon the sums behind limits and tiers again where they are wrong.

    They follow from orders and events alone; each one that is mended is told. A tier that was
    missed for it comes with the member's next operation, or the next catch-up. Points are never
    touched. Runs beside traffic, and may be stopped and started again.

    Ends with 0, whether or not anything was wrong.
    """
    with open_database(read_config()) as db:
        wrong = list_wrong_members(db)
        mended = 0
        for member_id in wrong:
            for fault in mend_totals(db, member_id):
                click.echo(_sentence(fault))
                mended += 1
    if mended:
        click.echo(f"{counted(mended, 'sum')} of {counted(len(wrong), 'member')} mended.")
    else:
        click.echo("All sums are right.")


def _run(
    db: Database,
    ref: str | None,
    at: datetime | None,
    heads: IO[str] | None,
    compare: IO[str] | None,
) -> Report:
    with db.reading() as tx:
        if at is not None:
            check_past(at, tx.now(), "at")
        if ref is None:
            return _all(tx, at, heads, compare)
        member_id = _find(tx, parse_ref(ref))
        report = prove_one(tx, member_id, at)
        report.find(find_order_faults(tx, member_id))
        return report


def _find(tx: Transaction, ref: Ref) -> int:
    try:
        return get_member(tx, ref).member_id
    except MemberUnknown:
        raise Fault(Exit.USAGE, _nobody(ref)) from None


def _nobody(ref: Ref) -> str:
    if ref.kind in PERSONAL:
        return (
            f"A member is not found here by a {ref.kind}, of which only a hash is kept; "
            "POST /v1/members/lookup tells their other names."
        )
    return (
        f"No member has the reference {ref.kind}:{ref.value}. Whose an order is, "
        "GET /v1/orders/{order_ref} tells; who has a phone, mail or card, "
        "POST /v1/members/lookup. Without --member all are proved."
    )


def _all(
    tx: Transaction, at: datetime | None, heads: IO[str] | None, compare: IO[str] | None
) -> Report:
    def write(head: Head) -> None:
        assert heads is not None
        heads.write(head.line + "\n")

    earlier = None if compare is None else Earlier(read_heads(compare))
    reports = prove_all(tx, at, earlier=earlier, keep=write if heads else None)
    report = Report()
    with progress("Proving entries", "entries", count_entries(tx)) as show:
        for report in reports:
            show(report.entries)
    report.find(find_order_faults(tx, None))
    if heads is not None:
        heads.write(report.digest.last_line + "\n")
    return report


def _tell(report: Report) -> None:
    for fault in report.faults:
        click.echo(_sentence(fault))
    if report.fault_count > FAULTS_KEPT:
        click.echo(f"... and {report.fault_count - FAULTS_KEPT} more faults.")
    rows: list[tuple[str, ...]] = [("wallet", *COLUMNS)]
    rows += [
        (wallet, *(f"{number:,}" for number in astuple(total)))
        for wallet, total in sorted(report.wallets.items())
    ]
    for row in rows:
        click.echo(f"{row[0]:<16}" + "".join(f"{cell:>16}" for cell in row[1:]))
    entries = "1 entry" if report.entries == 1 else f"{report.entries:,} entries"
    click.echo(f"{counted(report.members, 'member')}, {entries}")
    click.echo(f"digest of all heads: {report.digest.hex}")
    faults = report.fault_count
    click.echo(f"{counted(faults, 'fault')}." if faults else "Proved: no faults.")


def _sentence(fault: Wrong) -> str:
    key = [f"member {fault.member_id}"]
    key += [f"wallet {fault.wallet}"] if fault.wallet is not None else []
    key += [f"{name} {value}" for name, value in fault.key.items()]
    where = f"{fault.table} ({', '.join(key)})"
    return f"{where}: {fault.column}: expected {fault.expected}, found {fault.found}"
