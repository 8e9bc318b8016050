"""Foresee what a program would do to the members if it came into force now."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from loyalty_service.kit.db import Database, Transaction
from loyalty_service.kit.frozen import frozen
from loyalty_service.ledger.queries import read_accounts
from loyalty_service.ledger.service import Acting, Books
from loyalty_service.ledger.service.books import Passing
from loyalty_service.members.queries import list_after, list_names
from loyalty_service.members.rules import Member, Ref
from loyalty_service.program.rules.program import Program
from loyalty_service.program.service import Programs
from loyalty_service.reports.rules.moves import Move, Moves, Outlook
from loyalty_service.tiers.rules.changes import changes_of
from loyalty_service.timekeeping.service import CLOCK

CHUNK = 2_000
"""Members looked at in one transaction, unless somebody asks for another number."""


@frozen
class Foresight:
    """What is asked of every member.

    Args:
        old, new: the versions there are, each with one more where it is not in force yet.
        now: when the new one is supposed to come into force (UTC).
        until: up to when what comes next is looked for, if nothing else happens (UTC).
    """

    passing: Passing
    old: Programs
    new: Programs
    now: datetime
    until: datetime


@frozen
class Watch:
    """Who looks on.

    Args:
        show: told after each step how many members were looked at.
        tell: told of each member who moves, by a name of theirs.
    """

    show: Callable[[int], None]
    tell: Callable[[str, Move], None] | None = None


def foresee_moves(
    db: Database, asked: Foresight, moves: Moves, watch: Watch, *, size: int = CHUNK
) -> None:
    """Look at every member by both programs with the rules that every operation uses.

    Nothing is locked or written; each step sees the members as they are then, and forgets them.

    Args:
        moves: where they are counted.
        size: members of a step, at least 1.

    Rule: R-51 to R-53, R-55.
    """
    after = seen = 0
    while True:
        with db.reading() as tx:
            members = list_after(tx, after, size)
            if not members:
                return
            _note(tx, asked, moves, members, watch)
        after, seen = members[-1].member_id, seen + len(members)
        watch.show(seen)


def names_of(db: Database, member_ids: Sequence[int]) -> dict[int, str]:
    """A name of each of these members that may be shown."""
    with db.reading() as tx:
        return _names(list_names(tx, member_ids), member_ids)


def _note(
    tx: Transaction, asked: Foresight, moves: Moves, members: Sequence[Member], watch: Watch
) -> None:
    old = _look(tx, asked, asked.old, members)
    new = _look(tx, asked, asked.new, members)
    moving = {}
    for member, before, after in zip(members, old, new, strict=True):
        move = moves.note(member.member_id, before, after)
        if move is not None:
            moving[member.member_id] = move
    if watch.tell is not None and moving:
        names = _names(list_names(tx, list(moving)), list(moving))
        for member_id, move in moving.items():
            watch.tell(names[member_id], move)


def _look(
    tx: Transaction, asked: Foresight, programs: Programs, members: Sequence[Member]
) -> list[Outlook]:
    """Let time pass for these members, as if the newest of the programs were in force."""
    newest = programs.newest
    copies = [
        replace(member, program_version=newest, happened=[], tier_changes=[]) for member in members
    ]
    acting = Acting(tx, programs, CLOCK, asked.passing)
    books = acting.books_at(asked.until, *copies)
    # Where no tier asks for a balance, what becomes of points moves nobody.
    if asked.passing.needs_every_lot(books, copies, asked.until):
        books.accounts = read_accounts(tx, copies)
    books.read_totals(None, asked.until)
    return [_outlook(books, copy, asked) for copy in copies]


def _outlook(books: Books, member: Member, asked: Foresight) -> Outlook:
    books.bring(member, asked.now)
    _, program = books.program_at(member, member.caught_up_to)
    tier, seen = _tier(program, member.standing.tier), len(member.tier_changes)
    books.bring(member, asked.until)
    for change in changes_of(member)[seen:]:
        to = _tier(program, change.to_tier)
        if to != tier:
            return Outlook(tier, to, change.occurred_at)
    return Outlook(tier)


def _tier(program: Program, tier: str | None) -> str | None:
    return None if program.tiers is None else program.tiers.find(tier).id


def _names(refs: Sequence[tuple[int, Ref]], member_ids: Sequence[int]) -> dict[int, str]:
    named = {member_id: str(ref) for member_id, ref in refs}
    return {member_id: named.get(member_id, f"member {member_id}") for member_id in member_ids}
