from datetime import UTC, datetime, timedelta

import pytest

from loyalty_service.earning.rules.conditions import (
    Scene,
    is_met,
    is_selected,
    select,
    why_none_selected,
    why_not_met,
)
from loyalty_service.earning.rules.facts import Who
from loyalty_service.program.rules.conditions import (
    All,
    AnyOf,
    BirthdayMonth,
    Brand,
    Category,
    Channel,
    FirstOrder,
    MinimumAmount,
    MinimumQuantity,
    Not,
    Sku,
    Tag,
    Weekday,
    Window,
)
from tests.unit.earning_factories import NOON, earn, fixed, line, order, points, program, refusal

LINES = select([line(1, 6000, 2, category="shoes", brand="Acme"), line(2, 4000, category="hats")])
SCENE = Scene(NOON, 1, 11, "app", False, Who(frozenset({"vip", "staff"}), 5))
HOUR = timedelta(hours=1)

APP, WEB = Channel(frozenset({"app"})), Channel(frozenset({"web"}))
SHOES, HATS = Category(frozenset({"shoes"})), Category(frozenset({"hats"}))
BAGS = Category(frozenset({"bags"}))


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        (Window(None, None), True),
        (Window(NOON, NOON + HOUR), True),
        (Window(NOON - HOUR, NOON), False),
        (Window(NOON + HOUR, None), False),
        (Window(None, NOON + HOUR), True),
        (Weekday(frozenset({1, 7})), True),
        (Weekday(frozenset({2})), False),
        (APP, True),
        (WEB, False),
        (MinimumAmount(10_000), True),
        (MinimumAmount(10_001), False),
        (MinimumQuantity(3), True),
        (MinimumQuantity(4), False),
        (Tag(frozenset({"vip", "new"})), True),
        (Tag(frozenset({"new"})), False),
        (FirstOrder(), False),
        (BirthdayMonth(), False),
        (All((APP, MinimumQuantity(3))), True),
        (All((APP, WEB)), False),
        (AnyOf((WEB, APP)), True),
        (AnyOf((WEB, FirstOrder())), False),
        (Not(WEB), True),
        (Not(APP), False),
    ],
)
def test_a_gate_opens_only_for_what_it_asks(condition, met):
    assert is_met(condition, SCENE, LINES) is met


@pytest.mark.parametrize(
    ("condition", "numbers"),
    [
        (SHOES, [1]),
        (Category(frozenset({"shoes", "hats"})), [1, 2]),
        (Sku(frozenset({"S2"})), [2]),
        (Brand(frozenset({"Acme"})), [1]),
        (Not(Brand(frozenset({"Acme"}))), [2]),
        (All((SHOES, Sku(frozenset({"S2"})))), []),
        (All((HATS, Sku(frozenset({"S2"})))), [2]),
        (AnyOf((SHOES, Sku(frozenset({"S2"})))), [1, 2]),
    ],
)
def test_a_line_condition_picks_only_its_lines(condition, numbers):
    picked = [one.line_no for one in LINES.lines if is_selected(condition, one)]

    assert picked == numbers


@pytest.mark.parametrize(
    ("condition", "code", "asked", "saw"),
    [
        (
            Window(NOON + HOUR, None),
            "window",
            {"from": "2024-11-11T05:00:00Z", "until": None},
            "2024-11-11T04:00:00Z",
        ),
        (Weekday(frozenset({7, 2})), "weekday", [2, 7], 1),
        (WEB, "channel", ["web"], "app"),
        (MinimumAmount(10_001), "minimum_amount", 10_001, 10_000),
        (MinimumQuantity(4), "minimum_quantity", 4, 3),
        (Tag(frozenset({"b", "a"})), "tag", ["a", "b"], ["staff", "vip"]),
        (FirstOrder(), "first_order", True, False),
        (BirthdayMonth(), "birthday_month", True, {"month": 11, "birthday": 5}),
    ],
)
def test_a_failed_leaf_says_what_it_asked_and_what_it_saw(condition, code, asked, saw):
    refused = why_not_met("rule", condition, SCENE, LINES)

    assert (refused.condition, refused.asked, refused.saw) == (code, asked, saw)


def test_of_several_failing_leaves_the_first_in_the_document_is_named():
    tree = All((APP, All((MinimumAmount(1), WEB)), FirstOrder()))

    refused = why_not_met("rule", tree, SCENE, LINES)

    assert (refused.condition, refused.asked) == ("channel", ["web"])


def test_a_failed_choice_names_all_its_alternatives():
    tree = AnyOf((WEB, All((FirstOrder(), Not(APP)))))

    refused = why_not_met("rule", tree, SCENE, LINES)

    assert refused.condition == "any"
    assert refused.asked == [
        {"channel": ["web"]},
        {"all": [{"first_order": True}, {"not": {"channel": ["app"]}}]},
    ]
    assert refused.saw == ["app", [False, "app"]]


@pytest.mark.parametrize(
    ("inner", "asked", "saw"),
    [
        (APP, {"channel": ["app"]}, "app"),
        (AnyOf((WEB, APP)), {"channel": ["app"]}, "app"),
        (
            All((APP, MinimumQuantity(1))),
            {"all": [{"channel": ["app"]}, {"minimum_quantity": 1}]},
            ["app", 3],
        ),
    ],
)
def test_a_failed_not_names_what_held_inside(inner, asked, saw):
    refused = why_not_met("rule", Not(inner), SCENE, LINES)

    assert (refused.condition, refused.asked, refused.saw) == ("not", asked, saw)


def test_not_of_not_names_the_innermost():
    refused = why_not_met("rule", Not(Not(WEB)), SCENE, LINES)

    assert (refused.condition, refused.saw) == ("channel", "app")


@pytest.mark.parametrize(
    ("condition", "code", "asked", "saw"),
    [
        (BAGS, "category", ["bags"], ["hats", "shoes"]),
        (Brand(frozenset({"None"})), "brand", ["None"], ["Acme"]),
        (All((SHOES, BAGS, HATS)), "category", ["bags"], ["hats", "shoes"]),
        (
            All((SHOES, HATS)),
            "all",
            [{"category": ["shoes"]}, {"category": ["hats"]}],
            [["hats", "shoes"], ["hats", "shoes"]],
        ),
        (Not(Sku(frozenset({"S1", "S2"}))), "not", {"sku": ["S1", "S2"]}, ["S1", "S2"]),
        (Not(AnyOf((BAGS, SHOES, HATS))), "not", {"category": ["shoes"]}, ["hats", "shoes"]),
    ],
)
def test_when_no_line_is_picked_the_failing_part_is_named(condition, code, asked, saw):
    refused = why_none_selected("rule", condition, LINES.lines)

    assert (refused.condition, refused.asked, refused.saw) == (code, asked, saw)


def test_of_very_many_names_a_refusal_shows_twenty():
    many = Sku(frozenset(f"X{number:04}" for number in range(3000)))

    refused = why_none_selected("rule", many, LINES.lines)

    assert refused.asked == [f"X{number:04}" for number in range(20)]


def test_weekday_and_month_are_those_of_the_programs_zone():
    late_on_saturday_in_utc = datetime(2024, 8, 31, 16, 0, tzinfo=UTC)
    in_september = Who(frozenset(), 9)
    on_sunday = program(
        fixed("sunday", 5, when=Weekday(frozenset({7}))),
        fixed("birthday", 7, when=BirthdayMonth()),
    )

    earned = earn(on_sunday, order(placed_at=late_on_saturday_in_utc, who=in_september))

    assert points(earned) == {"sunday": 5, "birthday": 7}


def test_an_unknown_birthday_is_in_no_month():
    earned = earn(program(fixed("birthday", 7, when=BirthdayMonth())))

    assert refusal(earned, "birthday").saw == {"month": 11, "birthday": None}


def test_a_first_order_earns_what_first_orders_earn():
    welcome = program(fixed("welcome", 50, when=FirstOrder()))

    assert points(earn(welcome, order(is_first=True))) == {"welcome": 50}
    assert points(earn(welcome, order(is_first=False))) == {}
