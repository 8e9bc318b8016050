"""Reading typed values out of a document, reporting every fault and going on.

After a fault a stand-in of the right type is returned, so that the rest is read and all faults are
told at once. A document with faults gives no program, so nobody ever sees a stand-in.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import TypeVar

from loyalty_service.program.rules.nodes import Kind, Node
from loyalty_service.program.rules.showing import guessed, is_printable, listed, shown

_E = TypeVar("_E", bound=StrEnum)
_T = TypeVar("_T")
_ID = re.compile(r"[a-z][a-z0-9_]{0,39}")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})?")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")

ID_WORDS = "an id: a to z, then a to z, 0 to 9 or _, at most 40 characters"
MAX_MONEY_MINOR = 10**15
MAX_POINTS = 10**9
MAX_FAULTS = 100


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong with a document, where, and what would be right."""

    line: int
    path: str
    message: str
    expected: str


class TooManyFaults(Exception):
    """The document has so many faults that reading on would only take time."""


@dataclass(frozen=True, slots=True)
class Place:
    """A value of the document at its path; ``is_silent`` where its absence is already told."""

    node: Node
    path: str
    faults: list[Fault]
    is_silent: bool = False

    def report(self, message: str, expected: str) -> None:
        """Note a fault here.

        Raises:
            TooManyFaults: it was the last that is told.
        """
        if self.is_silent:
            return
        self.faults.append(Fault(self.node.line, self.path, message, expected))
        if len(self.faults) >= MAX_FAULTS:
            raise TooManyFaults

    def report_found(self, expected: str) -> None:
        """Note that what stands here is not what was expected."""
        self.report(self._found(), expected)

    def _found(self) -> str:
        kind, value = self.node.kind, self.node.value
        if kind is Kind.MISSING:
            return "missing"
        if kind is Kind.TEXT:
            return f'found "{shown(value)}"' if value else "found empty text"
        return f"found {shown(value) if value else kind.value}"

    def fields(self, *known: str) -> "Fields":
        """Its keys; unknown and repeated ones are faults."""
        if self.node.kind is not Kind.MAPPING:
            self.report_found("a mapping with " + listed(known))
            return Fields(replace(self, is_silent=True), {})
        return Fields(self, dict(self._known(known)))

    def _known(self, known: Sequence[str]) -> Iterator[tuple[str, "Place"]]:
        """The keys that are known, each once, with what stands under them."""
        seen: set[str] = set()
        for key, value in self.node.pairs:
            name = key.value
            path = f"{self.path}.{shown(name)}" if self.path else shown(name)
            # A fault of a key is told at the key's own line.
            at_key = replace(self, node=key, path=path)
            if key.kind in (Kind.MAPPING, Kind.LIST):
                replace(at_key, path=self.path).report(f"{key.kind} as a key", "a name as key")
            elif name in seen:
                at_key.report("the key comes twice", "each key once")
            elif name in known:
                yield name, replace(self, node=value, path=path)
            else:
                at_key.report(f"unknown key{guessed(name, known)}", listed(known))
            seen.add(name)

    def only_key(self, known: Sequence[str]) -> tuple[str, "Place"] | None:
        """The one key of a mapping that says what kind of thing it is."""
        if self.node.kind is not Kind.MAPPING or len(self.node.pairs) != 1:
            count = f"{len(self.node.pairs)} keys" if self.node.pairs else self._found()
            self.report(count, "exactly one of " + ", ".join(known))
            return None
        return next(self._known(known), None)

    def items(self, low: int, high: int) -> list["Place"]:
        """The items of a list of ``low`` to ``high``."""
        expected = f"a list of {low} to {high}"
        if self.node.kind is not Kind.LIST:
            self.report_found(expected)
            return []
        if not low <= len(self.node.items) <= high:
            self.report(f"{len(self.node.items)} items", expected)
        path, faults = self.path, self.faults
        nodes = enumerate(self.node.items[:high])
        return [Place(node, f"{path}[{index}]", faults) for index, node in nodes]

    def each(self, low: int, high: int, read: Callable[["Place"], _T]) -> tuple[_T, ...]:
        """The items of a list of ``low`` to ``high``, read one by one."""
        return tuple(read(item) for item in self.items(low, high))

    def text(self, limit: int = 100) -> str:
        """Text of 1 to ``limit`` printable characters."""
        value = self.node.value
        is_text = self.node.kind is Kind.TEXT and 0 < len(value) <= limit
        if not is_text or value != value.strip() or not is_printable(value):
            quotes = ", in quotes" if self.node.kind in (Kind.NUMBER, Kind.FLAG) else ""
            self.report_found(f"text of 1 to {limit} printable characters{quotes}")
            return ""
        return value

    def ident(self) -> str:
        """An id of the document's own making."""
        if self.node.kind is not Kind.TEXT or not _ID.fullmatch(self.node.value):
            self.report_found(ID_WORDS)
            return ""
        return self.node.value

    def new_id(self, taken: set[str]) -> str:
        """An id that none of its siblings has; it is added to ``taken``."""
        ident = self.ident()
        if ident in taken:
            self.report(f"the id {ident} comes twice", "each id once")
        if ident:
            taken.add(ident)
        return ident

    def reference(self, known: Iterable[str], what: str) -> str:
        """The id of something declared elsewhere in the document."""
        names = tuple(known)
        ident = self.ident()
        if ident in names:
            return ident
        # Where nothing is declared, that is the fault.
        if ident and names:
            self.report(f"no {what} {ident}{guessed(ident, names)}", f"a {what}: {listed(names)}")
        return ""

    def whole(self, low: int, high: int, hint: str = "") -> int:
        """A whole number from ``low`` to ``high``; ``hint`` is added to what a fault expected."""
        value = self.node.value
        if self.node.kind is Kind.NUMBER and _WHOLE.fullmatch(value) and low <= int(value) <= high:
            return int(value)
        self.report_found(f"a whole number from {low} to {high}{hint}")
        return low

    def exact(self, high: int, *, low: int = 0, words: str = "a number") -> Fraction:
        """An exact number above 0 (from ``low`` where that is more) up to ``high``."""
        value = self._number()
        if value is None or not low <= value <= high or value == 0:
            limits = f"from {low}" if low else "above 0"
            self.report_found(f"{words} {limits} up to {high}, at most 9 decimals")
            return Fraction(1)
        return value

    def money(self, digits: int) -> int:
        """An amount of money above 0, in minor units; ``digits`` decimals are a unit's."""
        value = self._number()
        minor = None if value is None else value * 10**digits
        if minor is None or not 0 < minor <= MAX_MONEY_MINOR or minor.denominator != 1:
            decimals = f"at most {digits} decimals" if digits else "no decimals"
            self.report_found(f"money above 0 with {decimals}")
            return 1
        return int(minor)

    def _number(self) -> Fraction | None:
        is_scalar = self.node.kind in (Kind.NUMBER, Kind.TEXT)
        if is_scalar and _NUMBER.fullmatch(self.node.value):
            return Fraction(self.node.value)
        return None

    def flag(self) -> bool:
        """True or false."""
        if self.node.kind is not Kind.FLAG:
            self.report_found("true or false")
        return self.node.value != "false"

    def choice(self, kind: type[_E]) -> _E:
        """One of the words of an enumeration."""
        words = [member.value for member in kind]
        return kind(self.word(words))

    def word(self, words: Sequence[str], beside: str = "") -> str:
        """One of the words given; ``beside`` says what else might have stood there."""
        if self.node.kind is Kind.TEXT and self.node.value in words:
            return self.node.value
        guess = guessed(self.node.value, words) if self.node.kind is Kind.TEXT else ""
        expected = f"{beside}, or {listed(words)}" if beside else listed(words)
        self.report(self._found() + guess, expected)
        return words[0]

    def names(self, high: int) -> frozenset[str]:
        """1 to ``high`` different texts."""
        return frozenset(self.distinct(high, Place.text))

    def distinct(self, high: int, read: Callable[["Place"], _T]) -> tuple[_T, ...]:
        """1 to ``high`` different values."""
        seen: list[_T] = []
        known: set[_T] = set()
        for item in self.items(1, high):
            before = len(self.faults)
            value = read(item)
            if value in known and len(self.faults) == before:
                item.report(f"{shown(item.node.value)} comes twice", "each once")
            known.add(value)
            seen.append(value)
        return tuple(seen)


@dataclass(frozen=True, slots=True)
class Fields:
    """The known keys of a mapping."""

    place: Place
    found: dict[str, Place]

    def need(self, key: str) -> Place:
        """What stands under a key; where nothing does, reading it is a fault."""
        return self.found.get(key) or self._missing(key)

    def find(self, key: str) -> Place | None:
        """What stands under a key that may be left out."""
        return self.found.get(key)

    def _missing(self, key: str) -> Place:
        place = self.place
        path = f"{place.path}.{key}" if place.path else key
        return replace(place, node=Node(Kind.MISSING, place.node.line), path=path)

    def flag(self, key: str, *, default: bool) -> bool:
        """A flag that may be left out."""
        place = self.find(key)
        return default if place is None else place.flag()

    def choice(self, key: str, default: _E) -> _E:
        """A word of the default's enumeration that may be left out."""
        place = self.find(key)
        return default if place is None else place.choice(type(default))

    def either(self, *keys: str) -> Place:
        """What stands under the first of these keys, of which exactly one is to be there."""
        there = [key for key in keys if key in self.found]
        for key in there[1:]:
            both = f"{there[0]} or {key}, not both"
            self.found[key].report(f"{key} next to {there[0]}", both)
        if there:
            return self.found[there[0]]
        self._missing(keys[0]).report("missing", " or ".join(keys))
        return replace(self._missing(keys[0]), is_silent=True)
