"""Sums of the ledger by day, and how far they go."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Date, Index, Table, Text, text

from loyalty_service.kit.db import metadata

report_head = Table(
    "report_head",
    metadata,
    Column("only_one", Boolean, primary_key=True),
    Column("position", BigInteger, nullable=False),
    CheckConstraint("only_one"),
    CheckConstraint('("position" >= 0)'),
)

report_account = Table(
    "report_account",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("wallet", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("lots", Text, nullable=False),
    Column("ends_on", Date, nullable=False, server_default=text("'9999-12-31'")),
    CheckConstraint("seq > 0"),
)

report_day = Table(
    "report_day",
    metadata,
    Column("day", Date, primary_key=True),
    Column("wallet", Text, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("given", BigInteger, nullable=False),
    Column("taken", BigInteger, nullable=False),
    Column("entries", BigInteger, nullable=False),
    CheckConstraint("given >= 0"),
    CheckConstraint("taken >= 0"),
    CheckConstraint("entries > 0"),
)

report_open = Table(
    "report_open",
    metadata,
    Column("is_month", Boolean, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("wallet", Text, primary_key=True),
    Column("begins_on", Date, primary_key=True),
    Column("ends_on", Date, primary_key=True),
    Column("points", BigInteger, nullable=False),
)
Index("report_open_ends", report_open.c.ends_on)
