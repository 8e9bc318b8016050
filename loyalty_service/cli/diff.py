"""`loyalty program diff`: what a document would change, before it is applied."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import IO, Any
from unicodedata import east_asian_width

import click

from loyalty_service.cli.databases import open_database
from loyalty_service.cli.documents import HEADINGS, check_text, read_text
from loyalty_service.cli.exits import Exit, Fault
from loyalty_service.cli.instants import Day
from loyalty_service.cli.progress import progress
from loyalty_service.config import read_config
from loyalty_service.kit.db import Database
from loyalty_service.kit.errors import Refusal
from loyalty_service.kit.instants import instant_or_none
from loyalty_service.kit.sheets import csv_text
from loyalty_service.members.queries import count_members
from loyalty_service.program.queries import find_version
from loyalty_service.program.rules.comparing import compare_programs
from loyalty_service.program.rules.periods import ONE_DAY, add, local_date, start_of_day
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.spans import Period, Unit
from loyalty_service.program.rules.versions import Version
from loyalty_service.program.service import Programs, find_running, require_follows
from loyalty_service.reports.rules.move_words import Names, move_in_words, names_of_tiers
from loyalty_service.reports.rules.moves import Group, Move, Moves, group_of
from loyalty_service.reports.service import Foresight, Watch, foresee_moves, names_of
from loyalty_service.reports.service.foreseeing import CHUNK
from loyalty_service.timekeeping.service import Timekeeping

AHEAD = Period(14, Unit.MONTHS)
"""How far reviews are looked for: a year to the end of its month, and a month of grace."""

MOST = Period(20, Unit.YEARS)

_COLUMNS = (
    "member",
    "tier",
    "at_once",
    "to",
    "at",
    "instead_to",
    "instead_at",
    "then_to",
    "then_at",
)
_SAY = {
    "en": {
        "same": "Both say the same.",
        "members": "Members by tier",
        "now": "now",
        "then": "then",
        "at_once": "At once",
        "later": "Later, if nothing else happens (looked at through {last})",
        "nobody": "Nobody moves otherwise than by the old one, at once or through {last}.",
        "unwritten": "Nothing was written.",
    },
    "zh": {
        "same": "两者内容相同。",
        "members": "各等级会员数",
        "now": "现在",
        "then": "之后",
        "at_once": "立即",
        "later": "此后（若无其他变化，查看至 {last}）",
        "nobody": "立即及至 {last}，没有会员因此变动。",
        "unwritten": "未写入任何数据。",
    },
}


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two documents."""

    name: str
    text: str
    program: Program
    is_in_force: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    """How it is told."""

    lang: str
    is_all: bool
    is_csv: bool
    chunk: int


class _Document(click.ParamType[Any]):
    """A file, or the number of an applied version."""

    name = "document"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and value.isdecimal():
            return min(int(value), 2**31 - 1)
        return click.File(encoding="utf-8").convert(value, param, ctx)


@click.command()
@click.argument("old", type=_Document())
@click.argument("new", type=_Document())
@click.option(
    "--until",
    type=Day(),
    help="Look for reviews through this day of the program's zone; 14 months ahead if left out.",
)
@click.option(
    "--lang",
    type=click.Choice(["en", "zh"]),
    default="en",
    help="In which words to tell it; faults and refusals are told in English.",
)
@click.option("--all", "is_all", is_flag=True, help="Name every member who moves, not the first.")
@click.option("--csv", "is_csv", is_flag=True, help="Print every member who moves as CSV, no more.")
@click.option(
    "--chunk",
    type=click.IntRange(1, 100_000),
    default=CHUNK,
    show_default=True,
    help="Members looked at in one transaction.",
)
def diff(
    old: int | IO[str],
    new: int | IO[str],
    until: date | None,
    lang: str,
    *,
    is_all: bool,
    is_csv: bool,
    chunk: int,
) -> None:
    """Tell what NEW would change if it came into force now instead of OLD; nothing is written.

    Each is a FILE or the number of an applied version (a file of such a name is ./3). What the
    documents say otherwise is told in words: - gone, + new, ~ else. Then how many members stand in
    each tier, who moves at once, and whose next change is another than it would be by OLD.

    Ends with 1 where a document has faults, or where `loyalty program apply` would refuse NEW.
    """
    asked = _Asked(lang, is_all, is_csv, chunk)
    with open_database(read_config()) as db:
        running = find_running(db.fetch)
        sides = _side(db, old, running), _side(db, new, running)
        last = _last_day(local_date(db.clock.now(), sides[1].program.zone), until)
        refusal = None if sides[1].is_in_force else _find_refusal(db, running, sides[1])
        if not is_csv:
            _tell_documents(*sides, lang)
        if refusal is not None:
            click.echo(f"`loyalty program apply` would refuse {sides[1].name}: {refusal}", err=True)
        _tell_members(db, sides, last, asked)
    if refusal is not None:
        sys.exit(int(Exit.FOUND_WRONG))


def _side(db: Database, named: int | IO[str], running: Version) -> _Side:
    if isinstance(named, int):
        found = find_version(db.fetch, named)
        if found is None:
            newest = f"the newest is {running.version}"
            raise Fault(Exit.FOUND_WRONG, f"There is no version {named} of the program; {newest}.")
        name, text = f"version {named}", found.document
    else:
        name, text = named.name, read_text(named)
    return _Side(name, text, check_text(name, text), named == running.version)


def _find_refusal(db: Database, running: Version, new: _Side) -> Refusal | None:
    try:
        with db.reading() as tx:
            require_follows(tx, running, new.program)
    except Refusal as refusal:
        return refusal
    return None


def _tell_documents(old: _Side, new: _Side, lang: str) -> None:
    click.echo(f"{old.name} -> {new.name}")
    changed = compare_programs(old.program, new.program, lang)
    if not changed:
        click.echo(_SAY[lang]["same"])
    for section, lines in changed.items():
        click.echo(
            "\n".join([HEADINGS[lang][section], *(f"  {mark} {text}" for mark, text in lines)])
        )


def _tell_members(db: Database, sides: tuple[_Side, _Side], last: date, asked: _Asked) -> None:
    now, zone = db.clock.now(), sides[1].program.zone
    old, new = (_programs(db, side, now) for side in sides)
    until = start_of_day(last + ONE_DAY, zone) - timedelta(microseconds=1)
    foresight = Foresight(Timekeeping(), old, new, now, until)
    moves, names = Moves(zone), names_of_tiers(sides[0].program, sides[1].program, asked.lang)
    if asked.is_csv:
        click.echo(csv_text([_COLUMNS]), nl=False)

    def tell(name: str, move: Move) -> None:
        if asked.is_csv:
            click.echo(csv_text([(name, *_cells(move))]), nl=False)
        else:
            day = group_of(move, zone, by_day=True)
            click.echo(f"  {name}  {move_in_words(day, names, last, asked.lang)}")

    with progress("Looking at members", "members", count_members(db.fetch)) as show:
        watch = Watch(show, tell if asked.is_all or asked.is_csv else None)
        foresee_moves(db, foresight, moves, watch, size=asked.chunk)
    if not asked.is_csv:
        _tell_moves(db, moves, names, asked.lang, last)


def _last_day(today: date, until: date | None) -> date:
    if until is None:
        return add(today, AHEAD)
    if not today <= until <= add(today, MOST):
        raise click.UsageError(f"--until is a day from {today} through {add(today, MOST)}.")
    return until


def _programs(db: Database, side: _Side, now: datetime) -> Programs:
    """The versions there are, and this document as the newest of them."""
    programs = Programs()
    if side.is_in_force:
        programs.learn(db.fetch)
        return programs
    return programs.supposing(db.fetch, side.text, now)


def _cells(move: Move) -> tuple[str | None, ...]:
    at, instead_at, then_at = (
        instant_or_none(instant) for instant in (move.at, move.instead_at, move.then_at)
    )
    moved = move.tier, str(move.is_at_once).lower(), move.to, at
    return *moved, move.instead, instead_at, move.then, then_at


def _tell_moves(db: Database, moves: Moves, names: Names, lang: str, last: date) -> None:
    say = _SAY[lang]
    click.echo()
    _row(say["members"], say["now"], say["then"])
    for tier, name in names.items():
        if moves.before[tier] or moves.after[tier] or tier is not None:
            _row(f"  {name}", f"{moves.before[tier]:,}", f"{moves.after[tier]:,}")
    groups = moves.listed()
    if not groups:
        click.echo("\n" + say["nobody"].format(last=last))
    for is_at_once, title in ((True, say["at_once"]), (False, say["later"])):
        some = [group for group in groups if group.is_at_once is is_at_once]
        if some:
            click.echo("\n" + title.format(last=last))
            _tell_groups(db, moves, some, lambda group: move_in_words(group, names, last, lang))
    click.echo(f"\n{say['unwritten']}")


def _tell_groups(
    db: Database, moves: Moves, groups: Sequence[Group], in_words: Callable[[Group], str]
) -> None:
    for group in groups:
        shown = names_of(db, moves.examples[group])
        more = ", ..." if moves.groups[group] > len(shown) else ""
        named = ", ".join(shown.values())
        click.echo(f"{moves.groups[group]:>9,}  {in_words(group)}  ({named}{more})")


def _row(name: str, before: str, after: str) -> None:
    # A Chinese character is as wide as two letters.
    width = sum(2 if east_asian_width(char) in "WF" else 1 for char in name)
    click.echo(f"{name}{' ' * (28 - width)}{before:>12}{after:>12}")
