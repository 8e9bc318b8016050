"""How far a long command is."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

EVERY_SECONDS = 5.0


@contextmanager
def progress(
    doing: str, of_what: str, total: int, *, every_seconds: float = EVERY_SECONDS
) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal with rate and time left, else a line now and then, for a log.

    Args:
        doing: the bar's words, as ``Importing invoices``.
        of_what: what is counted, as ``invoices``.
        every_seconds: between two lines; 0 for a line every time.

    Returns:
        what to tell how much is done.
    """
    began = last = time.monotonic()
    if sys.stderr.isatty():
        with _bar() as bar:
            task = bar.add_task(doing, total=total, rate="")
            yield lambda done: bar.update(
                task, completed=done, rate=_rate(done, of_what, time.monotonic() - began)
            )
        return

    def line(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= every_seconds:
            last = now
            click.echo(_line(done, of_what, total, now - began), err=True)

    yield line


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _rate(done: int, of_what: str, seconds: float) -> str:
    return f"{done / seconds:,.0f} {of_what}/s" if seconds else ""


def _line(done: int, of_what: str, total: int, seconds: float) -> str:
    left = seconds * (total - done) / done if done else 0.0
    told = f"{done:,} of {total:,} {of_what}, {_rate(done, of_what, seconds)}"
    return told + (f", about {left:,.0f} s left" if total > done else "")


def counted(number: int, noun: str) -> str:
    """``1 order``, ``1,200 orders``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
