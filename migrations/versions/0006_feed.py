"""What happened waits until it is published; then it has a position that readers go on from.

Events that wait and events that are published lie in two tables, so that finding what waits costs
nothing where much has happened; ``event`` is both of them.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

PARTS = """
ALTER TABLE event RENAME TO event_waiting;
ALTER TABLE event_waiting RENAME CONSTRAINT event_pkey TO event_waiting_pkey;
ALTER TABLE event_waiting RENAME CONSTRAINT event_seq_check TO event_waiting_seq_check;
ALTER TABLE event_waiting ADD COLUMN position bigint;

CREATE TABLE event (
    member_id   bigint      NOT NULL,
    seq         bigint      NOT NULL,
    kind        text        NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    payload     text        NOT NULL,
    position    bigint
) PARTITION BY LIST ((position IS NULL));
-- What happened before is published like everything else.
ALTER TABLE event ATTACH PARTITION event_waiting FOR VALUES IN (true);
CREATE TABLE event_published PARTITION OF event (
    PRIMARY KEY (member_id, seq),
    CHECK (seq > 0)
) FOR VALUES IN (false);
ALTER TABLE event_published ALTER COLUMN position SET NOT NULL;
-- Not unique: that a position is given once is kept by the lock on feed_head.
CREATE INDEX event_position ON event_published (position)
"""

HEAD = """
-- One row: the last position that was given, the lock of whoever gives the next ones, and where
-- among the waiting events the last batch ended.
CREATE TABLE feed_head (
    only_one  boolean NOT NULL PRIMARY KEY CHECK (only_one),
    position  bigint  NOT NULL CHECK (position >= 0),
    member_id bigint  NOT NULL,
    seq       bigint  NOT NULL
);
INSERT INTO feed_head VALUES (true, 0, 0, 0)
"""


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute(PARTS)
    op.execute(HEAD)
    op.execute("GRANT SELECT ON event TO loyalty_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON event_waiting TO loyalty_app")
    op.execute("GRANT SELECT, INSERT ON event_published TO loyalty_app")
    op.execute("GRANT SELECT, UPDATE ON feed_head TO loyalty_app")
