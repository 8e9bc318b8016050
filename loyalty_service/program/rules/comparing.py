"""What one program says otherwise than another, in words."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any

from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.words import Worded, program_words

_CURRENCY = {"en": "Money is in {code}", "zh": "货币为 {code}"}

# Settings that no line of words tells.
_SILENT = {
    "program": ("name",),
    "earning": ("multipliers_combine", "groups"),
    "redemption": ("wallet",),
    "tiers": ("multiplies",),
}


class Mark(StrEnum):
    """What became of a line."""

    GONE = "-"
    NEW = "+"
    ELSE = "~"


Line = tuple[Mark, str]


def compare_programs(old: Program, new: Program, lang: str) -> dict[str, tuple[Line, ...]]:
    """What is said by one program alone, by the sections of ``Worded``; equal ones are left out.

    A part that is told by the same words and is another all the same is named with what of it
    changed, so that nothing is passed over.

    Args:
        lang: ``en`` or ``zh``.
    """
    before, after = program_words(old, lang), program_words(new, lang)
    told: dict[str, tuple[Line, ...]] = {}
    for section in (field.name for field in fields(Worded)):
        one, other = getattr(before, section), getattr(after, section)
        lines = _lines(one, other)
        if section == "general":
            lines = [*_currency(old, new, lang), *lines]
            lines += [(Mark.ELSE, name) for name in _silent(old, new)]
        else:
            parts = [zip(_parts(p, section), w, strict=True) for p, w in ((old, one), (new, other))]
            lines += _elsewise(*parts)
        if lines:
            told[section] = tuple(lines)
    return told


def _lines(before: Sequence[str], after: Sequence[str]) -> list[Line]:
    lines: list[Line] = []
    for tag, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            lines += [(Mark.GONE, line) for line in before[i:j]]
            lines += [(Mark.NEW, line) for line in after[k:m]]
    return lines


def _currency(old: Program, new: Program, lang: str) -> list[Line]:
    """Another currency by itself: rules and tiers may name no money that would show it."""
    if old.currency == new.currency:
        return []
    pair = (Mark.GONE, old), (Mark.NEW, new)
    return [(mark, _CURRENCY[lang].format(code=one.currency)) for mark, one in pair]


def _silent(old: Program, new: Program) -> list[str]:
    """Settings that differ and are told by no words."""
    names = []
    for section, settings in _SILENT.items():
        pair = [one if section == "program" else getattr(one, section) for one in (old, new)]
        for name in settings:
            before, after = (None if one is None else getattr(one, name) for one in pair)
            if before != after and None not in pair:
                names.append(f"{section}.{name}")
    return names


def _parts(program: Program, section: str) -> tuple[Any, ...]:
    """What has an id of its own, in the order of the document."""
    if section == "tiers":
        return () if program.tiers is None else program.tiers.levels
    owner: Any = program if section == "wallets" else program.earning
    parts: tuple[Any, ...] = getattr(owner, section)
    return parts


def _elsewise(old: Iterable[tuple[Any, str]], new: Iterable[tuple[Any, str]]) -> list[Line]:
    """Parts told by the same words that differ in what words do not tell: ids, priorities."""
    before = {words: part for part, words in old}
    lines = []
    for part, words in new:
        other = before.get(words, part)
        differing = [f.name for f in fields(part) if _differs(part, other, f.name)]
        if differing:
            lines.append((Mark.ELSE, f"{words} ({', '.join(differing)})"))
    return lines


def _differs(one: Any, other: Any, name: str) -> bool:
    return bool(getattr(one, name) != getattr(other, name))
