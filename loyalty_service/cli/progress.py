"""How far a long command is."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

EVERY_SECONDS = 5.0


@contextmanager
def progress(doing: str, of_what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, else a line now and then, so that a log shows that it moves.

    Args:
        doing: the bar's words, as ``Importing invoices``.
        of_what: what is counted, as ``invoices``.

    Returns:
        what to tell how much is done.
    """
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(doing, total=total)
            yield lambda done: bar.update(task, completed=done)
        return
    last = time.monotonic()

    def line(done: int) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY_SECONDS:
            last = time.monotonic()
            click.echo(f"{done:,} of {total:,} {of_what}", err=True)

    yield line


def counted(number: int, noun: str) -> str:
    """``1 order``, ``1,200 orders``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
