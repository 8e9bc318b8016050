"""How members came to the tiers in which they stand, append-only."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Integer,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from loyalty_service.kit.db import metadata

tier_change = Table(
    "tier_change",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("change_no", BigInteger, primary_key=True, autoincrement=False),
    Column("cause", Text, nullable=False),
    Column("from_tier", Text),
    Column("to_tier", Text, nullable=False),
    Column("tier_until", DateTime(timezone=True)),
    Column("grace_until", DateTime(timezone=True)),
    Column("program_version", Integer, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("counted", JSONB, nullable=False),
    CheckConstraint("change_no > 0"),
    ForeignKeyConstraint(["member_id"], ["member.member_id"]),
)
