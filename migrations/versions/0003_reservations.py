"""Orders before they are paid, and what points pay of them."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

HEAD = """
ALTER TABLE order_head
    ALTER COLUMN payment_ref DROP NOT NULL,
    ALTER COLUMN paid_at DROP NOT NULL,
    -- What the cart costs after discounts; points and money pay it.
    ADD COLUMN price_minor bigint,
    -- The wallet, points and lots that a payment spent, and what of them was given back.
    ADD COLUMN spent jsonb,
    -- Of a reservation: the cart as it was sent, when it was first made, when it lapses, how often
    -- points were held for it, and what the order was judged by when it was placed.
    ADD COLUMN cart bytea,
    ADD COLUMN reserved_since timestamptz,
    ADD COLUMN lapses_at timestamptz,
    ADD COLUMN hold_no integer NOT NULL DEFAULT 0,
    ADD COLUMN judged jsonb,
    -- The order that the same reference was opened again as, after a cancellation.
    ADD COLUMN opened_again_as bigint
"""

LINE = """
ALTER TABLE order_line
    ADD COLUMN price_minor bigint,
    ADD COLUMN points bigint NOT NULL DEFAULT 0 CHECK (points >= 0),
    ADD COLUMN points_minor bigint NOT NULL DEFAULT 0 CHECK (points_minor >= 0)
"""

FILLED = (
    "UPDATE order_head SET price_minor = paid_minor",
    "UPDATE order_line SET price_minor = paid_minor",
)

HELD_TO_IT = """
ALTER TABLE order_head
    ALTER COLUMN price_minor SET NOT NULL,
    ADD CHECK (paid_minor <= price_minor),
    ADD CHECK (payment_ref IS NOT NULL OR state IN ('reserved', 'cancelled')),
    ADD CHECK ((payment_ref IS NULL) = (paid_at IS NULL)),
    ADD CHECK (state <> 'reserved' OR lapses_at IS NOT NULL);
ALTER TABLE order_line
    ALTER COLUMN price_minor SET NOT NULL,
    ADD CHECK (price_minor <= amount_minor),
    ADD CHECK (paid_minor + points_minor = price_minor)
"""


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute(HEAD)
    op.execute(LINE)
    for statement in FILLED:
        op.execute(statement)
    op.execute(HELD_TO_IT)
