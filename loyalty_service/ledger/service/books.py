"""What one operation knows of its members' points, moving as it decides, written once."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from loyalty_service.kit.db import Transaction
from loyalty_service.kit.frozen import frozen
from loyalty_service.ledger.queries import Accounts, read_accounts, read_due, read_expired
from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.adjusting import Written
from loyalty_service.ledger.rules.entry import Cause, Entry, Reason, Source
from loyalty_service.ledger.service.posting import CLOCK_ACTOR, get_actor_id, post
from loyalty_service.members import service as members
from loyalty_service.members.queries import read_totals
from loyalty_service.members.rules import Member, Total, Totals, Wanted, check_past
from loyalty_service.program.rules.program import Program
from loyalty_service.program.service import Programs

LotKey = tuple[int, str, int]
"""A lot: member, wallet and its number."""


class Passing(Protocol):
    """What time brings to members, of every feature; made where the parts of the service meet."""

    def wants(self, books: "Books", members: Iterable[Member], until: datetime, /) -> Wanted | None:
        """What of the sums of these members has to be known to bring them to an instant."""

    def bring(self, books: "Books", member: Member, since: datetime, until: datetime, /) -> None:
        """Do what is overdue for a member up to an instant, itself included (R-55).

        Args:
            since: the member's clock before (UTC).
        """

    def settle(
        self, books: "Books", member: Member, /, *, order_ref: str | None = None
    ) -> Sequence[dict[str, Any]]:
        """Let what was just decided for a member have its effect at once (R-51).

        Args:
            order_ref: the order that it was decided for; None: no order.

        Returns:
            what became of their tier, as receipts tell it.
        """

    def needs_every_lot(
        self, books: "Books", members: Iterable[Member], until: datetime, /
    ) -> bool:
        """Whether any of these members can be brought there only with all open lots known."""

    def tier_at(self, books: "Books", member: Member, instant: datetime, /) -> str | None:
        """The tier in which a member stood at an instant; None where there are no tiers (R-24)."""

    def tier_reached(
        self, books: "Books", member: Member, counts: Mapping[Total, int], at: datetime, /
    ) -> str | None:
        """The tier that would stand once these are counted; None where there are none (R-24)."""

    def earned_by(
        self, books: "Books", account: Account, seq: int, entry: Written, /
    ) -> list[tuple[datetime, int]]:
        """What tiers count of an entry, and from when on (R-50)."""

    def write(self, books: "Books", members: Collection[Member], /) -> None:
        """Add what time brought to these members to the writes, besides points and events."""


@frozen
class Acting:
    """Who acts, in which transaction, by which programs, and what time brings.

    Args:
        actor: the kind of caller and their name.
    """

    tx: Transaction
    programs: Programs
    actor: tuple[str, str]
    passing: Passing

    def books(self, *members: Member) -> "Books":
        """The books of these locked members, without their accounts yet."""
        actor_id = get_actor_id(self.tx, *self.actor)
        by_id = {member.member_id: member for member in members}
        return Books(self.tx, self.programs, self.passing, self.tx.now(), actor_id, by_id)

    def books_at(self, instant: datetime, *members: Member) -> "Books":
        """The books of members as if it were that instant; for reading only."""
        by_id = {member.member_id: member for member in members}
        return Books(self.tx, self.programs, self.passing, instant, CLOCK_ACTOR, by_id)


@dataclass(slots=True)
class Books:
    """The locked members of an operation and their accounts.

    Args:
        now: the operation's instant (UTC), read after the locks.
        actor_id: who acts, as the ledger knows them.
        accounts: by member and wallet, with at least the lots the operation needs.
        totals: the members' sums by local day, as far as the operation needs them.
        expired: points of lots that had expired unspent when it was read, as far as it was.
        in_force: the versions in force that were asked for, by the newest one and the instant.
    """

    tx: Transaction
    programs: Programs
    passing: Passing
    now: datetime
    actor_id: int
    members: Mapping[int, Member]
    accounts: dict[int, Accounts] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)
    has_totals: bool = False
    expired: dict[LotKey, int] = field(default_factory=dict)
    in_force: dict[tuple[int, datetime], tuple[int, Program]] = field(default_factory=dict)

    def program_at(self, member: Member, instant: datetime) -> tuple[int, Program]:
        """The program version in force at an instant, or the first (R-06)."""
        asked = (member.program_version, instant)
        found = self.in_force.get(asked)
        if found is None:
            found = self.in_force[asked] = self.programs.in_force(self.tx.fetch, *asked)
        return found

    def program(self, version: int) -> Program:
        """One version of the program."""
        return self.programs.get(self.tx.fetch, version)

    def in_force_at(self, version: int) -> datetime:
        """When a version of the program came into force (UTC)."""
        return self.programs.in_force_at(self.tx.fetch, version)

    def account(self, member: Member, wallet: str) -> Account:
        """The member's account in a wallet; a new one where they have none yet."""
        accounts = self.accounts.setdefault(member.member_id, {})
        if wallet not in accounts:
            accounts[wallet] = Account(member.member_id, wallet)
        return accounts[wallet]

    def meet(self, member: Member, occurred_at: datetime | None) -> tuple[datetime, datetime]:
        """Bring a member to an act: what is overdue up to it is done first.

        Returns:
            when the act occurred, and the instant at which it meets lots and limits.

        Raises:
            InTheFuture: nothing is written.

        Rule: R-05, R-55.
        """
        when = self.now if occurred_at is None else occurred_at
        check_past(when, self.now)
        return when, self.bring(member, when)

    def bring(self, member: Member, until: datetime) -> datetime:
        """Do what is overdue for a member up to an instant, or to their clock where that is later.

        Returns:
            the instant at which what follows meets lots and limits.

        Rule: R-55.
        """
        since = member.caught_up_to
        if not self.has_totals:
            self.read_totals(None, max(since, until))
        at = member.meet(until, self.now)
        self.passing.bring(self, member, since, at)
        return at

    def is_overdue(self, member: Member, until: datetime) -> bool:
        """Whether time brings a member more by an instant than lots and holds tell."""
        standing = member.standing
        is_due = standing.due_at is not None and standing.due_at <= until
        return is_due or self.program_at(member, until)[0] > standing.due_by

    def read_due(self, members: Collection[Member], until: datetime) -> None:
        """Read what a credit needs of these members' accounts: lots due, standing and held.

        Where a tier asks for a balance, all of them.
        """
        if self.passing.needs_every_lot(self, members, until):
            self.accounts = read_accounts(self.tx, members)
        else:
            # Members that were read at once mostly know of the same version.
            known = {member.program_version: member for member in members}.values()
            sliding = {w for member in known for w in self.program_at(member, until)[1].sliding}
            self.accounts = read_due(self.tx, members, until, sorted(sliding))

    def read_expired(self, lots: Iterable[LotKey]) -> None:
        """Read how much of these lots has expired unspent; what is known is not asked again."""
        asked = [lot for lot in lots if lot not in self.expired]
        found = read_expired(self.tx, asked)
        self.expired.update({lot: found.get(lot, 0) for lot in asked})

    def expired_of(self, account: Account, lots: Collection[int]) -> int:
        """Points of an account's lots that have expired unspent, also in this operation."""
        keys = [(account.member_id, account.wallet, lot) for lot in lots]
        self.read_expired(keys)
        return sum(self.expired[key] for key in keys) + account.expired_since(lots)

    def read_totals(
        self, wanted: Wanted | None, until: datetime, *, adds_only: bool = False
    ) -> None:
        """Read the members' sums: what the operation wants, and what time will ask for.

        Args:
            adds_only: nothing is going to be taken away from any day. Days that are only asked for
                together are then read as one, so that a call costs the same however many they are.
        """
        more = self.passing.wants(self, self.members.values(), until)
        wanted = wanted if more is None else more | wanted
        if wanted is not None and not adds_only:
            wanted = wanted.by_day()
        self.totals = read_totals(self.tx, self.members.keys(), wanted)
        self.has_totals = True

    def version_at(self, member: Member) -> Callable[[datetime], int]:
        """The program version in force at an instant, for a member."""
        return lambda instant: self.program_at(member, instant)[0]

    def cause(
        self,
        member: Member,
        reason: Reason,
        source: Source,
        source_no: int | None = None,
        *,
        version: int,
        occurred_at: datetime,
        rule_ids: tuple[str, ...] = (),
    ) -> Cause:
        """The cause of an entry that this operation writes for a member."""
        return Cause(
            reason,
            source,
            source_no,
            version,
            self.actor_id,
            occurred_at,
            member.recorded_at,
            rule_ids,
        )

    def settle(self, member: Member, order_ref: str | None = None) -> Sequence[dict[str, Any]]:
        """Let all that was decided for a member have its effect at once, before it is written.

        Args:
            order_ref: the order that it was decided for; None: no order.

        Returns:
            what became of their tier, as receipts tell it.

        Rule: R-51.
        """
        return self.passing.settle(self, member, order_ref=order_ref)

    def write(self, touched: Iterable[Member]) -> None:
        """Add all that was decided for these members to the writes of the transaction."""
        moved = list(touched)
        for member in moved:
            self.settle(member)
        accounts = [list(self.accounts.get(m.member_id, {}).values()) for m in moved]
        for member, of_member in zip(moved, accounts, strict=True):
            _tell_moved(member, of_member)
            if any(account.holds_moved for account in of_member):
                lapses = [hold.lapses_at for account in of_member for hold in account.holds]
                member.holds_lapse_at = min(lapses, default=None)
        members.save(self.tx, moved)
        self.passing.write(self, moved)
        members.save_totals(self.tx, self.totals)
        post(self.tx, [account for of_member in accounts for account in of_member])


def _tell_moved(member: Member, accounts: Iterable[Account]) -> None:
    """Whatever is written of points is told: who counts them looks where something happened."""
    if member.happened:
        return
    for account in accounts:
        for entry, _, _ in account.entries:
            member.tell("points.moved", entry.cause.occurred_at, told(entry))


def told(entry: Entry) -> dict[str, Any]:
    """An entry as answers and events tell it."""
    return {
        "wallet": entry.wallet,
        "points": entry.points,
        "entry": entry.seq,
        "balance_after": entry.balance_after,
    }
