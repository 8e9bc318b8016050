"""Entries that no rule reckoned, each in one sentence: what was done, and why; and what is owed."""

from collections.abc import Mapping
from typing import Any

_SENTENCES = {
    "en": {
        "order_spent": "{points} paid for order {order}.",
        "order_given_back": "{points} that had paid for order {order} came back with what was "
        "returned of it, each to the lot it was taken from.",
        "order_fulfilled": "Order {order} arrived: points that waited for it have their beginning "
        "and their end now.",
        "order_returned": "{points} that order {order} had earned went with what was returned "
        "of it.",
        "order_cancelled": "{points} that order {order} had earned went when it was cancelled.",
        "tier_gift": "Given on promotion to a tier: {points}.",
        "tier_gift_undone": "{points} that a promotion had brought went when a return undid it.",
        "opening_balance": "Brought along from another system: {points}.",
        "adjustment": "An operator gave {points}.",
        "-adjustment": "An operator took {points}.",
        "adjustment_earned": "An operator gave {points}, counted towards tiers.",
        "mistake": "Entry {reverses} was a mistake and is undone: {signed}.",
        "transfer": "{points} came from another member, with the same end as before.",
        "-transfer": "{points} went to another member.",
        "deficit_settled": "{points} that became free paid what was owed.",
        "expired": "{points} expired.",
        "activity": "Points were earned or spent: all of this wallet end later, and together.",
        "expiry_changed": "The program's expiry changed: the points that were there have the end "
        "that it gives them.",
        "owed": "Of it, {points} could not be taken: owed, and paid by what comes next.",
        "-owed": "Of it, {points} paid what was owed.",
    },
    "zh": {
        "order_spent": "{points}用于支付订单 {order}。",
        "order_given_back": "订单 {order} 退货或取消，当时支付的 {points}退回原批次。",
        "order_fulfilled": "订单 {order} 已送达：待生效的积分从此有了生效与到期时间。",
        "order_returned": "订单 {order} 退货，收回该订单所得的 {points}。",
        "order_cancelled": "订单 {order} 取消，收回该订单所得的 {points}。",
        "tier_gift": "升级赠送 {points}。",
        "tier_gift_undone": "退货撤销升级，收回升级赠送的 {points}。",
        "opening_balance": "从原系统转入 {points}。",
        "adjustment": "人工增加 {points}。",
        "-adjustment": "人工扣除 {points}。",
        "adjustment_earned": "人工增加 {points}，计入会员等级。",
        "mistake": "第 {reverses} 条有误，予以冲正：{signed}。",
        "transfer": "由其他会员转入 {points}，有效期不变。",
        "-transfer": "向其他会员转出 {points}。",
        "deficit_settled": "释放的 {points}用于抵欠。",
        "expired": "{points}到期失效。",
        "activity": "获得或使用了积分：该钱包全部积分的有效期一并顺延。",
        "expiry_changed": "积分方案的有效期规则变更：原有积分按新规则计算到期时间。",
        "owed": "其中 {points}余额不足，记为欠分，由以后所得抵扣。",
        "-owed": "其中 {points}用于抵欠。",
    },
}
_SETTLED = "deficit_settled"


def entry_in_words(entry: Mapping[str, Any], lang: str, *, wallet: str, moved: int) -> list[str]:
    """Say what an entry did that has no explanation by rules; nothing for one that has.

    Args:
        entry: as answers tell it; ``points`` signed.
        lang: ``en`` or ``zh``.
        wallet: its name in that language.
        moved: what its lots were given, less what was taken from them.

    Rule: R-27.
    """
    reason, points = str(entry["reason"]), int(entry["points"])
    sentences = _SENTENCES[lang]
    key = f"-{reason}" if points < 0 and f"-{reason}" in sentences else reason
    if key not in sentences:
        return []
    told = sentences[key].format(
        # What pays a debt with points that are there already changes no balance.
        points=points_in_words(moved if reason == _SETTLED else points, wallet, lang),
        signed=f"{points:+,}",
        reverses=entry["reverses"],
        order=entry["order_ref"],
    )
    return [told] if reason == _SETTLED else [told, *debt_in_words(points, moved, wallet, lang)]


def debt_in_words(points: int, moved: int, wallet: str, lang: str) -> list[str]:
    """Say what of an entry's points the lots did not have, or what went to pay for such; usually
    nothing.

    Args:
        points: of the entry, signed.
        moved: what its lots were given, less what was taken from them.
        wallet: its name in that language.

    Rule: R-12, R-41.
    """
    owed = moved - points
    if not owed:
        return []
    sentence = _SENTENCES[lang]["owed" if owed > 0 else "-owed"]
    return [sentence.format(points=points_in_words(owed, wallet, lang))]


def points_in_words(number: int, wallet: str, lang: str) -> str:
    """A number of points, without its sign, by the name of their wallet: 52 points in Growth."""
    told = f"{abs(number):,}"
    if lang == "zh":
        return f"{told} {wallet}"
    noun = "point" if told == "1" else "points"
    return f"{told} {noun}" if wallet.casefold() == "points" else f"{told} {noun} in {wallet}"
