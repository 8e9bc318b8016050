"""A change of tier, in words."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from loyalty_service.program.rules.chinese import spaced
from loyalty_service.program.rules.periods import local_date
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.words import LANGUAGES
from loyalty_service.tiers.rules.moves import Move

_INSTANT = timedelta(microseconds=1)

_SAY = {
    "en": {
        Move.PROMOTED: "Promoted to {to}{through}.",
        Move.KEPT: "{to} is kept{through}.",
        Move.GRACE_BEGAN: "{to} is no longer earned{through}.",
        Move.DEMOTED: "{from} is lost: {to} from now on{through}.",
        Move.UNDONE: "The promotion to {from} is undone: {to} again{through}.",
        Move.TERM_BEGAN: "{to} lasts{through}.",
        Move.IMPORTED: "{to} was brought from elsewhere{through}.",
        Move.REPLACED: "The tier held is there no more: {to} from now on{through}.",
        "again": "{to} is earned again and kept{through}.",
        "through": ", through {last}",
        "grace": " and is lost after {last} unless it is earned again by then",
        "given": " {points} points in {wallet} as a gift.",
        "taken": " The gift of {points} points in {wallet} is taken back.",
        "window": " Counted from {from} through {until}.",
        "ever": " Counted through {until}.",
    },
    "zh": {
        Move.PROMOTED: "升级为{to}{through}。",
        Move.KEPT: "{to}保级成功{through}。",
        Move.GRACE_BEGAN: "{to}已不达标{through}。",
        Move.DEMOTED: "{from}未能保级，降为{to}{through}。",
        Move.UNDONE: "升级为{from}已撤销，恢复{to}{through}。",
        Move.TERM_BEGAN: "{to}开始计有效期{through}。",
        Move.IMPORTED: "沿用原系统等级{to}{through}。",
        Move.REPLACED: "原等级已取消，现为{to}{through}。",
        "again": "{to}重新达标，保级成功{through}。",
        "through": "，有效期至 {last}",
        "grace": "，宽限至 {last}，届时仍未重新达标则失去该等级",
        "given": "赠{wallet} {points}。",
        "taken": "升级礼{wallet} {points}已收回。",
        "window": "统计周期 {from} 至 {until}。",
        "ever": "统计截至 {until}。",
    },
}


def change_in_words(told: Mapping[str, Any], program: Program, lang: str) -> str:
    """Say what became of a member's tier, and over which days was counted.

    Args:
        told: the change as receipts tell it, without its words.
        program: the version by which it was decided.
        lang: ``en`` or ``zh``.

    Rule: R-54.
    """
    say, tiers, names = _SAY[lang], program.tiers, LANGUAGES[lang]
    assert tiers is not None
    cause = Move(told["cause"])
    phrase = say["again" if told["in_grace"] and cause is Move.KEPT else cause]
    named = {key: names.name(tiers.find(told[key]).name) for key in ("from", "to")}
    line = phrase.format(**named, through=_through(told, program, say))
    gift = told["gift"]
    if gift is not None:
        wallet = program.find_wallet(gift["wallet"])
        given = say["given" if gift["points"] > 0 else "taken"]
        name = gift["wallet"] if wallet is None else names.name(wallet.name)
        line += given.format(points=f"{abs(gift['points']):,}", wallet=name)
    window = told["window"]
    if window is not None:
        line += say["window" if window["from"] else "ever"].format(**window)
    return spaced(line)


def _through(told: Mapping[str, Any], program: Program, say: Mapping[str, str]) -> str:
    for key, phrase in (("grace_until", "grace"), ("until", "through")):
        if told[key] is not None:
            end = datetime.fromisoformat(told[key]) - _INSTANT
            return say[phrase].format(last=local_date(end, program.zone).isoformat())
    return ""
