"""The page of entries names every reason, and says what those entries are (R-11)."""

import re
from pathlib import Path

from examples.storefront.words import WORDS
from loyalty_service.ledger.rules.entry import Reason
from tests.factories import Shop
from tests.integration.test_events_page import PROGRAM, act

PAGE = Path(__file__).resolve().parents[2] / "docs" / "entries.md"


def rows() -> dict[str, tuple[set[str], set[str]]]:
    """The kinds and sources that the page tells of each reason."""
    text = PAGE.read_text(encoding="utf-8")
    return {
        reason: (set(re.findall(r"`(\w+)`", kinds)), set(re.findall(r"`(\w+)`", sources)))
        for reason, kinds, sources in re.findall(
            r"^\| `(\w+)` \|.*\| (.*) \| (.*) \|$", text, re.MULTILINE
        )
    }


def test_the_page_of_entries_tells_every_reason():
    assert set(rows()) == set(Reason)


def test_the_page_of_entries_tells_what_kind_they_are_and_what_they_belong_to(db, clock):
    act(Shop(db, PROGRAM), clock)

    page = rows()
    found = db.fetch("SELECT DISTINCT reason, kind, source FROM entry")
    assert [
        row for row in found if row[1] not in page[row[0]][0] or row[2] not in page[row[0]][1]
    ] == []
    assert set(Reason) - {reason for reason, *_ in found} == {
        "activity",
        "adjustment_earned",
        "deficit_settled",
        "expiry_changed",
        "opening_balance",
        "tier_gift_undone",
    }


def test_the_example_shop_has_words_for_every_reason():
    assert [reason for reason in Reason if f"reason_{reason}" not in WORDS] == []
