"""The sentences of an order's story in each language; the facts are put in elsewhere.

Where a phrase depends on a number, ``|`` parts what is said of one from what is said of more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loyalty_service.earning.rules.plain_words import points_in_words
from loyalty_service.program.rules.chinese import money_in_chinese
from loyalty_service.program.rules.currencies import money_text
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.words import LANGUAGES

Told = Mapping[str, Any]
_MONEY = {"en": money_text, "zh": money_in_chinese}

PHRASES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "stop": ". ",
        "end": ".",
        "between": ", ",
        "clause": ", ",
        "more": "and {count} lines more",
        "moved": "{points} (entry {entry})",
        "opened_again": "The order was opened again",
        "reserved": "Reserved until {until}: ",
        "replaced": "Another cart took its place, reserved until {until}: ",
        "reserved_again": "Reserved again until {until}: ",
        "promise": "{money} is to be paid",
        "promise_points": "the price is {price}; {points}, worth {worth}, is held, and {money} is "
        "to be paid|the price is {price}; {points}, worth {worth}, are held, and {money} is to be "
        "paid",
        "renewed": "Renewed: it stands until {until} now, at the same price",
        "renewed_points": "Renewed: it stands until {until} now, at the same price and with the "
        "same points",
        "lapsed": "The reservation lapsed",
        "released": "The reservation was released",
        "released_late": "The reservation was to be released; it had lapsed before",
        "called_off": "The order was cancelled before it was paid",
        "freed": "; {points} is held no more|; {points} are held no more",
        "placed_anew": "Placed anew as it was paid",
        "paid": "Paid (payment {ref}): {money} in money",
        "paid_points": "Paid (payment {ref}): the price was {price}; {points} paid {worth} of it, "
        "and {money} was paid in money",
        "earned": "Earned: {all}",
        "arrived": "The goods have arrived",
        "arrived_unpaid": "The goods have arrived; the order is not paid yet",
        "arrived_paid": "The goods have arrived, as was told with the payment",
        "begins": "{points} is active from {begin} on|{points} are active from {begin} on",
        "begins_now": "{points} is active at once|{points} are active at once",
        "return": "Return {ref}",
        "cancelled": "The order was cancelled, and what was left of it came back",
        "colon": ": {what}",
        "units": "{n} unit of line {line} ({sku})|{n} units of line {line} ({sku})",
        "money_back": "{money} given back in money",
        "given_back": "{points} that had paid came back",
        "given_ended": "Of these, {points} is from lots that had ended|Of these, {points} are from "
        "lots that had ended",
        "taken": "Taken back: {all}",
        "taken_expired": "Of these, {points} had expired before",
        "taken_deficit": "Of these, {points} is owed from now on|Of these, {points} are owed from "
        "now on",
        "taken_uncollected": "Of these, {points} could not be found and is not collected|Of these, "
        "{points} could not be found and are not collected",
    },
    "zh": {
        "stop": "。",
        "end": "。",
        "between": "、",
        "clause": "，",
        "more": "另有 {count} 行",
        "moved": "{points}（流水第 {entry} 条）",
        "opened_again": "订单重新开启",
        "reserved": "已预占至 {until}：",
        "replaced": "已更换购物车，重新预占至 {until}：",
        "reserved_again": "已重新预占至 {until}：",
        "promise": "应付 {money}",
        "promise_points": "价格 {price}，锁定 {points}，抵 {worth}，应付 {money}",
        "renewed": "预占延长至 {until}，价格不变",
        "renewed_points": "预占延长至 {until}，价格与积分不变",
        "lapsed": "预占到期失效",
        "released": "预占已释放",
        "released_late": "请求释放预占，此前预占已到期失效",
        "called_off": "订单在支付前取消",
        "freed": "，不再锁定 {points}",
        "placed_anew": "支付时重新下单",
        "paid": "已支付（支付单号 {ref}）：实付 {money}",
        "paid_points": "已支付（支付单号 {ref}）：价格 {price}，其中 {points}抵 {worth}，"
        "实付 {money}",
        "earned": "获得 {all}",
        "arrived": "商品已送达",
        "arrived_unpaid": "商品已送达，订单尚未支付",
        "arrived_paid": "支付时已告知商品送达",
        "begins": "{points}的生效时间为 {begin}",
        "begins_now": "{points}立即生效",
        "return": "退货 {ref}",
        "cancelled": "订单取消，剩余部分全部退回",
        "colon": "：{what}",
        "units": "第 {line} 行（{sku}）{n} 件",
        "money_back": "退款 {money}",
        "given_back": "当时支付的 {points}退回",
        "given_ended": "其中 {points}所属批次已到期",
        "taken": "收回 {all}",
        "taken_expired": "其中 {points}此前已到期失效",
        "taken_deficit": "其中 {points}转为欠分",
        "taken_uncollected": "其中 {points}已无可收回，不再追缴",
    },
}


@dataclass(frozen=True, slots=True)
class Speech:
    """How one language says what receipts tell, by the names that a program gives.

    Args:
        program: names the wallets; its zone tells the time.
        lang: ``en`` or ``zh``.
    """

    program: Program
    lang: str

    def say(self, key: str, count: int = 2, /, **values: str | int) -> str:
        """A phrase, as it is said of so many."""
        one, bar, many = PHRASES[self.lang][key].partition("|")
        return (many if bar and count != 1 else one).format(**values)

    def points(self, points: int, wallet: str) -> str:
        """Whole points of a wallet, by its id."""
        return points_in_words(points, self._name(wallet), self.lang)

    def moved(self, moved: Told) -> str:
        """Points with the entry that moved them; where none was left to write, without."""
        points, entry = self.points(moved["points"], moved["wallet"]), moved["entry"]
        return points if entry is None else self.say("moved", points=points, entry=entry)

    def _name(self, wallet: str) -> str:
        found = self.program.find_wallet(wallet)
        return wallet if found is None else LANGUAGES[self.lang].name(found.name)

    def money(self, told: Told) -> str:
        """An amount of money."""
        return _MONEY[self.lang](told["amount"], told["currency"])

    def moment(self, instant: str) -> str:
        """An instant, as text, in the zone of the program."""
        local = datetime.fromisoformat(instant).astimezone(self.program.zone)
        return LANGUAGES[self.lang].moment(local)

    def listed(self, parts: Sequence[str]) -> str:
        """One after the other."""
        return self.say("between").join(parts)

    def joined(self, parts: Sequence[str]) -> str:
        """Sentences."""
        return self.say("stop").join(parts) + self.say("end")
