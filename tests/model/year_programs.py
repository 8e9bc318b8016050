"""Programs for whole years: windows, terms and graces of many months, in zones far apart.

Each is (zone, first version, second version); the second comes into force after half of the time.
"""

from tests.model.programs import changed

RULES = """
earning:
  streak: open
  groups: [{id: base, combine: sum}]
  rules:
    - {id: base, name: {en: a, zh: a}, wallet: points, group: base,
       give: {rate: {points: 1, per: "1.00"}}}
    - {id: growing, name: {en: b, zh: b}, wallet: growth, group: base,
       give: {rate: {points: 1, per: "1.00"}}}
    - {id: tea, name: {en: c, zh: c}, wallet: points, group: base, plain: true,
       give: {per_unit: 5}, lines: {category: [tea]}, expiry: {after: {months: 1}}}
    - {id: checking, name: {en: d, zh: d}, wallet: points, group: base, on: check_in,
       give: {by_streak: [2, 4]}}
    - {id: reviewing, name: {en: e, zh: e}, wallet: growth, group: base, on: review,
       give: {fixed: 40}, activation: {on: payment, wait_days: 3}}
    - {id: cake, name: {en: f, zh: f}, wallet: points, group: base, on: birthday,
       give: {fixed: 200}, activation: {on: payment}, expiry: {after: {months: 1}}}
    - {id: candle, name: {en: g, zh: g}, wallet: growth, group: base, on: birthday,
       give: {fixed: 60}, activation: {on: payment}, when: {tier: [silver, gold]}}
redemption: {block_points: 100, block_value: "1.00", max_share: "0.5"}
"""


def program(zone: str, clock: str, points: str, growth: str, tiers: str) -> str:
    return f"""
program: years
currency: CNY
time_zone: {zone}
rounding: floor
clock: {clock}
wallets:
  - id: points
    name: {{en: Points, zh: 积分}}
    spendable: true
{points}
  - id: growth
    name: {{en: Growth, zh: 成长值}}
    spendable: false
{growth}
{RULES}
{tiers}
"""


def waits(activation: str, expiry: str) -> str:
    return f"    activation: {activation}\n    expiry: {expiry}"


def levels(silver: str, gold: str, *, more: str = "") -> str:
    return f"""\
  levels:
    - {{id: regular, name: {{en: h, zh: h}}}}
    - id: silver
      name: {{en: i, zh: i}}
      entry: {silver}
      factor: "1.2"
      gift: {{points: 300, expiry: {{after: {{months: 2}}}}}}
    - id: gold
      name: {{en: j, zh: j}}
      entry: {gold}
      factor: "1.5"
      gift: {{points: 1000}}
{more}"""


ROLLING = program(
    "Asia/Shanghai",
    "days",
    waits("{on: fulfilment, wait_days: 7}", "{after: {months: 12}, round_to: month}"),
    waits("{on: payment}", "never"),
    """\
tiers:
  window: {months: 12}
  term: {months: 12, end: month}
  grace: {months: 1, end: month}
"""
    + levels(
        "{any: [{earned: {wallet: growth, at_least: 2000}}, {orders: 12}]}\n"
        "      keep: {any: [{earned: {wallet: growth, at_least: 1200}}]}",
        "{all: [{earned: {wallet: growth, at_least: 6000}}]}",
    ),
)

CALENDAR = program(
    "Europe/Berlin",
    "days",
    waits("{on: fulfilment}", '{fixed: ["02-29", "10-31"]}'),
    waits("{on: fulfilment, wait_days: 14}", "{after: {years: 1}, round_to: year}"),
    """\
tiers:
  window: year
  term: next
  demote: by_standing
  on_return: at_once
  gifts_on_return: taken_back
  tier_rate: reached
"""
    + levels(
        '{all: [{spend: "1500.00"}]}',
        '{any: [{spend: "5000.00"}, {earned: {wallet: growth, at_least: 4000}}]}',
    ),
)

# Until 2018 clocks went forward at midnight in October, so that a day had no midnight.
OWN_YEARS = program(
    "America/Sao_Paulo",
    "exact",
    waits("{on: fulfilment}", "{after: {days: 90}}"),
    waits("{on: payment, wait_days: 1}", "never"),
    """\
tiers:
  window: membership_year
  term: this
  grace: {days: 30}
  on_return: at_once
"""
    + levels(
        "{any: [{earned: {wallet: growth, at_least: 900}}]}",
        '{all: [{spend: "3000.00"}, {orders: 3}]}',
    ),
)

OPEN_ENDED = program(
    "Pacific/Kiritimati",
    "days",
    waits("{on: payment}", "{after: {days: 120}}"),
    waits("{on: payment}", "never"),
    """\
tiers:
  window: {days: 180}
  term: none
  grace: {days: 10}
  on_return: at_once
  gifts_on_return: taken_back
  multiplies: [points, growth]
"""
    + levels(
        '{any: [{balance: {wallet: points, at_least: 900}}, {spend: "1200.00"}]}',
        "{all: [{balance: {wallet: points, at_least: 3000}}, {orders: 6}]}",
    ),
)

REVIEWED = program(
    "Pacific/Pago_Pago",
    "days",
    waits("{on: payment, wait_days: 30}", "{after: {months: 3}, round_to: month}"),
    waits("{on: fulfilment}", "never"),
    """\
tiers:
  window: quarter
  term: {days: 200}
  promote: next_review
  demote: by_standing
"""
    + levels(
        "{any: [{earned: {wallet: growth, at_least: 600}}, {orders: 5}]}",
        "{all: [{earned: {wallet: growth, at_least: 2500}}]}",
        more="      keep_for_ever: true\n",
    ),
)

PROGRAMS = {
    "rolling": (
        "Asia/Shanghai",
        ROLLING,
        changed(
            ROLLING,
            ("  grace: {months: 1, end: month}\n", "  demote: by_standing\n"),
            ("at_least: 2000", "at_least: 1500"),
        ),
    ),
    "calendar": (
        "Europe/Berlin",
        CALENDAR,
        changed(
            CALENDAR,
            ("window: year", "window: quarter"),
            ("  demote: by_standing\n", "  grace: {days: 45, end: quarter}\n"),
        ),
    ),
    "own years": (
        "America/Sao_Paulo",
        OWN_YEARS,
        changed(
            OWN_YEARS, ("term: this", "term: next"), ("grace: {days: 30}", "grace: {months: 2}")
        ),
    ),
    "open ended": (
        "Pacific/Kiritimati",
        OPEN_ENDED,
        changed(
            OPEN_ENDED,
            ("term: none", "term: {months: 5}"),
            ("window: {days: 180}", "window: lifetime"),
        ),
    ),
    "reviewed": (
        "Pacific/Pago_Pago",
        REVIEWED,
        changed(REVIEWED, ("  promote: next_review\n", "  grace: {days: 90, end: year}\n")),
    ),
}
