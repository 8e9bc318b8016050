"""Values as SQL: what is plain is written here, all else by psycopg2.

Asking psycopg2 for every cell took a tenth of a paid order's time. The connections that these
literals are sent by speak UTF-8 and take backslashes as they are (``kit.db`` says so to each).
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import lru_cache
from operator import itemgetter
from types import NoneType
from typing import Any, NamedTuple

LONG = 20
"""A list of so many numbers is written as one value."""

_BIGGEST = 2**63

Mogrify = Callable[[str, Sequence[Any]], bytes]
Writer = Callable[[Any], str | None]


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
    if len(rows) == 1:
        return _row_text(mogrify, rows[0])
    return ",".join([_row_text(mogrify, row) for row in rows])


def _row_text(mogrify: Mogrify, row: Sequence[Any]) -> str:
    form = _FORMS[tuple(map(type, row))]
    if form.texts is not None and _is_odd("".join(form.texts(row))):
        return f"({','.join([_cell_text(mogrify, cell) for cell in row])})"
    if not form.written:
        return form.text % tuple(row)
    cells = list(row)
    for i, write in form.written:
        cells[i] = write(cells[i]) or _driver(mogrify, cells[i])
    return form.text % tuple(cells)


class _Form(NamedTuple):
    """How rows whose cells are of certain types are written.

    Most cells are numbers and texts: together they take one step, and a call only what is left.

    Attributes:
        text: with a place for every cell.
        written: the cells that must be written before they are put in their places, and how; what
            comes to nothing is left to psycopg2.
        texts: takes the cells that are put between quotation marks as they are.
    """

    text: str
    written: tuple[tuple[int, Writer], ...]
    texts: Callable[[Sequence[Any]], tuple[str, ...]] | None


class _Forms(dict[tuple[type, ...], _Form]):
    """By the types of the cells: as many as there are kinds of rows in the code."""

    def __missing__(self, kinds: tuple[type, ...]) -> _Form:
        places = [_PLACES.get(kind, "%s") for kind in kinds]
        written = [(i, _PLAIN[kind]) for i, kind in enumerate(kinds) if kind not in _PLACES]
        texts = [i for i, kind in enumerate(kinds) if kind is str]
        # Of one cell alone itemgetter makes no tuple.
        take = itemgetter(*texts, texts[0]) if texts else None
        form = self[kinds] = _Form(f"({','.join(places)})", tuple(written), take)
        return form


_FORMS = _Forms()
_PLACES: dict[type, str] = {int: "%s", str: "'%s'", NoneType: "NULL%.0s"}
"""Of cells that are put in their places as they are."""


def _cell_text(mogrify: Mogrify, cell: Any) -> str:
    return _PLAIN[type(cell)](cell) or _driver(mogrify, cell)


def _driver(mogrify: Mogrify, value: Any) -> str:
    return mogrify("%s", (value,)).decode()


def _array(values: list[Any]) -> str | None:
    """Of texts or numbers; psycopg2 writes the other lists, and lists of lists."""
    if not values:
        return "'{}'"
    kinds = set(map(type, values))
    if kinds == {str} and not _is_odd("".join(values)):
        return "ARRAY['" + "','".join(values) + "']"
    if len(values) >= LONG and kinds == {int} and are_bigints(values):
        # The server reads it as one value, not number by number.
        return f"'{{{','.join(map(str, values))}}}'::bigint[]"
    if list in kinds:
        return None
    cells = [cell for value in values if (cell := _PLAIN[type(value)](value)) is not None]
    return f"ARRAY[{','.join(cells)}]" if len(cells) == len(values) else None


def are_bigints(numbers: Sequence[int]) -> bool:
    """Whether the database takes all of them, at least one, for ``bigint``."""
    return min(numbers) >= -_BIGGEST and max(numbers) < _BIGGEST


def _whole(value: int) -> str:
    # Behind a minus of the statement a second one would begin a comment.
    return str(value) if value >= 0 else f" {value}"


def _text(value: str) -> str | None:
    return None if _is_odd(value) else f"'{value}'"


def _is_odd(text: str) -> bool:
    """Whether a text cannot stand between quotation marks as it is."""
    return "'" in text or "\\" in text or "\0" in text


# The same few instants stand in most rows of an operation.
@lru_cache(maxsize=4_096)
def _instant(value: datetime) -> str | None:
    return None if value.tzinfo is None else f"'{value.isoformat(' ')}'::timestamptz"


@lru_cache(maxsize=4_096)
def _day(value: date) -> str:
    return f"'{value}'::date"


def _bytes(value: bytes) -> str:
    return f"'\\x{value.hex()}'::bytea"


class _Writers(dict[type, Writer]):
    """By the very type: a bool is an int as well, and an enumeration's member a str."""

    def __missing__(self, _kind: type) -> Writer:
        return _leave


def _leave(_value: Any) -> None:
    """Not plain: psycopg2 writes it."""


_PLAIN = _Writers(
    {
        int: _whole,
        str: _text,
        datetime: _instant,
        date: _day,
        bytes: _bytes,
        list: _array,
        bool: lambda value: "true" if value else "false",
        NoneType: lambda _: "NULL",
    }
)
