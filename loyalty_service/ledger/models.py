"""Entries and their allocations, append-only; accounts, lots and holds beside them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from loyalty_service.kit.db import metadata

actor = Table(
    "actor",
    metadata,
    Column("actor_id", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    UniqueConstraint("kind", "name"),
)

account = Table(
    "account",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("wallet", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("lot_seq", BigInteger, nullable=False),
    Column("balance", BigInteger, nullable=False),
    Column("deficit", BigInteger, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Column("ends_at", DateTime(timezone=True)),
    CheckConstraint("seq > 0"),
    CheckConstraint("lot_seq >= 0"),
    CheckConstraint("deficit >= 0"),
    CheckConstraint("octet_length(head) = 32"),
    ForeignKeyConstraint(["member_id"], ["member.member_id"]),
    postgresql_with={"fillfactor": 50},
)

entry = Table(
    "entry",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("wallet", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("source_no", BigInteger),
    Column("program_version", Integer, nullable=False),
    Column("rule_ids", ARRAY(Text), nullable=False),
    Column("actor_id", Integer, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("balance_after", BigInteger, nullable=False),
    Column("reverses", BigInteger),
    Column("explained", LargeBinary),
    Column("noted", LargeBinary),
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("seq > 0"),
    CheckConstraint("octet_length(hash) = 32"),
    ForeignKeyConstraint(["member_id", "wallet"], ["account.member_id", "account.wallet"]),
)
Index(
    "entry_reversed_once",
    entry.c.member_id,
    entry.c.wallet,
    entry.c.reverses,
    unique=True,
    postgresql_where=text("reverses IS NOT NULL"),
)

allocation = Table(
    "allocation",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("wallet", Text, primary_key=True),
    Column("entry_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("lot_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("points", BigInteger, nullable=False),
    Column("active_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True)),
    Column("expired", Boolean, nullable=False),
    CheckConstraint("lot_seq >= '-1'::integer"),
)
Index(
    "allocation_expired",
    allocation.c.member_id,
    allocation.c.wallet,
    allocation.c.lot_seq,
    postgresql_where=text("expired"),
)

explanation = Table(
    "explanation",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("wallet", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)

note = Table(
    "note",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("wallet", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)

lot = Table(
    "lot",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("wallet", Text, primary_key=True),
    Column("lot_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("order_no", BigInteger),
    Column("opened", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("active_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True)),
    CheckConstraint("lot_seq >= 0"),
    CheckConstraint("remaining > 0"),
    CheckConstraint("remaining <= opened"),
    CheckConstraint("active_at < expires_at"),
    postgresql_with={"fillfactor": 80},
)

hold = Table(
    "hold",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("order_no", BigInteger, primary_key=True, autoincrement=False),
    Column("hold_no", Integer, primary_key=True, autoincrement=False),
    Column("wallet", Text, primary_key=True),
    Column("lot_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("points", BigInteger, nullable=False),
    Column("held_at", DateTime(timezone=True), nullable=False),
    Column("lapses_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("hold_no > 0"),
    CheckConstraint("points > 0"),
    CheckConstraint("lapses_at > held_at"),
    ForeignKeyConstraint(["member_id", "wallet"], ["account.member_id", "account.wallet"]),
    postgresql_with={"fillfactor": 80},
)
Index("hold_held_at", hold.c.held_at)
Index("hold_lapses", hold.c.lapses_at, postgresql_where=text("ended_at IS NULL"))
Index("hold_open", hold.c.member_id, postgresql_where=text("ended_at IS NULL"))
