"""Routes of the checkout."""

from loyalty_service.checkout.api import batch, orders, spending
from loyalty_service.checkout.api.reading import blueprint

__all__ = ["batch", "blueprint", "orders", "spending"]
