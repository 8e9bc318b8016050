"""An explanation as sentences, worded from what was kept and from nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from loyalty_service.earning.rules.phrases import LANGUAGES, Phrases

Told = Mapping[str, Any]
PLACES = 4
"""Decimals told of a number whose decimals do not end; the exact one stands in the explanation."""
MOST_NAMED = 20
"""Things of one list that are named in a sentence: nobody reads on, and sentences have an end."""


def explain_in_words(explanation: Told, lang: str) -> list[str]:
    """Say how the points of a credit came about: basis, rules, factors, rounding, caps, total.

    Args:
        explanation: as kept with the entry, fresh or read back from JSON.
        lang: ``en`` or ``zh``.

    Rule: R-27.
    """
    say = LANGUAGES[lang]
    return [
        sentence + say.stop
        for sentence in (
            _occasion(explanation, say),
            *(_rule(rule, explanation, say) for rule in explanation["rules"]),
            *(_cap(cap, explanation, say) for cap in explanation.get("caps", ())),
            *_account(explanation, say),
            _total(explanation, say),
        )
    ]


def _occasion(explanation: Told, say: Phrases) -> str:
    currency, basis = explanation["currency"], explanation.get("basis")
    if basis is not None:
        lines = [
            say.basis_line.format(line=line_no, money=say.money(value_minor, currency))
            for line_no, value_minor, _ in basis["lines"]
        ]
        money = say.money(basis["value_minor"], currency)
        return say.basis.format(money=money, lines=_listed(lines, say.more_lines, say))
    phrase = say.streak if "streak" in explanation else say.event
    return phrase.format(event=explanation["on"], day=explanation.get("streak"))


def _rule(rule: Told, explanation: Told, say: Phrases) -> str:
    parts = [_given(rule, explanation, say), *_multiplied(rule, explanation, say)]
    exact = rule.get("multiplied", rule["exact"])
    if exact != str(rule["rounded"]):
        rounded = say.roundings[explanation["rounding"]].format(whole=_shown(rule["rounded"]))
        parts[-1] += say.between + rounded
    for key, phrase in (("beaten_by", say.beaten), ("excluded_by", say.excluded)):
        if key in rule:
            parts.append(phrase.format(name=_name_of(rule[key], explanation, say)))
    return say.rule.format(name=rule["name"][say.lang], what=say.then.join(parts))


def _given(rule: Told, explanation: Told, say: Phrases) -> str:
    """What the rule gives and on what, and the exact points that come of it."""
    give = rule["give"]
    (kind,) = {"rate", "step", "fixed", "per_unit", "by_streak"} & give.keys()
    currency = explanation["currency"]
    told = str(getattr(say, kind)).format(
        points=say.points(_shown(rule["exact"] if kind == "by_streak" else give[kind])),
        per=say.money(give.get("per_minor", 0), currency),
        money=say.money(rule.get("value_minor", 0), currency),
        units=_shown(rule.get("units", 0)),
        day=explanation.get("streak"),
    )
    what = say.set_out(told)
    if "lines" in rule:
        what = say.on_lines.format(what=what, lines=_lines(rule["lines"], say))
    if kind in ("fixed", "by_streak"):
        return what
    return say.yields.format(what=what, exact=_shown(rule["exact"]))


def _multiplied(rule: Told, explanation: Told, say: Phrases) -> Iterator[str]:
    if "times" not in rule:
        return
    times, names = rule["times"], _names_of_multipliers(rule["by"], explanation, say)
    exact, product = _shown(rule["exact"]), _shown(rule["multiplied"])
    if isinstance(times, str):
        yield say.factor.format(exact=exact, factor=_shown(times), names=names, product=product)
        return
    factors = [
        say.line_factor.format(lines=_lines(lines, say), factor=_shown(factor))
        for factor, lines in times
    ]
    listed = _listed(factors, say.more, say)
    yield say.by_factors.format(exact=exact, factors=listed, names=names, product=product)


def _names_of_multipliers(ids: Sequence[str], explanation: Told, say: Phrases) -> str:
    told = {multiplier["id"]: multiplier for multiplier in explanation["multipliers"]}
    if len(ids) == 1:
        return str(told[ids[0]]["name"][say.lang])
    names = [f"{told[one]['name'][say.lang]} {told[one]['factor']}" for one in ids]
    is_sum = explanation["combine"] == "add"
    sign = "+" if is_sum else say.multiply_sign
    listed = _with_rest(f" {sign} ".join(names[:MOST_NAMED]), len(names), say.more, say)
    return say.added.format(names=listed) if is_sum else listed


def _cap(cap: Told, explanation: Told, say: Phrases) -> str:
    is_times, limit = cap["unit"] == "times", cap["limit"]
    return say.cap.format(
        name=cap["name"][say.lang],
        per=say.caps_per[cap["per"]],
        limit=say.times(limit) if is_times else say.points(_shown(limit)),
        room=_shown(cap["room"]),
        asked=_shown(cap["asked"]),
        over=say.over_cap[cap["over"]],
        cuts=_cuts(cap["cuts"], explanation, say),
    )


def _cuts(cuts: Sequence[Any], explanation: Told, say: Phrases) -> str:
    told = [
        say.cut.format(
            name=_name_of(rule_id, explanation, say), before=_shown(before), after=_shown(after)
        )
        for rule_id, before, after in cuts
    ]
    return _listed(told, say.more, say)


def _account(explanation: Told, say: Phrases) -> Iterator[str]:
    """That the account was too full to take all of it."""
    full = explanation.get("account")
    if full is not None:
        cuts = _cuts(full["cuts"], explanation, say)
        yield say.account.format(room=say.points(_shown(full["room"])), cuts=cuts)


def _total(explanation: Told, say: Phrases) -> str:
    total = _shown(explanation["points"])
    return say.total.format(wallet=explanation["wallet"][say.lang], points=total)


def _shown(number: str | int) -> str:
    """A number as people read it: 1,234.5; of a fraction the first decimals, and that more follow.

    Args:
        number: whole, decimal text, or ``a/b``.
    """
    text = str(number)
    if "/" not in text:
        whole, _, decimals = text.partition(".")
        return f"{int(whole):,}" + (f".{decimals}" if decimals else "")
    numerator, denominator = map(int, text.split("/"))
    units, rest = divmod(numerator, denominator)
    return f"{units:,}.{rest * 10**PLACES // denominator:0{PLACES}}…"


def _lines(numbers: Sequence[int], say: Phrases) -> str:
    return _with_rest(say.lines(numbers[:MOST_NAMED]), len(numbers), say.more_lines, say)


def _listed(parts: Sequence[str], more: str, say: Phrases) -> str:
    return _with_rest(say.between.join(parts[:MOST_NAMED]), len(parts), more, say)


def _with_rest(named: str, count: int, more: str, say: Phrases) -> str:
    """The first of what may be many, and how many there are more."""
    left = count - MOST_NAMED
    return f"{named}{say.between}{more.format(count=left)}" if left > 0 else named


def _name_of(rule_id: str, explanation: Told, say: Phrases) -> str:
    """A rule's name; what beats or excludes a rule is always of the same wallet."""
    return next(
        str(rule["name"][say.lang]) for rule in explanation["rules"] if rule["id"] == rule_id
    )
