"""A small program document that tests change in one place at a time."""

DOCUMENT = """\
program: corner_shop
currency: CNY
time_zone: Asia/Shanghai
wallets:
  - id: points
    name: {en: Points, zh: 积分}
    spendable: true
    expiry: {after: {months: 12}, round_to: month}
  - id: growth
    name: {en: Growth, zh: 成长值}
    spendable: false
    activation: {on: payment, wait_days: 3}
    expiry: never
earning:
  groups:
    - {id: base, combine: sum}
  rules:
    - id: base
      name: {en: Shopping, zh: 购物}
      wallet: points
      group: base
      give: {rate: {points: 1, per: "1.00"}}
      lines: {category: [shoes]}
      when: {minimum_amount: "10.00"}
    - id: check_in
      name: {en: Check-in, zh: 签到}
      wallet: points
      group: base
      on: check_in
      give: {by_streak: [1, 2, 3]}
  multipliers:
    - id: double
      name: {en: Double, zh: 双倍}
      factor: "2"
  caps:
    - id: daily
      name: {en: Daily, zh: 每日}
      covers: [base, check_in]
      per: member
      period: day
      points: 500
redemption:
  block_points: 100
  block_value: "1.00"
"""

TIERED = (
    DOCUMENT
    + """\
tiers:
  window: {months: 12}
  term: {months: 12, end: month}
  grace: {days: 30}
  levels:
    - id: regular
      name: {en: Regular, zh: 普通}
    - id: silver
      name: {en: Silver, zh: 银卡}
      entry:
        any:
          - earned: {wallet: growth, at_least: 500}
          - orders: 10
      keep: {any: [{earned: {wallet: growth, at_least: 300}}]}
      factor: 1.5
    - id: gold
      name: {en: Gold, zh: 金卡}
      entry:
        all:
          - spend: "2000.00"
          - orders: 20
      perks: [{id: stylist, name: {en: A stylist, zh: 搭配师}}]
      gift: {points: 300}
    - id: diamond
      name: {en: Diamond, zh: 钻石}
      entry:
        all:
          - spend: "9000.00"
          - orders: 20
          - balance: {wallet: points, at_least: 100}
      keep_for_ever: true
"""
)


def changed(*changes: tuple[str, str], text: str = DOCUMENT) -> str:
    """The document with pieces of text replaced, each of which occurs in it."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def with_give(give: str) -> str:
    """The document with another give of its first rule."""
    return changed(('{rate: {points: 1, per: "1.00"}}', give))


def with_when(when: str) -> str:
    """The document with another condition of its first rule."""
    return changed(('{minimum_amount: "10.00"}', when))


def with_lines(lines: str) -> str:
    """The document whose first rule selects other lines."""
    return changed(("{category: [shoes]}", lines))
