"""Birthdays come by themselves, on their local day, once a year (R-04, R-55)."""

from datetime import UTC, datetime, timedelta

import pytest

from loyalty_service.members.rules import Member
from loyalty_service.program.rules.document import read_document
from loyalty_service.program.rules.program import Program
from loyalty_service.timekeeping.rules import gives_birthdays, is_birthday, next_birthday
from tests.factories import PLAIN
from tests.integration.test_tiers import BIRTHDAY

START = datetime(2026, 1, 1, tzinfo=UTC)


def read(text: str) -> Program:
    program = read_document(text).program
    assert program is not None
    return program


GIVING = read(BIRTHDAY)


def member(month: int | None, day: int | None) -> Member:
    return Member(
        member_id=1,
        refs_version=1,
        enrolled_at=START,
        birth_month=month,
        birth_day=day,
        tags=(),
        caught_up_to=START,
        recorded_at=START,
        event_seq=0,
        order_seq=0,
        live_orders=0,
        check_in_on=None,
        check_in_streak=0,
        holds_lapse_at=None,
        redemption_locked_since=None,
        program_version=1,
    )


def test_only_programs_with_a_rule_for_it_give_birthdays():
    assert gives_birthdays(GIVING)
    assert not gives_birthdays(read(PLAIN))


@pytest.mark.parametrize(
    ("month", "day", "after", "begins"),
    [
        # Midnight in Shanghai is four in the afternoon before, in UTC.
        (5, 20, START, datetime(2026, 5, 19, 16, tzinfo=UTC)),
        (5, 20, datetime(2026, 5, 19, 16, tzinfo=UTC), datetime(2027, 5, 19, 16, tzinfo=UTC)),
        (1, 1, START, datetime(2026, 12, 31, 16, tzinfo=UTC)),
        (2, 29, START, datetime(2026, 2, 27, 16, tzinfo=UTC)),
        (2, 29, datetime(2027, 6, 1, tzinfo=UTC), datetime(2028, 2, 28, 16, tzinfo=UTC)),
    ],
)
def test_the_next_birthday_begins_with_its_local_day(month, day, after, begins):
    someone = member(month, day)

    assert next_birthday(GIVING, someone, after) == begins
    assert is_birthday(GIVING, someone, begins)
    assert not is_birthday(GIVING, someone, begins + timedelta(microseconds=1))


def test_without_a_birthday_or_a_gift_for_it_there_is_none_to_wait_for():
    assert next_birthday(GIVING, member(None, None), START) is None
    assert next_birthday(GIVING, member(5, None), START) is None
    assert next_birthday(read(PLAIN), member(5, 20), START) is None
    assert not is_birthday(read(PLAIN), member(5, 20), datetime(2026, 5, 19, 16, tzinfo=UTC))
