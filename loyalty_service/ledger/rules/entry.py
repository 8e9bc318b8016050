"""What the ledger is made of: entries and the allocations that say which lots they moved."""

from datetime import datetime
from enum import StrEnum

from loyalty_service.kit.frozen import frozen


class Kind(StrEnum):
    """What an entry does to the lots."""

    CREDIT = "credit"
    DEBIT = "debit"
    EXPIRE = "expire"
    RESCHEDULE = "reschedule"
    REVERSE = "reverse"
    GIVE_BACK = "give_back"
    SETTLE = "settle"


class Reason(StrEnum):
    """Why an entry was written; a closed vocabulary."""

    ORDER_PAID = "order_paid"
    ORDER_SPENT = "order_spent"
    ORDER_GIVEN_BACK = "order_given_back"
    ORDER_FULFILLED = "order_fulfilled"
    ORDER_RETURNED = "order_returned"
    ORDER_CANCELLED = "order_cancelled"
    EVENT = "event"
    TIER_GIFT = "tier_gift"
    TIER_GIFT_UNDONE = "tier_gift_undone"
    OPENING_BALANCE = "opening_balance"
    ADJUSTMENT = "adjustment"
    ADJUSTMENT_EARNED = "adjustment_earned"
    MISTAKE = "mistake"
    TRANSFER = "transfer"
    DEFICIT_SETTLED = "deficit_settled"
    EXPIRED = "expired"
    ACTIVITY = "activity"
    EXPIRY_CHANGED = "expiry_changed"


class Source(StrEnum):
    """What an entry comes from; ``source_no`` is our own number of it."""

    ORDER = "order"
    EVENT = "event"
    TIER = "tier"
    OPERATOR = "operator"
    IMPORT = "import"
    JOB = "job"


@frozen
class Cause:
    """What all entries of one act share.

    Args:
        source_no: our number of the order, event or change of tier; None where there is none.
        rule_ids: the earning rules that produced the points, in document order.
        actor_id: who did it; a number, because outside names stand beside the ledger (R-80).
        occurred_at: business time, UTC.
        recorded_at: when the service wrote it, UTC; never earlier than the member's last one.
    """

    reason: Reason
    source: Source
    source_no: int | None
    program_version: int
    actor_id: int
    occurred_at: datetime
    recorded_at: datetime
    rule_ids: tuple[str, ...] = ()


@frozen
class Allocation:
    """What one entry took from (< 0) or gave to (> 0) one lot, and the instants it gave it.

    A lot that has begun and has no ``expires_at`` ends with its account. Of 0 points and without
    a beginning, on lot 0, it says where that is from now on.
    """

    lot_seq: int
    points: int
    active_at: datetime | None = None
    expires_at: datetime | None = None
    expired: bool = False


@frozen
class Entry:
    """One line of the ledger (R-11); ``points`` is signed, ``hash`` chains it to the one before.

    Args:
        ends_at: where lots without an end of their own end after it (UTC); None: never.
    """

    member_id: int
    wallet: str
    seq: int
    kind: Kind
    points: int
    cause: Cause
    balance_after: int
    reverses: int | None
    explained: bytes | None
    noted: bytes | None
    allocations: tuple[Allocation, ...]
    hash: bytes
    ends_at: datetime | None = None
