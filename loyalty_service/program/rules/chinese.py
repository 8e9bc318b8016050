"""A program in Chinese."""

import re
from datetime import datetime, time

from loyalty_service.program.rules.conditions import (
    Brand,
    Category,
    Channel,
    Condition,
    FirstOrder,
    InTier,
    MinimumAmount,
    MinimumQuantity,
    Sku,
    Tag,
    Weekday,
    Window,
)
from loyalty_service.program.rules.currencies import money_text
from loyalty_service.program.rules.earning import (
    ORDER,
    Cap,
    CapPer,
    CapPeriod,
    CapUnit,
    Earning,
    EarningRule,
    Fixed,
    Give,
    Multiplier,
    OverCap,
    PerUnit,
    Rate,
    Step,
)
from loyalty_service.program.rules.language import Language, decimal_text, selects_simply
from loyalty_service.program.rules.program import GiveBack, Overdrawn, Program, Redemption, Rounding
from loyalty_service.program.rules.spans import RoundTo, Unit
from loyalty_service.program.rules.wallets import (
    ActivateOn,
    Activation,
    After,
    Expiry,
    FixedDates,
    Name,
    Sliding,
    Wallet,
)

_SEAM = re.compile(r"(?<=[\u4e00-\u9fff])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[\u4e00-\u9fff])")
DAYS = "一二三四五六日"
WORKING_DAYS = frozenset({1, 2, 3, 4, 5})
WEEKEND = frozenset({6, 7})
EVENTS = {
    "sign_up": "注册",
    "birthday": "生日当天",
    "check_in": "每日签到",
    "review": "发表评价",
    "referral": "推荐好友",
}
UNITS = {Unit.DAYS: "天", Unit.MONTHS: "个月", Unit.YEARS: "年"}
ENDS = {RoundTo.MONTH: "，并顺延至当月月底", RoundTo.YEAR: "，并顺延至当年年底"}
PERIODS = {
    CapPeriod.DAY: "每天",
    CapPeriod.WEEK: "每周",
    CapPeriod.MONTH: "每月",
    CapPeriod.YEAR: "每年",
    CapPeriod.EVER: "累计",
}
ROUNDINGS = {
    Rounding.FLOOR: "向下取整",
    Rounding.CEILING: "向上取整",
    Rounding.HALF_UP: "四舍五入取整",
    Rounding.HALF_EVEN: "四舍六入五成双取整",
}
OVER = {OverCap.CUT: "超出部分不发放", OverCap.REJECT: "如会超出，则该次不发放"}


class Chinese(Language):
    """Chinese words."""

    and_ = "且"
    or_ = "或"
    at_once = "立即生效"

    def condition(self, condition: Condition, program: Program, *, holds: bool = True) -> str:
        return spaced(super().condition(condition, program, holds=holds))

    def name(self, name: Name) -> str:
        return name.zh

    def contrary(self, phrase: str) -> str:
        return f"非（{phrase}）"

    def bracketed(self, phrase: str) -> str:
        return f"（{phrase}）"

    def choices(self, names: list[str], more: int) -> str:
        return "、".join(names) + (f"等 {len(names) + more} 个" if more else "")

    def moment(self, moment: datetime) -> str:
        day = f"{moment.year} 年 {moment.month} 月 {moment.day} 日"
        if moment.time() == time.min:
            return day
        return f"{day} {moment:%H:%M:%S}" if moment.second else f"{day} {moment:%H:%M}"

    def leaf(self, condition: Condition, program: Program, *, holds: bool) -> str:
        only, no = ("", "") if holds else ("非", "不")
        match condition:
            case Category(names):
                return f"{only}{self.names(names)}类商品"
            case Brand(names):
                return f"{only}{self.names(names)}品牌商品"
            case Sku(names):
                return f"{only}货号{self.names(names)}的商品"
            case Channel(names):
                return f"{no}通过{self.names(names)}渠道"
            case Tag(names):
                return f"{'带有' if holds else '不带'}{self.names(names)}标签的会员"
            case InTier(names):
                return f"{only}{self.tiers(names, program)}会员"
            case Weekday() | Window():
                return _unless(self._when(condition, program), holds=holds)
            case _:
                return _measured(condition, program.currency, holds=holds)

    def _when(self, condition: Weekday | Window, program: Program) -> str:
        if isinstance(condition, Weekday):
            return _weekdays(condition.days)
        return self._window(condition, program)

    def _window(self, window: Window, program: Program) -> str:
        first, last, is_whole = self.bounds(window, program)
        if first and last:
            return f"{first}至{last}"
        return f"{first}起" if first else f"{last}{'及以前' if is_whole else '前'}"

    def rule(self, rule: EarningRule, program: Program) -> str:
        parts = [] if rule.trigger == ORDER else [EVENTS.get(rule.trigger, f"事件 {rule.trigger}")]
        parts += [*self.gates(rule.when, program), *self._on(rule, program)]
        kinds = ["与同钱包其他规则互斥"] if rule.exclusive else []
        kinds += ["不参与翻倍"] if rule.plain and rule.trigger == ORDER else []
        kinds += self.own_activation(rule)
        kinds += [self.expiry(rule.expiry)] if rule.expiry else []
        given = "，".join([*parts, _given(rule.give, program.currency)])
        return spaced(given + (f"（{'；'.join(kinds)}）" if kinds else ""))

    def multiplier(self, multiplier: Multiplier, program: Program) -> str:
        wallets = [wallet for wallet in program.wallets if wallet.id in multiplier.wallets]
        named = "、".join(self.name(wallet.name) for wallet in wallets)
        parts = [*self.gates(multiplier.when, program), *self._on(multiplier, program)]
        return spaced("，".join([*parts, f"{named} {decimal_text(multiplier.factor)} 倍"]))

    def _on(self, rule: EarningRule | Multiplier, program: Program) -> list[str]:
        """The lines it looks at."""
        if rule.lines is None:
            return []
        phrase = self.condition(rule.lines, program)
        if selects_simply(rule.lines) and phrase.startswith("非"):
            return [phrase.removeprefix("非").strip() + "除外"]
        return [f"限{phrase}"]

    def cap(self, cap: Cap, earning: Earning) -> str:
        covered = [f"“{self.name(rule.name)}”" for rule in earning.rules if rule.id in cap.covers]
        listed = "".join(covered) + ("合计" if len(covered) > 1 else "")
        match cap.per:
            case CapPer.RULE:
                of = f"{''.join(covered)}{'各自' if len(covered) > 1 else ''}单次"
            case CapPer.ORDER:
                of = f"{listed}每单"
            case _:
                of = f"{listed}每位会员{PERIODS[cap.period or CapPeriod.EVER]}"
        unit = "分" if cap.unit is CapUnit.POINTS else "次"
        return spaced(f"{of}最多 {cap.limit:,} {unit}，{OVER[cap.over]}")

    def activation(self, activation: Activation) -> str:
        moment = "商品送达" if activation.on is ActivateOn.FULFILMENT else "支付"
        if activation.wait_days == 0:
            return f"{moment}后立即生效"
        return f"{moment} {activation.wait_days:,} 天后生效"

    def expiry(self, expiry: Expiry) -> str:
        match expiry:
            case After(period, round_to):
                end = "" if round_to is None else ENDS.get(round_to, "")
                return f"生效后 {period.count:,} {UNITS[period.unit]}内有效{end}"
            case Sliding(period):
                length = f"{period.count:,} {UNITS[period.unit]}"
                return f"最近一次获得或使用积分后 {length}内全部有效，到期一并失效"
            case FixedDates(dates):
                days = "或".join(f" {month} 月 {day} 日" for month, day in dates)
                return f"有效至最近的{days}"
            case _:
                return "永久有效"

    def wallet(self, wallet: Wallet) -> str:
        spent = "可用于抵扣" if wallet.spendable else "不可抵扣"
        return f"{spent}，{self.activation(wallet.activation)}，{self.expiry(wallet.expiry)}"

    def general(self, program: Program) -> list[str]:
        earning = program.earning
        paid = "（含积分抵扣部分）" if earning.earn_on_points_paid else ""
        lines = [
            f"积分按每条规则{ROUNDINGS[program.rounding]}一次",
            f"商品{_also(earning)}实付金额{paid}计积分",
        ]
        if program.redemption is not None:
            worth = program.redemption
            value = money_in_chinese(worth.block_value_minor, program.currency)
            share = decimal_text(worth.max_share * 100)
            lines.append(
                f"{worth.block_points:,} 积分抵 {value}；{worth.minimum_points:,} 积分起用，"
                f"每次为 {worth.step_points:,} 的倍数，最多抵商品{_also(worth)}金额的 {share}%"
            )
            lines.append(self._held(program))
            lines.append(self._given_back(program))
        negative = program.returns.overdrawn is Overdrawn.NEGATIVE
        owed = "记为欠分，由以后所得抵扣" if negative else "不再追回"
        lines.append(f"退货时不足扣回的积分{owed}")
        return lines

    def _held(self, program: Program) -> str:
        times = program.reservations
        return f"下单锁定积分 {times.minutes:,} 分钟，续期后最长 {times.most_minutes:,} 分钟"

    def _given_back(self, program: Program) -> str:
        in_parts = program.returns.give_back is GiveBack.PRO_RATA
        when = "随每次退货按比例退回" if in_parts else "全部退货后退回"
        grace = program.returns.grace
        ended = "退回即过期"
        if grace is not None:
            ended = f"再有效 {grace.count:,} {UNITS[grace.unit]}"
        return f"订单所用积分{when}，其间已到期的{ended}"


def _also(basis: Earning | Redemption) -> str:
    parts = (("、运费", basis.shipping), ("、税费", basis.tax))
    return "".join(word for word, counts in parts if counts)


def spaced(text: str) -> str:
    """Chinese as it is set: a space between Chinese characters and Latin letters or digits."""
    return _SEAM.sub(" ", text)


def money_in_chinese(minor: int, currency: str) -> str:
    """An amount of money as it is written in Chinese."""
    text = money_text(minor, currency)
    return f"{text.removeprefix('CNY ')} 元" if currency == "CNY" else text


def _unless(phrase: str, *, holds: bool) -> str:
    return phrase if holds else f"除{phrase}外"


def _weekdays(days: frozenset[int]) -> str:
    if days == WEEKEND:
        return "周末"
    if days == WORKING_DAYS:
        return "周一至周五"
    return "、".join(f"周{DAYS[day - 1]}" for day in sorted(days))


def _measured(condition: Condition, currency: str, *, holds: bool) -> str:
    match condition:
        case MinimumAmount(amount):
            return f"{'' if holds else '不'}满 {money_in_chinese(amount, currency)}"
        case MinimumQuantity(units):
            return f"{'' if holds else '不'}满 {units:,} 件"
        case FirstOrder():
            return "首单" if holds else "非首单"
        case _:
            return "生日当月" if holds else "非生日当月"


def _given(give: Give, currency: str) -> str:
    match give:
        case Rate(points, per):
            return f"每 {money_in_chinese(per, currency)}得 {decimal_text(points)} 分"
        case Step(points, per):
            return f"每满 {money_in_chinese(per, currency)}得 {points:,} 分"
        case Fixed(points):
            return f"得 {points:,} 分"
        case PerUnit(units):
            return f"每件得 {decimal_text(units)} 分"
        case _:
            listed = "、".join(f"{points:,}" for points in give.points)
            return f"连续第 1 至 {len(give.points)} 天分别得 {listed} 分，之后每天同最后一天"
