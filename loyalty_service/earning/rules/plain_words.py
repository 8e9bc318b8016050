"""Entries that no rule reckoned, each in one sentence: what was done, and why."""

from collections.abc import Mapping
from typing import Any

_SENTENCES = {
    "en": {
        "order_spent": "{points} paid for an order.",
        "order_given_back": "{points} that had paid for an order came back with what was returned "
        "of it, each to the lot it was taken from.",
        "order_fulfilled": "The goods of the order have arrived: points that waited for them have "
        "their beginning and their end now.",
        "order_returned": "{points} that an order had earned went with what was returned of it.",
        "order_cancelled": "{points} that an order had earned went when it was cancelled.",
        "tier_gift": "{points} were given on promotion to a tier.",
        "tier_gift_undone": "{points} that a promotion had brought went when a return undid it.",
        "opening_balance": "{points} were brought along from another system.",
        "adjustment": "An operator gave {points}.",
        "-adjustment": "An operator took {points}.",
        "adjustment_earned": "An operator gave {points}, which count towards tiers.",
        "mistake": "Entry {reverses} was a mistake and is undone: {signed}.",
        "transfer": "{points} came from another member, with the end they had.",
        "-transfer": "{points} went to another member.",
        "deficit_settled": "{points} that became free paid what was owed.",
        "expired": "{points} reached their end.",
        "activity": "Points were earned or spent: all of this wallet end later, and together.",
        "expiry_changed": "The program's expiry changed: the points that were there have the end "
        "that it gives them.",
    },
    "zh": {
        "order_spent": "{points}用于支付订单。",
        "order_given_back": "订单退货或取消，当时支付的{points}退回原批次。",
        "order_fulfilled": "订单商品已送达：等待送达的积分从此有了生效与到期时间。",
        "order_returned": "订单退货，收回该订单所得的{points}。",
        "order_cancelled": "订单取消，收回该订单所得的{points}。",
        "tier_gift": "升级赠送{points}。",
        "tier_gift_undone": "退货撤销升级，收回升级赠送的{points}。",
        "opening_balance": "从原系统转入{points}。",
        "adjustment": "人工增加{points}。",
        "-adjustment": "人工扣除{points}。",
        "adjustment_earned": "人工增加{points}，计入会员等级。",
        "mistake": "第 {reverses} 条有误，予以冲正：{signed}。",
        "transfer": "由其他会员转入{points}，有效期不变。",
        "-transfer": "向其他会员转出{points}。",
        "deficit_settled": "释放的{points}用于抵偿欠额。",
        "expired": "{points}到期失效。",
        "activity": "获得或使用了积分：该钱包全部积分的有效期一并顺延。",
        "expiry_changed": "积分方案的有效期规则变更：原有积分按新规则计算到期时间。",
    },
}
_POINTS = {"en": ("{n} point", "{n} points"), "zh": ("{n} 积分", "{n} 积分")}


def entry_in_words(entry: Mapping[str, Any], lang: str) -> list[str]:
    """Say what an entry did that has no explanation by rules; nothing for one that has.

    Args:
        entry: as answers tell it; ``points`` signed, ``reverses`` a number or None.
        lang: ``en`` or ``zh``.

    Rule: R-27.
    """
    reason, points = str(entry["reason"]), int(entry["points"])
    sentences = _SENTENCES[lang]
    key = f"-{reason}" if points < 0 and f"-{reason}" in sentences else reason
    if key not in sentences:
        return []
    one, many = _POINTS[lang]
    number = abs(points)
    worded = (one if number == 1 else many).format(n=f"{number:,}")
    filled = {"points": worded, "signed": f"{points:+,}", "reverses": entry["reverses"]}
    return [sentences[key].format(**filled)]
