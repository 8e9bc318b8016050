"""What a new document changes is told in words, and nothing of it is passed over."""

import pytest

from loyalty_service.program.rules.comparing import compare_programs
from loyalty_service.program.rules.document import read_document
from loyalty_service.program.rules.program import Program
from tests.unit.program_documents import DOCUMENT, TIERED, changed

SETTINGS = "currency: CNY"
CHECK_IN = "on: check_in"


def read(text: str) -> Program:
    checked = read_document(text)
    assert checked.faults == ()
    assert checked.program is not None
    return checked.program


def told(*changes: tuple[str, str], lang: str = "en") -> dict[str, list[str]]:
    new = read(changed(*changes, text=TIERED))
    found = compare_programs(read(TIERED), new, lang)
    return {section: [f"{mark} {text}" for mark, text in lines] for section, lines in found.items()}


def test_equal_documents_differ_in_nothing() -> None:
    assert told() == {}
    assert told((SETTINGS, "currency: CNY  # as ever\nrounding: floor")) == {}


def test_a_changed_line_is_told_as_it_was_and_as_it_is() -> None:
    assert told(("at_least: 500", "at_least: 400"), ("grace: {days: 30}", "grace: none")) == {
        "general": ["- Before it falls there is a grace of 30 days"],
        "tiers": [
            (
                "- Silver: for 500 earned in Growth or 10 orders; kept with 300 earned in Growth; "
                "1.5 times the points of orders"
            ),
            (
                "+ Silver: for 400 earned in Growth or 10 orders; kept with 300 earned in Growth; "
                "1.5 times the points of orders"
            ),
        ],
    }


def test_the_words_may_be_chinese() -> None:
    assert told(("points: 500", "points: 600"), lang="zh")["caps"][0].startswith("- 每日：")


@pytest.mark.parametrize(
    ("lang", "before", "after"),
    [("en", "- Money is in CNY", "+ Money is in EUR"), ("zh", "- 货币为 CNY", "+ 货币为 EUR")],
)
def test_another_currency_is_told_where_no_rule_names_money(lang, before, after):
    no_money = changed(
        ('rate: {points: 1, per: "1.00"}', "fixed: 1"),
        ('      when: {minimum_amount: "10.00"}\n', ""),
        ('redemption:\n  block_points: 100\n  block_value: "1.00"\n', ""),
    )
    in_euros = read(changed(("CNY", "EUR"), text=no_money))

    found = compare_programs(read(no_money), in_euros, lang)

    assert [f"{mark} {text}" for mark, text in found["general"]] == [before, after]
    assert set(found) == {"general"}


def test_what_is_added_or_dropped_is_told_alone() -> None:
    new = read(TIERED.replace("tiers:", "tiers:").replace(" - orders: 10", " - orders: 11"))
    found = compare_programs(read(DOCUMENT), new, "en")

    assert [mark for mark, _ in found["tiers"]] == ["+"] * 4
    assert [mark for mark, _ in compare_programs(new, read(DOCUMENT), "en")["tiers"]] == ["-"] * 4


@pytest.mark.parametrize(
    ("old", "new", "section", "line"),
    [
        ("program: corner_shop", "program: shop", "general", "~ program.name"),
        ("combine: sum", "combine: best", "general", "~ earning.groups"),
        (
            "  groups:",
            "  multipliers_combine: add\n  groups:",
            "general",
            "~ earning.multipliers_combine",
        ),
        ("grace: {days: 30}", "multiplies: [growth]", "general", "~ tiers.multiplies"),
        (
            CHECK_IN,
            CHECK_IN + "\n      priority: 5",
            "rules",
            (
                "~ Check-in (Points): 1, 2, 3 points by day of the streak "
                "(the last for every further day) for the daily check-in (priority)"
            ),
        ),
        ("id: daily", "id: by_day", "caps", None),
        ("id: stylist", "id: helper", "tiers", None),
        ("id: gold", "id: golden", "tiers", None),
    ],
)
def test_what_no_words_tell_is_named(old: str, new: str, section: str, line: str | None) -> None:
    lines = told((old, new))[section]

    assert lines[-1].startswith("~ ")
    assert line is None or lines[-1] == line


# Every setting there is, each changed by itself.
EVERY = [
    ("time_zone: Asia/Shanghai", "time_zone: Asia/Tokyo"),
    (SETTINGS, SETTINGS + "\nclock: exact"),
    ("  groups:", "  streak: weekly\n  groups:"),
    ("  groups:", "  streak: monthly\n  groups:"),
    ("CNY", "USD"),
    (SETTINGS, SETTINGS + "\nrounding: ceiling"),
    (SETTINGS, SETTINGS + "\nreservations: {minutes: 15}"),
    (SETTINGS, SETTINGS + "\nreservations: {most_minutes: 150}"),
    (SETTINGS, SETTINGS + "\nreturns: {overdrawn: clamp}"),
    (SETTINGS, SETTINGS + "\nreturns: {give_back: only_when_full}"),
    (SETTINGS, SETTINGS + "\nreturns: {expired_meanwhile: expire}"),
    (SETTINGS, SETTINGS + "\nreturns: {expired_meanwhile: {grace: {months: 1}}}"),
    ("en: Points", "en: Coins"),
    ("wait_days: 3", "wait_days: 4"),
    ("expiry: never", "expiry: {after: {years: 3}}"),
    ("  groups:", "  shipping: true\n  groups:"),
    ("  groups:", "  tax: true\n  groups:"),
    ("  groups:", "  earn_on_points_paid: true\n  groups:"),
    ("points: 1,", "points: 2,"),
    (CHECK_IN, CHECK_IN + "\n      plain: true"),
    (CHECK_IN, CHECK_IN + "\n      exclusive: true"),
    (CHECK_IN, CHECK_IN + "\n      activation: {on: payment, wait_days: 3}"),
    (CHECK_IN, CHECK_IN + "\n      expiry: never"),
    (CHECK_IN + "\n      give: {by_streak: [1, 2, 3]}", "on: review\n      give: {fixed: 1}"),
    ("[shoes]", "[boots]"),
    ('"10.00"', '"11.00"'),
    ('factor: "2"', "factor: 3"),
    ('factor: "2"', "factor: 2\n      wallets: [growth]"),
    ("period: day", "period: week"),
    ("points: 500", "points: 501"),
    ("points: 500", "points: 500\n      over: reject"),
    ("covers: [base, check_in]", "covers: [base]"),
    ("block_points: 100", "block_points: 200"),
    ('block_value: "1.00"', "block_value: 2"),
    ("block_points: 100", "block_points: 100\n  minimum_points: 300"),
    ("block_points: 100", "block_points: 100\n  step_points: 10"),
    ("block_points: 100", "block_points: 100\n  max_share: 0.5"),
    ("block_points: 100", "block_points: 100\n  shipping: true"),
    ("window: {months: 12}", "window: year"),
    ("term: {months: 12, end: month}", "term: none"),
    ("grace: {days: 30}", "grace: {days: 31}"),
    ("grace: {days: 30}", "grace: {days: 30}\n  promote: next_review"),
    ("grace: {days: 30}", "grace: {days: 30}\n  demote: by_standing"),
    ("grace: {days: 30}", "grace: {days: 30}\n  on_return: at_once"),
    ("grace: {days: 30}", "grace: {days: 30}\n  tier_rate: reached"),
    ("at_least: 300", "at_least: 299"),
    ("factor: 1.5", "factor: 1.25"),
    ("gift: {points: 300}", "gift: {points: 301}"),
    ("gift: {points: 300}", "gift: {wallet: growth, points: 300}"),
    ("gift: {points: 300}", "gift: {points: 300, expiry: never}"),
    ("keep_for_ever: true", "keep_for_ever: false"),
]


@pytest.mark.parametrize(("old", "new"), EVERY)
def test_no_setting_is_passed_over(old: str, new: str) -> None:
    assert told((old, new)) != {}


def test_the_wallet_that_pays_is_named_where_another_does() -> None:
    two = changed(("spendable: false", "spendable: true"))
    of_points, of_growth = (
        read(two.replace("block_points", f"wallet: {wallet}\n  block_points"))
        for wallet in ("points", "growth")
    )

    assert compare_programs(of_points, of_growth, "en") == {
        "general": (("~", "redemption.wallet"),)
    }
