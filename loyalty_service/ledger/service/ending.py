"""When points end that an act gives, and what the act does to the end of all others."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from loyalty_service.kit.db import Transaction
from loyalty_service.kit.instants import instant_or_none
from loyalty_service.ledger.rules import ending
from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.entry import Cause, Entry, Reason
from loyalty_service.ledger.rules.movements import Opening
from loyalty_service.ledger.service.books import Books
from loyalty_service.members.rules import Member
from loyalty_service.program.rules.periods import expires_at
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.turns import Turn
from loyalty_service.program.rules.wallets import Wallet
from loyalty_service.program.service import Programs

Instants = tuple[datetime, datetime | None]


def turns_ahead(tx: Transaction, programs: Programs, member: Member, until: datetime) -> list[Turn]:
    """The turns of the program up to an instant that a member has not followed yet.

    Rule: R-26.
    """
    newest = member.program_version
    if not newest or member.standing.due_by == newest:
        return []
    # Of one for whom time was not kept yet, it is kept from their clock on.
    since = member.standing.due_by or programs.in_force(tx.fetch, newest, member.caught_up_to)[0]
    return programs.turns(tx.fetch, since, programs.in_force(tx.fetch, newest, until)[0])


def slide(
    books: Books, member: Member, act: Cause, wallet_id: str, begins: Sequence[datetime] = ()
) -> None:
    """An earning or a spending moves the common end of a sliding wallet.

    Args:
        act: the cause of the earning or spending.
        begins: when points that it gives come alive (UTC).

    Rule: R-25.
    """
    at = member.caught_up_to
    version, program = books.program_at(member, at)
    if wallet_id not in program.sliding:
        return
    ends_at = _moved_to(program, wallet_id, (act.occurred_at, *begins))
    cause = books.cause(
        member, Reason.ACTIVITY, act.source, act.source_no, version=version, occurred_at=at
    )
    account = books.account(member, wallet_id)
    tell_end(member, account, ending.slide(account, cause, ends_at), at)


def _slides_or_slid(books: Books, member: Member, act: Cause, wallet_id: str) -> bool:
    """Whether what an act gives ends with all others: the wallet slides, or did when it occurred.

    What is told late of a time in which the wallet slid moves the end of nothing else any more.
    """
    _, now = books.program_at(member, member.caught_up_to)
    _, then = books.program_at(member, act.occurred_at)
    return wallet_id in now.sliding or (then is not now and wallet_id in then.sliding)


def tell_end(member: Member, account: Account, entries: Iterable[Entry], at: datetime) -> None:
    """Tell of entries that have moved ends of an account, or its common end.

    Rule: R-90.
    """
    ends_at = instant_or_none(account.ends_at)
    for entry in entries:
        payload = {"wallet": account.wallet, "entry": entry.seq, "ends_at": ends_at}
        member.tell("points.end_changed", at, payload)


def _moved_to(program: Program, wallet_id: str, moments: Sequence[datetime]) -> datetime:
    """Where an activity moves the end of a wallet that slides."""
    wallet = program.find_wallet(wallet_id)
    assert wallet is not None
    return max(end for end in (expires_at(wallet.expiry, m, program) for m in moments) if end)


def openings_foreseen(
    books: Books, member: Member, acts_at: datetime, wallet_id: str, openings: Sequence[Opening]
) -> Sequence[Opening]:
    """What an act of earning would open, with the ends that it would have; nothing moves.

    Rule: R-25, R-31.
    """
    _, program = books.program_at(member, member.caught_up_to)
    if wallet_id not in program.sliding:
        return openings
    given = [opening for opening in openings if opening.points]
    if not given:
        return openings
    begun = [opening.active_at for opening in given if opening.active_at is not None]
    moved_to = _moved_to(program, wallet_id, (acts_at, *begun))
    account, at = books.account(member, wallet_id), member.caught_up_to
    common = moved_to if account.ends_at is None else max(moved_to, account.ends_at)
    return [
        replace(each, expires_at=ending.joined(common, each.expires_at, at)) for each in openings
    ]


def openings_in_time(
    books: Books, member: Member, act: Cause, wallet_id: str, openings: Sequence[Opening]
) -> Sequence[Opening]:
    """What an act of earning opens, with the ends that it has as things stand.

    Rule: R-25, R-26.
    """
    turns = _turns_since(books, member, act, wallet_id)
    mended = [_mended(opening, act, turns) for opening in openings] if turns else openings
    if not _slides_or_slid(books, member, act, wallet_id):
        return mended
    given = [opening for opening in mended if opening.points]
    if not given:
        return mended
    begun = [opening.active_at for opening in given if opening.active_at is not None]
    slide(books, member, act, wallet_id, begun)
    account, at = books.account(member, wallet_id), member.caught_up_to
    return [
        replace(each, expires_at=ending.joined(account.ends_at, each.expires_at, at))
        for each in mended
    ]


def _mended(opening: Opening, act: Cause, turns: Sequence[Turn]) -> Opening:
    begins = act.occurred_at if opening.standing else opening.active_at
    ends = _turned(turns, begins, opening.expires_at)
    if ends == opening.expires_at:
        return opening
    return Opening(opening.points, opening.order_no, begins, ends)


def openings_by_time(
    account: Account, wallet: Wallet, program: Program, openings: Sequence[Opening]
) -> Sequence[Opening]:
    """What time opens by itself, with the ends that it has as things stand; it moves none.

    Rule: R-25.
    """
    if not wallet.slides:
        return openings
    return [
        replace(each, expires_at=end_by_hand(account, wallet, program, each.active_at))
        for each in openings
        if each.active_at is not None
    ]


def instants_in_time(
    books: Books, member: Member, act: Cause, wallet_id: str, instants: Mapping[int, Instants]
) -> dict[int, Instants]:
    """The beginnings and ends of lots that come alive, with the ends as things stand.

    Rule: R-25, R-26.
    """
    account = books.account(member, wallet_id)
    turns = _turns_since(books, member, act, wallet_id)
    mended = {
        lot_seq: (begins, _turned(turns, begins, ends))
        for lot_seq, (begins, ends) in instants.items()
    }
    begun = [begins for lot_seq, (begins, _) in mended.items() if lot_seq in account.lots]
    if not begun or not _slides_or_slid(books, member, act, wallet_id):
        return mended
    slide(books, member, act, wallet_id, begun)
    at = member.caught_up_to
    return {
        lot_seq: (begins, ending.joined(account.ends_at, ends, at))
        for lot_seq, (begins, ends) in mended.items()
    }


def end_by_hand(
    account: Account, wallet: Wallet, program: Program, begins: datetime
) -> datetime | None:
    """Where points end that are given without an activity of the member's, by the wallet's terms.

    Rule: R-25.
    """
    if wallet.slides and account.ends_at is not None and account.ends_at > begins:
        return account.ends_at
    return expires_at(wallet.expiry, begins, program)


def end_brought(books: Books, member: Member, wallet: Wallet, when: datetime) -> datetime | None:
    """Where points end that a member had by an instant and brings without an end; None: never.

    In a wallet that slid then they end as all others do, and elsewhere never. A member who has been
    brought further has them as if they had been there when a version changed that.

    Args:
        wallet: as the newest version has it.
        when: the instant of the balance (UTC).

    Rule: R-25, R-26.
    """
    version, begins = _first_with(books, member, wallet.id, when)
    program, account = books.program(version), books.account(member, wallet.id)
    then, ends = program.find_wallet(wallet.id) or wallet, None
    if then.slides:
        ends = end_by_hand(account, then, program, begins)
    at = member.caught_up_to
    last, _ = books.program_at(member, at)
    for each in books.programs.turns(books.tx.fetch, version, last):
        is_there = each.wallet == wallet.id and (ends is None or ends > each.at)
        turned = each.end_from(each.at) if is_there else None
        if turned is not None:
            ends = turned if ends is None else max(ends, turned)
    return ending.joined(account.ends_at, ends, at)


def _first_with(
    books: Books, member: Member, wallet_id: str, when: datetime
) -> tuple[int, datetime]:
    """The version in force at an instant, and that instant; the first later one with the wallet."""
    version, program = books.program_at(member, when)
    for later in range(version + 1, member.program_version + 1):
        if program.find_wallet(wallet_id) is not None:
            break
        version, program = later, books.program(later)
        when = max(when, books.in_force_at(later))
    return version, when


def _turns_since(books: Books, member: Member, act: Cause, wallet_id: str) -> list[Turn]:
    """The turns of a wallet that the act's own version does not know."""
    version, _ = books.program_at(member, member.caught_up_to)
    if version == act.program_version:
        return []
    turns = books.programs.turns(books.tx.fetch, act.program_version, version)
    return [each for each in turns if each.wallet == wallet_id]


def _turned(
    turns: Iterable[Turn], begins: datetime | None, ends: datetime | None
) -> datetime | None:
    """An end that comes about because expiry was turned on since."""
    if begins is None or ends is not None:
        return ends
    for each in turns:
        ends = ends or each.end_from(max(each.at, begins))
    return ends
