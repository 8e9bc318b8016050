"""`loyalty migrate`."""

import click

from loyalty_service.cli.databases import some_database_address
from loyalty_service.config import read_config


@click.command()
def migrate() -> None:
    """Bring the database to the newest revision.

    Runs as the owner of the database: the account in LOYALTY_DATABASE_URL must be allowed to
    create tables and the role loyalty_app. Running it again changes nothing; two at once take
    turns.
    """
    from loyalty_service.kit.migrations import migrate as bring_to_newest

    with some_database_address(read_config()) as url:
        found, newest = bring_to_newest(url)
    click.echo(
        f"Already at {newest}." if found == newest else f"From {found or 'empty'} to {newest}."
    )
