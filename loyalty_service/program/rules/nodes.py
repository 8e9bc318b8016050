"""A program document as a tree in which everything knows its line.

Nothing is interpreted here: a number is kept as the digits that were written, so that no float
ever comes between the shop's words and the rule (R-01).
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import yaml

from loyalty_service.program.rules.showing import shown

MAX_CHARACTERS = 256 * 1024
MAX_NODES = 50_000
MAX_DEPTH = 24

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_JSON_TEXT_OR_TAB = re.compile(r'"(?:[^"\\]|\\.)*"|\t', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


class Kind(StrEnum):
    """What a node of the document is, in the words of a fault."""

    MAPPING = "a mapping"
    LIST = "a list"
    TEXT = "text"
    NUMBER = "a number"
    FLAG = "true or false"
    NOTHING = "nothing"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Node:
    """A part of the document; ``value`` as written, ``pairs`` of a mapping, ``items`` of a list."""

    kind: Kind
    line: int
    value: str = ""
    pairs: tuple[tuple["Node", "Node"], ...] = ()
    items: tuple["Node", ...] = ()
    size: int = 1


class Unreadable(Exception):
    """The text is not one YAML or JSON document of a sensible size."""

    def __init__(self, line: int, message: str, expected: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message
        self.expected = expected


def read_tree(text: str) -> Node:
    """The tree of a YAML or JSON text.

    Args:
        text: the whole document.

    Raises:
        Unreadable: it is too large or nested too deeply, or not one YAML or JSON document.
    """
    if len(text) > MAX_CHARACTERS:
        raise Unreadable(1, f"{len(text)} characters", f"at most {MAX_CHARACTERS} characters")
    try:
        return _Growing(yaml.parse(_as_yaml(text), Loader=yaml.SafeLoader)).grow()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Unreadable(line, "a character that cannot be shown", "printable text") from error
    except yaml.MarkedYAMLError as error:
        raise _unreadable(error) from error


def _unreadable(error: yaml.MarkedYAMLError) -> Unreadable:
    """What is wrong where YAML cannot go on, with its line and column."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Unreadable(1, str(error.problem), "YAML or JSON")
    line, column = mark.line + 1, mark.column + 1
    if r"'\t'" in str(error.problem):
        return Unreadable(line, f"a tab at column {column}", "spaces: YAML takes no tabs there")
    return Unreadable(line, f"{error.problem}, at column {column}", "YAML or JSON")


def _as_yaml(text: str) -> str:
    """JSON is YAML but for tabs between its parts."""
    if not text.lstrip().startswith("{"):
        return text
    return _JSON_TEXT_OR_TAB.sub(lambda found: found[0] if found[0] != "\t" else " ", text)


class _Growing:
    """Builds the tree from the parser's events without recursion, counting as it goes."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        # One list of children per mapping or list that is still open, the document's own first.
        self._open: list[tuple[Any, list[Node]]] = [(None, [])]
        self._named: dict[str, Node] = {}
        self._count = 0

    def grow(self) -> Node:
        for event in self._events:
            self._take(event)
        roots = self._open[0][1]
        if not roots:
            raise Unreadable(1, "nothing", "a program document")
        if len(roots) > 1:
            raise Unreadable(roots[1].line, "a second document", "one document")
        return roots[0]

    def _take(self, event: Any) -> None:
        if getattr(event, "tag", None) is not None:
            raise Unreadable(_line(event), f"the tag {shown(event.tag)}", "plain YAML without tags")
        if isinstance(event, yaml.CollectionStartEvent):
            if len(self._open) > MAX_DEPTH:
                raise Unreadable(_line(event), "too many levels", f"at most {MAX_DEPTH} levels")
            self._open.append((event, []))
        elif isinstance(event, yaml.CollectionEndEvent):
            start, children = self._open.pop()
            self._put(start, _collection(start, children))
        elif isinstance(event, yaml.ScalarEvent):
            self._put(event, _scalar(event))
        elif isinstance(event, yaml.AliasEvent):
            self._put(event, self._find(event))

    def _put(self, event: Any, node: Node) -> None:
        is_alias = isinstance(event, yaml.AliasEvent)
        # An alias costs as much as what it repeats, or a few lines could name a billion values.
        self._count += node.size if is_alias else 1
        if self._count > MAX_NODES:
            raise Unreadable(_line(event), "too many values", f"at most {MAX_NODES} values")
        if event.anchor is not None and not is_alias:
            self._named[event.anchor] = node
        self._open[-1][1].append(node)

    def _find(self, event: Any) -> Node:
        if event.anchor not in self._named:
            raise Unreadable(_line(event), f"*{shown(event.anchor)}", "the name of an anchor above")
        return self._named[event.anchor]


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _collection(start: Any, children: list[Node]) -> Node:
    size = 1 + sum(child.size for child in children)
    if isinstance(start, yaml.MappingStartEvent):
        pairs = tuple(zip(children[::2], children[1::2], strict=True))
        return Node(Kind.MAPPING, _line(start), pairs=pairs, size=size)
    return Node(Kind.LIST, _line(start), items=tuple(children), size=size)


def _scalar(event: Any) -> Node:
    value = event.value
    if event.style is None:
        return Node(_kind_of_plain(value), _line(event), value)
    if _SURROGATE.search(value):
        # JSON writes what lies beyond U+FFFF as two escapes, which YAML reads as two characters.
        value = value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return Node(Kind.TEXT, _line(event), value)


def _kind_of_plain(value: str) -> Kind:
    """What an unquoted word is. ``on``, ``no`` and dates are text, 012 and 1_000 no numbers."""
    if _NUMBER.fullmatch(value):
        return Kind.NUMBER
    if value in ("true", "false"):
        return Kind.FLAG
    if value in ("", "~", "null"):
        return Kind.NOTHING
    return Kind.TEXT


def write_json(node: Node) -> str:
    """The document as JSON with sorted keys and fractions as text; equal for equal documents."""
    return json.dumps(_plain(node), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _plain(node: Node) -> Any:
    match node.kind:
        case Kind.MAPPING:
            return {key.value: _plain(value) for key, value in node.pairs}
        case Kind.LIST:
            return [_plain(item) for item in node.items]
        case Kind.NUMBER if "." not in node.value and len(node.value) < 19:
            return int(node.value)
        case Kind.FLAG:
            return node.value == "true"
        case Kind.NOTHING:
            return None
        case _:
            return node.value
