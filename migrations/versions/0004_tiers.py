"""Where members stand among the tiers, how they came there, and when time next asks for them."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MEMBER = """
ALTER TABLE member
    -- The tier, since when, and until when it lasts; without one the lowest, or for ever.
    ADD COLUMN tier text,
    ADD COLUMN tier_since timestamptz,
    ADD COLUMN tier_until timestamptz,
    -- Until when a tier that is no longer earned is left to the member.
    ADD COLUMN grace_until timestamptz,
    -- What a later decision has to know: gifts given, and what a promotion rested on.
    ADD COLUMN tier_memo jsonb,
    -- When time next brings something that no lot and no hold tells, by the program version named.
    ADD COLUMN due_at timestamptz,
    ADD COLUMN due_by integer NOT NULL DEFAULT 0,
    ADD CHECK ((tier IS NULL) = (tier_since IS NULL)),
    ADD CHECK (tier IS NOT NULL OR (tier_until IS NULL AND grace_until IS NULL)),
    ADD CHECK (due_by >= 0)
"""

CHANGE = """
CREATE TABLE tier_change (
    member_id bigint NOT NULL REFERENCES member,
    -- Its number among all that happened to the member.
    change_no bigint NOT NULL CHECK (change_no > 0),
    cause text NOT NULL,
    from_tier text,
    to_tier text NOT NULL,
    tier_until timestamptz,
    grace_until timestamptz,
    program_version integer NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    -- What was counted, and what was asked for.
    counted jsonb NOT NULL,
    PRIMARY KEY (member_id, change_no)
)
"""


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute(MEMBER)
    op.execute(CHANGE)
    op.execute("GRANT SELECT, INSERT ON tier_change TO loyalty_app")
    op.execute(
        "CREATE TRIGGER tier_change_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
        "ON tier_change FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
