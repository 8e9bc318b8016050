"""Tables in text files: columns by name, and forms of values that are read again and again."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

Value = TypeVar("Value")

MOST_LINES = 2_000_000
"""Lines in one file; what is imported of it is kept in memory."""

LONGEST_LINE = 100_000
_REMEMBERED = 50_000
_OTHER_MARKS = {";": "semicolons", "\t": "tabs", "|": "bars (|)"}


class FileFault(Exception):
    """The file cannot be read as what it is said to be. Nothing of it is written."""


class Memo(dict[str, Value]):
    """What texts mean, found out once each: a file says the same few things very often."""

    def __init__(self, read: Callable[[str], Value]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> Value:
        if len(self) >= _REMEMBERED:
            self.clear()
        value = self[text] = self._read(text)
        return value


def read_rows(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """The rows of comma-separated values, each with the number of the line it ends on.

    Raises:
        FileFault: a quotation has no end, or the file is larger than can be read.
    """
    table = csv.reader(_bounded(lines))
    try:
        for row in table:
            yield table.line_num, row
    except csv.Error as error:
        raise FileFault(f"line {table.line_num}: {error}") from None


def check_commas(header: Sequence[str]) -> None:
    """Refuse a first line whose names are separated by something else than commas.

    Raises:
        FileFault: as said.
    """
    for mark, name in _OTHER_MARKS.items():
        if len(header) == 1 and mark in header[0]:
            raise FileFault(f"line 1: {name} separate the columns; save the file with commas")


def _bounded(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if len(line) >= LONGEST_LINE:
            raise FileFault(f"line {number}: longer than {LONGEST_LINE} characters")
        if number > MOST_LINES:
            raise FileFault(f"more than {MOST_LINES} lines; cut it into several files")
        yield line
