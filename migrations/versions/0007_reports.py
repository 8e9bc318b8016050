"""Sums of the ledger by day, so that a report costs the same after ten years."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SUMS = """
-- One row: up to which position of the feed members' entries are summed; the lock of whoever sums.
CREATE TABLE report_head (
    only_one boolean NOT NULL PRIMARY KEY CHECK (only_one),
    position bigint  NOT NULL CHECK (position >= 0)
);
INSERT INTO report_head VALUES (true, 0);

-- Up to which entry an account is summed, and its lots as that entry left them.
CREATE TABLE report_account (
    member_id bigint NOT NULL,
    wallet    text   NOT NULL,
    seq       bigint NOT NULL CHECK (seq > 0),
    lots      text   NOT NULL,
    PRIMARY KEY (member_id, wallet)
);

CREATE TABLE report_day (
    day     date   NOT NULL,
    wallet  text   NOT NULL,
    reason  text   NOT NULL,
    given   bigint NOT NULL CHECK (given >= 0),
    taken   bigint NOT NULL CHECK (taken >= 0),
    entries bigint NOT NULL CHECK (entries > 0),
    PRIMARY KEY (day, wallet, reason)
);

-- What was recorded on a day, or in a whole month (under its last day), changed the open points
-- that begin and end on these days.
CREATE TABLE report_open (
    is_month  boolean NOT NULL,
    day       date    NOT NULL,
    wallet    text    NOT NULL,
    begins_on date    NOT NULL,
    ends_on   date    NOT NULL,
    points    bigint  NOT NULL,
    PRIMARY KEY (is_month, day, wallet, begins_on, ends_on)
);
CREATE INDEX report_open_ends ON report_open (ends_on)
"""

# What was held at the end of a past day is found without reading all that was ever held.
HELD = "CREATE INDEX hold_held_at ON hold (held_at)"


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute(SUMS)
    op.execute(HELD)
    op.execute("GRANT SELECT, UPDATE ON report_head TO loyalty_app")
    for table in ("report_account", "report_day", "report_open"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO loyalty_app")
