"""What calendar limits have used up."""

from sqlalchemy import BigInteger, Column, Date, Table, Text

from loyalty_service.kit.db import metadata

member_total = Table(
    "member_total",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("metric", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    postgresql_with={"fillfactor": 80},
)
