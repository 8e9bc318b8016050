"""Give what was earned: open its lots, with their explanation."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from loyalty_service.earning.rules.facts import Earned, Refused, Who
from loyalty_service.earning.rules.openings import Act, WalletEarned, open_lots
from loyalty_service.kit.frozen import frozen
from loyalty_service.kit.instants import instant_or_none
from loyalty_service.ledger.rules.entry import Allocation, Entry, Reason, Source
from loyalty_service.ledger.rules.lots import STANDING
from loyalty_service.ledger.rules.movements import Opening, credit
from loyalty_service.ledger.service import (
    CLOCK_ACTOR,
    Books,
    openings_by_time,
    openings_in_time,
    told,
)
from loyalty_service.members.rules import Member
from loyalty_service.program.rules.program import Program


@frozen
class Occasion:
    """What points are given for.

    Args:
        source_no: our number of the order or event.
        version: the program version that decided.
        by_time: that time brings, without anybody doing anything.
    """

    reason: Reason
    source: Source
    source_no: int
    version: int
    program: Program
    act: Act
    by_time: bool = False


@frozen
class Credited:
    """What was given in one wallet, and the lot each opening went to."""

    in_wallet: WalletEarned
    entry: Entry
    lots: dict[int, int]

    def stored(self) -> dict[str, Any]:
        """What an order remembers: the entry, and by which rule's terms each lot was opened."""
        opened_by = self.in_wallet.opened_by
        return {
            "seq": self.entry.seq,
            "lots": {str(lot_seq): opened_by[i] for i, lot_seq in self.lots.items()},
        }

    def told(self) -> dict[str, Any]:
        """As answers tell it."""
        return {
            **told(self.entry),
            "lots": lots_told(self.entry),
            "rules": [
                {"rule": given.rule.id, "points": given.points} for given in self.in_wallet.rules
            ],
        }


def who(member: Member, tier: str | None) -> Who:
    """What conditions may ask of a member, who stands in a tier."""
    return Who(frozenset(member.tags), member.birth_month, tier)


def give(books: Books, member: Member, occasion: Occasion, earned: Earned) -> list[Credited]:
    """Credit what an order or event earned: one entry a wallet, with its explanation.

    Rule: R-25, R-27.
    """
    if not earned.by_rule:
        return []
    given, explanations = [], earned.explain()
    for in_wallet in open_lots(occasion.program, earned.by_rule, occasion.act):
        cause = books.cause(
            member,
            occasion.reason,
            occasion.source,
            occasion.source_no,
            version=occasion.version,
            occurred_at=occasion.act.occurred_at,
            rule_ids=tuple(by_rule.rule.id for by_rule in in_wallet.rules),
        )
        wallet = in_wallet.wallet.id
        explanation = orjson.dumps(explanations[wallet]).decode()
        account = books.account(member, wallet)
        openings: Sequence[Opening] = in_wallet.openings
        if occasion.by_time:
            cause = replace(cause, actor_id=CLOCK_ACTOR)
            openings = openings_by_time(account, in_wallet.wallet, occasion.program, openings)
        else:
            openings = openings_in_time(books, member, cause, wallet, openings)
        entry, lots = credit(account, cause, openings, explanation=explanation)
        given.append(Credited(in_wallet, entry, lots))
    return given


def lots_told(entry: Entry) -> list[dict[str, Any]]:
    """The lots an entry opened or moved, as answers tell them."""
    return [
        {
            "points": allocation.points,
            "active_at": instant_or_none(
                begin_told(allocation.lot_seq, allocation.active_at, entry.cause.occurred_at)
            ),
            "expires_at": instant_or_none(_end_told(entry, allocation)),
        }
        for allocation in entry.allocations
    ]


def _end_told(entry: Entry, allocation: Allocation) -> datetime | None:
    if allocation.expires_at is None and allocation.active_at is not None:
        return entry.ends_at
    return allocation.expires_at


def begin_told(lot_seq: int, active_at: datetime | None, occurred_at: datetime) -> datetime | None:
    """When the points that an entry moved came alive, as answers tell it.

    Those of the standing lot have no one beginning, so the entry's own instant is told.
    """
    return occurred_at if lot_seq == STANDING else active_at


def refused_told(refused: Refused) -> dict[str, Any]:
    """Why a rule gave nothing, as answers tell it."""
    return {
        "rule": refused.rule_id,
        "condition": refused.condition,
        "asked": refused.asked,
        "saw": refused.saw,
    }
