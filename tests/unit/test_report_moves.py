"""Moves that a new program brings are counted by what becomes otherwise, and told in words."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from loyalty_service.program.rules.document import read_document
from loyalty_service.reports.rules.move_words import move_in_words, names_of_tiers
from loyalty_service.reports.rules.moves import Group, Move, Moves, Outlook, find_move, group_of
from tests.unit.program_documents import DOCUMENT, TIERED

ZONE = ZoneInfo("Asia/Shanghai")
# The first of December in Shanghai.
DECEMBER = datetime(2026, 11, 30, 16, tzinfo=UTC)
DAY = timedelta(days=1)
JUNE = datetime(2027, 5, 31, 16, tzinfo=UTC)


def named(lang: str = "en"):
    old, new = (read_document(text).program for text in (TIERED, DOCUMENT))
    assert old is not None
    assert new is not None
    return names_of_tiers(old, new, lang)


def test_who_fares_the_same_by_both_does_not_move():
    same = Outlook("gold", "silver", DECEMBER)

    assert find_move(Outlook("gold"), Outlook("gold"), ZONE) is None
    assert find_move(same, same, ZONE) is None
    # At another time of the same day.
    later = Outlook("gold", "silver", DECEMBER.replace(hour=20))
    assert find_move(same, later, ZONE) is None


@pytest.mark.parametrize(
    ("old", "new", "move"),
    [
        (
            Outlook("regular", "silver", JUNE),
            Outlook("silver", "regular", DECEMBER),
            Move("regular", True, "silver", None, "silver", JUNE, "regular", DECEMBER),
        ),
        (
            Outlook("gold"),
            Outlook("gold", "silver", JUNE),
            Move("gold", False, "silver", JUNE, None, None),
        ),
        (
            Outlook("gold", "silver", JUNE),
            Outlook("gold"),
            Move("gold", False, None, None, "silver", JUNE),
        ),
        (
            Outlook("gold", "silver", DECEMBER),
            Outlook("gold", "silver", JUNE),
            Move("gold", False, "silver", JUNE, "silver", DECEMBER),
        ),
        (Outlook("gold"), Outlook(None), Move("gold", True, None, None, None, None)),
    ],
)
def test_what_becomes_otherwise_is_a_move(old, new, move):
    assert find_move(old, new, ZONE) == move


def test_members_are_counted_by_tier_and_by_what_they_do_in_which_month():
    moves = Moves(ZONE)
    for number in range(1, 6):
        moves.note(number, Outlook("regular"), Outlook("silver"))
    moves.note(6, Outlook("gold"), Outlook("gold"))
    moves.note(7, Outlook("gold"), Outlook("gold", "silver", DECEMBER))
    moves.note(8, Outlook("gold"), Outlook("gold", "silver", DECEMBER + 9 * DAY))
    moves.note(9, Outlook("gold", "silver", JUNE), Outlook("gold"))

    assert moves.before == {"regular": 5, "gold": 4}
    assert moves.after == {"silver": 5, "gold": 4}
    at_once, december, kept = moves.listed()[0], moves.listed()[1], moves.listed()[-1]
    assert at_once == Group("regular", True, "silver", None, None, None)
    assert december == Group("gold", False, "silver", "2026-12", None, None)
    assert kept == Group("gold", False, None, None, "silver", "2027-06")
    assert [moves.groups[group] for group in moves.listed()] == [5, 2, 1]
    assert moves.examples[at_once] == [1, 2, 3]


def test_a_day_is_told_as_it_is_in_the_programs_zone():
    move = Move("gold", False, "silver", DECEMBER, None, None)

    assert group_of(move, ZONE, by_day=True).when == str(date(2026, 12, 1))


def test_days_are_told_where_the_months_are_alike():
    move = Move("gold", False, "silver", DECEMBER, "silver", DECEMBER + 9 * DAY)
    elsewhere = Move("gold", False, "diamond", DECEMBER, "silver", DECEMBER + 9 * DAY)

    days, months = group_of(move, ZONE), group_of(elsewhere, ZONE)

    assert (days.when, days.instead_when) == ("2026-12-01", "2026-12-10")
    assert (months.when, months.instead_when) == ("2026-12", "2026-12")


def test_whoever_moves_at_once_is_one_group_whatever_they_would_have_done():
    moves = Moves(ZONE)
    moves.note(1, Outlook("regular"), Outlook("silver"))
    moves.note(2, Outlook("regular", "gold", JUNE), Outlook("silver"))

    moves.note(3, Outlook("regular"), Outlook("silver", "regular", JUNE))
    moves.note(4, Outlook("regular"), Outlook("silver", "regular", JUNE + DAY))

    assert [(group.then_when, moves.groups[group]) for group in moves.listed()] == [
        (None, 2),
        ("2027-06", 2),
    ]


@pytest.mark.parametrize(
    ("group", "en", "zh"),
    [
        (
            Group("regular", True, "silver", None, None, None),
            "Regular -> Silver",
            "普通 -> 银卡",
        ),
        (
            Group("gold", False, "silver", "2026-12", None, None),
            "2026-12: Gold -> Silver, instead of: stays Gold until at least 2027-12-01",
            "2026-12：金卡 -> 银卡（原为：至少到 2027-12-01 仍为金卡）",
        ),
        (
            Group("gold", False, None, None, "silver", "2026-12-01"),
            "stays Gold until at least 2027-12-01, instead of: 2026-12-01: Gold -> Silver",
            "至少到 2027-12-01 仍为金卡（原为：2026-12-01：金卡 -> 银卡）",
        ),
        (Group("gold", True, None, None, None, None), "Gold -> (no tiers)", "金卡 -> （无等级）"),
        (
            Group("regular", True, "gold", None, None, None, "silver", "2026-12"),
            "Regular -> Gold, and then 2026-12: Gold -> Silver",
            "普通 -> 金卡，随后 2026-12：金卡 -> 银卡",
        ),
    ],
)
def test_a_move_is_told_in_words(group, en, zh):
    last = date(2027, 12, 1)

    assert move_in_words(group, named(), last, "en") == en
    assert move_in_words(group, named("zh"), last, "zh") == zh


def test_tiers_are_named_by_the_new_document_and_lowest_first():
    new = read_document(TIERED.replace("en: Silver", "en: Silver star")).program
    old = read_document(TIERED).program

    assert list(names_of_tiers(old, new, "en").items()) == [
        ("regular", "Regular"),
        ("silver", "Silver star"),
        ("gold", "Gold"),
        ("diamond", "Diamond"),
        (None, "(no tiers)"),
    ]
