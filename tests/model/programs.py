"""Programs for generated histories: each two versions, as far apart in their settings as may be.

Between them: every rounding, both clocks, all kinds of activation and expiry, groups that sum, take
the best or the first, exclusive and plain rules, both ways to combine multipliers, caps per rule,
order and member that cut and reject, every kind of streak, negative and clamp, money with and
without decimals, zones that change their clocks at midnight; points that buy in blocks, steps and
shares, also parcels and tax, that earn or not, come back at once or at the end, with a grace or
without, kept for minutes or days, and in the second version worth less, in another wallet or
nothing at all; tiers over rolling and calendar windows, with every kind of term, grace, demotion
and return, that come with the second version, or move there.
"""

STEADY = """
program: steady
currency: CNY
time_zone: Asia/Shanghai
rounding: floor
clock: days
wallets:
  - id: points
    name: {en: Points, zh: 积分}
    spendable: true
    activation: {on: fulfilment, wait_days: 7}
    expiry: {after: {months: 2}, round_to: month}
  - id: growth
    name: {en: Growth, zh: 成长值}
    spendable: false
    activation: {on: payment}
    expiry: never
earning:
  streak: weekly
  groups: [{id: base, combine: sum}, {id: extra, combine: best}]
  rules:
    - {id: base, name: {en: a, zh: a}, wallet: points, group: base,
       give: {rate: {points: 1, per: "1.00"}}}
    - {id: shoes, name: {en: b, zh: b}, wallet: points, group: extra,
       give: {rate: {points: "0.5", per: "1.00"}}, lines: {category: [shoes]},
       expiry: {after: {days: 20}}}
    - {id: risen, name: {en: c, zh: c}, wallet: points, group: base, plain: true,
       give: {fixed: 3}, when: {tier: [silver, gold]}, activation: {on: payment, wait_days: 2}}
    - {id: dear, name: {en: c, zh: c}, wallet: points, group: extra, plain: true,
       give: {fixed: 30}, when: {minimum_amount: "100.00"}, activation: {on: payment}}
    - {id: growing, name: {en: d, zh: d}, wallet: growth, group: base,
       give: {step: {points: 1, per: "10.00"}}}
    - {id: joining, name: {en: e, zh: e}, wallet: points, group: base, on: sign_up,
       give: {fixed: 100}}
    - {id: checking, name: {en: f, zh: f}, wallet: points, group: base, on: check_in,
       give: {by_streak: [5, 5, 10]}, activation: {on: payment}}
    - {id: reviewing, name: {en: g, zh: g}, wallet: points, group: base, on: review,
       give: {fixed: 20}, activation: {on: payment}, expiry: {after: {days: 1}}}
    - {id: birthday, name: {en: h, zh: h}, wallet: points, group: base, on: birthday,
       give: {fixed: 88}, expiry: {after: {months: 1}}}
  multipliers:
    - {id: weekend, name: {en: i, zh: i}, factor: "1.5", when: {weekday: [sat, sun]}}
    - {id: tea, name: {en: j, zh: j}, factor: 2, wallets: [points, growth],
       lines: {category: [tea]}}
  caps:
    - {id: daily, name: {en: k, zh: k}, covers: [base, shoes, dear], per: member, period: day,
       points: 400, over: cut}
    - {id: reviews, name: {en: l, zh: l}, covers: [reviewing], per: member, period: week,
       times: 2, over: reject}
redemption: {block_points: 10, block_value: "1.00", minimum_points: 20, max_share: "0.5"}
returns: {overdrawn: negative, expired_meanwhile: {grace: {days: 5}}}
tiers:
  window: {days: 30}
  term: {days: 20}
  grace: {days: 5}
  on_return: at_once
  gifts_on_return: taken_back
  multiplies: [points, growth]
  levels:
    - {id: plain, name: {en: m, zh: m}}
    - id: silver
      name: {en: n, zh: n}
      entry: {any: [{earned: {wallet: growth, at_least: 20}}, {orders: 3}]}
      keep: {all: [{earned: {wallet: growth, at_least: 10}}]}
      factor: "1.2"
      gift: {points: 40, expiry: {after: {days: 9}}}
    - id: gold
      name: {en: o, zh: o}
      entry: {all: [{earned: {wallet: growth, at_least: 45}}, {orders: 4}]}
      factor: "1.5"
      gift: {wallet: growth, points: 100}
"""

EXACT = """
program: exact
currency: EUR
time_zone: America/Havana
rounding: half_even
clock: exact
wallets:
  - id: points
    name: {en: Points, zh: 积分}
    spendable: true
    activation: {on: fulfilment, wait_days: 2}
    expiry: {after: {days: 30}}
  - id: stars
    name: {en: Stars, zh: 星}
    spendable: false
    activation: {on: fulfilment}
    expiry: never
earning:
  earn_on_points_paid: true
  multipliers_combine: add
  streak: open
  shipping: true
  groups: [{id: base, combine: best}, {id: more, combine: sum}]
  rules:
    - {id: rate, name: {en: a, zh: a}, wallet: points, group: base,
       give: {rate: {points: 3, per: "2.00"}}}
    - {id: units, name: {en: b, zh: b}, wallet: points, group: base, priority: 5,
       give: {per_unit: "12.5"}}
    - {id: first, name: {en: c, zh: c}, wallet: points, group: more, give: {fixed: 50},
       when: {first_order: true}, activation: {on: payment, wait_days: 1},
       expiry: {after: {months: 1}}}
    - {id: tagged, name: {en: d, zh: d}, wallet: points, group: more, priority: 9,
       exclusive: true, give: {rate: {points: 1, per: "1.00"}}, when: {tag: [staff]}}
    - {id: starry, name: {en: e, zh: e}, wallet: stars, group: more, give: {per_unit: 1}}
    - {id: star_at_once, name: {en: e, zh: e}, wallet: stars, group: more, give: {fixed: 2},
       activation: {on: payment}, when: {channel: [app]}}
    - {id: joining, name: {en: f, zh: f}, wallet: points, group: more, on: sign_up,
       give: {fixed: 40}}
    - {id: checking, name: {en: g, zh: g}, wallet: points, group: more, on: check_in,
       give: {by_streak: [0, 7, 9]}, activation: {on: payment}}
    - {id: reviewing, name: {en: h, zh: h}, wallet: stars, group: more, on: review,
       give: {fixed: 3}, expiry: {after: {years: 1}, round_to: year}}
  multipliers:
    - {id: app, name: {en: i, zh: i}, factor: 2, when: {channel: [app]}}
    - {id: month, name: {en: j, zh: j}, factor: "1.5", when: {birthday_month: true}}
    - {id: red, name: {en: j, zh: j}, factor: "1.25", lines: {brand: [red]},
       when: {minimum_quantity: 2}}
  caps:
    - {id: order, name: {en: k, zh: k}, covers: [rate, units], per: order, points: 300,
       over: reject}
    - {id: monthly, name: {en: l, zh: l}, covers: [rate, units, tagged, checking], per: member,
       period: month, points: 900, over: cut}
redemption: {block_points: 1, block_value: "0.07", shipping: true}
reservations: {minutes: 45, most_minutes: 60}
returns: {overdrawn: negative, give_back: only_when_full, expired_meanwhile: expire}
tiers:
  window: month
  term: this
  grace: {days: 3}
  tier_rate: reached
  levels:
    - {id: low, name: {en: m, zh: m}}
    - id: mid
      name: {en: n, zh: n}
      entry: {any: [{spend: "90.00"}, {earned: {wallet: stars, at_least: 9}}]}
      factor: "1.25"
      gift: {points: 15, expiry: {after: {days: 3}}}
    - id: high
      name: {en: o, zh: o}
      entry: {all: [{spend: "250.00"}]}
      keep: {any: [{spend: "80.00"}, {orders: 2}]}
      factor: 2
"""

CLAMP = """
program: clamp
currency: CNY
time_zone: Asia/Shanghai
rounding: half_up
clock: days
wallets:
  - id: points
    name: {en: Points, zh: 积分}
    spendable: true
    activation: {on: payment}
    expiry: {fixed: ["02-29", "04-15", "06-30", "12-31"]}
  - id: growth
    name: {en: Growth, zh: 成长值}
    spendable: false
    activation: {on: fulfilment, wait_days: 1}
    expiry: {after: {months: 6}}
earning:
  earn_on_points_paid: true
  streak: monthly
  groups: [{id: first, combine: first}, {id: sum, combine: sum}]
  rules:
    - {id: small, name: {en: a, zh: a}, wallet: points, group: first, priority: 1,
       give: {step: {points: 7, per: "4.00"}}}
    - {id: big, name: {en: b, zh: b}, wallet: points, group: first, priority: 2,
       give: {rate: {points: 2, per: "1.00"}}, when: {minimum_amount: "80.00"},
       activation: {on: fulfilment}}
    - {id: tea, name: {en: c, zh: c}, wallet: points, group: sum,
       give: {per_unit: 3}, lines: {any: [{category: [tea]}, {brand: [red]}]},
       expiry: {after: {days: 10}}}
    - {id: growing, name: {en: d, zh: d}, wallet: growth, group: sum,
       give: {rate: {points: 1, per: "3.00"}}}
    - {id: joining, name: {en: e, zh: e}, wallet: points, group: sum, on: sign_up,
       give: {fixed: 60}, expiry: {after: {months: 1}}}
    - {id: checking, name: {en: f, zh: f}, wallet: points, group: sum, on: check_in,
       give: {by_streak: [1, 2, 3, 4]}}
    - {id: checking_grows, name: {en: f, zh: f}, wallet: growth, group: sum, on: check_in,
       give: {fixed: 1}}
    - {id: reviewing, name: {en: g, zh: g}, wallet: points, group: sum, on: review,
       give: {fixed: 25}, when: {channel: [app]}}
    - {id: birthday, name: {en: h, zh: h}, wallet: growth, group: sum, on: birthday,
       give: {fixed: 10}}
  multipliers:
    - {id: half, name: {en: i, zh: i}, factor: "0.5", lines: {not: {category: [shoes]}},
       when: {weekday: [mon, tue]}}
  caps:
    - {id: each, name: {en: j, zh: j}, covers: [tea, big], per: rule, points: 150, over: cut}
    - {id: times, name: {en: k, zh: k}, covers: [small, big, tea], per: member, period: week,
       times: 3, over: cut}
    - {id: all_day, name: {en: l, zh: l}, covers: [tea, reviewing, checking], per: member,
       period: day, points: 40, over: reject}
redemption: {wallet: points, block_points: 100, block_value: "7.00", minimum_points: 50,
             step_points: 25, max_share: "0.333", tax: true}
reservations: {minutes: 1440, most_minutes: 4000}
returns: {overdrawn: clamp, expired_meanwhile: expire}
tiers:
  window: {months: 1}
  term: none
  on_return: at_once
  gifts_on_return: taken_back
  levels:
    - {id: one, name: {en: m, zh: m}}
    - id: two
      name: {en: n, zh: n}
      entry: {any: [{balance: {wallet: points, at_least: 200}}, {spend: "150.00"}]}
      factor: "1.1"
      gift: {points: 60, expiry: {after: {days: 6}}}
    - id: three
      name: {en: o, zh: o}
      entry: {all: [{balance: {wallet: points, at_least: 450}}, {orders: 1}]}
      factor: "1.4"
"""

LASTING = """
program: lasting
currency: JPY
time_zone: Europe/Berlin
rounding: ceiling
clock: days
wallets:
  - id: points
    name: {en: Points, zh: 积分}
    spendable: true
    activation: {on: fulfilment}
    expiry: never
  - id: growth
    name: {en: Growth, zh: 成长值}
    spendable: false
    activation: {on: payment}
    expiry: {after: {months: 1}, round_to: year}
earning:
  streak: open
  tax: true
  groups: [{id: base, combine: sum}]
  rules:
    - {id: base, name: {en: a, zh: a}, wallet: points, group: base,
       give: {rate: {points: 1, per: "100"}}}
    - {id: soon, name: {en: b, zh: b}, wallet: points, group: base, priority: 3,
       give: {rate: {points: "0.333", per: "50"}}, expiry: {after: {days: 14}}}
    - {id: sooner, name: {en: c, zh: c}, wallet: points, group: base, plain: true,
       give: {fixed: 15}, lines: {sku: [A]}, activation: {on: payment, wait_days: 3},
       expiry: {after: {days: 14}}}
    - {id: alone, name: {en: d, zh: d}, wallet: points, group: base, exclusive: true,
       give: {step: {points: 5, per: "200"}}, when: {all: [{tag: [vip]}, {not: {channel: [app]}}]}}
    - {id: growing, name: {en: e, zh: e}, wallet: growth, group: base,
       give: {rate: {points: 1, per: "300"}}}
    - {id: joining, name: {en: f, zh: f}, wallet: growth, group: base, on: sign_up,
       give: {fixed: 10}}
    - {id: checking, name: {en: g, zh: g}, wallet: points, group: base, on: check_in,
       give: {by_streak: [2, 4, 8, 16]}, expiry: {after: {days: 7}}}
    - {id: reviewing, name: {en: h, zh: h}, wallet: points, group: base, on: review,
       give: {fixed: 11}}
    - {id: birthday, name: {en: i, zh: i}, wallet: points, group: base, on: birthday,
       give: {fixed: 44}, expiry: {after: {days: 1}, round_to: month}}
  multipliers:
    - {id: triple, name: {en: j, zh: j}, factor: 3, wallets: [points, growth],
       when: {birthday_month: true}}
    - {id: shoes, name: {en: j, zh: j}, factor: "1.1", lines: {category: [shoes]}}
  caps:
    - {id: orders, name: {en: k, zh: k}, covers: [base, soon], per: order, points: 250, over: cut}
    - {id: yearly, name: {en: l, zh: l}, covers: [base, soon, sooner, reviewing], per: member,
       period: year, points: 1500, over: cut}
    - {id: ever, name: {en: m, zh: m}, covers: [growing], per: member, period: ever,
       points: 900, over: reject}
redemption: {block_points: 3, block_value: "50", minimum_points: 6}
reservations: {minutes: 20}
returns: {overdrawn: negative, expired_meanwhile: {grace: {months: 1}}}
tiers:
  window: {days: 25}
  term: none
  promote: next_review
  multiplies: [growth]
  levels:
    - {id: new, name: {en: n, zh: n}}
    - id: known
      name: {en: o, zh: o}
      entry: {any: [{orders: 2}, {earned: {wallet: points, at_least: 150}}]}
      keep: {any: [{orders: 1}]}
      factor: 2
    - id: best
      name: {en: p, zh: p}
      entry: {all: [{orders: 4}, {spend: "300"}]}
      gift: {points: 70}
"""

MIXED = """
program: mixed
currency: KWD
time_zone: Africa/Cairo
rounding: floor
clock: exact
wallets:
  - id: points
    name: {en: Points, zh: 积分}
    spendable: true
    activation: {on: payment, wait_days: 1}
    expiry: {after: {months: 1}, round_to: day}
  - id: gifts
    name: {en: Gifts, zh: 礼}
    spendable: true
    activation: {on: fulfilment}
    expiry: {after: {months: 1}}
  - id: growth
    name: {en: Growth, zh: 成长值}
    spendable: false
    activation: {on: fulfilment}
    expiry: never
earning:
  streak: weekly
  groups: [{id: base, combine: sum}]
  rules:
    - {id: base, name: {en: a, zh: a}, wallet: points, group: base,
       give: {rate: {points: 7, per: "1.000"}}}
    - {id: later, name: {en: b, zh: b}, wallet: points, group: base,
       give: {rate: {points: 3, per: "1.000"}}, expiry: never}
    - {id: fixed, name: {en: c, zh: c}, wallet: points, group: base, give: {fixed: 20},
       lines: {category: [shoes, tea]}, activation: {on: fulfilment, wait_days: 3},
       expiry: {fixed: ["03-31", "05-31", "10-31"]}}
    - {id: gift, name: {en: d, zh: d}, wallet: gifts, group: base,
       give: {step: {points: 1, per: "2.500"}}}
    - {id: growing, name: {en: e, zh: e}, wallet: growth, group: base,
       give: {rate: {points: 1, per: "1.000"}}}
    - {id: joining, name: {en: f, zh: f}, wallet: gifts, group: base, on: sign_up,
       give: {fixed: 5}}
    - {id: checking, name: {en: g, zh: g}, wallet: points, group: base, on: check_in,
       give: {fixed: 6}}
    - {id: reviewing, name: {en: h, zh: h}, wallet: gifts, group: base, on: review,
       give: {fixed: 4}, activation: {on: payment, wait_days: 2}}
    - {id: reviewing_too, name: {en: h, zh: h}, wallet: gifts, group: base, on: review,
       give: {fixed: 9}, expiry: never}
    - {id: birthday, name: {en: i, zh: i}, wallet: growth, group: base, on: birthday,
       give: {fixed: 12}}
  multipliers:
    - {id: friday, name: {en: j, zh: j}, factor: "1.75", wallets: [points, gifts, growth],
       when: {any: [{weekday: [fri]}, {tag: [vip]}]}}
  caps:
    - {id: one_rule, name: {en: k, zh: k}, covers: [later], per: rule, points: 60, over: reject}
    - {id: in_month, name: {en: l, zh: l}, covers: [base, later, fixed], per: member,
       period: month, points: 800, over: cut}
    - {id: gifts_once, name: {en: m, zh: m}, covers: [reviewing, reviewing_too], per: member,
       period: day, times: 1, over: cut}
redemption: {wallet: points, block_points: 5, block_value: "0.250", max_share: "0.8"}
returns: {overdrawn: clamp, give_back: only_when_full, expired_meanwhile: {grace: {days: 2}}}
"""


NEW_TIERS = """
tiers:
  window: month
  term: next
  tier_rate: reached
  on_return: at_once
  multiplies: [points, gifts]
  levels:
    - {id: first, name: {en: n, zh: n}}
    - id: second
      name: {en: o, zh: o}
      entry: {any: [{earned: {wallet: growth, at_least: 20}}, {spend: "60.000"}]}
      factor: "1.5"
      gift: {wallet: gifts, points: 8}
    - id: third
      name: {en: p, zh: p}
      entry: {any: [{balance: {wallet: points, at_least: 500}}]}
      factor: 3
      gift: {wallet: growth, points: 30}
"""


def changed(text: str, *changes: tuple[str, str]) -> str:
    """The second version of a program."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


PROGRAMS = {
    "steady": (
        STEADY,
        changed(
            STEADY,
            ('{rate: {points: 1, per: "1.00"}}', '{rate: {points: "1.2", per: "1.00"}}'),
            ("wait_days: 7", "wait_days: 3"),
            ("points: 400", "points: 300"),
            ("overdrawn: negative", "overdrawn: clamp"),
            ('block_value: "1.00"', 'block_value: "0.90"'),
            ("{grace: {days: 5}}", "expire"),
            ("  on_return: at_once\n", "  demote: by_standing\n"),
            ("term: {days: 20}", "term: {months: 1, end: month}"),
        ),
    ),
    "exact": (
        EXACT,
        changed(
            EXACT,
            ("rounding: half_even", "rounding: ceiling"),
            ("expiry: {after: {days: 30}}", "expiry: {after: {months: 2}}"),
            ("multipliers_combine: add", "multipliers_combine: multiply"),
            ("earn_on_points_paid: true", "earn_on_points_paid: false"),
            ("give_back: only_when_full", "give_back: pro_rata"),
            ("term: this", "term: next\n  demote: by_standing\n  on_return: at_once"),
        ),
    ),
    "clamp": (
        CLAMP,
        changed(
            CLAMP,
            ("{id: first, combine: first}", "{id: first, combine: sum}"),
            ("times: 3, over: cut", "times: 2, over: reject"),
            ("overdrawn: clamp", "overdrawn: negative"),
            ('max_share: "0.333"', 'max_share: "1"'),
            ("term: none", "grace: {days: 4}\n  term: none"),
            ("gifts_on_return: taken_back", "gifts_on_return: kept"),
        ),
    ),
    "lasting": (
        LASTING,
        changed(
            LASTING,
            ("expiry: never\n  - id: growth", "expiry: {after: {months: 3}}\n  - id: growth"),
            ("rounding: ceiling", "rounding: half_up"),
            (
                'redemption: {block_points: 3, block_value: "50", minimum_points: 6}',
                "",
            ),
            ("term: none", "term: {days: 12}\n  grace: {days: 20, end: month}"),
            ("gift: {points: 70}", "keep_for_ever: true"),
        ),
    ),
    "mixed": (
        MIXED,
        changed(
            MIXED,
            ("streak: weekly", "streak: monthly"),
            ("{rate: {points: 7", "{rate: {points: 5"),
            ("activation: {on: payment, wait_days: 1}", "activation: {on: fulfilment}"),
            ("redemption: {wallet: points", "redemption: {wallet: gifts"),
            ("give_back: only_when_full, ", ""),
        )
        + NEW_TIERS,
    ),
}
