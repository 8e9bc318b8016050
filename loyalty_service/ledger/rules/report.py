"""What the proof of many accounts came to, added up as they are proved."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from loyalty_service.ledger.rules.heads import Head, HeadsDigest
from loyalty_service.ledger.rules.proof import Proof, Standing
from loyalty_service.ledger.rules.stored import Fault

FAULTS_KEPT = 100


@dataclass(slots=True)
class WalletTotal:
    """Sums over the proved accounts of one wallet, in points."""

    accounts: int = 0
    entries: int = 0
    sum_of_entries: int = 0
    active: int = 0
    pending: int = 0
    due: int = 0
    deficit: int = 0

    def add(self, standing: Standing) -> None:
        """Count one more account."""
        self.accounts += 1
        self.entries += standing.entries
        self.sum_of_entries += standing.balance
        self.active += standing.buckets.active
        self.pending += standing.buckets.pending
        self.due += standing.buckets.due
        self.deficit += standing.buckets.deficit


@dataclass(slots=True)
class Report:
    """Counts, sums and faults over all accounts proved so far.

    Args:
        members: members with a row in the ledger.
        wallets: by wallet, over the accounts without a fault.
        faults: the first of them; ``fault_count`` counts them all.
        digest: over the heads of the proved accounts.
    """

    members: int = 0
    wallets: dict[str, WalletTotal] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    fault_count: int = 0
    digest: HeadsDigest = field(default_factory=HeadsDigest)

    @property
    def entries(self) -> int:
        """How many entries were proved."""
        return sum(total.entries for total in self.wallets.values())

    def take(self, proofs: Iterable[Proof]) -> list[Head]:
        """Count the accounts of one more member; returns their heads."""
        heads = []
        for proof in proofs:
            if proof.fault is not None:
                self.find([proof.fault])
            standing = proof.standing
            if standing is not None and standing.entries:
                self.wallets.setdefault(standing.wallet, WalletTotal()).add(standing)
                head = Head(standing.member_id, standing.wallet, standing.entries, standing.head)
                self.digest.add(head)
                heads.append(head)
        self.members += bool(heads)
        return heads

    def find(self, faults: Iterable[Fault]) -> None:
        """Note faults; only the first are kept."""
        for fault in faults:
            self.fault_count += 1
            if len(self.faults) < FAULTS_KEPT:
                self.faults.append(fault)
