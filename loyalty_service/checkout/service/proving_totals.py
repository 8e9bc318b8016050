"""Proves the sums behind limits and tiers: they are what orders and events gave, less what came
back."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from fractions import Fraction
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from loyalty_service.checkout.rules.counting import bring_to_tiers, left_by_rule
from loyalty_service.checkout.rules.returns import OrderLine
from loyalty_service.earning.queries import capped_rules, metric
from loyalty_service.earning.rules.facts import Line, LineKind
from loyalty_service.earning.rules.openings import Act, came_alive
from loyalty_service.earning.rules.plan import plan_for
from loyalty_service.kit.db import Transaction
from loyalty_service.ledger.queries.stored import readable
from loyalty_service.ledger.rules.report import FAULTS_KEPT
from loyalty_service.ledger.rules.stored import ROW, Fault
from loyalty_service.members.rules import earned_metric
from loyalty_service.program.queries import find_newest
from loyalty_service.program.rules.earning import CapUnit
from loyalty_service.program.rules.periods import local_date
from loyalty_service.program.rules.program import Program
from loyalty_service.program.service import Programs

_STORED = """
SELECT member_id, metric, day::text, amount FROM member_total
 WHERE member_id BETWEEN %(first)s AND %(last)s ORDER BY member_id
"""
_BY_ORDERS = readable("""
SELECT h.member_id, h.order_no, h.program_version, <h.placed_at>, <h.paid_at>, <h.fulfilled_at>,
       l.line_no, l.kind, l.quantity, l.paid_minor, l.points, l.shares, l.returned_num,
       l.returned_den
  FROM order_head h JOIN order_line l USING (member_id, order_no)
 WHERE h.member_id BETWEEN %(first)s AND %(last)s
 ORDER BY h.member_id, h.order_no, l.line_no
""")
_BY_EVENTS = readable("""
SELECT e.member_id, e.program_version, <e.occurred_at>, x.body,
       NOT EXISTS (SELECT 1 FROM entry r WHERE r.member_id = e.member_id AND r.wallet = e.wallet
                      AND r.reverses = e.seq)
  FROM entry e JOIN explanation x USING (member_id, wallet, seq)
 WHERE e.source = 'event' AND e.reason = 'event' AND e.kind = 'credit'
   AND e.member_id BETWEEN %(first)s AND %(last)s
 ORDER BY e.member_id
""")
_BY_HAND = readable("""
SELECT e.member_id, e.wallet, <e.occurred_at>, e.points FROM entry e
 WHERE e.reason = 'adjustment_earned' AND e.member_id BETWEEN %(first)s AND %(last)s
   AND NOT EXISTS (SELECT 1 FROM entry r WHERE r.member_id = e.member_id AND r.wallet = e.wallet
                      AND r.reverses = e.seq)
 ORDER BY e.member_id
""")
_ONCE = readable("""
SELECT member_id, substr(kind, 8), <occurred_at> FROM event
 WHERE kind IN ('member.sign_up', 'member.birthday')
   AND member_id BETWEEN %(first)s AND %(last)s
 ORDER BY member_id
""")

Amount = tuple[int, str, str, int, bool]
"""Member, metric, local day, amount, and whether it is what ``member_total`` says."""


def find_total_faults(tx: Transaction, member_id: int | None) -> list[Fault]:
    """What of the sums behind limits and tiers does not agree with orders and events; some of it.

    Args:
        tx: one snapshot of everything (``Database.reading``).
        member_id: only this member; None is all of them, streamed.

    Rule: R-23, R-50.
    """
    return list(islice(list_total_faults(tx, member_id), FAULTS_KEPT))


def list_total_faults(tx: Transaction, member_id: int | None) -> Iterator[Fault]:
    """All of them, by ascending member, as they are found; the key of each names the sum.

    Rule: R-23, R-50.
    """
    newest = find_newest(tx.fetch)
    if newest is None:
        return
    first, last = (-(2**63), 2**63 - 1) if member_id is None else (member_id, member_id)
    programs = _Counting(tx, newest.version)
    named = {"first": first, "last": last}
    sources = (
        ((*row, True) for row in tx.stream(_STORED, named)),
        _by_orders(tx, named, programs),
        _by_events(tx, named, programs),
        _by_hand(tx, named, programs),
        _once(tx, named, programs),
    )
    by_member = groupby(merge(*sources, key=itemgetter(0)), itemgetter(0))
    for member, amounts in by_member:
        yield from _compare(member, amounts)


class _Counting:
    """Which rules each version of the program counts, and its local days."""

    def __init__(self, tx: Transaction, newest: int) -> None:
        self._programs, self._fetch = Programs(), tx.fetch
        self._newest = newest
        self.zone = self._programs.get(tx.fetch, newest).zone

    def find(self, version: int) -> Program | None:
        """The program of a version; None where rows name one that there is not."""
        return self._programs.get(self._fetch, version) if 1 <= version <= self._newest else None

    def day(self, instant: datetime) -> str:
        day: date = local_date(instant, self.zone)
        return day.isoformat()


def _by_orders(tx: Transaction, named: Any, programs: _Counting) -> Iterator[Amount]:
    for _, rows in groupby(tx.stream(_BY_ORDERS, named), itemgetter(0, 1)):
        lines = list(rows)
        member_id, _, version, placed_at, paid_at, fulfilled_at, *_ = lines[0]
        program = programs.find(version)
        if program is None:
            continue
        sold, stand = zip(*(_line(*row[6:]) for row in lines), strict=True)
        for rule_id, points in left_by_rule(stand).items():
            if points and rule_id in capped_rules(program):
                yield from _used(member_id, rule_id, programs.day(placed_at), points)
        if paid_at is not None:
            act = Act(paid_at, fulfilled_at and max(fulfilled_at, paid_at))
            yield from _brought(member_id, program, (sold, stand), act)


def _line(
    no: int, kind: str, quantity: int, paid: int, points: int, *rest: Any
) -> tuple[Line, OrderLine]:
    shares, num, den = rest
    back = Fraction(int(num), int(den)) if den else Fraction(0)
    line = OrderLine(no, quantity, paid, shares, points, returned=back)
    return Line(no, LineKind(kind), "", None, None, quantity, paid), line


def _brought(
    member_id: int, program: Program, lines: tuple[Sequence[Line], Sequence[OrderLine]], act: Act
) -> Iterator[Amount]:
    try:
        counts = bring_to_tiers(program, *lines, act)
    except KeyError:
        # A rule that its program does not have: that order is named by the proof of its lines.
        return
    for (metric_, day), amount in counts.items():
        yield member_id, metric_, day.isoformat(), amount, False


def _by_events(tx: Transaction, named: Any, programs: _Counting) -> Iterator[Amount]:
    for member_id, version, occurred_at, body, stands in tx.stream(_BY_EVENTS, named):
        program = programs.find(version)
        for rule_id, points, begins in came_alive(program, body, occurred_at) if program else ():
            assert program is not None
            if points and rule_id in capped_rules(program):
                yield from _used(member_id, rule_id, programs.day(occurred_at), points)
            if stands:
                name = earned_metric(plan_for(program).by_id[rule_id].wallet)
                yield member_id, name, programs.day(begins), points, False


def _by_hand(tx: Transaction, named: Any, programs: _Counting) -> Iterator[Amount]:
    for member_id, wallet, occurred_at, points in tx.stream(_BY_HAND, named):
        yield member_id, earned_metric(wallet), programs.day(occurred_at), points, False


def _used(member_id: int, rule_id: str, day: str, points: int) -> Iterator[Amount]:
    yield member_id, metric(CapUnit.POINTS, rule_id), day, points, False
    yield member_id, metric(CapUnit.TIMES, rule_id), day, 1, False


def _once(tx: Transaction, named: Any, programs: _Counting) -> Iterator[Amount]:
    for member_id, name, occurred_at in tx.stream(_ONCE, named):
        yield member_id, f"event:{name}", programs.day(occurred_at), 1, False


def _compare(member_id: int, amounts: Iterable[Amount]) -> Iterator[Fault]:
    stored: Counter[tuple[str, str]] = Counter()
    given: Counter[tuple[str, str]] = Counter()
    for _, name, day, amount, is_stored in amounts:
        (stored if is_stored else given)[name, day] += amount
    for name, day in sorted(stored.keys() | given.keys()):
        expected, found = given[name, day], stored[name, day]
        if expected == found:
            continue
        key = {"metric": name, "day": day}
        if (name, day) in stored:
            yield Fault(member_id, None, "member_total", key, "amount", expected, found)
        else:
            yield Fault(member_id, None, "member_total", key, ROW, expected, "missing")
