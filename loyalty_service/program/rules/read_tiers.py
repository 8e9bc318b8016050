"""The section ``tiers``: what leads to them, how long they last and what they bring."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from loyalty_service.program.rules.nodes import Kind
from loyalty_service.program.rules.read_conditions import Frame
from loyalty_service.program.rules.read_limits import MAX_FACTOR, USUAL_WALLET
from loyalty_service.program.rules.read_wallets import read_name, read_own_expiry, read_period
from loyalty_service.program.rules.reading import MAX_POINTS, Fields, Place
from loyalty_service.program.rules.spans import Unit
from loyalty_service.program.rules.tiers import (
    USUAL_TERM,
    Calendar,
    Criterion,
    Demote,
    Gift,
    GiftsOnReturn,
    Lasting,
    Lifetime,
    Match,
    Measure,
    NoTerm,
    OnReturn,
    Perk,
    Promote,
    Qualification,
    Rolling,
    Term,
    TermEnd,
    Tier,
    TierRate,
    Tiers,
    Window,
    WindowTerm,
)
from loyalty_service.program.rules.wallets import Wallet

MAX_LEVELS = 20
MAX_CRITERIA = 8
MAX_PERKS = 20
_UNITS = tuple(unit.value for unit in Unit)
_WINDOWS = ("lifetime", *(calendar.value for calendar in Calendar))
_TERMS = (*(term.value for term in WindowTerm), NoTerm.NONE.value)
_TALLIES = (Measure.EARNED, Measure.BALANCE)


@dataclass(frozen=True, slots=True)
class _Context:
    frame: Frame
    wallets: tuple[Wallet, ...]
    perks: set[str]

    @property
    def ids(self) -> list[str]:
        return [wallet.id for wallet in self.wallets if wallet.id]


def read_tiers(place: Place | None, frame: Frame, wallets: tuple[Wallet, ...]) -> Tiers | None:
    """The tiers of a program; None where it has none.

    Rule: R-24, R-50 to R-52, R-54.
    """
    if place is None:
        return None
    fields = place.fields(
        "window",
        "term",
        "promote",
        "demote",
        "grace",
        "on_return",
        "gifts_on_return",
        "tier_rate",
        "multiplies",
        "levels",
    )
    window = _read_window(fields.need("window"))
    grace = fields.find("grace")
    return Tiers(
        levels=_read_levels(fields.need("levels"), _Context(frame, wallets, set())),
        window=window,
        term=_read_term(fields.find("term"), window),
        promote=fields.choice("promote", Promote.AT_ONCE),
        demote=fields.choice("demote", Demote.ONE_LEVEL),
        grace=None if grace is None else _read_lasting(grace),
        on_return=fields.choice("on_return", OnReturn.KEEP_UNTIL_REVIEW),
        gifts_on_return=fields.choice("gifts_on_return", GiftsOnReturn.KEPT),
        tier_rate=fields.choice("tier_rate", TierRate.HELD),
        multiplies=_read_multiplied(fields, wallets),
    )


def list_tiers(place: Place | None) -> tuple[str, ...]:
    """The ids of the tiers, for conditions that stand before them; faults are told later."""
    if place is None:
        return ()
    levels = next((value for key, value in place.node.pairs if key.value == "levels"), None)
    pairs = [pair for level in (levels.items if levels else ()) for pair in level.pairs]
    return tuple(value.value for key, value in pairs if key.value == "id")


def _read_window(place: Place) -> Window:
    if place.node.kind is Kind.MAPPING:
        return Rolling(read_period(place))
    word = place.word(_WINDOWS)
    return Lifetime() if word == "lifetime" else Calendar(word)


def _read_term(place: Place | None, window: Window) -> Term:
    if place is None:
        return USUAL_TERM
    if place.node.kind is Kind.MAPPING:
        return _read_lasting(place)
    word = place.word(_TERMS)
    if word == NoTerm.NONE:
        return NoTerm.NONE
    if not isinstance(window, Calendar):
        place.report(
            f"{word} next to a window without calendar ends",
            "a period as {months: 12}, or none; this and next go with a calendar window",
        )
    return WindowTerm(word)


def _read_lasting(place: Place) -> Lasting:
    """A period of one unit, and the end of the calendar it is moved forward to."""
    fields = place.fields(*_UNITS, "end")
    end = fields.choice("end", TermEnd.EXACT)
    named = [unit for unit in Unit if unit.value in fields.found]
    if len(named) != 1:
        place.report(f"{len(named)} periods", "exactly one of " + ", ".join(_UNITS))
        return Lasting(USUAL_TERM.period, end)
    pairs = tuple(pair for pair in place.node.pairs if pair[0].value == named[0].value)
    node = place.node.__class__(Kind.MAPPING, place.node.line, pairs=pairs)
    return Lasting(read_period(Place(node, place.path, place.faults)), end)


def _read_multiplied(fields: Fields, wallets: tuple[Wallet, ...]) -> frozenset[str]:
    ids = [wallet.id for wallet in wallets if wallet.id]
    place = fields.find("multiplies")
    if place is None:
        return frozenset({USUAL_WALLET} & set(ids))
    return frozenset(place.distinct(len(ids) or 1, lambda item: item.reference(ids, "wallet")))


def _read_levels(place: Place, context: _Context) -> tuple[Tier, ...]:
    taken: set[str] = set()
    items = place.items(1, MAX_LEVELS)
    levels = [_read_level(item, taken, context, is_lowest=i == 0) for i, item in enumerate(items)]
    for i, (item, level) in enumerate(zip(items, levels, strict=True)):
        _check_rises(item, level, levels[:i])
    return tuple(levels)


def _read_level(place: Place, taken: set[str], context: _Context, *, is_lowest: bool) -> Tier:
    fields = place.fields("id", "name", "entry", "keep", "factor", "perks", "gift", "keep_for_ever")
    entry = keep = None
    if is_lowest:
        for key in ("entry", "keep"):
            if (found := fields.find(key)) is not None:
                found.report(f"{key} of the lowest tier", "none: everybody stands in the lowest")
    else:
        entry = _read_qualification(fields.need("entry"), context)
        asked = fields.find("keep")
        keep = None if asked is None else _read_qualification(asked, context)
    factor, gift, perks = fields.find("factor"), fields.find("gift"), fields.find("perks")
    return Tier(
        id=fields.need("id").new_id(taken),
        name=read_name(fields.need("name")),
        entry=entry,
        keep=keep,
        factor=Fraction(1) if factor is None else factor.exact(MAX_FACTOR, low=1, words="a factor"),
        perks=() if perks is None else _read_perks(perks),
        gift=None if gift is None else _read_gift(gift, context),
        keep_for_ever=fields.flag("keep_for_ever", default=False),
    )


def _read_qualification(place: Place, context: _Context) -> Qualification:
    chosen = None if place.is_silent else place.only_key([match.value for match in Match])
    if chosen is None:
        return Qualification(Match.ALL, ())
    criteria = chosen[1].each(1, MAX_CRITERIA, lambda item: _read_criterion(item, context))
    return Qualification(Match(chosen[0]), criteria)


def _read_criterion(place: Place, context: _Context) -> Criterion:
    chosen = place.only_key([measure.value for measure in Measure])
    if chosen is None:
        return Criterion(Measure.ORDERS, 1)
    measure, asked = Measure(chosen[0]), chosen[1]
    if measure is Measure.SPEND:
        return Criterion(measure, asked.money(context.frame.digits))
    if measure is Measure.ORDERS:
        return Criterion(measure, asked.whole(1, MAX_POINTS))
    fields = asked.fields("wallet", "at_least")
    wallet = fields.need("wallet").reference(context.ids, "wallet")
    return Criterion(measure, fields.need("at_least").whole(1, MAX_POINTS), wallet)


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


def _check_rises(place: Place, level: Tier, lower: Sequence[Tier]) -> None:
    """Of the same thing a higher tier asks more, and never more to be kept than to be reached."""
    asked = _by_measure(level.entry)
    for measure, at_least in _by_measure(level.keep).items():
        if measure in asked and at_least > asked[measure]:
            place.report(
                f"keeping {level.id} asks {at_least} of {_named(measure)}",
                f"at most what entry asks: {asked[measure]}",
            )
    for other in lower:
        before = _by_measure(other.entry)
        for measure in sorted(asked.keys() & before.keys()):
            if asked[measure] <= before[measure]:
                place.report(
                    f"{level.id} asks {asked[measure]} of {_named(measure)}",
                    f"more than {other.id} below it, which asks {before[measure]}",
                )


def _by_measure(qualification: Qualification | None) -> dict[tuple[str, str], int]:
    criteria = () if qualification is None else qualification.criteria
    return {(one.measure.value, one.wallet or ""): one.at_least for one in criteria}


def _named(measure: tuple[str, str]) -> str:
    return " in ".join(part for part in measure if part)
