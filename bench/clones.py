"""Very many members with valid histories, in minutes: some are made through the service, the rest
are copies of them made by SQL, each with a hash chain of its own.

Under the program ``night.yaml`` every member stands in a tier whose term ends with the last month,
has five orders and three open lots; of three in ten members one lot ends on that night.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from common import HERE, Stand
from sqlalchemy import Table

from loyalty_service.checkout.models import order_head, order_index, order_line, order_step
from loyalty_service.checkout.rules.cart import Cart, CartLine, Order
from loyalty_service.checkout.service.batch import Item, OrderItem, Outcome, take_items
from loyalty_service.checkout.service.proving import find_order_faults
from loyalty_service.earning.rules.facts import LineKind
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database, Transaction
from loyalty_service.kit.tables import event_published, event_waiting
from loyalty_service.ledger.models import account, allocation, entry, explanation, lot
from loyalty_service.ledger.rules.stored import Fault
from loyalty_service.ledger.service import Acting
from loyalty_service.ledger.service.proving import prove_one
from loyalty_service.members.models import member, member_ref, member_total
from loyalty_service.members.rules import parse_ref
from loyalty_service.members.service import Details, enrol
from loyalty_service.program.service import Programs
from loyalty_service.tiers.models import tier_change
from loyalty_service.timekeeping.service import Timekeeping

PROGRAM = HERE / "night.yaml"
MODELS = 20
ORDERS = 5
DUE_OF_TEN = 3
AT_ONCE = 20_000

# Other tables of a member follow from these alone.
_TABLES: Sequence[Table] = (
    member,
    member_ref,
    member_total,
    account,
    entry,
    allocation,
    explanation,
    lot,
    order_index,
    order_head,
    order_line,
    order_step,
    tier_change,
    event_published,
)
# A copy's own number, and names that are the original's with that number behind them.
_OWN = {
    "member_id": "g.id",
    "order_ref": "o.order_ref || '-' || g.id",
    "payment_ref": "o.payment_ref || '-' || g.id",
    "value": "o.value || '-' || g.id",
    "position": "0",
}
_COPY = """
INSERT INTO {table} ({columns})
  WITH o AS MATERIALIZED (
       SELECT * FROM {table} WHERE member_id >= %(first)s AND member_id < %(first)s + %(models)s)
SELECT {values}
  FROM generate_series(%(after)s + 1, %(after)s + %(members)s) g (id)
  JOIN o ON o.member_id = %(first)s + (g.id - %(first)s) %% %(models)s
 ORDER BY g.id
"""
# The bytes of ``ledger/rules/chain.py``, written a second time.
CHAIN = r"""
CREATE SCHEMA bench;
CREATE FUNCTION bench.text_bytes(text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT int4send(octet_length($1)) || convert_to($1, 'UTF8') $$;
CREATE FUNCTION bench.digest_bytes(bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT int4send(coalesce(octet_length($1), 0)) || coalesce($1, '') $$;
CREATE FUNCTION bench.instant(timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT (extract(epoch FROM $1) * 1000000)::bigint $$;
CREATE FUNCTION bench.rules_bytes(text[]) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT int8send(cardinality($1)) || coalesce(
        (SELECT string_agg(bench.text_bytes(r), ''::bytea ORDER BY n)
           FROM unnest($1) WITH ORDINALITY u (r, n)), '') $$;
CREATE FUNCTION bench.allocation_bytes(lot_seq bigint, points bigint, active_at timestamptz,
                                       expires_at timestamptz, expired boolean)
RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT int8send(lot_seq) || int8send(points)
        || int8send(coalesce(bench.instant(active_at), -9223372036854775808))
        || int8send(coalesce(bench.instant(expires_at), -9223372036854775808))
        || int8send(expired::int::bigint) $$;
CREATE FUNCTION bench.entry_hash(head bytea, e entry, allocations bigint, allocated bytea)
RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(head || '\x01'::bytea || int8send(e.member_id) || int8send(e.seq)
        || int8send(e.points) || int8send(e.balance_after) || int8send(coalesce(e.source_no, 0))
        || int8send(e.program_version::bigint) || int8send(e.actor_id::bigint)
        || int8send(bench.instant(e.occurred_at)) || int8send(bench.instant(e.recorded_at))
        || int8send(coalesce(e.reverses, 0)) || bench.text_bytes(e.wallet)
        || bench.text_bytes(e.kind) || bench.text_bytes(e.reason) || bench.text_bytes(e.source)
        || bench.rules_bytes(e.rule_ids) || bench.digest_bytes(e.explained)
        || bench.digest_bytes(e.noted) || int8send(allocations) || allocated) $$;
"""
# What is allotted does not name the member, so the bytes of the models serve for every copy.
_ENTRIES = """
INSERT INTO {table} ({columns})
SELECT {values}
  FROM generate_series(%(after)s + 1, %(after)s + %(members)s) g (id)
  JOIN bench.model o ON o.member_id = %(first)s + (g.id - %(first)s) %% %(models)s
   AND o.seq = %(seq)s
  LEFT JOIN entry p ON p.member_id = g.id AND p.wallet = o.wallet AND p.seq = o.seq - 1
 ORDER BY g.id
"""
_HASHED = """
bench.entry_hash(coalesce(p.hash, %(genesis)s), ROW({fields})::entry, o.allocations, o.bytes)
"""
_MODELS = """
CREATE TABLE bench.model AS
SELECT e.*, a.allocations, a.bytes
  FROM entry e
  JOIN (SELECT member_id, wallet, entry_seq AS seq, count(*) AS allocations,
               string_agg(bench.allocation_bytes(lot_seq, points, active_at, expires_at, expired),
                          ''::bytea ORDER BY lot_seq) AS bytes
          FROM allocation GROUP BY member_id, wallet, entry_seq) a USING (member_id, wallet, seq)
"""
_HEADS = """
UPDATE account a SET head = e.hash FROM entry e
 WHERE a.member_id > %(after)s AND a.member_id <= %(after)s + %(members)s
   AND e.member_id = a.member_id AND e.wallet = a.wallet AND e.seq = a.seq
"""


def turn_before(now: datetime) -> datetime:
    """When the last month ended, in the zone of the program."""
    day = (now + timedelta(hours=8)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(hours=8)


def prove(made: Stand, member_ids: Sequence[int]) -> list[Fault]:
    """Prove the ledgers of these members, and the orders of everybody; returns what is wrong."""
    db = made.database(pool_size=1)
    try:
        with db.reading() as tx:
            faults = [fault for one in member_ids for fault in prove_one(tx, one, None).faults]
            return faults + find_order_faults(tx, None)
    finally:
        db.close()


def make_models(made: Stand, now: datetime) -> tuple[int, int]:
    """Make the members that are copied, as the service would have on the night before.

    Returns:
        the number of the first, and how many entries each chain has at the most.
    """
    before = turn_before(now) - timedelta(days=1)
    clock = SettableClock(before)
    db = Database(made.url, clock=clock, pool_size=1)
    begin = before.replace(year=before.year - 1, day=15)
    refs = [parse_ref(f"model-{i}") for i in range(MODELS)]
    ids = [
        db.run(partial(enrol, ref=ref, details=Details(enrolled_at=begin))).member_id
        for ref in refs
    ]
    programs = Programs()
    for orders in zip(*(_orders(i, begin) for i in range(MODELS)), strict=True):
        items = [OrderItem(ref, order) for ref, order in zip(refs, orders, strict=True)]

        def take(tx: Transaction, items: Sequence[Item] = items) -> list[Outcome]:
            return take_items(Acting(tx, programs, ("import", "bench"), Timekeeping()), items)

        answers = db.run(take)
        assert all(isinstance(answer, str) for answer in answers), answers
    with made.owner() as cursor:
        cursor.execute("SELECT max(seq) FROM account")
        (most,) = cursor.fetchone()
    db.close()
    return min(ids), int(most)


def _orders(model: int, begin: datetime) -> Iterator[Order]:
    """Five orders over a year, three of which leave a lot; the first leads to the first tier."""
    is_due = model % 10 < DUE_OF_TEN
    earning = {0, 1, 2} if is_due else {1, 2, 3}
    later = (40_00, 170_00, 300_00)[model % 3]
    for i in range(ORDERS):
        category = "goods" if i in earning else "plain"
        amount = 600_00 + model * 10_00 if i == 0 else later + i * 1_00
        line = CartLine(LineKind.GOODS, f"sku-{i}", category, None, 1 + i % 2, amount)
        at = begin + timedelta(days=60 * i, seconds=model)
        ref = f"o-{model}-{i}"
        yield Order(ref, f"pay-{ref}", Cart("CNY", None, (line,)), occurred_at=at)


def grow(made: Stand, first: int, seqs: int, members: int) -> None:
    """Copy the models until there are so many members, the models among them."""
    with made.owner() as cursor:
        cursor.execute("SELECT to_regnamespace('bench') IS NULL")
        if cursor.fetchone()[0]:
            _publish_all(cursor)
            cursor.execute(CHAIN + _MODELS)
        # What is copied refers to what is copied: foreign keys hold by themselves.
        cursor.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        # The number of a chain's rows is known here, and to the planner only later.
        cursor.execute("SET enable_hashjoin = off; SET enable_mergejoin = off")
        cursor.execute("SELECT max(member_id) FROM member")
        (after,) = cursor.fetchone()
        until = first + members - 1
        while after < until:
            count = min(AT_ONCE, until - after)
            _copy(cursor, first, after, count, seqs)
            after += count
        cursor.execute("SELECT setval('member_id_seq', %s)", (until,))
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def _publish_all(cursor: Any) -> None:
    columns = ", ".join(
        column.name for column in event_waiting.columns if column.name != "position"
    )
    cursor.execute(
        f"INSERT INTO event_published ({columns}, position) SELECT {columns}, "
        "row_number() OVER (ORDER BY member_id, seq) FROM event_waiting; DELETE FROM event_waiting"
    )


def _copy(cursor: Any, first: int, after: int, count: int, seqs: int) -> None:
    named = {
        "first": first,
        "models": MODELS,
        "after": after,
        "members": count,
        "genesis": bytes(32),
    }
    cursor.execute("BEGIN")
    for table in _TABLES:
        columns = {column.name: f"o.{column.name}" for column in table.columns}
        columns |= {name: own for name, own in _OWN.items() if name in columns}
        if table is entry:
            hashed = _HASHED.format(fields=", ".join(columns.values()))
            for seq in range(1, seqs + 1):
                _insert(cursor, _ENTRIES, table, columns | {"hash": hashed}, {**named, "seq": seq})
        else:
            _insert(cursor, _COPY, table, columns, named)
    cursor.execute(_HEADS, named)
    cursor.execute("COMMIT")


def _insert(
    cursor: Any, sql: str, table: Table, values: dict[str, str], named: dict[str, Any]
) -> None:
    texts = {
        "table": table.name,
        "columns": ", ".join(values),
        "values": ", ".join(values.values()),
    }
    cursor.execute(sql.format(**texts), named)
