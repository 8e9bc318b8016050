"""The table of program versions; a row never changes once it is written."""

from sqlalchemy import CheckConstraint, Column, DateTime, Integer, LargeBinary, Table, Text

from loyalty_service.kit.db import metadata

program_version = Table(
    "program_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("in_force_at", DateTime(timezone=True), nullable=False),
    Column("applied_by", Text, nullable=False),
    CheckConstraint("version > 0"),
)
