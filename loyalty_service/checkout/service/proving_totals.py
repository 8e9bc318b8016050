"""Proves what calendar limits have used up: it is what orders and events gave, less what came
back."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

import orjson

from loyalty_service.earning.queries import capped_rules, metric
from loyalty_service.kit.db import Transaction
from loyalty_service.ledger.queries.stored import readable
from loyalty_service.ledger.rules.report import FAULTS_KEPT
from loyalty_service.ledger.rules.stored import ROW, Fault
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
SELECT h.member_id, h.program_version, <h.placed_at>, r.key,
       sum(r.value::bigint - div(r.value::bigint * l.returned_num, nullif(l.returned_den, 0)))
  FROM order_head h JOIN order_line l USING (member_id, order_no),
       jsonb_each(l.shares) w, jsonb_each_text(w.value) r
 WHERE h.member_id BETWEEN %(first)s AND %(last)s AND r.key = ANY(%(rules)s)
 GROUP BY h.member_id, h.order_no, r.key
 ORDER BY h.member_id
""")
_BY_EVENTS = readable("""
SELECT e.member_id, e.program_version, <e.occurred_at>, x.body
  FROM entry e JOIN explanation x USING (member_id, wallet, seq)
 WHERE e.source = 'event' AND e.reason = 'event' AND e.kind = 'credit'
   AND e.member_id BETWEEN %(first)s AND %(last)s AND e.rule_ids && %(rules)s
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
    """What of the sums behind calendar limits does not agree with orders and events; some of it.

    Args:
        tx: one snapshot of everything (``Database.reading``).
        member_id: only this member; None is all of them, streamed.

    Rule: R-23.
    """
    newest = find_newest(tx.fetch)
    if newest is None:
        return []
    first, last = (-(2**63), 2**63 - 1) if member_id is None else (member_id, member_id)
    programs = _Counting(tx, newest.version)
    named = {"first": first, "last": last, "rules": sorted(programs.rules)}
    sources = (
        ((*row, True) for row in tx.stream(_STORED, named)),
        _by_orders(tx, named, programs),
        _by_events(tx, named, programs),
        _once(tx, named, programs),
    )
    by_member = groupby(merge(*sources, key=itemgetter(0)), itemgetter(0))
    faults = (fault for member, amounts in by_member for fault in _compare(member, amounts))
    return list(islice(faults, FAULTS_KEPT))


class _Counting:
    """Which rules each version of the program counts, and its local days."""

    def __init__(self, tx: Transaction, newest: int) -> None:
        known = Programs()
        self._programs = {no: known.get(tx.fetch, no) for no in range(1, newest + 1)}
        self.zone = self._programs[newest].zone
        self.rules = {rule for program in self._programs.values() for rule in capped_rules(program)}

    def counts(self, version: int, rule_id: str) -> bool:
        program: Program | None = self._programs.get(version)
        return program is not None and rule_id in capped_rules(program)

    def day(self, instant: datetime) -> str:
        day: date = local_date(instant, self.zone)
        return day.isoformat()


def _by_orders(tx: Transaction, named: Any, programs: _Counting) -> Iterator[Amount]:
    for member_id, version, placed_at, rule_id, left in tx.stream(_BY_ORDERS, named):
        if left and programs.counts(version, rule_id):
            yield from _given(member_id, rule_id, programs.day(placed_at), int(left))


def _by_events(tx: Transaction, named: Any, programs: _Counting) -> Iterator[Amount]:
    for member_id, version, occurred_at, body in tx.stream(_BY_EVENTS, named):
        for rule_id, points in _explained(body):
            if points and programs.counts(version, rule_id):
                yield from _given(member_id, rule_id, programs.day(occurred_at), points)


def _explained(body: str) -> list[tuple[str, int]]:
    """What an explanation says each rule gave; nothing where it does not read.

    An explanation that was changed is named by the proof of its entry.
    """
    try:
        return [(rule["id"], int(rule["points"])) for rule in orjson.loads(body)["rules"]]
    except (ValueError, KeyError, TypeError):
        return []


def _given(member_id: int, rule_id: str, day: str, points: int) -> Iterator[Amount]:
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
            yield Fault(member_id, None, "member_total", key, ROW, "present", "missing")
