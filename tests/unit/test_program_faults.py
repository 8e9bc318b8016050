"""Everything that can be wrong with a document is told: its line, its place and the remedy."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_service.program.rules.document import UnreadableProgram, canonical, read_document
from loyalty_service.program.rules.nodes import MAX_CHARACTERS
from tests.unit.program_documents import DOCUMENT, TIERED, changed

HERE = Path(__file__).parent
BROKEN = yaml.safe_load((HERE / "broken_programs.yaml").read_text("utf-8"))
BROKEN_TIERS = yaml.safe_load((HERE / "broken_tiers.yaml").read_text("utf-8"))
WHEN = 'lines: {category: [shoes]}\n      when: {minimum_amount: "10.00"}'


def told(text: str) -> list[str]:
    """The faults of a document, each as the command line prints it."""
    checked = read_document(text)
    assert (checked.program is None) == bool(checked.faults)
    return [f"{f.line} {f.path}: {f.message} (expected {f.expected})" for f in checked.faults]


def test_a_sound_document_has_no_fault() -> None:
    assert told(DOCUMENT) == []


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: repr(broken["to"]))
def test_a_fault_says_where_it_is_and_what_was_expected(broken: dict[str, Any]) -> None:
    text = changed((broken["change"], broken["to"]))

    assert told(text) == broken["faults"]


def test_sound_tiers_have_no_fault() -> None:
    assert told(TIERED) == []


@pytest.mark.parametrize("broken", BROKEN_TIERS, ids=lambda broken: repr(broken["to"]))
def test_a_fault_of_tiers_stands_where_it_was_made(broken: dict[str, Any]) -> None:
    text = changed((broken["change"], broken["to"]), text=TIERED)

    assert told(text) == broken["faults"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("window: {months: 12}\n  term: {months: 12, end: month}", "window: month\n  term: this"),
        (
            "window: {months: 12}\n  term: {months: 12, end: month}",
            "window: membership_year\n  term: next",
        ),
        ("term: {months: 12, end: month}\n  grace: {days: 30}", "term: none\n  grace: none"),
        # A grace counts from the fall where there is no term.
        ("term: {months: 12, end: month}", "term: none"),
        ("  term: {months: 12, end: month}\n  grace: {days: 30}\n", ""),
        # Fewer orders than silver's, but money beside them, and silver may be had without orders.
        ("orders: 20\n      perks", "orders: 5\n      perks"),
        # As many orders as gold asks, and more money.
        ('spend: "9000.00"', 'spend: "2000.01"'),
        # The same as gold, and a balance besides.
        ('spend: "9000.00"', 'spend: "2000.00"'),
        # Something else altogether.
        ('- spend: "2000.00"\n          - orders: 20\n      perks', "- spend: 1\n      perks"),
        ("factor: 1.5", "factor: 1"),
        ("gift: {points: 300}", "gift: {wallet: growth, points: 1, expiry: never}"),
        ("keep_for_ever: true", "keep_for_ever: false\n      keep: {any: [{orders: 20}]}"),
    ],
)
def test_tiers_that_look_odd_and_are_sound_have_no_fault(old: str, new: str) -> None:
    assert told(changed((old, new), text=TIERED)) == []


def test_a_tier_may_be_asked_of_only_where_there_are_tiers() -> None:
    assert told(changed((WHEN, "when: {tier: [gold, silver]}"))) == [
        (
            "23 earning.rules[0].when.tier: a tier where the program has none "
            "(expected a section tiers with its levels)"
        )
    ]


@pytest.mark.parametrize("tiers", ["12", "{levels: []}", "{window: year}"])
def test_a_condition_on_tiers_that_cannot_be_read_is_no_fault_of_its_own(tiers: str) -> None:
    text = changed((WHEN, "when: {tier: [gold, silver]}")) + f"tiers: {tiers}\n"

    assert told(text)
    assert [fault for fault in told(text) if "earning" in fault] == []


def test_money_of_tiers_has_the_decimals_of_its_currency() -> None:
    yen = changed(("currency: CNY", "currency: JPY"), text=TIERED)

    assert told(changed(('"2000.00"', "2000.50"), text=yen)) == [
        (
            "64 tiers.levels[2].entry.all[0].spend: found 2000.50 "
            "(expected money above 0 with no decimals)"
        )
    ]
    assert told(changed(('"9000.00"', "1000"), text=yen)) == [
        (
            "72 tiers.levels[3].entry.all[0].spend: diamond asks 1000 of spend "
            "(expected no less than gold below it, which asks 2000)"
        )
    ]


def test_factors_have_to_say_what_they_act_on_where_no_wallet_is_called_points() -> None:
    coins = TIERED.replace(": points\n", ": coins\n").replace("wallet: points", "wallet: coins")
    text = changed(('factor: "2"', 'factor: "2"\n      wallets: [coins]'), text=coins)

    assert told(text) == ["47 tiers.multiplies: missing (expected a list of 1 to 2)"]
    assert told(text.replace("factor: 1.5", "factor: 1")) == []
    assert told(text.replace("grace: {days: 30}", "multiplies: [coins]")) == []


def test_a_gift_names_its_wallet_where_several_can_be_spent() -> None:
    text = changed(
        ("spendable: false", "spendable: true"),
        ("block_value", "wallet: points\n  block_value"),
        text=TIERED,
    )

    assert told(text) == [
        (
            "68 tiers.levels[2].gift.wallet: missing (expected an id: a to z, "
            "then a to z, 0 to 9 or _, at most 40 characters)"
        )
    ]


def test_a_tier_without_a_readable_id_is_told_by_its_place() -> None:
    text = changed(("- id: diamond", "- id: Diamond"), ('"9000.00"', "1"), text=TIERED)

    assert told(text)[1].startswith(
        "72 tiers.levels[3].entry.all[0].spend: tiers.levels[3] asks 1.00 of spend"
    )


def test_all_faults_are_told_at_once_in_the_order_of_their_lines() -> None:
    text = changed(
        ('factor: "2"', "factor: none"),
        ("currency: CNY", "currency: XYZ"),
        ("spendable: false", "spendable: 0"),
    )

    assert [line.split(":")[0] for line in told(text)] == [
        "2 currency",
        "11 wallets[1].spendable",
        "34 earning.multipliers[0].factor",
    ]


def test_a_fault_in_a_list_that_is_too_long_is_told_with_the_first_items() -> None:
    many = ", ".join(f"{{id: g{number}, combine: all}}" for number in range(60))

    faults = told(changed(("    - {id: base, combine: sum}\n", f"    [{many}]\n")))

    assert faults[0] == "16 earning.groups: 60 items (expected a list of 1 to 50)"
    assert sum("combine" in fault for fault in faults) == 50


def test_of_very_many_faults_the_first_hundred_are_told() -> None:
    unknown = ", ".join(f"base_{number}" for number in range(400))

    faults = told(changed(("covers: [base, check_in]", f"covers: [{unknown}]")))

    assert len(faults) == 101
    assert faults[-1] == "38 : there may be more faults (expected the first ones mended)"


def test_points_of_several_wallets_do_not_add_up_to_a_cap() -> None:
    text = changed(
        (
            "wallet: points\n      group: base\n      on",
            "wallet: growth\n      group: base\n      on",
        )
    )

    assert told(text) == [
        (
            "38 earning.caps[0].covers: rules of several wallets "
            "(expected rules of one wallet, whose points add up)"
        )
    ]


def many(count: int, template: str) -> str:
    return "[" + ", ".join(template.format(number) for number in range(count)) + "]"


def more(count: int, start: str, rest: str) -> str:
    """A line followed by ``count`` more items of its list."""
    items = (
        f"{{id: x{number}, name: {{en: A{number}, zh: B{number}}}, {rest}}}"
        for number in range(count)
    )
    return start + "\n" + "\n".join(f"    - {item}" for item in items)


WALLET = "spendable: false, expiry: never"
CAP = "covers: [base], per: order, points: 1"
YEARLY = [f"{month:02}-{day:02}" for month in (1, 3) for day in range(1, 14)]


@pytest.mark.parametrize(
    ("old", "fits", "exceeds"),
    [
        ("{months: 12}", "{days: 36500}", "{days: 36501}"),
        ("{months: 12}", "{months: 1200}", "{months: 1201}"),
        ("{months: 12}", "{years: 100}", "{years: 101}"),
        ("{months: 12}", "{years: 1}", "{years: 0}"),
        ("wait_days: 3", "wait_days: 3650", "wait_days: 3651"),
        ("wait_days: 3", "wait_days: 0", "wait_days: -1"),
        ("never", f"{{fixed: {YEARLY[:24]}}}", f"{{fixed: {YEARLY[:25]}}}"),
        (
            "  - id: growth",
            more(18, "", WALLET).replace("    -", "  -") + "\n  - id: growth",
            more(19, "", WALLET).replace("    -", "  -") + "\n  - id: growth",
        ),
        ('{minimum_amount: "10.00"}', "{minimum_quantity: 1}", "{minimum_quantity: 0}"),
        ('{minimum_amount: "10.00"}', "{minimum_quantity: 1000000}", "{minimum_quantity: 1000001}"),
        (
            '{minimum_amount: "10.00"}',
            "{minimum_amount: 10000000000000}",
            "{minimum_amount: 10000000000000.01}",
        ),
        (
            '{minimum_amount: "10.00"}',
            "{weekday: [1, 2, 3, 4, 5, 6, 7]}",
            "{weekday: [1, 2, 3, 4, 5, 6, 7, 1]}",
        ),
        (
            '{minimum_amount: "10.00"}',
            "{any: " + many(50, "{{first_order: true}}") + "}",
            "{any: " + many(51, "{{first_order: true}}") + "}",
        ),
        ("[shoes]", many(5_000, "c{}"), many(5_001, "c{}")),
        ("[shoes]", f"[{'x' * 100}]", f"[{'x' * 101}]"),
        ("{points: 1,", "{points: 1000000000,", "{points: 1000000000.1,"),
        ("{points: 1,", "{points: 0.000000001,", "{points: 0.0000000001,"),
        ("[1, 2, 3]", many(366, "1"), many(367, "1")),
        ("[1, 2, 3]", "[1000000000]", "[1000000001]"),
        (
            "  multipliers:",
            more(199, "  multipliers:", "factor: 1"),
            more(200, "  multipliers:", "factor: 1"),
        ),
        ("  caps:", more(199, "  caps:", CAP), more(200, "  caps:", CAP)),
        ('factor: "2"', "factor: 1000", "factor: 1000.1"),
        (
            'factor: "2"',
            "factor: 1\n  multipliers_combine: add",
            "factor: 0.9\n  multipliers_combine: add",
        ),
        ("points: 500", "points: 1000000000", "points: 1000000001"),
        ("points: 500", "points: 1", "points: 0"),
        ("block_points: 100", "block_points: 1", "block_points: 0"),
        ("block_points: 100", "block_points: 1\n  max_share: 1", "block_points: 1\n  max_share: 2"),
        ("corner_shop", "c" * 40, "c" * 41),
    ],
)
def test_every_number_and_list_has_its_bound(old: str, fits: str, exceeds: str) -> None:
    assert told(changed((old, fits))) == []
    assert told(changed((old, exceeds))) != []


def test_very_many_choices_are_cut() -> None:
    many = "".join(f"    - {{id: g{number}, combine: sum}}\n" for number in range(40))

    faults = told(changed(("    - {id: base, combine: sum}\n", many)))

    assert faults[0].endswith("g28, g29 and 10 more)")


def test_what_a_terminal_would_obey_is_shown_escaped_and_short() -> None:
    faults = told(changed(("currency: CNY", f'currency: "\\e[2J{"x" * 100}"')))

    assert faults[0].startswith('2 currency: found "\\u001b[2Jxxx')
    assert "…" in faults[0]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "1 : nothing (expected a program document)"),
        ("# only a comment", "1 : nothing (expected a program document)"),
        ("a: 1\n---\nb: 2", "3 : a second document (expected one document)"),
        (
            "a: [1\nb",
            "2 : expected ',' or ']', but got '<stream end>', at column 2 (expected YAML or JSON)",
        ),
        ("a: 1\n\tb: 2", "2 : a tab at column 1 (expected spaces: YAML takes no tabs there)"),
        ("a:\n  b:\t1", "2 : a tab at column 5"),
        ("a: !!python/name:os.system x", "1 : the tag tag:yaml.org,2002:python/name:os.system"),
        ("a: !!int 5", "1 : the tag tag:yaml.org,2002:int (expected plain YAML without tags)"),
        ("a: 1\nb: *c", "2 : *c (expected the name of an anchor above)"),
        ("a: &b [*b]", "1 : *b (expected the name of an anchor above)"),
        ("a: 1\nb: \x07", "2 : a character that cannot be shown (expected printable text)"),
        ("\ud800", "1 : a character that cannot be shown (expected printable text)"),
        ("a: " + "[" * 30, "1 : too many levels (expected at most 24 levels)"),
        ("x" * (MAX_CHARACTERS + 1), "1 : 262145 characters (expected at most 262144 characters)"),
        ("- a\n- b", "1 : found a list (expected a mapping with one of program, currency"),
        ("just words", '1 : found "just words" (expected a mapping with one of program, currency'),
    ],
)
def test_what_is_no_document_at_all_is_one_fault(text: str, fault: str) -> None:
    faults = told(text)

    assert len(faults) == 1
    assert faults[0].startswith(fault)


def test_aliases_cannot_multiply_a_short_document_into_a_huge_one() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]

    assert told("\n".join(lines)) == ["5 : too many values (expected at most 50000 values)"]


def test_a_document_that_cannot_be_read_has_no_stored_form() -> None:
    with pytest.raises(UnreadableProgram, match="Line 1") as refusal:
        canonical("a: [")

    assert refusal.value.values == {"line": 1}


@given(st.text(max_size=60))
def test_no_text_whatever_breaks_the_reader(text: str) -> None:
    assert told(text)


@settings(max_examples=30)
@given(st.integers(0, len(DOCUMENT) - 1), st.text(max_size=3), st.integers(0, 3))
def test_no_slip_of_the_pen_breaks_the_reader(place: int, typed: str, erased: int) -> None:
    told(DOCUMENT[:place] + typed + DOCUMENT[place + erased :])
