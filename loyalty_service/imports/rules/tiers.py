"""The tier that a member of a file brings: how it is read, and what becomes of it."""

from datetime import datetime

from loyalty_service.imports.rules.forms import ValueFault
from loyalty_service.kit.frozen import frozen
from loyalty_service.program.rules.periods import local_date
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.tiers import NoTerm
from loyalty_service.tiers.rules.importing import OpeningTier, ends_at


@frozen
class Tenure:
    """A tier, from when and until when (UTC), as a file or our own books say it.

    Args:
        tier: None for the lowest, into which a return put the member back.
        since: None where a file does not say.
        until: None where a file does not say, or there is no end.
    """

    tier: str | None
    since: datetime | None
    until: datetime | None

    def agrees(self, held: "Tenure") -> bool:
        """Whether nothing that is said here differs from what is held."""
        return (
            self.tier == held.tier
            and self.since in (None, held.since)
            and self.until in (None, held.until)
        )


class TierFault(Exception):
    """Why a tier cannot be brought.

    Args:
        column: what is wrong with it, of ``tier``, ``tier_since``, ``tier_until``.
    """

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


def read_tier(text: str, program: Program) -> str:
    """A tier's id.

    Args:
        program: in force at the opening.

    Raises:
        ValueFault: as said.
    """
    if program.tiers is None:
        raise ValueFault("the program in force at the opening has no tiers")
    known = [level.id for level in program.tiers.levels]
    if text not in known:
        raise ValueFault(f"the program in force at the opening has the tiers {', '.join(known)}")
    return text


def open_tier(
    said: Tenure, program: Program, as_of: datetime, enrolled_at: datetime | None
) -> OpeningTier:
    """The tier that a member brings, as it is to be written.

    Args:
        program: in force at the opening, with ``tiers`` and the one that is said.
        as_of: the instant of the opening (UTC).
        enrolled_at: as the file says (UTC).

    Raises:
        TierFault: as said.

    Rule: R-51, R-54.
    """
    tiers, since = program.tiers, said.since or as_of
    assert tiers is not None
    assert said.tier is not None
    if since > as_of:
        raise TierFault("tier_since", "is later than the opening")
    if enrolled_at is not None and since < enrolled_at:
        raise TierFault("tier_since", "is earlier than the member's enrolment")
    if said.until is not None and said.until <= as_of:
        raise TierFault("tier_until", f"has ended on {_text(said.until)}, before the opening")
    if tiers.is_safe(tiers.index_of(said.tier)):
        if said.until is not None:
            raise TierFault("tier_until", f"the tier {said.tier} is never lost, so it has no end")
    elif tiers.term is NoTerm.NONE and said.until is None:
        message = "stands only as long as it is earned here, because tiers have no term; "
        raise TierFault("tier", message + "say by tier_until how long it is left")
    return OpeningTier(said.tier, since, said.until)


def is_over(opening: OpeningTier, program: Program, as_of: datetime, enrolled_at: datetime) -> bool:
    """Whether the term of a tier that is brought has ended by the opening."""
    ends = ends_at(opening, program, local_date(enrolled_at, program.zone))
    return ends is not None and ends <= as_of


def _text(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
