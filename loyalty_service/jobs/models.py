"""What the nightly jobs did, who leads them, and what members were reminded of."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Integer,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from loyalty_service.kit.db import metadata

job_run = Table(
    "job_run",
    metadata,
    Column("job", Text, primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column("starts", Integer, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("moved_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("outcome", Text),
    Column("fault", Text),
    Column("done_to", BigInteger, nullable=False),
    Column("scanned", BigInteger, nullable=False),
    Column("members", BigInteger, nullable=False),
    Column("counts", JSONB, nullable=False),
    CheckConstraint("starts > 0"),
    CheckConstraint("done_to >= 0"),
    CheckConstraint("scanned >= 0"),
    CheckConstraint("members >= 0"),
    CheckConstraint("((outcome IS NULL) = (ended_at IS NULL))"),
    CheckConstraint("((fault IS NULL) OR (outcome = 'failed'::text))"),
)

job_lease = Table(
    "job_lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("lasts_until", DateTime(timezone=True), nullable=False),
)

reminded = Table(
    "reminded",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("wallet", Text, primary_key=True),
    Column("expires_on", Date, primary_key=True),
    Column("notice", SmallInteger, nullable=False),
    Column("reminded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("notice > 0"),
)
