"""Moves of members between tiers, in words."""

from collections.abc import Mapping
from datetime import date

from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.words import LANGUAGES
from loyalty_service.reports.rules.moves import Group

_SAY = {
    "en": {
        "none": "(no tiers)",
        "moves": "{tier} -> {to}",
        "stays": "stays {tier} until at least {last}",
        "when": "{when}: {move}",
        "instead": "{move}, instead of: {instead}",
        "then": "{move}, and then {then}",
    },
    "zh": {
        "none": "（无等级）",
        "moves": "{tier} -> {to}",
        "stays": "至少到 {last} 仍为{tier}",
        "when": "{when}：{move}",
        "instead": "{move}（原为：{instead}）",
        "then": "{move}，随后 {then}",
    },
}

Names = Mapping[str | None, str]
"""How tiers are called, by id, lowest first; None is to have none."""


def names_of_tiers(old: Program, new: Program, lang: str) -> Names:
    """How the tiers of two programs are called: by the new one, else by the old one."""
    names: dict[str | None, str] = {}
    for program in (new, old):
        levels = () if program.tiers is None else program.tiers.levels
        for level in levels:
            names.setdefault(level.id, LANGUAGES[lang].name(level.name))
    return {**names, None: _SAY[lang]["none"]}


def move_in_words(group: Group, names: Names, last: date, lang: str) -> str:
    """What becomes of members, and what of it would become of them else, or does next.

    Args:
        last: the last day that was looked at.
    """
    say = _SAY[lang]

    def moves(tier: str | None, to: str | None) -> str:
        return say["moves"].format(tier=names[tier], to=names[to])

    def step(tier: str | None, to: str | None, when: str | None) -> str:
        if to is None:
            return say["stays"].format(tier=names[tier], last=last)
        return say["when"].format(when=when, move=moves(tier, to))

    if group.is_at_once:
        move = moves(group.tier, group.to)
        if group.then is None:
            return move
        return say["then"].format(move=move, then=step(group.to, group.then, group.then_when))
    move = step(group.tier, group.to, group.when)
    instead = step(group.tier, group.instead, group.instead_when)
    return say["instead"].format(move=move, instead=instead)
