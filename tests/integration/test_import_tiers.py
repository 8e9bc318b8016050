"""Members of a file bring the tier that they hold (R-54), and what becomes of it in time."""

import re
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from loyalty_service.cli.newcomers import import_members, tell
from loyalty_service.kit.db import Busy, Database
from loyalty_service.ledger.service.proving import prove_all
from loyalty_service.members.queries import get_member
from loyalty_service.members.rules import parse_ref
from tests.factories import PLAIN, Shop, line
from tests.integration.test_program_diff import foresee
from tests.integration.test_tiers import DAY, TIERED, changes, proved, standing, tier
from tests.integration.test_tiers_in_time import tiers
from tests.job_world import catch_up

HEAD = "member_ref,enrolled_at,tier,tier_since,tier_until"
AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
# The file says gold since 20 August 2025; 12 months to the end of the month, in Shanghai.
ENDS = datetime(2026, 8, 31, 16, tzinfo=UTC)
TWO = (
    HEAD,
    "a,2024-05-03T02:00:00Z,gold,2025-08-20,",
    "b,2024-05-03T02:00:00Z,silver,2025-07-01T00:00:00Z,2026-04-10",
)
LATER = TIERED.replace("activation: {on: payment}", "activation: {on: payment, wait_days: 7}")
ROWS = """
SELECT r.value, cause, from_tier, to_tier, tier_until, occurred_at
  FROM tier_change JOIN member_ref r USING (member_id) ORDER BY 1, change_no
"""


@pytest.fixture
def text():
    return TIERED


@pytest.fixture
def shop(db, text):
    return Shop(db, text)


@pytest.fixture
def bring(db, shop, tmp_path):
    """Import these lines, the first of which names the columns."""

    def from_lines(*lines, as_of=None, only_check=False):
        path = tmp_path / "members.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return import_members(db, path, as_of=as_of, secret=None, only_check=only_check)

    return from_lines


def faults(report):
    return [(fault.line, fault.column) for fault in report.faults]


def reviewed(shop, clock, member):
    """What the standing foretells, and what the night after it has done."""
    told = standing(shop, member)
    clock.advance(datetime.fromisoformat(told["review"]["at"]) - clock.now())
    catch_up(shop.db, clock.now())
    seen = [row[1:4] for row in shop.db.fetch(ROWS) if row[0] == member]
    return told["review"], (seen[-1][0], tier(shop, member))


def test_a_member_stands_in_the_tier_of_the_file_with_its_end(db, shop, bring):
    report = bring(*TWO, as_of=AS_OF)

    assert (report.faults, report.tiers) == ([], {"gold": 1, "silver": 1})
    since = datetime(2025, 8, 19, 16, tzinfo=UTC), datetime(2025, 7, 1, tzinfo=UTC)
    until = ENDS, datetime(2026, 4, 10, 16, tzinfo=UTC)
    assert db.fetch(ROWS) == [
        ("a", "imported", None, "gold", until[0], since[0]),
        ("b", "imported", None, "silver", until[1], since[1]),
    ]
    told = standing(shop, "a")
    assert (told["tier"]["id"], told["since"]) == ("gold", "2025-08-19T16:00:00Z")
    assert (told["until"], told["review"]["at"]) == ("2026-08-31T16:00:00Z",) * 2


def test_a_tier_that_is_brought_gives_no_gift_and_is_told(db, shop, bring):
    bring(*TWO, as_of=AS_OF)

    assert db.fetch("SELECT 1 FROM entry") == []
    assert db.fetch(
        "SELECT payload::json->>'to', payload::json->>'from', occurred_at FROM event_waiting"
        " WHERE kind = 'tier.imported' ORDER BY 1"
    ) == [
        ("gold", "regular", datetime(2025, 8, 19, 16, tzinfo=UTC)),
        ("silver", "regular", datetime(2025, 7, 1, tzinfo=UTC)),
    ]
    with db.reading() as tx:
        *_, report = prove_all(tx, None)
    assert report.faults == []
    assert proved(shop)


@pytest.mark.parametrize("member", ["a", "b"])
@pytest.mark.parametrize("settings", [{}, {"demote": "by_standing"}, {"grace": "{days: 30}"}])
@pytest.mark.parametrize("spends", [0, 30_000, 200_000])
def test_what_is_foretold_of_a_brought_tier_is_what_its_review_does(
    db, tmp_path, clock, member, settings, spends
):
    shop = Shop(db, tiers(**settings))
    path = tmp_path / "members.csv"
    path.write_text("\n".join(TWO), encoding="utf-8")
    import_members(db, path, as_of=AS_OF, secret=None, only_check=False)
    if spends:
        shop.pay("o-1", line(spends), member=member)

    foretold, done = reviewed(shop, clock, member)

    assert (foretold["outcome"], foretold["tier"]["id"]) == (done[0], done[1] or "regular")


def test_the_term_is_held_though_nothing_is_earned_and_then_lost(shop, bring, clock):
    bring(*TWO, as_of=AS_OF)
    clock.advance(ENDS - DAY - clock.now())
    catch_up(shop.db, clock.now())
    held = tier(shop, "a")

    clock.advance(DAY)
    catch_up(shop.db, clock.now())

    assert (held, tier(shop, "a")) == ("gold", "silver")
    assert [row[1:4] for row in shop.db.fetch(ROWS) if row[0] == "a"][-1] == (
        "demoted",
        "gold",
        "silver",
    )


def test_an_order_placed_while_the_tier_was_held_elsewhere_earns_by_it(shop, bring):
    bring(*TWO, as_of=AS_OF)

    before = shop.pay("o-1", line(10_000), member="a", at=datetime(2025, 8, 1, tzinfo=UTC))
    within = shop.pay("o-2", line(10_000), member="a", at=datetime(2025, 9, 1, tzinfo=UTC))

    assert before["earned"][0]["points"] * 3 == within["earned"][0]["points"]


def test_without_a_day_the_term_begins_with_the_import(db, shop, bring, clock):
    bring("member_ref,tier", "a,silver")

    ((until, since),) = db.fetch("SELECT tier_until, tier_since FROM member")
    assert since == clock.now()
    assert until == datetime(2027, 3, 31, 16, tzinfo=UTC)


def test_a_term_that_was_over_is_reviewed_at_the_opening(db, shop, bring):
    old = "a,2020-01-01T00:00:00Z,gold,2021-06-01,"
    report = bring(HEAD, old, as_of=AS_OF)

    assert report.over == [2]
    until = datetime(2022, 6, 30, 16, tzinfo=UTC)
    rows = db.fetch(ROWS)
    assert rows[0] == (
        "a", "imported", None, "gold", until, datetime(2021, 5, 31, 16, tzinfo=UTC)
    )  # fmt: skip
    assert [(row[1], row[3], row[5]) for row in rows[1:]] == [("demoted", "silver", AS_OF)]
    again = bring(HEAD, old, as_of=AS_OF)
    assert (again.standing, again.faults, db.fetch(ROWS)) == (1, [], rows)


def test_a_file_that_comes_again_or_in_overlapping_parts_changes_nothing(db, shop, bring, clock):
    whole = (*TWO, "c,2024-05-03T02:00:00Z,regular,,", "d,,silver,,")
    bring(*whole[:4])
    bring(whole[0], *whole[2:])
    before = db.fetch(ROWS)
    clock.advance(100 * DAY)
    catch_up(db, clock.now())
    later = db.fetch(ROWS)

    report = bring(*whole)

    assert [row[:2] for row in before] == [(name, "imported") for name in "abcd"]
    # By then the end that the file named for b has come.
    assert [row for row in later if row not in before] != []
    assert (report.standing, report.tiers, report.faults) == (4, {}, [])
    assert db.fetch(ROWS) == later


@pytest.mark.parametrize(
    "other", ["a,,silver,2025-08-20,", "a,,gold,2025-08-21,", "a,,gold,2025-08-20,2026-12-31"]
)
def test_another_tier_than_was_brought_is_a_fault_and_the_others_come_in(db, shop, bring, other):
    bring(*TWO, as_of=AS_OF)
    before = db.fetch(ROWS)

    report = bring(HEAD, other, "c,,silver,,", as_of=AS_OF)

    assert faults(report) == [(2, "tier")]
    assert "gold since 2025-08-19T16:00:00Z, until 2026-08-31T16:00:00Z" in report.faults[0].message
    assert [row for row in db.fetch(ROWS) if row[0] != "c"] == before
    assert report.tiers == {"silver": 1}


def test_who_rose_here_keeps_what_they_reached(db, shop, bring):
    shop.enrol("a")
    shop.pay("o-1", line(50_000), member="a")
    before = changes(shop)

    other = bring("member_ref,tier", "a,gold")
    same = bring("member_ref,tier", "a,silver")

    assert faults(other) == [(2, "tier")]
    assert (same.faults, same.standing, changes(shop)) == ([], 1, before)


@pytest.mark.parametrize("text", [LATER])
@pytest.mark.parametrize("only_check", [True, False])
def test_a_tier_that_time_has_brought_is_held_though_nobody_wrote_it_yet(
    db, shop, bring, clock, only_check
):
    for member in ("a", "b"):
        shop.enrol(member)
        shop.pay(f"o-{member}", line(50_000), member=member)
    clock.advance(30 * DAY)
    assert (tier(shop, "a"), tier(shop, "b")) == (None, None)

    report = bring("member_ref,tier", "a,gold", "b,silver", only_check=only_check)

    assert (faults(report), report.standing, report.tiers) == ([(2, "tier")], 1, {})
    assert (
        "is not what the member has here: silver since 2026-03-08T16:00:00Z"
        in report.faults[0].message
    )
    catch_up(db, clock.now())
    assert (tier(shop, "a"), tier(shop, "b")) == ("silver", "silver")


@pytest.mark.parametrize("only_check", [True, False])
def test_a_member_whom_two_lines_name_by_different_references_is_left_out_whole(
    db, shop, bring, only_check
):
    bring("member_ref,ref.card", "a,1")
    before = db.fetch("SELECT * FROM member")

    report = bring(
        "member_ref,ref.card,tier,wallet,points",
        "a,,silver,points,100",
        "b,,,points,7",
        ",1,gold,growth,500",
        only_check=only_check,
    )

    assert faults(report) == [(2, "member_ref"), (4, "member_ref")]
    assert "line 4 names by another reference" in report.faults[0].message
    assert (report.points, report.tiers) == ({"points": 7}, {})
    assert db.fetch("SELECT * FROM member WHERE member_id = 1") == before
    assert db.fetch("SELECT points FROM entry") == ([] if only_check else [(7,)])


@pytest.mark.parametrize("comes_at", range(1, 6))
@pytest.mark.parametrize("later", range(8))
def test_a_member_who_comes_to_a_tier_while_an_import_looks_keeps_it(
    db, shop, database_url, clock, tmp_path, comes_at, later
):
    path, sent = tmp_path / "members.csv", []
    path.write_text("member_ref,tier,wallet,points\na,silver,points,100\n")
    shop.db = Database(database_url, clock=clock, lock_timeout_ms=50)

    def look(text: bytes) -> None:
        sent.append(text)
        if len(sent) == comes_at:
            shop.enrol("a")
        if len(sent) == comes_at + later:
            # Whom the import has locked already has to wait.
            with suppress(Busy):
                shop.pay("o-1", line(250_000), member="a")

    slow = Database(database_url, clock=clock, on_message=look)
    report = import_members(slow, path, as_of=None, secret=None, only_check=False)
    slow.close()
    shop.db.close()

    came = [row[1:4] for row in db.fetch(ROWS)]
    is_refused = faults(report) == [(2, "tier")]
    assert came == ([("promoted", None, "gold")] if is_refused else [("imported", None, "silver")])
    brought = db.fetch("SELECT points FROM entry WHERE reason = 'opening_balance'")
    assert brought == ([] if is_refused else [(100,)])


def test_who_was_known_without_a_tier_gets_the_one_of_the_file(db, shop, bring):
    bring("member_ref", "a")

    report = bring("member_ref,tier", "new,silver", "a,silver")

    assert (report.tiers, report.raised) == ({"silver": 2}, [3])
    assert tier(shop, "a") == "silver"


def test_a_tier_comes_too_late_for_an_opening_that_the_member_has_gone_past(db, shop, bring):
    bring("member_ref,enrolled_at", "a,2024-05-03T02:00:00Z", as_of=AS_OF)
    shop.pay("o-1", line(100), member="a")

    late = bring("member_ref,tier", "a,silver", as_of=AS_OF)
    now = bring("member_ref,tier", "a,silver")

    assert (faults(late), now.faults) == ([(2, "tier")], [])
    assert tier(shop, "a") == "silver"


def test_the_tier_reached_by_what_is_brought_besides_goes_before(db, tmp_path, bring):
    by_balance = TIERED.replace("{orders: 10}", "{balance: {wallet: growth, at_least: 900}}")
    Shop(db, by_balance)

    bring("member_ref,tier,wallet,points", "a,regular,growth,1000")

    assert [row[1:4] for row in db.fetch(ROWS)] == [
        ("imported", None, "regular"),
        ("promoted", "regular", "silver"),
    ]


@pytest.mark.parametrize(
    ("text", "head", "said", "column", "words"),
    [
        (TIERED, "tier", "platinum", "tier", "tiers regular, silver, gold (found 'platinum')"),
        (PLAIN, "tier", "gold", "tier", "has no tiers (found 'gold')"),
        (TIERED, "tier,tier_since", "gold,2026-03-02", "tier_since", "later than the opening"),
        (TIERED, "tier,tier_since", "gold,2036-03-02", "tier_since", "lies in the future"),
        (TIERED, "tier,tier_since", "gold,2026-02-30", "tier_since", "a date that exists"),
        (TIERED, "tier,tier_since", ",2026-02-01", "tier_since", "needs a tier"),
        (TIERED, "tier,tier_until", ",2026-12-01", "tier_until", "needs a tier"),
        (
            TIERED,
            "tier,enrolled_at,tier_since",
            "gold,2026-02-01T00:00:00Z,2026-01-01",
            "tier_since",
            "earlier than the member's enrolment",
        ),
        (
            TIERED,
            "tier,tier_until",
            "gold,2026-02-27",
            "tier_until",
            "has ended on 2026-02-27T16:00:00Z, before the opening",
        ),
        (TIERED, "tier,tier_until", "regular,2026-12-01", "tier_until", "regular is never lost"),
        (tiers(term="none"), "tier", "gold", "tier", "only as long as it is earned"),
    ],
)
def test_a_tier_that_cannot_stand_is_a_fault_of_its_line(db, bring, head, said, column, words):
    """Of a check, of which the import says the same; nothing of the member is written."""
    lines = (
        f"member_ref,wallet,points,{head}",
        f"a,points,5,{said}",
        "b,points,5" + "," * (head.count(",") + 1),
    )

    checked = bring(*lines, as_of=AS_OF, only_check=True)
    report = bring(*lines, as_of=AS_OF)

    assert faults(checked) == faults(report) == [(2, column)]
    assert words in report.faults[0].message
    assert db.fetch("SELECT value FROM member_ref") == [("b",)]


@pytest.mark.parametrize("text", [tiers(term="none")])
def test_without_terms_a_tier_stands_up_to_the_day_that_the_file_names(shop, bring, clock):
    bring("member_ref,tier,tier_until", "a,gold,2026-06-30", "b,regular,")
    catch_up(shop.db, clock.now())
    shop.pay("o-1", line(100), member="a")
    held = tier(shop, "a")
    clock.advance(datetime(2026, 6, 30, 16, tzinfo=UTC) - clock.now())
    catch_up(shop.db, clock.now())

    assert (held, tier(shop, "a"), tier(shop, "b")) == ("gold", "regular", "regular")


@pytest.mark.parametrize("text", [tiers(term="none")])
def test_a_tier_that_is_earned_up_to_the_named_day_and_not_on_the_next_ends_with_it(
    db, shop, bring, clock
):
    bring("member_ref,enrolled_at,tier,tier_until", "a,2024-05-03T02:00:00Z,silver,2026-06-30")
    # Twelve months up to 30 June begin with this day.
    shop.pay("o-1", line(50_000), member="a", at=datetime(2025, 7, 1, 2, tzinfo=UTC))
    clock.advance(datetime(2026, 6, 30, 16, tzinfo=UTC) - clock.now())

    catch_up(shop.db, clock.now())

    assert [row[1] for row in db.fetch(ROWS)] == ["imported", "kept", "demoted"]
    assert tier(shop, "a") == "regular"


def test_the_tiers_meant_are_those_of_the_program_at_the_opening(db, shop, bring, clock):
    opened = clock.now()
    clock.advance(DAY)
    shop.apply(TIERED.replace("id: silver", "id: bronze"))

    assert faults(bring(HEAD, "a,,bronze,,", as_of=opened)) == [(2, "tier")]
    assert bring(HEAD, "a,,silver,,", as_of=opened).tiers == {"silver": 1}
    assert bring(HEAD, "b,,bronze,,").tiers == {"bronze": 1}
    # Silver gave way as soon as the new version came into force.
    assert standing(shop, "a")["tier"]["id"] == "regular"


def test_the_night_has_nothing_to_do_before_a_term_ends(db, shop, bring, clock):
    bring(*TWO, as_of=AS_OF)
    before = db.fetch(ROWS)
    with db.reading() as tx:
        due = get_member(tx, parse_ref("a")).standing.due_at

    catch_up(db, clock.now())

    assert (due, db.fetch(ROWS)) == (ENDS, before)


def test_a_check_and_an_import_say_how_many_tiers_are_brought(bring, tmp_path, capsys):
    lines = *TWO, "c,2020-01-01T00:00:00Z,gold,2021-06-01,"
    path = tmp_path / "members.csv"

    tell(bring(*lines, as_of=AS_OF, only_check=True), path, only_check=True)
    checked = capsys.readouterr().out
    tell(bring(*lines, as_of=AS_OF), path, only_check=False)
    done = capsys.readouterr().out
    tell(bring(*lines, as_of=AS_OF), path, only_check=False)
    again = capsys.readouterr().out

    assert re.search(r"3 opening tiers\n +would be brought +3\n +gold +2\n +silver +1\n", checked)
    assert re.search(r"reviewed at once +1 +their term is over, as on line 4\n", checked)
    assert re.search(r"3 opening tiers\n +brought +3\n", done)
    assert re.search(r"3 opening tiers\n +brought +0\n +there already +3\n", again)


def test_a_night_that_comes_late_reviews_on_the_day_of_the_end(shop, bring, clock):
    bring(*TWO, as_of=AS_OF)
    clock.advance(ENDS + 90 * DAY - clock.now())

    catch_up(shop.db, clock.now())

    fell = [(row[3], row[5]) for row in shop.db.fetch(ROWS) if row[:2] == ("a", "demoted")]
    assert fell == [("silver", ENDS)]


def test_program_diff_foretells_the_end_of_a_brought_tier(shop, bring, clock):
    bring(*TWO)

    _, foretold = foresee(shop.db, None)
    clock.advance(400 * DAY)
    catch_up(shop.db, clock.now())

    fell = [row[2:4] + row[5:] for row in shop.db.fetch(ROWS) if row[1] == "demoted"]
    assert {(one.tier, one.to, one.at) for one in foretold.values()} == {
        ("gold", "silver", ENDS),
        ("silver", "regular", datetime(2026, 4, 10, 16, tzinfo=UTC)),
    }
    assert fell[0] == ("gold", "silver", ENDS)
    assert fell[-1] == ("silver", "regular", datetime(2026, 4, 10, 16, tzinfo=UTC))
