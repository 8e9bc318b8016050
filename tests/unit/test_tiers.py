"""Windows, terms and reviews of tiers, in whole days of the program's zone (R-50 to R-52)."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_service.members.rules import NOWHERE, ORDERS, Standing, earned_metric
from loyalty_service.program.rules.document import read_document
from loyalty_service.program.rules.periods import local_date, start_of_day
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.spans import Period, PeriodClock, Unit
from loyalty_service.program.rules.tiers import (
    Calendar,
    Criterion,
    Demote,
    Lasting,
    Lifetime,
    Match,
    Measure,
    NoTerm,
    OnReturn,
    Promote,
    Qualification,
    Rolling,
    TermEnd,
    WindowTerm,
)
from loyalty_service.tiers.rules.moves import Move
from loyalty_service.tiers.rules.moving import Judge
from loyalty_service.tiers.rules.qualifying import Counted, Record, is_met
from loyalty_service.tiers.rules.windows import bounds, first_day, next_change, term_end
from tests.factories import PLAIN
from tests.integration.test_tiers import TIERS

ENROLLED = date(2024, 2, 29)
DAY = date(2026, 8, 1)
DAYS = st.dates(date(2024, 3, 1), date(2030, 12, 31))
YEAR = Rolling(Period(12, Unit.MONTHS))
WINDOWS = st.one_of(
    st.builds(lambda n: Rolling(Period(n, Unit.DAYS)), st.integers(1, 400)),
    st.builds(lambda n: Rolling(Period(n, Unit.MONTHS)), st.integers(1, 24)),
    st.sampled_from([*Calendar, Lifetime()]),
)


def program(**changed) -> Program:
    checked = read_document(PLAIN + TIERS)
    assert checked.program is not None
    tiers = replace(checked.program.tiers, **changed)
    return replace(checked.program, tiers=tiers)


def judge(found: Program, sums: dict, enrolled_on: date = ENROLLED) -> Judge:
    assert found.tiers is not None
    return Judge(found, found.tiers, Record(sums, {}, enrolled_on))


def noon(day: date, zone: str = "Asia/Shanghai") -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("window", "day", "first"),
    [
        (Rolling(Period(1, Unit.DAYS)), date(2026, 3, 1), date(2026, 3, 1)),
        (Rolling(Period(30, Unit.DAYS)), date(2026, 3, 30), date(2026, 3, 1)),
        (YEAR, date(2026, 11, 26), date(2025, 11, 27)),
        (Rolling(Period(1, Unit.MONTHS)), date(2026, 3, 30), date(2026, 2, 28)),
        (Calendar.MONTH, date(2026, 2, 28), date(2026, 2, 1)),
        (Calendar.QUARTER, date(2026, 12, 31), date(2026, 10, 1)),
        (Calendar.YEAR, date(2026, 1, 1), date(2026, 1, 1)),
        (Calendar.MEMBERSHIP_YEAR, date(2026, 2, 27), date(2025, 2, 28)),
        (Calendar.MEMBERSHIP_YEAR, date(2026, 2, 28), date(2026, 2, 28)),
        (Lifetime(), date(2026, 1, 1), date.min),
    ],
)
def test_a_window_begins_on_the_day_that_its_words_say(window, day, first):
    assert first_day(window, day, ENROLLED) == first


@given(st.sampled_from(list(Calendar)), DAYS)
def test_calendar_windows_follow_each_other_without_a_gap(calendar, day):
    first, last = bounds(calendar, day, ENROLLED)

    assert first <= day <= last
    assert bounds(calendar, last + timedelta(days=1), ENROLLED)[0] == last + timedelta(days=1)
    assert bounds(calendar, first - timedelta(days=1), ENROLLED)[1] == first - timedelta(days=1)


@given(WINDOWS, DAYS, st.lists(DAYS, max_size=5))
def test_the_next_change_is_the_first_day_that_counts_less(window, day, days):
    def counted(on: date) -> int:
        first = first_day(window, on, ENROLLED)
        return sum(first <= one <= on for one in days if one <= day)

    found = next_change(window, day, days, ENROLLED)

    horizon = [day + timedelta(days=n) for n in range(1, 800)]
    falls = next((on for on in horizon if counted(on) < counted(day)), None)
    if falls is None:
        assert found is None or counted(found - timedelta(days=1)) == counted(day)
    elif isinstance(window, Rolling):
        assert found == falls
    else:
        # A calendar window may end with as much as it began with.
        assert found is not None
        assert found <= falls


@pytest.mark.parametrize(
    ("window", "term", "last"),
    [
        (YEAR, Lasting(Period(12, Unit.MONTHS), TermEnd.MONTH), date(2027, 5, 31)),
        (YEAR, Lasting(Period(2, Unit.MONTHS)), date(2026, 7, 3)),
        (YEAR, Lasting(Period(12, Unit.MONTHS), TermEnd.QUARTER), date(2027, 6, 30)),
        (YEAR, Lasting(Period(90, Unit.DAYS), TermEnd.YEAR), date(2026, 12, 31)),
        (Calendar.YEAR, WindowTerm.THIS, date(2026, 12, 31)),
        (Calendar.YEAR, WindowTerm.NEXT, date(2027, 12, 31)),
        (Calendar.QUARTER, WindowTerm.NEXT, date(2026, 9, 30)),
        (Calendar.MEMBERSHIP_YEAR, WindowTerm.THIS, date(2027, 2, 27)),
    ],
)
def test_a_term_lasts_through_its_last_day(window, term, last):
    found, day = program(window=window, term=term), date(2026, 5, 3)
    assert found.tiers is not None

    ends = term_end(found.tiers, found, noon(day), day, ENROLLED)

    assert ends == start_of_day(last + timedelta(days=1), found.zone)


def test_an_exact_clock_ends_a_term_at_the_time_of_day_it_began():
    exact = replace(program(term=Lasting(Period(30, Unit.DAYS))), clock=PeriodClock.EXACT)
    assert exact.tiers is not None

    ends = term_end(exact.tiers, exact, noon(date(2026, 5, 3)), date(2026, 5, 3), ENROLLED)

    assert ends == noon(date(2026, 6, 2))


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"])
def test_days_are_those_of_the_programs_zone(zone):
    found = replace(program(), zone=ZoneInfo(zone))
    day = date(2026, 3, 29)
    sums = {(earned_metric("growth"), day): 500}

    change = judge(found, sums).at_once(NOWHERE, start_of_day(day, found.zone))

    assert change is not None
    assert change.move is Move.PROMOTED
    assert local_date(change.standing.until - timedelta(seconds=1), found.zone) == date(2027, 3, 31)


def risen(found: Program, day: date, points: int = 500):
    sums = {(earned_metric("growth"), day): points}
    change = judge(found, sums).at_once(NOWHERE, noon(day))
    assert change is not None
    return change.standing, sums


def test_with_a_term_of_this_window_the_tier_is_earned_anew():
    found = program(window=Calendar.YEAR, term=WindowTerm.THIS)
    standing, sums = risen(found, date(2026, 12, 30))

    change = judge(found, sums).review(standing, standing.until)

    assert (change.move, change.index) == (Move.DEMOTED, 0)


def test_with_a_term_through_the_next_window_that_one_is_reviewed():
    found = program(window=Calendar.YEAR, term=WindowTerm.NEXT)
    standing, sums = risen(found, date(2026, 5, 3))
    sums[earned_metric("growth"), date(2027, 8, 1)] = 300

    change = judge(found, sums).review(standing, standing.until)

    assert change.move is Move.KEPT
    assert change.standing.until == start_of_day(date(2029, 1, 1), found.zone)
    assert change.standing.since == standing.since


@pytest.mark.parametrize(("demote", "index"), [(Demote.ONE_LEVEL, 1), (Demote.BY_STANDING, 0)])
def test_a_fall_is_by_one_level_or_to_where_the_member_stands(demote, index):
    found = program(demote=demote)
    gold = replace(NOWHERE, tier="gold", since=noon(date(2026, 1, 1)), until=noon(date(2027, 1, 1)))

    change = judge(found, {}).review(gold, gold.until)

    assert (change.move, change.index) == (Move.DEMOTED, index)


def test_a_review_may_promote():
    found = program(promote=Promote.NEXT_REVIEW)
    day = date(2026, 5, 3)
    sums = {(earned_metric("growth"), day): 500}
    judged = judge(found, sums)
    assert judged.at_once(NOWHERE, noon(day)) is None

    due = judged.next_due(NOWHERE, noon(day))

    assert due == start_of_day(date(2026, 6, 1), found.zone)
    assert judged.is_turn(NOWHERE, due)
    assert not judged.is_turn(NOWHERE, due + timedelta(hours=1) * 24)
    assert judged.review(NOWHERE, due).move is Move.PROMOTED


def test_a_tier_kept_for_ever_has_no_end():
    found = program()
    levels = tuple(replace(level, keep_for_ever=True) for level in found.tiers.levels)
    found = replace(found, tiers=replace(found.tiers, levels=levels))

    standing, sums = risen(found, date(2026, 5, 3))

    assert standing.until is None
    assert judge(found, sums).next_due(standing, noon(date(2026, 5, 3))) is None


def test_a_version_that_brings_terms_gives_one_to_who_has_none():
    standing, sums = risen(program(term=NoTerm.NONE), date(2026, 5, 3))
    assert standing.until is None
    termed = judge(program(), sums)

    change = termed.begin_term(standing, noon(date(2026, 8, 1)))

    assert change.move is Move.TERM_BEGAN
    assert change.standing.until == start_of_day(date(2027, 9, 1), program().zone)
    assert termed.begin_term(change.standing, noon(date(2026, 8, 2))) is None


@pytest.mark.parametrize(
    ("done", "keeps"),
    [
        ({(ORDERS, DAY): 9}, False),
        ({(ORDERS, DAY): 10}, True),
        ({(earned_metric("growth"), DAY): 299}, False),
        ({(earned_metric("growth"), DAY): 300}, True),
    ],
)
def test_a_tier_is_kept_by_what_keeping_asks_and_by_all_that_leads_to_it(done, keeps):
    # Silver is reached by 500 growth or 10 orders, and kept by 300 growth.
    assert judge(program(), done).keeps(1, DAY) is keeps


@pytest.mark.parametrize(
    ("amounts", "of_all", "of_any"),
    [([2, 3], True, True), ([2, 2], False, True), ([1, 3], False, True), ([1, 2], False, False)],
)
def test_all_or_any_of_what_is_asked_has_to_be_there(amounts, of_all, of_any):
    asked = (Criterion(Measure.ORDERS, 2), Criterion(Measure.SPEND, 3))

    assert is_met(Qualification(Match.ALL, asked), amounts) is of_all
    assert is_met(Qualification(Match.ANY, asked), amounts) is of_any


def test_who_stands_at_a_criterion_that_is_a_balance_is_judged_by_what_it_is_now():
    asked = Criterion(Measure.BALANCE, 150, "points")
    record = Record({}, {"points": 149}, ENROLLED)

    assert record.amount(asked, record.between(date(2026, 1, 1), date(2026, 1, 2))) == 149
    assert Record({}, {}, ENROLLED).amount(asked, {}) == 0


def test_what_was_counted_is_told_with_what_was_asked():
    assert Counted(Criterion(Measure.SPEND, 200_000), 3).told() == {
        "measure": "spend",
        "wallet": None,
        "counted": 3,
        "asked": 200_000,
    }


def test_without_a_term_a_grace_counts_from_the_fall():
    found = program(term=NoTerm.NONE, grace=Lasting(Period(30, Unit.DAYS)))
    standing, sums = risen(found, date(2026, 5, 3))
    assert standing.until is None
    falls = judge(found, sums).next_due(standing, noon(date(2026, 5, 3)))
    assert falls == start_of_day(date(2027, 5, 3), found.zone)

    change = judge(found, sums).at_once(standing, falls)

    assert change.move is Move.GRACE_BEGAN
    assert change.standing.grace_until == start_of_day(date(2027, 6, 3), found.zone)
    assert not judge(found, sums).is_turn(change.standing, falls)
    assert judge(found, sums).at_once(change.standing, falls) is None
    ended = judge(found, sums).review(change.standing, change.standing.grace_until)
    assert (ended.move, ended.index) == (Move.DEMOTED, 0)


def test_who_qualifies_again_in_their_grace_keeps_the_tier_at_once():
    found = program(grace=Lasting(Period(30, Unit.DAYS)))
    day = date(2027, 6, 10)
    silver = Standing("silver", noon(date(2026, 5, 3)), None, noon(date(2027, 6, 30)))

    change = judge(found, {(earned_metric("growth"), day): 300}).at_once(silver, noon(day))

    assert change.move is Move.KEPT
    assert change.standing.since == silver.since
    assert change.standing.grace_until is None
    assert change.standing.until == start_of_day(date(2028, 7, 1), found.zone)


def test_a_term_that_outlives_its_tier_ends_without_a_word_to_the_lowest():
    found, noted = program(), noon(date(2027, 1, 1))
    # A new version may have made the lowest tier of what was more before.
    stood = Standing("regular", noon(date(2026, 1, 1)), noted)

    change = judge(found, {}).review(stood, noted)

    assert (change.move, change.index, change.tally) == (Move.KEPT, 0, None)
    assert change.standing.until is None


def test_a_review_before_the_end_of_a_term_changes_nothing_that_is_kept():
    found = program()
    standing, sums = risen(found, date(2026, 5, 3))

    assert judge(found, sums).review(standing, noon(date(2026, 6, 1))) is None
    assert not judge(found, sums).is_turn(standing, noon(date(2026, 6, 1)))
    # Who has no term is not reviewed either, where members rise at once.
    first_of_june = start_of_day(date(2026, 6, 1), found.zone)
    assert not judge(found, sums).is_turn(NOWHERE, first_of_june)


def test_only_what_would_still_be_reached_keeps_a_promotion_from_being_undone():
    found = program(on_return=OnReturn.AT_ONCE)
    silver, sums = risen(found, date(2026, 5, 3))
    sums[earned_metric("growth"), date(2026, 5, 3)] = 0
    sums[earned_metric("growth"), date(2026, 7, 1)] = 500
    judged, back = judge(found, sums), {(earned_metric("growth"), date(2026, 5, 3)): -500}

    assert judged.undo(silver, noon(date(2026, 6, 2)), back).move is Move.UNDONE
    assert judged.undo(silver, noon(date(2026, 7, 2)), back) is None


def test_without_the_setting_a_return_undoes_nothing():
    standing, _ = risen(program(), date(2026, 5, 3))
    resting, _ = risen(program(on_return=OnReturn.AT_ONCE), date(2026, 5, 3))

    back = {(earned_metric("growth"), date(2026, 5, 3)): -500}

    assert judge(program(on_return=OnReturn.AT_ONCE), {}).undo(standing, noon(DAY), back) is None
    assert judge(program(), {}).undo(resting, noon(DAY), back) is None


def test_what_a_calendar_window_holds_is_gone_when_it_ends():
    day = date(2026, 5, 3)

    assert next_change(Calendar.QUARTER, day, [day], ENROLLED) == date(2026, 7, 1)
    assert next_change(Lifetime(), day, [day], ENROLLED) is None
    assert next_change(Calendar.QUARTER, day, [], ENROLLED) is None


def test_nobody_waits_for_a_review_in_the_highest_tier_that_is_kept_for_ever():
    found = program(promote=Promote.NEXT_REVIEW, term=NoTerm.NONE)
    levels = tuple(replace(level, keep_for_ever=True) for level in found.tiers.levels)
    found = replace(found, tiers=replace(found.tiers, levels=levels))
    day = date(2026, 5, 3)

    assert judge(found, {}).next_due(Standing("gold", noon(day)), noon(day)) is None
    assert judge(found, {}).next_due(Standing("silver", noon(day)), noon(day)) == start_of_day(
        date(2026, 6, 1), found.zone
    )


def test_what_is_earned_ahead_is_looked_at_on_the_day_it_comes_alive():
    found, day = program(), date(2026, 5, 3)
    sums = {(earned_metric("growth"), date(2026, 5, 9)): 500, ("shared", date(2026, 5, 4)): 1}
    waiting = program(promote=Promote.NEXT_REVIEW)

    assert judge(found, sums).next_due(NOWHERE, noon(day)) == start_of_day(
        date(2026, 5, 9), found.zone
    )
    assert judge(waiting, sums).next_due(NOWHERE, noon(day)) == start_of_day(
        date(2026, 6, 1), found.zone
    )


def test_a_tier_that_the_program_does_not_have_gives_way_to_the_one_reached():
    found, since = program(), noon(date(2026, 1, 1))
    platinum = Standing("platinum", since, noon(date(2027, 1, 1)), None, {"undo": {}, "gifts": {}})
    grown = {(earned_metric("growth"), date(2026, 5, 3)): 500}

    change = judge(found, grown).replace(platinum, noon(DAY))

    assert (change.move, change.index) == (Move.REPLACED, 1)
    assert (change.standing.tier, change.standing.since) == ("silver", noon(DAY))
    assert change.standing.until == start_of_day(date(2027, 9, 1), found.zone)
    assert change.standing.memo == {"gifts": {}}
    assert [one.amount for one in change.tally.counted] == [500, 0]
    lowest = judge(found, {}).replace(platinum, noon(DAY))
    assert (lowest.index, lowest.standing.until) == (0, None)
    assert judge(found, {}).replace(NOWHERE, noon(DAY)) is None
    assert judge(found, {}).replace(Standing("gold", since), noon(DAY)) is None


def test_a_version_without_terms_gives_none():
    standing, sums = risen(program(term=NoTerm.NONE), date(2026, 5, 3))

    assert judge(program(term=NoTerm.NONE), sums).begin_term(standing, noon(DAY)) is None


def test_a_window_longer_than_the_calendar_begins_with_it():
    assert first_day(Rolling(Period(100, Unit.YEARS)), date(90, 1, 1), ENROLLED) == date.min
    assert first_day(Rolling(Period(36_500, Unit.DAYS)), date(90, 1, 1), ENROLLED) == date.min


def test_a_tier_that_is_not_there_is_the_lowest():
    tiers = program().tiers

    assert tiers.find("platinum").id == "regular"
    assert tiers.find(None).id == "regular"
    assert tiers.find("gold").id == "gold"


def test_an_undone_promotion_leads_back_to_what_was_before_it():
    found = program(on_return=OnReturn.AT_ONCE)
    silver, sums = risen(found, date(2026, 5, 3))
    sums["spend", date(2026, 6, 1)] = 200_000
    judged = judge(found, sums)
    gold = judged.at_once(silver, noon(date(2026, 6, 1))).standing
    back = {("spend", date(2026, 6, 1)): -100_000}
    assert judged.undo(gold, noon(date(2026, 6, 2)), back) is None
    sums["spend", date(2026, 6, 1)] = 100_000
    assert judged.undo(gold, noon(date(2026, 6, 2)), {}) is None

    change = judged.undo(gold, noon(date(2026, 6, 2)), back)

    assert (change.move, change.index) == (Move.UNDONE, 1)
    assert (change.standing.since, change.standing.until) == (silver.since, silver.until)
    assert change.standing.memo == silver.memo


def test_a_promotion_that_no_return_may_undo_forgets_the_one_before():
    silver, sums = risen(program(on_return=OnReturn.AT_ONCE), date(2026, 5, 3))
    assert silver.memo is not None
    sums["spend", date(2026, 6, 1)] = 200_000

    gold = judge(program(), sums).at_once(silver, noon(date(2026, 6, 1))).standing

    assert gold.memo is None


PURCHASES = st.lists(
    st.tuples(st.integers(0, 1_200), st.integers(1, 900)),
    min_size=1,
    max_size=12,
    unique_by=lambda p: p[0],
)


class Reckoning:
    """Second opinion on two tiers: days are numbers, each looked at by itself."""

    def __init__(self, bought: dict[int, int], grace: int) -> None:
        self.bought, self.grace = bought, grace
        self.tier, self.ends, self.in_grace = 0, -1, False

    def pass_day(self, n: int) -> None:
        if self.tier and self.ends == n:
            self.review(n)
        if n not in self.bought:
            return
        if (not self.tier and self.within(n) >= 500) or (self.in_grace and self.within(n) >= 300):
            self.begin(n, tier=1)

    def review(self, n: int) -> None:
        if self.within(n - 1) >= 300:
            self.begin(n - 1, tier=1)
        elif self.grace and not self.in_grace:
            self.ends, self.in_grace = n + self.grace, True
        else:
            self.begin(n, tier=0)

    def begin(self, n: int, tier: int) -> None:
        self.tier, self.ends, self.in_grace = tier, n + 61, False

    def within(self, last: int) -> int:
        return sum(points for n, points in self.bought.items() if last - 100 < n <= last)


@given(PURCHASES, st.sampled_from(list(Demote)), st.booleans())
def test_members_stand_where_a_day_by_day_reckoning_puts_them(purchases, demote, has_grace):
    found = program(
        demote=demote,
        grace=Lasting(Period(40, Unit.DAYS)) if has_grace else None,
        window=Rolling(Period(100, Unit.DAYS)),
        term=Lasting(Period(60, Unit.DAYS)),
    )
    bought, begin = dict(purchases), date(2026, 1, 1)
    expected = Reckoning(bought, 40 if has_grace else 0)
    sums, standing, due = {}, NOWHERE, None
    for n in range(1_500):
        day = begin + timedelta(days=n)
        judged = judge(found, sums)
        if due is not None and due <= start_of_day(day, found.zone):
            change = judged.review(standing, due) if judged.is_turn(standing, due) else None
            standing = change.standing if change else standing
            due = judged.next_due(standing, due)
        if n in bought:
            sums[earned_metric("growth"), day] = bought[n]
            change = judged.at_once(standing, noon(day))
            standing = change.standing if change else standing
            due = judged.next_due(standing, noon(day))
        expected.pass_day(n)

        assert found.tiers.index_of(standing.tier) == expected.tier, day
