"""The shape of checkout on the wire."""

from loyalty_service.checkout.schemas.carts import (
    CartSchema,
    PaymentSchema,
    ReceiptSchema,
)
from loyalty_service.checkout.schemas.orders import (
    BatchSchema,
    FulfilledSchema,
    OrderSchema,
    OutcomesSchema,
    ReturnedSchema,
    ReturnSchema,
    WhenSchema,
)
from loyalty_service.checkout.schemas.promises import (
    QuoteRequestSchema,
    QuoteSchema,
    ReleasedSchema,
    ReservedSchema,
)

__all__ = [
    "BatchSchema",
    "CartSchema",
    "FulfilledSchema",
    "OrderSchema",
    "OutcomesSchema",
    "PaymentSchema",
    "QuoteRequestSchema",
    "QuoteSchema",
    "ReceiptSchema",
    "ReleasedSchema",
    "ReservedSchema",
    "ReturnSchema",
    "ReturnedSchema",
    "WhenSchema",
]
