"""The sentences of an explanation in each language; the numbers are put in elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loyalty_service.program.rules.chinese import money_in_chinese, spaced
from loyalty_service.program.rules.currencies import money_text


@dataclass(frozen=True, slots=True)
class Phrases:
    """What one language says; fields in braces are filled in.

    Attributes:
        points: a number of points.
        money: an amount in minor units of a currency.
        set_out: puts spaces where the language wants them beside what was filled in.
        lines: line numbers, counted from the order's own.
        times: a number of times.
        more: what is left of a long list, and ``more_lines`` of one of lines.
    """

    lang: str
    points: Callable[[str], str]
    money: Callable[[int, str], str]
    set_out: Callable[[str], str]
    lines: Callable[[Sequence[int]], str]
    times: Callable[[int], str]
    basis: str
    basis_line: str
    event: str
    streak: str
    rule: str
    rate: str
    step: str
    fixed: str
    per_unit: str
    by_streak: str
    on_lines: str
    yields: str
    factor: str
    line_factor: str
    added: str
    by_factors: str
    roundings: dict[str, str]
    beaten: str
    excluded: str
    cap: str
    over_cap: dict[str, str]
    caps_per: dict[str, str]
    cut: str
    account: str
    total: str
    more: str
    more_lines: str
    between: str
    then: str
    multiply_sign: str
    stop: str


def _points_en(text: str) -> str:
    return f"{text} point" if text == "1" else f"{text} points"


def _lines_en(numbers: Sequence[int]) -> str:
    listed = ", ".join(str(number) for number in numbers)
    return f"line {listed}" if len(numbers) == 1 else f"lines {listed}"


def _times_en(count: int) -> str:
    return "1 time" if count == 1 else f"{count} times"


ENGLISH = Phrases(
    lang="en",
    points=_points_en,
    money=money_text,
    set_out=str,
    lines=_lines_en,
    times=_times_en,
    basis="Basis: {money} ({lines})",
    basis_line="line {line} {money}",
    event="Event: {event}",
    streak="Event: {event}, day {day} in a row",
    rule="{name}: {what}",
    rate="{points} per {per} of {money}",
    step="{points} per full {per} of {money}",
    fixed="{points}",
    per_unit="{points} per unit, {units} bought",
    by_streak="day {day} in a row gives {points}",
    on_lines="{what} ({lines})",
    yields="{what} = {exact}",
    factor="{exact} x {factor} ({names}) = {product}",
    line_factor="{lines} x {factor}",
    added="{names}, added",
    by_factors="{exact} shared over the lines: {factors} ({names}) = {product}",
    roundings={
        "floor": "rounded down to {whole}",
        "ceiling": "rounded up to {whole}",
        "half_up": "rounded half up to {whole}",
        "half_even": "rounded half to even to {whole}",
    },
    beaten="not counted, {name} counts in its place",
    excluded="not counted, {name} stands alone",
    cap="{name}: at most {limit} {per}, room for {room}, asked for {asked}, {over}: {cuts}",
    over_cap={"cut": "cut to fit", "reject": "so nothing is given"},
    caps_per={
        "rule": "per rule",
        "order": "per order",
        "day": "per day",
        "week": "per week",
        "month": "per month",
        "year": "per year",
        "ever": "in all",
    },
    cut="{name} gives {after} instead of {before}",
    account="The account can take {room} more, cut to fit: {cuts}",
    total="Total in {wallet}: {points}",
    more="and {count} more",
    more_lines="and {count} more",
    between=", ",
    then="; ",
    multiply_sign="x",
    stop=".",
)

CHINESE = Phrases(
    lang="zh",
    points=lambda text: f"{text} 分",
    money=money_in_chinese,
    set_out=spaced,
    lines=lambda numbers: f"第 {'、'.join(str(number) for number in numbers)} 行",
    times=lambda count: f"{count} 次",
    basis="计分金额：{money}（{lines}）",
    basis_line="第 {line} 行 {money}",
    event="事件：{event}",
    streak="事件：{event}，连续第 {day} 天",
    rule="{name}：{what}",
    rate="每 {per}得 {points}，按 {money}计",
    step="每满 {per}得 {points}，按 {money}计",
    fixed="固定 {points}",
    per_unit="每件得 {points}，共 {units} 件",
    by_streak="连续第 {day} 天得 {points}",
    on_lines="{what}（{lines}）",
    yields="{what}，得 {exact}",
    factor="{exact} × {factor}（{names}）= {product}",
    line_factor="{lines} × {factor}",
    added="{names}，相加",
    by_factors="{exact} 分摊到各行：{factors}（{names}）= {product}",
    roundings={
        "floor": "向下取整为 {whole}",
        "ceiling": "向上取整为 {whole}",
        "half_up": "四舍五入为 {whole}",
        "half_even": "四舍六入五成双，取整为 {whole}",
    },
    beaten="未计入，以「{name}」为准",
    excluded="未计入，「{name}」不与其他规则叠加",
    cap="{name}：{per}最多 {limit}，剩余额度 {room}，本次共 {asked}，{over}：{cuts}",
    over_cap={"cut": "超出部分不计", "reject": "超出上限，全部不计"},
    caps_per={
        "rule": "每条规则",
        "order": "每单",
        "day": "每天",
        "week": "每周",
        "month": "每月",
        "year": "每年",
        "ever": "累计",
    },
    cut="「{name}」由 {before} 减为 {after}",
    account="账户最多只能再存入 {room}，超出部分不计：{cuts}",
    total="{wallet}合计：{points}",
    more="另有 {count} 项",
    more_lines="另有 {count} 行",
    between="，",
    then="；",
    multiply_sign="×",
    stop="。",
)

LANGUAGES = {"en": ENGLISH, "zh": CHINESE}
