"""What a sound document says is what the program holds, exactly."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_service.program.rules.conditions import (
    All,
    AnyOf,
    BirthdayMonth,
    Brand,
    Category,
    Channel,
    Condition,
    FirstOrder,
    MinimumAmount,
    MinimumQuantity,
    Not,
    Sku,
    Tag,
    Weekday,
    Window,
)
from loyalty_service.program.rules.document import canonical, read_document
from loyalty_service.program.rules.earning import (
    ByStreak,
    Cap,
    CapPer,
    CapPeriod,
    CapUnit,
    EarningRule,
    Fixed,
    Give,
    Multiplier,
    MultipliersCombine,
    OverCap,
    PerUnit,
    Rate,
    Step,
    Streak,
)
from loyalty_service.program.rules.program import (
    GiveBack,
    Overdrawn,
    Program,
    Redemption,
    Reservations,
    Returns,
    Rounding,
)
from loyalty_service.program.rules.spans import Period, PeriodClock, RoundTo, Unit
from loyalty_service.program.rules.wallets import (
    ActivateOn,
    Activation,
    After,
    Expiry,
    FixedDates,
    Name,
    Never,
)
from tests.unit.program_documents import DOCUMENT, changed, with_give, with_lines, with_when

PROGRAMS = Path(__file__).parents[2] / "programs"


def read(text: str) -> Program:
    checked = read_document(text)
    assert checked.faults == ()
    assert checked.program is not None
    return checked.program


def first_rule(text: str) -> EarningRule:
    return read(text).earning.rules[0]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_what_is_left_out_has_its_default() -> None:
    program = read(DOCUMENT)

    assert program.rounding is Rounding.FLOOR
    assert program.clock is PeriodClock.DAYS
    assert program.returns == Returns(Overdrawn.NEGATIVE)
    assert program.wallets[0].activation == Activation(ActivateOn.FULFILMENT, 0)
    assert program.earning.multipliers_combine is MultipliersCombine.MULTIPLY
    assert program.earning.streak is Streak.OPEN
    assert (program.earning.shipping, program.earning.tax) == (False, False)
    assert program.redemption == Redemption(100, 100, 100, 100, Fraction(1), "points")
    assert program.reservations == Reservations(30, 120)
    assert program.returns.give_back is GiveBack.PRO_RATA
    assert program.returns.grace == Period(30, Unit.DAYS)
    assert not program.earning.earn_on_points_paid


def test_what_is_said_is_kept() -> None:
    program = read(
        changed(
            (
                "wallets:",
                "rounding: half_even\nclock: exact\nreturns: {overdrawn: clamp}\nwallets:",
            ),
            ("  groups:", "  shipping: true\n  tax: true\n  streak: monthly\n  groups:"),
            ("  groups:", "  multipliers_combine: add\n  groups:"),
            ('block_value: "1.00"', "block_value: 2.5\n  minimum_points: 500\n  step_points: 50"),
            ("block_points: 100", 'block_points: 200\n  max_share: "0.5"'),
        )
    )

    assert (program.name, program.currency, program.zone) == (
        "corner_shop",
        "CNY",
        ZoneInfo("Asia/Shanghai"),
    )
    assert (program.rounding, program.clock) == (Rounding.HALF_EVEN, PeriodClock.EXACT)
    assert program.returns == Returns(Overdrawn.CLAMP)
    assert (program.earning.shipping, program.earning.tax) == (True, True)
    assert program.earning.streak is Streak.MONTHLY
    assert program.earning.multipliers_combine is MultipliersCombine.ADD
    assert program.redemption == Redemption(200, 250, 500, 50, Fraction(1, 2), "points")


def test_what_is_said_of_spending_is_kept() -> None:
    program = read(
        changed(
            (
                "wallets:",
                (
                    "reservations: {minutes: 45}\nreturns:\n  give_back: only_when_full\n"
                    "  expired_meanwhile: expire\nwallets:"
                ),
            ),
            ("    spendable: false", "    spendable: true"),
            ("  groups:", "  earn_on_points_paid: true\n  groups:"),
            (
                "block_points: 100",
                "wallet: growth\n  shipping: true\n  tax: true\n  block_points: 100",
            ),
        )
    )

    assert program.earning.earn_on_points_paid
    assert program.redemption == Redemption(
        100, 100, 100, 100, Fraction(1), "growth", shipping=True, tax=True
    )
    assert program.reservations == Reservations(45, 120)
    assert program.returns == Returns(Overdrawn.NEGATIVE, GiveBack.ONLY_WHEN_FULL, None)


def test_a_grace_is_days_months_or_years() -> None:
    program = read(
        changed(("wallets:", "returns: {expired_meanwhile: {grace: {months: 2}}}\nwallets:"))
    )

    assert program.returns.grace == Period(2, Unit.MONTHS)


def test_a_long_first_time_stretches_the_most() -> None:
    program = read(changed(("wallets:", "reservations: {minutes: 200}\nwallets:")))

    assert program.reservations == Reservations(200, 200)


def test_a_program_needs_neither_redemption_nor_multipliers_nor_caps() -> None:
    text = DOCUMENT[: DOCUMENT.index("  multipliers:")]

    program = read(text)

    assert program.redemption is None
    assert program.earning.multipliers == program.earning.caps == ()


def test_an_empty_list_says_as_much_as_none() -> None:
    text = DOCUMENT[: DOCUMENT.index("  multipliers:")]

    assert read(text + "  multipliers: []\n  caps: []\n") == read(text)


def test_a_rule_has_no_priority_of_its_own() -> None:
    assert first_rule(DOCUMENT).priority == 0


def test_a_wallet_is_found_by_its_id() -> None:
    program = read(DOCUMENT)

    assert program.find_wallet("growth") is program.wallets[1]
    assert program.find_wallet("tokens") is None


def test_wallets_say_when_points_come_alive_and_end() -> None:
    points, growth = read(DOCUMENT).wallets

    assert points.name == Name("Points", "积分")
    assert (points.spendable, growth.spendable) == (True, False)
    assert points.expiry == After(Period(12, Unit.MONTHS), RoundTo.MONTH)
    assert growth.activation == Activation(ActivateOn.PAYMENT, 3)
    assert growth.expiry == Never()


@pytest.mark.parametrize(
    ("written", "expiry"),
    [
        ("{after: {days: 30}}", After(Period(30, Unit.DAYS))),
        ("{after: {years: 2}, round_to: year}", After(Period(2, Unit.YEARS), RoundTo.YEAR)),
        ("{fixed: [12-31, 02-29]}", FixedDates(((2, 29), (12, 31)))),
    ],
)
def test_points_end_after_a_period_or_on_fixed_dates(written: str, expiry: Expiry) -> None:
    program = read(changed(("expiry: never", f"expiry: {written}")))

    assert program.wallets[1].expiry == expiry


@pytest.mark.parametrize(
    ("written", "give"),
    [
        ('{rate: {points: "0.1", per: 3.3}}', Rate(Fraction(1, 10), 330)),
        ("{step: {points: 7, per: 4}}", Step(7, 400)),
        ("{fixed: 50}", Fixed(50)),
        ("{per_unit: 2.5}", PerUnit(Fraction(5, 2))),
    ],
)
def test_numbers_are_read_exactly(written: str, give: Give) -> None:
    assert first_rule(with_give(written)).give == give


def test_a_streak_gives_by_its_day() -> None:
    assert read(DOCUMENT).earning.rules[1].give == ByStreak((1, 2, 3))


@pytest.mark.parametrize(
    ("currency", "written", "minor"),
    [("JPY", "100", 100), ("KWD", "1.125", 1125), ("USD", "1.1", 110)],
)
def test_money_becomes_the_currency_s_minor_units(currency: str, written: str, minor: int) -> None:
    text = DOCUMENT.replace('"1.00"', f'"{written}"').replace('"10.00"', '"10"')

    program = read(text.replace("currency: CNY", f"currency: {currency}"))

    assert program.earning.rules[0].give == Rate(Fraction(1), minor)
    assert program.redemption is not None
    assert program.redemption.block_value_minor == minor


def test_money_that_does_not_fit_the_currency_is_a_fault() -> None:
    checked = read_document(DOCUMENT.replace("currency: CNY", "currency: JPY").replace(".00", ".5"))

    assert {fault.expected for fault in checked.faults} == {"money above 0 with no decimals"}


@pytest.mark.parametrize(
    ("written", "condition"),
    [
        ("{channel: [app, web]}", Channel(frozenset({"app", "web"}))),
        ("{tag: [staff]}", Tag(frozenset({"staff"}))),
        ("{weekday: [sat, 7]}", Weekday(frozenset({6, 7}))),
        ('{minimum_amount: "99.90"}', MinimumAmount(9990)),
        ("{minimum_quantity: 3}", MinimumQuantity(3)),
        ("{first_order: true}", FirstOrder()),
        ("{birthday_month: true}", BirthdayMonth()),
        ("{not: {first_order: true}}", Not(FirstOrder())),
        (
            "{any: [{first_order: true}, {all: [{birthday_month: true}]}]}",
            AnyOf((FirstOrder(), All((BirthdayMonth(),)))),
        ),
        ("{window: {from: 2026-11-01}}", Window(utc("2026-10-31T16:00"), None)),
        ("{window: {until: 2026-11-11}}", Window(None, utc("2026-11-11T16:00"))),
        (
            '{window: {from: "2026-10-31 20:00", until: "2026-11-11T23:59:30"}}',
            Window(utc("2026-10-31T12:00"), utc("2026-11-11T15:59:30")),
        ),
        (
            '{window: {from: "2026-10-31T12:00Z", until: "2026-10-31T12:00-05:00"}}',
            Window(utc("2026-10-31T12:00"), utc("2026-10-31T17:00")),
        ),
    ],
)
def test_conditions_are_read_as_structure(written: str, condition: Condition) -> None:
    assert first_rule(with_when(written)).when == condition


@pytest.mark.parametrize(
    ("written", "condition"),
    [
        ('{sku: ["0012", A-1]}', Sku(frozenset({"0012", "A-1"}))),
        ("{brand: [云山]}", Brand(frozenset({"云山"}))),
        ("{not: {category: [on, no]}}", Not(Category(frozenset({"on", "no"})))),
    ],
)
def test_lines_are_selected_by_what_they_are(written: str, condition: Condition) -> None:
    assert first_rule(with_lines(written)).lines == condition


def test_a_rule_may_have_everything_of_its_own() -> None:
    own = (
        "wallet: growth\n      priority: -5\n      exclusive: true\n      plain: true\n"
        "      activation: {on: payment}\n      expiry: {after: {days: 1}}\n      group: base\n"
    )

    rule = first_rule(
        changed(
            ("wallet: points\n      group: base\n", own),
            ("covers: [base, check_in]", "covers: [base]"),
        )
    )

    assert (rule.wallet, rule.priority, rule.exclusive, rule.plain) == ("growth", -5, True, True)
    assert rule.activation == Activation(ActivateOn.PAYMENT)
    assert rule.expiry == After(Period(1, Unit.DAYS))


def test_a_multiplier_acts_on_points_unless_it_names_wallets() -> None:
    usual = read(DOCUMENT).earning.multipliers[0]
    own = "wallets: [growth]\n      lines: {brand: [B]}\n      when: {first_order: true}"
    text = changed(('factor: "2"', f"factor: 0.75\n      {own}"))
    named = read(text).earning.multipliers[0]

    assert usual == Multiplier("double", Name("Double", "双倍"), Fraction(2), frozenset({"points"}))
    assert (named.factor, named.wallets) == (Fraction(3, 4), frozenset({"growth"}))
    assert (named.lines, named.when) == (Brand(frozenset({"B"})), FirstOrder())


def test_a_multiplier_names_its_wallets_where_none_is_called_points() -> None:
    checked = read_document(DOCUMENT.replace("points\n", "coins\n").replace("coins: 500", "x"))

    assert [fault.path for fault in checked.faults] == ["earning.multipliers[0].wallets"]


def test_a_cap_cuts_unless_it_rejects() -> None:
    cut = read(DOCUMENT).earning.caps[0]
    times = read(changed(("points: 500", "times: 2\n      over: reject"))).earning.caps[0]

    assert cut == Cap(
        "daily",
        Name("Daily", "每日"),
        ("base", "check_in"),
        CapPer.MEMBER,
        CapUnit.POINTS,
        500,
        OverCap.CUT,
        CapPeriod.DAY,
    )
    assert (times.unit, times.limit, times.over) == (CapUnit.TIMES, 2, OverCap.REJECT)


def test_times_may_be_counted_over_rules_of_several_wallets() -> None:
    text = changed(
        (
            "wallet: points\n      group: base\n      on",
            "wallet: growth\n      group: base\n      on",
        ),
        ("points: 500", "times: 5"),
    )

    assert read(text).earning.caps[0].limit == 5


def test_a_cap_of_an_order_has_no_period() -> None:
    text = changed(
        ("per: member\n      period: day", "per: order"),
        ("covers: [base, check_in]", "covers: [base]"),
    )

    assert read(text).earning.caps[0].period is None


def test_an_alias_repeats_what_it_names() -> None:
    text = changed(
        ("{en: Shopping, zh: 购物}", "&named {en: Shopping, zh: 购物}"),
        ("{en: Check-in, zh: 签到}", "*named"),
    )

    shopping, check_in = read(text).earning.rules[:2]

    assert shopping.name == check_in.name


def test_json_is_read_as_well_with_tabs_and_escapes() -> None:
    shop = json.loads(canonical(DOCUMENT))
    shop["wallets"][0]["name"]["en"] = "Points\U0001f45f/of\tnothing".replace("\t", " ")
    text = json.dumps(shop, indent="\t").replace("/", "\\/")

    program = read(text)

    assert program.wallets[0].name.en == "Points\U0001f45f/of nothing"


@pytest.mark.parametrize("path", sorted(PROGRAMS.glob("*.yaml")), ids=lambda path: path.name)
def test_the_programs_that_come_along_are_sound(path: Path) -> None:
    read(path.read_text("utf-8"))


@pytest.mark.parametrize("path", sorted(PROGRAMS.glob("*.yaml")), ids=lambda path: path.name)
def test_the_stored_form_says_the_same(path: Path) -> None:
    text = path.read_text("utf-8")

    assert asdict(read(canonical(text))) == asdict(read(text))
    assert canonical(canonical(text)) == canonical(text)


def test_the_stored_form_does_not_depend_on_how_a_document_is_written() -> None:
    spaced = DOCUMENT.replace("currency: CNY\n", "").replace(
        "program:", "# Money first.\n\ncurrency:   'CNY'\nprogram:"
    )

    assert canonical(spaced) == canonical(DOCUMENT)


def test_the_stored_form_keeps_digits_and_says_nothing_by_null() -> None:
    text = "b: [1.50, 7, true, on, '012', 1234567890123456789012]\na:"

    assert canonical(text) == ('{"a":null,"b":["1.50",7,true,"on","012","1234567890123456789012"]}')


points = st.decimals(min_value="0.000000001", max_value=10**6, places=9).map(lambda d: f"{d:f}")
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
gates = st.recursive(
    st.sampled_from(
        [
            {"first_order": True},
            {"weekday": ["mon", 7]},
            {"minimum_amount": 5},
            {"window": {"from": "2026-11-01", "until": "2026-11-11 08:30"}},
        ]
    )
    | st.lists(names, min_size=1, max_size=3, unique=True).map(lambda each: {"tag": each}),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"all": each}),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"any": each}),
        inner.map(lambda each: {"not": each}),
    ),
    max_leaves=6,
)


@settings(max_examples=30)
@given(points, gates)
def test_whatever_is_read_is_read_back_from_its_stored_form(rate: str, when: object) -> None:
    text = changed(
        ("points: 1,", f"points: {rate},"), ('{minimum_amount: "10.00"}', json.dumps(when))
    )

    checked = read_document(text)

    if checked.program is None:
        assert all(
            "printable" in fault.expected or ".tag" in fault.path for fault in checked.faults
        )
    else:
        assert read(canonical(text)) == checked.program
        give = checked.program.earning.rules[0].give
        assert isinstance(give, Rate)
        assert give.points == Fraction(rate)
