"""What every feature shares: answered keys, and what happened for other systems."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)

from loyalty_service.kit.db import metadata

idempotency = Table(
    "idempotency",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

event_waiting = Table(
    "event_waiting",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("payload", Text, nullable=False),
    Column("position", BigInteger),
    CheckConstraint("(seq > 0)"),
)
"""What happened and has no position yet; with ``event_published`` it is the table ``event``."""

event_published = Table(
    "event_published",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("payload", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    CheckConstraint("(seq > 0)"),
)
Index("event_position", event_published.c.position)
