"""The shape of balances and entries on the wire."""

from loyalty_service.ledger.schemas.balances import (
    BalanceQuery,
    BalanceSchema,
    ProofQuery,
    ProofSchema,
)
from loyalty_service.ledger.schemas.entries import (
    AdjustedSchema,
    AdjustmentSchema,
    EntriesQuery,
    EntriesSchema,
    EntrySchema,
    TakenSchema,
    TransferredSchema,
    TransferSchema,
)

__all__ = [
    "AdjustedSchema",
    "AdjustmentSchema",
    "BalanceQuery",
    "BalanceSchema",
    "EntriesQuery",
    "EntriesSchema",
    "EntrySchema",
    "ProofQuery",
    "ProofSchema",
    "TakenSchema",
    "TransferSchema",
    "TransferredSchema",
]
