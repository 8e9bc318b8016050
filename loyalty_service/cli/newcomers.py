"""The run behind `loyalty import members`: a file, part by part, each a transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import click

from loyalty_service.cli.invoices import current_program
from loyalty_service.cli.progress import counted, progress
from loyalty_service.imports.rules.members import Newcomer, Setting, read_members
from loyalty_service.imports.rules.openings import MembersReport, Welcome
from loyalty_service.imports.service import Arrival, bring_in, cut_members, look_at, open_lines
from loyalty_service.kit.db import Busy, Database, Transaction
from loyalty_service.kit.patience import PATIENCE, insist
from loyalty_service.ledger.service import Acting
from loyalty_service.members.rules import check_past
from loyalty_service.program.service import Programs
from loyalty_service.timekeeping.service import Timekeeping

ACTOR = ("import", "members")
MOST_FAULTS = 100
MOST_EXAMPLES = 5

TakePart = Callable[[Sequence[Newcomer]], list[Welcome]]


def import_members(
    db: Database,
    path: Path,
    *,
    as_of: datetime | None,
    secret: bytes | None,
    only_check: bool,
    patience: int = PATIENCE,
) -> MembersReport:
    """Bring the members of a file in with what they have; who has a fault is left out whole.

    Args:
        as_of: the instant of the opening balances (UTC); None is now.
        secret: what personal references are hashed with; None refuses them.
        only_check: find the faults and write nothing.
        patience: how often a part is tried again that meets a locked member; then it ends there.

    Raises:
        FileFault: the file cannot be read. Nothing is written.
        NoProgram: there is no program to import under. Nothing is written.
        InTheFuture: ``as_of`` has not come yet. Nothing is written.
    """
    now = db.clock.now()
    check_past(as_of or now, now, "as_of")
    programs = Programs()
    version, program = current_program(db, programs)
    _, opening = programs.in_force(db.fetch, version, as_of or now)
    with open_lines(path) as lines:
        file = read_members(lines, Setting(program, now, secret, opening))
    arrival = Arrival(program, version, opening, as_of)
    sound = [member for member in file.members if not member.is_faulty]
    report = MembersReport(file.read, faulty=len(file.members) - len(sound), faults=file.faults)

    def take_part(part: Sequence[Newcomer]) -> list[Welcome]:
        return insist(
            lambda: _take_part(db, programs, part, arrival, only_check=only_check), patience
        )

    _take_in(sound, report, take_part)
    report.faults.sort()
    return report


def _take_in(sound: Sequence[Newcomer], report: MembersReport, take_part: TakePart) -> None:
    tiers = sum(member.tier is not None for member in sound)
    doing = f"Importing members, {tiers:,} with a tier" if tiers else "Importing members"
    with progress(doing, "members", len(sound)) as show:
        done = 0
        for part in cut_members(sound):
            try:
                welcomes = take_part(part)
            except Busy:
                report.not_come_to = len(sound) - done
                return
            for one in welcomes:
                report.note(one)
            done += len(part)
            show(done)


def _take_part(
    db: Database,
    programs: Programs,
    part: Sequence[Newcomer],
    arrival: Arrival,
    *,
    only_check: bool,
) -> list[Welcome]:
    def acting(tx: Transaction) -> Acting:
        return Acting(tx, programs, ACTOR, Timekeeping())

    if only_check:
        with db.reading() as tx:
            return look_at(acting(tx), part, arrival)
    return db.run(lambda tx: bring_in(acting(tx), part, arrival))


def tell(report: MembersReport, path: Path, *, only_check: bool) -> None:
    """Print every fault with its line, and what became of everybody."""
    for fault in report.faults[:MOST_FAULTS]:
        click.echo(f"{path}:{fault.line}: {fault.column}: {fault.message}")
    if len(report.faults) > MOST_FAULTS:
        click.echo(f"... and {len(report.faults) - MOST_FAULTS:,} more faults.")
    members = report.enrolled + report.known + report.faulty + report.not_come_to
    click.echo(f"{counted(report.read, 'line')}, {counted(members, 'member')}")
    would = "would be " if only_check else ""
    _row(f"{would}enrolled", report.enrolled)
    _row("known already", report.known)
    if report.differing:
        _row(
            "  known otherwise",
            len(report.differing),
            f"left as they are, {_as_on(report.differing)}",
        )
    _row("left out with a fault", report.faulty)
    if report.is_stuck:
        _row("not come to", report.not_come_to)
    click.echo(counted(report.balances + report.repeated, "opening balance"))
    _row(f"{would}brought", report.balances)
    for wallet, points in sorted(report.points.items()):
        _row(f"  points in {wallet}", points)
    _row("imported before", report.repeated)
    _tell_tiers(report, would)
    if report.faults or not report.is_stuck:
        click.echo(f"Faults: {len(report.faults):,}" if report.faults else "No faults.")


def _tell_tiers(report: MembersReport, would: str) -> None:
    brought = report.tiers.total()
    if not brought + report.standing:
        return
    click.echo(counted(brought + report.standing, "opening tier"))
    _row(f"{would}brought", brought)
    for tier, count in sorted(report.tiers.items()):
        _row(f"  {tier}", count)
    if report.raised:
        _row("  to members known", len(report.raised), f"who had none, {_as_on(report.raised)}")
    if report.over:
        _row("  reviewed at once", len(report.over), f"their term is over, {_as_on(report.over)}")
    _row("there already", report.standing)


def _as_on(lines: Sequence[int]) -> str:
    named = ", ".join(map(str, lines[:MOST_EXAMPLES]))
    return f"as on line{'' if len(lines) == 1 else 's'} {named}"


def _row(name: str, count: int, more: str = "") -> None:
    click.echo(f"  {name:<24}{count:>20,}   {more}".rstrip())
