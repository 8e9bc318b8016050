"""Where a member stands, in words."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from loyalty_service.program.rules.chinese import spaced
from loyalty_service.program.rules.periods import local_date
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.tier_words import amount_in_words
from loyalty_service.program.rules.tiers import Measure
from loyalty_service.tiers.rules.moves import Move

_SAY: dict[str, dict[str, str]] = {
    "en": {
        "now": "{tier}.",
        "until": "{tier}, through {last}.",
        "grace": "{tier} is no longer earned; a grace keeps it through {last}.",
        "next": "For {tier}: {criteria}.",
        "next_any": "For {tier}, one of these: {criteria}.",
        "keep": "To keep {tier}: {criteria}.",
        "keep_any": "To keep {tier}, one of these: {criteria}.",
        "enough": "As counted today, there is enough to keep {tier}.",
        "earned_again": "{tier} is earned again.",
        "any": "one of these: {criteria}",
        "between": "; ",
        "criterion": "{words} ({counted} so far, {missing} to go)",
        "window": "Counted from {from} through {until}.",
        "ever": "All that was done since joining counts.",
        "then_ever": " Counted then: {criteria}.",
        "then": " Counted then, from {from} through {until}: {criteria}.",
        Move.PROMOTED: "If nothing else happens, you rise to {to} on {day}.",
        Move.KEPT: "If nothing else happens, {to} is kept on {day}.",
        "again": "If nothing else happens, {to} is earned again on {day}, which ends the grace.",
        Move.DEMOTED: "You fall to {to} on {day} unless you earn enough to keep {tier} by {last}.",
        "fall": "You fall to {to} on {day} unless you earn {tier} again by {last}.",
        "demoted_anew": "If nothing else happens, you fall to {to} on {day}: what keeps {tier} is "
        "counted anew from that day on.",
        Move.GRACE_BEGAN: "{tier} is no longer earned on {day} unless you earn enough to keep it "
        "by {last}.",
        "grace_began_anew": "If nothing else happens, {tier} is no longer earned on {day}: what "
        "keeps it is counted anew from that day on.",
        "grace_falls": " A grace then keeps it; you fall to {after} on {grace_day} unless you earn "
        "{tier} again by {grace_last}.",
        "grace_rises": " A grace then keeps it; if nothing else happens, you rise to {after} by "
        "{grace_day}.",
        "grace_kept": " A grace then keeps it through {grace_last}, and {after} follows.",
        "other": "If nothing else happens, from {day}: {to}.",
    },
    "zh": {
        "now": "当前等级：{tier}。",
        "until": "当前等级：{tier}，有效期至 {last}。",
        "grace": "{tier}已不达标，宽限至 {last}。",
        "next": "升至{tier}：{criteria}。",
        "next_any": "升至{tier}，满足其一即可：{criteria}。",
        "keep": "保持{tier}：{criteria}。",
        "keep_any": "保持{tier}，满足其一即可：{criteria}。",
        "enough": "按今日统计，{tier}保级条件已满足。",
        "earned_again": "{tier}已重新达标。",
        "any": "满足其一即可：{criteria}",
        "between": "；",
        "criterion": "{words}（已有 {counted}，还差 {missing}）",
        "window": "统计周期：{from} 至 {until}。",
        "ever": "入会以来全部计入。",
        "then_ever": "届时统计：{criteria}。",
        "then": "届时统计 {from} 至 {until}：{criteria}。",
        Move.PROMOTED: "若无其他变化，{day} 升为{to}。",
        Move.KEPT: "若无其他变化，{day} {to}保级成功。",
        "again": "若无其他变化，{day} {to}重新达标，宽限期结束。",
        Move.DEMOTED: "截至 {last} 仍未满足{tier}保级条件，则 {day} 起降为{to}。",
        "fall": "截至 {last} 仍未重新达到{tier}，则 {day} 起降为{to}。",
        "demoted_anew": "{tier}保级条件自 {day} 起重新统计；若无其他变化，当日起降为{to}。",
        Move.GRACE_BEGAN: "截至 {last} 仍未满足{tier}保级条件，则 {day} 起进入宽限期，至 "
        "{grace_last}；",
        "grace_began_anew": "{tier}保级条件自 {day} 起重新统计；若无其他变化，当日起进入宽限期，至 "
        "{grace_last}；",
        "grace_falls": "届时仍未重新达标，则 {grace_day} 起降为{after}。",
        "grace_rises": "若无其他变化，最迟 {grace_day} 升为{after}。",
        "grace_kept": "之后为{after}。",
        "other": "若无其他变化，{day} 起：{to}。",
    },
}


def standing_in_words(told: Mapping[str, Any], program: Program, lang: str) -> list[str]:
    """Say where a member stands, what is missing, over which days it counts, and what comes next.

    Args:
        told: as answers tell it, without its words.
        lang: ``en`` or ``zh``.

    Rule: R-53.
    """
    say, tier = _SAY[lang], told["tier"]["name"]
    # What is earned before counting begins anew keeps nothing, so nobody is told that it would.
    keep = None if _is_counted_anew(told, program) else told["keep"]
    lines = [_now(told, program, say)]
    if told["next"] is not None:
        lines += _missing(told["next"], "next", program, lang)
    if keep is not None:
        enough = "enough" if told["grace_until"] is None else "earned_again"
        lines += _missing(keep, "keep", program, lang) or [say[enough].format(tier=tier)]
    if told["next"] is not None or keep is not None:
        window = told["window"]
        lines.append(say["window" if window["from"] else "ever"].format(**window))
    if told["review"] is not None:
        lines.append(_review(told, program, lang))
    return [spaced(line) for line in lines]


def _now(told: Mapping[str, Any], program: Program, say: Mapping[str, str]) -> str:
    tier = told["tier"]["name"]
    for key, phrase in (("grace_until", "grace"), ("until", "until")):
        if told[key] is not None:
            last = _day(told[key], program, last=True).isoformat()
            return say[phrase].format(tier=tier, last=last)
    return say["now"].format(tier=tier)


def _missing(progress: Mapping[str, Any], key: str, program: Program, lang: str) -> list[str]:
    say, criteria = _SAY[lang], progress["criteria"]
    missing = [one for one in criteria if one["missing"]]
    is_any = progress["match"] == "any"
    if not missing or (is_any and len(missing) < len(criteria)):
        return []
    phrase = say[f"{key}_any" if is_any and len(missing) > 1 else key]
    return [
        phrase.format(tier=progress["tier"]["name"], criteria=_criteria(missing, program, lang))
    ]


def _criteria(criteria: Sequence[Mapping[str, Any]], program: Program, lang: str) -> str:
    """What is asked for, what there is of it, and what is missing."""
    say = _SAY[lang]
    return say["between"].join(
        say["criterion"].format(
            words=one["words"],
            counted=_amount(one, "counted", program, lang),
            missing=_amount(one, "missing", program, lang),
        )
        for one in criteria
    )


def _review(told: Mapping[str, Any], program: Program, lang: str) -> str:
    review, say = told["review"], _SAY[lang]
    named = {
        "tier": told["tier"]["name"],
        "to": review["tier"]["name"],
        "day": _day(review["at"], program).isoformat(),
        "last": _day(review["at"], program, last=True).isoformat(),
    }
    if review["after_grace"] is not None:
        named["after"] = review["after_grace"]["name"]
        named["grace_day"] = _day(review["grace_until"], program).isoformat()
        named["grace_last"] = _day(review["grace_until"], program, last=True).isoformat()
    phrase = "".join(say[key] for key in _phrases(told, program))
    return phrase.format(**named) + _then(review, program, lang)


def _then(review: Mapping[str, Any], program: Program, lang: str) -> str:
    """What the review counts, and over which days; nothing where nothing is judged."""
    say, window = _SAY[lang], review["window"]
    if window is None:
        return ""
    criteria = _criteria(review["criteria"], program, lang)
    if review["match"] == "any" and len(review["criteria"]) > 1:
        criteria = say["any"].format(criteria=criteria)
    return say["then" if window["from"] else "then_ever"].format(**window, criteria=criteria)


def _phrases(told: Mapping[str, Any], program: Program) -> list[str]:
    """What the review does, to one in their grace and to others, and what a grace leads to."""
    review, in_grace = told["review"], told["grace_until"] is not None
    outcome = review["outcome"]
    if in_grace and outcome in (Move.KEPT, Move.DEMOTED):
        return ["again" if outcome == Move.KEPT else "fall"]
    if outcome not in (Move.PROMOTED, Move.KEPT, Move.DEMOTED, Move.GRACE_BEGAN):
        return ["other"]
    began = f"{outcome}_anew" if _is_counted_anew(told, program) else outcome
    return [began, _after_grace(told, program)] if outcome == Move.GRACE_BEGAN else [began]


def _after_grace(told: Mapping[str, Any], program: Program) -> str:
    """The phrase for what a grace leads to: what comes alive in it may even lift the member."""
    assert program.tiers is not None
    before, after = told["tier"]["id"], told["review"]["after_grace"]["id"]
    if after == before:
        return "grace_kept"
    rises = program.tiers.index_of(after) > program.tiers.index_of(before)
    return "grace_rises" if rises else "grace_falls"


def _is_counted_anew(told: Mapping[str, Any], program: Program) -> bool:
    """Whether the tier is lost at a review that counts nothing of the days before it.

    In a grace what is earned keeps the tier at once, and a balance is what it is then.
    """
    review = told["review"]
    if review is None or review["outcome"] not in (Move.DEMOTED, Move.GRACE_BEGAN):
        return False
    window, last = review["window"], _day(review["at"], program, last=True).isoformat()
    is_over = window is None or window["from"] is None or window["from"] <= last
    if is_over or told["grace_until"] is not None:
        return False
    by_days = [one["measure"] != Measure.BALANCE for one in review["criteria"]]
    return all(by_days) if review["match"] == "any" else any(by_days)


def _amount(one: Mapping[str, Any], which: str, program: Program, lang: str) -> str:
    return amount_in_words(Measure(one["measure"]), one[which], program, lang)


def _day(text: str, program: Program, *, last: bool = False) -> date:
    """The local day of an instant, or (``last``) of the last moment before it."""
    instant = datetime.fromisoformat(text)
    return local_date(instant - timedelta(microseconds=1) if last else instant, program.zone)
