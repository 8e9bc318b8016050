"""How a fault shows what it found."""

import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

# Control characters, halves of surrogate pairs and line separators; never in a stored text.
_NOT_SHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})


def shown(value: str) -> str:
    """A value as a fault shows it: short, and nothing in it that a terminal would obey."""
    short = value if len(value) <= 60 else value[:59] + "…"
    return "".join(char if is_printable(char) else f"\\u{ord(char):04x}" for char in short)


def is_printable(value: str) -> bool:
    """Whether a text can be stored, shown and written as YAML and JSON."""
    return not any(
        unicodedata.category(char) in _NOT_SHOWN or ord(char) & 0xFFFE == 0xFFFE for char in value
    )


def listed(words: Iterable[str]) -> str:
    """The words to choose from, cut where there are very many."""
    some = list(words)
    more = f" and {len(some) - 30} more" if len(some) > 30 else ""
    return ("one of " if len(some) > 1 else "") + (", ".join(some[:30]) + more)


def guessed(value: str, words: Sequence[str]) -> str:
    """The word that was probably meant, as the end of a message."""
    close = get_close_matches(value, words, n=1)
    return f"; did you mean {close[0]}?" if close else ""
