"""Birthdays come by themselves."""

from datetime import datetime

from loyalty_service.earning.rules.plan import plan_for
from loyalty_service.events.rules import BIRTHDAY
from loyalty_service.members.rules import Member
from loyalty_service.program.rules.periods import birthday_in, local_date, start_of_day
from loyalty_service.program.rules.program import Program


def gives_birthdays(program: Program) -> bool:
    """Whether a program gives anything on birthdays."""
    return BIRTHDAY in plan_for(program).rules


def is_birthday(program: Program, member: Member, instant: datetime) -> bool:
    """Whether a birthday that brings something begins at an instant.

    Rule: R-04, R-55.
    """
    if member.birth_month is None:
        return False
    return instant == _birthday(program, member, local_date(instant, program.zone).year)


def next_birthday(program: Program, member: Member, after: datetime) -> datetime | None:
    """The start of the member's next birthday (UTC); None where none brings anything.

    Rule: R-04, R-55.
    """
    if member.birth_month is None:
        return None
    year = local_date(after, program.zone).year
    coming = (_birthday(program, member, one) for one in (year, year + 1))
    return next((begins for begins in coming if begins is not None and begins > after), None)


def _birthday(program: Program, member: Member, year: int) -> datetime | None:
    if member.birth_month is None or member.birth_day is None or not gives_birthdays(program):
        return None
    return start_of_day(birthday_in(year, member.birth_month, member.birth_day), program.zone)
