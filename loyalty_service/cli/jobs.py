"""`loyalty jobs run` and `list`."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from loyalty_service.cli.databases import open_database
from loyalty_service.cli.exits import Exit, Fault
from loyalty_service.cli.instants import Instant
from loyalty_service.cli.progress import counted, progress
from loyalty_service.config import read_config
from loyalty_service.jobs.rules.counts import ONLY_RECKONED
from loyalty_service.jobs.rules.runs import CHUNK, Run
from loyalty_service.jobs.rules.schedules import SCHEDULES, JobName
from loyalty_service.jobs.service import STEPS_AT_ONCE, Jobs, Listed, Stuck, Watch, list_jobs
from loyalty_service.kit.db import Database
from loyalty_service.kit.heap import settled
from loyalty_service.kit.instants import instant_text
from loyalty_service.kit.patience import LOCK_MS
from loyalty_service.kit.problems import AWAY
from loyalty_service.members.queries import count_members
from loyalty_service.program.rules.versions import NoProgram
from loyalty_service.program.service import Programs
from loyalty_service.timekeeping.service import Timekeeping

WHAT = {
    JobName.CATCH_UP: (
        "bring every member to an instant: points come alive and end, holds lapse, birthdays give "
        "points, tiers are reviewed"
    ),
    JobName.REMIND: (
        "tell members of points that end in 30, 7 or 1 days, or sooner where that was missed"
    ),
    JobName.PRUNE: "delete answers, notices and runs that nobody needs any more",
}

MEANS = {
    ONLY_RECKONED: "   nothing happened, only the day was reckoned anew on which something will",
}


class _Help(click.Command):
    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Jobs"):
            formatter.write_dl([(name.value, f"{WHAT[name]}; {SCHEDULES[name]}") for name in WHAT])


@click.group()
def jobs() -> None:
    """Run a nightly job now, or list them.

    `loyalty scheduler` and `loyalty serve` run them by themselves when they are due.
    """


@jobs.command(cls=_Help)
@click.argument("name", metavar="JOB", type=click.Choice([name.value for name in JobName]))
@click.option(
    "--at", type=Instant(), help="catch-up: bring members to this instant; now if left out."
)
@click.option("--dry-run", is_flag=True, help="catch-up: tell what would happen; write nothing.")
@click.option(
    "--chunk",
    type=click.IntRange(1, 100_000),
    default=CHUNK,
    show_default=True,
    help="Members looked at in one transaction.",
)
def run(name: str, at: datetime | None, *, dry_run: bool, chunk: int) -> None:
    """Run JOB now, beside traffic; a terminal sees a bar, a log one line for each chunk.

    At its end it says for how many members anything was written (remind: how many were told), and
    what happened, by kind of event. After a new version of the program many are only reckoned
    anew: on which day time brings them something next.

    A run that was stopped or killed goes on where it was when it is started again with the same
    --at. Two at once come to the same end.

    Ends with 0 when all is done, 1 when there is no program yet, 5 when the database went away,
    8 when it was stopped (Ctrl-C, SIGTERM) or a member could not be locked for a long time.
    """
    job = JobName(name)
    if job is not JobName.CATCH_UP and (at is not None or dry_run):
        raise click.UsageError(f"--at and --dry-run are for catch-up; {job} is always about now.")
    with open_database(read_config(), pool_size=STEPS_AT_ONCE, most_lock_ms=LOCK_MS) as db:
        now = db.clock.now()
        if at is not None and at > now and not dry_run:
            raise click.UsageError(
                f"--at {instant_text(at)} lies in the future (it is {instant_text(now)}), and what "
                "time has not brought yet cannot be written. "
                "Add --dry-run to be told what would happen by then."
            )
        at = at or now
        if dry_run:
            _foresee(db, at, chunk)
        else:
            _run(db, job, at, chunk)


@jobs.command("list")
def list_all() -> None:
    """Each job with its schedule, when it is due next, and how its last run went."""
    with open_database(read_config()) as db:
        now = db.clock.now()
        for listed in list_jobs(db.fetch, Programs(), now):
            _tell_listed(listed, now)


def _run(db: Database, job: JobName, at: datetime, chunk: int) -> None:
    again = f"loyalty jobs run {job}"
    if job is JobName.CATCH_UP:
        again += f" --at {instant_text(at)}"
        click.echo(f"Catching up to {instant_text(at)}.", err=True)
    of_db = Jobs(db, Programs(), Timekeeping(), size=chunk)
    with settled(), _stop_asked() as is_wanted, _bar(db, str(job)) as show:
        watch = Watch(lambda run: show(run.scanned), is_wanted)
        try:
            ended = of_db.run(job, at, watch)
        except Stuck as stuck:
            raise Fault(Exit.UNFINISHED, f"{stuck}\nGo on with: {again}") from None
        except AWAY:
            click.echo(f"What was done stays done. Go on with: {again}", err=True)
            raise
        except NoProgram as refusal:
            raise Fault(Exit.FOUND_WRONG, str(refusal)) from None
    _tell(ended)
    if not ended.is_done:
        raise Fault(Exit.UNFINISHED, f"Stopped before its end. Go on with: {again}")


def _foresee(db: Database, at: datetime, chunk: int) -> None:
    of_db = Jobs(db, Programs(), Timekeeping(), size=chunk)
    with _bar(db, "catch-up, dry run") as show:
        try:
            whole = of_db.foresee(at, show)
        except NoProgram as refusal:
            raise Fault(Exit.FOUND_WRONG, str(refusal)) from None
    click.echo(f"By {instant_text(at)}, as things stand; nothing was written.")
    _tell_counts(JobName.CATCH_UP, whole.scanned, whole.members, whole.counts.told())


@contextmanager
def _bar(db: Database, doing: str) -> Iterator[Any]:
    total = count_members(db.fetch)
    with progress(doing, "members", total, every_seconds=0.0) as show:
        yield show


@contextmanager
def _stop_asked() -> Iterator[Any]:
    """Ctrl-C and SIGTERM end the run after its step, not in the middle of one."""
    asked: list[int] = []

    def stop(number: int, _frame: Any) -> None:
        asked.append(number)
        click.echo("Stopping after this chunk ...", err=True)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: not asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(ended: Run) -> None:
    if ended.ended_at is not None:
        took = (ended.ended_at - ended.started_at).total_seconds()
        click.echo(f"{ended.job} for {instant_text(ended.at)}: {ended.outcome}, {took:,.1f} s")
    _tell_counts(JobName(ended.job), ended.scanned, ended.members, ended.counts)


def _tell_counts(job: JobName, scanned: int, members: int, counts: dict[str, Any]) -> None:
    click.echo(f"{counted(scanned, 'member')} looked at, {_did(job, members, counts)}")
    for kind, found in sorted(counts.items()):
        click.echo(f"  {kind:<24}{found['times']:>14,}{MEANS.get(kind, '')}")
        for what in ("lots", "points"):
            for wallet, number in found.get(what, {}).items():
                click.echo(f"    {f'{what} in {wallet}':<22}{number:>14,}")


def _tell_listed(listed: Listed, now: datetime) -> None:
    click.echo(f"{listed.name}: {WHAT[listed.name]}")
    zone = None if listed.zone is None else ZoneInfo(listed.zone)
    if listed.next_at is None:
        click.echo(f"  {listed.schedule}, once a program is applied (`loyalty program apply FILE`)")
    else:
        click.echo(f"  {listed.schedule}, {zone}; next {_local(listed.next_at, zone)}")
    last = listed.last
    if last is None:
        click.echo("  never run")
        return
    click.echo(
        f"  last begun {_local(last.started_at, zone)} for {_local(last.at, zone)}: "
        f"{_went(last, now)}, {counted(last.scanned, 'member')} looked at, "
        f"{_did(listed.name, last.members, last.counts)}"
    )


def _local(instant: datetime, zone: ZoneInfo | None) -> str:
    return (
        instant_text(instant) if zone is None else f"{instant.astimezone(zone):%Y-%m-%d %H:%M %z}"
    )


def _went(last: Run, now: datetime) -> str:
    """How it ended; of one that has not, when it was last heard of: it may have been killed."""
    state = last.state(now).replace("_", " ")
    if last.ended_at is None:
        return f"{state}, last step {(now - last.moved_at).total_seconds():,.0f} s ago"
    fault = "" if last.fault is None else f" ({last.fault})"
    return f"{state}{fault}, {(last.ended_at - last.started_at).total_seconds():,.1f} s"


def _did(job: JobName, members: int, counts: dict[str, Any]) -> str:
    if job is JobName.PRUNE:
        return f"{counted(sum(kind['times'] for kind in counts.values()), 'row')} deleted"
    return f"{members:,} {'told' if job is JobName.REMIND else 'changed'}"
