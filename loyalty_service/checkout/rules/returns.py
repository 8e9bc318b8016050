"""Returns: each line's returned fraction, and what follows from it, exact over any split (R-40)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from loyalty_service.earning.rules.spread import spread
from loyalty_service.kit.errors import Conflict, Invalid
from loyalty_service.kit.frozen import frozen
from loyalty_service.program.rules.currencies import money_text
from loyalty_service.program.rules.program import GiveBack

WHOLE = Fraction(1)
NONE_BACK = Fraction(0)

Shares = Mapping[str, Mapping[str, int]]
"""wallet -> rule -> points."""


class MoreThanLeft(Conflict):
    """The return names more units, or more money, than is left to return."""

    code = "more_than_left"


class NothingLeft(Conflict):
    """Everything of the order has been returned already."""

    code = "nothing_left_to_return"


class LineUnknown(Invalid):
    """The order has no such line, or the return names it twice."""

    code = "line_unknown"


@frozen
class OrderLine:
    """A paid line and how much of it has been returned.

    Args:
        paid_minor: its share of the money paid, minor units.
        shares: what each rule earned for it, whole points by wallet and rule.
        points: points that were spent on it.
        returned_units: units returned so far.
        returned: the exact fraction of the line that has been returned, 0 to 1.
    """

    line_no: int
    quantity: int
    paid_minor: int
    shares: Shares
    points: int = 0
    returned_units: int = 0
    returned: Fraction = NONE_BACK

    @property
    def returned_minor(self) -> int:
        """Money returned so far: share x fraction, rounded down."""
        return so_far(self.paid_minor, self.returned)

    @property
    def carries_something(self) -> bool:
        """Whether money or points hang on the line."""
        earned = any(any(rules.values()) for rules in self.shares.values())
        return bool(self.paid_minor or self.points) or earned


def so_far(share: int, returned: Fraction) -> int:
    """What of a share has been returned at a fraction of its line: rounded down.

    Rule: R-40.
    """
    return share * returned.numerator // returned.denominator


@frozen
class LineReturned:
    """What one return did to one line: units, money in minor units, points by wallet and rule."""

    line_no: int
    units: int
    money_minor: int
    points: Shares


def return_units(lines: Sequence[OrderLine], asked: Sequence[tuple[int, int]]) -> list[OrderLine]:
    """The lines after ``asked`` (line number, units) have come back.

    Units raise a line's fraction by their part of what is left of the line.

    Raises:
        LineUnknown: a line is not in the order, or is named twice.
        MoreThanLeft: more units than are left.

    Rule: R-40, R-43.
    """
    units = _by_line(lines, asked)
    after = []
    for line in lines:
        left = line.quantity - line.returned_units
        back = units.get(line.line_no, 0)
        if back > left:
            raise MoreThanLeft(
                f"Line {line.line_no} has {left} of {line.quantity} units left to return.",
                path=f"lines[{[no for no, _ in asked].index(line.line_no)}].units",
                asked=back,
                available=left,
                bought=line.quantity,
            )
        after.append(_units_back(line, back, left) if back else line)
    return after


def _units_back(line: OrderLine, back: int, left: int) -> OrderLine:
    fraction = line.returned + (1 - line.returned) * Fraction(back, left)
    return replace(line, returned_units=line.returned_units + back, returned=fraction)


def _by_line(lines: Sequence[OrderLine], asked: Sequence[tuple[int, int]]) -> dict[int, int]:
    known = {line.line_no for line in lines}
    units: dict[int, int] = {}
    for i, (line_no, count) in enumerate(asked):
        if line_no not in known or line_no in units:
            why = "is named twice" if line_no in units else "does not exist"
            raise LineUnknown(
                f"Line {line_no} {why}; the order has lines 1 to {len(lines)}.",
                path=f"lines[{i}].line",
                asked=line_no,
                limit=len(lines),
            )
        units[line_no] = count
    return units


def return_amount(lines: Sequence[OrderLine], amount_minor: int, currency: str) -> list[OrderLine]:
    """The lines after part of the money has been given back.

    The amount is spread over the money not yet returned, and raises each line's fraction by its
    part of the line's money.

    Raises:
        MoreThanLeft: more money than is left.

    Rule: R-03, R-40, R-43.
    """
    left = [line.paid_minor - line.returned_minor for line in lines]
    if amount_minor > sum(left):
        raise MoreThanLeft(
            f"Of the order's money {money_text(sum(left), currency)} is left to return.",
            path="amount",
            asked=amount_minor,
            available=sum(left),
        )
    return [
        replace(line, returned=min(WHOLE, line.returned + Fraction(share, line.paid_minor)))
        if share
        else line
        for line, share in zip(lines, spread(amount_minor, left), strict=True)
    ]


def return_all(lines: Sequence[OrderLine]) -> list[OrderLine]:
    """The lines after all that is left has come back.

    Rule: R-34, R-43.
    """
    return [replace(line, returned_units=line.quantity, returned=WHOLE) for line in lines]


def is_fully_returned(lines: Sequence[OrderLine]) -> bool:
    """Whether nothing of value is left: every line that carries money or points is back.

    Rule: R-43.
    """
    if any(line.carries_something and line.returned != WHOLE for line in lines):
        return False
    # Where no line carries anything, all of them count.
    return any(line.carries_something for line in lines) or all(
        line.returned == WHOLE for line in lines
    )


def what_came_back(before: Sequence[OrderLine], after: Sequence[OrderLine]) -> list[LineReturned]:
    """What the step from ``before`` to ``after`` returns, line by line; untouched ones left out.

    Rule: R-40.
    """
    return [
        LineReturned(
            old.line_no,
            new.returned_units - old.returned_units,
            new.returned_minor - old.returned_minor,
            _points_back(old, new),
        )
        for old, new in zip(before, after, strict=True)
        if old is not new and old != new
    ]


def _points_back(old: OrderLine, new: OrderLine) -> dict[str, dict[str, int]]:
    return {
        wallet: {
            rule: so_far(share, new.returned) - so_far(share, old.returned)
            for rule, share in rules.items()
        }
        for wallet, rules in old.shares.items()
    }


def sum_of_points(back: Sequence[LineReturned]) -> dict[str, dict[str, int]]:
    """Points to take back by wallet and rule, over all lines."""
    total: dict[str, dict[str, int]] = {}
    for line in back:
        for wallet, rules in line.points.items():
            for rule, points in rules.items():
                of_wallet = total.setdefault(wallet, {})
                of_wallet[rule] = of_wallet.get(rule, 0) + points
    return total


def points_back(lines: Sequence[OrderLine], give_back: GiveBack) -> int:
    """Points spent on the order that have come back so far, whole points.

    Rule: R-40, R-42.
    """
    if give_back is GiveBack.ONLY_WHEN_FULL and not is_fully_returned(lines):
        return 0
    return sum(so_far(line.points, line.returned) for line in lines)


def slice_of_draws(
    draws: Iterable[tuple[int, int]], before: int, after: int
) -> list[tuple[int, int]]:
    """The part of what was drawn that comes back: the last drawn first.

    Args:
        draws: (lot, points) in the order of drawing.
        before, after: points that had come back, and will have.

    Rule: R-42.
    """
    found, passed = [], 0
    for lot_seq, points in reversed(list(draws)):
        back = min(after, passed + points) - max(before, passed)
        passed += points
        if back > 0:
            found.append((lot_seq, back))
    return found
