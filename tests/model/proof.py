"""What the rows of a member must prove by themselves (R-11, R-13), without asking the service's own
proof: sums, deficits, sequence numbers, lots that stay inside what opened them, and the chain."""

from collections import defaultdict
from fractions import Fraction
from typing import Any

from loyalty_service.kit.db import Database
from loyalty_service.ledger.rules.chain import GENESIS, entry_hash
from loyalty_service.ledger.rules.entry import Allocation, Cause, Kind, Reason, Source
from loyalty_service.ledger.rules.lots import COMMON, STANDING

Node = dict[str, Any]

_ENTRIES = """
SELECT wallet, seq, kind, points, reason, source, source_no, program_version, rule_ids, actor_id,
       occurred_at, recorded_at, balance_after, reverses, explained, noted, hash
  FROM entry WHERE member_id = %s ORDER BY wallet, seq
"""
_ALLOCATIONS = """
SELECT wallet, entry_seq, lot_seq, points, active_at, expires_at, expired
  FROM allocation WHERE member_id = %s ORDER BY wallet, entry_seq, lot_seq
"""
_ACCOUNTS = """
SELECT wallet, ends_at, seq, lot_seq, balance, deficit, head FROM account WHERE member_id = %s
"""
# Those without an end of their own end with their account.
_LOTS = """
SELECT wallet, l.lot_seq, order_no, opened, remaining, active_at,
       coalesce(expires_at, CASE WHEN active_at IS NOT NULL THEN ends_at END)
  FROM lot l JOIN account USING (member_id, wallet) WHERE member_id = %s ORDER BY wallet, lot_seq
"""
_HOLDS = """
SELECT wallet, order_no, hold_no, lot_seq, points, held_at, lapses_at, ended_at
  FROM hold WHERE member_id = %s ORDER BY wallet, order_no, hold_no, lot_seq
"""
_ORDERS = """
SELECT order_no, order_ref, payment_ref, state, program_version, placed_at, paid_at, fulfilled_at,
       lapses_at, hold_no, price_minor, paid_minor, returned_minor, opened_again_as
  FROM order_head WHERE member_id = %s ORDER BY order_no
"""
_LINES = """
SELECT order_no, line_no, price_minor, paid_minor, points, points_minor, returned_units,
       returned_num, returned_den
  FROM order_line WHERE member_id = %s ORDER BY order_no, line_no
"""


def read_orders(db: Database, member_id: int) -> dict[int, Node]:
    """The rows of a member's orders by number: what the head says, and its lines."""
    orders = {
        no: {"head": tuple(head), "lines": []} for no, *head in db.fetch(_ORDERS, (member_id,))
    }
    for no, *line, num, den in db.fetch(_LINES, (member_id,)):
        orders[no]["lines"].append((*line, Fraction(int(num), int(den))))
    return orders


def read_books(db: Database, member_id: int) -> dict[str, Node]:
    """The rows of a member by wallet: entries, allocations by entry, the account, the lots."""
    books: dict[str, Node] = {}
    for wallet, ends_at, *account in db.fetch(_ACCOUNTS, (member_id,)):
        allocations: dict[int, list[Allocation]] = defaultdict(list)
        books[wallet] = {"account": account, "lots": [], "entries": [], "moved": allocations}
        books[wallet] |= {"holds": [], "ends_at": ends_at}
    for wallet, *entry in db.fetch(_ENTRIES, (member_id,)):
        books[wallet]["entries"].append(entry)
    for wallet, seq, *allocation in db.fetch(_ALLOCATIONS, (member_id,)):
        books[wallet]["moved"][seq].append(Allocation(*allocation))
    for wallet, *lot in db.fetch(_LOTS, (member_id,)):
        books[wallet]["lots"].append(tuple(lot))
    for wallet, *hold in db.fetch(_HOLDS, (member_id,)):
        books[wallet]["holds"].append(tuple(hold))
    return books


def prove(member_id: int, wallet: str, book: Node) -> None:
    """Assert what must hold of an account after every step."""
    balance = deficit = last = highest = 0
    head = GENESIS
    remaining: dict[int, int] = defaultdict(int)
    opened: dict[int, int] = {}
    instants: dict[int, tuple[Any, Any]] = {}
    common = None
    for entry in book["entries"]:
        seq, _, points = entry[:3]
        moved = book["moved"].get(seq, [])
        last += 1
        balance += points
        deficit += sum(one.points for one in moved) - points
        assert seq == last, f"entry {last} of {wallet} is missing"
        assert entry[11] == balance, f"balance after entry {seq} of {wallet}"
        assert deficit >= 0, f"a deficit below nothing after entry {seq} of {wallet}"
        for one in moved:
            remaining[one.lot_seq] += one.points
            highest = max(highest, one.lot_seq)
            opened.setdefault(one.lot_seq, one.points)
            if one.lot_seq == COMMON:
                assert not one.points
                common = one.expires_at
            elif one.points >= 0:
                instants[one.lot_seq] = (one.active_at, one.expires_at)
            inside = remaining[one.lot_seq] >= 0
            if one.lot_seq != STANDING:
                inside = inside and remaining[one.lot_seq] <= opened[one.lot_seq]
            assert inside, f"lot {one.lot_seq} of {wallet} after entry {seq}"
        head = rehash(head, member_id, wallet, entry, moved)
        assert head == bytes(entry[15]), f"hash of entry {seq} of {wallet}"
    account = (last, highest, balance, deficit, head)
    seq, lot_seq, stored_balance, stored_deficit, stored_head = book["account"]
    stored = (seq, lot_seq, stored_balance, stored_deficit, bytes(stored_head))
    assert stored == account, f"account {wallet}: {stored} is not {account}"
    left = {no: points for no, points in remaining.items() if points}
    rows = {lot[0]: lot[3] for lot in book["lots"]}
    assert rows == left, f"lots of {wallet}: {rows} is not {left}"
    prove_holds(wallet, book, left)
    for no, _, _, _, active_at, expires_at in book["lots"]:
        begins, ends = instants[no]
        ends = common if ends is None and begins is not None else ends
        assert (active_at, expires_at) == (begins, ends), f"instants of lot {no} of {wallet}"
    assert book["ends_at"] == common, f"the common end of {wallet}"


def prove_holds(wallet: str, book: Node, left: dict[int, int]) -> None:
    """What is held lies inside its lots (R-13), and a hold that ended did so by its lapse."""
    held: dict[int, int] = defaultdict(int)
    for _, _, lot_no, points, held_at, lapses_at, ended_at in book["holds"]:
        if ended_at is None:
            held[lot_no] += points
        assert held_at < lapses_at, f"a hold of {wallet} that never stood"
        assert ended_at is None or held_at <= ended_at <= lapses_at, f"end of a hold of {wallet}"
    for lot_no, points in held.items():
        assert points <= left.get(lot_no, 0), f"lot {lot_no} of {wallet} holds more than it has"


def rehash(head: bytes, member_id: int, wallet: str, entry: Any, moved: Any) -> bytes:
    seq, kind, points, reason, source, source_no, version, rule_ids, actor_id = entry[:9]
    occurred_at, recorded_at, balance_after, reverses, explained, noted = entry[9:15]
    cause = Cause(
        Reason(reason),
        Source(source),
        source_no,
        version,
        actor_id,
        occurred_at,
        recorded_at,
        tuple(rule_ids),
    )
    return entry_hash(
        head,
        Kind(kind),
        cause,
        moved,
        member_id=member_id,
        wallet=wallet,
        seq=seq,
        points=points,
        balance_after=balance_after,
        reverses=reverses,
        explained=explained and bytes(explained),
        noted=noted and bytes(noted),
    )
