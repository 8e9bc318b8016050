"""The outbox: one row per thing that happened, written in the transaction that made it happen."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson

from loyalty_service.kit.db import Transaction
from loyalty_service.kit.frozen import frozen

_INSERT = "INSERT INTO event (member_id, seq, kind, occurred_at, recorded_at, payload)"


@frozen
class Happened:
    """One thing that happened; ``seq`` orders the owner's events without a gap."""

    member_id: int
    seq: int
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    payload: dict[str, Any]


def publish(tx: Transaction, events: Iterable[Happened]) -> None:
    """Add these events to the writes of the transaction."""
    tx.add_rows(
        _INSERT,
        [
            (e.member_id, e.seq, e.kind, e.occurred_at, e.recorded_at, _json(e.payload))
            for e in events
        ],
    )


def _json(payload: dict[str, Any]) -> str:
    return orjson.dumps(payload).decode()
