"""The section ``tiers``: what leads to them, how long they last and what they bring."""

from loyalty_service.program.rules.nodes import Kind, Node
from loyalty_service.program.rules.read_conditions import Frame
from loyalty_service.program.rules.read_levels import read_levels
from loyalty_service.program.rules.read_limits import USUAL_WALLET
from loyalty_service.program.rules.read_wallets import read_period
from loyalty_service.program.rules.reading import Fields, Place
from loyalty_service.program.rules.spans import Unit
from loyalty_service.program.rules.tiers import (
    USUAL_TERM,
    Calendar,
    Demote,
    GiftsOnReturn,
    Lasting,
    Lifetime,
    Measure,
    NoTerm,
    OnReturn,
    Promote,
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

_UNITS = tuple(unit.value for unit in Unit)
_WINDOWS = ("lifetime", *(calendar.value for calendar in Calendar))
_TERMS = (*(term.value for term in WindowTerm), NoTerm.NONE.value)
_ROLLING = "a period as {months: 12}"
_NONE = "none"
_MOST_STEPS = 9


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
        "notify_at",
        "levels",
    )
    window = _read_window(fields.need("window"))
    levels = read_levels(fields.need("levels"), wallets, frame.digits)
    tiers = Tiers(
        levels=levels,
        window=window or Lifetime(),
        term=_read_term(fields.find("term"), window),
        promote=fields.choice("promote", Promote.AT_ONCE),
        demote=fields.choice("demote", Demote.ONE_LEVEL),
        grace=_read_grace(fields.find("grace")),
        on_return=fields.choice("on_return", OnReturn.KEEP_UNTIL_REVIEW),
        gifts_on_return=fields.choice("gifts_on_return", GiftsOnReturn.KEPT),
        tier_rate=fields.choice("tier_rate", TierRate.HELD),
        multiplies=_read_multiplied(fields, wallets, any(one.factor != 1 for one in levels)),
        notify_at=_read_steps(fields.find("notify_at"), levels),
    )
    if tiers.promote is Promote.NEXT_REVIEW and tiers.term is WindowTerm.THIS:
        fields.need("promote").report(
            "next_review next to term: this, whose reviews look at a window that only begins",
            "at_once, or another term: else nobody would ever rise",
        )
    return tiers


def list_tiers(place: Place | None) -> tuple[str, ...] | None:
    """The ids of the tiers, for conditions that stand before them; faults are told later.

    Returns:
        None where the program has no tiers.
    """
    if place is None:
        return None
    levels = next((value for key, value in place.node.pairs if key.value == "levels"), None)
    pairs = [pair for level in (levels.items if levels else ()) for pair in level.pairs]
    return tuple(value.value for key, value in pairs if key.value == "id")


def _read_window(place: Place) -> Window | None:
    """The window; None after a fault, so that nothing is held against a stand-in."""
    before = len(place.faults)
    if place.node.kind is Kind.MAPPING:
        rolling = Rolling(read_period(place))
        return rolling if len(place.faults) == before else None
    word = place.word(_WINDOWS, beside=_ROLLING)
    if place.is_silent or len(place.faults) > before:
        return None
    return Lifetime() if word == "lifetime" else Calendar(word)


def _read_term(place: Place | None, window: Window | None) -> Term:
    if place is None:
        return USUAL_TERM
    if place.node.kind is Kind.MAPPING:
        return _read_lasting(place, "term")
    before = len(place.faults)
    word = place.word(_TERMS, beside=_ROLLING)
    if word == NoTerm.NONE or len(place.faults) > before:
        return NoTerm.NONE
    if window is not None and not isinstance(window, Calendar):
        place.report(
            f"{word} next to a window without calendar ends",
            f"{_ROLLING}, or none; this and next go with a calendar window",
        )
    return WindowTerm(word)


def _read_grace(place: Place | None) -> Lasting | None:
    if place is None:
        return None
    if place.node.kind is Kind.MAPPING:
        return _read_lasting(place, "grace")
    place.word([_NONE], beside="a period as {days: 30}")
    return None


def _read_lasting(place: Place, what: str) -> Lasting:
    """A period of one unit, and the end of the calendar it is moved forward to."""
    before = len(place.faults)
    fields = place.fields(*_UNITS, "end")
    end = fields.choice("end", TermEnd.EXACT)
    named = [unit for unit in Unit if unit.value in fields.found]
    if len(named) != 1:
        if len(place.faults) == before:
            place.report(f"{len(named)} periods", "exactly one of " + ", ".join(_UNITS))
        return Lasting(USUAL_TERM.period, end)
    pairs = tuple(pair for pair in place.node.pairs if pair[0].value == named[0].value)
    node = Node(Kind.MAPPING, place.node.line, pairs=pairs[:1])
    lonely = Place(node, place.path, place.faults)
    return Lasting(read_period(lonely, hint=f"; for no {what} write {what}: {_NONE}"), end)


def _read_steps(place: Place | None, levels: tuple[Tier, ...]) -> tuple[int, ...]:
    """The parts of the way to the next tier at which members are told, percent, ascending."""
    if place is None:
        return ()
    before = len(place.faults)
    steps = place.each(1, _MOST_STEPS, lambda item: item.whole(1, 99))
    if len(place.faults) > before:
        return ()
    if list(steps) != sorted(set(steps)):
        place.report(f"found {', '.join(map(str, steps))}", "each percent once, and rising")
    asked = [one for level in levels if level.entry for one in level.entry.criteria]
    if any(one.measure is Measure.BALANCE for one in asked):
        place.report(
            "notices next to a tier that asks for a balance",
            "tiers that ask for what is earned, spent or ordered: a balance moves with every use",
        )
    return tuple(steps)


def _read_multiplied(
    fields: Fields, wallets: tuple[Wallet, ...], has_factor: bool
) -> frozenset[str]:
    """The wallets that factors act on; where the usual one is not there they have to be named."""
    ids = [wallet.id for wallet in wallets if wallet.id]
    place = fields.find("multiplies")
    if place is None and (USUAL_WALLET in ids or not has_factor):
        return frozenset({USUAL_WALLET} & set(ids))
    named = place or fields.need("multiplies")
    return frozenset(named.distinct(len(ids) or 1, lambda item: item.reference(ids, "wallet")))
