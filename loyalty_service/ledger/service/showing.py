"""What a member has, right to the second, whatever is written down already."""

from datetime import datetime

from loyalty_service.kit.db import Transaction
from loyalty_service.ledger import queries
from loyalty_service.ledger.rules.buckets import Buckets, sort_into_buckets
from loyalty_service.ledger.rules.ending import follow
from loyalty_service.ledger.service.ending import turns_ahead
from loyalty_service.members.rules import Member
from loyalty_service.program.service import Programs


def balances(
    tx: Transaction, programs: Programs, member: Member, at: datetime
) -> dict[str, Buckets]:
    """What each of the member's accounts is made of at this moment.

    Where a version has changed when points end and nothing was written for the member since, the
    lots are looked at one by one.

    Rule: R-14, R-15, R-26.
    """
    turns = turns_ahead(tx, programs, member, at)
    if not turns:
        return queries.balances_now(tx, member, at)
    accounts = queries.read_accounts(tx, [member])[member.member_id]
    for account in accounts.values():
        follow(account, turns)
    return {
        wallet: sort_into_buckets(account.lots.values(), account.deficit, at, account.holds)
        for wallet, account in accounts.items()
    }
