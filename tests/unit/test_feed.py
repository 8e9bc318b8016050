"""What other systems are told: which kinds there are, and where the next page begins."""

import ast
import re
from pathlib import Path

import pytest

from loyalty_service.feed.rules import (
    KINDS,
    OF_MEMBER,
    WINDOW,
    EventKindUnknown,
    check_kinds,
    next_after,
)

PACKAGE = Path(__file__).resolve().parents[2] / "loyalty_service"


def told_in_code():
    """The kinds that services tell; of one that is put together, what it begins with."""
    for path in PACKAGE.rglob("service*/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("member.tell"):
                yield from texts(node.args[0])
    for path in PACKAGE.glob("*/service.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("member.tell"):
                yield from texts(node.args[0])


def texts(node):
    if isinstance(node, ast.JoinedStr):
        yield node.values[0].value
    elif isinstance(node, ast.Constant):
        yield node.value


def test_every_kind_that_services_tell_can_be_asked_for():
    told = set(told_in_code())

    assert "order.paid" in told
    assert [kind for kind in told if not any(k.startswith(kind) for k in KINDS)] == []


def test_a_kind_that_never_comes_is_refused_with_those_that_do():
    with pytest.raises(EventKindUnknown) as refused:
        check_kinds(["order.paid", "order.payed"])

    assert refused.value.values == {"asked": "order.payed", "kinds": [*KINDS, OF_MEMBER]}


def test_the_page_of_events_has_every_kind_and_no_other():
    page = (PACKAGE.parent / "docs" / "events.md").read_text(encoding="utf-8")

    told = re.findall(r"^\| `([a-z_]+\.[a-z_<>]+)` \|", page, flags=re.MULTILINE)

    assert told == [*KINDS, OF_MEMBER]


@pytest.mark.parametrize("kind", ["member.review", "member.sign_up", *KINDS])
def test_what_members_do_bears_any_name(kind):
    check_kinds([kind])


@pytest.mark.parametrize(
    ("after", "end", "found", "limit", "then"),
    [
        (0, 0, [], 10, 0),
        (0, 3, [1, 2, 3], 10, 3),
        (0, 3, [1, 2], 2, 2),
        (5, 9, [], 10, 9),
        (0, 3 * WINDOW, [], 10, WINDOW),
        (0, 3 * WINDOW, [7], 10, WINDOW),
        (99, 3, [], 10, 99),
    ],
)
def test_the_next_page_begins_behind_all_that_was_looked_at(after, end, found, limit, then):
    assert next_after(after, end, found, limit) == then
