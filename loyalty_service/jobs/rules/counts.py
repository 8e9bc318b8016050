"""What a run did, counted by kind: by the names of the events that it told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.entry import Kind
from loyalty_service.members.rules import Member

HOLDS_LAPSED = "holds.lapsed"
EXPIRED = "points.expired"
TIER_GIFTS = "tier.gifts"
ONLY_RECKONED = "only.reckoned"
"""Members to whom nothing happened; when time brings them something next was reckoned anew."""


@dataclass(slots=True)
class Counted:
    """How often something of one kind happened.

    Args:
        points: by wallet, signed as the events tell them.
        lots: by wallet, where lots ended.
    """

    times: int = 0
    points: dict[str, int] = field(default_factory=dict)
    lots: dict[str, int] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """JSON-ready, without what is empty."""
        more = {"points": self.points, "lots": self.lots}
        return {"times": self.times} | {name: found for name, found in more.items() if found}


@dataclass(slots=True)
class Counts:
    """What happened, by kind; a new kind of event counts without being named anywhere."""

    kinds: dict[str, Counted] = field(default_factory=dict)

    def note(self, member: Member, accounts: Iterable[Account]) -> None:
        """Count what an operation has decided for a member.

        Rule: R-55.
        """
        is_still = not member.happened
        for _, kind, _, payload in member.happened:
            self._event(kind, payload)
        for account in accounts:
            is_still &= not (account.entries or account.ended or account.holds_moved)
            self._lapsed(account)
            expired = [e for e, _, _ in account.entries if e.kind is Kind.EXPIRE]
            if expired:
                lots = sum(len(entry.allocations) for entry in expired)
                _add(self._of(EXPIRED).lots, {account.wallet: lots})
        self.put(ONLY_RECKONED, is_still)

    def put(self, kind: str, times: int) -> None:
        """Count so many more of a kind; nothing for 0."""
        if times:
            self._of(kind).times += times

    def add(self, other: "Counts") -> None:
        """Count in what another part of the run did."""
        for kind, counted in other.kinds.items():
            mine = self._of(kind)
            mine.times += counted.times
            _add(mine.points, counted.points)
            _add(mine.lots, counted.lots)

    def told(self) -> dict[str, Any]:
        """JSON-ready, kinds by name."""
        return {kind: self.kinds[kind].told() for kind in sorted(self.kinds)}

    def _event(self, kind: str, payload: Mapping[str, Any]) -> None:
        counted = self._of(kind)
        counted.times += 1
        if "wallet" in payload and "points" in payload:
            _add(counted.points, {payload["wallet"]: payload["points"]})
        for entry in payload.get("earned", ()):
            _add(counted.points, {entry["wallet"]: entry["points"]})
        gift = payload.get("gift")
        if gift and not gift.get("kept"):
            given = self._of(TIER_GIFTS)
            given.times += 1
            _add(given.points, {gift["wallet"]: gift["points"]})

    def _lapsed(self, account: Account) -> None:
        if account.ended:
            held = {(hold.order_no, hold.hold_no) for hold, _ in account.ended}
            counted = self._of(HOLDS_LAPSED)
            counted.times += len(held)
            _add(counted.points, {account.wallet: sum(hold.points for hold, _ in account.ended)})

    def _of(self, kind: str) -> Counted:
        return self.kinds.setdefault(kind, Counted())


def read_counts(told: Mapping[str, Any]) -> Counts:
    """Counts as they were stored."""
    return Counts(
        {
            kind: Counted(
                found["times"], dict(found.get("points", {})), dict(found.get("lots", {}))
            )
            for kind, found in told.items()
        }
    )


def _add(sums: dict[str, int], more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        sums[name] = sums.get(name, 0) + amount
