"""Entries that no rule reckoned are put in words all the same."""

import pytest

from loyalty_service.earning.rules.plain_words import entry_in_words
from loyalty_service.ledger.rules.entry import Reason

RECKONED = {Reason.ORDER_PAID, Reason.EVENT}
WITHOUT_POINTS = {Reason.ORDER_FULFILLED, Reason.ACTIVITY, Reason.EXPIRY_CHANGED}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("reason", sorted(set(Reason) - RECKONED))
def test_every_reason_without_a_reckoning_has_a_sentence(reason, lang):
    (sentence,) = entry_in_words({"reason": reason, "points": -1_200, "reverses": 7}, lang)

    assert "{" not in sentence
    assert reason in WITHOUT_POINTS or "1,200" in sentence


@pytest.mark.parametrize("reason", sorted(RECKONED))
def test_what_rules_reckoned_speaks_for_itself(reason):
    assert entry_in_words({"reason": reason, "points": 5, "reverses": None}, "en") == []


def test_points_given_and_points_taken_are_told_apart():
    given = entry_in_words({"reason": "adjustment", "points": 1, "reverses": None}, "en")
    taken = entry_in_words({"reason": "transfer", "points": -2, "reverses": None}, "en")

    assert given == ["An operator gave 1 point."]
    assert taken == ["2 points went to another member."]
