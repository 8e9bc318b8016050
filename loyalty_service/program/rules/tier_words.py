"""Tiers in words, in English and Chinese."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from loyalty_service.program.rules.chinese import money_in_chinese, spaced
from loyalty_service.program.rules.currencies import money_text
from loyalty_service.program.rules.language import Language, decimal_text
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.spans import Period, Unit
from loyalty_service.program.rules.tiers import (
    Calendar,
    Criterion,
    Demote,
    Gift,
    GiftsOnReturn,
    Lasting,
    Lifetime,
    Match,
    Measure,
    NoTerm,
    OnReturn,
    Promote,
    Qualification,
    Rolling,
    TermEnd,
    Tier,
    TierRate,
    Tiers,
    WindowTerm,
)


@dataclass(frozen=True, slots=True)
class _Say:
    """The phrases of one language; fields in braces are filled in."""

    period: Callable[[Period], str]
    money: Callable[[int, str], str]
    ends: Mapping[TermEnd, str]
    rolling: str
    windows: Mapping[Calendar | Lifetime, str]
    measures: Mapping[Measure, str]
    one_order: str
    joins: Mapping[Match, str]
    lowest: str
    entry: str
    keep: str
    for_ever: str
    factor: str
    perks: str
    gift: str
    aside: str
    between: str
    lists: str
    counted: str
    terms: Mapping[WindowTerm | NoTerm, str]
    lasts: str
    promote: Mapping[Promote, str]
    demote: Mapping[Demote, str]
    grace: str
    on_return: Mapping[OnReturn, str]
    gifts: Mapping[GiftsOnReturn, str]
    rate: Mapping[TierRate, str]
    near: str


def _period_en(period: Period) -> str:
    noun = period.unit.value
    return f"{period.count:,} {noun.removesuffix('s') if period.count == 1 else noun}"


_UNITS_ZH = {Unit.DAYS: "天", Unit.MONTHS: "个月", Unit.YEARS: "年"}

ENGLISH = _Say(
    period=_period_en,
    money=money_text,
    ends={
        TermEnd.EXACT: "",
        TermEnd.MONTH: ", to the end of that month",
        TermEnd.QUARTER: ", to the end of that quarter",
        TermEnd.YEAR: ", to the end of that year",
    },
    rolling="the last {period}",
    windows={
        Calendar.MONTH: "the calendar month",
        Calendar.QUARTER: "the calendar quarter",
        Calendar.YEAR: "the calendar year",
        Calendar.MEMBERSHIP_YEAR: "the membership year",
        Lifetime(): "the whole membership",
    },
    measures={
        Measure.EARNED: "{amount} earned in {wallet}",
        Measure.BALANCE: "a balance of {amount} in {wallet}",
        Measure.SPEND: "{amount} spent",
        Measure.ORDERS: "{amount} orders",
    },
    one_order="{amount} order",
    joins={Match.ALL: " and ", Match.ANY: " or "},
    lowest="where every member begins",
    entry="for {what}",
    keep="kept with {what}",
    for_ever="kept for ever",
    factor="{factor} times the points of orders",
    perks="brings {names}",
    gift="{points} points in {wallet} on promotion",
    aside=" ({})",
    between="; ",
    lists=", ",
    counted="Tiers look at {window}",
    terms={
        WindowTerm.THIS: "A tier lasts to the end of that window and is then earned again",
        WindowTerm.NEXT: "A tier lasts to the end of the window after it",
        NoTerm.NONE: "A tier lasts as long as it is earned",
    },
    lasts="A tier lasts {period}{end}",
    promote={
        Promote.AT_ONCE: "Members rise as soon as they reach a tier",
        Promote.NEXT_REVIEW: "Members rise at their next review",
    },
    demote={
        Demote.ONE_LEVEL: "A tier that is not kept falls by one",
        Demote.BY_STANDING: "A tier that is not kept falls to what was earned",
    },
    grace="Before it falls there is a grace of {period}{end}",
    on_return={
        OnReturn.KEEP_UNTIL_REVIEW: "A return leaves the tier up to the review",
        OnReturn.AT_ONCE: "A return undoes the promotion that rested on it",
    },
    gifts={
        GiftsOnReturn.KEPT: "the gift is kept",
        GiftsOnReturn.TAKEN_BACK: "the gift is taken back",
    },
    rate={
        TierRate.HELD: "Orders earn by the tier held when they are placed",
        TierRate.REACHED: "Orders earn by the tier that they lead to",
    },
    near="Members are told at {steps} of what the next tier asks for",
)

CHINESE = _Say(
    period=lambda period: f" {period.count:,} {_UNITS_ZH[period.unit]}",
    money=money_in_chinese,
    ends={
        TermEnd.EXACT: "",
        TermEnd.MONTH: "，至当月月末",
        TermEnd.QUARTER: "，至当季季末",
        TermEnd.YEAR: "，至当年年末",
    },
    rolling="最近{period}",
    windows={
        Calendar.MONTH: "自然月",
        Calendar.QUARTER: "自然季度",
        Calendar.YEAR: "自然年",
        Calendar.MEMBERSHIP_YEAR: "会员年度",
        Lifetime(): "入会以来全部记录",
    },
    measures={
        Measure.EARNED: "获得{wallet} {amount}",
        Measure.BALANCE: "{wallet}余额达 {amount}",
        Measure.SPEND: "消费满 {amount}",
        Measure.ORDERS: "满 {amount} 单",
    },
    one_order="满 {amount} 单",
    joins={Match.ALL: "且", Match.ANY: "或"},
    lowest="入会即享",
    entry="{what}可达",
    keep="{what}可保级",
    for_ever="永久保留",
    factor="订单积分 {factor} 倍",
    perks="享{names}",
    gift="升级赠{wallet} {points}",
    aside="（{}）",
    between="；",
    lists="、",
    counted="等级按{window}统计",
    terms={
        WindowTerm.THIS: "等级有效至该周期结束，之后重新累计",
        WindowTerm.NEXT: "等级有效至下一周期结束",
        NoTerm.NONE: "等级随达标情况即时升降",
    },
    lasts="等级有效期{period}{end}",
    promote={Promote.AT_ONCE: "达标即时升级", Promote.NEXT_REVIEW: "在下次评定时升级"},
    demote={Demote.ONE_LEVEL: "未能保级则降一级", Demote.BY_STANDING: "未能保级则降至所达等级"},
    grace="降级前有{period}宽限期{end}",
    on_return={
        OnReturn.KEEP_UNTIL_REVIEW: "退货不影响等级，评定时再计",
        OnReturn.AT_ONCE: "退货即撤销以该订单为依据的升级",
    },
    gifts={GiftsOnReturn.KEPT: "升级礼保留", GiftsOnReturn.TAKEN_BACK: "升级礼收回"},
    rate={
        TierRate.HELD: "订单按下单时的等级计分",
        TierRate.REACHED: "订单按本单计入后的等级计分",
    },
    near="达到下一等级要求的 {steps} 时通知会员",
)

_SAY = {"en": ENGLISH, "zh": CHINESE}


def tiers_in_words(program: Program, lang: str) -> tuple[str, ...]:
    """How members move between tiers, a line each; nothing where there are none.

    Rule: R-50 to R-52.
    """
    tiers, say = program.tiers, _SAY[lang]
    if tiers is None:
        return ()
    lines = [say.counted.format(window=_window(tiers, say)), _term(tiers, say)]
    lines.append(say.promote[tiers.promote])
    # Who follows what was earned has no review in between, and no step either.
    follows = tiers.term is NoTerm.NONE
    if not follows:
        lines.append(say.demote[tiers.demote])
    if tiers.grace is not None:
        lines.append(_lasting(say.grace, tiers.grace, say))
    if tiers.on_return is OnReturn.AT_ONCE:
        gifts = say.gifts[tiers.gifts_on_return]
        lines.append(say.on_return[tiers.on_return] + say.between + gifts)
    elif not (follows and tiers.promote is Promote.AT_ONCE):
        lines.append(say.on_return[tiers.on_return])
    lines.append(say.rate[tiers.tier_rate])
    if tiers.notify_at:
        steps = say.lists.join(f"{step}%" for step in tiers.notify_at)
        lines.append(say.near.format(steps=steps))
    return tuple(lines)


def level_in_words(level: Tier, program: Program, words: Language, lang: str) -> str:
    """What leads to a tier and what it brings.

    Rule: R-50, R-54.
    """
    say = _SAY[lang]
    wallets = {wallet.id: words.name(wallet.name) for wallet in program.wallets}
    parts = [say.lowest]
    if level.entry is not None:
        parts = [say.entry.format(what=_asked(level.entry, wallets, program.currency, say))]
    if level.keep_for_ever:
        parts.append(say.for_ever)
    elif level.keep is not None:
        parts.append(say.keep.format(what=_asked(level.keep, wallets, program.currency, say)))
    if level.factor != 1:
        parts.append(say.factor.format(factor=decimal_text(level.factor)))
    if level.perks:
        names = say.lists.join(words.name(perk.name) for perk in level.perks)
        parts.append(say.perks.format(names=names))
    if level.gift is not None:
        parts.append(_gift(level.gift, wallets, words, say))
    return spaced(say.between.join(parts))


def _gift(gift: Gift, wallets: Mapping[str, str], words: Language, say: _Say) -> str:
    told = say.gift.format(points=f"{gift.points:,}", wallet=wallets[gift.wallet])
    return told if gift.expiry is None else told + say.aside.format(words.expiry(gift.expiry))


def criterion_in_words(criterion: Criterion, program: Program, words: Language, lang: str) -> str:
    """One thing that a tier asks for."""
    wallets = {wallet.id: words.name(wallet.name) for wallet in program.wallets}
    return _criterion(criterion, wallets, program.currency, _SAY[lang])


def amount_in_words(measure: Measure, amount: int, program: Program, lang: str) -> str:
    """So much of what a tier asks for: money, or a number."""
    return _amount(measure, amount, program.currency, _SAY[lang])


def _asked(asked: Qualification, wallets: Mapping[str, str], currency: str, say: _Say) -> str:
    parts = [_criterion(one, wallets, currency, say) for one in asked.criteria]
    return say.joins[asked.match].join(parts)


def _criterion(one: Criterion, wallets: Mapping[str, str], currency: str, say: _Say) -> str:
    wallet = wallets.get(one.wallet or "", "")
    is_one_order = one.measure is Measure.ORDERS and one.at_least == 1
    phrase = say.one_order if is_one_order else say.measures[one.measure]
    amount = _amount(one.measure, one.at_least, currency, say)
    return spaced(phrase.format(amount=amount, wallet=wallet))


def _amount(measure: Measure, amount: int, currency: str, say: _Say) -> str:
    return say.money(amount, currency) if measure is Measure.SPEND else f"{amount:,}"


def _window(tiers: Tiers, say: _Say) -> str:
    if isinstance(tiers.window, Rolling):
        return say.rolling.format(period=say.period(tiers.window.period))
    return say.windows[tiers.window]


def _term(tiers: Tiers, say: _Say) -> str:
    if isinstance(tiers.term, Lasting):
        return _lasting(say.lasts, tiers.term, say)
    return say.terms[tiers.term]


def _lasting(phrase: str, lasting: Lasting, say: _Say) -> str:
    return phrase.format(period=say.period(lasting.period), end=say.ends[lasting.end])
