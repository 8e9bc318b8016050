"""Values as SQL: what is plain is written here, all else by psycopg2.

Asking psycopg2 for every cell took a tenth of a paid order's time. The connections that these
literals are sent by speak UTF-8 and take backslashes as they are (``kit.db`` says so to each).
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from types import NoneType
from typing import Any

Mogrify = Callable[[str, Sequence[Any]], bytes]


def statement_text(mogrify: Mogrify, sql: str, args: Sequence[Any] | dict[str, Any]) -> str:
    """``sql`` with each ``%s`` or ``%(name)s`` written out, as psycopg2 would write it.

    Args:
        mogrify: psycopg2's, of the cursor it will be sent by.
    """
    if not args:
        return sql
    plain = _PLAIN
    if isinstance(args, dict):
        named = args.items()
        return sql % {name: plain[type(v)](v) or _driver(mogrify, v) for name, v in named}
    return sql % tuple([plain[type(arg)](arg) or _driver(mogrify, arg) for arg in args])


def rows_text(mogrify: Mogrify, rows: Sequence[Sequence[Any]]) -> str:
    """``(1,'a',NULL),(2,'b',NULL)``

    Args:
        mogrify: psycopg2's, of the cursor they will be sent by.
        rows: at least one, all of one length.
    """
    # Four cells of five are numbers and texts: they are written without a call.
    cells: list[str | int] = []
    for row in rows:
        for cell in row:
            kind = type(cell)
            if kind is int:
                cells.append(cell)
            elif kind is str and not ("'" in cell or "\\" in cell or "\0" in cell):
                cells.append(f"'{cell}'")
            else:
                cells.append(_PLAIN[kind](cell) or _driver(mogrify, cell))
    form = f"({','.join(['%s'] * len(rows[0]))})"
    return ",".join([form] * len(rows)) % tuple(cells)


def _driver(mogrify: Mogrify, value: Any) -> str:
    return mogrify("%s", (value,)).decode()


def _array(values: list[Any]) -> str | None:
    """Of texts or numbers; psycopg2 writes the other lists, and the empty one."""
    cells = [cell for value in values if (cell := _PLAIN[type(value)](value)) is not None]
    return f"ARRAY[{','.join(cells)}]" if cells and len(cells) == len(values) else None


def _whole(value: int) -> str:
    # Behind a minus of the statement a second one would begin a comment.
    return str(value) if value >= 0 else f" {value}"


def _text(value: str) -> str | None:
    if "'" in value or "\\" in value or "\0" in value:
        return None
    return f"'{value}'"


# The same few instants stand in most rows of an operation.
@lru_cache(maxsize=4_096)
def _instant(value: datetime) -> str | None:
    return None if value.tzinfo is None else f"'{value}'::timestamptz"


def _bytes(value: bytes) -> str:
    return f"'\\x{value.hex()}'::bytea"


class _Writers(dict[type, Callable[[Any], str | None]]):
    """By the very type: a bool is an int as well, and an enumeration's member a str."""

    def __missing__(self, _kind: type) -> Callable[[Any], str | None]:
        return _leave


def _leave(_value: Any) -> None:
    """Not plain: psycopg2 writes it."""


_PLAIN = _Writers(
    {
        int: _whole,
        str: _text,
        datetime: _instant,
        bytes: _bytes,
        list: _array,
        bool: lambda value: "true" if value else "false",
        NoneType: lambda _: "NULL",
    }
)
