"""Rounding once, and sharing a whole so that the parts always add up to it."""

from collections.abc import Sequence
from fractions import Fraction

from loyalty_service.program.rules.program import Rounding


def round_points(exact: Fraction, rounding: Rounding) -> int:
    """Make whole points of exact ones, by the program's rounding.

    Rule: R-02.
    """
    return round_ratio(exact.numerator, exact.denominator, rounding)


def round_ratio(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Make whole points of ``numerator / denominator``, neither of which need be reduced.

    Args:
        denominator: at least 1.

    Rule: R-02.
    """
    whole, rest = divmod(numerator, denominator)
    if not rest or rounding is Rounding.FLOOR:
        return whole
    if rounding is Rounding.CEILING:
        return whole + 1
    if rounding is Rounding.HALF_EVEN and 2 * rest == denominator:
        return whole + whole % 2
    return whole + (2 * rest >= denominator)


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """Share ``total`` in proportion to ``weights`` by largest remainder, ties to the earlier.

    A weight of 0 gets 0, and no share is more than one above its exact part.

    Args:
        total: what to share (points, or minor units of money), at least 0.
        weights: one per line, each at least 0; what the line brought, in minor units or units.

    Raises:
        ValueError: something is negative, or there is a total but no weight to share it by.

    Rule: R-03.
    """
    whole = sum(weights)
    if total < 0 or min(weights, default=0) < 0 or (total and not whole):
        raise ValueError(f"cannot share {total} by {list(weights)}")
    if not total:
        return [0] * len(weights)
    shares = [total * weight // whole for weight in weights]
    left = total - sum(shares)
    if left:
        # sorted() is stable, so of equal remainders the earlier line comes first.
        remainders = [-(total * weight % whole) for weight in weights]
        by_remainder = sorted(range(len(weights)), key=remainders.__getitem__)
        for i in by_remainder[:left]:
            shares[i] += 1
    return shares
