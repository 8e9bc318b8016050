"""What operators put right by hand: give, take, and reverse a mistake."""

from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime

import orjson

from loyalty_service.kit.instants import instant_text
from loyalty_service.ledger import queries
from loyalty_service.ledger.queries import read_accounts, read_expired
from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.adjusting import (
    Adjustment,
    ExpiryPast,
    Reversal,
    WalletUnknown,
    Written,
    check_reversible,
)
from loyalty_service.ledger.rules.entry import Cause, Entry, Kind, Reason, Source
from loyalty_service.ledger.rules.movements import (
    Opening,
    Taken,
    credit,
    debit,
    give_back,
    take_back,
)
from loyalty_service.ledger.service.books import Acting, Books, told
from loyalty_service.ledger.service.ending import end_by_hand
from loyalty_service.members import service as members
from loyalty_service.members.rules import Member, Ref, earned_metric
from loyalty_service.program.rules.periods import local_date
from loyalty_service.program.rules.program import Overdrawn, Program
from loyalty_service.program.rules.wallets import Never, Wallet


def adjust(acting: Acting, ref: Ref, asked: Adjustment) -> str:
    """Give or take points by hand; a debit above what is there must say that it may.

    Returns:
        the receipt, as JSON.

    Raises:
        MemberUnknown, WalletUnknown, ExpiryPast, InsufficientPoints, PointsBeyondCount: nothing
            is written.

    Rule: R-12.
    """
    member, books, version, program = _open(acting, ref)
    wallet = get_wallet(program, asked.wallet)
    when, at = books.meet(member, None)
    account = books.account(member, wallet.id)
    reason = Reason.ADJUSTMENT
    if asked.earned:
        reason = Reason.ADJUSTMENT_EARNED
        _count_earned(books, member, wallet.id, [(when, asked.points)])
    cause = books.cause(member, reason, Source.OPERATOR, version=version, occurred_at=when)
    if asked.points > 0:
        account.require_countable(asked.points, "points")
        opening = _opening(program, wallet, account, asked, when)
        entry, _ = credit(account, cause, [opening], note=asked.note)
    else:
        entry = debit(
            account, cause, -asked.points, at, allow_negative=asked.allow_negative, note=asked.note
        )
    return _finish(books, member, account, entry, None)


def _open(acting: Acting, ref: Ref) -> tuple[Member, Books, int, Program]:
    member = members.lock(acting.tx, ref)
    books = acting.books(member)
    books.accounts = read_accounts(acting.tx, [member])
    version, program = books.program_at(member, books.now)
    return member, books, version, program


def chosen_wallets(program: Program, asked: str | None, held: Collection[str]) -> list[str]:
    """The wallets to show: the one asked for, or the program's and those the member still has.

    Raises:
        WalletUnknown: the one asked for is in neither.
    """
    known = [wallet.id for wallet in program.wallets]
    if asked is None:
        return known + sorted(set(held) - set(known))
    return [asked] if asked in held else [get_wallet(program, asked).id]


def get_wallet(program: Program, wallet_id: str) -> Wallet:
    """The program's wallet of that id.

    Raises:
        WalletUnknown: there is none.
    """
    wallet = program.find_wallet(wallet_id)
    if wallet is None:
        known = [wallet.id for wallet in program.wallets]
        raise WalletUnknown(
            f"The program has no wallet {wallet_id}; it has {', '.join(known)}.",
            path="wallet",
            asked=wallet_id,
            known=known,
        )
    return wallet


def _opening(
    program: Program, wallet: Wallet, account: Account, asked: Adjustment, when: datetime
) -> Opening:
    ends = asked.expires_at
    if ends is not None and ends <= when:
        raise ExpiryPast(
            "The points would have ended already.",
            path="expires_at",
            asked=instant_text(ends),
            limit=instant_text(when),
        )
    if ends is None:
        ends = end_by_hand(account, wallet, program, when)
    standing = not wallet.spendable and ends is None and isinstance(wallet.expiry, Never)
    if standing:
        return Opening(asked.points, standing=True)
    return Opening(asked.points, active_at=when, expires_at=ends)


def reverse(acting: Acting, ref: Ref, asked: Reversal) -> str:
    """Answer a mistaken credit or debit by a second entry that reverses it, once.

    Returns:
        the receipt, as JSON; ``from`` says where the points of a credit were taken.

    Raises:
        MemberUnknown, EntryUnknown, NotReversible: nothing is written.

    Rule: R-10, R-41.
    """
    member, books, version, program = _open(acting, ref)
    entry = queries.get_written(acting.tx, member.member_id, asked.wallet, asked.seq)
    check_reversible(entry)
    when, at = books.meet(member, None)
    account = books.account(member, asked.wallet)
    cause = books.cause(member, Reason.MISTAKE, Source.OPERATOR, version=version, occurred_at=when)
    counted = books.passing.earned_by(books, account, asked.seq, entry)
    _count_earned(books, member, asked.wallet, [(begins, -points) for begins, points in counted])
    if entry.kind is Kind.CREDIT:
        taken, written = _reverse_credit(books, account, cause, entry, asked, at=at)
        return _finish(books, member, account, written, taken)
    lots = queries.read_given(acting.tx, account, [lot_seq for lot_seq, _ in entry.lots])
    drawn = [(lots[lot_seq], -points) for lot_seq, points in entry.lots]
    wallet = get_wallet(program, asked.wallet)
    rest = _opening(program, wallet, account, Adjustment(asked.wallet, 1), when)
    written = give_back(
        account, cause, -entry.points, drawn, reverses=asked.seq, rest=rest, note=asked.note
    )
    return _finish(books, member, account, written, None)


def _count_earned(
    books: Books, member: Member, wallet: str, counted: Iterable[tuple[datetime, int]]
) -> None:
    for begins, points in counted:
        on = local_date(begins, books.program_at(member, begins)[1].zone)
        books.totals.add(member.member_id, {(earned_metric(wallet), on): points})


def _reverse_credit(
    books: Books, account: Account, cause: Cause, entry: Written, asked: Reversal, *, at: datetime
) -> tuple[Taken, Entry]:
    own = [lot_seq for lot_seq, _ in entry.lots]
    key = account.member_id, account.wallet
    expired = read_expired(books.tx, [(*key, lot_seq) for lot_seq in own])
    ended = sum(expired.values()) + account.expired_since(own)
    rules = books.program(entry.program_version).returns
    taken, written_entry = take_back(
        account,
        cause,
        entry.points,
        at,
        own_lots=own,
        expired=ended,
        may_overdraw=rules.overdrawn is Overdrawn.NEGATIVE,
        kind=Kind.REVERSE,
        reverses=asked.seq,
        note=asked.note,
    )
    assert written_entry is not None
    return taken, written_entry


def _finish(
    books: Books, member: Member, account: Account, entry: Entry, taken: Taken | None
) -> str:
    receipt = {
        **told(entry),
        "kind": entry.kind.value,
        "reverses": entry.reverses,
        "deficit": account.deficit,
        "from": None if taken is None else asdict(taken),
    }
    member.tell("points.adjusted", entry.cause.occurred_at, told(entry))
    books.write([member])
    return orjson.dumps(receipt).decode()
