"""Proves the ledger: one member's, or all of it beside running traffic."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from loyalty_service.kit.db import Transaction
from loyalty_service.ledger.queries.numbering import find_numbering_faults
from loyalty_service.ledger.queries.stored import StoredMember, read_stored, stream_stored
from loyalty_service.ledger.rules.heads import Earlier, Head
from loyalty_service.ledger.rules.proof import Proof, prove_account
from loyalty_service.ledger.rules.report import Report
from loyalty_service.ledger.rules.stored import ROW, Fault, show
from loyalty_service.ledger.service.ending import turns_ahead
from loyalty_service.members.rules import Member, check_past
from loyalty_service.program.rules.turns import Turn
from loyalty_service.program.service import Programs


def prove(
    tx: Transaction, member: Member, at: datetime | None, programs: Programs
) -> dict[str, Any]:
    """Prove one member's points: that the rows agree, now or as recorded by a past instant.

    Args:
        tx: one snapshot of everything (``Database.reading``); otherwise a payment that commits
            between two reads looks like a fault.
        at: what was recorded by then (UTC); None is now.

    Returns:
        JSON-ready: ``proved``, ``at``, the ``accounts`` that agree, the ``faults``.

    Raises:
        InTheFuture: ``at`` has not come yet.

    Rule: R-13.
    """
    if at is not None:
        check_past(at, tx.now(), "at")
    when = at or tx.now()
    stored = read_stored(tx, member.member_id)
    turns = turns_ahead(tx, programs, member, when) if at is None else []
    proofs = prove_member(stored, when, is_past=at is not None, turns=turns)
    faults = [proof.fault for proof in proofs if proof.fault is not None]
    faults += find_numbering_faults(tx, member.member_id)
    return {
        "proved": not faults,
        "at": show(when),
        "accounts": [proof.standing.told() for proof in proofs if proof.standing is not None],
        "faults": [told(fault) for fault in faults],
    }


def prove_one(tx: Transaction, member_id: int, at: datetime | None) -> Report:
    """Prove one member's points, counted and summed up as for all of them.

    Rule: R-13.
    """
    report = Report()
    stored = read_stored(tx, member_id)
    report.take(prove_member(stored, at or tx.now(), is_past=at is not None))
    report.find(find_numbering_faults(tx, member_id))
    return report


def told(fault: Fault) -> dict[str, Any]:
    """A fault as answers tell it; the member's number means nothing outside and is left out."""
    return {name: value for name, value in asdict(fault).items() if name != "member_id"}


def prove_member(
    stored: StoredMember, at: datetime, *, is_past: bool, turns: Sequence[Turn] = ()
) -> list[Proof]:
    """Prove every account of one member, and that the member's own row agrees with them.

    Rule: R-05, R-13.
    """
    proofs = [
        prove_account(ledger, at, is_past=is_past, turns=turns)
        for ledger in stored.ledgers.values()
    ]
    fault = _check_member(stored, proofs)
    if fault is not None:
        proofs.append(Proof(stored.member_id, "", None, fault))
    return proofs


def _check_member(stored: StoredMember, proofs: Sequence[Proof]) -> Fault | None:
    member_id = stored.member_id
    if stored.recorded_at is None:
        return Fault(member_id, None, "member", {}, ROW, "present", "missing")
    recorded = [proof.recorded_at for proof in proofs if proof.recorded_at is not None]
    if recorded and stored.recorded_at < max(recorded):
        expected = f"{show(max(recorded))} or later"
        found = show(stored.recorded_at)
        return Fault(member_id, None, "member", {}, "recorded_at", expected, found)
    return _check_lapse(stored, stored.recorded_at)


def _check_lapse(stored: StoredMember, recorded_at: datetime) -> Fault | None:
    """The member's row names the earliest lapse of what is held (R-32)."""
    holds = [hold for ledger in stored.ledgers.values() for hold in ledger.holds]
    held = [hold for hold in holds if hold.ended_at is None]
    first = min(held, key=lambda hold: hold.lapses_at, default=None)
    lapses, told = first and first.lapses_at, stored.holds_lapse_at
    if told == lapses:
        return None
    if first and first.lapses_at <= recorded_at and (told is None or told > first.lapses_at):
        # The member has moved on and knows nothing of it: it had lapsed.
        key = {"order_no": first.order_no, "hold_no": first.hold_no, "lot_seq": first.lot_seq}
        expected = show(first.lapses_at)
        return Fault(stored.member_id, first.wallet, "hold", key, "ended_at", expected, None)
    column, expected = "holds_lapse_at", show(lapses)
    return Fault(stored.member_id, None, "member", {}, column, expected, show(told))


def prove_all(
    tx: Transaction,
    at: datetime | None,
    *,
    earlier: Earlier | None = None,
    keep: Callable[[Head], None] | None = None,
) -> Iterator[Report]:
    """Prove every account, member after member; yields the one growing report after each.

    Args:
        tx: one snapshot of everything (``Database.reading``), so that it runs beside traffic.
        at: what was recorded by then (UTC); None is now.
        earlier: heads kept from an earlier proof; each must still be in its chain.
        keep: is given the head of every proved account, by member number and wallet.

    Raises:
        InTheFuture: ``at`` has not come yet.
        HeadsMalformed: of the earlier heads.

    Rule: R-13.
    """
    if at is not None:
        check_past(at, tx.now(), "at")
    when = at or tx.now()
    report = Report()
    for stored in stream_stored(tx):
        heads = report.take(prove_member(stored, when, is_past=at is not None))
        if earlier is not None:
            report.find(earlier.compare(stored.member_id, stored.ledgers))
        if keep is not None:
            for head in heads:
                keep(head)
        yield report
    if earlier is not None:
        report.find(earlier.finish())
    report.find(find_numbering_faults(tx, None))
    yield report
