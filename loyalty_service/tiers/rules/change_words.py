"""A change of tier, in words."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from loyalty_service.program.rules.chinese import spaced
from loyalty_service.program.rules.periods import local_date
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.words import LANGUAGES
from loyalty_service.tiers.rules.moving import Move

_INSTANT = timedelta(microseconds=1)

_SAY = {
    "en": {
        Move.PROMOTED: "Promoted to {to}{through}.",
        Move.KEPT: "{to} is kept{through}.",
        Move.GRACE_BEGAN: "{to} is no longer earned and left{through}.",
        Move.DEMOTED: "{from} is lost: {to} from now on{through}.",
        Move.UNDONE: "The promotion to {from} is undone: {to} again{through}.",
        Move.TERM_BEGAN: "{to} lasts{through}.",
        Move.IMPORTED: "{to} was brought from elsewhere{through}.",
        Move.REPLACED: "The tier held is there no more: {to} from now on{through}.",
        "through": ", through {last}",
        "given": " {points} points in {wallet} as a gift.",
        "taken": " The gift of {points} points in {wallet} is taken back.",
    },
    "zh": {
        Move.PROMOTED: "升级为{to}{through}。",
        Move.KEPT: "{to}保级成功{through}。",
        Move.GRACE_BEGAN: "{to}已不达标，予以保留{through}。",
        Move.DEMOTED: "{from}未能保级，降为{to}{through}。",
        Move.UNDONE: "升级为{from}已撤销，恢复{to}{through}。",
        Move.TERM_BEGAN: "{to}开始计有效期{through}。",
        Move.IMPORTED: "沿用原系统等级{to}{through}。",
        Move.REPLACED: "原等级已取消，现为{to}{through}。",
        "through": "，有效期至 {last}",
        "given": "赠{wallet} {points}。",
        "taken": "升级礼{wallet} {points}已收回。",
    },
}


def change_in_words(told: Mapping[str, Any], program: Program, lang: str) -> str:
    """Say what became of a member's tier.

    Args:
        told: the change as receipts tell it, without its words.
        program: the version by which it was decided.
        lang: ``en`` or ``zh``.

    Rule: R-54.
    """
    say, tiers, names = _SAY[lang], program.tiers, LANGUAGES[lang]
    assert tiers is not None
    ends, through = told["grace_until"] or told["until"], ""
    if ends is not None:
        last = local_date(datetime.fromisoformat(ends) - _INSTANT, program.zone)
        through = say["through"].format(last=last.isoformat())
    named = {key: names.name(tiers.find(told[key]).name) for key in ("from", "to")}
    line = say[Move(told["cause"])].format(**named, through=through)
    gift = told["gift"]
    if gift is not None:
        wallet = program.find_wallet(gift["wallet"])
        given = say["given" if gift["points"] > 0 else "taken"]
        name = gift["wallet"] if wallet is None else names.name(wallet.name)
        line += given.format(points=f"{abs(gift['points']):,}", wallet=name)
    return spaced(line)
