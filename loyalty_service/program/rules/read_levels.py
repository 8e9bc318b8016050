"""The list ``tiers.levels``: what leads to each tier and what it brings (R-50 to R-52, R-54)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from loyalty_service.program.rules.read_limits import MAX_FACTOR
from loyalty_service.program.rules.read_wallets import read_name, read_own_expiry
from loyalty_service.program.rules.reading import MAX_POINTS, Fault, Fields, Place
from loyalty_service.program.rules.tiers import (
    MAX_LEVELS,
    Criterion,
    Gift,
    Match,
    Measure,
    Perk,
    Qualification,
    Tier,
)
from loyalty_service.program.rules.wallets import Wallet

MAX_CRITERIA = 8
MAX_PERKS = 20
_NOT_LOWEST = ("entry", "keep", "gift", "keep_for_ever")

_Thing = tuple[Measure, str]


@dataclass(frozen=True, slots=True)
class _Context:
    """What levels may name, and the ids and names that those before have taken."""

    wallets: tuple[Wallet, ...]
    digits: int
    taken: set[str]
    named: set[str]

    @property
    def ids(self) -> list[str]:
        return [wallet.id for wallet in self.wallets if wallet.id]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a tier asks for, with where each number stands.

    Args:
        numbers: the criteria without a fault, by what they are about.
        count: how many there are, with those at fault.
    """

    match: Match
    numbers: dict[_Thing, tuple[int, Place]]
    count: int
    faults: list[Fault]

    @property
    def is_one_enough(self) -> bool:
        """Whether every criterion leads to the tier by itself."""
        return self.match is Match.ANY or self.count == 1

    @property
    def is_each_needed(self) -> bool:
        """Whether nobody comes to the tier without every criterion."""
        return self.match is Match.ALL or self.count == 1

    def frozen(self) -> Qualification:
        """As the program holds it."""
        criteria = [
            Criterion(measure, number, wallet or None)
            for (measure, wallet), (number, _) in self.numbers.items()
        ]
        return Qualification(self.match, tuple(criteria))


@dataclass(frozen=True, slots=True)
class _Level:
    """A tier while its place among the others is being checked."""

    name: str
    entry: _Asked | None
    keep: _Asked | None
    tier: Tier


def read_levels(place: Place, wallets: tuple[Wallet, ...], digits: int) -> tuple[Tier, ...]:
    """The tiers, lowest first.

    Args:
        place: the list of them.
        wallets: what their criteria and gifts may name.
        digits: decimals of money.

    Rule: R-50, R-52, R-54.
    """
    context = _Context(wallets, digits, set[str](), set[str]())
    levels = [
        _read_level(item, context, is_lowest=index == 0)
        for index, item in enumerate(place.items(1, MAX_LEVELS))
    ]
    for index, level in enumerate(levels):
        _check_keep(level, digits)
        _check_rises(level, levels[:index], digits)
    return tuple(level.tier for level in levels)


def _read_level(place: Place, context: _Context, *, is_lowest: bool) -> _Level:
    fields = place.fields("id", "name", "entry", "keep", "factor", "perks", "gift", "keep_for_ever")
    entry = keep = None
    if is_lowest:
        _refuse_of_lowest(fields)
    else:
        entry = _read_asked(fields.need("entry"), context)
        asked = fields.find("keep")
        keep = None if asked is None else _read_asked(asked, context)
    factor, gift, perks = fields.find("factor"), fields.find("gift"), fields.find("perks")
    tier = Tier(
        id=fields.need("id").new_id(context.taken),
        name=read_name(fields.need("name"), context.named),
        entry=None if entry is None else entry.frozen(),
        keep=None if keep is None else keep.frozen(),
        factor=Fraction(1) if factor is None else factor.exact(MAX_FACTOR, low=1, words="a factor"),
        perks=() if perks is None else _read_perks(perks),
        gift=None if gift is None else _read_gift(gift, context),
        keep_for_ever=fields.flag("keep_for_ever", default=False),
    )
    if tier.keep_for_ever and not is_lowest and "keep" in fields.found:
        fields.found["keep"].report("keep next to keep_for_ever", "one of the two, not both")
    return _Level(tier.id or place.path, entry, keep, tier)


def _refuse_of_lowest(fields: Fields) -> None:
    for key in _NOT_LOWEST:
        if (found := fields.find(key)) is not None:
            found.report(
                f"{key} of the lowest tier",
                "none: everybody begins in the lowest and nobody falls out of it",
            )


def _read_asked(place: Place, context: _Context) -> _Asked:
    chosen = None if place.is_silent else place.only_key([match.value for match in Match])
    if chosen is None:
        return _Asked(Match.ALL, {}, 0, place.faults)
    numbers: dict[_Thing, tuple[int, Place]] = {}
    items = chosen[1].items(1, MAX_CRITERIA)
    for item in items:
        read = _read_criterion(item, context)
        if read is None:
            continue
        thing, number = read
        if thing in numbers:
            item.report(f"{_named(thing)} comes twice", "each once")
        else:
            numbers[thing] = number
    return _Asked(Match(chosen[0]), numbers, len(items), place.faults)


def _read_criterion(place: Place, context: _Context) -> tuple[_Thing, tuple[int, Place]] | None:
    """What a criterion is about, with how much of it; None after a fault."""
    before = len(place.faults)
    chosen = place.only_key([measure.value for measure in Measure])
    if chosen is None:
        return None
    measure, asked, wallet = Measure(chosen[0]), chosen[1], ""
    if measure is Measure.SPEND:
        number = asked.money(context.digits)
    elif measure is Measure.ORDERS:
        number = asked.whole(1, MAX_POINTS)
    else:
        fields = asked.fields("wallet", "at_least")
        wallet = fields.need("wallet").reference(context.ids, "wallet")
        asked = fields.need("at_least")
        number = asked.whole(1, MAX_POINTS)
    is_sound = len(place.faults) == before
    return ((measure, wallet), (number, asked)) if is_sound else None


def _read_perks(place: Place) -> tuple[Perk, ...]:
    taken: set[str] = set()

    def read(item: Place) -> Perk:
        fields = item.fields("id", "name")
        return Perk(fields.need("id").new_id(taken), read_name(fields.need("name")))

    return place.each(1, MAX_PERKS, read)


def _read_gift(place: Place, context: _Context) -> Gift:
    fields = place.fields("wallet", "points", "expiry")
    named = fields.find("wallet")
    spendable = [wallet.id for wallet in context.wallets if wallet.spendable and wallet.id]
    if named is None and len(spendable) == 1:
        wallet = spendable[0]
    else:
        wallet = fields.need("wallet").reference(context.ids, "wallet")
    points = fields.need("points").whole(1, MAX_POINTS)
    slides = any(known.slides for known in context.wallets if known.id == wallet)
    return Gift(wallet, points, read_own_expiry(fields, slides=slides))


def _check_keep(level: _Level, digits: int) -> None:
    """Never more is asked to keep a tier than to reach it (R-52)."""
    if level.entry is None or level.keep is None:
        return
    for thing, (number, place) in level.keep.numbers.items():
        most = level.entry.numbers.get(thing)
        if most is not None and number > most[0]:
            place.report(
                f"keeping {level.name} asks {_amount(thing, number, digits)} of {_named(thing)}",
                f"at most what entry asks: {_amount(thing, most[0], digits)}",
            )


def _check_rises(level: _Level, lower: Sequence[_Level], digits: int) -> None:
    """Of the same thing a higher tier asks more, and of some thing always (R-50)."""
    if level.entry is None:
        return
    before = len(level.entry.faults)
    for thing in level.entry.numbers:
        _check_number(level, level.entry, thing, lower, digits=digits)
    if len(level.entry.faults) == before:
        _check_differs(level, level.entry, lower)


def _check_number(
    level: _Level, asked: _Asked, thing: _Thing, lower: Sequence[_Level], *, digits: int
) -> None:
    """Hold one number against the nearest tier below that asks of the same thing."""
    number, place = asked.numbers[thing]
    for other in reversed(lower):
        below = other.entry
        if below is None or thing not in below.numbers:
            continue
        # Who reaches the lower tier by something else may well need less of this for the higher.
        if not (asked.is_one_enough or below.is_each_needed):
            continue
        least = below.numbers[thing][0]
        if number < least or (number == least and asked.is_one_enough):
            place.report(
                f"{level.name} asks {_amount(thing, number, digits)} of {_named(thing)}",
                f"{'more' if asked.is_one_enough else 'no less'} than {other.name} below it,"
                f" which asks {_amount(thing, least, digits)}",
            )
        return


def _check_differs(level: _Level, asked: _Asked, lower: Sequence[_Level]) -> None:
    """Whoever reaches a lower tier must not always reach this one with it."""
    if not asked.numbers or len(asked.numbers) < asked.count:
        return
    amounts = {thing: number for thing, (number, _) in asked.numbers.items()}
    for other in reversed(lower):
        below = other.entry
        if below is None or not below.is_each_needed:
            continue
        least = {thing: number for thing, (number, _) in below.numbers.items()}
        if amounts.items() <= least.items():
            _, place = next(iter(asked.numbers.values()))
            place.report(
                f"{level.name} asks nothing that {other.name} below it does not ask",
                f"more of something than {other.name}",
            )
            return


def _amount(thing: _Thing, number: int, digits: int) -> str:
    """As the document writes it: money with its decimals."""
    return str(Decimal(number).scaleb(-digits)) if thing[0] is Measure.SPEND else str(number)


def _named(thing: _Thing) -> str:
    measure, wallet = thing
    return f"{measure.value} in {wallet}" if wallet else measure.value
