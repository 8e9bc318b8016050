"""Moves of members between tiers, in words."""

from collections.abc import Mapping

from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.words import LANGUAGES
from loyalty_service.reports.rules.moves import Group

_SAY = {
    "en": {
        "none": "(no tiers)",
        "moves": "{tier} -> {to}",
        "stays": "stays {tier}",
        "when": "{when}: {move}",
        "instead": "{move}, instead of: {instead}",
    },
    "zh": {
        "none": "（无等级）",
        "moves": "{tier} -> {to}",
        "stays": "仍为{tier}",
        "when": "{when}：{move}",
        "instead": "{move}（原为：{instead}）",
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


def move_in_words(group: Group, names: Names, lang: str) -> str:
    """What becomes of members, and for what comes later also what would become of them else."""
    say = _SAY[lang]
    if group.is_at_once:
        return say["moves"].format(tier=names[group.tier], to=names[group.to])
    move = _step(group.tier, group.to, group.when, names, say=say)
    instead = _step(group.tier, group.instead, group.instead_when, names, say=say)
    return say["instead"].format(move=move, instead=instead)


def _step(
    tier: str | None, to: str | None, when: str | None, names: Names, *, say: Mapping[str, str]
) -> str:
    if to is None:
        return say["stays"].format(tier=names[tier])
    return say["when"].format(when=when, move=say["moves"].format(tier=names[tier], to=names[to]))
