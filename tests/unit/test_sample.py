"""The sample program shows everything that a program may say."""

import ast
import re
from pathlib import Path

import yaml

REPO = Path(__file__).resolve().parents[2]
SAMPLE = (REPO / "programs" / "sample.yaml").read_text("utf-8")
RULES = REPO / "loyalty_service" / "program" / "rules"
READERS = sorted([*RULES.glob("read_*.py"), RULES / "document.py"])
CHOICES = [RULES / f"{name}.py" for name in ("earning", "wallets", "tiers", "spans", "program")]
ASKING = {"fields", "need", "find", "flag", "choice", "either"}
# What excludes another, and so stands in a comment.
INSTEAD = {"sliding"}


def texts(nodes):
    """Those of these nodes that are pieces of text."""
    values = {node.value for node in nodes if isinstance(node, ast.Constant)}
    return {value for value in values if isinstance(value, str)}


def keys():
    """Every key that is asked for while a document is read."""
    found = set()
    for path in READERS:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ASKING:
                found |= texts(node.args)
            elif isinstance(node, ast.Dict):
                found |= texts(node.keys)
    return found


def words():
    """Every word of a choice."""
    found = set()
    for path in CHOICES:
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and "StrEnum" in map(ast.unparse, node.bases):
                found |= texts(each.value for each in node.body if isinstance(each, ast.Assign))
    return found


def keys_in(part):
    """Every key that stands in a part of a document."""
    if isinstance(part, dict):
        return set(part).union(*map(keys_in, part.values()))
    return set().union(*map(keys_in, part)) if isinstance(part, list) else set()


def test_every_key_is_used():
    used = keys_in(yaml.load(SAMPLE, Loader=yaml.BaseLoader))

    assert {"multiplies", "keep_for_ever", "streak", "tier"} <= keys()
    assert keys() - used == INSTEAD
    assert sorted(key for key in INSTEAD if not re.search(rf"#.*\b{key}\b", SAMPLE)) == []


def test_every_word_of_a_choice_is_used_or_told():
    assert {"half_even", "membership_year", "taken_back"} <= words()
    assert sorted(word for word in words() if not re.search(rf"\b{word}\b", SAMPLE)) == []
