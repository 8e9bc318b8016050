"""Where the points of an account end that have no end of their own."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ENDS = """
-- The end of every lot that has begun and has no end of its own; none: never.
ALTER TABLE account ADD COLUMN ends_at timestamptz
"""
SAID = """
-- An allocation of no points says where that end is; it belongs to no lot.
ALTER TABLE allocation DROP CONSTRAINT allocation_lot_seq_check, ADD CHECK (lot_seq >= -1)
"""
SUMMED = """
-- The same as it was summed, by its day.
ALTER TABLE report_account ADD COLUMN ends_on date NOT NULL DEFAULT '9999-12-31'
"""


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute(ENDS)
    op.execute(SAID)
    op.execute(SUMMED)
