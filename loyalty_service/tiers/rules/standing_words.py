"""Where a member stands, in words."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from loyalty_service.program.rules.chinese import spaced
from loyalty_service.program.rules.periods import local_date
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.tier_words import amount_in_words
from loyalty_service.program.rules.tiers import Measure

_SAY = {
    "en": {
        "now": "{tier}.",
        "until": "{tier}, through {last}.",
        "grace": "{tier} is left through {last}, though it is no longer earned.",
        "next": "For {tier}: {missing} still missing.",
        "next_any": "For {tier}, any of: {missing} still missing.",
        "keep": "To keep {tier}: {missing} still missing.",
        "keep_any": "To keep {tier}, any of: {missing} still missing.",
        "kept": "{tier} is earned again already.",
        "then": "If nothing more happens, on {day}: {tier}.",
        "between": "; ",
        "criterion": "{missing} of {words}",
    },
    "zh": {
        "now": "当前等级：{tier}。",
        "until": "当前等级：{tier}，有效期至 {last}。",
        "grace": "{tier}已不达标，宽限至 {last}。",
        "next": "升至{tier}：{missing}。",
        "next_any": "升至{tier}，满足其一即可：{missing}。",
        "keep": "保持{tier}：{missing}。",
        "keep_any": "保持{tier}，满足其一即可：{missing}。",
        "kept": "{tier}保级条件已满足。",
        "then": "若无其他变化，{day} 起：{tier}。",
        "between": "；",
        "criterion": "{words}，还差 {missing}",
    },
}


def standing_in_words(told: Mapping[str, Any], program: Program, lang: str) -> list[str]:
    """Say where a member stands, what is missing and what comes next.

    Args:
        told: as answers tell it, without its words.
        lang: ``en`` or ``zh``.

    Rule: R-53.
    """
    say, tier = _SAY[lang], told["tier"]["name"]
    lines = [_now(told, program, say)]
    if told["next"] is not None:
        lines += _missing(told["next"], "next", program, lang)
    if told["keep"] is not None:
        lines += _missing(told["keep"], "keep", program, lang) or [say["kept"].format(tier=tier)]
    if told["review"] is not None:
        day = _day(told["review"]["at"], program).isoformat()
        lines.append(say["then"].format(day=day, tier=told["review"]["tier"]["name"]))
    return [spaced(line) for line in lines]


def _now(told: Mapping[str, Any], program: Program, say: Mapping[str, str]) -> str:
    tier = told["tier"]["name"]
    for key, phrase in (("grace_until", "grace"), ("until", "until")):
        if told[key] is not None:
            last = _day(told[key], program, last=True).isoformat()
            return say[phrase].format(tier=tier, last=last)
    return say["now"].format(tier=tier)


def _missing(progress: Mapping[str, Any], key: str, program: Program, lang: str) -> list[str]:
    say = _SAY[lang]
    missing = [
        say["criterion"].format(missing=_amount(one, program, lang), words=one["words"])
        for one in progress["criteria"]
        if one["missing"]
    ]
    is_any = progress["match"] == "any"
    if not missing or (is_any and len(missing) < len(progress["criteria"])):
        return []
    phrase = say[f"{key}_any" if is_any and len(missing) > 1 else key]
    tier = progress["tier"]["name"]
    return [phrase.format(tier=tier, missing=say["between"].join(missing))]


def _amount(criterion: Mapping[str, Any], program: Program, lang: str) -> str:
    return amount_in_words(Measure(criterion["measure"]), criterion["missing"], program, lang)


def _day(text: str, program: Program, *, last: bool = False) -> date:
    """The local day of an instant, or (``last``) of the last moment before it."""
    instant = datetime.fromisoformat(text)
    return local_date(instant - timedelta(microseconds=1) if last else instant, program.zone)
