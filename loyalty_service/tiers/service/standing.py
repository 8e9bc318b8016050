"""Tell where a member stands, reckoned as if everything overdue were done."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from loyalty_service.kit.instants import instant_or_none, instant_text
from loyalty_service.ledger.queries import read_accounts
from loyalty_service.ledger.rules.buckets import Buckets, sort_into_buckets
from loyalty_service.ledger.service import Acting, Books
from loyalty_service.members.queries import get_member
from loyalty_service.members.rules import Member, Ref
from loyalty_service.program.rules.language import decimal_text
from loyalty_service.program.rules.periods import local_date
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.tier_words import criterion_in_words
from loyalty_service.program.rules.tiers import Criterion, Measure, Tier
from loyalty_service.program.rules.words import LANGUAGES
from loyalty_service.tiers.rules.moving import Judge
from loyalty_service.tiers.rules.qualifying import NOTHING_ASKED, window_told
from loyalty_service.tiers.rules.standing import (
    NoTiers,
    Progress,
    progress_to_keep,
    progress_to_next,
)
from loyalty_service.tiers.rules.standing_words import standing_in_words
from loyalty_service.tiers.service.moving import judge as judge_member
from loyalty_service.tiers.service.telling import changes_since

FAR_AHEAD = timedelta(days=36_525)
"""How far a change of tier is looked for where no review is to come: a hundred years."""


def tell_standing(acting: Acting, ref: Ref, lang: str) -> dict[str, Any]:
    """Where a member stands now, what is missing, and what comes next if nothing else happens.

    Args:
        lang: ``en`` or ``zh``.

    Returns:
        JSON-ready.

    Raises:
        MemberUnknown, NoTiers: as said.

    Rule: R-53, R-55.
    """
    member = get_member(acting.tx, ref)
    at = max(acting.tx.now(), member.caught_up_to)
    books = acting.books_at(at, member)
    books.accounts = read_accounts(acting.tx, [member])
    books.bring(member, at)
    _, program = books.program_at(member, at)
    judge = judge_member(books, member, program, at)
    if judge is None:
        raise NoTiers("The program in force has no tiers.")
    told = _told(judge, member, at, lang)
    ending = _ending(books, member, at)
    seen = len(member.happened)
    # A tier that follows what is earned has no review: what may be told is its next change.
    follows = judge.follows(member.standing)
    review_at = None if follows else judge.next_review(member.standing, at)
    review_at = _go_to_review(books, member, review_at)
    told["expiring_before"] = _expiring(ending, review_at)
    changes = changes_since(member, seen)
    told["review"] = None if review_at is None else _review(books, member, program, changes, lang)
    told["words"] = standing_in_words(told, program, lang)
    return told


def _told(judge: Judge, member: Member, at: datetime, lang: str) -> dict[str, Any]:
    standing = member.standing
    level = judge.tiers.find(standing.tier)
    words = LANGUAGES[lang]
    return {
        "at": instant_text(at),
        "tier": _named(level, lang),
        "since": instant_text(standing.since or member.enrolled_at),
        "until": instant_or_none(standing.until),
        "grace_until": instant_or_none(standing.grace_until),
        "factor": decimal_text(level.factor),
        "perks": [{"id": perk.id, "name": words.name(perk.name)} for perk in level.perks],
        "window": window_told(*judge.window_on(local_date(at, judge.program.zone))),
        "next": _progress(judge, progress_to_next(judge, standing, at), lang),
        "keep": _progress(judge, progress_to_keep(judge, standing, at), lang),
    }


def _named(level: Tier, lang: str) -> dict[str, Any]:
    return {"id": level.id, "name": LANGUAGES[lang].name(level.name)}


def _progress(judge: Judge, progress: Progress | None, lang: str) -> dict[str, Any] | None:
    if progress is None:
        return None
    counted = [one.told() for one in progress.counted]
    return {
        "tier": _named(judge.tiers.levels[progress.index], lang),
        "match": progress.asked.match.value,
        "criteria": _criteria(counted, judge.program, lang),
    }


def _criteria(
    counted: Sequence[Mapping[str, Any]], program: Program, lang: str
) -> list[dict[str, Any]]:
    """Every criterion with what is missing of it, and its words."""
    told = []
    for one in counted:
        criterion = Criterion(Measure(one["measure"]), one["asked"], one["wallet"])
        words = criterion_in_words(criterion, program, LANGUAGES[lang], lang)
        missing = max(0, one["asked"] - one["counted"])
        told.append({**one, "missing": missing, "words": words})
    return told


def _ending(books: Books, member: Member, at: datetime) -> dict[str, Buckets]:
    """What the member's points are made of, by wallet, with when they end."""
    return {
        wallet: sort_into_buckets(account.lots.values(), account.deficit, at, account.holds)
        for wallet, account in sorted(books.accounts.get(member.member_id, {}).items())
    }


def _expiring(ending: Mapping[str, Buckets], review_at: datetime | None) -> list[dict[str, Any]]:
    """Active and held points that end before the review, by wallet."""
    told = []
    for wallet, buckets in ending.items():
        soon = [
            (ends, points)
            for ends, points in buckets.expiring
            if review_at is not None and ends < review_at
        ]
        if soon:
            points = sum(points for _, points in soon)
            told.append(
                {"wallet": wallet, "points": points, "first_at": instant_text(min(soon)[0])}
            )
    return told


def _go_to_review(books: Books, member: Member, review_at: datetime | None) -> datetime | None:
    """Let time pass up to the next review, or to what moves the tier before it.

    That may be points that come alive or end, a day that leaves the window, or a birthday. Each
    counted day, lot and hold brings something a few times and a birthday once a year, so that what
    the member has bounds the work.

    Args:
        review_at: when the tier is looked at, whatever happens (UTC); None: never.

    Returns:
        the instant up to which time has passed; None: nothing is to come, as far as was looked.
    """
    seen = len(member.happened)
    until = review_at or member.caught_up_to + FAR_AHEAD
    while (due_at := member.standing.due_at) is not None and due_at <= until:
        books.bring(member, due_at)
        if changes_since(member, seen):
            return due_at
    if review_at is not None:
        books.bring(member, review_at)
    return review_at


def _review(
    books: Books,
    member: Member,
    program: Program,
    changes: Sequence[Mapping[str, Any]],
    lang: str,
) -> dict[str, Any]:
    """What the next review does, found by having let it happen: nothing of it is written.

    Args:
        member: brought to the review.
        changes: what became of their tier on the way.
    """
    review_at, grace_until = member.caught_up_to, member.standing.grace_until
    last = changes[-1] if changes else {"cause": None, **NOTHING_ASKED}
    told = {
        "at": instant_text(review_at),
        "outcome": last["cause"],
        "tier": _named(_level_now(books, member, program, review_at), lang),
        "match": last["match"],
        "window": last["window"],
        "criteria": _criteria(last["counted"], program, lang),
        "grace_until": instant_or_none(grace_until),
        "after_grace": None,
    }
    if grace_until is not None:
        books.bring(member, grace_until)
        told["after_grace"] = _named(_level_now(books, member, program, grace_until), lang)
    return told


def _level_now(books: Books, member: Member, program: Program, at: datetime) -> Tier:
    tiers = books.program_at(member, at)[1].tiers or program.tiers
    assert tiers is not None
    return tiers.find(member.standing.tier)
