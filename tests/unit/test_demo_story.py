"""The demo's story: told again from the same beginning it is the same, word for word."""

from datetime import UTC, datetime, timedelta

from loyalty_service.cli.story import DAYS, LAST_ORDER, tell_story

BEGAN_AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def test_the_same_beginning_gives_the_same_calls():
    assert list(tell_story(BEGAN_AT)) == list(tell_story(BEGAN_AT))


def test_nothing_is_told_from_the_future():
    now = (BEGAN_AT + timedelta(days=DAYS)).isoformat().replace("+00:00", "Z")

    assert all(telling.body.get("occurred_at", "") <= now for telling in tell_story(BEGAN_AT))


def test_the_story_ends_with_the_order_that_tells_it_was_told():
    assert LAST_ORDER in list(tell_story(BEGAN_AT))[-1].path
