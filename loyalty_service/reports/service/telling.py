"""Tell what the ledger comes to: points by day, and what is owed in open points."""

from dataclasses import dataclass
from datetime import date, timedelta

from loyalty_service.kit.db import Transaction
from loyalty_service.members.rules import InTheFuture
from loyalty_service.program.queries import find_newest
from loyalty_service.program.rules.periods import local_date, start_of_day
from loyalty_service.program.rules.versions import NoProgram
from loyalty_service.program.service import Programs
from loyalty_service.reports import queries
from loyalty_service.reports.rules.liability import Owing, WalletOwed
from loyalty_service.reports.rules.points import By, PointsRow, Span, SpanImpossible, add_up

ONE_DAY = timedelta(days=1)
ONE_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class PointsReport:
    """Points given and taken on days of the program's zone."""

    span: Span
    time_zone: str
    rows: tuple[PointsRow, ...]


@dataclass(frozen=True, slots=True)
class LiabilityReport:
    """What was open at the end of a day of the program's zone.

    Args:
        program_version: whose value of a point was taken.
    """

    at: date
    time_zone: str
    currency: str
    program_version: int
    wallets: tuple[WalletOwed, ...]


def report_points(
    tx: Transaction, programs: Programs, by: By, first: date | None, last: date | None
) -> PointsReport:
    """Points that entries gave and took, by the day they were recorded.

    Args:
        tx: one snapshot of everything (``Database.reading``).
        first, last: days of the program's zone, both included; the first one not to come. Left
            out: up to today, from the first of the last one's month on.

    Raises:
        NoProgram, SpanImpossible: as said.

    Rule: R-91.
    """
    newest = _newest(tx)
    program = programs.get(tx.fetch, newest)
    today = local_date(tx.now(), program.zone)
    last = last or today
    first = first or last.replace(day=1)
    if first > today:
        raise SpanImpossible(
            f"The first day, {first}, is still to come: today is {today} in {program.zone.key}.",
            path="from",
            asked=str(first),
            limit=str(today),
        )
    span = Span(by, first, last)
    totals = queries.read_totals(tx, span.first, span.last, program)
    return PointsReport(span, program.zone.key, add_up(span, totals))


def report_liability(tx: Transaction, programs: Programs, at: date | None) -> LiabilityReport:
    """Open points at the end of a day by the month in which they end, and their worth.

    Args:
        tx: one snapshot of everything (``Database.reading``).
        at: a day of the program's zone; None is today, by what is recorded so far.

    Raises:
        NoProgram, InTheFuture: as said.

    Rule: R-15, R-92.
    """
    newest, now = _newest(tx), tx.now()
    program = programs.get(tx.fetch, newest)
    today = local_date(now, program.zone)
    day = at or today
    if day > today:
        raise InTheFuture(
            f"{day} is still to come: today is {today} in {program.zone.key}.",
            path="at",
            asked=str(day),
            limit=str(today),
        )
    end = start_of_day(day + ONE_DAY, program.zone) - ONE_MICROSECOND
    owing = Owing(day)
    owing.add(queries.read_open(tx, day, program))
    owing.hold(queries.read_held(tx, end, _longest_hold(tx, programs, newest), program))
    version, then = programs.in_force(tx.fetch, newest, min(end, now))
    redemption = then.redemption
    paying = {} if redemption is None else {redemption.wallet: redemption}
    return LiabilityReport(day, program.zone.key, program.currency, version, owing.told(paying))


def _newest(tx: Transaction) -> int:
    newest = find_newest(tx.fetch)
    if newest is None:
        raise NoProgram("No program has been applied yet; apply one first.")
    return newest.version


def _longest_hold(tx: Transaction, programs: Programs, newest: int) -> timedelta:
    versions = (programs.get(tx.fetch, version) for version in range(1, newest + 1))
    return timedelta(minutes=max(version.reservations.most_minutes for version in versions))
