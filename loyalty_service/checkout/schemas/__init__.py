"""The shape of checkout on the wire."""

from loyalty_service.checkout.schemas.carts import (
    CartSchema,
    PaymentSchema,
    ReceiptSchema,
)
from loyalty_service.checkout.schemas.orders import (
    BatchSchema,
    FulfilledSchema,
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
from loyalty_service.checkout.schemas.stories import OrderSchema

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
