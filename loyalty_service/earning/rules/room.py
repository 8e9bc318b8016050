"""What accounts can still hold of what time gives, when there is nobody to refuse it to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from loyalty_service.earning.rules.facts import Earned


def fit(earned: Earned, room: Mapping[str, int]) -> Earned:
    """Cut what an event earned to the room there is; the rules that count first are cut last.

    The explanations say so; of a wallet that is full nothing is given.

    Args:
        room: how many more points can be counted, by wallet.

    Rule: R-27, R-55.
    """
    left, kept = dict(room), []
    cuts: dict[str, list[list[Any]]] = {}
    for given in earned.by_rule:
        wallet = given.rule.wallet
        points = min(given.points, left[wallet])
        left[wallet] -= points
        if points < given.points:
            cuts.setdefault(wallet, []).append([given.rule.id, given.points, points])
        if points:
            kept.append(replace(given, points=points))
    if not cuts:
        return earned
    told = dict(earned.explain())
    for wallet, cut in cuts.items():
        told[wallet] = _explain(told[wallet], room[wallet], cut)
    return Earned(tuple(kept), earned.refused, lambda: told)


def _explain(
    explanation: Mapping[str, Any], room: int, cuts: Sequence[Sequence[Any]]
) -> dict[str, Any]:
    """The explanation with what the room has left of the rules: id, before, after."""
    left = {rule_id: after for rule_id, _, after in cuts}
    rules = [
        {**rule, "points": left.get(rule["id"], rule["points"])} for rule in explanation["rules"]
    ]
    points = sum([rule["points"] for rule in rules])
    full = {"room": room, "cuts": list(cuts)}
    return {**explanation, "rules": rules, "account": full, "points": points}
