"""Literals written by ourselves mean to PostgreSQL what psycopg2's would."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_service.kit.clock import SystemClock
from loyalty_service.kit.columns import columns_text
from loyalty_service.kit.db import Database
from loyalty_service.kit.literals import LONG, rows_text, statement_text


class Colour(StrEnum):
    RED = "it's red"


CELLS = {
    "bigint": st.integers(-(2**63) + 1, 2**63 - 1),
    "text": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    "boolean": st.booleans(),
    "bytea": st.binary(),
    "timestamptz": st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC)),
    "date": st.dates(),
    "numeric": st.decimals(allow_nan=False, allow_infinity=False, places=3),
    "text[]": st.lists(st.sampled_from(["a", "it's", "\\", '"', "积分"])),
}
TYPES = {f"c{i}": kind for i, kind in enumerate(CELLS)}
COLUMNS = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
BY_COLUMNS = {name: CELLS[kind] for name, kind in TYPES.items() if kind != "numeric"}
UPDATE = "UPDATE cell SET c0 = v.n FROM ("


def nullable(cells):
    return st.none() | cells


ROWS = st.lists(st.tuples(*map(nullable, CELLS.values())), min_size=1, max_size=3)


def read_back(cursor, names):
    cursor.execute(f"SELECT {', '.join(names)} FROM cell ORDER BY n")
    return [
        tuple(bytes(cell) if isinstance(cell, memoryview) else cell for cell in row)
        for row in cursor.fetchall()
    ]


@pytest.fixture(scope="module")
def cursor(server_url, template):
    db = Database(server_url.set(database=template), clock=SystemClock(), role=None)
    connection = db.engine.raw_connection()
    cursor = connection.cursor()
    cursor.execute(f"CREATE TEMPORARY TABLE cell ({COLUMNS}, n serial)")
    yield cursor
    cursor.execute("DROP TABLE cell")
    connection.close()
    db.close()


@given(rows=ROWS)
def test_what_is_written_is_read_back(cursor, rows):
    values = rows_text(cursor.mogrify, rows)

    cursor.execute(f"TRUNCATE cell; INSERT INTO cell ({', '.join(TYPES)}) VALUES {values}".encode())

    assert read_back(cursor, TYPES) == rows


@given(
    rows=st.lists(st.tuples(*map(nullable, BY_COLUMNS.values())), min_size=1, max_size=3),
    same=st.sets(st.integers(0, len(BY_COLUMNS) - 1)),
)
def test_what_is_written_by_columns_is_read_back(cursor, rows, same):
    rows = [tuple(rows[0][i] if i in same else cell for i, cell in enumerate(row)) for row in rows]
    sql = f"INSERT INTO cell ({', '.join(BY_COLUMNS)})"

    written = columns_text(rows, sql, TYPES)
    cursor.execute(f"TRUNCATE cell; {sql} {written or f'VALUES {rows_text(cursor.mogrify, rows)}'}")

    assert read_back(cursor, BY_COLUMNS) == rows
    # How many rows there are is told by what differs between them.
    assert (written is None) is all(row == rows[0] for row in rows)


def test_columns_of_an_update_have_the_types_of_their_cells(cursor):
    rows = [(2**63, "a", None), (-1, None, None)]

    cursor.execute(
        f"SELECT v.n, v.t, v.d::date FROM ({columns_text(rows, UPDATE, {})}) v (n, t, d)"
    )

    assert cursor.fetchall() == rows


@pytest.mark.parametrize(
    "column",
    [
        [Decimal("1.10")],
        [1, "a"],
        [True, 1],
        [Colour.RED],
        ["zero \0 byte", "none"],
        [datetime(2026, 3, 2, 4, 0)],
        [["a", 1]],
        [None],
    ],
)
def test_what_columns_cannot_hold_is_left_to_rows(column):
    assert columns_text([(cell,) for cell in column], UPDATE, {}) is None


@pytest.mark.parametrize(
    "cell",
    [
        "it's",
        "\\'; DROP TABLE member; --",
        "$$",
        "积分 ☃",
        Colour.RED,
        True,
        -1,
        datetime(2026, 3, 2, 4, 0, 0, 1, tzinfo=timezone(timedelta(hours=8))),
        date(2026, 2, 28),
        Decimal("1.10"),
        b"\x00\xff'\\",
    ],
)
def test_strange_values_mean_what_they_mean_to_psycopg2(cursor, cell):
    cursor.execute(
        f"SELECT x = %s FROM (VALUES {rows_text(cursor.mogrify, [[cell]])}) v (x)", [cell]
    )

    assert cursor.fetchone() == (True,)


@given(row=st.tuples(*[st.none() | cell for cell in CELLS.values()]))
def test_a_statement_is_written_as_psycopg2_writes_it(cursor, row):
    casts = ", ".join(f"%s::{kind}" for kind in CELLS)
    sql = f"SELECT {casts}, '100%%'"

    cursor.execute(statement_text(cursor.mogrify, sql, row).encode())
    ours = cursor.fetchone()

    cursor.execute(sql, row)
    assert ours == cursor.fetchone()


@pytest.mark.parametrize(
    "values",
    [
        [*range(-LONG, LONG)],
        [2**63 - 1, -(2**63)] * LONG,
        [2**63] * LONG,
        [-(2**63) - 1] * LONG,
        [True, False] * LONG,
        [1, None] * LONG,
        ["a", "it's"] * LONG,
    ],
)
def test_a_long_list_is_what_psycopg2_makes_of_it(cursor, values):
    cursor.execute(statement_text(cursor.mogrify, "SELECT %s", [values]).encode())
    ours = cursor.fetchone()

    cursor.execute("SELECT %s", [values])
    assert ours == cursor.fetchone() == (values,)


@pytest.mark.parametrize("values", [[], [[]], [[], ["a"]], [["a"], ["b"]]])
def test_empty_lists_and_lists_of_lists_are_written_as_psycopg2_writes_them(cursor, values):
    written = statement_text(cursor.mogrify, "SELECT %s", [values])

    assert written.encode() == cursor.mogrify("SELECT %s", [values])


def test_named_values_are_written_where_their_names_stand(cursor):
    sql = "SELECT %(first)s + %(second)s, %(first)s"

    cursor.execute(statement_text(cursor.mogrify, sql, {"first": 1, "second": 2}).encode())

    assert cursor.fetchone() == (3, 1)


def test_a_number_below_zero_begins_no_comment(cursor):
    cursor.execute(statement_text(cursor.mogrify, "SELECT 2 -%s", [-1]).encode())

    assert cursor.fetchone() == (3,)


def test_a_text_with_a_zero_byte_is_refused(cursor):
    with pytest.raises(ValueError, match="NUL"):
        rows_text(cursor.mogrify, [["a\0b"]])
