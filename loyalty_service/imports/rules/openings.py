"""What becomes of a member of a file, given who and what is known already."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import orjson

from loyalty_service.imports.rules.members import LineFault, Newcomer, OpeningLot
from loyalty_service.imports.rules.tiers import Tenure, TierFault, is_over, open_tier
from loyalty_service.kit.instants import instant_or_none, instant_text
from loyalty_service.ledger.rules.movements import Opening
from loyalty_service.members.rules import Ref
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.wallets import Never, Wallet
from loyalty_service.tiers.rules.importing import OpeningTier

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody who is a member already.

    Args:
        caught_up_to: the member's clock (UTC).
        openings: what each opening balance was made from, by wallet.
        tenures: the tier that they brought, and the one that they have; empty: none ever changed.
    """

    member_id: int
    birthday: tuple[int, int] | None
    tags: tuple[str, ...]
    enrolled_at: datetime
    caught_up_to: datetime
    openings: Mapping[str, str]
    tenures: tuple[Tenure, ...] = ()


@dataclass(frozen=True, slots=True)
class Welcome:
    """What becomes of one member.

    Args:
        member_id: None for somebody new.
        bring: the wallets whose opening balance is still to be written.
        repeated: how many opening balances were imported before.
        tier: still to be written; ``is_over``: its term has ended by then.
        has_tier: whether they stand in the tier of the file already.
        differs: whether the file says otherwise than what is known; that is left as it is.
        faults: why nothing is written.
    """

    newcomer: Newcomer
    member_id: int | None
    bring: tuple[str, ...]
    repeated: int
    tier: OpeningTier | None
    is_over: bool
    has_tier: bool
    differs: bool
    faults: tuple[LineFault, ...]


def welcome(
    newcomer: Newcomer, known: Mapping[Ref, Known], as_of: datetime, opening: Program
) -> Welcome:
    """Decide on one member of a file.

    Args:
        known: who has the member's references already.
        as_of: the instant of the opening balances (UTC).
        opening: the program in force then, whose tiers are meant.
    """
    owners = {known[ref].member_id: known[ref] for ref in newcomer.refs if ref in known}
    owner = next(iter(owners.values()), None)
    faults = []
    if len(owners) > 1:
        message = "the references belong to different members"
        faults.append(LineFault(newcomer.line, "member_ref", message))
    if owner is None and newcomer.enrolled_at is not None and newcomer.enrolled_at > as_of:
        message = "is later than the opening balances"
        faults.append(LineFault(newcomer.line, "enrolled_at", message))
    bring, repeated = [], 0
    for wallet, lots in newcomer.lots.items():
        before = owner.openings.get(wallet) if owner else None
        if before is None:
            bring.append(wallet)
            faults += [_ended(lot) for lot in lots if lot.expires_at and lot.expires_at <= as_of]
        elif before == opening_text(wallet, lots):
            repeated += 1
        else:
            faults.append(LineFault(lots[0].line, "points", _other_balance(wallet, before, lots)))
    tier, said = None, newcomer.tenure
    has_tier = said is not None and owner is not None and any(map(said.agrees, owner.tenures))
    if said is not None and not has_tier:
        try:
            _check_untouched(owner, as_of)
            tier = open_tier(said, opening, as_of, newcomer.enrolled_at)
        except TierFault as fault:
            faults.append(LineFault(newcomer.line, fault.column, str(fault)))
    enrolled_at = owner.enrolled_at if owner else newcomer.enrolled_at or as_of
    return Welcome(
        newcomer,
        owner.member_id if owner else None,
        tuple(bring),
        repeated,
        tier,
        tier is not None and is_over(tier, opening, as_of, enrolled_at),
        has_tier,
        owner is not None and _differs(newcomer, owner, known),
        tuple(faults),
    )


def refuse_twice(welcomes: Sequence[Welcome]) -> list[Welcome]:
    """The same, without members whom several lines name by references of which none is shared.

    What one line says of a member would else pass over what another says.
    """
    lines: dict[int, list[int]] = {}
    for one in welcomes:
        if one.member_id is not None:
            lines.setdefault(one.member_id, []).append(one.newcomer.line)
    return [_alone(one, lines.get(one.member_id or 0, [])) for one in welcomes]


def _alone(one: Welcome, lines: Sequence[int]) -> Welcome:
    others = [line for line in lines if line != one.newcomer.line]
    if not others:
        return one
    message = f"is a member whom line {others[0]} names by another reference; name both on one line"
    return replace(one, faults=(*one.faults, LineFault(one.newcomer.line, "member_ref", message)))


def _other_balance(wallet: str, before: str, lots: list[OpeningLot]) -> str:
    """What was imported, and what the file says now."""
    message = f"another opening balance in {wallet} was imported before"
    was = sum(points for points, *_ in orjson.loads(before)["lots"])
    says = sum(lot.points for lot in lots)
    if was != says:
        return f"{message}: {was:,} points, and the file says {says:,}"
    return f"{message}: as many points, {was:,}, that begin or end otherwise"


def _check_untouched(owner: Known | None, as_of: datetime) -> None:
    if owner is None:
        return
    if owner.tenures:
        raise TierFault("tier", f"is not what the member has here: {_words(owner.tenures[-1])}")
    if owner.caught_up_to > as_of:
        clock = instant_text(owner.caught_up_to)
        raise TierFault("tier", f"comes too late for this opening: the member is at {clock} here")


def _words(held: Tenure) -> str:
    since = "" if held.since is None else f" since {instant_text(held.since)}"
    until = "" if held.until is None else f", until {instant_text(held.until)}"
    return f"{held.tier or 'the lowest tier'}{since}{until}"


def _ended(lot: OpeningLot) -> LineFault:
    ended = "" if lot.expires_at is None else f" on {lot.expires_at:%Y-%m-%dT%H:%M:%SZ}"
    return LineFault(lot.line, "points", f"have ended{ended}, before the opening balance")


def _differs(newcomer: Newcomer, owner: Known, known: Mapping[Ref, Known]) -> bool:
    return (
        any(ref not in known for ref in newcomer.refs)
        or newcomer.birthday not in (None, owner.birthday)
        or newcomer.tags not in (None, owner.tags)
    )


def opening_text(wallet: str, lots: list[OpeningLot]) -> str:
    """The one text of an opening balance: what it was made from, kept as its explanation.

    Rule: R-27.
    """
    told = [
        [lot.points, instant_or_none(lot.active_at), instant_or_none(lot.expires_at)]
        for lot in sorted(lots, key=_place)
    ]
    return orjson.dumps({"on": "opening_balance", "wallet": wallet, "lots": told}).decode()


def open_balance(
    wallet: Wallet, lots: list[OpeningLot], as_of: datetime, *, usual_end: datetime | None = None
) -> list[Opening]:
    """The lots of an opening balance; what never ends where nothing does joins the standing lot.

    Args:
        usual_end: of lots for which the file names none (UTC); None: never.

    Rule: R-12.
    """
    openings, standing = [], 0
    never_ends = usual_end is None and not wallet.spendable and isinstance(wallet.expiry, Never)
    for lot in sorted(lots, key=_place):
        begins = lot.active_at or as_of
        if never_ends and lot.expires_at is None and begins <= as_of:
            standing += lot.points
        else:
            openings.append(Opening(lot.points, None, begins, lot.expires_at or usual_end))
    if standing:
        openings.append(Opening(standing, standing=True))
    return openings


def _place(lot: OpeningLot) -> tuple[datetime, datetime, int]:
    """Soonest to end first; the same however the file orders its lines."""
    return lot.expires_at or _LATEST, lot.active_at or _EARLIEST, lot.points


@dataclass(slots=True)
class MembersReport:
    """What became of a file of members.

    Args:
        points: brought, by wallet.
        balances: opening balances written; ``repeated`` were imported before.
        tiers: brought, by id; ``standing`` members stand in theirs already.
        raised: lines of members who are known already and get a tier.
        over: lines of members whose tier is reviewed at once, because its term is over.
        differing: lines of members of whom something else is known.
        not_come_to: sound members of the parts from a locked member on, where it ended; else 0.
    """

    read: int = 0
    enrolled: int = 0
    known: int = 0
    faulty: int = 0
    balances: int = 0
    repeated: int = 0
    points: Counter[str] = field(default_factory=Counter)
    tiers: Counter[str] = field(default_factory=Counter)
    raised: list[int] = field(default_factory=list)
    standing: int = 0
    over: list[int] = field(default_factory=list)
    differing: list[int] = field(default_factory=list)
    faults: list[LineFault] = field(default_factory=list)
    not_come_to: int = 0

    @property
    def is_stuck(self) -> bool:
        """Whether it ended at a locked member."""
        return self.not_come_to > 0

    def note(self, one: Welcome) -> None:
        """Count one member."""
        self.repeated += one.repeated
        if one.faults:
            self.faulty += 1
            self.faults += one.faults
            return
        if one.member_id is None:
            self.enrolled += 1
        else:
            self.known += 1
        if one.differs:
            self.differing.append(one.newcomer.line)
        self._note_tier(one)
        self.balances += len(one.bring)
        for wallet in one.bring:
            self.points[wallet] += sum(lot.points for lot in one.newcomer.lots[wallet])

    def _note_tier(self, one: Welcome) -> None:
        self.standing += one.has_tier
        if one.tier is not None:
            self.tiers[one.tier.tier] += 1
            if one.member_id is not None:
                self.raised.append(one.newcomer.line)
        if one.is_over:
            self.over.append(one.newcomer.line)
