"""What an order earns, worked out slowly and in fractions, from the program document itself.

Reads the part of the format that history needs: order rules, multipliers and caps on points.
Anything else that would change a total is refused loudly instead of being passed over.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

Node = Any
DAY_NAMES = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
# A shop that sends no cart tells nothing about these, so such a condition holds for nobody.
NEVER_KNOWN = {"channel", "tag", "birthday_month", "category", "brand"}


@dataclass(frozen=True)
class Line:
    """One line of an order; ``paid_minor`` is its cost in minor units."""

    line_no: int
    sku: str
    is_shipping: bool
    quantity: int
    paid_minor: int


@dataclass(frozen=True)
class Cart:
    """An order as it is judged: where its instant falls in the zone, and what is in it."""

    placed_at: datetime
    is_first: bool
    lines: tuple[Line, ...]


@dataclass
class Gave:
    """What one rule gave, and the lines it selected."""

    rule: Node
    points: int
    lines: list[Line]

    def shares(self) -> dict[int, int]:
        """Each line's share of the points (R-03)."""
        weights = [weight(self.rule, line) for line in self.lines]
        spread = largest_remainder(self.points, weights)
        return {line.line_no: share for line, share in zip(self.lines, spread, strict=True)}


class Document:
    """A program document, read with every number as text so that nothing becomes a float."""

    def __init__(self, path: Path) -> None:
        self.root: Node = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        self.zone = ZoneInfo(self.root["time_zone"])
        earning = self.root["earning"]
        self.rules: list[Node] = [r for r in earning["rules"] if r.get("on", "order") == "order"]
        self.groups = {group["id"]: group["combine"] for group in earning["groups"]}
        self.multipliers: list[Node] = earning.get("multipliers") or []
        self.caps: list[Node] = earning.get("caps") or []
        self.adds = earning.get("multipliers_combine", "multiply") == "add"
        self.shipping_earns = earning.get("shipping", "false") == "true"
        if any("points" not in cap for cap in self.caps):
            raise NotImplementedError("a cap on times")
        if self.root["returns"]["overdrawn"] != "negative":
            raise NotImplementedError("clamped returns")

    def wallets(self) -> list[str]:
        return [wallet["id"] for wallet in self.root["wallets"]]

    def priority_order(self, rules: list[Node]) -> list[Node]:
        """Higher priority first, the earlier in the document on a tie (R-22)."""
        return sorted(rules, key=lambda r: (-int(r.get("priority", "0")), self.rules.index(r)))

    def minor(self, amount: str) -> Fraction:
        return Fraction(amount) * 100

    def local(self, instant: datetime) -> datetime:
        return instant.astimezone(self.zone)


def earn(document: Document, cart: Cart, used: Mapping[str, int]) -> list[Gave]:
    """What each rule gives, in document order, rules that give nothing left out.

    ``used`` holds, by cap id, what the member has already had in the cap's period.
    """
    matched = [gave for rule in document.rules if (gave := _match(document, rule, cart))]
    standing = _stack(document, matched)
    for scope in ("rule", "order", "member"):
        for cap in document.caps:
            if cap["per"] == scope:
                _apply_cap(document, cap, standing, used)
    return [gave for gave in standing if gave.points > 0]


def _match(document: Document, rule: Node, cart: Cart) -> Gave | None:
    lines = _selected(document, rule, cart)
    if not lines or not _holds(document, rule.get("when"), cart, lines):
        return None
    exact = _base_points(document, rule, lines) * _factor(document, rule, cart, lines)
    return Gave(rule, round_points(exact, document.root["rounding"]), lines)


def _selected(document: Document, owner: Node, cart: Cart) -> list[Line]:
    return [
        line
        for line in cart.lines
        if line.paid_minor > 0
        and (document.shipping_earns or not line.is_shipping)
        and _selects(owner.get("lines"), line)
    ]


def _selects(condition: Node, line: Line) -> bool:
    if condition is None:
        return True
    [(kind, asked)] = condition.items()
    if kind == "sku":
        return line.sku in asked
    if kind in NEVER_KNOWN:
        return False
    return _combined(kind, asked, lambda inner: _selects(inner, line))


def _holds(document: Document, condition: Node, cart: Cart, lines: list[Line]) -> bool:
    if condition is None:
        return True
    if condition.keys() <= {"from", "until"}:
        return _in_window(document, condition, cart)
    [(kind, asked)] = condition.items()
    if kind in NEVER_KNOWN:
        return False
    if kind in ("all", "any", "not"):
        return _combined(kind, asked, lambda inner: _holds(document, inner, cart, lines))
    return _gate(document, kind, asked, cart, lines)


def _gate(document: Document, kind: str, asked: Node, cart: Cart, lines: list[Line]) -> bool:
    if kind == "window":
        return _in_window(document, asked, cart)
    if kind == "weekday":
        days = {_weekday(day) for day in asked}
        return document.local(cart.placed_at).isoweekday() in days
    if kind == "minimum_amount":
        return sum(line.paid_minor for line in lines) >= document.minor(asked)
    if kind == "minimum_quantity":
        return sum(line.quantity for line in lines) >= int(asked)
    if kind == "first_order":
        return cart.is_first is (asked == "true")
    raise NotImplementedError(f"condition {kind}")


def _combined(kind: str, asked: Node, holds: Callable[[Node], bool]) -> bool:
    if kind == "all":
        return all(holds(inner) for inner in asked)
    if kind == "any":
        return any(holds(inner) for inner in asked)
    if kind == "not":
        return not holds(asked)
    raise NotImplementedError(f"condition {kind}")


def _weekday(day: str) -> int:
    if day.isdigit():
        return int(day)
    return next(n for n, name in enumerate(DAY_NAMES, 1) if name.startswith(day.lower()))


def _in_window(document: Document, window: Node, cart: Cart) -> bool:
    starts = _instant(document, window["from"], 0) if "from" in window else None
    ends = _instant(document, window["until"], 1) if "until" in window else None
    return (starts is None or starts <= cart.placed_at) and (ends is None or cart.placed_at < ends)


def _instant(document: Document, text: str, days_after: int) -> datetime:
    """A moment, or the start of a day; a window lasts through a day that it names as its end."""
    if len(text) == len("2010-12-01"):
        return _start_of_day(document, date.fromisoformat(text) + timedelta(days=days_after))
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=document.zone)
    return instant.astimezone(UTC)


def weight(rule: Node, line: Line) -> int:
    """What a line brings to a rule: its units for ``per_unit``, its money for all others."""
    return line.quantity if "per_unit" in rule["give"] else line.paid_minor


def _base_points(document: Document, rule: Node, lines: list[Line]) -> Fraction:
    [(kind, asked)] = rule["give"].items()
    brought = sum(weight(rule, line) for line in lines)
    if kind == "rate":
        return Fraction(asked["points"]) * brought / document.minor(asked["per"])
    if kind == "step":
        return Fraction(asked["points"]) * (brought // document.minor(asked["per"]))
    if kind == "fixed":
        return Fraction(asked)
    if kind == "per_unit":
        return Fraction(asked) * brought
    raise NotImplementedError(f"give {kind}")


def _factor(document: Document, rule: Node, cart: Cart, lines: list[Line]) -> Fraction:
    """The mean of the lines' own factors, weighted by what each line brought to the rule."""
    if rule.get("plain") == "true":
        return Fraction(1)
    weights = [weight(rule, line) for line in lines]
    factors = [Fraction(1)] * len(lines)
    for multiplier in document.multipliers:
        if rule["wallet"] not in multiplier.get("wallets", ["points"]):
            continue
        selected = _selected(document, multiplier, cart)
        if not selected or not _holds(document, multiplier.get("when"), cart, selected):
            continue
        by = Fraction(multiplier["factor"])
        for index, line in enumerate(lines):
            if line in selected:
                one = factors[index]
                factors[index] = one + by - 1 if document.adds else one * by
    weighted = sum(w * factor for w, factor in zip(weights, factors, strict=True))
    return weighted / Fraction(sum(weights))


def _stack(document: Document, matched: list[Gave]) -> list[Gave]:
    standing: list[Gave] = []
    for wallet in document.wallets():
        here = [gave for gave in matched if gave.rule["wallet"] == wallet]
        first = _by_priority(document, [g for g in here if g.rule.get("exclusive") == "true"])
        if first:
            standing.append(first[0])
            continue
        for group, combine in document.groups.items():
            standing += _combine(document, [g for g in here if g.rule["group"] == group], combine)
    return sorted(standing, key=lambda gave: document.rules.index(gave.rule))


def _combine(document: Document, members: list[Gave], combine: str) -> list[Gave]:
    in_order = _by_priority(document, members)
    if combine == "sum":
        return in_order
    if combine == "first":
        return in_order[:1]
    most = max((gave.points for gave in in_order), default=0)
    return [gave for gave in in_order if gave.points == most][:1]


def _by_priority(document: Document, gaves: list[Gave]) -> list[Gave]:
    order = document.priority_order([gave.rule for gave in gaves])
    return sorted(gaves, key=lambda gave: order.index(gave.rule))


def _apply_cap(
    document: Document, cap: Node, standing: list[Gave], used: Mapping[str, int]
) -> None:
    covered = [gave for gave in standing if gave.rule["id"] in cap["covers"]]
    limit = int(cap["points"])
    if cap["per"] == "rule":
        for gave in covered:
            _cut_to(limit, [gave], cap["over"])
        return
    room = limit - used.get(cap["id"], 0) if cap["per"] == "member" else limit
    _cut_to(max(room, 0), list(reversed(_by_priority(document, covered))), cap["over"])


def _cut_to(room: int, lowest_first: list[Gave], over: str) -> None:
    too_much = sum(gave.points for gave in lowest_first) - room
    if too_much <= 0:
        return
    for gave in lowest_first:
        cut = gave.points if over == "reject" else min(gave.points, too_much)
        gave.points -= cut
        too_much -= cut


def cap_period(document: Document, cap: Node, placed_at: datetime) -> str:
    """A name for the calendar period of a member's cap that an order falls into."""
    day: date = document.local(placed_at).date()
    names = {
        "day": day.isoformat(),
        "week": (day - timedelta(days=day.weekday())).isoformat(),
        "month": f"{day:%Y-%m}",
        "year": f"{day:%Y}",
        "ever": "",
    }
    return names[cap["period"]]


def round_points(exact: Fraction, rounding: str) -> int:
    """Whole points from exact ones, once (R-02). ``exact`` is never negative."""
    floor = exact.numerator // exact.denominator
    rest = exact - floor
    if rounding == "ceiling":
        return floor + (rest > 0)
    if rounding == "half_up":
        return floor + (rest >= Fraction(1, 2))
    if rounding == "half_even":
        return floor + (rest > Fraction(1, 2) or (rest == Fraction(1, 2) and floor % 2 == 1))
    return floor


def largest_remainder(total: int, weights: list[int]) -> list[int]:
    """Spread a whole over weights so that the shares sum to it; ties to the earlier (R-03)."""
    whole = sum(weights)
    shares = [total * one // whole for one in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for index in order[: total - sum(shares)]:
        shares[index] += 1
    return shares


def activation_at(document: Document, rule: Node, placed_at: datetime) -> datetime:
    """When what a rule gave comes alive; paid and fulfilled are one instant in history (R-25)."""
    wait = int(_setting(document, rule, "activation").get("wait_days", "0"))
    if wait == 0:
        return placed_at
    if document.root.get("clock", "days") == "exact":
        return placed_at + timedelta(days=wait)
    return _start_of_day(document, document.local(placed_at).date() + timedelta(days=wait))


def expiry_at(document: Document, rule: Node, active_at: datetime) -> datetime | None:
    """When it ends, or None for never (R-25)."""
    expiry = _setting(document, rule, "expiry")
    if expiry == "never":
        return None
    active = document.local(active_at)
    if "fixed" in expiry:
        return _start_of_day(document, _fixed(expiry["fixed"], active.date()) + timedelta(days=1))
    last = _add(active.date(), expiry["after"])
    if "round_to" in expiry:
        last = _rounded(last, expiry["round_to"])
    elif document.root.get("clock", "days") == "exact":
        return active.replace(year=last.year, month=last.month, day=last.day).astimezone(UTC)
    return _start_of_day(document, last + timedelta(days=1))


def _setting(document: Document, rule: Node, name: str) -> Node:
    wallet = next(w for w in document.root["wallets"] if w["id"] == rule["wallet"])
    return rule.get(name, wallet[name])


def _start_of_day(document: Document, day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=document.zone).astimezone(UTC)


def _fixed(dates: list[str], day: date) -> date:
    """The first of the yearly dates that is not before ``day``."""
    return min(
        at
        for text in dates
        for year in (day.year, day.year + 1)
        if (at := _day_in_month(year, *map(int, text.split("-")))) >= day
    )


def _add(day: date, after: Node) -> date:
    [(unit, count)] = after.items()
    if unit == "days":
        return day + timedelta(days=int(count))
    months = int(count) * (12 if unit == "years" else 1)
    index = day.year * 12 + day.month - 1 + months
    return _day_in_month(index // 12, index % 12 + 1, day.day)


def _rounded(day: date, to: str) -> date:
    if to == "month":
        return _day_in_month(day.year, day.month, 31)
    return date(day.year, 12, 31) if to == "year" else day


def _day_in_month(year: int, month: int, day: int) -> date:
    """That day, or the month's last where the month is shorter."""
    following = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, min(day, (following - timedelta(days=1)).day))
