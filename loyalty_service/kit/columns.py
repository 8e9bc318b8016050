"""Very many rows as SQL: an array for each column, which the server reads as one value.

A list of ``VALUES`` is parsed and planned cell by cell; of a thousand rows that takes the server
more than twice as long as storing them. What is the same in all rows is written once.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from types import NoneType
from typing import Any

from loyalty_service.kit.literals import are_bigints

MANY = 100
"""From so many rows on an array for each column is cheaper."""

Types = Mapping[str, str]
"""The columns of a table and their types, as the database names them."""

_INSERT = re.compile(r"\s*INSERT INTO (\w+) \(([^)]*)\)")
# Between two texts; no text that the database takes holds it.
_BETWEEN = "\0"


def table_of(sql: str) -> str | None:
    """The table that an INSERT fills; None for another statement."""
    return _target(sql)[0]


def columns_text(rows: Sequence[Sequence[Any]], sql: str, types: Types) -> str | None:
    """``SELECT u.a, NULL, ('{7}'::bigint[])[1] FROM unnest('{1,2}'::bigint[]) AS u (a)``

    Args:
        rows: at least one, all of one length.
        sql: the statement up to the rows.
        types: of the columns of the table that it fills; what is not in it follows from the cells.

    Returns:
        None where a cell is of a kind that is not written this way, or all rows are the same.
    """
    names = _target(sql)[1]
    selected, arrays, aliases = [], [], []
    for i, cells in enumerate(zip(*rows, strict=True)):
        kinds = set(map(type, cells)) - {NoneType}
        if not kinds:
            # Without a type of its own it takes that of the place it is put.
            selected.append("NULL")
            continue
        is_same = cells[0] == cells[-1] and cells.count(cells[0]) == len(cells)
        needed = cells[:1] if is_same else cells
        written, kind = _column(needed, kinds.pop()) if len(kinds) == 1 else (None, "")
        if written is None:
            return None
        wanted, array = types.get(names[i], kind) if names else kind, f"'{{{written}}}'::{kind}[]"
        value = f"({array})[1]" if is_same else f"u.c{i}"
        selected.append(value if wanted == kind else f"{value}::{wanted}")
        if not is_same:
            arrays.append(array)
            aliases.append(f"c{i}")
    if not arrays:
        return None
    every = f"unnest({', '.join(arrays)}) AS u ({', '.join(aliases)})"
    return f"SELECT {', '.join(selected)} FROM {every}"  # noqa: S608


@lru_cache(maxsize=256)
def _target(sql: str) -> tuple[str | None, tuple[str, ...]]:
    found = _INSERT.match(sql)
    if found is None:
        return None, ()
    return found[1], tuple(name.strip() for name in found[2].split(","))


def _column(cells: Sequence[Any], kind: type) -> tuple[str | None, str]:
    """The cells of one column as they stand within braces, and the type of each."""
    if kind is int:
        known = [cell for cell in cells if cell is not None]
        return _joined(cells, str), "bigint" if are_bigints(known) else "numeric"
    write, named = _KINDS.get(kind, (None, ""))
    return (None if write is None else write(cells)), named


def _joined(cells: Sequence[Any], write: Callable[[Any], str]) -> str:
    if None in cells:
        return ",".join(["NULL" if cell is None else write(cell) for cell in cells])
    return ",".join(map(write, cells))


def _texts(cells: Sequence[Any]) -> str | None:
    known = [cell for cell in cells if cell is not None] if None in cells else cells
    joined = _BETWEEN.join(known)
    if joined.count(_BETWEEN) >= len(known):
        # A text that holds a zero byte is refused by the driver, which is asked instead.
        return None
    quoted = joined.replace("\\", "\\\\").replace('"', '\\"').replace("'", "''")
    if known is cells:
        return '"' + quoted.replace(_BETWEEN, '","') + '"'
    texts = iter(quoted.split(_BETWEEN))
    return ",".join(["NULL" if cell is None else f'"{next(texts)}"' for cell in cells])


def _lists(cells: Sequence[Any]) -> str | None:
    """Lists of texts; each stands as a text that is read as a list."""
    if any(type(text) is not str for cell in cells if cell for text in cell):
        return None
    return _texts([None if cell is None else _list(tuple(cell)) for cell in cells])


@lru_cache(maxsize=1_024)
def _list(texts: tuple[str, ...]) -> str:
    quoted = [text.replace("\\", "\\\\").replace('"', '\\"') for text in texts]
    return "{" + ",".join([f'"{text}"' for text in quoted]) + "}"


# The same few instants stand in most rows of an operation.
@lru_cache(maxsize=4_096)
def _instant(value: datetime) -> str | None:
    return None if value.tzinfo is None else f'"{value}"'


def _instants(cells: Sequence[Any]) -> str | None:
    written = ["NULL" if cell is None else _instant(cell) for cell in cells]
    return None if None in written else ",".join(written)  # type: ignore[arg-type]


_KINDS: dict[type, tuple[Callable[[Sequence[Any]], str | None], str]] = {
    str: (_texts, "text"),
    datetime: (_instants, "timestamptz"),
    bytes: (lambda cells: _joined(cells, lambda cell: f'"\\\\x{cell.hex()}"'), "bytea"),
    bool: (lambda cells: _joined(cells, lambda cell: "t" if cell else "f"), "boolean"),
    date: (lambda cells: _joined(cells, str), "date"),
    list: (_lists, "text"),
}
