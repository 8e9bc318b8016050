"""What an order opens in each wallet: one lot per distinct pair of activation and expiry."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import orjson

from loyalty_service.earning.rules.facts import RuleEarned
from loyalty_service.earning.rules.plan import Terms, plan_for
from loyalty_service.kit.frozen import frozen
from loyalty_service.ledger.rules.movements import Opening
from loyalty_service.program.rules.periods import activation_at, expires_at
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.wallets import Never, Wallet

_STANDING = ""
"""Stands for the rules whose points went to the standing lot; no rule has an empty id."""


@frozen
class WalletEarned:
    """What an act gave in one wallet: the lots to open, and by which rule's terms each."""

    wallet: Wallet
    rules: tuple[RuleEarned, ...]
    openings: tuple[Opening, ...]
    opened_by: tuple[str, ...]


@frozen
class Act:
    """The act that earned points, as lots see it.

    Args:
        occurred_at: when the order was paid, or the event happened (UTC).
        fulfilled_at: when the order's goods arrived; None while they have not, then lots that
            wait for it have neither beginning nor end yet. For an event, when it happened.
        order_no: our number of the order; None for an event.
    """

    occurred_at: datetime
    fulfilled_at: datetime | None
    order_no: int | None = None

    def begins_to_wait(self, terms: Terms) -> datetime | None:
        """The moment from which points wait that come alive so; None while nobody can say."""
        return self.occurred_at if terms.at_payment else self.fulfilled_at


def open_lots(program: Program, earned: Iterable[RuleEarned], act: Act) -> list[WalletEarned]:
    """Gather what an act earned into lots, wallet by wallet, in the program's order.

    Rule: R-25.
    """
    by_wallet: dict[str, list[RuleEarned]] = {}
    for given in earned:
        by_wallet.setdefault(given.rule.wallet, []).append(given)
    return [
        _in_wallet(program, wallet, by_wallet[wallet.id], act)
        for wallet in program.wallets
        if wallet.id in by_wallet
    ]


def _in_wallet(program: Program, wallet: Wallet, rules: list[RuleEarned], act: Act) -> WalletEarned:
    plan = plan_for(program)
    alike: dict[Terms, list[RuleEarned]] = {}
    for given in rules:
        alike.setdefault(plan.terms[given.rule.id], []).append(given)
    openings: dict[str, Opening] = {}
    for terms, members in alike.items():
        points = sum([given.points for given in members])
        moment = act.begins_to_wait(terms)
        begins, ends = (None, None) if moment is None else instants(program, terms, moment)
        at_once = begins is not None and begins <= act.occurred_at
        if not wallet.spendable and isinstance(terms.expiry, Never) and at_once:
            already = openings.get(_STANDING)
            points += already.points if already else 0
            openings[_STANDING] = Opening(points, act.order_no, standing=True)
        else:
            openings[members[0].rule.id] = Opening(points, act.order_no, begins, ends)
    return WalletEarned(wallet, tuple(rules), tuple(openings.values()), tuple(openings))


def instants(program: Program, terms: Terms, moment: datetime) -> tuple[datetime, datetime | None]:
    """The beginning and the end (None: never) of points whose waiting starts at ``moment``."""
    begins = activation_at(terms.activation, moment, program)
    return begins, expires_at(terms.expiry, begins, program)


def active_from(program: Program, rule_id: str, act: Act) -> datetime | None:
    """When what a rule gives for an act comes alive; None while nobody can say.

    Rule: R-25, R-50.
    """
    terms = plan_for(program).terms[rule_id]
    moment = act.begins_to_wait(terms)
    return None if moment is None else activation_at(terms.activation, moment, program)


def came_alive(
    program: Program, explanation: str, occurred_at: datetime
) -> list[tuple[str, int, datetime]]:
    """What an event's explanation says each rule gave, and when those points came alive.

    Returns:
        rule, points and instant; nothing where the text does not read, which the proof of its
        entry tells.

    Rule: R-27, R-50.
    """
    act = Act(occurred_at, occurred_at)
    try:
        rules = [(rule["id"], int(rule["points"])) for rule in orjson.loads(explanation)["rules"]]
    except (ValueError, KeyError, TypeError):
        return []
    known = plan_for(program).by_id
    return [
        (rule_id, points, (active_from(program, rule_id, act) or occurred_at))
        for rule_id, points in rules
        if rule_id in known
    ]


def fulfilled_lots(
    program: Program, lots: Mapping[int, str], fulfilled_at: datetime
) -> dict[int, tuple[datetime, datetime | None]]:
    """The new instants of the order's lots that were waiting for its fulfilment.

    Args:
        lots: lot number -> the rule by whose terms it was opened.

    Rule: R-25.
    """
    by_rule, found = plan_for(program).terms, {}
    for lot_seq, rule_id in lots.items():
        if rule_id == _STANDING:
            continue
        terms = by_rule[rule_id]
        if not terms.at_payment:
            found[lot_seq] = instants(program, terms, fulfilled_at)
    return found
