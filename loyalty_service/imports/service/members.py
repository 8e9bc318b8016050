"""Members of a file, and the balances they bring."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from loyalty_service.checkout.service.batch import MEMBERS_AT_ONCE
from loyalty_service.imports import queries
from loyalty_service.imports.rules.members import Newcomer
from loyalty_service.imports.rules.openings import (
    Known,
    Welcome,
    open_balance,
    opening_text,
    refuse_twice,
    welcome,
)
from loyalty_service.imports.rules.tiers import Tenure
from loyalty_service.kit.db import Transaction
from loyalty_service.ledger.queries import read_accounts
from loyalty_service.ledger.rules.entry import Reason, Source
from loyalty_service.ledger.rules.movements import credit
from loyalty_service.ledger.service import Acting, Books, end_brought, told
from loyalty_service.members import service as members
from loyalty_service.members.queries import list_members
from loyalty_service.members.rules import Member, Ref
from loyalty_service.program.rules.program import Program
from loyalty_service.tiers import service as tiers


@dataclass(frozen=True, slots=True)
class Arrival:
    """How the members of a file come in.

    Args:
        program: whose wallets the balances are in; version ``version``.
        opening: the program in force at the opening, whose tiers are brought.
        as_of: the instant of the opening balances (UTC); None is now.
    """

    program: Program
    version: int
    opening: Program
    as_of: datetime | None = None


def cut_members(newcomers: Sequence[Newcomer]) -> Iterator[Sequence[Newcomer]]:
    """Cut members into the parts that are one transaction each."""
    for begin in range(0, len(newcomers), MEMBERS_AT_ONCE):
        yield newcomers[begin : begin + MEMBERS_AT_ONCE]


def look_at(acting: Acting, newcomers: Sequence[Newcomer], arrival: Arrival) -> list[Welcome]:
    """What would become of these members; nothing is written."""
    return _decide(acting, newcomers, queries.find_known(acting.tx, _refs(newcomers)), arrival)


def _refs(newcomers: Sequence[Newcomer]) -> set[Ref]:
    return {ref for newcomer in newcomers for ref in newcomer.refs}


def _decide(
    acting: Acting, newcomers: Sequence[Newcomer], known: Mapping[Ref, Known], arrival: Arrival
) -> list[Welcome]:
    as_of = arrival.as_of or acting.tx.now()
    foreseen = _moved_by_time(acting, newcomers, known, as_of)
    return refuse_twice([welcome(one, foreseen, as_of, arrival.opening) for one in newcomers])


def _moved_by_time(
    acting: Acting, newcomers: Sequence[Newcomer], known: Mapping[Ref, Known], as_of: datetime
) -> Mapping[Ref, Known]:
    """What is known, and the tiers that time has brought by the opening but nobody wrote yet.

    Rule: R-54, R-55.
    """
    bring_tiers = (newcomer for newcomer in newcomers if newcomer.tier is not None)
    owners = [known[ref] for newcomer in bring_tiers for ref in newcomer.refs if ref in known]
    asked = {one.member_id for one in owners if not one.tenures and one.caught_up_to <= as_of}
    if not asked:
        return known
    foreseen = list_members(acting.tx, asked)
    books = acting.books_at(as_of, *foreseen)
    books.read_due(foreseen, as_of)
    for member in foreseen:
        books.bring(member, as_of)
    moved = {member.member_id: _tenure(member) for member in foreseen if member.tier_changes}
    return {
        ref: replace(one, tenures=(moved[one.member_id],)) if one.member_id in moved else one
        for ref, one in known.items()
    }


def _tenure(member: Member) -> Tenure:
    standing = member.standing
    return Tenure(standing.tier, standing.since, standing.until)


def bring_in(acting: Acting, newcomers: Sequence[Newcomer], arrival: Arrival) -> list[Welcome]:
    """Enrol those who are new and write the opening balances and tiers that are not there yet.

    A member with a fault is left out whole; the others go on.

    Rule: R-12, R-54, R-80.
    """
    tx = acting.tx
    decided = _decide(acting, newcomers, _lock_known(tx, _refs(newcomers)), arrival)
    sound = [one for one in decided if not one.faults]
    ids = _enrol(tx, sound, arrival)
    tx.flush()
    bringing = {ids[one.newcomer.line]: one for one in sound if one.bring or one.tier}
    locked = members.lock_many(tx, bringing)
    books = acting.books(*locked.values())
    books.accounts = read_accounts(tx, list(locked.values()))
    for member_id, member in locked.items():
        _open(books, member, bringing[member_id], arrival)
    books.write(locked.values())
    return decided


def _lock_known(tx: Transaction, refs: set[Ref]) -> Mapping[Ref, Known]:
    """Who is known, looked at under their locks: others may have been here in the meantime."""
    locked: set[int] = set()
    while True:
        known = queries.find_known(tx, refs)
        more = {owner.member_id for owner in known.values()} - locked
        if not more:
            return known
        members.lock_many(tx, more)
        locked |= more


def _enrol(tx: Transaction, sound: Sequence[Welcome], arrival: Arrival) -> dict[int, int]:
    """Enrol those who are new; returns everybody's number, by the first line that names them."""
    ids = {one.newcomer.line: one.member_id for one in sound if one.member_id is not None}
    fresh = [one.newcomer for one in sound if one.member_id is None]
    if not fresh:
        return ids
    new = []
    for newcomer, member_id in zip(fresh, members.new_ids(tx, len(fresh)), strict=True):
        enrolled_at = newcomer.enrolled_at or arrival.as_of or tx.now()
        member = members.new_member(member_id, enrolled_at, tx.now(), newcomer.tags or ())
        member.birth_month, member.birth_day = newcomer.birthday or (None, None)
        member.tell("member.enrolled", enrolled_at, {})
        new.append((member, newcomer.refs))
        ids[newcomer.line] = member_id
    members.add_new(tx, new)
    return ids


def _open(books: Books, member: Member, one: Welcome, arrival: Arrival) -> None:
    when, at = books.meet(member, arrival.as_of)
    cause = books.cause(
        member,
        Reason.OPENING_BALANCE,
        Source.IMPORT,
        version=arrival.version,
        occurred_at=when,
    )
    for wallet in arrival.program.wallets:
        if wallet.id in one.bring:
            lots = one.newcomer.lots[wallet.id]
            account = books.account(member, wallet.id)
            usual = end_brought(books, member, wallet, when)
            entry, _ = credit(
                account,
                cause,
                open_balance(wallet, lots, when, usual_end=usual),
                explanation=opening_text(wallet.id, lots),
            )
            member.tell("points.opened", when, told(entry))
    if one.tier is not None:
        tiers.bring_in(books, member, one.tier, at)
