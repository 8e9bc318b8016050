"""The documents stand by themselves and agree with the code: links, rules, tests named."""

import re
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([REPO / "README.md", REPO / "CHANGELOG.md", *(REPO / "docs").rglob("*.md")])
RULES = (REPO / "docs" / "rules.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"R-\d\d")


def names(paths):
    return [path.relative_to(REPO).as_posix() for path in paths]


@pytest.mark.parametrize("name", names(DOCUMENTS))
def test_every_link_leads_somewhere(name):
    document = REPO / name
    linked = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", document.read_text(encoding="utf-8"))

    assert [link for link in linked if not (document.parent / link).exists()] == []


def test_every_rule_the_code_cites_is_written_down():
    cited = {
        number
        for path in (REPO / "loyalty_service").rglob("*.py")
        for number in NUMBER.findall(path.read_text(encoding="utf-8"))
    }

    assert sorted(cited - set(re.findall(r"^\*\*(R-\d\d) ", RULES, flags=re.MULTILINE))) == []


def test_every_rule_names_the_tests_that_hold_it_and_they_exist():
    rules = re.split(r"^\*\*(?=R-\d\d )", RULES, flags=re.MULTILINE)[1:]
    without = [rule[:4] for rule in rules if "\n— " not in rule]
    named = set(re.findall(r"`(tests/[^`]+)`", RULES))

    assert without == []
    assert sorted(path for path in named if not (REPO / path).exists()) == []


def failures():
    """The rows of the table of known failures: what fails, and all that is said of it."""
    text = (REPO / "docs" / "known-failures.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {row[0].strip(): row[1:] for row in rows[1:]}


@pytest.mark.parametrize("failure", failures())
def test_every_known_failure_names_its_rules_and_tests_that_exist(failure):
    elsewhere, here, shown = failures()[failure]
    rules, tests = NUMBER.findall(here), re.findall(r"`(tests/[^`]+\.py)::(\w+)`", shown)

    assert elsewhere.endswith(".")
    assert rules
    assert [rule for rule in rules if f"**{rule} " not in RULES] == []
    assert len(tests) == shown.count("`") // 2 > 0
    for path, test in tests:
        assert f"\ndef {test}(" in (REPO / path).read_text(encoding="utf-8"), f"{path}::{test}"


def test_decisions_are_numbered_without_a_gap_and_told_in_three_parts():
    decisions = sorted((REPO / "docs" / "decisions").glob("*.md"))

    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    for path in decisions:
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(path.name[:4])}. ")
        assert re.findall(r"^## (\w+)$", text, flags=re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
        ]
        assert len(text.splitlines()) <= 60
