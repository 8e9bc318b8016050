"""Entries that no rule reckoned are put in words all the same, and what is owed is told."""

import pytest

from loyalty_service.earning.rules.plain_words import debt_in_words, entry_in_words
from loyalty_service.ledger.rules.entry import Reason

RECKONED = {Reason.ORDER_PAID, Reason.EVENT}
WITHOUT_POINTS = {Reason.ORDER_FULFILLED, Reason.ACTIVITY, Reason.EXPIRY_CHANGED}
OF_ORDERS = {reason for reason in Reason if reason.startswith("order_")} - RECKONED
NAMES = {"en": "Points", "zh": "积分"}


def told(reason, points=-1_200):
    return {"reason": reason, "points": points, "reverses": 7, "order_ref": "o-1"}


def worded(entry, lang="en", *, wallet=None, moved=None):
    moved = entry["points"] if moved is None else moved
    return entry_in_words(entry, lang, wallet=wallet or NAMES[lang], moved=moved)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("reason", sorted(set(Reason) - RECKONED))
def test_every_reason_without_a_reckoning_has_a_sentence(reason, lang):
    (sentence,) = worded(told(reason), lang)

    assert "{" not in sentence
    assert reason in WITHOUT_POINTS or "1,200" in sentence


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("reason", sorted(OF_ORDERS))
def test_what_comes_of_an_order_names_it(reason, lang):
    assert "o-1" in worded(told(reason), lang)[0]


@pytest.mark.parametrize("reason", sorted(RECKONED))
def test_what_rules_reckoned_speaks_for_itself(reason):
    assert worded(told(reason, 5)) == []


def test_points_given_and_points_taken_are_told_apart():
    assert worded(told("adjustment", 1)) == ["An operator gave 1 point."]
    assert worded(told("transfer", -2)) == ["2 points went to another member."]


def test_points_are_told_by_the_name_of_their_wallet():
    given, taken = told("adjustment", 1), told("order_returned")

    assert worded(given, wallet="Growth") == ["An operator gave 1 point in Growth."]
    assert worded(given, "zh", wallet="成长值") == ["人工增加 1 成长值。"]
    assert worded(taken, "zh", wallet="成长值") == [
        "订单 o-1 退货，收回该订单所得的 1,200 成长值。"
    ]


def test_what_the_lots_did_not_have_is_owed():
    taken = told("order_returned", -1_320)

    assert worded(taken, moved=-620) == [
        "1,320 points that order o-1 had earned went with what was returned of it.",
        "Of it, 700 points could not be taken: owed, and paid by what comes next.",
    ]
    assert worded(taken, "zh", moved=-620)[1] == "其中 700 积分余额不足，记为欠分，由以后所得抵扣。"


def test_what_paid_a_debt_is_told():
    assert debt_in_words(30, 0, "Points", "en") == ["Of it, 30 points paid what was owed."]
    assert debt_in_words(30, 29, "积分", "zh") == ["其中 1 积分用于抵欠。"]
    assert debt_in_words(30, 30, "Points", "en") == []


def test_points_that_became_free_and_paid_a_debt_are_counted_by_their_lots():
    settled = told("deficit_settled", 0)

    assert worded(settled, moved=-40) == ["40 points that became free paid what was owed."]
