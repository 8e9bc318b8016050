"""Routes of reports: what the ledger comes to, as JSON or CSV."""

from typing import Any

from flask import Blueprint

from loyalty_service.kit.http import Call, Reply, endpoint
from loyalty_service.kit.sheets import MEDIA_TYPE, Cell, csv_text
from loyalty_service.members.rules import InTheFuture
from loyalty_service.program.rules.versions import NoProgram
from loyalty_service.reports.rules.liability import MonthOwed, WalletOwed
from loyalty_service.reports.rules.points import By, PointsRow, SpanImpossible
from loyalty_service.reports.rules.tables import liability_table, points_table
from loyalty_service.reports.schemas import (
    LiabilityQuery,
    LiabilitySchema,
    PointsQuery,
    PointsReportSchema,
)
from loyalty_service.reports.service import report_liability, report_points

blueprint = Blueprint("reports", __name__)


@endpoint(
    blueprint,
    "GET",
    "/v1/reports/points",
    scopes=("operator",),
    query=PointsQuery,
    answers={200: PointsReportSchema},
    other_media_type=MEDIA_TYPE,
    refusals=(NoProgram, SpanImpossible),
    summary="Points given and taken, by day, month, wallet or reason",
    tags=("reports",),
)
def read_points_report(call: Call) -> Reply:
    """Sums of all members' entries by the day they were recorded, right up to this moment.

    A day that is over, and in which nobody is still writing, never changes again.
    """
    asked = call.query
    with call.parts.db.reading() as tx:
        by = By(asked.get("by", By.MONTH))
        report = report_points(tx, call.parts.programs, by, asked.get("from"), asked.get("until"))
    first, last = str(report.span.first), str(report.span.last)
    if asked.get("format") == "csv":
        return _csv(f"points-{by}-{first}-{last}", points_table(by, report.rows))
    return Reply(
        {
            "by": by,
            "first_day": first,
            "last_day": last,
            "time_zone": report.time_zone,
            "rows": [_row(by, row) for row in report.rows],
        }
    )


@endpoint(
    blueprint,
    "GET",
    "/v1/reports/liability",
    scopes=("operator",),
    query=LiabilityQuery,
    answers={200: LiabilitySchema},
    other_media_type=MEDIA_TYPE,
    refusals=(NoProgram, InTheFuture),
    summary="Open points by the month in which they end, and their worth",
    tags=("reports",),
)
def read_liability(call: Call) -> Reply:
    """What all members have in open points at the end of a day, held ones included.

    The worth is whole minor units: of a wallet rounded half up, and shared over its months so that
    they add up to it.
    """
    with call.parts.db.reading() as tx:
        report = report_liability(tx, call.parts.programs, call.query.get("at"))
    if call.query.get("format") == "csv":
        table = liability_table(report.currency, report.wallets)
        return _csv(f"liability-{report.at}", table)
    return Reply(
        {
            "at": str(report.at),
            "time_zone": report.time_zone,
            "program_version": report.program_version,
            "wallets": [_wallet(wallet, report.currency) for wallet in report.wallets],
        }
    )


def _csv(name: str, table: list[list[Cell]]) -> Reply:
    headers = {
        "Content-Type": MEDIA_TYPE,
        "Content-Disposition": f'attachment; filename="{name}.csv"',
    }
    return Reply(csv_text(table).encode(), headers=headers)


def _row(by: By, row: PointsRow) -> dict[str, Any]:
    told = {
        "wallet": row.wallet,
        "given": row.given,
        "taken": row.taken,
        "points": row.points,
        "entries": row.entries,
    }
    return told if by is By.WALLET else {str(by): row.of, **told}


def _wallet(wallet: WalletOwed, currency: str) -> dict[str, Any]:
    months = [
        {"ends": one.ends.value, "month": one.month, **_owed(one, currency)}
        for one in wallet.months
    ]
    return {"wallet": wallet.wallet, **_owed(wallet, currency), "months": months}


def _owed(owed: WalletOwed | MonthOwed, currency: str) -> dict[str, Any]:
    bucket, worth = owed.open, owed.worth_minor
    return {
        "active": bucket.active,
        "pending": bucket.pending,
        "held": bucket.held,
        "points": bucket.points,
        "worth": None if worth is None else {"amount": worth, "currency": currency},
    }
