"""What the nightly jobs did and how far they are, who leads them, and what members were told."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

RUN = """
CREATE TABLE job_run (
    job        text        NOT NULL,
    -- The instant the run is for: what was due by it; its name, so that it can be taken up again.
    at         timestamptz NOT NULL,
    -- How often it was begun, when last, and when it last moved.
    starts     integer     NOT NULL CHECK (starts > 0),
    started_at timestamptz NOT NULL,
    moved_at   timestamptz NOT NULL,
    ended_at   timestamptz,
    -- 'done', 'stopped' or 'failed' with the kind of the fault; none while it runs, or was killed.
    outcome    text,
    fault      text,
    -- Every member up to this number is done.
    done_to    bigint      NOT NULL CHECK (done_to >= 0),
    scanned    bigint      NOT NULL CHECK (scanned >= 0),
    members    bigint      NOT NULL CHECK (members >= 0),
    counts     jsonb       NOT NULL,
    PRIMARY KEY (job, at),
    CHECK ((outcome IS NULL) = (ended_at IS NULL)),
    CHECK ((fault IS NULL) OR (outcome = 'failed'))
)
"""

LEASE = """
-- Of several schedulers the one that may start jobs, and until when it need not be asked again.
CREATE TABLE job_lease (
    name        text        NOT NULL PRIMARY KEY,
    holder      text        NOT NULL,
    lasts_until timestamptz NOT NULL
)
"""

REMINDED = """
-- Which notice of points that end a member was given last: so many days or fewer.
CREATE TABLE reminded (
    member_id   bigint      NOT NULL,
    wallet      text        NOT NULL,
    expires_on  date        NOT NULL,
    notice      smallint    NOT NULL CHECK (notice > 0),
    reminded_at timestamptz NOT NULL,
    PRIMARY KEY (member_id, wallet, expires_on)
)
"""


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    for part in (RUN, LEASE, REMINDED):
        op.execute(part)
    for table in ("job_run", "job_lease", "reminded"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO loyalty_app")
