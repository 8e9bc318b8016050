"""The sections ``wallets`` and what they share with rules: names, activation, expiry."""

import re
from datetime import date

from loyalty_service.program.rules.reading import Fields, Place
from loyalty_service.program.rules.spans import Period, RoundTo, Unit
from loyalty_service.program.rules.wallets import (
    ActivateOn,
    Activation,
    After,
    Expiry,
    FixedDates,
    Name,
    Never,
    Sliding,
    Wallet,
)

MAX_WALLETS = 20
MAX_WAIT_DAYS = 3_650
_MOST = {Unit.DAYS: 36_500, Unit.MONTHS: 1_200, Unit.YEARS: 100}
_MONTH_DAY = re.compile(r"[0-9]{2}-[0-9]{2}")
_MONTH_DAY_WORDS = 'a month and day as "06-30"'


def read_wallets(place: Place) -> tuple[Wallet, ...]:
    """The wallets of a program (R-16)."""
    taken, named = set[str](), set[str]()
    return place.each(1, MAX_WALLETS, lambda item: _read_wallet(item, taken, named))


def _read_wallet(place: Place, taken: set[str], named: set[str]) -> Wallet:
    fields = place.fields("id", "name", "spendable", "activation", "expiry")
    return Wallet(
        id=fields.need("id").new_id(taken),
        name=read_name(fields.need("name"), named),
        spendable=fields.need("spendable").flag(),
        activation=read_activation(fields) or Activation(ActivateOn.FULFILMENT),
        expiry=read_expiry(fields.need("expiry")),
    )


def read_name(place: Place, taken: set[str] | None = None) -> Name:
    """What members read, in both languages.

    Args:
        taken: names that siblings have; it may have none of them, and is added. None: it may have
            any.
    """
    fields = place.fields("en", "zh")
    en, zh = fields.need("en"), fields.need("zh")
    name = Name(en=en.text(), zh=zh.text())
    if taken is not None:
        for text, found in ((name.en, en), (name.zh, zh)):
            if text in taken:
                found.report(f"the name {text} comes twice", "each name once")
        taken |= {name.en, name.zh} - {""}
    return name


def read_activation(fields: Fields) -> Activation | None:
    """When points come alive; None where the document leaves it out."""
    place = fields.find("activation")
    if place is None:
        return None
    own = place.fields("on", "wait_days")
    wait = own.find("wait_days")
    return Activation(
        on=own.need("on").choice(ActivateOn),
        wait_days=0 if wait is None else wait.whole(0, MAX_WAIT_DAYS),
    )


def read_own_expiry(fields: Fields, *, slides: bool) -> Expiry | None:
    """The end that points of a rule or a gift have of their own.

    Args:
        slides: whether all points of the wallet end together, so that none has one.

    Rule: R-25.
    """
    place = fields.find("expiry")
    if place is None:
        return None
    expiry = read_expiry(place)
    if slides:
        place.report("an expiry of its own in a sliding wallet", "none: all of it end together")
    elif isinstance(expiry, Sliding):
        place.report("sliding outside a wallet", "sliding only as a wallet's expiry")
    return expiry


def read_expiry(place: Place) -> Expiry:
    """When points end: ``never``, ``after`` a period, ``sliding`` or on ``fixed`` dates."""
    if place.node.value:
        place.word(["never"])
        return Never()
    fields = place.fields("after", "round_to", "fixed", "sliding")
    kind = fields.either("after", "fixed", "sliding")
    round_to = fields.find("round_to")
    for other in ("fixed", "sliding"):
        if kind is fields.find(other) and round_to is not None:
            round_to.report(f"round_to next to {other}", "round_to only next to after")
    if kind is fields.find("fixed"):
        return FixedDates(tuple(sorted(kind.distinct(24, _read_month_day))))
    if kind is fields.find("sliding"):
        return Sliding(read_period(kind))
    return After(read_period(kind), None if round_to is None else round_to.choice(RoundTo))


def read_period(place: Place, hint: str = "") -> Period:
    """So many days, months or years; ``hint`` says what to write for none."""
    chosen = None if place.is_silent else place.only_key([unit.value for unit in Unit])
    if chosen is None:
        return Period(1, Unit.DAYS)
    unit = Unit(chosen[0])
    return Period(chosen[1].whole(1, _MOST[unit], hint), unit)


def _read_month_day(place: Place) -> tuple[int, int]:
    value = place.node.value
    if not _MONTH_DAY.fullmatch(value):
        place.report_found(_MONTH_DAY_WORDS)
        return 1, 1
    month, day = int(value[:2]), int(value[3:])
    try:
        # A leap year, for 29 February is kept on the 28th in other years.
        date(2000, month, day)
    except ValueError:
        place.report_found(_MONTH_DAY_WORDS + " that the calendar has")
        return 1, 1
    return month, day
