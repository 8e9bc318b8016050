"""How checkout tells instants, money, lines and what is earned."""

from datetime import datetime
from typing import Any

import orjson

from loyalty_service.checkout.service.placing import Placing
from loyalty_service.earning.rules.facts import Earned
from loyalty_service.earning.rules.openings import Act, open_lots
from loyalty_service.earning.service import refused_told


def as_json(value: Any) -> str:
    """The one JSON text of a value, stored and sent."""
    return orjson.dumps(value).decode()


def instant_text(instant: datetime | None) -> str | None:
    """RFC 3339 in UTC, or None."""
    return None if instant is None else instant.isoformat().replace("+00:00", "Z")


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


def told_earned(placing: Placing, earned: Earned) -> dict[str, Any]:
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
                        "active_at": instant_text(
                            placing.placed_at if opening.standing else opening.active_at
                        ),
                        "expires_at": instant_text(opening.expires_at),
                    }
                    for opening in in_wallet.openings
                ],
                "rules": [
                    {"rule": given.rule.id, "points": given.points} for given in in_wallet.rules
                ],
            }
            for in_wallet in open_lots(placing.program, earned.by_rule, act)
        ],
        "not_earned": [refused_told(refused) for refused in earned.refused],
    }
