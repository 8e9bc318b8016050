"""What a file says of members: their names, what is known of them, and what they bring."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from loyalty_service.imports.rules.forms import (
    ValueFault,
    read_birthday,
    read_instant,
    read_last_day,
    read_points,
    read_ref,
    read_since,
    read_tags,
    read_until,
)
from loyalty_service.imports.rules.tables import FileFault, check_commas, read_rows
from loyalty_service.imports.rules.tiers import Tenure, read_tier
from loyalty_service.members.rules import MAX_REFS, Ref
from loyalty_service.program.rules.program import Program

REF = "member_ref"
MOST_FOUND = 40
REF_OF_KIND = "ref."
_KIND = re.compile(r"ref\.[a-z][a-z0-9_]{0,19}")
_LOT_COLUMNS = ("points", "active_at", "expires_at", "expires_on")
_TIER_COLUMNS = ("tier_since", "tier_until")
_DETAILS = ("enrolled_at", "birthday", "tags", "tier", *_TIER_COLUMNS)
COLUMNS = (*_DETAILS, "wallet", *_LOT_COLUMNS)
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True, order=True)
class LineFault:
    """What is wrong on a line of the file; nothing of the member it names is written."""

    line: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class OpeningLot:
    """Points that a member brings, and from when to when they count (UTC).

    Args:
        active_at: None for from the balance's own instant on.
        expires_at: None for never.
    """

    line: int
    points: int
    active_at: datetime | None
    expires_at: datetime | None


@dataclass(slots=True)
class Newcomer:
    """One member of a file, from all the lines that name them.

    Args:
        line: the first of them.
        lots: what they bring, by wallet.
        is_faulty: whether any of the lines is.
    """

    line: int
    refs: tuple[Ref, ...]
    enrolled_at: datetime | None = None
    birthday: tuple[int, int] | None = None
    tags: tuple[str, ...] | None = None
    tier: str | None = None
    tier_since: datetime | None = None
    tier_until: datetime | None = None
    lots: dict[str, list[OpeningLot]] = field(default_factory=dict)
    is_faulty: bool = False

    @property
    def tenure(self) -> Tenure | None:
        """The tier that they bring; None for none."""
        tier, since, until = self.tier, self.tier_since, self.tier_until
        return None if tier is None else Tenure(tier, since, until)


@dataclass(slots=True)
class MembersFile:
    """Everybody a file names, and every fault in it by line."""

    members: list[Newcomer] = field(default_factory=list)
    faults: list[LineFault] = field(default_factory=list)
    read: int = 0


@dataclass(frozen=True, slots=True)
class Setting:
    """What a file of members is held against.

    Args:
        program: its wallets and its zone.
        now: nobody was enrolled later than this (UTC).
        secret: what personal references are hashed with; None refuses them.
        opening: the program in force when the balances stood; its tiers are meant.
    """

    program: Program
    now: datetime
    secret: bytes | None
    opening: Program


def read_members(lines: Iterable[str], setting: Setting) -> MembersFile:
    """Read a file of members; every fault is found, line by line.

    Raises:
        FileFault: the first line does not name the columns, or the file is no such table.

    Rule: R-80.
    """
    rows = read_rows(lines)
    _, header = next(rows, (0, []))
    reader = _Reader([name.strip() for name in header], setting)
    for line, fields in rows:
        reader.add(line, fields)
    return reader.finish()


class _Reader:
    """Gathers members line by line."""

    def __init__(self, header: list[str], setting: Setting) -> None:
        _check_header(header)
        self._header = header
        self._setting = setting
        self._by_ref: dict[Ref, Newcomer] = {}
        self._cut_short: list[Newcomer] = []
        zone = setting.program.zone
        self._readers: dict[str, Callable[[str], Any]] = {
            "enrolled_at": lambda text: self._past(read_instant(text)),
            "birthday": read_birthday,
            "tags": read_tags,
            "tier": partial(read_tier, program=setting.opening),
            "tier_since": lambda text: self._past(read_since(text, zone)),
            "tier_until": partial(read_until, zone=zone),
        }
        self.file = MembersFile()

    def add(self, line_no: int, fields: list[str]) -> None:
        self.file.read += 1
        line = _Line(line_no, self.file.faults)
        texts = dict(zip(self._header, (text.strip() for text in fields), strict=False))
        if len(fields) != len(self._header):
            # Whoever it seems to be about must not come in with a part of what they have.
            refs = self._refs(_Line(line_no, []), texts)
            self._cut_short.append(Newcomer(line_no, refs, is_faulty=True))
            expected = len(self._header)
            line.fault("line", f"has {len(fields)} fields where the first line has {expected}")
            return
        refs = self._refs(line, texts)
        if not refs and not line.is_faulty:
            line.fault(self._header[0], "names no member")
        member = self._member(line, refs) if refs else Newcomer(line_no, ())
        self._add_details(line, texts, member)
        self._add_lot(line, texts, member)
        member.is_faulty |= line.is_faulty

    def finish(self) -> MembersFile:
        """What was read, its faults in the order of the lines."""
        for seeming in self._cut_short:
            known = [self._by_ref[ref] for ref in seeming.refs if ref in self._by_ref]
            for member in known:
                member.is_faulty = True
            if seeming.refs and not known:
                self.file.members.append(seeming)
                self._by_ref.update(dict.fromkeys(seeming.refs, seeming))
        self.file.faults.sort()
        return self.file

    def _refs(self, line: "_Line", texts: dict[str, str]) -> tuple[Ref, ...]:
        refs = []
        for column, text in texts.items():
            if text and (column == REF or column.startswith(REF_OF_KIND)):
                kind = None if column == REF else column.removeprefix(REF_OF_KIND)
                ref = line.read(column, text, partial(read_ref, kind=kind, secret=self._secret))
                refs += [] if ref is None or ref in refs else [ref]
        return tuple(refs)

    @property
    def _secret(self) -> bytes | None:
        return self._setting.secret

    def _member(self, line: "_Line", refs: tuple[Ref, ...]) -> Newcomer:
        """The member of these references; one that is new here is remembered by all of them."""
        known = {id(self._by_ref[ref]): self._by_ref[ref] for ref in refs if ref in self._by_ref}
        if not known:
            member = Newcomer(line.number, refs)
            self.file.members.append(member)
        else:
            member = next(iter(known.values()))
            if len(known) > 1 or not set(refs) <= set(member.refs):
                line.fault(
                    REF,
                    f"names the member of line {member.line} and others besides; "
                    "all lines of them are left out",
                )
                for other in known.values():
                    other.is_faulty = True
        for ref in refs:
            self._by_ref.setdefault(ref, member)
        return member

    def _add_details(self, line: "_Line", texts: dict[str, str], member: Newcomer) -> None:
        for column in _TIER_COLUMNS:
            if texts.get(column) and not texts.get("tier"):
                line.fault(column, "needs a tier")
        for column in _DETAILS:
            if not texts.get(column):
                continue
            value = line.read(column, texts[column], self._readers[column])
            said = getattr(member, column)
            if value is not None and said not in (None, value):
                line.fault(column, f"is not what an earlier line of the member says ({said})")
            elif value is not None:
                setattr(member, column, value)

    def _past(self, instant: datetime) -> datetime:
        if instant > self._setting.now:
            raise ValueFault("lies in the future")
        return instant

    def _add_lot(self, line: "_Line", texts: dict[str, str], member: Newcomer) -> None:
        wallet = texts.get("wallet")
        if not wallet:
            for column in _LOT_COLUMNS:
                if texts.get(column):
                    line.fault(column, "needs a wallet")
            return
        if self._setting.program.find_wallet(wallet) is None:
            known = ", ".join(one.id for one in self._setting.program.wallets)
            line.fault("wallet", f"the program has no wallet {wallet!r}; it has {known}")
        points = line.read("points", texts.get("points", ""), read_points)
        begins = line.read_some("active_at", texts, read_instant)
        ends = self._read_end(line, texts)
        if begins is not None and ends is not None and ends <= begins:
            line.fault("active_at", "the points would end before they begin")
        if points is not None and not line.is_faulty:
            lot = OpeningLot(line.number, points, begins, ends)
            member.lots.setdefault(wallet, []).append(lot)

    def _read_end(self, line: "_Line", texts: dict[str, str]) -> datetime | None:
        if texts.get("expires_at") and texts.get("expires_on"):
            line.fault("expires_on", "name the end once: expires_at or expires_on")
        last_day = partial(read_last_day, zone=self._setting.program.zone)
        on = line.read_some("expires_on", texts, last_day)
        return line.read_some("expires_at", texts, read_instant) or on


@dataclass(slots=True)
class _Line:
    """A line being read, and what is found wrong with it."""

    number: int
    faults: list[LineFault]
    is_faulty: bool = False

    def fault(self, column: str, message: str) -> None:
        self.is_faulty = True
        self.faults.append(LineFault(self.number, column, message))

    def read(self, column: str, text: str, form: Callable[[str], Read]) -> Read | None:
        try:
            return form(text)
        except ValueFault as fault:
            # A reference may be a phone number: it is not told.
            found = f" (found {text[:MOST_FOUND]!r})" if column in COLUMNS and text else ""
            self.fault(column, f"{fault}{found}")
            return None

    def read_some(
        self, column: str, texts: dict[str, str], form: Callable[[str], Read]
    ) -> Read | None:
        text = texts.get(column)
        return self.read(column, text, form) if text else None


def _check_header(header: list[str]) -> None:
    refs = [name for name in header if name == REF or _KIND.fullmatch(name)]
    strange = [name for name in header if name not in (*refs, *COLUMNS)]
    check_commas(header)
    if not refs or strange or len(set(header)) < len(header) or len(refs) > MAX_REFS:
        raise FileFault(
            f"line 1: name each column once, from {REF}, ref.<kind> (at least one of these), "
            f"{', '.join(COLUMNS)}; it names {', '.join(header)[:300]}"
        )
