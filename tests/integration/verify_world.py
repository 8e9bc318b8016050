"""A ledger that has seen everything, and ways to break it as somebody with all rights could."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg2
from psycopg2 import sql

from loyalty_service.checkout.service.proving import find_order_faults
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database, Transaction
from loyalty_service.ledger.rules.heads import Earlier, Head
from loyalty_service.ledger.rules.report import Report
from loyalty_service.ledger.service.proving import prove_all
from tests.factories import PLAIN, Shop, line

PROGRAM = PLAIN.replace("returns:", "  caps: []\nreturns:").replace(
    "  caps: []\n",
    """\
    - {id: reviewing, name: {en: Review, zh: 评价}, wallet: points, group: base, on: review,
       give: {fixed: 20}, activation: {on: payment}, expiry: never}
""",
)

KEYS = {
    "member": ("member_id",),
    "account": ("member_id", "wallet"),
    "entry": ("member_id", "wallet", "seq"),
    "allocation": ("member_id", "wallet", "entry_seq", "lot_seq"),
    "lot": ("member_id", "wallet", "lot_seq"),
    "explanation": ("member_id", "wallet", "seq"),
    "note": ("member_id", "wallet", "seq"),
    "hold": ("member_id", "wallet", "order_no", "hold_no", "lot_seq"),
    "order_head": ("member_id", "order_no"),
    "order_line": ("member_id", "order_no", "line_no"),
}
SPENDING = PROGRAM.replace(
    "returns:", "redemption: {block_points: 100, block_value: '1.00'}\nreturns:"
)


def live_through_everything(db: Database, clock: SettableClock) -> Shop:
    """Two members, and every kind of entry there is."""
    shop = Shop(db, PROGRAM)
    for i, member in enumerate(("m-1", "m-2")):
        shop.enrol(member)
        clock.advance(timedelta(minutes=1))
        more = 900 * i
        shop.pay(f"{member}-1", line(12_300 + more, quantity=3), line(4_500), member=member)
        shop.pay(f"{member}-2", line(5_000 + more), fulfilled=False, member=member)
        clock.advance(timedelta(days=1))
        shop.fulfil(f"{member}-2", member=member)
        shop.give_back(f"{member}-1", units=[(1, 1)], member=member)
        shop.tell("review", member=member)
        shop.adjust(70 + i, member=member, note="sorry")
        mistake = shop.adjust(-500 - i, member=member, allow_negative=True, note="a slip")
        shop.pay(f"{member}-3", line(9_900 + more), member=member)
        shop.reverse(mistake["entry"], member=member)
        shop.pay(f"{member}-4", line(7_700 + more), member=member, fulfilled=False)
        clock.advance(timedelta(days=500))
        shop.pay(f"{member}-5", line(8_800 + more), line(100), member=member)
        shop.adjust(-10 - i, wallet="growth", member=member)
    return shop


def promise_everything(db: Database, clock: SettableClock) -> Shop:
    """Two members, whose reservations have ended in every way there is, and one that stands."""
    shop = Shop(db, SPENDING)
    for i, member in enumerate(("m-1", "m-2")):
        shop.enrol(member)
        clock.advance(timedelta(days=80))
        shop.adjust(300 + i, member=member)
        # Told late: it ends before the lot that was opened first.
        early = clock.now() - timedelta(days=70)
        shop.pay(f"{member}-e", line(50_000), member=member, at=early)
        clock.advance(timedelta(days=40))
        shop.adjust(9_000 + i, member=member)
        for step in (_pay_as_promised, _change_carts, _leave, _call_off):
            step(shop, clock, member)
            clock.advance(timedelta(minutes=1))
        shop.reserve(f"{member}-s", points=200, member=member)
        shop.lock_points(member=member, is_locked=True)
        clock.advance(timedelta(minutes=1))
        shop.lock_points(member=member, is_locked=bool(i))
        shop.reserve(f"{member}-s", points=200, member=member)
    return shop


def _pay_as_promised(shop: Shop, clock: SettableClock, member: str) -> None:
    shop.reserve(f"{member}-p", line(8_000), line(2_000), points=700, member=member)
    clock.advance(timedelta(minutes=2))
    shop.pay_reserved(f"{member}-p", member=member)
    clock.advance(timedelta(minutes=2))
    shop.give_back(f"{member}-p", units=[(1, 1)], member=member)
    shop.pay(f"{member}-w", points=100, member=member)


def _change_carts(shop: Shop, clock: SettableClock, member: str) -> None:
    order = f"{member}-c"
    for points in (300, 400):
        shop.reserve(order, points=points, member=member)
        clock.advance(timedelta(minutes=3))
    shop.release(order, member=member)
    clock.advance(timedelta(minutes=3))
    shop.reserve(order, points=500, member=member)
    clock.advance(timedelta(minutes=3))
    shop.pay(order, line(9_000), points=600, member=member)


def _leave(shop: Shop, clock: SettableClock, member: str) -> None:
    shop.reserve(f"{member}-l", points=800, member=member)
    clock.advance(timedelta(minutes=20))
    shop.reserve(f"{member}-l", points=800, member=member)
    clock.advance(timedelta(minutes=40))
    shop.tell("review", member=member)


def _call_off(shop: Shop, clock: SettableClock, member: str) -> None:
    order = f"{member}-o"
    for _ in range(2):
        shop.reserve(order, points=900, member=member)
        clock.advance(timedelta(minutes=2))
        shop.cancel(order, member=member)
    shop.reserve(order, points=900, member=member)
    clock.advance(timedelta(minutes=2))
    shop.pay_reserved(order, member=member)


class World:
    """Breaks the database in a transaction, proves what it sees there, and takes it back."""

    def __init__(self, connection: Any, clock: SettableClock) -> None:
        self.connection = connection
        self.clock = clock

    def prove(self, earlier: list[Head] | None = None) -> tuple[Report, list[Head]]:
        """The report on the database as it is in the open transaction, and its heads."""
        heads: list[Head] = []
        with self.connection.cursor() as cursor:
            tx = self.transaction(cursor)
            held = None if earlier is None else Earlier(earlier)
            *_, report = prove_all(tx, None, earlier=held, keep=heads.append)
            report.find(find_order_faults(tx, None))
        return report, heads

    def transaction(self, cursor: Any) -> Transaction:
        """The open transaction, as the service's reads take it."""
        tx = Transaction(cursor, self.clock, {})
        tx._begun = True
        return tx

    @contextmanager
    def broken(self) -> Iterator[Any]:
        """A cursor that no trigger and no foreign key stops; everything is rolled back after."""
        with self.connection.cursor() as cursor:
            cursor.execute("BEGIN; SET LOCAL timezone = 'UTC'")
            cursor.execute("SET LOCAL session_replication_role = replica")
            try:
                yield cursor
            finally:
                cursor.execute("ROLLBACK")

    def after(self, act: Callable[[Any], None], earlier: list[Head] | None = None) -> Report | None:
        """The report after ``act``; None when a constraint refused it."""
        with self.broken() as cursor:
            try:
                act(cursor)
            except psycopg2.IntegrityError:
                return None
            return self.prove(earlier)[0]


def columns(connection: Any, table: str) -> list[tuple[str, str]]:
    """The columns of a table and their types, as the database itself lists them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position",
            (table,),
        )
        found: list[tuple[str, str]] = cursor.fetchall()
        return found


def keys_of(connection: Any, table: str) -> list[dict[str, Any]]:
    """The keys of all rows of a table, in order."""
    names = KEYS[table]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY {', '.join(names)}")
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def where(key: dict[str, Any]) -> sql.Composable:
    """The condition that names one row."""
    parts = [
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))
        for name, value in key.items()
    ]
    return sql.SQL(" AND ").join(parts)


def change(cursor: Any, table: str, key: dict[str, Any], column: str, value: str) -> None:
    """Set one column of one row to an expression."""
    statement = sql.SQL("UPDATE {} SET {} = {} WHERE {}").format(
        sql.Identifier(table), sql.Identifier(column), sql.SQL(value), where(key)
    )
    cursor.execute(statement)
    assert cursor.rowcount == 1


OTHER_WORDS = {
    "wallet": ("CASE wallet WHEN 'points' THEN 'growth' ELSE 'points' END", "wallet || 'x'"),
    "kind": ("CASE kind WHEN 'credit' THEN 'reverse' ELSE 'credit' END", "'gift'"),
    "reason": ("CASE reason WHEN 'event' THEN 'mistake' ELSE 'event' END", "'because'"),
    "source": ("CASE source WHEN 'job' THEN 'import' ELSE 'job' END", "'nowhere'"),
    "payment_ref": ("payment_ref || 'x'", "NULL"),
}
OTHER_VALUES = {
    "bigint": ("{0} + 1", "{0} - 1", "{0} + 1000", "NULL"),
    "integer": ("{0} + 1", "{0} + 1000"),
    "boolean": ("NOT {0}",),
    "bytea": ("set_byte({0}, 7, get_byte({0}, 7) # 1)", "NULL"),
    "timestamp with time zone": (
        "{0} + interval '1 microsecond'",
        "{0} - interval '400 days'",
        "'infinity'",
        "NULL",
    ),
    "ARRAY": ("{0} || 'x'::text", "'{{NULL}}'", "'{{}}'"),
}


def other_values(column: str, kind: str) -> tuple[str, ...]:
    """Expressions for something else that a column could say."""
    if kind == "text":
        return OTHER_WORDS[column]
    return tuple(value.format(column) for value in OTHER_VALUES[kind])


def is_as_before(cursor: Any, table: str, key: dict[str, Any], column: str, value: str) -> bool:
    """Whether setting the column to that expression would change nothing."""
    statement = sql.SQL("SELECT {} IS NOT DISTINCT FROM {} FROM {} WHERE {}").format(
        sql.Identifier(column), sql.SQL(value), sql.Identifier(table), where(key)
    )
    cursor.execute(statement)
    same: bool = cursor.fetchone()[0]
    return same
