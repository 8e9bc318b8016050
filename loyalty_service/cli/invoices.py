"""The run behind `loyalty import invoice-lines`: a file, part by part, each a transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from loyalty_service.cli.progress import counted, progress
from loyalty_service.imports.rules.deciding import TAKEN_IN, Decided, Report, begin_report, decide
from loyalty_service.imports.rules.invoices import reason_to_skip
from loyalty_service.imports.rules.lines import Invoice, Invoices, read_invoices
from loyalty_service.imports.rules.matching import Shelf
from loyalty_service.imports.service import (
    History,
    TakenIn,
    cut,
    find_repeated,
    open_lines,
    take_in,
)
from loyalty_service.kit.db import Busy, Database, Transaction
from loyalty_service.kit.heap import settled
from loyalty_service.kit.patience import PATIENCE, insist
from loyalty_service.ledger.service import Acting
from loyalty_service.program.queries import find_newest
from loyalty_service.program.rules.currencies import minor_digits
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.versions import NoProgram
from loyalty_service.program.service import Programs
from loyalty_service.timekeeping.service import Timekeeping

ACTOR = ("import", "invoice-lines")

TakePart = Callable[[Sequence[Invoice]], TakenIn]


@dataclass(frozen=True, slots=True)
class Asked:
    """How a file is to be read.

    Args:
        zone: of its local times; None is the program's.
        columns: its columns' names by part; None for the usual ones.
        currency: of its prices; None is the program's.
    """

    zone: ZoneInfo | None = None
    columns: Mapping[str, str] | None = None
    currency: str | None = None


def import_invoices(
    db: Database, path: Path, asked: Asked, *, only_check: bool = False, patience: int = PATIENCE
) -> Report:
    """Take a file of invoice lines into the books; what is there already is passed over.

    Args:
        only_check: find what cannot be read or is left out whoever bought it; write nothing.
        patience: how often a part is tried again that meets a locked member; then it ends there.

    Raises:
        FileFault: the file cannot be read. Nothing is written.
        NoProgram: there is no program to import under. Nothing is written.
        click.UsageError: the prices are in another currency. Nothing is written.
    """
    programs = Programs()
    _, program = current_program(db, programs)
    if asked.currency not in (None, program.currency):
        raise click.UsageError(f"The program counts in {program.currency}, not {asked.currency}.")
    with open_lines(path) as lines:
        file = read_invoices(lines, asked.zone or program.zone, asked.columns)
    history = History(program.currency, minor_digits(program.currency))

    def take_part(part: Sequence[Invoice]) -> TakenIn:
        def work(tx: Transaction) -> TakenIn:
            return take_in(Acting(tx, programs, ACTOR, Timekeeping()), part, history)

        return insist(lambda: db.run(work), patience)

    with settled():
        return _take_in(db, file, history, take_part, only_check=only_check)


def current_program(db: Database, programs: Programs) -> tuple[int, Program]:
    """The newest version of the program, and the program.

    Raises:
        NoProgram: none has been applied.
    """
    newest = find_newest(db.fetch)
    if newest is None:
        raise NoProgram("No program has been applied yet; apply one first.")
    return newest.version, programs.get(db.fetch, newest.version)


def _take_in(
    db: Database, file: Invoices, history: History, take_part: TakePart, *, only_check: bool
) -> Report:
    report = begin_report(file, only_check=only_check)
    with db.reading() as tx:
        repeated = find_repeated(tx, file.timeline)
    decided, rest = _skip(file, repeated, db.clock.now(), history)
    with progress("Importing invoices", "invoices", len(file.timeline)) as show:
        for part in [] if only_check else cut(rest):
            try:
                taken = take_part(part)
            except Busy:
                report.is_stuck = True
                break
            decided.update((one.invoice.number, one) for one in taken.decided)
            report.enrolled += taken.enrolled
            show(len(decided))
    for invoice in file.timeline:
        if invoice.number in decided:
            report.note(decided[invoice.number])
    return report


def _skip(
    file: Invoices, repeated: frozenset[str], now: datetime, history: History
) -> tuple[dict[str, Decided], list[Invoice]]:
    """Leave out what needs no look at a customer; the rest goes into the books."""
    decided, rest = {}, []
    for invoice in file.timeline:
        if reason_to_skip(invoice, repeated, now) is None:
            rest.append(invoice)
        else:
            left_out = decide(invoice, repeated, now, Shelf(), history.minor_digits)
            decided[invoice.number] = left_out
    return decided, rest


def tell(report: Report, path: Path) -> None:
    """Print what cannot be read and why, and what became of every line and every invoice."""
    for line_no, why in report.unreadable_lines.items():
        click.echo(f"{path}:{line_no}: {why}")
    more = report.lines["unreadable"] - len(report.unreadable_lines)
    if more:
        click.echo(f"... and {more:,} more lines that cannot be read.")
    click.echo(counted(report.read, "line"))
    for outcome, count in report.lines.most_common():
        _row(outcome, count)
    if report.is_stuck:
        _row("not come to", report.read - report.lines.total())
    click.echo(counted(report.invoices.total(), "invoice"))
    for outcome, count in report.invoices.most_common():
        _row(outcome, count, "as " + ", ".join(report.examples[outcome]))
    if report.matched or report.unmatched:
        click.echo(f"{counted(report.matched + report.unmatched, 'unit')} came back")
        _row("matched", report.matched)
        _row("unmatched", report.unmatched)
    if report.only_check:
        click.echo("Only looked at: nothing is written.")
        return
    imported = sum(report.invoices[outcome] for outcome in TAKEN_IN)
    click.echo(
        f"Imported {counted(imported, 'invoice')}: {counted(report.invoices['order'], 'order')} "
        f"and {counted(report.returns, 'return')}; {counted(report.enrolled, 'member')} enrolled."
    )


def _row(name: str, count: int, more: str = "") -> None:
    click.echo(f"  {name:<24}{count:>12,}   {more}".rstrip())
