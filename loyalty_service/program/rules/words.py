"""A program in words, in English and Chinese: what members and shopkeepers read."""

from dataclasses import dataclass

from loyalty_service.program.rules.chinese import Chinese
from loyalty_service.program.rules.conditions import Condition
from loyalty_service.program.rules.earning import Cap, EarningRule, Multiplier, Streak
from loyalty_service.program.rules.english import English
from loyalty_service.program.rules.language import Language
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.spans import PeriodClock
from loyalty_service.program.rules.tier_words import level_in_words, tiers_in_words
from loyalty_service.program.rules.wallets import Activation, Expiry

LANGUAGES: dict[str, Language] = {"en": English(), "zh": Chinese()}
_CLOCKS = {
    "en": {
        PeriodClock.DAYS: "Days are those of {zone}, and periods count whole days",
        PeriodClock.EXACT: "Days are those of {zone}, and periods count to the instant",
    },
    "zh": {
        PeriodClock.DAYS: "日期按 {zone} 时区，期限按整天计",
        PeriodClock.EXACT: "日期按 {zone} 时区，期限精确到时刻",
    },
}
_STREAKS = {
    "en": {
        Streak.WEEKLY: "A check-in streak starts again every Monday",
        Streak.MONTHLY: "A check-in streak starts again with every month",
    },
    "zh": {Streak.WEEKLY: "连续签到每周一重新计算", Streak.MONTHLY: "连续签到每月重新计算"},
}
_COLON = {"en": ": ", "zh": "："}
_IN_BRACKETS = {"en": " ({})", "zh": "（{}）"}


@dataclass(frozen=True, slots=True)
class Worded:
    """A program in words: a line each for what holds in general and for every part."""

    general: tuple[str, ...]
    wallets: tuple[str, ...]
    rules: tuple[str, ...]
    multipliers: tuple[str, ...]
    caps: tuple[str, ...]
    tiers: tuple[str, ...]


def condition_words(condition: Condition, program: Program, lang: str) -> str:
    """A condition in words.

    Args:
        lang: ``en`` or ``zh``.

    Rule: R-21.
    """
    return LANGUAGES[lang].condition(condition, program)


def rule_words(rule: EarningRule, program: Program, lang: str) -> str:
    """What a rule gives, for what and when.

    Rule: R-21, R-22.
    """
    return LANGUAGES[lang].rule(rule, program)


def multiplier_words(multiplier: Multiplier, program: Program, lang: str) -> str:
    """What a multiplier multiplies, and when.

    Rule: R-22.
    """
    return LANGUAGES[lang].multiplier(multiplier, program)


def cap_words(cap: Cap, program: Program, lang: str) -> str:
    """What a cap limits, and what becomes of the rest.

    Rule: R-23.
    """
    return LANGUAGES[lang].cap(cap, program.earning)


def activation_words(activation: Activation, lang: str) -> str:
    """When points come alive.

    Rule: R-25.
    """
    return LANGUAGES[lang].activation(activation)


def expiry_words(expiry: Expiry, lang: str) -> str:
    """When points end.

    Rule: R-25.
    """
    return LANGUAGES[lang].expiry(expiry)


def _tiers(program: Program, words: Language, lang: str) -> tuple[str, ...]:
    levels = () if program.tiers is None else program.tiers.levels
    return tuple(
        f"{words.name(level.name)}{_COLON[lang]}{level_in_words(level, program, words, lang)}"
        for level in levels
    )


def _time(program: Program, lang: str) -> tuple[str, ...]:
    """By which clocks days, periods and streaks are counted."""
    clock = _CLOCKS[lang][program.clock].format(zone=program.zone.key)
    streak = _STREAKS[lang].get(program.earning.streak)
    return (clock,) if streak is None else (clock, streak)


def program_words(program: Program, lang: str) -> Worded:
    """The whole program in words, in the order of the document.

    Args:
        lang: ``en`` or ``zh``.

    Rule: R-27.
    """
    words = LANGUAGES[lang]
    colon = _COLON[lang]
    earning = program.earning
    wallets = {wallet.id: words.name(wallet.name) for wallet in program.wallets}
    return Worded(
        general=(*_time(program, lang), *words.general(program), *tiers_in_words(program, lang)),
        wallets=tuple(f"{wallets[each.id]}{colon}{words.wallet(each)}" for each in program.wallets),
        rules=tuple(
            f"{words.name(rule.name)}{_IN_BRACKETS[lang].format(wallets[rule.wallet])}{colon}"
            f"{words.rule(rule, program)}"
            for rule in earning.rules
        ),
        multipliers=tuple(
            f"{words.name(each.name)}{colon}{words.multiplier(each, program)}"
            for each in earning.multipliers
        ),
        caps=tuple(
            f"{words.name(each.name)}{colon}{words.cap(each, earning)}" for each in earning.caps
        ),
        tiers=_tiers(program, words, lang),
    )
