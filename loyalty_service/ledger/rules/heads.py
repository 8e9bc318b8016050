"""The chain heads of all accounts: what to keep elsewhere, so that nothing can be cut off unseen.

A tail that is cut from an account together with its caches leaves rows that agree with each other.
Only an earlier head, kept outside the database, shows that entries are gone.

The file has one line for each account, by member number and wallet: member number, wallet, number
of the last entry, its hash in hexadecimal, divided by single spaces; and a last line ``sha256``
with the digest over all of them.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from operator import attrgetter
from struct import Struct

from loyalty_service.ledger.rules.stored import ROW, Fault, StoredLedger

_LINE = re.compile(r"([1-9][0-9]{0,18}) (\S+) ([1-9][0-9]{0,18}) ([0-9a-f]{64})")
_LAST = re.compile(r"sha256 ([0-9a-f]{64})")
_NUMBERS = Struct(">qqI")


class HeadsMalformed(ValueError):
    """The file of earlier heads cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain of an account ended: its last entry's number and hash."""

    member_id: int
    wallet: str
    seq: int
    hash: bytes

    @property
    def line(self) -> str:
        """The head as its file says it."""
        return f"{self.member_id} {self.wallet} {self.seq} {self.hash.hex()}"


class HeadsDigest:
    """SHA-256 over heads in order: numbers (8 bytes each), length of the wallet, wallet, hash."""

    def __init__(self) -> None:
        self._sum = sha256()

    def add(self, head: Head) -> None:
        """Take one more head."""
        wallet = head.wallet.encode()
        self._sum.update(_NUMBERS.pack(head.member_id, head.seq, len(wallet)))
        self._sum.update(wallet + head.hash)

    @property
    def hex(self) -> str:
        """The digest of the heads so far, in hexadecimal."""
        return self._sum.hexdigest()

    @property
    def last_line(self) -> str:
        """The last line of a file of these heads."""
        return f"sha256 {self.hex}"


def read_heads(lines: Iterable[str]) -> Iterator[Head]:
    """The heads of a file, in order.

    Raises:
        HeadsMalformed: a line cannot be read, is out of order, or the digest does not agree.
    """
    digest, before, ended = HeadsDigest(), (0, ""), False
    for number, text in enumerate(lines, 1):
        line = text.rstrip("\n")
        if ended:
            raise HeadsMalformed(f"Line {number} stands after the digest.")
        last = _LAST.fullmatch(line)
        if last:
            ended = True
            if last[1] != digest.hex:
                raise HeadsMalformed(f"The lines do not have the digest of line {number}.")
            continue
        head = _read_line(number, line)
        if (head.member_id, head.wallet) <= before:
            raise HeadsMalformed(f"Line {number} is out of order.")
        before = head.member_id, head.wallet
        digest.add(head)
        yield head
    if not ended:
        raise HeadsMalformed("The last line, with the digest, is missing.")


def _read_line(number: int, line: str) -> Head:
    match = _LINE.fullmatch(line)
    if match is None:
        raise HeadsMalformed(
            f"Line {number} is not: member number, wallet, entry number, 64 hexadecimal digits."
        )
    return Head(int(match[1]), match[2], int(match[3]), bytes.fromhex(match[4]))


class Earlier:
    """Earlier heads, taken in step with the members as they are proved."""

    def __init__(self, heads: Iterable[Head]) -> None:
        self._members = groupby(heads, attrgetter("member_id"))
        self._next = next(self._members, None)

    def compare(self, member_id: int, ledgers: dict[str, StoredLedger]) -> list[Fault]:
        """Faults of this member, and of members with lower numbers that are gone.

        Call it with ascending member numbers.

        Rule: R-10.
        """
        faults = self._gone(member_id)
        if self._next is not None and self._next[0] == member_id:
            for head in self._next[1]:
                faults += _compare(head, ledgers.get(head.wallet))
            self._next = next(self._members, None)
        return faults

    def finish(self) -> list[Fault]:
        """Members that stood behind the last one proved, and are gone."""
        return self._gone(None)

    def _gone(self, before: int | None) -> list[Fault]:
        faults: list[Fault] = []
        while self._next is not None and (before is None or self._next[0] < before):
            for head in self._next[1]:
                faults += _compare(head, None)
            self._next = next(self._members, None)
        return faults


def _compare(head: Head, ledger: StoredLedger | None) -> list[Fault]:
    if ledger is None or not ledger.entries:
        return [_fault(head, "account", ROW, "present", "missing")]
    if len(ledger.entries) < head.seq:
        return [_fault(head, "entry", ROW, "present", "missing")]
    found = ledger.entries[head.seq - 1].hash
    if found != head.hash:
        return [_fault(head, "entry", "hash", head.hash.hex(), found.hex())]
    return []


def _fault(head: Head, table: str, column: str, expected: str, found: str) -> Fault:
    key = {"seq": head.seq} if table == "entry" else {}
    return Fault(head.member_id, head.wallet, table, key, column, expected, found)
