"""`loyalty program check`, `diff`, `apply` and `show`."""

import sys
from dataclasses import fields
from typing import IO

import click

from loyalty_service.cli.databases import open_database
from loyalty_service.cli.diff import diff
from loyalty_service.cli.documents import HEADINGS, SOUND, check_text, read_text
from loyalty_service.cli.exits import Exit, Fault
from loyalty_service.config import read_config
from loyalty_service.program.queries import find_newest
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.words import program_words
from loyalty_service.program.service import apply_document

LANGUAGES = click.Choice(["en", "zh"])


@click.group()
def program() -> None:
    """Check, compare, apply or show a program document (YAML or JSON)."""


program.add_command(diff)


@program.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option(
    "--lang",
    type=LANGUAGES,
    default="en",
    help="In which words to tell what it says; faults are told in English.",
)
def check(file: IO[str], lang: str) -> None:
    """Tell every fault of the document in FILE, or what it says; `-` reads standard input.

    Both go to standard output. Ends with 1 where there are faults.
    """
    try:
        found = check_text(file.name, read_text(file))
    except Fault as faults:
        # They are what was asked for, not a failure to tell it.
        click.echo(str(faults))
        sys.exit(int(faults.code))
    _tell(found, lang)
    click.echo("\n" + SOUND[lang].format(name=file.name))


@program.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--by", "applied_by", default="command line", help="Who applies it, for the record.")
def apply(file: IO[str], applied_by: str) -> None:
    """Make the document in FILE the version in force from now on; `-` reads standard input.

    A document that says what the newest version says changes nothing.
    """
    text = read_text(file)
    check_text(file.name, text)
    with open_database(read_config()) as db:
        newest = find_newest(db.fetch)
        version = db.run(lambda tx: apply_document(tx, text, applied_by))
    is_known = newest is not None and newest.version == version
    click.echo(f"{file.name}: version {version} is in force{' already' if is_known else ''}.")


@program.command()
@click.option("--lang", type=LANGUAGES, default="en", help="In which words to tell it.")
@click.option("--document", is_flag=True, help="Print the stored document (JSON) instead.")
def show(lang: str, *, document: bool) -> None:
    """Tell the version in force, in words."""
    with open_database(read_config()) as db:
        newest = find_newest(db.fetch)
    if newest is None:
        raise Fault(Exit.FOUND_WRONG, "No program has been applied yet.")
    if document:
        click.echo(newest.document)
        return
    program = check_text(f"version {newest.version}", newest.document)
    since = f"{newest.in_force_at.astimezone(program.zone):%Y-%m-%d %H:%M:%S %z}"
    click.echo(f"Version {newest.version}, in force since {since}, by {newest.applied_by}.\n")
    _tell(program, lang)


def _tell(found: Program, lang: str) -> None:
    worded = program_words(found, lang)
    for field in fields(worded):
        lines = getattr(worded, field.name)
        if lines:
            click.echo("\n".join([HEADINGS[lang][field.name], *(f"  - {line}" for line in lines)]))
