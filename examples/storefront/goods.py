"""What the shop sells, and a basket as the loyalty service wants to see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CURRENCY = "CNY"
CHANNEL = "web"
SHIPPING = "SHIPPING"
SHIPPING_MINOR = 1_200
SHIPPING_FREE_FROM_MINOR = 19_900
MOST_OF_ONE = 9


@dataclass(frozen=True, slots=True)
class Article:
    """One article; its price in minor units, its names in English and Chinese."""

    sku: str
    picture: str
    price_minor: int
    name: tuple[str, str]
    about: tuple[str, str]
    category: str
    brand: str | None = None


SHELF = (
    Article(
        "TEA-LJ-250",
        "tin",
        6_800,
        ("Longjing green tea", "龙井绿茶"),
        ("250 g tin, picked before Qingming", "250 克罐装，明前采摘"),
        "tea",
        "Longjing",
    ),
    Article(
        "TEA-BLC-100",
        "pouch",
        4_550,
        ("Biluochun green tea", "碧螺春绿茶"),
        ("100 g pouch, light and fruity", "100 克袋装，清香回甘"),
        "tea",
        "Longjing",
    ),
    Article(
        "CUP-2",
        "cup",
        3_345,
        ("Celadon cup", "青瓷杯"),
        ("Fired in Longquan, 180 ml", "龙泉窑烧制，180 毫升"),
        "home",
    ),
    Article(
        "SCARF-1",
        "scarf",
        12_990,
        ("Silk scarf", "真丝围巾"),
        ("Mulberry silk, new this season", "桑蚕丝，当季新品"),
        "new_arrival",
        "云山",
    ),
    Article(
        "SHIRT-M",
        "shirt",
        19_900,
        ("Linen shirt", "亚麻衬衫"),
        ("Size M, washed linen", "M 码，水洗亚麻"),
        "clothes",
        "Yunshan",
    ),
    Article(
        "COAT-L",
        "coat",
        88_000,
        ("Wool coat", "羊毛大衣"),
        ("Size L, double faced", "L 码，双面呢"),
        "clothes",
        "云山",
    ),
    Article(
        "SHOE-42",
        "shoe",
        46_800,
        ("Walking shoes", "健步鞋"),
        ("Size 42, for long days", "42 码，久走不累"),
        "shoes",
        "Yunshan",
    ),
    Article(
        "BOOT-38",
        "boot",
        69_900,
        ("Ankle boots", "短靴"),
        ("Size 38, full leather", "38 码，全皮"),
        "shoes",
        "云山",
    ),
)
BY_SKU = {article.sku: article for article in SHELF}


def name_of(sku: str, lang: str) -> str:
    """What an article is called; the sku itself where the shop does not sell it any more."""
    if sku == SHIPPING:
        return ("Shipping", "运费")[lang == "zh"]
    article = BY_SKU.get(sku)
    return article.name[lang == "zh"] if article else sku


def money(amount_minor: int) -> dict[str, Any]:
    """An amount on the wire."""
    return {"amount": amount_minor, "currency": CURRENCY}


def cart_of(basket: Mapping[str, int], points: int) -> dict[str, Any]:
    """The basket as a cart: always in the order of the shelf, so the same basket is the same cart.

    Args:
        basket: how many of which sku.
        points: whole points to pay with.
    """
    lines = [
        {
            "sku": article.sku,
            "category": article.category,
            "quantity": basket[article.sku],
            "amount": money(article.price_minor * basket[article.sku]),
            **({"brand": article.brand} if article.brand else {}),
        }
        for article in SHELF
        if basket.get(article.sku)
    ]
    if 0 < price_of(lines) < SHIPPING_FREE_FROM_MINOR:
        lines.append(
            {"sku": SHIPPING, "kind": "shipping", "quantity": 1, "amount": money(SHIPPING_MINOR)}
        )
    return {"lines": lines, "channel": CHANNEL, "points": points}


def price_of(lines: list[dict[str, Any]]) -> int:
    """What lines cost together, in minor units."""
    return sum(line["amount"]["amount"] for line in lines)
