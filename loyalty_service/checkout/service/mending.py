"""Mends the sums behind limits and tiers, which follow from orders and events alone.

Points are never mended: what the ledger says wrongly is answered by an operator's entry.
"""

from datetime import date

from loyalty_service.checkout.service.proving_totals import list_total_faults
from loyalty_service.kit.db import Database, Transaction
from loyalty_service.ledger.rules.stored import Fault
from loyalty_service.members.rules import Total
from loyalty_service.members.service import lock_many, replace_totals


def list_wrong_members(db: Database) -> list[int]:
    """The numbers of members of whom some sum is wrong, ascending; reads everything once.

    Rule: R-23, R-50.
    """
    with db.reading() as tx:
        return sorted({fault.member_id for fault in list_total_faults(tx, None)})


def mend_totals(db: Database, member_id: int) -> list[Fault]:
    """Write what a member's sums come to where they are wrong; returns what was mended.

    Rule: R-23, R-50.
    """

    def work(tx: Transaction) -> list[Fault]:
        if not lock_many(tx, [member_id]):
            return []
        faults = list(list_total_faults(tx, member_id))
        sums: dict[Total, int] = {
            (str(fault.key["metric"]), date.fromisoformat(str(fault.key["day"]))): int(
                fault.expected or 0
            )
            for fault in faults
        }
        replace_totals(tx, member_id, sums)
        return faults

    return db.run(work)
