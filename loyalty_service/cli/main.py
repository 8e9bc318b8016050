"""`loyalty`: finds the command, runs it, and turns every fault into a sentence and a code."""

import importlib
import sys
from typing import Any

import click

from loyalty_service.cli.exits import MEANINGS, NOT_NEWEST, Exit, Fault
from loyalty_service.config import ConfigFault

# Named, not imported: `loyalty --help` answers at once, and a broken part breaks only itself.
COMMANDS = {
    "serve": ("loyalty_service.cli.serve", "Run the service: database, web workers, jobs."),
    "scheduler": ("loyalty_service.cli.scheduler", "Start the nightly jobs when they are due."),
    "jobs": ("loyalty_service.cli.jobs", "Run a nightly job now, or list them."),
    "migrate": ("loyalty_service.cli.migrate", "Bring the database to the newest revision."),
    "program": ("loyalty_service.cli.program", "Check or apply a program document."),
    "ledger": ("loyalty_service.cli.ledger", "Prove what the ledger says."),
    "report": ("loyalty_service.cli.report", "Tell what the ledger comes to."),
    "import": ("loyalty_service.cli.imports", "Bring members and trade in from files."),
    "demo": ("loyalty_service.cli.demo", "Fill an empty database with a demo shop."),
    "token": ("loyalty_service.cli.token", "Sign an access token with a local key."),
    "openapi": ("loyalty_service.cli.openapi", "Print, write or check the contract."),
}


_NO_ROLE = 'role "loyalty_app" does not exist'


class Commands(click.Group):
    """The commands of the table above."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = COMMANDS[name][0]
        # By the module's name: a command's may be a word of Python's own, as import.
        own_name = module.rpartition(".")[2]
        command: click.Command = getattr(importlib.import_module(module), own_name)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), words) for code, words in MEANINGS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="loyalty-service", prog_name="loyalty")
def loyalty() -> None:
    """Points that can be proved: a loyalty and membership service.

    Settings come from the environment (LOYALTY_...); without any, an embedded PostgreSQL is used
    and its files lie under ./var.
    """


def main(args: list[str] | None = None) -> None:
    """Run one command and leave with its code."""
    try:
        loyalty.main(args, prog_name="loyalty", standalone_mode=True)
    except Exception as error:
        code, message = explain(error)
        if code is None:
            raise
        click.echo(message, err=True)
        sys.exit(int(code))


def explain(error: Exception) -> tuple[Exit | None, str]:
    """The exit code and the sentence of a fault; no code when it is a fault of ours."""
    if isinstance(error, Fault):
        return error.code, str(error)
    if isinstance(error, ConfigFault):
        return Exit.SETTINGS, str(error)
    return _explain_parts(error)


def _explain_parts(error: Exception) -> tuple[Exit | None, str]:
    import psycopg2
    import psycopg2.errors
    import sqlalchemy.exc

    from loyalty_service.kit.embedded import AlreadyRunning, EmbeddedFault
    from loyalty_service.kit.errors import Refusal
    from loyalty_service.kit.keys import KeyFault
    from loyalty_service.kit.migrations import NotTheOwner

    table: dict[Any, Exit] = {
        Refusal: Exit.FOUND_WRONG,
        KeyFault: Exit.SETTINGS,
        AlreadyRunning: Exit.ALREADY_RUNNING,
        EmbeddedFault: Exit.NO_DATABASE,
        psycopg2.OperationalError: Exit.NO_DATABASE,
        sqlalchemy.exc.OperationalError: Exit.NO_DATABASE,
    }
    # SQLAlchemy adds the statement and a web link to what the driver said.
    original = getattr(error, "orig", error)
    said = str(original).strip()
    undefined = psycopg2.errors.UndefinedTable | psycopg2.errors.UndefinedColumn
    # The role that the service takes is made by its first migration.
    if isinstance(original, undefined) or _NO_ROLE in said:
        return Exit.NO_DATABASE, NOT_NEWEST
    if isinstance(error, NotTheOwner):
        owner = "The schema is brought to the newest revision by the owner of the database"
        return Exit.NO_DATABASE, f"{owner}; this account may not: {said}"
    code = next((code for kind, code in table.items() if isinstance(error, kind)), None)
    away = code is Exit.NO_DATABASE and not isinstance(error, EmbeddedFault)
    return code, f"The database cannot be reached: {said}" if away else said
