"""Points of one member are given to another, with the ends they have (R-81)."""

from dataclasses import dataclass
from datetime import datetime

from loyalty_service.kit.errors import Invalid
from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.entry import Cause, Entry, Kind
from loyalty_service.ledger.rules.lots import draw_from_lots
from loyalty_service.ledger.rules.movements import Opening, credit, take_from


class SameMember(Invalid):
    """Points cannot be transferred to the member they belong to."""

    code = "same_member"


class WalletNotSpendable(Invalid):
    """Only points of a wallet that can be spent are transferred."""

    code = "wallet_not_spendable"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Points to be given to another member; the note stands beside the ledger."""

    wallet: str
    points: int
    note: str | None = None


def transfer(
    sender: Account,
    receiver: Account,
    asked: Transfer,
    at: datetime,
    *,
    sent: Cause,
    received: Cause,
) -> tuple[Entry, Entry]:
    """Take active points that are not held, and open them at the receiver with the same ends.

    Returns:
        the sender's entry and the receiver's.

    Raises:
        InsufficientPoints: the sender has fewer. Nothing is written.
        PointsBeyondCount: the receiver would have more than can be counted. Nothing is written.

    Rule: R-12, R-81.
    """
    draws = draw_from_lots(sender.free_lots(at), asked.points, at)
    receiver.require_countable(asked.points, "points")
    ends: dict[tuple[datetime | None, datetime | None], int] = {}
    for draw in draws:
        lot = sender.lots[draw.lot_seq]
        pair = (lot.active_at, lot.expires_at)
        ends[pair] = ends.get(pair, 0) + draw.points
    taken = sender.append(
        Kind.DEBIT, -asked.points, sent, take_from(sender, draws), note=asked.note
    )
    openings = [Opening(points, None, *pair) for pair, points in ends.items()]
    given, _ = credit(receiver, received, openings, note=asked.note)
    return taken, given
