"""The demo shop's past: the same for the same day, believable, and never in the future."""

from datetime import UTC, date, datetime

import pytest

from loyalty_service.checkout.rules.cart import Order
from loyalty_service.cli.demo import OPENED_BEFORE
from loyalty_service.cli.history import MEI, plan_history
from loyalty_service.cli.history.life import Cancelled, Fulfilled, SentBack, Undone, local
from loyalty_service.events.rules import MemberEvent
from loyalty_service.ledger.rules.adjusting import Adjustment
from loyalty_service.members.service import Details

ODD_DAYS = [date(2026, 11, 23), date(2028, 2, 29), date(2028, 3, 19), date(2027, 1, 1)]


@pytest.mark.parametrize("today", ODD_DAYS)
def test_the_same_day_has_the_same_past(today):
    assert plan_history(today) == plan_history(today)


@pytest.mark.parametrize("today", ODD_DAYS)
def test_nothing_has_happened_today_or_later_or_before_the_shop_opened(today):
    acts = plan_history(today)

    assert all(local(today - OPENED_BEFORE, 0.0) <= act.at < local(today, 0.0) for act in acts)


@pytest.mark.parametrize("today", ODD_DAYS)
def test_members_enrol_before_they_do_anything(today):
    enrolled = set()

    for act in plan_history(today):
        if isinstance(act.deed, Details):
            enrolled.add(act.member)
        assert act.member in enrolled


@pytest.mark.parametrize("today", ODD_DAYS)
def test_the_last_act_is_the_order_that_tells_that_all_was_told(today):
    last = plan_history(today)[-1]

    assert last.member == MEI
    assert isinstance(last.deed, Order)


def test_about_thirty_members_do_everything_a_member_can_do():
    acts = plan_history(date(2026, 11, 23))

    assert 25 <= len({act.member for act in acts}) <= 35
    assert {type(act.deed) for act in acts} == {
        Details, Order, Fulfilled, SentBack, Cancelled, MemberEvent, Adjustment, Undone
    }  # fmt: skip
    assert {act.deed.name for act in acts if isinstance(act.deed, MemberEvent)} == {
        "sign_up", "check_in", "review", "questionnaire"
    }  # fmt: skip
    orders = [act.deed for act in acts if isinstance(act.deed, Order)]
    assert {order.cart.channel for order in orders} == {"app", "mini_program", "web", "store"}


def test_everybody_who_is_there_shops_on_singles_day():
    acts = plan_history(date(2026, 11, 23))
    buyers = {
        act.member
        for act in acts
        if isinstance(act.deed, Order) and act.at.astimezone(UTC).date() == date(2026, 11, 11)
    }

    assert len(buyers) >= 15


def test_hours_are_those_of_the_shop():
    assert local(date(2026, 11, 11), 20.5) == datetime(2026, 11, 11, 12, 30, tzinfo=UTC)
