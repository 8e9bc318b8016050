"""Who members are; the member's row is the lock of everything the member owns."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from loyalty_service.kit.db import metadata

member = Table(
    "member",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("refs_version", Integer, nullable=False),
    Column("enrolled_at", DateTime(timezone=True), nullable=False),
    Column("birth_month", SmallInteger),
    Column("birth_day", SmallInteger),
    Column("tags", ARRAY(Text), nullable=False),
    Column("caught_up_to", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("event_seq", BigInteger, nullable=False),
    Column("order_seq", BigInteger, nullable=False),
    Column("live_orders", BigInteger, nullable=False),
    Column("check_in_on", Date),
    Column("check_in_streak", Integer, nullable=False),
    Column("holds_lapse_at", DateTime(timezone=True)),
    Column("redemption_locked_since", DateTime(timezone=True)),
    Column("tier", Text),
    Column("tier_since", DateTime(timezone=True)),
    Column("tier_until", DateTime(timezone=True)),
    Column("grace_until", DateTime(timezone=True)),
    Column("tier_memo", JSONB),
    Column("due_at", DateTime(timezone=True)),
    Column("due_by", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("member_id > 0"),
    CheckConstraint("(birth_month >= 1) AND (birth_month <= 12)"),
    CheckConstraint("(birth_day >= 1) AND (birth_day <= 31)"),
    CheckConstraint("event_seq >= 0"),
    CheckConstraint("order_seq >= 0"),
    CheckConstraint("live_orders >= 0"),
    CheckConstraint("check_in_streak >= 0"),
    CheckConstraint("(birth_month IS NULL) = (birth_day IS NULL)"),
    CheckConstraint("(tier IS NULL) = (tier_since IS NULL)"),
    CheckConstraint("((tier IS NOT NULL) OR ((tier_until IS NULL) AND (grace_until IS NULL)))"),
    CheckConstraint("due_by >= 0"),
    postgresql_with={"fillfactor": 50},
)

member_ref = Table(
    "member_ref",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("member_id", BigInteger, nullable=False),
    ForeignKeyConstraint(["member_id"], ["member.member_id"]),
)
Index("member_ref_of_member", member_ref.c.member_id)

member_total = Table(
    "member_total",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("metric", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    postgresql_with={"fillfactor": 80},
)
