"""The program document: read, checked as a whole, and frozen.

Every fault is told at once with its line, where it is, what stands there and what was expected,
because a shop mends its program in one sitting, not one error at a time.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from loyalty_service.kit.errors import Invalid
from loyalty_service.program.rules.currencies import CODES, minor_digits
from loyalty_service.program.rules.earning import (
    Combine,
    Earning,
    Group,
    MultipliersCombine,
    Streak,
)
from loyalty_service.program.rules.nodes import Kind, Node, Unreadable, read_tree, write_json
from loyalty_service.program.rules.program import Program, Rounding
from loyalty_service.program.rules.read_conditions import Frame
from loyalty_service.program.rules.read_limits import read_caps, read_multipliers
from loyalty_service.program.rules.read_rules import Declared, read_rule
from loyalty_service.program.rules.read_spending import (
    read_redemption,
    read_reservations,
    read_returns,
)
from loyalty_service.program.rules.read_tiers import list_tiers, read_tiers
from loyalty_service.program.rules.read_wallets import read_wallets
from loyalty_service.program.rules.reading import Fault, Fields, Place, TooManyFaults
from loyalty_service.program.rules.showing import guessed
from loyalty_service.program.rules.spans import PeriodClock
from loyalty_service.program.rules.wallets import Wallet

__all__ = ["Checked", "Fault", "UnreadableProgram", "canonical", "read_document"]

MAX_GROUPS = 50
MAX_RULES = 500
DOCUMENTS_KEPT = 32
"""What the latest documents say: one is checked, compared and applied in a row, and read again by
every proof, and reading it takes as long as dozens of orders."""


class UnreadableProgram(Invalid):
    """The text is not one YAML or JSON document."""

    code = "unreadable_program"


@dataclass(frozen=True, slots=True)
class Checked:
    """A program, or everything that keeps the document from being one."""

    program: Program | None
    faults: tuple[Fault, ...]


@lru_cache(maxsize=DOCUMENTS_KEPT)
def read_document(text: str) -> Checked:
    """Check a program document and freeze it.

    Args:
        text: YAML or JSON; any text at all, a bad one gives faults.

    Returns:
        The program, or all faults by line; of very many the first hundred.

    Rule: R-01, R-16, R-21 to R-25.
    """
    try:
        tree = read_tree(text)
    except Unreadable as error:
        return Checked(None, (Fault(error.line, "", error.message, error.expected),))
    faults: list[Fault] = []
    try:
        program = _read_program(Place(tree, "", faults))
    except TooManyFaults:
        told = sorted(faults)
        more = Fault(told[-1].line, "", "there may be more faults", "the first ones mended")
        return Checked(None, (*told, more))
    if faults:
        return Checked(None, tuple(sorted(faults)))
    return Checked(program, ())


@lru_cache(maxsize=DOCUMENTS_KEPT)
def canonical(text: str) -> str:
    """The document as JSON, the same for documents that say the same.

    Comments, the order of keys and the way of writing go; numbers keep their digits.

    Raises:
        UnreadableProgram: the text is not one YAML or JSON document.
    """
    try:
        return write_json(read_tree(text))
    except Unreadable as error:
        raise UnreadableProgram(
            f"Line {error.line}: {error.message} (expected {error.expected}).", line=error.line
        ) from error


def _read_program(place: Place) -> Program:
    fields = place.fields(
        "program",
        "currency",
        "time_zone",
        "rounding",
        "clock",
        "wallets",
        "earning",
        "redemption",
        "reservations",
        "returns",
        "tiers",
    )
    currency = _read_currency(fields.need("currency"))
    tiers = fields.find("tiers")
    zone = _read_zone(fields.need("time_zone"))
    frame = Frame(zone, minor_digits(currency), list_tiers(tiers))
    wallets = read_wallets(fields.need("wallets"))
    return Program(
        name=fields.need("program").ident(),
        currency=currency,
        zone=frame.zone,
        rounding=fields.choice("rounding", Rounding.FLOOR),
        clock=fields.choice("clock", PeriodClock.DAYS),
        wallets=wallets,
        earning=_read_earning(fields.need("earning"), frame, wallets),
        redemption=read_redemption(fields.find("redemption"), frame, wallets),
        reservations=read_reservations(fields.find("reservations")),
        returns=read_returns(fields.find("returns")),
        tiers=read_tiers(tiers, frame, wallets),
    )


def _read_currency(place: Place) -> str:
    if place.node.kind is Kind.TEXT and place.node.value in CODES:
        return place.node.value
    place.report_found("an ISO 4217 code as CNY")
    return "CNY"


def _read_zone(place: Place) -> ZoneInfo:
    value = place.node.value
    if place.node.kind is Kind.TEXT and value in _zones():
        return ZoneInfo(value)
    guess = guessed(value, sorted(_zones())) if len(value) < 40 else ""
    place.report_found("a zone of the tz database as Asia/Shanghai" + guess)
    return ZoneInfo("UTC")


@cache
def _zones() -> frozenset[str]:
    # A walk over hundreds of files, and the same answer as long as the process lives.
    return frozenset(available_timezones())


def _read_earning(place: Place, frame: Frame, wallets: tuple[Wallet, ...]) -> Earning:
    fields = place.fields(
        "shipping",
        "tax",
        "earn_on_points_paid",
        "multipliers_combine",
        "streak",
        "groups",
        "rules",
        "multipliers",
        "caps",
    )
    groups = _read_groups(fields.need("groups"))
    ids = tuple(wallet.id for wallet in wallets if wallet.id)
    sliding = tuple(wallet.id for wallet in wallets if wallet.id and wallet.slides)
    declared = Declared(ids, tuple(group.id for group in groups if group.id), sliding)
    rules = fields.need("rules").each(1, MAX_RULES, lambda item: read_rule(item, frame, declared))
    combine = fields.choice("multipliers_combine", MultipliersCombine.MULTIPLY)
    return Earning(
        shipping=fields.flag("shipping", default=False),
        tax=fields.flag("tax", default=False),
        earn_on_points_paid=fields.flag("earn_on_points_paid", default=False),
        multipliers_combine=combine,
        streak=fields.choice("streak", Streak.OPEN),
        groups=groups,
        rules=rules,
        multipliers=read_multipliers(_list(fields, "multipliers"), frame, declared, combine),
        caps=read_caps(_list(fields, "caps"), rules),
    )


def _list(fields: Fields, key: str) -> Place:
    """A list that may be left out, which is the same as an empty one."""
    empty = Place(Node(Kind.LIST, fields.place.node.line), key, [])
    return fields.find(key) or empty


def _read_groups(place: Place) -> tuple[Group, ...]:
    taken: set[str] = set()

    def read(item: Place) -> Group:
        fields = item.fields("id", "combine")
        return Group(fields.need("id").new_id(taken), fields.need("combine").choice(Combine))

    return place.each(1, MAX_GROUPS, read)
