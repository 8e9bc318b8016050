"""What the demo shop sells."""

from dataclasses import dataclass

from loyalty_service.checkout.rules.cart import CartLine
from loyalty_service.earning.rules.facts import LineKind

CURRENCY = "CNY"


@dataclass(frozen=True, slots=True)
class Article:
    """One article of the shop; its price in minor units."""

    sku: str
    category: str | None
    brand: str | None
    price_minor: int
    kind: LineKind = LineKind.GOODS

    def line(self, quantity: int = 1, discount_minor: int = 0) -> CartLine:
        """So many of it as a line of a cart."""
        amount_minor = self.price_minor * quantity
        return CartLine(
            self.kind, self.sku, self.category, self.brand, quantity, amount_minor, discount_minor
        )


TEA = Article("TEA-LJ-250", "tea", "Longjing", 6_800)
WHITE_TEA = Article("TEA-BLC-100", "tea", "Longjing", 4_550)
SHOES = Article("SHOE-42", "shoes", "Yunshan", 46_800)
BOOTS = Article("BOOT-38", "shoes", "云山", 69_900)
SHIRT = Article("SHIRT-M", "clothes", "Yunshan", 19_900)
COAT = Article("COAT-L", "clothes", "云山", 88_000)
SCARF = Article("SCARF-1", "new_arrival", "云山", 12_990)
CUP = Article("CUP-2", "home", None, 3_345)
GIFT_CARD = Article("CARD-200", "gift_card", None, 20_000)
PARCEL = Article("PARCEL", None, None, 1_200, LineKind.SHIPPING)

SHELF = (TEA, WHITE_TEA, SHOES, BOOTS, SHIRT, COAT, SCARF, CUP, GIFT_CARD)
