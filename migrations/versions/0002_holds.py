"""Points held for an order until it is paid or lapses, and members whose points may not leave."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

HOLD = """
-- Rows stay when they have ended: what was held at a past instant can be told.
CREATE TABLE hold (
    member_id bigint      NOT NULL,
    order_no  bigint      NOT NULL,
    hold_no   integer     NOT NULL CHECK (hold_no > 0),
    wallet    text        NOT NULL,
    lot_seq   bigint      NOT NULL,
    points    bigint      NOT NULL CHECK (points > 0),
    held_at   timestamptz NOT NULL,
    lapses_at timestamptz NOT NULL CHECK (lapses_at > held_at),
    ended_at  timestamptz,
    PRIMARY KEY (member_id, order_no, hold_no, wallet, lot_seq),
    FOREIGN KEY (member_id, wallet) REFERENCES account
) WITH (fillfactor = 80);
CREATE INDEX hold_open ON hold (member_id) WHERE ended_at IS NULL;
CREATE INDEX hold_lapses ON hold (lapses_at) WHERE ended_at IS NULL
"""

MEMBER = """
-- The earliest lapse of the member's open holds: whoever holds nothing pays nothing for holds.
ALTER TABLE member ADD COLUMN holds_lapse_at timestamptz;
ALTER TABLE member ADD COLUMN redemption_locked_since timestamptz
"""


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute(HOLD)
    op.execute(MEMBER)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON hold TO loyalty_app")
