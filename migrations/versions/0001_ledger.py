"""Members, the append-only ledger, orders and returns, and the role that may not change history."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

PROGRAM = """
CREATE TABLE program_version (
    version     integer     NOT NULL PRIMARY KEY CHECK (version > 0),
    document    text        NOT NULL,
    digest      bytea       NOT NULL,
    in_force_at timestamptz NOT NULL,
    applied_by  text        NOT NULL
)
"""

MEMBERS = """
CREATE SEQUENCE member_id_seq;

-- The lock of everything a member owns. No index on what changes, so that updates stay HOT.
CREATE TABLE member (
    member_id       bigint      NOT NULL PRIMARY KEY CHECK (member_id > 0),
    refs_version    integer     NOT NULL,
    enrolled_at     timestamptz NOT NULL,
    birth_month     smallint    CHECK (birth_month BETWEEN 1 AND 12),
    birth_day       smallint    CHECK (birth_day BETWEEN 1 AND 31),
    tags            text[]      NOT NULL,
    caught_up_to    timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    event_seq       bigint      NOT NULL CHECK (event_seq >= 0),
    order_seq       bigint      NOT NULL CHECK (order_seq >= 0),
    live_orders     bigint      NOT NULL CHECK (live_orders >= 0),
    check_in_on     date,
    check_in_streak integer     NOT NULL CHECK (check_in_streak >= 0),
    CHECK ((birth_month IS NULL) = (birth_day IS NULL))
) WITH (fillfactor = 50);

CREATE TABLE member_ref (
    kind      text   NOT NULL,
    value     text   NOT NULL,
    member_id bigint NOT NULL REFERENCES member,
    PRIMARY KEY (kind, value)
);
CREATE INDEX member_ref_of_member ON member_ref (member_id);

CREATE TABLE member_total (
    member_id bigint NOT NULL,
    metric    text   NOT NULL,
    day       date   NOT NULL,
    amount    bigint NOT NULL,
    PRIMARY KEY (member_id, metric, day)
) WITH (fillfactor = 80);

CREATE TABLE actor (
    actor_id integer NOT NULL PRIMARY KEY,
    kind     text    NOT NULL,
    name     text    NOT NULL,
    UNIQUE (kind, name)
)
"""

LEDGER = """
CREATE TABLE account (
    member_id bigint NOT NULL REFERENCES member,
    wallet    text   NOT NULL,
    seq       bigint NOT NULL CHECK (seq > 0),
    lot_seq   bigint NOT NULL CHECK (lot_seq >= 0),
    balance   bigint NOT NULL,
    deficit   bigint NOT NULL CHECK (deficit >= 0),
    head      bytea  NOT NULL CHECK (octet_length(head) = 32),
    PRIMARY KEY (member_id, wallet)
) WITH (fillfactor = 50);

CREATE TABLE entry (
    member_id       bigint      NOT NULL,
    wallet          text        NOT NULL,
    seq             bigint      NOT NULL CHECK (seq > 0),
    kind            text        NOT NULL,
    points          bigint      NOT NULL,
    reason          text        NOT NULL,
    source          text        NOT NULL,
    source_no       bigint,
    program_version integer     NOT NULL,
    rule_ids        text[]      NOT NULL,
    actor_id        integer     NOT NULL,
    occurred_at     timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    balance_after   bigint      NOT NULL,
    reverses        bigint,
    explained       bytea,
    noted           bytea,
    hash            bytea       NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (member_id, wallet, seq),
    FOREIGN KEY (member_id, wallet) REFERENCES account
);
CREATE UNIQUE INDEX entry_reversed_once ON entry (member_id, wallet, reverses)
    WHERE reverses IS NOT NULL;

CREATE TABLE allocation (
    member_id  bigint  NOT NULL,
    wallet     text    NOT NULL,
    entry_seq  bigint  NOT NULL,
    lot_seq    bigint  NOT NULL CHECK (lot_seq >= 0),
    points     bigint  NOT NULL,
    active_at  timestamptz,
    expires_at timestamptz,
    expired    boolean NOT NULL,
    PRIMARY KEY (member_id, wallet, entry_seq, lot_seq)
);
CREATE INDEX allocation_expired ON allocation (member_id, wallet, lot_seq) WHERE expired;

CREATE TABLE explanation (
    member_id bigint NOT NULL,
    wallet    text   NOT NULL,
    seq       bigint NOT NULL,
    body      text   NOT NULL,
    PRIMARY KEY (member_id, wallet, seq)
);

CREATE TABLE note (
    member_id bigint NOT NULL,
    wallet    text   NOT NULL,
    seq       bigint NOT NULL,
    body      text   NOT NULL,
    PRIMARY KEY (member_id, wallet, seq)
);

-- Open lots only: a cache of allocation, deleted at zero.
CREATE TABLE lot (
    member_id  bigint NOT NULL,
    wallet     text   NOT NULL,
    lot_seq    bigint NOT NULL CHECK (lot_seq >= 0),
    order_no   bigint,
    opened     bigint NOT NULL,
    remaining  bigint NOT NULL CHECK (remaining > 0),
    active_at  timestamptz,
    expires_at timestamptz,
    PRIMARY KEY (member_id, wallet, lot_seq),
    CHECK (remaining <= opened),
    CHECK (active_at < expires_at)
) WITH (fillfactor = 80)
"""

ORDERS = """
CREATE TABLE order_index (
    order_ref text   NOT NULL PRIMARY KEY,
    member_id bigint NOT NULL,
    order_no  bigint NOT NULL
);

CREATE TABLE order_head (
    member_id       bigint      NOT NULL REFERENCES member,
    order_no        bigint      NOT NULL CHECK (order_no > 0),
    order_ref       text        NOT NULL,
    payment_ref     text        NOT NULL,
    state           text        NOT NULL,
    channel         text,
    program_version integer     NOT NULL,
    placed_at       timestamptz NOT NULL,
    paid_at         timestamptz NOT NULL,
    fulfilled_at    timestamptz,
    recorded_at     timestamptz NOT NULL,
    paid_minor      bigint      NOT NULL CHECK (paid_minor >= 0),
    returned_minor  bigint      NOT NULL CHECK (returned_minor BETWEEN 0 AND paid_minor),
    step_seq        integer     NOT NULL,
    was_first       boolean     NOT NULL,
    fingerprint     bytea       NOT NULL,
    entries         jsonb       NOT NULL,
    receipt         text        NOT NULL,
    PRIMARY KEY (member_id, order_no)
) WITH (fillfactor = 80);

CREATE TABLE order_line (
    member_id      bigint   NOT NULL,
    order_no       bigint   NOT NULL,
    line_no        integer  NOT NULL CHECK (line_no > 0),
    kind           text     NOT NULL,
    sku            text     NOT NULL,
    category       text,
    brand          text,
    quantity       bigint   NOT NULL CHECK (quantity > 0),
    amount_minor   bigint   NOT NULL CHECK (amount_minor >= 0),
    paid_minor     bigint   NOT NULL CHECK (paid_minor BETWEEN 0 AND amount_minor),
    shares         jsonb    NOT NULL,
    returned_units bigint   NOT NULL CHECK (returned_units BETWEEN 0 AND quantity),
    returned_num   numeric  NOT NULL,
    returned_den   numeric  NOT NULL CHECK (returned_num BETWEEN 0 AND returned_den),
    PRIMARY KEY (member_id, order_no, line_no)
) WITH (fillfactor = 80);

-- What happened to an order after its payment: fulfilment, returns, cancellation.
CREATE TABLE order_step (
    member_id   bigint      NOT NULL,
    order_no    bigint      NOT NULL,
    step_no     integer     NOT NULL CHECK (step_no > 0),
    kind        text        NOT NULL,
    ref         text        NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    money_minor bigint      NOT NULL CHECK (money_minor >= 0),
    fingerprint bytea       NOT NULL,
    expired     jsonb       NOT NULL,
    receipt     text        NOT NULL,
    PRIMARY KEY (member_id, order_no, step_no),
    UNIQUE (member_id, order_no, kind, ref),
    FOREIGN KEY (member_id, order_no) REFERENCES order_head
)
"""

KIT = """
CREATE TABLE idempotency (
    member_id   bigint      NOT NULL,
    key         text        NOT NULL,
    fingerprint bytea       NOT NULL,
    status      smallint    NOT NULL,
    answer      bytea       NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (member_id, key)
);

CREATE TABLE event (
    member_id   bigint      NOT NULL,
    seq         bigint      NOT NULL CHECK (seq > 0),
    kind        text        NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    payload     text        NOT NULL,
    PRIMARY KEY (member_id, seq)
)
"""

# The second line behind the grants: it refuses, it never computes.
GUARD = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$
"""
APPEND_ONLY = ("entry", "allocation", "explanation", "program_version")
CHANGING = (
    "member",
    "member_ref",
    "member_total",
    "account",
    "lot",
    "note",
    "order_index",
    "order_head",
    "order_line",
    "order_step",
    "idempotency",
)
INSERTED = ("actor", "event")

ROLE = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'loyalty_app') THEN
        CREATE ROLE loyalty_app NOLOGIN;
    END IF;
EXCEPTION
    -- Another database of the same cluster may be creating the role at this moment.
    WHEN duplicate_object OR unique_violation THEN NULL;
END
$$
"""
ROLE_FOR_OWNER = """
DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'loyalty_app', 'MEMBER') THEN
        EXECUTE format('GRANT loyalty_app TO %I', current_user);
    END IF;
END
$$
"""


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    for part in (PROGRAM, MEMBERS, LEDGER, ORDERS, KIT, GUARD, ROLE, ROLE_FOR_OWNER):
        op.execute(part)
    op.execute("GRANT USAGE ON SCHEMA public TO loyalty_app")
    op.execute("GRANT SELECT ON alembic_version TO loyalty_app")
    op.execute("GRANT USAGE ON SEQUENCE member_id_seq TO loyalty_app")
    for table in APPEND_ONLY:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO loyalty_app")
        op.execute(
            f"CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    for table in INSERTED:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO loyalty_app")
    # Who writes what time brings.
    op.execute("INSERT INTO actor VALUES (1, 'job', 'clock')")
    for table in CHANGING:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO loyalty_app")
