"""How far events are published."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Table

from loyalty_service.kit.db import metadata

feed_head = Table(
    "feed_head",
    metadata,
    Column("only_one", Boolean, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("member_id", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    CheckConstraint("only_one"),
    CheckConstraint('("position" >= 0)'),
)
