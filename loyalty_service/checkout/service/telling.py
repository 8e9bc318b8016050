"""How checkout tells money, lines and what is earned."""

from collections.abc import Sequence
from typing import Any

import orjson

from loyalty_service.checkout.queries import OrderRecord
from loyalty_service.checkout.service.placing import Placing
from loyalty_service.earning.rules.facts import Earned
from loyalty_service.earning.rules.openings import Act, open_lots
from loyalty_service.earning.service import Credited, refused_told
from loyalty_service.kit.instants import instant_or_none
from loyalty_service.ledger.rules.entry import Entry
from loyalty_service.ledger.service import Books, openings_foreseen
from loyalty_service.members.rules import Member


def as_json(value: Any) -> str:
    """The one JSON text of a value, stored and sent."""
    return orjson.dumps(value).decode()


def money(amount_minor: int, currency: str) -> dict[str, Any]:
    """An amount in minor units."""
    return {"amount": amount_minor, "currency": currency}


def told_lines(placing: Placing) -> list[dict[str, Any]]:
    """What is to be paid for each line, and with what."""
    currency = placing.program.currency
    return [
        {
            "line": line.line_no,
            "price": money(line.paid_minor, currency),
            "points": share.points,
            "points_worth": money(share.worth_minor, currency),
            "payable": money(line.paid_minor - share.worth_minor, currency),
        }
        for line, share in zip(placing.lines, placing.shares, strict=True)
    ]


def told_earned(books: Books, member: Member, placing: Placing, earned: Earned) -> dict[str, Any]:
    """What the order would earn if it were paid at the instant it was placed, not yet fulfilled."""
    act = Act(placing.placed_at, None)
    return {
        "earned": [
            {
                "wallet": in_wallet.wallet.id,
                "points": sum(given.points for given in in_wallet.rules),
                "lots": [
                    {
                        "points": opening.points,
                        "active_at": instant_or_none(
                            placing.placed_at if opening.standing else opening.active_at
                        ),
                        "expires_at": instant_or_none(opening.expires_at),
                    }
                    for opening in openings_foreseen(
                        books, member, placing.placed_at, in_wallet.wallet.id, in_wallet.openings
                    )
                ],
                "rules": [
                    {"rule": given.rule.id, "points": given.points} for given in in_wallet.rules
                ],
            }
            for in_wallet in open_lots(placing.program, earned.by_rule, act)
        ],
        "not_earned": [refused_told(refused) for refused in earned.refused],
    }


def told_payment(
    record: OrderRecord,
    placing: Placing,
    spent: Entry | None,
    entries: Sequence[Credited],
    earned: Earned,
) -> dict[str, Any]:
    """A payment as its receipt tells it: what was paid and spent, and what was earned."""
    currency = placing.program.currency
    return {
        "order_ref": record.order_ref,
        "payment_ref": record.payment_ref,
        "state": str(record.state),
        "price": money(placing.price_minor, currency),
        "spent": None if spent is None else _told_spent(placing, spent),
        "paid": money(placing.payable_minor, currency),
        "placed_at": instant_or_none(record.placed_at),
        "paid_at": instant_or_none(record.paid_at),
        "fulfilled_at": instant_or_none(record.fulfilled_at),
        "program_version": placing.version,
        "earned": [credited.told() for credited in entries],
        "not_earned": [refused_told(refused) for refused in earned.refused],
    }


def _told_spent(placing: Placing, entry: Entry) -> dict[str, Any]:
    return {
        "wallet": entry.wallet,
        "points": -entry.points,
        "worth": money(placing.worth_minor, placing.program.currency),
        "entry": entry.seq,
        "balance_after": entry.balance_after,
    }
