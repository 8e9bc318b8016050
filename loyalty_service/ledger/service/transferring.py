"""Points go from one member to another."""

import orjson

from loyalty_service.kit.db import Busy, Transaction
from loyalty_service.kit.idempotency import find_answer
from loyalty_service.ledger.queries import read_accounts
from loyalty_service.ledger.rules.entry import Entry, Reason, Source
from loyalty_service.ledger.rules.transfers import (
    SameMember,
    Transfer,
    WalletNotSpendable,
    transfer,
)
from loyalty_service.ledger.service.adjusting import get_wallet
from loyalty_service.ledger.service.books import Acting, Books, told
from loyalty_service.members import service as members
from loyalty_service.members.queries import find_member_ids, member_unknown
from loyalty_service.members.rules import Member, RedemptionLocked, Ref

TRIES = 5


def send(acting: Acting, sender_ref: Ref, receiver_ref: Ref, asked: Transfer) -> str:
    """Transfer points; they keep their ends.

    Returns:
        the receipt, as JSON.

    Raises:
        MemberUnknown, SameMember, WalletUnknown, WalletNotSpendable, RedemptionLocked,
        InsufficientPoints, PointsBeyondCount: nothing is written.
        Busy: a reference moved to other members again and again.

    Rule: R-81, R-82.
    """
    tx = acting.tx
    sender, receiver = _lock_both(tx, sender_ref, receiver_ref)
    books = acting.books(sender, receiver)
    version, program = books.program_at(sender, books.now)
    if not get_wallet(program, asked.wallet).spendable:
        raise WalletNotSpendable(
            f"The wallet {asked.wallet} cannot be spent, so it is not transferred.",
            path="wallet",
            asked=asked.wallet,
        )
    if sender.redemption_locked_since is not None:
        raise RedemptionLocked(
            "The member's points are locked; they can be earned, not given away.",
            path="points",
            asked=asked.points,
        )
    books.accounts = read_accounts(tx, [sender, receiver])
    when, at = books.meet(sender, None)
    books.meet(receiver, None)
    causes = [
        books.cause(who, Reason.TRANSFER, Source.OPERATOR, version=version, occurred_at=when)
        for who in (sender, receiver)
    ]
    taken, given = transfer(
        books.account(sender, asked.wallet),
        books.account(receiver, asked.wallet),
        asked,
        at,
        sent=causes[0],
        received=causes[1],
    )
    return _finish(books, (sender, taken), (receiver, given))


def _lock_both(tx: Transaction, sender: Ref, receiver: Ref) -> tuple[Member, Member]:
    """Lock two members, lowest number first; answer a repeated key of the sender's at once."""
    found = _find_both(tx, sender, receiver)
    for _ in range(TRIES):
        locked = members.lock_many(tx, found)
        again = _find_both(tx, sender, receiver)
        if again == found:
            if tx.claim is not None:
                find_answer(tx, found[0], tx.claim)
            if found[0] == found[1]:
                raise SameMember("The points belong to this member already.", path="to")
            return locked[found[0]], locked[found[1]]
        found = again
    raise Busy("The members' references are moving; send it again shortly.")


def _find_both(tx: Transaction, sender: Ref, receiver: Ref) -> tuple[int, int]:
    found = find_member_ids(tx, {sender, receiver})
    for ref, path in ((sender, "member_ref"), (receiver, "to")):
        if ref not in found:
            raise member_unknown(ref, path)
    return found[sender], found[receiver]


def _finish(books: Books, sent: tuple[Member, Entry], received: tuple[Member, Entry]) -> str:
    (sender, taken), (receiver, given) = sent, received
    sender.tell("points.sent", taken.cause.occurred_at, told(taken))
    receiver.tell("points.received", given.cause.occurred_at, told(given))
    books.write([sender, receiver])
    receipt = {
        "wallet": taken.wallet,
        "points": given.points,
        "sent": {"entry": taken.seq, "balance_after": taken.balance_after},
        "received": {"entry": given.seq, "balance_after": given.balance_after},
    }
    return orjson.dumps(receipt).decode()
