"""Where lots end, as statements say it: of their own, or with their account."""

LOT_END = "coalesce(l.expires_at, CASE WHEN l.active_at IS NOT NULL THEN a.ends_at END)"
"""Of a row ``l`` of ``lot`` and its row ``a`` of ``account``."""

IS_COMMON = "{0}.lot_seq = -1"
"""Whether a row of ``allocation`` says where the account's common end is from then on."""
