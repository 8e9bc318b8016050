"""What one operation knows of its members' points, moving as it decides, written once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from loyalty_service.kit.db import Transaction
from loyalty_service.kit.frozen import frozen
from loyalty_service.ledger.queries import Accounts
from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.catch_up import catch_up
from loyalty_service.ledger.rules.entry import Cause, Entry, Kind, Reason, Source
from loyalty_service.ledger.service.posting import CLOCK_ACTOR, get_actor_id, post
from loyalty_service.members import service as members
from loyalty_service.members.rules import Member, check_past
from loyalty_service.program.rules.program import Program
from loyalty_service.program.service import Programs


@frozen
class Acting:
    """Who acts, in which transaction, by which programs.

    Args:
        actor: the kind of caller and their name.
    """

    tx: Transaction
    programs: Programs
    actor: tuple[str, str]

    def books(self, *members: Member) -> "Books":
        """The books of these locked members, without their accounts yet."""
        actor_id = get_actor_id(self.tx, *self.actor)
        by_id = {member.member_id: member for member in members}
        return Books(self.tx, self.programs, self.tx.now(), actor_id, by_id)


@dataclass(slots=True)
class Books:
    """The locked members of an operation and their accounts.

    Args:
        now: the operation's instant (UTC), read after the locks.
        actor_id: who acts, as the ledger knows them.
        accounts: by member and wallet, with at least the lots the operation needs.
    """

    tx: Transaction
    programs: Programs
    now: datetime
    actor_id: int
    members: Mapping[int, Member]
    accounts: dict[int, Accounts] = field(default_factory=dict)

    def program_at(self, member: Member, instant: datetime) -> tuple[int, Program]:
        """The program version in force at an instant, or the first (R-06)."""
        return self.programs.in_force(self.tx.fetch, member.program_version, instant)

    def program(self, version: int) -> Program:
        """One version of the program."""
        return self.programs.get(self.tx.fetch, version)

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
        at = member.meet(when, self.now)
        entries = catch_up(
            self.accounts.get(member.member_id, {}).values(),
            at,
            recorded_at=member.recorded_at,
            actor_id=CLOCK_ACTOR,
            version_at=self._version_at(member),
        )
        for entry in entries:
            if entry.kind is Kind.EXPIRE:
                member.tell("points.expired", entry.cause.occurred_at, told(entry))
        return when, at

    def _version_at(self, member: Member) -> Callable[[datetime], int]:
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

    def write(self, touched: Iterable[Member]) -> None:
        """Add all that was decided for these members to the writes of the transaction."""
        moved = list(touched)
        accounts = [list(self.accounts.get(m.member_id, {}).values()) for m in moved]
        for member, of_member in zip(moved, accounts, strict=True):
            _tell_moved(member, of_member)
            if any(account.holds_moved for account in of_member):
                lapses = [hold.lapses_at for account in of_member for hold in account.holds]
                member.holds_lapse_at = min(lapses, default=None)
        members.save(self.tx, moved)
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
