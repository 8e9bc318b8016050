"""Members move through the tiers: what follows from a change, and the row that keeps it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

import orjson

from loyalty_service.kit.db import Transaction
from loyalty_service.kit.instants import instant_or_none, instant_text
from loyalty_service.ledger.rules.buckets import sort_into_buckets
from loyalty_service.ledger.rules.entry import Cause, Reason, Source
from loyalty_service.ledger.rules.movements import Opening, credit, take_back
from loyalty_service.ledger.service import CLOCK_ACTOR, Books, end_by_hand
from loyalty_service.members.rules import Member, Standing, Total
from loyalty_service.program.rules.periods import expires_at, local_date
from loyalty_service.program.rules.program import Overdrawn, Program
from loyalty_service.program.rules.tiers import Gift, GiftsOnReturn, Qualification
from loyalty_service.program.rules.wallets import Never
from loyalty_service.tiers.rules.changes import TierChange
from loyalty_service.tiers.rules.importing import OpeningTier, take_up
from loyalty_service.tiers.rules.moves import Change, Move
from loyalty_service.tiers.rules.moving import Judge
from loyalty_service.tiers.rules.qualifying import Record, asks_for_balance
from loyalty_service.tiers.service.telling import tell_change

_INSERT = """
INSERT INTO tier_change (member_id, change_no, cause, from_tier, to_tier, tier_until, grace_until,
                         program_version, occurred_at, recorded_at, counted)
"""


NOTHING: Mapping[Total, int] = MappingProxyType({})


def judge(
    books: Books,
    member: Member,
    program: Program,
    at: datetime,
    counts: Mapping[Total, int] = NOTHING,
) -> Judge | None:
    """A member before the tiers of a program; None where it has none.

    Args:
        counts: what is to be counted besides what the books know.

    Rule: R-50.
    """
    if program.tiers is None:
        return None
    # As they move while the operation decides.
    sums: Mapping[Total, int] = books.totals.amounts.setdefault(member.member_id, {})
    if counts:
        sums = {key: sums.get(key, 0) + counts.get(key, 0) for key in (*sums, *counts)}
    balances = _balances(books, member, at) if asks_for_balance(program.tiers) else {}
    enrolled_on = local_date(member.enrolled_at, program.zone)
    return Judge(program, program.tiers, Record(sums, balances, enrolled_on))


def _balances(books: Books, member: Member, at: datetime) -> dict[str, int]:
    """Active and held points less what is owed, by wallet."""
    balances = {}
    for wallet, account in books.accounts.get(member.member_id, {}).items():
        buckets = sort_into_buckets(account.lots.values(), account.deficit, at, account.holds)
        balances[wallet] = buckets.balance + buckets.held
    return balances


def move(
    books: Books, member: Member, change: Change, version: int, *, order_ref: str | None = None
) -> None:
    """Let a member move: the gift of a promotion is given, the change told and kept.

    Args:
        version: the program version by which it was decided.
        order_ref: the order that brought it; None: none did.

    Rule: R-51, R-52, R-54.
    """
    program = books.program(version)
    tiers = program.tiers
    assert tiers is not None
    before, level = member.standing, tiers.levels[change.index]
    number = member.event_seq + 1
    standing, gift = _by_version(change, version), None
    if change.move is Move.PROMOTED and level.gift and not _has_gift(member, level.id, change):
        cause = _cause(member, Reason.TIER_GIFT, number, version, change.instant)
        gift = _give(books, member, cause, level.gift, program)
        standing = _remember(standing, change, level.id, gift)
        gift = gift if gift["points"] else None
    elif change.move is Move.TERM_BEGAN:
        standing = _lengthen(standing, level.id)
    elif change.move is Move.UNDONE and _brought_gift(before):
        gift = _undo_gift(books, member, change, number, version)
        if not gift["kept"]:
            standing = _forget(change, before.tier)
    told = tell_change(program, before, change, gift, order_ref)
    member.tell(f"tier.{change.move}", change.instant, told)
    member.tier_changes.append(
        TierChange(
            member.member_id,
            number,
            str(change.move),
            before.tier,
            level.id,
            standing.until,
            standing.grace_until,
            version,
            change.instant,
            member.recorded_at,
            orjson.dumps(told["counted"]).decode(),
        )
    )
    member.standing = standing.due(before.due_at, before.due_by)


def gift_lots(member: Member) -> list[tuple[int, str, int]]:
    """The lots that gifts to a member opened: (member, wallet, lot)."""
    gifts = (member.standing.memo or {}).get("gifts", {}).values()
    return [
        (member.member_id, gift["wallet"], gift["lot"]) for gift in gifts if gift["lot"] is not None
    ]


def bring_in(books: Books, member: Member, opening: OpeningTier, at: datetime) -> None:
    """Write down the tier that a member brings; where its term is over, its review follows.

    Args:
        at: the instant of the opening (UTC), to which the member was brought.

    Rule: R-51, R-52, R-54.
    """
    version, program = books.program_at(member, at)
    before = judge(books, member, program, at)
    assert before is not None
    move(books, member, take_up(before, member.standing, opening), version)
    if before.is_turn(member.standing, at):
        change = before.review(member.standing, at)
        if change is not None:
            move(books, member, change, version)
    # When time next asks for the member has to be reckoned by what stands now.
    member.standing = member.standing.due(None, 0)


def save(tx: Transaction, members: Iterable[Member]) -> None:
    """Add the changes of these members to the writes of the transaction."""
    tx.add_rows(_INSERT, [row for member in members for row in member.tier_changes])


def _has_gift(member: Member, tier: str, change: Change) -> bool:
    """Whether the tier's gift was given for a term that has not ended yet (R-54)."""
    given = (member.standing.memo or {}).get("gifts", {}).get(tier)
    if given is None:
        return False
    return given["until"] is None or datetime.fromisoformat(given["until"]) > change.instant


def _brought_gift(standing: Standing) -> bool:
    """Whether the promotion to the tier that stands brought its gift, not an earlier one."""
    given = (standing.memo or {}).get("gifts", {}).get(standing.tier)
    return given is not None and given["at"] == instant_or_none(standing.since)


def _give(
    books: Books, member: Member, cause: Cause, gift: Gift, program: Program
) -> dict[str, Any]:
    """Give what of a gift the account can hold: time brings it, and there is nobody to refuse."""
    wallet = program.find_wallet(gift.wallet)
    assert wallet is not None
    account, at = books.account(member, gift.wallet), cause.occurred_at
    points = min(gift.points, account.room)
    if not points:
        return {"wallet": gift.wallet, "points": 0, "entry": None, "lot": None}
    if not wallet.spendable and isinstance(gift.expiry or wallet.expiry, Never):
        opening = Opening(points, standing=True)
    else:
        usual = end_by_hand(account, wallet, program, at)
        ends = usual if gift.expiry is None else expires_at(gift.expiry, at, program)
        opening = Opening(points, None, at, ends)
    entry, lots = credit(account, cause, [opening])
    return {"wallet": gift.wallet, "points": points, "entry": entry.seq, "lot": lots.get(0)}


def _undo_gift(
    books: Books, member: Member, change: Change, number: int, version: int
) -> dict[str, Any]:
    """Take back the gift of a promotion that a return undid, or leave it, marked (R-52)."""
    program, tier = books.program(version), member.standing.tier or ""
    given = (member.standing.memo or {})["gifts"][tier]
    assert program.tiers is not None
    if program.tiers.gifts_on_return is GiftsOnReturn.KEPT:
        return {**given, "kept": True}
    account = books.account(member, given["wallet"])
    lots = [given["lot"]] if given["lot"] is not None else []
    _, entry = take_back(
        account,
        _cause(member, Reason.TIER_GIFT_UNDONE, number, version, change.instant),
        given["points"],
        member.caught_up_to,
        own_lots=lots,
        expired=books.expired_of(account, lots),
        may_overdraw=program.returns.overdrawn is Overdrawn.NEGATIVE,
    )
    points, seq = (0, None) if entry is None else (entry.points, entry.seq)
    return {**given, "kept": False, "points": points, "entry": seq}


def _cause(member: Member, reason: Reason, number: int, version: int, instant: datetime) -> Cause:
    return Cause(reason, Source.TIER, number, version, CLOCK_ACTOR, instant, member.recorded_at)


def _by_version(change: Change, version: int) -> Standing:
    """What stands, and the version whose thresholds a promotion rests on (R-52)."""
    standing, memo = change.standing, change.standing.memo or {}
    if change.move is not Move.PROMOTED or "undo" not in memo:
        return standing
    return replace(standing, memo={**memo, "undo": {**memo["undo"], "version": version}})


def asked_by_promotion(books: Books, standing: Standing) -> Qualification | None:
    """What the version asked that promoted to the tier; None: it is not known, or none did.

    Rule: R-52.
    """
    version = (standing.memo or {}).get("undo", {}).get("version")
    tiers = None if version is None else books.program(version).tiers
    return None if tiers is None else tiers.find(standing.tier).entry


def _remember(standing: Standing, change: Change, tier: str, gift: dict[str, Any]) -> Standing:
    until = None if standing.until is None else standing.until.isoformat()
    memo = dict(standing.memo or {})
    given = {**gift, "at": instant_text(change.instant), "until": until}
    memo["gifts"] = {**memo.get("gifts", {}), tier: given}
    return replace(standing, memo=memo)


def _lengthen(standing: Standing, tier: str) -> Standing:
    """The gift of a tier that had no term belongs to the one that begins (R-54)."""
    memo = dict(standing.memo or {})
    given = memo.get("gifts", {}).get(tier)
    if given is None or standing.until is None:
        return standing
    memo["gifts"] = {**memo["gifts"], tier: {**given, "until": standing.until.isoformat()}}
    return replace(standing, memo=memo)


def _forget(change: Change, tier: str | None) -> Standing:
    memo = dict(change.standing.memo or {})
    gifts = {name: gift for name, gift in memo.pop("gifts", {}).items() if name != tier}
    if gifts:
        memo["gifts"] = gifts
    return replace(change.standing, memo=memo or None)
