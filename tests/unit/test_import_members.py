"""A file of members: who stands in it, what they bring, and every fault with its line."""

from datetime import UTC, datetime, timedelta

import pytest

from loyalty_service.imports.rules.forms import ValueFault, read_instant
from loyalty_service.imports.rules.members import (
    LineFault,
    Newcomer,
    OpeningLot,
    Setting,
    read_members,
)
from loyalty_service.imports.rules.openings import (
    Known,
    MembersReport,
    open_balance,
    opening_text,
)
from loyalty_service.imports.rules.openings import welcome as welcome_by
from loyalty_service.imports.rules.tables import FileFault
from loyalty_service.imports.rules.tiers import Tenure
from loyalty_service.ledger.rules.movements import Opening
from loyalty_service.members.rules import Ref
from loyalty_service.program.rules.document import read_document
from tests.factories import PLAIN

TIERS = """
tiers:
  window: {months: 12}
  term: {months: 12, end: month}
  levels:
    - {id: regular, name: {en: Regular, zh: 普通}}
    - id: silver
      name: {en: Silver, zh: 银卡}
      entry: {all: [{orders: 10}]}
"""

PROGRAM = read_document(PLAIN).program
NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SECRET = b"s" * 32
M1 = Ref("shop", "m-1")


def read(*lines, secret=None, program=PROGRAM):
    return read_members([f"{line}\n" for line in lines], Setting(PROGRAM, NOW, secret, program))


def faults(*lines, secret=None, program=PROGRAM):
    return [(f.line, f.column) for f in read(*lines, secret=secret, program=program).faults]


def test_lines_that_share_a_reference_are_about_one_member():
    file = read(
        "member_ref,ref.card,enrolled_at,birthday,tags,wallet,points,active_at,expires_at,expires_on",
        "m-1,77,2024-05-03T10:00:00+08:00,02-29,vip|a,points,10,,,2026-12-31",
        ",77,,,a|vip,points,5,2026-04-01T00:00:00Z,2026-05-01T00:00:00Z,",
        "m-2,,,,,,,,,",
    )

    first, second = file.members
    assert file.faults == []
    assert first.refs == (M1, Ref("card", "77"))
    assert first.enrolled_at == datetime(2024, 5, 3, 2, 0, tzinfo=UTC)
    assert (first.birthday, first.tags) == ((2, 29), ("a", "vip"))
    assert first.lots == {
        "points": [
            OpeningLot(2, 10, None, datetime(2026, 12, 31, 16, 0, tzinfo=UTC)),
            OpeningLot(3, 5, datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)),
        ]
    }
    assert (second.refs, second.lots, file.read) == ((Ref("shop", "m-2"),), {}, 3)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("member_ref", "a b"),
        ("member_ref", "phone:13800138000"),
        ("ref.card", "a/b"),
        ("ref.phone", "13800138000"),
        ("enrolled_at", "2026-03-03T00:00:00Z"),
        ("enrolled_at", "2026-03-01"),
        ("enrolled_at", "2026-02-30T00:00:00Z"),
        ("enrolled_at", "0001-01-01T00:00:00Z"),
        ("enrolled_at", "9999-12-31T23:59:59-10:00"),
        ("birthday", "2000-02-29"),
        ("birthday", "02-30"),
        ("birthday", "13-01"),
        ("tags", "VIP"),
        ("tags", "a||b"),
        ("tags", "|".join(f"t{n}" for n in range(33))),
        ("tier", "gold"),
        ("wallet", "gold"),
        ("points", ""),
        ("points", "0"),
        ("points", "-5"),
        ("points", "1.5"),
        ("points", "1e5"),
        ("points", "NaN"),
        ("points", "1000000000001"),
        ("points", "9" * 30),
        ("active_at", "soon"),
        ("expires_at", "2026-05-01"),
        ("expires_on", "2026-02-29"),
        ("expires_on", "2026-5-1"),
        ("expires_on", "1026-05-01"),
        ("expires_on", "2999-01-01"),
    ],
)
def test_a_value_that_is_not_of_its_form_is_a_fault_of_its_line(column, value):
    # A member reference besides the column that is tried, so that the line has an owner.
    columns = dict.fromkeys(("ref.own", "wallet", "points"), "")
    columns |= {"ref.own": "1", "wallet": "points", "points": "7", column: value}

    file = read(",".join(columns), ",".join(columns.values()))

    assert [(fault.line, fault.column) for fault in file.faults] == [(2, column)]
    assert file.members[0].is_faulty


def test_every_fault_of_a_line_is_told():
    assert faults("member_ref,birthday,wallet,points", "a b,13-01,gold,1e5", "m,,,5", ",,,") == [
        (2, "birthday"),
        (2, "member_ref"),
        (2, "points"),
        (2, "wallet"),
        (3, "points"),
        (4, "member_ref"),
    ]


def test_points_end_once_and_after_they_begin():
    assert faults(
        "member_ref,wallet,points,active_at,expires_at,expires_on",
        "m,points,1,,2026-05-01T00:00:00Z,2026-05-01",
        "m,points,1,2026-05-01T00:00:00Z,2026-05-01T00:00:00Z,",
    ) == [(2, "expires_on"), (3, "active_at")]


def test_a_member_is_said_to_be_the_same_on_all_lines():
    file = read(
        "member_ref,ref.card,birthday",
        "m-1,1,01-01",
        "m-1,,01-02",
        "m-2,1,",
        "m-3,3,",
        "m-3,4,",
    )

    assert [(f.line, f.column) for f in file.faults] == [
        (3, "birthday"),
        (4, "member_ref"),
        (6, "member_ref"),
    ]
    assert [member.is_faulty for member in file.members] == [True, True]


def test_a_line_that_joins_two_members_makes_both_faulty():
    file = read("member_ref,ref.card", "m-1,1", "m-2,2", "m-1,2")

    assert [member.is_faulty for member in file.members] == [True, True]


def test_a_line_that_is_cut_short_keeps_its_member_out():
    lines = ("m-1,points", "m-1,points,5", "m-2,points,5", "m-9", "m-9,x")
    file = read("member_ref,wallet,points", *lines)

    assert [(f.line, f.column) for f in file.faults] == [(2, "line"), (5, "line"), (6, "line")]
    assert [(m.refs[0].value, m.is_faulty) for m in file.members] == [
        ("m-1", True),
        ("m-2", False),
        ("m-9", True),
    ]


def test_personal_references_are_kept_as_a_keyed_hash_only():
    file = read("member_ref,ref.phone", "m-1,+86 138 0013 8000", secret=SECRET)

    assert read("member_ref", "phone:+86 138 0013 8000", secret=SECRET).members[0].refs == (
        file.members[0].refs[1],
    )
    phone = file.members[0].refs[1]
    assert phone.kind == "phone"
    assert len(phone.value) == 64
    assert "138" not in phone.value[:20]


def test_a_personal_reference_has_a_bound():
    assert faults("member_ref,ref.mail", f"m,{'x' * 254}", secret=SECRET) == []
    assert faults("member_ref,ref.mail", f"m,{'x' * 255}", secret=SECRET) == [(2, "ref.mail")]


@pytest.mark.parametrize(
    "head",
    [
        "",
        "wallet,points",
        "member_ref,ref.Card",
        "member_ref,name",
        "member_ref,points,points",
        ",".join(f"ref.k{n}" for n in range(17)),
    ],
)
def test_another_first_line_refuses_the_file(head):
    with pytest.raises(FileFault, match="line 1"):
        read(head, "m,1")


def test_an_instant_needs_its_zone():
    with pytest.raises(ValueFault):
        read_instant("2026-03-01T00:00:00")


def lot(points=10, active_at=None, expires_at=None, line=2):
    return OpeningLot(line, points, active_at, expires_at)


def newcomer(*lots, **more):
    return Newcomer(2, (M1,), lots={"points": list(lots)} if lots else {}, **more)


def known(*lots, birthday=None, tags=(), clock=NOW, tenures=()):
    openings = {"points": opening_text("points", list(lots))} if lots else {}
    return {M1: Known(7, birthday, tags, NOW - 900 * DAY, clock, openings, tenures)}


def welcome(newcomer, known, as_of, program=PROGRAM):
    return welcome_by(newcomer, known, as_of, program)


TIERED = read_document(PLAIN + TIERS).program


def test_a_tier_is_held_from_the_start_of_a_day_through_the_end_of_one():
    file = read(
        "member_ref,tier,tier_since,tier_until",
        "m-1,silver,2026-01-01,2026-12-31",
        "m-2,silver,2026-01-01T00:00:00Z,2026-12-31T00:00:00Z",
        program=TIERED,
    )

    assert file.faults == []
    assert [member.tenure for member in file.members] == [
        Tenure(
            "silver",
            datetime(2025, 12, 31, 16, tzinfo=UTC),
            datetime(2026, 12, 31, 16, tzinfo=UTC),
        ),
        Tenure("silver", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)),
    ]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("tier", "Silver"),
        ("tier_since", "2026-02-30"),
        ("tier_since", "2026-03-03"),
        ("tier_since", "2026-03-01T00:00:00"),
        ("tier_until", "1026-05-01"),
        ("tier_until", "soon"),
    ],
)
def test_a_tier_of_another_form_is_a_fault_of_its_line(column, value):
    columns = {"member_ref": "m-1", "tier": "silver", column: value}
    head, said = ",".join(columns), ",".join(columns.values())

    assert faults(head, said, program=TIERED) == [(2, column)]


def test_a_tier_is_said_the_same_on_all_lines_of_a_member():
    assert faults(
        "member_ref,tier,tier_since",
        "m-1,silver,2026-01-01",
        "m-1,silver,",
        "m-1,regular,2026-01-02",
        "m-1,,2026-01-01",
        program=TIERED,
    ) == [(4, "tier"), (4, "tier_since"), (5, "tier_since")]


def test_somebody_new_is_enrolled_with_what_they_bring():
    what = welcome(newcomer(lot(expires_at=NOW + DAY)), {}, NOW)

    assert (what.member_id, what.bring, what.faults) == (None, ("points",), ())


def test_the_same_balance_again_is_nothing_new_in_whatever_order():
    ends = NOW + DAY
    one, two = lot(1, expires_at=ends), lot(2, active_at=NOW)

    what = welcome(newcomer(two, one), known(one, two), NOW + 9 * DAY)

    assert (what.member_id, what.bring, what.repeated, what.faults) == (7, (), 1, ())


def test_another_balance_than_before_is_a_fault():
    what = welcome(newcomer(lot(11, line=5)), known(lot(10)), NOW)

    assert [(fault.line, fault.column) for fault in what.faults] == [(5, "points")]


def test_points_that_have_ended_are_a_fault():
    what = welcome(newcomer(lot(expires_at=NOW, line=4)), {}, NOW)

    assert what.faults == (
        LineFault(4, "points", "have ended on 2026-03-02T04:00:00Z, before the opening balance"),
    )


def test_who_joins_after_the_balances_stood_is_a_fault():
    what = welcome(newcomer(enrolled_at=NOW), {}, NOW - DAY)

    assert [fault.column for fault in what.faults] == ["enrolled_at"]


def test_references_of_two_members_are_a_fault():
    both = Newcomer(2, (M1, Ref("card", "1")))
    owners = known() | {Ref("card", "1"): Known(8, None, (), NOW, NOW, {})}

    assert [fault.column for fault in welcome(both, owners, NOW).faults] == ["member_ref"]


@pytest.mark.parametrize(
    ("more", "differs"),
    [
        ({}, False),
        ({"birthday": (1, 1), "tags": ("a",)}, False),
        ({"birthday": (1, 2)}, True),
        ({"tags": ("b",)}, True),
    ],
)
def test_who_is_known_otherwise_is_counted_and_left(more, differs):
    what = welcome(newcomer(**more), known(birthday=(1, 1), tags=("a",)), NOW)

    assert what.differs is differs


def test_one_more_reference_is_known_otherwise():
    assert welcome(Newcomer(2, (M1, Ref("card", "1"))), known(), NOW).differs


def test_a_balance_opens_a_lot_for_each_line_soonest_end_first():
    points = PROGRAM.find_wallet("points")

    assert open_balance(points, [lot(1), lot(2, NOW - DAY, NOW + DAY)], NOW) == [
        Opening(2, None, NOW - DAY, NOW + DAY),
        Opening(1, None, NOW, None),
    ]


def test_what_never_ends_where_nothing_does_joins_the_standing_lot():
    growth = PROGRAM.find_wallet("growth")
    lots = [lot(1), lot(2, NOW - DAY), lot(4, NOW + DAY), lot(8, None, NOW + DAY)]

    assert open_balance(growth, lots, NOW) == [
        Opening(8, None, NOW, NOW + DAY),
        Opening(4, None, NOW + DAY, None),
        Opening(3, standing=True),
    ]


def test_everybody_is_counted_once():
    report = MembersReport()

    for one in (
        welcome(newcomer(lot(10)), {}, NOW),
        welcome(newcomer(lot(10), tags=("b",)), known(lot(10)), NOW),
        welcome(newcomer(lot(11)), known(lot(10)), NOW),
    ):
        report.note(one)

    assert (report.enrolled, report.known, report.faulty) == (1, 1, 1)
    assert (report.balances, report.repeated, report.points) == (1, 1, {"points": 10})
    assert (report.differing, len(report.faults)) == ([2], 1)
