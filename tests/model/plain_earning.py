"""What an order or event earns, written once more, plainly, from the rules alone (R-02, R-20 to
R-23). A program is the document itself, its numbers still text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

Node = Any
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DECIMALS = {"CNY": 2, "EUR": 2, "JPY": 0, "KWD": 3}


@dataclass
class Act:
    """An order or an event, as conditions see it; an event has no lines."""

    name: str
    at: datetime
    channel: str | None
    tags: list[str]
    birth_month: int | None
    is_first: bool = False
    streak: int = 0
    tier: str | None = None
    lines: list[Node] = field(default_factory=list)


@dataclass
class Given:
    """What one rule gives, and how much of it hangs on which line (by number)."""

    rule: Node
    points: int
    lines: list[Node]
    shares: dict[int, int] = field(default_factory=dict)


def earn(program: Node, act: Act, used: Mapping[str, int]) -> list[Given]:
    """What every rule gives, the first to count first; rules that give nothing are left out.

    ``used``: by cap id, what the member has used of it in the period of the act.
    """
    earning = program["earning"]
    in_order = sorted(
        (rule for rule in earning["rules"] if rule.get("on", "order") == act.name),
        key=lambda rule: -int(rule.get("priority", 0)),
    )
    matched = [given for rule in in_order if (given := try_rule(program, rule, act))]
    standing = stack(program, matched)
    for scope in ("rule", "order", "member"):
        for cap in earning.get("caps", []):
            if cap["per"] == scope:
                apply_cap(cap, standing, used.get(cap["id"], 0))
    standing = [given for given in standing if given.points]
    for given in standing:
        weights = [weight(given.rule, line) for line in given.lines]
        if given.lines:
            for line, share in zip(given.lines, spread(given.points, weights), strict=True):
                given.shares[line["no"]] = share
    return standing


def try_rule(program: Node, rule: Node, act: Act) -> Given | None:
    """What a rule gives before it meets the others; None if it does not match."""
    lines = basis_lines(program, rule, act)
    if act.name == "order" and not lines:
        return None
    if not holds(program, rule.get("when"), act, lines):
        return None
    exact = base_points(program, rule, act, lines)
    if act.name == "order" and rule.get("plain") != "true":
        exact *= factor(program, rule, act, lines)
    return Given(rule, rounded(exact, program["rounding"]), lines)


def basis_lines(program: Node, owner: Node, act: Act) -> list[Node]:
    """The lines an order is judged by, of them those that a rule or multiplier selects."""
    earning = program["earning"]
    kinds = {"goods"} | {kind for kind in ("shipping", "tax") if earning.get(kind) == "true"}
    return [
        line
        for line in act.lines
        if line["paid"] > 0 and line["kind"] in kinds and selects(owner.get("lines"), line)
    ]


def selects(condition: Node, line: Node) -> bool:
    if condition is None:
        return True
    [(kind, asked)] = condition.items()
    if kind == "all":
        return all(selects(part, line) for part in asked)
    if kind == "any":
        return any(selects(part, line) for part in asked)
    if kind == "not":
        return not selects(asked, line)
    return line[kind] in asked


def holds(program: Node, condition: Node, act: Act, lines: list[Node]) -> bool:
    if condition is None:
        return True
    [(kind, asked)] = condition.items()
    if kind == "all":
        return all(holds(program, part, act, lines) for part in asked)
    if kind == "any":
        return any(holds(program, part, act, lines) for part in asked)
    if kind == "not":
        return not holds(program, asked, act, lines)
    local = act.at.astimezone(ZoneInfo(program["time_zone"]))
    gates = {
        "weekday": lambda: DAYS[local.weekday()] in asked,
        "channel": lambda: act.channel in asked,
        "tier": lambda: act.tier in asked,
        "tag": lambda: any(tag in asked for tag in act.tags),
        "first_order": lambda: act.is_first,
        "birthday_month": lambda: act.birth_month == local.month,
        "minimum_amount": lambda: sum(line["paid"] for line in lines) >= minor(program, asked),
        "minimum_quantity": lambda: sum(line["quantity"] for line in lines) >= int(asked),
    }
    return gates[kind]()


def minor(program: Node, text: str) -> int:
    return int(Decimal(text).scaleb(DECIMALS[program["currency"]]))


def weight(rule: Node, line: Node) -> int:
    """What a line brings to a rule."""
    return int(line["quantity"] if "per_unit" in rule["give"] else line["paid"])


def base_points(program: Node, rule: Node, act: Act, lines: list[Node]) -> Fraction:
    [(kind, asked)] = rule["give"].items()
    brought = sum(weight(rule, line) for line in lines)
    if kind == "rate":
        return Fraction(asked["points"]) * brought / minor(program, asked["per"])
    if kind == "step":
        return Fraction(asked["points"]) * (brought // minor(program, asked["per"]))
    if kind == "per_unit":
        return Fraction(asked) * brought
    if kind == "by_streak":
        return Fraction(asked[min(act.streak, len(asked)) - 1])
    return Fraction(asked)


def factor(program: Node, rule: Node, act: Act, lines: list[Node]) -> Fraction:
    """The lines' own factors, averaged by what each line brought."""
    earning = program["earning"]
    multipliers = [*earning.get("multipliers", []), *factors_of_tiers(program)]
    total = Fraction(0)
    for line in lines:
        of_line = Fraction(1)
        for multiplier in multipliers:
            touched = basis_lines(program, multiplier, act)
            if (
                rule["wallet"] in multiplier.get("wallets", ["points"])
                and line in touched
                and holds(program, multiplier.get("when"), act, touched)
            ):
                by = Fraction(multiplier["factor"])
                adds = earning.get("multipliers_combine") == "add"
                of_line = of_line + by - 1 if adds else of_line * by
        total += of_line * weight(rule, line)
    return total / sum(weight(rule, line) for line in lines)


def factors_of_tiers(program: Node) -> list[Node]:
    """A tier's factor acts on everything that its members buy (R-22, R-24)."""
    tiers = program.get("tiers", {"levels": []})
    return [
        {
            "factor": level["factor"],
            "wallets": tiers.get("multiplies", ["points"]),
            "when": {"tier": [level["id"]]},
        }
        for level in tiers["levels"]
        if "factor" in level
    ]


def rounded(exact: Fraction, how: str) -> int:
    whole = exact.numerator // exact.denominator
    rest = exact - whole
    if how == "ceiling":
        return whole + (rest > 0)
    if how == "half_up":
        return whole + (rest >= Fraction(1, 2))
    if how == "half_even":
        return whole + (rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2))
    return whole


def stack(program: Node, matched: list[Given]) -> list[Given]:
    """The rules that count: exclusive ones stand alone, groups combine."""
    standing: list[Given] = []
    combine = {group["id"]: group["combine"] for group in program["earning"]["groups"]}
    for given in matched:
        wallet = [other for other in matched if other.rule["wallet"] == given.rule["wallet"]]
        exclusive = [other for other in wallet if other.rule.get("exclusive") == "true"]
        group = [other for other in wallet if other.rule["group"] == given.rule["group"]]
        how = combine[given.rule["group"]]
        if exclusive:
            counts = given is exclusive[0]
        elif how == "best":
            most = max(other.points for other in group)
            counts = given is next(other for other in group if other.points == most)
        else:
            counts = how == "sum" or given is group[0]
        if counts:
            standing.append(given)
    return standing


def apply_cap(cap: Node, standing: list[Given], used: int) -> None:
    covered = [given for given in standing if given.rule["id"] in cap["covers"] and given.points]
    if cap["per"] == "rule":
        for given in covered:
            cut(cap, [given], int(cap["points"]))
    elif cap["per"] == "order":
        cut(cap, covered, int(cap["points"]))
    else:
        cut(cap, covered, max(int(cap["points"] if "points" in cap else cap["times"]) - used, 0))


def cut(cap: Node, covered: list[Given], room: int) -> None:
    """Cut rules (the first to count first) down to the room there is, in points or times."""
    asked = len(covered) if "times" in cap else sum(given.points for given in covered)
    if asked <= room:
        return
    for given in covered:
        if cap.get("over") == "reject":
            given.points = 0
        elif "times" in cap:
            given.points = given.points if room > 0 else 0
            room -= 1
        else:
            given.points = min(given.points, room)
            room -= given.points


def spread(total: int, weights: list[int]) -> list[int]:
    """Largest remainder; ties go to the earlier (R-03)."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    shares = [total * w // whole for w in weights]
    by_rest = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_rest[: total - sum(shares)]:
        shares[i] += 1
    return shares
